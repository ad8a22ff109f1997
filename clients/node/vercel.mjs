// The Vercel AI SDK: `ai` with `@ai-sdk/openai-compatible`, and with `@ai-sdk/openai`.

import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, jsonSchema, streamText, tool } from "ai";
import { answer, apiKey, baseURL, model, question, run, versionOf, weather } from "./checks.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

const compatible = createOpenAICompatible({ name: "colloquy", baseURL, apiKey, includeUsage: true });
const openai = createOpenAI({ baseURL, apiKey });
const options = { prompt: question, maxRetries: 0, onError() {} };

function checksOf(chat, embedding) {
  return {
    async plain() {
      const { text, usage } = await generateText({ ...options, model: chat(model) });
      assert.ok(text);
      assert.ok(usage.totalTokens > 0);
    },
    async streamed() {
      const result = streamText({ ...options, model: chat(model) });
      const pieces = [];
      for await (const piece of result.textStream) pieces.push(piece);
      assert.ok(pieces.length > 2);
      assert.equal(await result.finishReason, "stop");
    },
    async documents() {
      const { text } = await generateText({ ...options, model: chat(`${model}@docs`) });
      assert.match(text, answer);
    },
    async tools() {
      const inputSchema = jsonSchema(weather.function.parameters);
      const tools = { get_weather: tool({ description: "Tell the weather", inputSchema }) };
      const { toolCalls } = await generateText({ ...options, model: chat("fault-tools"), tools });
      assert.deepEqual(toolCalls[0].input, { city: "Köln" });
    },
    async embeddings() {
      const values = ["the sea", "the land"];
      const { embeddings } = await embedMany({ model: embedding("offline-embed"), values, maxRetries: 0 });
      assert.deepEqual(embeddings.map((vector) => vector.length), [1024, 1024]);
    },
    async errors() {
      await assert.rejects(generateText({ ...options, model: chat("nobody") }), { statusCode: 404 });
    },
    async "failure midway"() {
      const parts = [];
      for await (const part of streamText({ ...options, model: chat("fault-error-mid") }).fullStream) parts.push(part);
      assert.ok(parts.some((part) => part.type === "text-delta" && part.text === "Half"));
      assert.ok(parts.some((part) => part.type === "error"));
    },
  };
}

async function findSources() {
  const { sources } = await generateText({ ...options, model: openai.chat(`${model}@docs`) });
  assert.equal(sources[0].sourceType, "url");
}

await run(
  "Vercel AI SDK, @ai-sdk/openai-compatible",
  `${versionOf("ai")}, ${versionOf("@ai-sdk/openai-compatible")}`,
  checksOf((name) => compatible(name), (name) => compatible.embeddingModel(name)),
);
await run("Vercel AI SDK, @ai-sdk/openai", `${versionOf("ai")}, ${versionOf("@ai-sdk/openai")}`, {
  ...checksOf((name) => openai.chat(name), (name) => openai.embedding(name)),
  sources: findSources,
  async responses() {
    const { text, sources } = await generateText({ ...options, model: openai(`${model}@docs`) });
    assert.match(text, answer);
    assert.ok(sources.length);
  },
});
