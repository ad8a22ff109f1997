// Runs the tests against a server of their own: `colloquy serve` in a temporary folder, and the
// offline models with those that fail on purpose.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = new URL('../../../../', import.meta.url).pathname;
const PYTHON = join(ROOT, '.venv/bin/python');
const SERVE_MODELS = `
import asyncio, uvicorn
from src.llm.offline.__main__ import AnnouncingServer
from src.llm.offline.app import create_offline_app
from src.llm.offline.faults import FAULTS
from starlette.responses import Response
from starlette.routing import Route
app = create_offline_app(faults=FAULTS)
app.router.routes.insert(0, Route("/api/delete", lambda _: Response(), methods=["DELETE"]))  # What is built in stays.
asyncio.run(AnnouncingServer(uvicorn.Config(app, port=0, log_level="warning")).serve())
`;
const OURS = /^(DATABASE|QDRANT|OLLAMA|STORAGE|AUTH|DOCUMENTS|CHAT|LOG|RATE)_/;
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name)));
const ADMIN = { username: 'root', email: 'root@example.org', password: 'correct horse 1' };

async function startModels(): Promise<[ChildProcess, string]> {
  const models = spawn(PYTHON, ['-c', SERVE_MODELS], { cwd: ROOT, env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(models.stdout), 'line');
  return [models, String(line).replace('listening on ', '')];
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' && address ? address.port : 0;
}

async function startColloquy(folder: string, modelsUrl: string): Promise<[ChildProcess, string]> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...ENVIRONMENT,
    DATA_DIR: join(folder, 'data'),
    PORT: String(port),
    OLLAMA_URL: modelsUrl,
    OLLAMA_CHAT_MODEL: 'offline-chat',
    OLLAMA_EMBED_MODEL: 'offline-embed',
    AUTH_ARGON2_TIME_COST: '1',
    AUTH_ARGON2_MEMORY_KIB: '8192',
    AUTH_FIRST_ADMIN_USERNAME: ADMIN.username,
    AUTH_FIRST_ADMIN_EMAIL: ADMIN.email,
    AUTH_FIRST_ADMIN_PASSWORD: ADMIN.password,
    RATE_LIMIT_REGISTRATIONS_PER_ADDRESS: '1000',
  };
  const log = await open(join(folder, 'log'), 'a');
  const server = spawn(PYTHON, ['-m', 'src.cli', 'serve'], { cwd: ROOT, env, stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const deadline = Date.now() + 120_000;
  while (!(await fetch(`${url}/health/ready`).then((response) => response.ok, () => false))) {
    if (server.exitCode !== null || Date.now() > deadline) throw new Error('the server did not start');
    await sleep(200);
  }
  return [server, url];
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function runTests(url: string): Promise<number> {
  const folder = new URL('.', import.meta.url).pathname;
  const names = process.argv.slice(2);
  const files = (await readdir(folder)).filter(
    (file) => file.endsWith('.test.js') && (names.length === 0 || names.some((name) => file.startsWith(name))),
  );
  const env = { ...ENVIRONMENT, COLLOQUY_URL: url, COLLOQUY_ADMIN: JSON.stringify(ADMIN), COLLOQUY_ROOT: ROOT };
  const tests = spawn(process.execPath, ['--test', '--test-reporter=spec', ...files.map((file) => join(folder, file))], {
    env,
    stdio: 'inherit',
  });
  const [code] = await once(tests, 'exit');
  return Number(code ?? 1);
}

const folder = await mkdtemp(join(tmpdir(), 'colloquy-sdk-'));
let models: ChildProcess | undefined;
let server: ChildProcess | undefined;
let modelsUrl: string;
let url: string;
try {
  [models, modelsUrl] = await startModels();
  [server, url] = await startColloquy(folder, modelsUrl);
  process.exitCode = await runTests(url);
} finally {
  if (process.exitCode !== 0 && server) console.log(await readFile(join(folder, 'log'), 'utf8'));
  await stop(server);
  await stop(models);
  await rm(folder, { recursive: true, force: true });
}
