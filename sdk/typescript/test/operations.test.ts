// Calls every operation of the OpenAPI document with success.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import {
  type Colloquy,
  ColloquyError,
  auth,
  chat,
  createColloquy,
  documents,
  health,
  iterate,
  llm,
  openai,
} from '../src/index.js';
import { PASSWORD, URL_OF_SERVER, addDocument, makeName, makeUser } from './support.js';

interface Described {
  operationId: string;
}

const ROOT = process.env['COLLOQUY_ROOT'] ?? '';
const document: { paths: Record<string, Record<string, Described>> } = JSON.parse(
  await readFile(`${ROOT}/docs/openapi.json`, 'utf8'),
);
const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId }]) => ({
    operationId,
    method: method.toUpperCase(),
    // What is fixed goes before what is a parameter, as it does in the server.
    isFixed: !path.includes('{'),
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
  })),
).sort((a, b) => Number(b.isFixed) - Number(a.isFixed));

const succeeded = new Set<string>();

const recordingFetch: typeof fetch = async (url, init) => {
  const response = await fetch(url, init);
  const { pathname } = new URL(String(url));
  const found = OPERATIONS.find(({ method, pattern }) => method === init?.method && pattern.test(pathname));
  if (response.ok && found) succeeded.add(found.operationId);
  return response;
};

let user: Colloquy;
let admin: Colloquy;
let document_id: string;

before(async () => {
  user = (await makeUser({ fetch: recordingFetch })).colloquy;
  admin = createColloquy({ baseUrl: URL_OF_SERVER, fetch: recordingFetch });
  await admin.logIn(JSON.parse(process.env['COLLOQUY_ADMIN'] ?? ''));
  document_id = await addDocument(user);
});

