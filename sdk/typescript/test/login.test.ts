import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTION_FAILED, ColloquyError, type TokenStore, auth, createColloquy, keepInMemory, keepInStorage } from '../src/index.js';
import { PASSWORD, URL_OF_SERVER, makeUser } from './support.js';

const refused = (code: string) => (error: unknown) => error instanceof ColloquyError && error.code === code;

/** A `fetch` that counts the requests whose path ends so. */
function counting(suffix: string) {
  const counter = {
    count: 0,
    fetch: (async (url, init) => {
      if (String(url).endsWith(suffix)) counter.count += 1;
      return fetch(url, init);
    }) as typeof fetch,
  };
  return counter;
}

async function loggedIn(options: Parameters<typeof createColloquy>[0] = {}) {
  const tokens = keepInMemory();
  const user = await makeUser({ ...options, tokens });
  return { ...user, tokens };
}

async function change(tokens: TokenStore, changed: { accessToken?: string; refreshToken?: string; expiresAt?: number }) {
  const present = await tokens.get();
  assert.ok(present);
  await tokens.set({ ...present, ...changed });
}

const getMeTwentyTimes = (...clients: ReturnType<typeof createColloquy>[]) =>
  Promise.all(Array.from({ length: 20 }, (_, index) => auth.getMe(clients[index % clients.length] ?? clients[0]!)));

test('twenty calls with an expiring token share one refresh', async () => {
  const refreshes = counting('/auth/refresh');
  const { colloquy, tokens, username } = await loggedIn({ fetch: refreshes.fetch });
  await change(tokens, { expiresAt: Date.now() + 1000 });
  const users = await getMeTwentyTimes(colloquy);
  assert.deepEqual(new Set(users.map((user) => user.username)), new Set([username]));
  assert.equal(refreshes.count, 1);
});

test('twenty calls with a token that the server refuses share one refresh', async () => {
  const refreshes = counting('/auth/refresh');
  const { colloquy, tokens } = await loggedIn({ fetch: refreshes.fetch });
  await change(tokens, { accessToken: 'stale' });
  await getMeTwentyTimes(colloquy);
  assert.equal(refreshes.count, 1);
  assert.notEqual((await tokens.get())?.accessToken, 'stale');
});

test('clients that share a store and a lock, as tabs do, share one refresh', async (context) => {
  let last: Promise<unknown> = Promise.resolve();
  const locks = { request: <T>(_: string, work: () => Promise<T>) => (last = last.then(work, work)) };
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
  context.after(() => (before ? Object.defineProperty(globalThis, 'navigator', before) : Reflect.deleteProperty(globalThis, 'navigator')));
  const refreshes = counting('/auth/refresh');
  const { colloquy, tokens, again } = await loggedIn({ fetch: refreshes.fetch });
  await change(tokens, { expiresAt: 0 });
  await getMeTwentyTimes(colloquy, again({ fetch: refreshes.fetch }), again({ fetch: refreshes.fetch }));
  assert.equal(refreshes.count, 1);
});

test('a login that was ended elsewhere is over', async () => {
  const reasons: string[] = [];
  const { colloquy, tokens, again } = await loggedIn({ onLoggedOut: (reason) => reasons.push(reason.code) });
  const present = await tokens.get();
  await again({ tokens: keepInMemory(present) }).logOut();
  await assert.rejects(auth.getMe(colloquy), refused('invalid_token'));
  assert.deepEqual(reasons, ['invalid_refresh_token']);
  assert.equal(await colloquy.isLoggedIn(), false);
  await assert.rejects(auth.getMe(colloquy), refused('not_authenticated'));
});

test('a refresh that cannot reach the server keeps the login', async () => {
  let isAway = true;
  const { colloquy, tokens } = await loggedIn({
    fetch: (async (url, init) => {
      if (isAway && String(url).endsWith('/auth/refresh')) throw new TypeError('fetch failed');
      return fetch(url, init);
    }) as typeof fetch,
  });
  await change(tokens, { expiresAt: 0 });
  await assert.rejects(auth.getMe(colloquy), refused(CONNECTION_FAILED));
  assert.equal(await colloquy.isLoggedIn(), true);
  isAway = false;
  await auth.getMe(colloquy);
});

test('logging out ends the login here and at the server', async () => {
  const { colloquy, tokens } = await loggedIn();
  const present = await tokens.get();
  await colloquy.logOut();
  assert.equal(await tokens.get(), null);
  const other = createColloquy({ baseUrl: URL_OF_SERVER, tokens: keepInMemory(present) });
  await assert.rejects(auth.getMe(other), refused('invalid_token'));
  await other.logOut();
});

test('wrong credentials are told apart', async () => {
  const { colloquy, username } = await loggedIn();
  await assert.rejects(colloquy.logIn({ username, password: 'wrong' }), refused('invalid_credentials'));
  assert.equal(await colloquy.isLoggedIn(), true);
});

test('an API key needs no login, and is never refreshed', async () => {
  const refreshes = counting('/auth/refresh');
  const { colloquy, username } = await loggedIn();
  const { key, id } = await auth.createApiKey(colloquy, { name: 'CI', scopes: ['chat'] });
  const program = createColloquy({ baseUrl: URL_OF_SERVER, apiKey: key, fetch: refreshes.fetch });
  assert.equal((await auth.getMe(program)).username, username);
  await auth.revokeApiKey(colloquy, { key_id: id });
  await assert.rejects(auth.getMe(program), refused('invalid_api_key'));
  assert.equal(refreshes.count, 0);
});

test('tokens are kept in a storage, and rubbish in it is nobody', async () => {
  const map = new Map<string, string>();
  const storage = {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
    removeItem: (key: string) => void map.delete(key),
  } as Storage;
  const { colloquy, username } = await makeUser({ tokens: keepInStorage(storage) });
  const reloaded = createColloquy({ baseUrl: URL_OF_SERVER, tokens: keepInStorage(storage) });
  assert.equal((await auth.getMe(reloaded)).username, username);
  await colloquy.logOut();
  assert.equal(map.size, 0);
  for (const rubbish of ['{', '7', '{"accessToken": "x"}']) {
    map.set('colloquy.tokens', rubbish);
    assert.equal(await reloaded.isLoggedIn(), false);
  }
});

test('a new password is good at once', async () => {
  const { colloquy, username } = await loggedIn();
  await auth.changePassword(colloquy, { current_password: PASSWORD, new_password: 'countess 1852' });
  await colloquy.logIn({ username, password: 'countess 1852' });
});
