import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser, readEvents } from '../src/events.js';

const TEXT = ': ping\n\nevent: a\nid: 1\ndata: {"x": "ö"}\n\ndata: two\ndata: lines\n\nid: 2\ndata:bare\n\ndata: cut';
const EVENTS = [
  { id: '1', data: '{"x": "ö"}' },
  { id: '1', data: 'two\nlines' },
  { id: '2', data: 'bare' },
];

for (const newline of ['\n', '\r\n', '\r']) {
  test(`events are the same wherever they are cut, with ${JSON.stringify(newline)}`, () => {
    const text = TEXT.replaceAll('\n', newline);
    for (let size = 1; size <= text.length; size += 1) {
      const parser = new EventParser();
      const events = [];
      for (let start = 0; start < text.length; start += size) events.push(...parser.push(text.slice(start, start + size)));
      assert.deepEqual(events, EVENTS, `in pieces of ${size}`);
    }
  });
}

test('characters are whole wherever their bytes are cut', async () => {
  const bytes = new TextEncoder().encode('data: Zoë \u{1F600}\u2028 5 €\n\n');
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events = [];
  for await (const event of readEvents(new Response(body))) events.push(event.data);
  assert.deepEqual(events, ['Zoë \u{1F600}\u2028 5 €']);
});

test('who leaves closes the connection', async () => {
  let isCancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
    cancel: () => {
      isCancelled = true;
    },
  });
  for await (const _ of readEvents(new Response(body))) break;
  assert.ok(isCancelled);
});
