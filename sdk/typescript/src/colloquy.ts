import { Answer, type Position } from './answer.js';
import { ColloquyError } from './errors.js';
import { readEvents } from './events.js';
import { logIn, logOut, refresh } from './generated/auth.gen.js';
import { stopMessage } from './generated/chat.gen.js';
import type {
  DocumentEvent,
  LoginForm,
  QueryCreate,
  RegenerateCreate,
  UploadRead,
} from './generated/types.gen.js';
import { type CallOptions, type Caller, type Operation, prepare } from './operations.js';
import { type FollowOptions, followStream } from './reconnecting.js';
import { Login, type TokenStore, keepInMemory, readTokens } from './tokens.js';
import { type Progress, type Transport, reportProgress } from './transport.js';

export interface ColloquyOptions {
  /** Where the server is, such as `https://chat.example.org`; left out, the origin of the page. */
  baseUrl?: string;
  /** Instead of logging in, for programs. */
  apiKey?: string;
  /** Where the tokens of a login are kept; in memory by default. */
  tokens?: TokenStore;
  /** Called when the login has ended for good, for instance to show the form again. */
  onLoggedOut?: (reason: ColloquyError) => void;
  fetch?: typeof globalThis.fetch;
}

export interface AskOptions extends FollowOptions {
  /** Your name for the question: asked twice under the same name, it is answered once. */
  idempotencyKey?: string;
}

export interface UploadOptions extends CallOptions {
  /** For an upload of one file; else the file name. */
  title?: string;
  description?: string;
  tags?: readonly string[];
  onProgress?: (progress: Progress) => void;
  /** Your name for the upload: a retry under the same name gets the first answer. */
  idempotencyKey?: string;
}

interface Sent {
  method: string;
  path: string;
  headers?: Headers;
  body?: BodyInit | undefined;
  signal?: AbortSignal | undefined;
  transport?: Transport;
  isAnonymous?: boolean;
}

/** One server and whoever is logged in to it. Give it to the functions of the API. */
export class Colloquy implements Caller {
  readonly #baseUrl: string;
  readonly #apiKey: string | undefined;
  readonly #fetch: Transport;
  readonly #login: Login;

  constructor(options: ColloquyOptions = {}) {
    this.#baseUrl = (options.baseUrl ?? '').replace(/\/+$/, '');
    this.#apiKey = options.apiKey;
    this.#fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
    this.#login = new Login(
      options.tokens ?? keepInMemory(),
      (refresh_token) => refresh(this.#anonymous, { refresh_token }),
      options.onLoggedOut ?? (() => undefined),
      `colloquy.refresh ${this.#baseUrl}`,
    );
  }

  /** Log in with a user name or an email address; from then on every call is yours. */
  async logIn(form: LoginForm, options?: CallOptions): Promise<void> {
    await this.#login.store.set(readTokens(await logIn(this.#anonymous, form, options)));
  }

  /** End the login. The tokens are forgotten, also where the server cannot be told. */
  async logOut(options?: CallOptions): Promise<void> {
    try {
      await logOut(this, options);
    } catch (error) {
      if (!(error instanceof ColloquyError) || error.status !== 401) throw error;
    } finally {
      await this.#login.store.set(null);
    }
  }

  /** Whether there is a login or an API key; the server may have ended it meanwhile. */
  async isLoggedIn(): Promise<boolean> {
    return this.#apiKey !== undefined || (await this.#login.store.get()) !== null;
  }

  /** Ask a question and follow its answer. */
  ask(question: string | QueryCreate, options: AskOptions = {}): Answer {
    const query = typeof question === 'string' ? { query: question } : question;
    return this.#answer('/api/v1/chat/query/stream', query, options);
  }

  /** Answer the same question once more, beside the answers that it has. */
  regenerate(messageId: string, change: RegenerateCreate = {}, options: AskOptions = {}): Answer {
    return this.#answer(`/api/v1/chat/messages/${encodeURIComponent(messageId)}/regenerate`, change, options);
  }

