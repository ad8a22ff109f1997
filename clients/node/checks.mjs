// How each program tells what it tried: a line of JSON for each, on stdout.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const baseURL = `${process.env.COLLOQUY_URL}/v1`;
export const apiKey = process.env.COLLOQUY_TOKEN;
export const model = "offline-chat";
export const question = "Who discovered oxygen?";
export const answer = /Carl Wilhelm Scheele/;
export const messages = [{ role: "user", content: question }];
export const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Tell the weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
};

export function versionOf(name) {
  const path = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")).version;
}

export async function run(program, version, checks) {
  for (const [check, act] of Object.entries(checks)) {
    let problem = null;
    try {
      await act();
    } catch (error) {
      problem = String(error?.stack ?? error);
    }
    console.log(JSON.stringify({ program, version, check, problem }));
  }
}

/** Collects a stream until it fails, and returns what came and the failure. */
export async function collect(stream) {
  const pieces = [];
  try {
    for await (const piece of stream) pieces.push(piece);
  } catch (error) {
    return { pieces, error };
  }
  assert.fail("half an answer passed for a whole one");
}
