// @ts-check
/** A browser, pages that note whatever must not happen on them, and what a user does there. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

/** @typedef {import("playwright-core").Page} Page */

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Generous: it bounds what hangs, and measures nothing. */
export const PATIENCE_MS = 60_000;

/** Longer than one passage, so that one can be told from the document. */
export const LIGHTHOUSE = {
  name: "lighthouse.md",
  mimeType: "text/markdown",
  buffer: Buffer.from(`# The lighthouse of Alexandria

The lighthouse of Alexandria was built by Sostratus of Cnidus in the third century BC.
It stood on the island of Pharos and was damaged by three earthquakes.

Ptolemy the First had ordered it, and his son saw it finished. The island gave its name to the tower,
and the tower gave it to every lighthouse after it: in French, Italian and Spanish the word is still a
memory of Pharos. A causeway of seven stadia joined the island to the city and made two harbours, one
on each side, so that ships could come in with any wind.

# Its shape

The tower rose in three parts. The lowest was square and held rooms for the keepers and their animals,
the middle one had eight sides, and the highest was round. A ramp wound upwards inside the walls, wide
enough for the donkeys that carried the fuel. Above it all stood a statue, of Zeus as some say, of
Poseidon as others do. Coins of the city show it with a figure that holds a staff, and with tritons
that blow their horns at the corners of the first storey.

The blocks were of limestone and granite, and the largest weighed seventy tonnes. They were joined with
molten lead, so that the waves of the open sea could not move them. For many centuries only the great
pyramid was taller than the tower, whose height travellers gave as a hundred metres and more.

# Its light

A fire burned at its top by night, and a mirror of bronze threw the light of the sun by day. Sailors are
said to have seen it from a distance of fifty kilometres. What the mirror was made of, and whether it
could burn the ships of an enemy, as the stories have it, nobody knows. After the last earthquake its
stones became the walls of a fort, which stands in the same place today.
`),
};

export const PASSWORD = "lovelace 1815";

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "",
    // Chromium has no sandbox for root, as whom containers usually run.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

/**
 * A page in a context of its own. `violations` holds what ran, was blocked or failed on it.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function openPage(browser, url, options) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  const violations = /** @type {string[]} */ ([]);
  page.on("dialog", (dialog) => {
    violations.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => violations.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // The browser says so itself when a request was refused; what comes of it is tested.
    const isAboutStatus = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isAboutStatus) violations.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== url && protocol !== "blob:") violations.push(`request: ${request.url()}`);
  });
  await page.exposeBinding("noteViolation", (_, what) => void violations.push(what));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      // @ts-expect-error The binding above.
      void window.noteViolation(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return { page, violations };
}

let users = 0;

/** @param {Page} page */
export async function register(page, name = `reader${++users}`) {
  await page.goto("/");
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Email address").fill(`${name}@example.org`);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { name: "Begin with a document." }).waitFor();
  return name;
}

/** @param {Page} page @param {{ name: string, mimeType: string, buffer: Buffer }[]} files */
export async function addDocuments(page, ...files) {
  const ready = page.locator(".document[data-status=ready]");
  const before = await ready.count();
  await page.getByLabel("Files to add").setInputFiles(files);
  await ready.nth(before + files.length - 1).waitFor();
}

/** @param {Page} page @param {string} text */
export async function ask(page, text) {
  const asked = page.getByRole("article", { name: "Your question" });
  const before = await asked.count();
  await page.getByRole("textbox", { name: "Your question" }).fill(text);
  await page.keyboard.press("Enter");
  await asked.nth(before).waitFor();
}

/** The last answer shown, once it is whole. @param {Page} page */
export async function waitForAnswer(page) {
  const answer = page.getByRole("article", { name: "Answer" }).last();
  await page.getByRole("button", { name: "Stop the answer" }).waitFor({ state: "hidden" });
  await answer.and(page.locator("[aria-busy=false]")).waitFor();
  return answer;
}

/** @param {Page} page @param {string} state */
export async function checkAccessibility(page, state) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    // @ts-expect-error axe is there since the line above.
    window.axe.run(document, { resultTypes: ["violations"] }),
  );
  const found = violations.map(
    (/** @type {any} */ each) =>
      `${each.impact} ${each.id}: ${each.nodes.map((/** @type {any} */ node) => node.html).join(" ")}`,
  );
  assert.deepEqual(found, [], state);
}
