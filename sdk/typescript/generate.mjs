// Writes src/generated from the OpenAPI document: the types by openapi-ts, and one function for each
// operation, so that a bundle holds only those it calls.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { createClient } from '@hey-api/openapi-ts';

const DOCUMENT = new URL('../../docs/openapi.json', import.meta.url);
const TARGET = process.argv[2] ? pathToFileURL(process.argv[2]) : new URL('src/generated/', import.meta.url);
const HEADER = '// Written by `make sdk` from docs/openapi.json.\n\n';
const BODIES = {
  'application/json': 'json',
  'application/x-www-form-urlencoded': 'form',
  'multipart/form-data': 'multipart',
};

const pascal = (name) => name.replace(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase());
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const quote = (names) => `[${names.map((name) => `'${name}'`).join(', ')}]`;

/** The titles repeat the names that they stand beside. */
function dropTitles(node) {
  if (Array.isArray(node)) return node.map(dropTitles);
  if (node === null || typeof node !== 'object') return node;
  const entries = Object.entries(node).filter(([key, value]) => key !== 'title' || typeof value !== 'string');
  return Object.fromEntries(entries.map(([key, value]) => [key, dropTitles(value)]));
}

/** An input is one object, so no parameter may have the name of a field of the body. */
function requireDistinctNames({ operationId, parameters = [], requestBody }) {
  const { $ref, properties } = Object.values(requestBody?.content ?? {})[0]?.schema ?? {};
  const body = properties ?? document.components.schemas[$ref?.split('/').pop()]?.properties ?? {};
  const clash = parameters.find(({ name }) => name in body);
  if (clash) throw new Error(`${operationId}: ${clash.name} is both a parameter and a field of the body`);
}

function readOperation(path, method, operation) {
  const parameters = operation.parameters ?? [];
  const named = (place) => parameters.filter((parameter) => parameter.in === place);
  const [bodyType] = Object.keys(operation.requestBody?.content ?? {});
  const results = new Set(Object.values(operation.responses).flatMap((response) => Object.keys(response.content ?? {})));
  const [tag] = operation.tags;
  requireDistinctNames(operation);
  return {
    tag,
    name: camel(operation.operationId.slice(tag.length + 1)),
    type: pascal(operation.operationId),
    description: operation.description,
    method: method.toUpperCase(),
    path,
    query: named('query').map((parameter) => parameter.name),
    headers: named('header').map((parameter) => parameter.name),
    hasPath: named('path').length > 0,
    body: BODIES[bodyType],
    isBodyRequired: operation.requestBody?.required ?? false,
    isRequired: parameters.some((parameter) => parameter.required) || (operation.requestBody?.required ?? false),
    isEventStream: results.has('text/event-stream') && !results.has('application/json'),
    isFile: results.has('application/octet-stream'),
    isEmpty: !Object.entries(operation.responses).some(([status, response]) => status.startsWith('2') && response.content),
  };
}

function writeInput(operation) {
  const parts = [
    operation.hasPath && `${operation.type}Data['path']`,
    operation.query.length > 0 && `NonNullable<${operation.type}Data['query']>`,
    operation.headers.length > 0 && `NonNullable<${operation.type}Data['headers']>`,
    operation.body && (operation.isBodyRequired ? `${operation.type}Data['body']` : `NonNullable<${operation.type}Data['body']>`),
  ].filter(Boolean);
  return parts.length ? parts.join(' & ') : undefined;
}

function writeOperation(operation) {
  const input = writeInput(operation);
  const result = operation.isEmpty ? 'void' : operation.isFile ? 'Blob' : `${operation.type}Response`;
  const spec = [
    `method: '${operation.method}'`,
    `path: '${operation.path}'`,
    operation.query.length > 0 && `query: ${quote(operation.query)}`,
    operation.headers.length > 0 && `headers: ${quote(operation.headers)}`,
    operation.body && `body: '${operation.body}'`,
    operation.isFile && 'isFile: true',
  ].filter(Boolean);
  const parameters = [
    'colloquy: Caller',
    input ? `input: ${input}${operation.isRequired ? '' : ' = {}'}` : undefined,
    'options?: CallOptions',
  ].filter(Boolean);
  const comment = operation.description.split('\n').map((line) => ` * ${line}`.trimEnd()).join('\n');
  const promised = operation.isEventStream ? `AsyncGenerator<${result}, void>` : `Promise<${result}>`;
  return `/**
${comment}
 */
export const ${operation.name} = (
  ${parameters.join(',\n  ')},
): ${promised} =>
  colloquy.${operation.isEventStream ? 'stream' : 'call'}({ ${spec.join(', ')} }, ${input ? 'input' : '{}'}, options);
`;
}

function writeModule(operations) {
  const body = operations.map(writeOperation).join('\n');
  const types = [...new Set(body.match(/\b[A-Z]\w+(?:Data|Response)\b/g))].sort();
  return `${HEADER}import type { CallOptions, Caller } from '../operations.js';
import type {\n${types.map((type) => `  ${type},`).join('\n')}\n} from './types.gen.js';

${body}`;
}

const document = dropTitles(JSON.parse(await readFile(DOCUMENT, 'utf8')));
await rm(TARGET, { recursive: true, force: true });
await mkdir(TARGET, { recursive: true });
await createClient({
  input: document,
  output: { path: TARGET.pathname, entryFile: false, header: HEADER.trim() },
  logs: { level: 'silent', file: false },
  plugins: ['@hey-api/typescript'],
});

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => readOperation(path, method, operation)),
);
const tags = [...new Set(operations.map((operation) => operation.tag))];
for (const tag of tags) {
  await writeFile(new URL(`${tag}.gen.ts`, TARGET), writeModule(operations.filter((operation) => operation.tag === tag)));
}
