/** What the generated functions are made of. */

export interface Operation {
  method: string;
  path: string;
  query?: readonly string[];
  headers?: readonly string[];
  body?: 'json' | 'form' | 'multipart';
  isFile?: boolean;
}

export interface CallOptions {
  signal?: AbortSignal;
}

/** Whoever can carry out operations: what `createColloquy()` returns. */
export interface Caller {
  call<Result>(operation: Operation, input: object, options?: CallOptions): Promise<Result>;
  stream<Event>(operation: Operation, input: object, options?: CallOptions): AsyncGenerator<Event, void>;
}

export interface Call {
  path: string;
  headers: Headers;
  body: BodyInit | undefined;
}

type Fields = Record<string, unknown>;

/** Spread the fields of an input over path, query, headers and body. */
export function prepare(operation: Operation, input: object): Call {
  const left: Fields = { ...input };
  const take = (name: string): unknown => {
    const value = left[name];
    delete left[name];
    return value;
  };
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(take(name))));
  const query = new URLSearchParams(listPairs(operation.query ?? [], take));
  const headers = new Headers(listPairs(operation.headers ?? [], take));
  // The browser names the boundary of a form with files.
  if (operation.body === 'json') headers.set('Content-Type', 'application/json');
  return { path: query.size ? `${path}?${query}` : path, headers, body: encodeBody(operation.body, left) };
}

function listPairs(names: readonly string[], take: (name: string) => unknown): [string, string][] {
  return names.flatMap((name) =>
    [take(name)]
      .flat()
      .filter((value) => value !== undefined && value !== null)
      .map((value): [string, string] => [name, String(value)]),
  );
}

function encodeBody(kind: Operation['body'], fields: Fields): BodyInit | undefined {
  if (kind === 'json') return JSON.stringify(fields);
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().filter((item) => item !== undefined && item !== null).map((item) => [name, item] as const),
  );
  if (kind === 'form') return new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]));
  if (kind === undefined) return undefined;
  const form = new FormData();
  for (const [name, value] of pairs) value instanceof Blob ? form.append(name, value) : form.append(name, String(value));
  return form;
}
