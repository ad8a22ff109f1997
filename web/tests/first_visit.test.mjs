// @ts-check
/** A new user's path: from `make run` to the first cited answer, in clicks and seconds. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { launchBrowser, LIGHTHOUSE, openPage, PASSWORD, waitForAnswer } from "./browser.mjs";
import { findPort } from "./servers.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("from make run to the first cited answer", async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), "colloquy-first-"));
  const port = await findPort();
  const url = `http://127.0.0.1:${port}`;
  const browser = await launchBrowser();
  const rows = /** @type {[string, number, number][]} */ ([]);
  let clicks = 0;
  let beganAt = performance.now();
  /** @param {string} what */
  const note = (what) => {
    rows.push([what, clicks, (performance.now() - beganAt) / 1000]);
  };

  const child = spawn("make", ["run"], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port), DATA_DIR: dataDir, LOG_LEVEL: "ERROR" },
    stdio: "ignore",
    detached: true,
  });
  try {
    while (!(await fetch(`${url}/health/ready`).catch(() => null))?.ok) {
      if (child.exitCode !== null) throw new Error("make run ended.");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    note("make run is ready");
    const { page } = await openPage(browser, url);
    /** @param {import("playwright-core").Locator} target */
    const click = async (target) => {
      clicks += 1;
      await target.click();
    };

    await page.goto("/");
    await page.getByLabel("User name").waitFor();
    note("the page is open");
    await page.getByLabel("User name").fill("ada");
    await page.getByLabel("Email address").fill("ada@example.org");
    await page.getByLabel("Password").fill(PASSWORD);
    await click(page.getByRole("button", { name: "Create account" }));
    await page.getByRole("heading", { name: "Begin with a document." }).waitFor();
    note("logged in");
    const choosing = page.waitForEvent("filechooser");
    await click(page.getByRole("button", { name: "Add documents" }).first());
    await (await choosing).setFiles(LIGHTHOUSE);
    await page.locator(".document[data-status=ready]").waitFor();
    note("a document is ready");
    await page.getByRole("textbox", { name: "Your question" }).fill("Who built the lighthouse of Alexandria?");
    await click(page.getByRole("button", { name: "Ask", exact: true }));
    const answer = await waitForAnswer(page);
    await answer.getByRole("button", { name: /^Source 1/ }).first().waitFor();
    note("the answer is there, with its source");
    await click(answer.getByRole("button", { name: /^Source 1/ }).first());
    await page.locator(".reader mark").waitFor();
    note("the passage is marked in its document");
  } finally {
    await browser.close();
    process.kill(-(child.pid ?? 0), "SIGTERM"); // make, and what it runs
    if (child.exitCode === null) await once(child, "exit");
    await rm(dataDir, { recursive: true, force: true });
  }
  console.log("\nclicks  seconds");
  for (const [what, atClicks, seconds] of rows) {
    console.log(`${String(atClicks).padStart(6)} ${seconds.toFixed(1).padStart(8)}  ${what}`);
  }
});
