// What people read runs as it is written.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { PASSWORD, makeUser } from './support.js';

let username: string;

before(async () => {
  ({ username } = await makeUser());
});

async function run(name: string): Promise<string> {
  const env = { ...process.env, COLLOQUY_USER: username, COLLOQUY_PASSWORD: PASSWORD };
  const program = new URL(`${name}.gen.js`, import.meta.url).pathname;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env, timeout: 120_000 });
  assert.equal(stderr, '');
  return stdout;
}

test('the README, from its first line to its last', async () => {
  const output = await run('readme');
  assert.match(output, /100 %/);
  assert.match(output, /\[1\] lighthouse/);
  assert.match(output, /built by Sostratus of Cnidus.*\[1\]\n completed/s);
  assert.match(output, /404 chat_session_not_found/);
  assert.match(output, /\nada\n$/);
});

test('the example', async () => {
  assert.match(await run('example'), /document\.ready\n.*Sostratus.*\n/);
});
