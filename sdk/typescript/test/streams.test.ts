import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, CONNECTION_FAILED, ColloquyError, type StreamEvent, chat } from '../src/index.js';
import { LIGHTHOUSE, type Fault, type User, addDocument, joinText, makeUser, startProxy } from './support.js';

const QUESTION = 'Who built the lighthouse of Alexandria, and when?';
// It says half of something, and then nothing more until it is stopped.
const ENDLESS = { query: 'Go on for ever.', model: 'fault-stall-mid', use_documents: false };
const refused = (code: string) => (error: unknown) => error instanceof ColloquyError && error.code === code;

let user: User;
const endings: (() => void)[] = [];

before(async () => {
  user = await makeUser();
  await addDocument(user.colloquy, `${LIGHTHOUSE} It stood on the island of Pharos.`);
});
after(() => endings.forEach((end) => end()));

async function behindProxy(...plan: Fault[]) {
  const proxy = await startProxy(plan);
  endings.push(proxy.close);
  return { proxy, colloquy: user.again({ baseUrl: proxy.url }) };
}

async function collect(answer: Answer): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of answer) events.push(event);
  return events;
}

function checkWhole(events: StreamEvent[]): void {
  const last = events.at(-1);
  assert.equal(last?.type, 'message.completed');
  assert.equal(last.message.status, 'completed');
  assert.match(last.message.content, /Sostratus/);
  assert.equal(joinText(events), last.message.content);
  assert.equal(events.filter((event) => event.type === 'message.started').length, 1);
  assert.equal(events.filter((event) => event.type === 'sources').length, 1);
}

test('an answer is its events in their order', async () => {
  const answer = user.colloquy.ask(QUESTION);
  const events = await collect(answer);
  checkWhole(events);
  assert.deepEqual(events.slice(0, 2).map((event) => event.type), ['message.started', 'sources']);
  assert.ok(answer.sessionId && answer.messageId && answer.cursor);
});

test('message() reads to the end', async () => {
  const message = await user.colloquy.ask({ query: QUESTION }).message();
  assert.match(message.content, /Sostratus/);
  assert.equal(message.sources.filter((source) => source.is_cited).length, 1);
});

// The head of a response is about 250 bytes, the first events 400 more, an answer.delta about 70.
for (const lengths of [[300, 900, 500, 350], [420, 1700, 300, 700], [2000, 333, 555, 777], [260, 261, 1500, 2100]]) {
  test(`an answer cut after ${lengths.join(', ')} bytes is whole`, async () => {
    const { proxy, colloquy } = await behindProxy(...lengths.map((after): Fault => ({ after, is: 'cut' })));
    let reconnections = 0;
    checkWhole(await collect(colloquy.ask(QUESTION, { onReconnect: () => (reconnections += 1) })));
    assert.ok(reconnections >= 2, `${reconnections} reconnections`);
    assert.equal(proxy.count, reconnections + 1);
  });
}

test('a question whose answer never arrived is asked once', async () => {
  const { proxy, colloquy } = await behindProxy({ after: 0, is: 'cut' }, { after: 0, is: 'cut' });
  const session = await chat.createSession(user.colloquy, { title: 'Once' });
  checkWhole(await collect(colloquy.ask({ query: QUESTION, session_id: session.id })));
  assert.equal(proxy.count, 3);
  const { items } = await chat.listMessages(user.colloquy, { session_id: session.id });
  assert.deepEqual(items.map((message) => message.role), ['user', 'assistant']);
});

test('a connection without a sign of life is made again', async () => {
  const { proxy, colloquy } = await behindProxy({ after: 900, is: 'frozen' });
  checkWhole(await collect(colloquy.ask(QUESTION, { silenceMs: 1000 })));
  assert.ok(proxy.count >= 2);
});

test('it gives up when the server stays away', async () => {
  const { proxy, colloquy } = await behindProxy();
  proxy.close();
  const attempts: number[] = [];
  const answer = colloquy.ask(QUESTION, { maxAttempts: 2, onReconnect: (_, attempt) => attempts.push(attempt) });
  await assert.rejects(collect(answer), refused(CONNECTION_FAILED));
  assert.deepEqual(attempts, [1, 2]);
});

