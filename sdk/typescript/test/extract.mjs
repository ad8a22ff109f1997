// Makes programs of what people read: the README as one, in its order, and the example.
import { readFile, writeFile } from 'node:fs/promises';

const HERE = new URL('.', import.meta.url);
const SERVER = /'http:\/\/127\.0\.0\.1:8000'/g;

const readme = await readFile(new URL('../README.md', HERE), 'utf8');
const blocks = [...readme.matchAll(/^```ts(| browser)\n(.*?)^```$/gms)];
const join = (kind) => blocks.filter(([, found]) => found === kind).map(([, , code]) => code).join('\n');
const example = await readFile(new URL('../../../examples/ask.ts', HERE), 'utf8');

const write = (name, code) => writeFile(new URL(`${name}.gen.ts`, HERE), code.replace(SERVER, "process.env['COLLOQUY_URL'] ?? ''"));
await write('readme', join(''));
await write('browser', join(' browser'));
await write('example', example);