after(() => {
  const missing = OPERATIONS.map(({ operationId }) => operationId).filter((id) => !succeeded.has(id));
  assert.deepEqual(missing, [], 'operations that no test calls');
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('health', async () => {
  assert.equal((await health.checkLive(user)).status, 'live');
  assert.equal((await health.checkReady(user)).database.is_embedded, true);
  assert.equal((await health.checkStartup(user)).status, 'started');
});

test('an account', async () => {
  const { colloquy } = await makeUser({ fetch: recordingFetch });
  const username = makeName();
  const me = await auth.updateMe(colloquy, { username });
  assert.equal((await auth.getMe(colloquy)).username, me.username);
  assert.ok((await auth.listEvents(colloquy, { limit: 2 })).items.length === 2);
  await auth.changePassword(colloquy, { current_password: PASSWORD, new_password: 'countess 1852' });
  await colloquy.logIn({ username, password: 'countess 1852' });
  const logins = await collect(iterate(auth.listLogins, colloquy, { limit: 1 }));
  assert.equal(logins.length, 2);
  const other = logins.find((login) => !login.is_current);
  await auth.revokeLogin(colloquy, { login_id: other?.id ?? '' });
  const { key, ...created } = await auth.createApiKey(colloquy, { name: 'CI', scopes: ['chat', 'llm'] });
  const [listed] = (await auth.listApiKeys(colloquy)).items;
  assert.deepEqual(listed, created);
  assert.ok(key.startsWith(created.prefix));
  await auth.revokeApiKey(colloquy, { key_id: created.id });
  await colloquy.logOut();
  const { access_token, refresh_token } = await auth.logIn(colloquy, { username, password: 'countess 1852' });
  assert.notEqual((await auth.refresh(colloquy, { refresh_token })).access_token, access_token);
  await colloquy.logIn({ username, password: 'countess 1852' });
  await auth.logOutEverywhere(colloquy);
  await colloquy.logIn({ username, password: 'countess 1852' });
  await auth.deleteMe(colloquy, { current_password: 'countess 1852' });
});

test('the accounts of others', async () => {
  const username = makeName();
  const account = { username, email: `${username}@example.org`, password: PASSWORD };
  const { id: user_id } = await auth.createUser(admin, account);
  assert.equal((await auth.updateUser(admin, { user_id, role: 'admin' })).role, 'admin');
  assert.equal((await auth.getUser(admin, { user_id })).username, username);
  assert.ok((await auth.listUsers(admin)).items.length > 1);
  assert.deepEqual((await auth.listUserEvents(admin, { user_id })).items.map((event) => event.kind), ['user_changed', 'user_created']);
  assert.ok((await auth.listAllEvents(admin)).items.length > 1);
  await auth.deleteUser(admin, { user_id });
});

test('documents', async () => {
  const file = new File(['The moon is a harsh mistress.'], 'moon.md');
  const { results } = await documents.uploadDocuments(user, { files: [file], title: 'Moon', tags: ['sky', 'night'] });
  const id = results[0]?.document?.id ?? '';
  const events = await collect(documents.followDocument(user, { document_id: id }));
  assert.equal(events.at(-1)?.type, 'document.ready');
  assert.equal((await documents.updateDocument(user, { document_id: id, tags: ['sky'] })).title, 'Moon');
  assert.deepEqual((await documents.getDocument(user, { document_id: id })).tags, ['sky']);
  const titles = (await collect(iterate(documents.listDocuments, user, { limit: 1, sort: 'title' }))).map(({ title }) => title);
  assert.deepEqual(titles.sort(), ['Moon', 'lighthouse']);
  assert.equal((await documents.listDocuments(user, { tags: ['sky', 'sea'] })).items.length, 1);
  const { passages } = await documents.searchDocuments(user, { query: 'harsh mistress', limit: 1 });
  assert.equal(passages[0]?.document_id, id);
  assert.match((await documents.listChunks(user, { document_id: id })).items[0]?.text ?? '', /moon/);
  const blob = await documents.downloadDocument(user, { document_id: id });
  assert.equal(await blob.text(), 'The moon is a harsh mistress.');
  const part = await documents.downloadDocument(user, { document_id: id, Range: 'bytes=4-7' });
  assert.equal(await part.text(), 'moon');
  assert.ok((await documents.getUsage(user)).documents >= 2);
  assert.ok((await documents.listFormats(user)).formats.length > 10);
  assert.equal((await documents.reprocessDocument(user, { document_id: id })).id, id);
  await documents.deleteDocument(user, { document_id: id });
});

test('chats', async () => {
  const { id: session_id } = await chat.createSession(user, { title: 'Lighthouses' });
  const query = { query: 'Who built the lighthouse?', session_id };
  const { message_id, sources } = await chat.ask(user, query);
  assert.equal(sources[0]?.document_id, document_id);
  const events = await collect(chat.askStream(user, query));
  assert.equal(events.at(-1)?.type, 'message.completed');
  assert.equal((await chat.getMessage(user, { message_id })).role, 'assistant');
  const rest = await collect(chat.resumeStream(user, { message_id, 'Last-Event-ID': 1 }));
  assert.equal(rest[0]?.type, 'answer.delta');
  assert.equal((await chat.stopMessage(user, { message_id })).status, 'completed');
  assert.notEqual((await chat.regenerateMessage(user, { message_id })).message_id, message_id);
  assert.equal((await chat.setFeedback(user, { message_id, rating: 'up' })).rating, 'up');
  await chat.deleteFeedback(user, { message_id });
  assert.equal((await chat.updateSession(user, { session_id, title: 'Towers' })).title, 'Towers');
  assert.equal((await chat.getSession(user, { session_id })).title, 'Towers');
  assert.equal((await chat.listSessions(user)).items[0]?.id, session_id);
  assert.equal((await chat.listMessages(user, { session_id, leaf: message_id })).items.length, 2);
  const exported = await chat.exportSession(user, { session_id });
  assert.ok(typeof exported === 'object' && exported.session.title === 'Towers');
  assert.match(String(await chat.exportSession(user, { session_id, format: 'markdown' })), /^# Towers/);
  assert.ok((await chat.searchMessages(user, { q: 'lighthouse' })).items.length > 0);
  await chat.deleteSession(user, { session_id });
});

test('models', async () => {
  const names = (await llm.listModels(user)).items.map((model) => model.name);
  assert.ok(names.includes('offline-chat:latest'));
  assert.equal((await llm.getModel(user, { name: 'offline-chat' })).is_default, true);
  assert.equal((await llm.getStatus(user)).is_ready, true);
  const { vectors } = await llm.createEmbeddings(user, { texts: ['one', 'two'] });
  assert.equal(vectors.length, 2);
  assert.ok((await llm.listUsage(user)).tokens_today > 0);
  const pulls = await collect(llm.pullModel(admin, { model: 'fault-403' }));
  assert.ok(pulls.length > 0);
  await llm.deleteModel(admin, { name: 'fault-403' });
});

test('the API of OpenAI', async () => {
  const messages = [{ role: 'user' as const, content: 'Who built the lighthouse?' }];
  const completion = await openai.createChatCompletion(user, { model: '@docs', messages });
  assert.match(completion.choices[0]?.message.content ?? '', /Sostratus/);
  assert.ok((await openai.createCompletion(user, { model: 'offline-chat', prompt: 'Hello' })).choices.length === 1);
  assert.equal((await openai.createResponse(user, { model: '@docs', input: 'Who built the lighthouse?' })).status, 'completed');
  assert.equal((await openai.createEmbedding(user, { model: 'offline-embed', input: 'one' })).data.length, 1);
  assert.ok((await openai.listModels(user)).data.length > 0);
  assert.equal((await openai.getModel(user, { name: 'offline-chat' })).object, 'model');
});

test('an error says what is wrong', async () => {
  const failed = (error: unknown): ColloquyError => {
    assert.ok(error instanceof ColloquyError);
    return error;
  };
  const missing = await documents.getDocument(user, { document_id: crypto.randomUUID() }).catch(failed);
  assert.ok(missing instanceof ColloquyError);
  assert.deepEqual([missing.status, missing.code, missing.fields], [404, 'document_not_found', []]);
  assert.match(missing.requestId ?? '', /^[0-9a-f]{32}$/);
  const invalid = await chat.ask(user, { query: '' }).catch(failed);
  assert.ok(invalid instanceof ColloquyError);
  assert.deepEqual(invalid.fields.map(({ location }) => location), ['body.query']);
  const foreign = await openai.createChatCompletion(user, { model: 'none', messages: [] }).catch(failed);
  assert.ok(foreign instanceof ColloquyError);
  assert.equal(foreign.status, 400);
  assert.notEqual(foreign.code, 'http_400');
});

test('a call can be aborted', async () => {
  await assert.rejects(auth.getMe(user, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  const controller = new AbortController();
  const call = chat.ask(user, { query: 'For ever?', model: 'fault-stall-mid', use_documents: false }, { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { name: 'AbortError' });
});

test('an answer of something else than Colloquy is told apart', async () => {
  const answering = (body: string, status: number, headers = {}) =>
    createColloquy({ baseUrl: 'http://proxy.invalid', apiKey: 'x', fetch: async () => new Response(body, { status, headers }) });
  const proxy = answering('<h1>Bad gateway</h1>', 502);
  await assert.rejects(auth.getMe(proxy), (error) => error instanceof ColloquyError && error.isFromProxy && error.code === 'http_502');
  const busy = answering('{"code": "llm_busy", "detail": "Busy.", "status": 503}', 503, { 'Retry-After': '7' });
  await assert.rejects(auth.getMe(busy), (error) => error instanceof ColloquyError && error.retryAfter === 7 && !error.isFromProxy);
});
