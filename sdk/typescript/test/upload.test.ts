import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ColloquyError, type Progress, documents, keepInMemory } from '../src/index.js';
import { type User, makeUser } from './support.js';

let user: User;

before(async () => {
  user = await makeUser();
});

test('an upload tells how far it is', async () => {
  const steps: Progress[] = [];
  const size = 3_000_000;
  const { results } = await user.colloquy.upload([new File(['word '.repeat(size / 5)], 'long.txt'), new File(['short'], 'short.txt')], {
    tags: ['a', 'b'],
    description: 'Two files',
    onProgress: (step) => steps.push(step),
  });
  assert.deepEqual(results.map((result) => result.document?.filename), ['long.txt', 'short.txt']);
  assert.deepEqual(results[0]?.document?.tags, ['a', 'b']);
  assert.equal(results[1]?.document?.description, 'Two files');
  const loaded = steps.map((step) => step.loaded);
  assert.ok(steps.length > 5);
  assert.deepEqual(loaded, loaded.toSorted((a, b) => a - b));
  assert.deepEqual(steps.at(-1), { loaded: size + 5, total: size + 5 });
});

test('an upload that is aborted leaves nothing', async () => {
  const controller = new AbortController();
  const file = new File([new Uint8Array(20_000_000).fill(97)], 'aborted.txt');
  const upload = user.colloquy.upload(file, {
    signal: controller.signal,
    onProgress: ({ loaded, total }) => loaded > total / 4 && controller.abort(),
  });
  await assert.rejects(upload, { name: 'AbortError' });
  const { items } = await documents.listDocuments(user.colloquy, { q: 'aborted' });
  assert.deepEqual(items, []);
});

test('an upload that is aborted before it begins sends nothing', async () => {
  const upload = user.colloquy.upload(new File(['x'], 'never.txt'), { signal: AbortSignal.abort() });
  await assert.rejects(upload, { name: 'AbortError' });
});

test('of several files each succeeds or fails on its own', async () => {
  const { results } = await user.colloquy.upload([new File(['fine'], 'fine.txt'), new File([], 'empty.txt')]);
  assert.equal(results[0]?.document?.filename, 'fine.txt');
  assert.equal(results[1]?.error?.code, 'file_empty');
});

test('when no file is good the upload is refused', async () => {
  await assert.rejects(
    user.colloquy.upload(new File([], 'empty.txt'), { onProgress: () => undefined }),
    (error) => error instanceof ColloquyError && error.code === 'file_empty' && error.status === 422,
  );
});

test('a retry under the same key gets the first answer', async () => {
  const upload = () => user.colloquy.upload(new File(['once'], 'once.txt'), { idempotencyKey: 'once', title: 'Once' });
  const [first, second] = [await upload(), await upload()];
  assert.equal(first.results[0]?.document?.title, 'Once');
  assert.deepEqual(second.results[0]?.document?.id, first.results[0]?.document?.id);
});

test('an upload goes on after its token was refused', async () => {
  const tokens = keepInMemory();
  const { colloquy } = await makeUser({ tokens });
  const present = await tokens.get();
  assert.ok(present);
  await tokens.set({ ...present, accessToken: 'stale' });
  const { results } = await colloquy.upload(new File(['late'], 'late.txt'), { onProgress: () => undefined });
  assert.equal(results[0]?.document?.filename, 'late.txt');
});
