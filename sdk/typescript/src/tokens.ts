import { ColloquyError } from './errors.js';
import type { TokenRead } from './generated/types.gen.js';

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Where the tokens of a login are kept; null is nobody. It is asked before every request. */
export interface TokenStore {
  get(): Tokens | null | Promise<Tokens | null>;
  set(tokens: Tokens | null): void | Promise<void>;
}

/** Keep the tokens for as long as the page or program lives. */
export function keepInMemory(tokens: Tokens | null = null): TokenStore {
  return {
    get: () => tokens,
    set: (changed) => {
      tokens = changed;
    },
  };
}

/** Keep the tokens in `localStorage`, for every tab and after a reload, or in `sessionStorage`. */
export function keepInStorage(storage: Storage = localStorage, key = 'colloquy.tokens'): TokenStore {
  return {
    get: () => parseTokens(storage.getItem(key)),
    set: (tokens) => (tokens ? storage.setItem(key, JSON.stringify(tokens)) : storage.removeItem(key)),
  };
}

function parseTokens(text: string | null): Tokens | null {
  try {
    const tokens: Partial<Tokens> | null = JSON.parse(text ?? 'null');
    if (!tokens?.accessToken || !tokens.refreshToken) return null;
    return { accessToken: tokens.accessToken, refreshToken: tokens.refreshToken, expiresAt: tokens.expiresAt ?? 0 };
  } catch {
    return null;
  }
}

export function readTokens(read: TokenRead): Tokens {
  const expiresAt = Date.now() + read.expires_in * 1000;
  return { accessToken: read.access_token, refreshToken: read.refresh_token, expiresAt };
}

/** A token that lasts less long than a request may travel is refreshed before it is sent. */
const MARGIN_MS = 30_000;

/**
 * The tokens of one login. A refresh token is good for one use, so whatever asks at the same time
 * shares one refresh: the calls of this client, and the tabs of a browser by a Web Lock.
 */
export class Login {
  readonly store: TokenStore;
  readonly #exchange: (refreshToken: string) => Promise<TokenRead>;
  readonly #onEnd: (reason: ColloquyError) => void;
  readonly #lock: string;
  #refreshing: Promise<string | null> | undefined;

  constructor(
    store: TokenStore,
    exchange: (refreshToken: string) => Promise<TokenRead>,
    onEnd: (reason: ColloquyError) => void,
    lock: string,
  ) {
    this.store = store;
    this.#exchange = exchange;
    this.#onEnd = onEnd;
    this.#lock = lock;
  }

  /** Return a token that is good for now, or null when nobody is logged in. */
  async getAccessToken(): Promise<string | null> {
    const tokens = await this.store.get();
    if (tokens === null) return null;
    return tokens.expiresAt - MARGIN_MS > Date.now() ? tokens.accessToken : this.replace(tokens.accessToken);
  }

  /** Return another token than this one, which is stale, or null when the login has ended. */
  replace(stale: string): Promise<string | null> {
    this.#refreshing ??= this.#locked(() => this.#refresh(stale)).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(stale: string): Promise<string | null> {
    const tokens = await this.store.get();
    // Somebody else was faster: another call, or another tab.
    if (tokens?.accessToken !== stale) return tokens?.accessToken ?? null;
    try {
      const fresh = readTokens(await this.#exchange(tokens.refreshToken));
      await this.store.set(fresh);
      return fresh.accessToken;
    } catch (error) {
      if (!(error instanceof ColloquyError) || error.status !== 401) throw error;
      await this.store.set(null);
      this.#onEnd(error);
      return null;
    }
  }

  async #locked<Result>(refresh: () => Promise<Result>): Promise<Result> {
    const locks = globalThis.navigator?.locks as LockManager | undefined; // Only on secure origins.
    return locks ? await locks.request(this.#lock, refresh) : refresh();
  }
}
