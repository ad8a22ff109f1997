import type { ErrorCode, FieldProblem, Problem } from './generated/types.gen.js';

/** No answer came: the network, or the server is away. */
export const CONNECTION_FAILED = 'connection_failed';

/** What the API refused or could not do; switch on `code`. `status` 0 is a connection that failed. */
export class ColloquyError extends Error {
  override readonly name = 'ColloquyError';
  readonly status: number;
  /** One of the server's, also of a newer one; `connection_failed`; `http_502` and the like from a proxy. */
  readonly code: ErrorCode | (string & {});
  /** Which fields of the request are not valid, where it is about fields. */
  readonly fields: readonly FieldProblem[];
  /** Quote it when you report the problem. */
  readonly requestId: string | undefined;
  /** Seconds to wait before another attempt, when the server says so. */
  readonly retryAfter: number | undefined;

  constructor(problem: Partial<Problem> & { code: string }, retryAfter?: number, cause?: Error) {
    super(problem.detail ?? problem.title ?? problem.code, cause && { cause });
    this.status = problem.status ?? 0;
    this.code = problem.code;
    this.fields = problem.errors ?? [];
    this.requestId = problem.request_id ?? undefined;
    this.retryAfter = retryAfter;
  }

  static async fromResponse(response: Response): Promise<ColloquyError> {
    const { status, statusText } = response;
    const problem = readProblem(await response.text().catch(() => ''));
    const retryAfter = Number(response.headers.get('Retry-After') ?? NaN);
    return new ColloquyError(
      { code: `http_${status}`, detail: statusText || `The server answered ${status}.`, ...problem, status },
      Number.isNaN(retryAfter) ? undefined : retryAfter,
    );
  }

  static fromFailure(cause: Error): ColloquyError {
    return new ColloquyError({ code: CONNECTION_FAILED, detail: 'The server cannot be reached.' }, undefined, cause);
  }

  /** Whether a proxy answered in the place of a server that is away. */
  get isFromProxy(): boolean {
    return [502, 503, 504].includes(this.status) && this.code === `http_${this.status}`;
  }
}

/** Read a problem (RFC 9457), or an error in OpenAI's shape; nothing for a page of a proxy. */
function readProblem(text: string): Partial<Problem> & { code?: string } {
  let body: Partial<Problem> & { error?: { code?: string | null; message?: string } };
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    return {};
  }
  if (body.error === undefined) return typeof body.code === 'string' ? body : {};
  const { code, message } = body.error;
  return { ...(code && { code }), ...(message && { detail: message }) };
}
