// The `openai` package of npm.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { answer, apiKey, baseURL, collect, messages, model, question, run, versionOf, weather } from "./checks.mjs";

const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });

await run("openai (npm)", versionOf("openai"), {
  async plain() {
    const completion = await client.chat.completions.create({ model, messages });
    assert.ok(completion.choices[0].message.content);
    assert.ok(completion.usage.total_tokens > 0);
  },
  async streamed() {
    const stream = client.chat.completions.stream({ model, messages });
    const final = await stream.finalChatCompletion();
    assert.equal(final.choices[0].finish_reason, "stop");
  },
  async documents() {
    const completion = await client.chat.completions.create({ model: `${model}@docs`, messages });
    const message = completion.choices[0].message;
    assert.match(message.content, answer);
    assert.equal(message.annotations[0].type, "url_citation");
    assert.equal(completion.sources[0].filename, "oxygen.md");
  },
  async tools() {
    const completion = await client.chat.completions.create({ model: "fault-tools", messages, tools: [weather] });
    const [call] = completion.choices[0].message.tool_calls;
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Köln" });
    const result = { role: "tool", tool_call_id: call.id, content: "Rain" };
    const next = [...messages, completion.choices[0].message, result];
    assert.ok((await client.chat.completions.create({ model, messages: next })).choices.length);
  },
  async embeddings() {
    const found = await client.embeddings.create({ model: "offline-embed", input: ["the sea", "the land"] });
    assert.deepEqual(found.data.map((item) => item.embedding.length), [1024, 1024]);
  },
  async responses() {
    const response = await client.responses.create({ model: `${model}@docs`, input: question });
    assert.match(response.output_text, answer);
    const final = await client.responses.stream({ model, input: question }).finalResponse();
    assert.equal(final.status, "completed");
  },
  async errors() {
    const asked = client.chat.completions.create({ model: "nobody", messages });
    await assert.rejects(asked, { status: 404, code: "model_not_found" });
  },
  async "failure midway"() {
    const stream = await client.chat.completions.create({ model: "fault-error-mid", messages, stream: true });
    const { pieces, error } = await collect(stream);
    assert.equal(pieces.at(-1).choices[0].delta.content, "Half");
    assert.equal(error.code, "llm_failed");
  },
});