  /** Come back to an answer, for instance after a reload; one that is over is told once more. */
  resume(position: Position, options: FollowOptions = {}): Answer {
    return new Answer(this.#answerRoutes(options.signal), options, position);
  }

  /** Follow a document until it is ready, has failed or is deleted. */
  async *follow(documentId: string, options: FollowOptions = {}): AsyncGenerator<DocumentEvent, void> {
    const path = `/api/v1/documents/${encodeURIComponent(documentId)}/events`;
    const open = () => this.#send({ method: 'GET', path, signal: options.signal });
    const isTemporary = (error: ColloquyError) => error.status === 429 || error.status >= 500;
    for await (const { data } of followStream(open, isTemporary, options)) {
      const event: DocumentEvent = JSON.parse(data);
      yield event;
      if (event.type !== 'document.progress') return;
    }
  }

  /** Upload one file or many, with progress. They are searchable once they are `ready`. */
  async upload(files: File | Iterable<File>, options: UploadOptions = {}): Promise<UploadRead> {
    const { title, description, tags, onProgress, signal, idempotencyKey } = options;
    const list = files instanceof Blob ? [files] : [...files];
    const { body, headers } = prepare(
      { method: 'POST', path: '', headers: ['Idempotency-Key'], body: 'multipart' },
      { 'Idempotency-Key': idempotencyKey, title, description, tags, files: list },
    );
    const transport = onProgress ? reportProgress(this.#fetch, onProgress) : this.#fetch;
    const response = await this.#send({ method: 'POST', path: '/api/v1/documents', headers, body, signal, transport });
    return readResult(response);
  }

  async call<Result>(operation: Operation, input: object, options: CallOptions = {}): Promise<Result> {
    const response = await this.#send({ ...prepare(operation, input), method: operation.method, ...options });
    return operation.isFile ? ((await response.blob().catch(fail)) as Result) : readResult(response);
  }

  async *stream<Event>(operation: Operation, input: object, options: CallOptions = {}): AsyncGenerator<Event, void> {
    const response = await this.#send({ ...prepare(operation, input), method: operation.method, ...options });
    for await (const { data } of readEvents(response)) yield JSON.parse(data);
  }

  /** For what needs no login, and must not wait for one. */
  get #anonymous(): Caller {
    return {
      call: async (operation, input, options) =>
        readResult(await this.#send({ ...prepare(operation, input), method: operation.method, ...options, isAnonymous: true })),
      stream: (operation, input, options) => this.stream(operation, input, options),
    };
  }

  #answer(path: string, body: object, options: AskOptions): Answer {
    const headers = new Headers({
      'Content-Type': 'application/json',
      Accept: 'text/event-stream',
      'Idempotency-Key': options.idempotencyKey ?? makeKey(),
    });
    const sent = { method: 'POST', path, headers, body: JSON.stringify(body), signal: options.signal };
    return new Answer({ ...this.#answerRoutes(options.signal), start: () => this.#send(sent) }, options);
  }

  #answerRoutes(signal: AbortSignal | undefined) {
    return {
      resume: (messageId: string, cursor: string | undefined) => {
        const path = `/api/v1/chat/messages/${encodeURIComponent(messageId)}/stream`;
        const headers = new Headers(cursor === undefined ? {} : { 'Last-Event-ID': cursor });
        return this.#send({ method: 'GET', path, headers, signal });
      },
      stop: (message_id: string) => stopMessage(this, { message_id }),
    };
  }

  /** Send a request as whoever is logged in, once more if its token turns out to be stale. */
  async #send(sent: Sent): Promise<Response> {
    const token = sent.isAnonymous ? null : (this.#apiKey ?? (await this.#login.getAccessToken()));
    try {
      return await this.#sendWith(token, sent);
    } catch (error) {
      if (token === null || this.#apiKey !== undefined || !isStale(error)) throw error;
      const fresh = await this.#login.replace(token);
      if (fresh === null) throw error;
      return this.#sendWith(fresh, sent);
    }
  }

  async #sendWith(token: string | null, sent: Sent): Promise<Response> {
    const { method, path, body, signal, transport = this.#fetch } = sent;
    signal?.throwIfAborted();
    const headers = new Headers(sent.headers);
    if (token !== null) headers.set('Authorization', `Bearer ${token}`);
    const init: RequestInit = { method, headers, body: body ?? null, signal: signal ?? null };
    const response = await transport(this.#baseUrl + path, init).catch(fail);
    if (response.ok || response.status === 304) return response;
    throw await ColloquyError.fromResponse(response);
  }
}

export function createColloquy(options?: ColloquyOptions): Colloquy {
  return new Colloquy(options);
}

function isStale(error: unknown): boolean {
  return error instanceof ColloquyError && error.status === 401 && error.code === 'invalid_token';
}

/** Read JSON, or text where that was asked for; nothing where there is nothing. */
async function readResult<Result>(response: Response): Promise<Result> {
  const isJSON = response.headers.get('Content-Type')?.includes('json');
  const text = await response.text().catch(fail);
  return isJSON && text !== '' ? JSON.parse(text) : (text as Result);
}

/** What was cut off is a connection that failed; what was aborted stays what it is. */
function fail(cause: Error): never {
  throw cause instanceof TypeError ? ColloquyError.fromFailure(cause) : cause;
}

/** `crypto.randomUUID` is for secure origins alone. */
function makeKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
