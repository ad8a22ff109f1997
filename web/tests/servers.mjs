// @ts-check
/** A Colloquy of the tests' own, on free ports and in a temporary folder, and its models. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COLLOQUY = path.join(ROOT, ".venv/bin/colloquy");
const PYTHON = path.join(ROOT, ".venv/bin/python");

/** @returns {Promise<number>} */
export async function findPort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return address.port;
}

/**
 * The offline models, behind a proxy that can hold an answer in its middle, give another answer in
 * their place, and offer a second model.
 */
export class Models {
  /** How many lines of an answer pass before it waits; null lets everything through. */
  #heldAfter = /** @type {number | null} */ (null);
  #release = () => {};
  #released = Promise.resolve();
  /** What is answered instead, once. */
  #scripted = /** @type {string | null} */ (null);
  /** Which models were asked. */
  asked = /** @type {string[]} */ ([]);
  url = "";

  static async start() {
    const models = new Models();
    const child = spawn(PYTHON, ["-u", "-m", "src.llm.offline", "--port", "0"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface(child.stdout), "line");
    const upstream = String(line).replace("listening on ", "");
    const proxy = http.createServer((request, response) => {
      models.#relay(upstream, request, response).catch(() => response.destroy());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = /** @type {net.AddressInfo} */ (proxy.address());
    models.url = `http://127.0.0.1:${port}`;
    models.stop = async () => {
      models.release();
      proxy.closeAllConnections();
      proxy.close();
      child.kill();
      await once(child, "exit");
    };
    return models;
  }

  /** @type {() => Promise<void>} */
  stop = async () => {};

  /** Let the next answers wait after so many words. */
  hold(words = 8) {
    this.#heldAfter = words;
    this.#released = new Promise((resolve) => (this.#release = resolve));
  }

  release() {
    this.#heldAfter = null;
    this.#release();
  }

  /** @param {string} text */
  say(text) {
    this.#scripted = text;
  }

  /**
   * @param {string} upstream
   * @param {http.IncomingMessage} request
   * @param {http.ServerResponse} response
   */
  async #relay(upstream, request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    let body = Buffer.concat(chunks).toString();
    const isAnswer = request.url === "/api/chat";
    if (isAnswer) this.asked.push(JSON.parse(body).model);
    if (isAnswer && this.#scripted !== null) {
      const text = this.#scripted;
      this.#scripted = null;
      return this.#recite(text, response);
    }
    body = body.replaceAll("second-chat", "offline-chat");
    const method = request.method ?? "GET";
    const answer = await fetch(upstream + request.url, {
      method,
      headers: { "Content-Type": "application/json" },
      ...(method !== "GET" && { body }),
    });
    response.writeHead(answer.status, { "Content-Type": answer.headers.get("Content-Type") ?? "" });
    if (request.url === "/api/tags") return void response.end(addModel(await answer.text()));
    let lines = 0;
    if (answer.body === null) return void response.end();
    for await (const line of createInterface(Readable.fromWeb(/** @type {any} */ (answer.body)))) {
      if (isAnswer && this.#heldAfter !== null && lines >= this.#heldAfter) await this.#released;
      response.write(`${line}\n`);
      lines += 1;
    }
    response.end();
  }

  /**
   * @param {string} text
   * @param {http.ServerResponse} response
   */
  #recite(text, response) {
    response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    for (const content of text.split(/(?<=\s)/)) {
      const message = { role: "assistant", content };
      response.write(JSON.stringify({ model: "offline-chat", message, done: false }) + "\n");
    }
    const message = { role: "assistant", content: "" };
    response.end(
      JSON.stringify({ model: "offline-chat", message, done: true, done_reason: "stop" }) + "\n",
    );
  }
}

/** @param {string} tags */
function addModel(tags) {
  const list = JSON.parse(tags);
  const [first] = list.models;
  const name = "second-chat:latest";
  list.models.push({ ...first, name, model: name, digest: "f".repeat(64) });
  return JSON.stringify(list);
}

/** @param {string} modelsUrl @param {Record<string, string>} [settings] */
export async function startColloquy(modelsUrl, settings) {
  const dataDir = await mkdtemp(path.join(tmpdir(), "colloquy-page-"));
  const port = await findPort();
  const child = spawn(COLLOQUY, ["serve"], {
    cwd: dataDir,
    env: {
      PATH: process.env["PATH"],
      HOME: dataDir,
      PORT: String(port),
      DATA_DIR: path.join(dataDir, "data"),
      LOG_LEVEL: "WARNING",
      RATE_LIMIT_REGISTRATIONS_PER_ADDRESS: "1000",
      OLLAMA_URL: modelsUrl,
      OLLAMA_CHAT_MODEL: "offline-chat",
      OLLAMA_EMBED_MODEL: "offline-embed",
      ...settings,
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/health/live`).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error("The server did not start.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    async stop() {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
