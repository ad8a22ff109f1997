// @ts-check
/** The page with a keyboard, on a phone, in the dark, and read aloud: and how each looks. */

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  addDocuments,
  ask,
  checkAccessibility,
  launchBrowser,
  LIGHTHOUSE,
  openPage,
  register,
  waitForAnswer,
} from "./browser.mjs";
import { Models, startColloquy } from "./servers.mjs";

/** @type {Models} */ let models;
/** @type {Awaited<ReturnType<typeof startColloquy>>} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  models = await Models.start();
  // Short passages, so that a picture shows one of them in its document.
  const settings = { DOCUMENTS_CHUNK_CHARACTERS: "450", DOCUMENTS_CHUNK_OVERLAP_CHARACTERS: "0", CHAT_TOP_K: "2" };
  [server, browser] = await Promise.all([startColloquy(models.url, settings), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await models?.stop();
});

const SCREENSHOTS = fileURLToPath(new URL("../../docs/screenshots/", import.meta.url));
const ANSWER = `**Sostratus of Cnidus** built it in the third century BC [1]. Ptolemy the First had ordered the
tower, and his son saw it finished [1].

It rose in three parts [2]:

1. a square one, with rooms for the keepers and their animals,
2. one with eight sides,
3. a round one, with a statue above it.

By night a fire burned at the top, which sailors are said to have seen from a distance of fifty
kilometres [2].`;

const NOTES = {
  name: "Harbours of the ancient world.md",
  mimeType: "text/markdown",
  buffer: Buffer.from("# Harbours\n\nThe harbour of Ostia was begun by Claudius in the year 42.\n"),
};

/** The states that docs/screenshots shows. */
const SHOWN = new Set(
  ("login-light ready-light answer-light passage-light documents-light search-light " +
    "answer-dark passage-dark account-dark start-phone answer-phone passage-phone chats-phone " +
    "answer-phone-dark").split(" "),
);

/** @param {import("playwright-core").Page} page @param {string} name */
async function takeScreenshot(page, name) {
  if (!process.env["SCREENSHOTS"] || !SHOWN.has(name)) return;
  const session = await page.context().newCDPSession(page);
  await page.evaluate(() => document.fonts.ready);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 75 });
  await mkdir(SCREENSHOTS, { recursive: true });
  await writeFile(`${SCREENSHOTS}${name}.webp`, Buffer.from(data, "base64"));
}

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

/** @type {[string, string, import("playwright-core").BrowserContextOptions][]} */
const LOOKS = [
  ["light", "ada", { colorScheme: "light" }],
  ["dark", "emmy", { colorScheme: "dark" }],
  ["phone", "lise", { colorScheme: "light", ...PHONE }],
  ["phone-dark", "rosalind", { colorScheme: "dark", ...PHONE }],
];

for (const [look, name, options] of LOOKS) {
  test(`every state of the page is accessible: ${look}`, async () => {
    const isPhone = look.startsWith("phone");
    const { page, violations } = await openPage(browser, server.url, options);
    /** @param {string} state */
    const check = async (state) => {
      await takeScreenshot(page, `${state}-${look}`);
      await checkAccessibility(page, `${state}, ${look}`);
    };
    const openDrawer = async () => {
      if (isPhone) await page.getByRole("button", { name: "Chats and documents" }).click();
    };

    await page.goto("/");
    await page.getByLabel("User name").waitFor();
    await check("login");
    await register(page, name);
    await check("start");
    await addDocuments(page, LIGHTHOUSE, NOTES);
    await check("ready");

    models.hold(24);
    await ask(page, "Who built the lighthouse of Alexandria, and when?");
    await page.getByRole("article", { name: "Answer" }).getByText("From the passages").waitFor();
    await check("streaming");
    models.release();
    await waitForAnswer(page);
    models.say(ANSWER);
    await ask(page, "Tell me more: who built it, and what did it look like?");
    const answer = await waitForAnswer(page);
    await check("answer");
    await answer.getByRole("button", { name: /^Source 1/ }).first().click();
    await page.locator(".reader mark").waitFor();
    await check("passage");
    await page.getByRole("button", { name: "Close the document" }).click();
    await page.getByLabel("This chat").click();
    await check("menu");
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("dialog").getByRole("textbox").waitFor();
    await check("dialog");
    await page.keyboard.press("Escape");
    await openDrawer();
    await check("chats");
    await page.getByRole("searchbox", { name: "Search your chats" }).fill("Sostratus");
    await page.getByRole("heading", { name: /^Found/ }).waitFor();
    await check("search");
    await page.getByRole("link", { name: "Documents" }).click();
    await page.getByRole("heading", { name: "Documents" }).waitFor();
    await check("documents");
    await openDrawer();
    await page.getByRole("link", { name }).click();
    await page.getByText("This one").waitFor();
    await check("account");
    assert.deepEqual(violations, []);
  });
}

test("the whole page works by keyboard, and focus is never lost", async () => {
  const { page } = await openPage(browser, server.url);
  await page.goto("/");
  const name = `keys-${process.pid}`;
  await page.keyboard.press("Tab");
  await page.keyboard.type(name);
  await page.keyboard.press("Tab");
  await page.keyboard.type(`${name}@example.org`);
  await page.keyboard.press("Tab");
  await page.keyboard.type("lovelace 1815");
  await page.keyboard.press("Enter");
  const composer = page.getByRole("textbox", { name: "Your question" });
  await composer.waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
  /** @param {RegExp} label */
  const tabTo = async (label) => {
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press("Tab");
      if (label.test(await focused())) return;
    }
    assert.fail(`Tab never came to ${label}`);
  };

  await addDocuments(page, LIGHTHOUSE);
  await tabTo(/^Your question$/);
  await page.keyboard.type("Who built the lighthouse?");
  await page.keyboard.press("Enter");
  await waitForAnswer(page);
  assert.equal(await focused(), "Your question");

  await tabTo(/^Source 1/);
  const citation = await focused();
  await page.keyboard.press("Enter");
  await page.locator(".reader mark").waitFor();
  await page.waitForFunction(() => document.activeElement?.localName === "h2");
  await page.keyboard.press("Escape");
  await page.locator(".reader").waitFor({ state: "hidden" });
  assert.equal(await focused(), citation);

  await tabTo(/^This chat$/);
  await page.keyboard.press("Enter");
  await tabTo(/^\s*Delete$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.keyboard.press("Control+k");
  await page.waitForFunction(() => document.activeElement?.getAttribute("type") === "search");
  assert.equal(await page.evaluate(() => document.activeElement !== document.body), true);
});

test("the theme can be chosen, and stays", async () => {
  const { page } = await openPage(browser, server.url, { colorScheme: "light" });
  const name = await register(page);
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole("link", { name }).click();
  await page.getByRole("radio", { name: "Dark" }).check();
  const dark = await background();
  assert.notEqual(dark, light);
  await page.reload();
  await page.getByRole("radio", { name: "Dark", checked: true }).waitFor();
  assert.equal(await background(), dark);
});
