// What the tests share: users, a document, and a proxy that fails on purpose.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { type Colloquy, type ColloquyOptions, type StreamEvent, auth, createColloquy, keepInMemory } from '../src/index.js';

export const URL_OF_SERVER = process.env['COLLOQUY_URL'] ?? '';
export const PASSWORD = 'lovelace 1815';
export const LIGHTHOUSE = 'The lighthouse of Alexandria was built by Sostratus of Cnidus in the third century BC.';

export const makeName = (): string => `user-${randomBytes(6).toString('hex')}`;

export interface User {
  colloquy: Colloquy;
  username: string;
  /** The same login in another client, for instance behind a proxy. */
  again(options: ColloquyOptions): Colloquy;
}

export async function makeUser(options: ColloquyOptions = {}): Promise<User> {
  const tokens = options.tokens ?? keepInMemory();
  const colloquy = createColloquy({ baseUrl: URL_OF_SERVER, ...options, tokens });
  const username = makeName();
  await auth.register(colloquy, { username, email: `${username}@example.org`, password: PASSWORD });
  await colloquy.logIn({ username, password: PASSWORD });
  return { colloquy, username, again: (other) => createColloquy({ baseUrl: URL_OF_SERVER, tokens, ...other }) };
}

export async function addDocument(colloquy: Colloquy, text = LIGHTHOUSE, name = 'lighthouse.md'): Promise<string> {
  const { results } = await colloquy.upload(new File([text], name));
  const document = results[0]?.document;
  if (!document) throw new Error('the upload failed');
  for await (const event of colloquy.follow(document.id)) {
    if (event.type === 'document.failed') throw new Error(event.document.status_detail ?? 'failed');
  }
  return document.id;
}

export const joinText = (events: StreamEvent[]): string =>
  events.map((event) => (event.type === 'answer.delta' ? event.text : '')).join('');

/** What happens to the answer on one connection, after so many of its bytes. */
export interface Fault {
  after: number;
  is: 'cut' | 'frozen';
}

export interface FaultProxy {
  url: string;
  /** How many connections were made so far. */
  readonly count: number;
  close(): void;
}

/** Pass bytes on to the server. The first connections go wrong as planned, the others do not. */
export async function startProxy(plan: Fault[]): Promise<FaultProxy> {
  const target = new URL(URL_OF_SERVER);
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((client) => {
    const fault = plan[count++];
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let left = fault?.after ?? Infinity;
    upstream.on('data', (bytes) => {
      if (left > 0) client.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0 && fault?.is === 'cut') client.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    get count() {
      return count;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
