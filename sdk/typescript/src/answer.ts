import { ColloquyError } from './errors.js';
import type { MessageRead, StreamEvent } from './generated/types.gen.js';
import { type FollowOptions, followStream } from './reconnecting.js';

/** How an answer is reached over the network. */
export interface AnswerRoutes {
  /** Ask; the second time it finds the same answer. Nothing where the answer is known already. */
  start?: () => Promise<Response>;
  resume(messageId: string, cursor: string | undefined): Promise<Response>;
  stop(messageId: string): Promise<MessageRead>;
}

export interface Position {
  messageId: string;
  /** Where to go on; without it, from the beginning. */
  cursor?: string | undefined;
}

/**
 * An answer while it grows: iterate over it, once. Asking begins with the first event that is
 * asked for. A connection that drops is made again, and the events go on where they were.
 *
 * The last event is `message.completed` or `error`. Leaving the loop, or the `signal`, ends the
 * reading alone: the answer goes on and is stored. `stop()` ends the answer.
 */
export class Answer implements AsyncIterable<StreamEvent> {
  /** Known from the first event on. */
  messageId: string | undefined;
  sessionId: string | undefined;
  /** Behind the last event; with `messageId` it is enough to go on after a reload. */
  cursor: string | undefined;
  #isStopped = false;
  readonly #routes: AnswerRoutes;
  readonly #events: AsyncGenerator<StreamEvent, void>;

  constructor(routes: AnswerRoutes, options: FollowOptions, position?: Position) {
    this.messageId = position?.messageId;
    this.cursor = position?.cursor;
    this.#routes = routes;
    this.#events = this.#follow(options);
  }

  [Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void> {
    return this.#events;
  }

  /** Stop the answer and keep what there is of it; the events end with its `message.completed`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.messageId !== undefined) await this.#routes.stop(this.messageId);
  }

  /** Read to the end and return the message as it is stored. Throws when it ends in an error. */
  async message(): Promise<MessageRead> {
    for await (const event of this) {
      if (event.type === 'message.completed') return event.message;
      if (event.type === 'error') throw new ColloquyError(event.problem);
    }
    throw new ColloquyError({ code: 'answer_already_read', detail: 'The events of this answer were read already.' });
  }

  async *#follow(options: FollowOptions): AsyncGenerator<StreamEvent, void> {
    if (this.#isStopped && this.messageId === undefined) return;
    const stream = followStream(() => this.#open(), (error) => this.#isTemporary(error), options);
    for await (const { id, data } of stream) {
      const event: StreamEvent = JSON.parse(data);
      if (id !== '') this.cursor = id;
      if (event.type === 'message.started') await this.#begin(event.message_id, event.session_id);
      yield event;
      if (event.type === 'message.completed' || event.type === 'error') return;
    }
  }

  #open(): Promise<Response> {
    const { start, resume } = this.#routes;
    if (this.messageId !== undefined) return resume(this.messageId, this.cursor);
    if (start === undefined) throw new TypeError('an answer without a start has a messageId');
    return start();
  }

  async #begin(messageId: string, sessionId: string): Promise<void> {
    this.messageId = messageId;
    this.sessionId = sessionId;
    if (this.#isStopped) await this.#routes.stop(messageId);
  }

  /** A refusal of the question is an answer of its own; that of a stream to come back to may pass. */
  #isTemporary(error: ColloquyError): boolean {
    return error.isFromProxy || (this.messageId !== undefined && (error.status === 429 || error.status >= 500));
  }
}
