// Ollama's own package of npm, against the built-in stand-in for Ollama.

import assert from "node:assert/strict";
import { Ollama } from "ollama";
import { collect, messages, model, run, versionOf, weather } from "./checks.mjs";

const client = new Ollama({ host: process.env.OLLAMA_HOST });

await run("ollama (npm)", versionOf("ollama"), {
  async plain() {
    const reply = await client.chat({ model, messages });
    assert.ok(reply.message.content);
    assert.ok((await client.list()).models.length > 1);
  },
  async streamed() {
    const pieces = [];
    for await (const piece of await client.chat({ model, messages, stream: true })) pieces.push(piece);
    assert.equal(pieces.at(-1).done_reason, "stop");
  },
  async tools() {
    const stream = await client.chat({ model: "fault-tools", messages, tools: [weather], stream: true });
    for await (const piece of stream) {
      assert.deepEqual(piece.message.tool_calls[0].function.arguments, { city: "Köln" });
      break;
    }
  },
  async embeddings() {
    const found = await client.embed({ model: "offline-embed", input: ["the sea", "the land"] });
    assert.deepEqual(found.embeddings.map((vector) => vector.length), [1024, 1024]);
  },
  async pull() {
    const statuses = [];
    for await (const progress of await client.pull({ model, stream: true })) statuses.push(progress.status);
    assert.equal(statuses.at(-1), "success");
  },
  async errors() {
    await assert.rejects(client.chat({ model: "nobody", messages }), /not found/);
  },
  async "failure midway"() {
    const { pieces } = await collect(await client.chat({ model: "fault-eof", messages, stream: true }));
    assert.equal(pieces.length, 1);
  },
});