test('a refused question is not asked again', async () => {
  const { proxy, colloquy } = await behindProxy();
  await assert.rejects(collect(colloquy.ask({ query: QUESTION, model: 'no-such-model' })), refused('model_not_found'));
  assert.equal(proxy.count, 1);
});

test('a failed model is the error at the end', async () => {
  const query = { query: QUESTION, model: 'fault-error-mid' };
  const events = await collect(user.colloquy.ask(query));
  const last = events.at(-1);
  assert.equal(last?.type, 'error');
  assert.equal(last.problem.code, 'llm_failed');
  await assert.rejects(user.colloquy.ask(query).message(), refused('llm_failed'));
});

test('stop() ends the answer and keeps what there is', async () => {
  const answer = user.colloquy.ask(ENDLESS);
  let last: StreamEvent | undefined;
  for await (const event of answer) {
    if (event.type === 'answer.delta') await answer.stop();
    last = event;
  }
  assert.equal(last?.type, 'message.completed');
  assert.equal(last.message.status, 'stopped');
  assert.equal(last.message.content, 'Half');
});

test('stop() before the first event arrived holds', async () => {
  const answer = user.colloquy.ask(ENDLESS);
  const whole = answer.message();
  await answer.stop();
  assert.equal((await whole).status, 'stopped');
});

test('an answer that is stopped before it is asked for is never asked', async () => {
  const answer = user.colloquy.ask(ENDLESS);
  await answer.stop();
  assert.deepEqual(await collect(answer), []);
  assert.equal(answer.messageId, undefined);
});

test('a signal ends the reading alone', async () => {
  const controller = new AbortController();
  const answer = user.colloquy.ask(ENDLESS, { signal: controller.signal });
  const reading = (async () => {
    for await (const event of answer) if (event.type === 'answer.delta') controller.abort();
  })();
  await assert.rejects(reading, { name: 'AbortError' });
  const message_id = answer.messageId ?? '';
  assert.equal((await chat.getMessage(user.colloquy, { message_id })).status, 'streaming');
  await chat.stopMessage(user.colloquy, { message_id });
});

test('an answer that is left goes on, and can be come back to', async () => {
  const left = user.colloquy.ask(ENDLESS);
  for await (const event of left) if (event.type === 'message.started') break;
  const messageId = left.messageId ?? '';
  const answer = user.colloquy.resume({ messageId, cursor: left.cursor });
  const types: string[] = [];
  for await (const event of answer) {
    types.push(event.type);
    if (event.type === 'answer.delta') await answer.stop();
  }
  assert.deepEqual(types, ['answer.delta', 'message.completed']);
  const again = await collect(user.colloquy.resume({ messageId }));
  assert.equal(again[0]?.type, 'message.started');
  assert.equal(joinText(again), 'Half');
  const nothing = await collect(user.colloquy.resume({ messageId, cursor: answer.cursor }));
  assert.deepEqual(nothing, []);
});

test('regenerate() answers once more, on a branch of its own', async () => {
  const first = user.colloquy.ask(QUESTION);
  await first.message();
  const { proxy, colloquy } = await behindProxy({ after: 900, is: 'cut' });
  const second = colloquy.regenerate(first.messageId ?? '');
  checkWhole(await collect(second));
  assert.equal(proxy.count, 2);
  assert.equal(second.sessionId, first.sessionId);
  assert.notEqual(second.messageId, first.messageId);
});

test('a thinking model thinks apart from its answer', async () => {
  const events = await collect(user.colloquy.ask({ query: 'Yes?', model: 'fault-thinking', use_documents: false }));
  const thoughts = events.flatMap((event) => (event.type === 'thinking.delta' ? [event.text] : []));
  assert.deepEqual(thoughts, ['Hm.']);
  assert.equal(joinText(events), 'Yes.');
});

test('a document is followed to its end through a cut', async () => {
  const { colloquy } = await behindProxy({ after: 100, is: 'cut' });
  const { results } = await user.colloquy.upload(new File(['Lovelace wrote the first program.'], 'ada.md'));
  const types: string[] = [];
  for await (const event of colloquy.follow(results[0]?.document?.id ?? '')) types.push(event.type);
  assert.equal(types.at(-1), 'document.ready');
});
