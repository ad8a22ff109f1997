import { CONNECTION_FAILED, ColloquyError } from './errors.js';
import { type ServerEvent, readEvents } from './events.js';

export interface FollowOptions {
  signal?: AbortSignal;
  /** Called before every attempt to connect again, for instance to show it. */
  onReconnect?: (reason: ColloquyError, attempt: number) => void;
  /** How many attempts in a row may fail; 10 by default, which take about a minute. */
  maxAttempts?: number;
  /** Without a sign of life for so long a connection counts as dropped; 45 s by default. */
  silenceMs?: number;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;

/**
 * Yield the events of a stream, connecting again when it drops before its end. `open` knows where to
 * go on, and `isTemporary` which refusals pass. Whoever reads returns at the last event.
 */
export async function* followStream(
  open: () => Promise<Response>,
  isTemporary: (error: ColloquyError) => boolean,
  { signal, onReconnect, maxAttempts = 10, silenceMs = 45_000 }: FollowOptions,
): AsyncGenerator<ServerEvent, void> {
  for (let attempt = 0; ; ) {
    let reason = new ColloquyError({ code: CONNECTION_FAILED, detail: 'The stream broke off.' });
    try {
      const response = await open();
      if (response.status === 204) return;
      for await (const event of readEvents(response, silenceMs)) {
        attempt = 0;
        yield event;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Error)) throw error;
      reason = error instanceof ColloquyError ? error : ColloquyError.fromFailure(error);
      if (reason.code !== CONNECTION_FAILED && !isTemporary(reason)) throw reason;
    }
    signal?.throwIfAborted();
    attempt += 1;
    if (attempt > maxAttempts) throw reason;
    onReconnect?.(reason, attempt);
    await pause(Math.max(backOff(attempt), (reason.retryAfter ?? 0) * 1000), signal);
  }
}

/** Twice as long each time, and never the same for all who lost the same server. */
function backOff(attempt: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS) * (0.5 + Math.random() / 2);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
