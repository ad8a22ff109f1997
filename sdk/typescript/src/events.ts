/** Reads server-sent events (WHATWG HTML, section 9.2). */

export interface ServerEvent {
  /** The last id so far; empty before the first. */
  id: string;
  data: string;
}

/** Takes text as it arrives, cut anywhere, and gives back the events that are whole. */
export class EventParser {
  #rest = '';
  #id = '';
  #data: string[] = [];

  push(text: string): ServerEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#read(line) ?? []);
  }

  #read(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'data') this.#data.push(value ?? '');
    if (field === 'id' && !value?.includes('\0')) this.#id = value ?? '';
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    if (this.#data.length === 0) return undefined;
    const event = { id: this.#id, data: this.#data.join('\n') };
    this.#data = [];
    return event;
  }
}

/**
 * Yield the events of a response. It ends when the connection does, or when nothing, not even a
 * ping, came for `silenceMs`; the connection is closed when the reader leaves.
 */
export async function* readEvents(response: Response, silenceMs = Infinity): AsyncGenerator<ServerEvent, void> {
  if (response.body === null) return;
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const bytes = await readOrGiveUp(reader, silenceMs);
      if (bytes === undefined) return;
      yield* parser.push(decoder.decode(bytes, { stream: true }));
    }
  } finally {
    // It may have failed already, and whoever cancels does not care.
    reader.cancel().catch(() => undefined);
  }
}

async function readOrGiveUp(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  silenceMs: number,
): Promise<Uint8Array | undefined> {
  if (silenceMs === Infinity) return (await reader.read()).value;
  // A pending read of a reader that is cancelled is over.
  const timer = setTimeout(() => reader.cancel().catch(() => undefined), silenceMs);
  try {
    return (await reader.read()).value;
  } finally {
    clearTimeout(timer);
  }
}
