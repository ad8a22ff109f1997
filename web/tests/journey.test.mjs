// @ts-check
/** What a user does with the page, from the first visit to leaving. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import {
  addDocuments,
  ask,
  launchBrowser,
  LIGHTHOUSE,
  openPage,
  PASSWORD,
  register,
  waitForAnswer,
} from "./browser.mjs";
import { Models, startColloquy } from "./servers.mjs";

/** @type {Models} */ let models;
/** @type {Awaited<ReturnType<typeof startColloquy>>} */ let server;
/** @type {import("playwright-core").Browser} */ let browser;

before(async () => {
  models = await Models.start();
  [server, browser] = await Promise.all([startColloquy(models.url), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await models?.stop();
});

const QUESTION = "Who built the lighthouse of Alexandria, and when?";

/** A reader with a document, and an answer to a question about it. */
async function openChat() {
  const opened = await openPage(browser, server.url);
  await register(opened.page);
  await addDocuments(opened.page, LIGHTHOUSE);
  await ask(opened.page, QUESTION);
  await waitForAnswer(opened.page);
  return opened;
}

test("files show how far they are until they can be asked", async () => {
  const { page, violations } = await openPage(browser, server.url);
  await register(page);
  // Every state a row goes through is noted, however short it is.
  await page.evaluate(() => {
    const seen = new Set();
    const note = () => {
      for (const bar of document.querySelectorAll("progress")) seen.add(bar.getAttribute("aria-label"));
    };
    new MutationObserver(note).observe(document.body, { childList: true, subtree: true });
    Object.assign(window, { seen });
  });
  const second = { ...LIGHTHOUSE, name: "second.md", buffer: Buffer.from("# Rain\n\nIt rains in Bergen.") };
  const empty = { name: "empty.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) };
  await page.getByLabel("Files to add").setInputFiles([LIGHTHOUSE, second, empty]);
  await page.locator(".document[data-status=ready]").nth(1).waitFor();
  await page.getByText("is empty").waitFor();
  const seen = await page.evaluate(() => [.../** @type {any} */ (window).seen]);
  for (const label of ["Upload of lighthouse.md", "Upload of second.md", "Indexing of lighthouse"]) {
    assert.ok(seen.includes(label), `${label} among ${seen}`);
  }
  await page.getByRole("button", { name: "Dismiss empty.txt" }).click();
  assert.equal(await page.locator(".document").count(), 2);
  assert.deepEqual(violations, []);
});

test("an answer streams, and its number leads to the passage marked in its document", async () => {
  const { page, violations } = await openPage(browser, server.url);
  await register(page);
  await addDocuments(page, LIGHTHOUSE);
  models.hold();
  await ask(page, QUESTION);
  const answer = page.getByRole("article", { name: "Answer" });
  await answer.getByText("From the passages").waitFor();
  assert.equal(await answer.getAttribute("aria-busy"), "true");
  assert.match(page.url(), /\/chats\/[0-9a-f-]{36}$/);
  models.release();
  await waitForAnswer(page);
  assert.match(await answer.innerText(), /built by Sostratus of Cnidus in the third century BC/);
  await page.getByRole("status").getByText("Answer, with one source: From the passages").waitFor();

  await answer.getByRole("button", { name: "Source 1: lighthouse" }).first().click();
  const reader = page.getByRole("complementary", { name: "Document" });
  const mark = reader.locator("mark");
  await mark.waitFor();
  assert.match(await mark.innerText(), /Sostratus of Cnidus/);
  await page.reload();
  await mark.waitFor();
  assert.deepEqual(violations, []);
});

test("in a long document the passage is found, and what stands around it", async () => {
  const { page, violations } = await openPage(browser, server.url);
  await register(page);
  const chapters = Array.from({ length: 150 }, (_, index) => {
    const words = `The keeper of year ${index} wrote in his log about wind and rain 🌧. `;
    return `# Chapter ${index}\n\n${words.repeat(12)}${index === 120 ? "A whale came to the harbour." : ""}`;
  });
  await addDocuments(page, {
    name: "log.md",
    mimeType: "text/markdown",
    buffer: Buffer.from(chapters.join("\n\n")),
  });
  await ask(page, "Which whale came to the harbour?");
  const answer = await waitForAnswer(page);
  await answer.getByRole("button", { name: /^Source/ }).first().click();
  const reader = page.getByRole("complementary", { name: "Document" });
  await reader.locator("mark").waitFor();
  assert.match(await reader.locator("mark").innerText(), /^Chapter 120\n[^]*A whale came to the harbour\.$/);
  assert.match(await reader.innerText(), /Chapter 119\n/);
  assert.doesNotMatch(await reader.innerText(), /Chapter 20\n/);
  for (const [button, chapter] of [["Show what comes before", "Chapter 60"], ["Show what comes after", "Chapter 149"]]) {
    while ((await reader.getByText(chapter ?? "").count()) === 0) {
      const before = await reader.innerText();
      await reader.getByRole("button", { name: button ?? "" }).click();
      await page.waitForFunction((text) => document.querySelector(".reader")?.textContent !== text, before);
    }
  }
  assert.deepEqual(violations, []);
});

test("an answer goes on over a reload in its middle", async () => {
  const { page, violations } = await openPage(browser, server.url);
  await register(page);
  await addDocuments(page, LIGHTHOUSE);
  models.hold();
  await ask(page, QUESTION);
  const answer = page.getByRole("article", { name: "Answer" });
  await answer.getByText("From the passages").waitFor();
  await page.reload();
  await answer.getByText("From the passages").waitFor();
  assert.equal(await answer.getAttribute("aria-busy"), "true");
  models.release();
  await waitForAnswer(page);
  assert.match(await answer.innerText(), /^From the passages: "The lighthouse .* BC\."/);
  assert.deepEqual(violations, []);
});

test("an answer can be stopped, and keeps what there is of it", async () => {
  const { page, violations } = await openChat();
  models.hold();
  await ask(page, "Where did the lighthouse stand?");
  await page.getByRole("article", { name: "Answer" }).last().getByText("From the passages").waitFor();
  await page.getByRole("button", { name: "Stop the answer" }).click();
  const answer = await waitForAnswer(page);
  assert.match(await answer.innerText(), /From the passages[^]*Stopped\./);
  models.release();
  assert.deepEqual(violations, []);
});

test("questions can be edited and answers regenerated, and every version is kept", async () => {
  const { page, violations } = await openChat();
  await page.getByRole("button", { name: "Answer again" }).click();
  await page.getByRole("group", { name: "Versions of this answer" }).getByText("2 / 2").waitFor();
  await waitForAnswer(page);
  await page.getByRole("button", { name: "Earlier answer" }).click();
  await page.getByRole("group", { name: "Versions of this answer" }).getByText("1 / 2").waitFor();

  await page.getByRole("button", { name: "Edit the question" }).click();
  await page.getByRole("textbox", { name: "The question" }).fill("Where did the lighthouse stand?");
  await page.getByRole("button", { name: "Ask again" }).click();
  const versions = page.getByRole("group", { name: "Versions of this question" });
  await versions.getByText("2 / 2").waitFor();
  assert.match(await (await waitForAnswer(page)).innerText(), /island of Pharos/);

  await page.getByRole("button", { name: "Earlier question" }).click();
  await versions.getByText("1 / 2").waitFor();
  assert.match(await (await waitForAnswer(page)).innerText(), /Sostratus/);
  await page.reload();
  await versions.getByText("2 / 2").waitFor();
  assert.deepEqual(violations, []);
});

test("chats are listed, searched, renamed, exported and deleted", async () => {
  const { page, violations } = await openChat();
  await page.getByRole("link", { name: "New chat" }).click();
  await ask(page, "From which distance could sailors see it?");
  await waitForAnswer(page);

  await page.getByRole("searchbox", { name: "Search your chats" }).fill("Sostratus");
  await page.getByRole("heading", { name: "Found 1" }).waitFor();
  await page.getByRole("navigation").getByRole("button", { name: /Sostratus/ }).click();
  await page.getByRole("article", { name: "Answer" }).getByText("From the passages").waitFor();
  await page.getByRole("searchbox").fill("");

  await page.getByLabel("This chat").click();
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("textbox", { name: "Rename this chat" }).fill("The builder");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await page.getByRole("heading", { name: "The builder" }).waitFor();
  await page.getByRole("link", { name: "The builder" }).waitFor();

  for (const [format, pattern] of /** @type {const} */ ([
    ["Markdown", /Sostratus of Cnidus/],
    ["JSON", /"role": "assistant"/],
  ])) {
    await page.getByLabel("This chat").click();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: `Export as ${format}` }).click();
    const download = await downloading;
    assert.match(download.suggestedFilename(), /^The builder\.(md|json)$/);
    assert.match(await readFile(await download.path(), "utf8"), pattern);
  }

  await page.getByLabel("This chat").click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "What would you like to know?" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "The builder" }).count(), 0);
  assert.deepEqual(violations, []);
});

test("another model can be picked, and the page says which ones only quote", async () => {
  const { page, violations } = await openChat();
  await page.getByText("offline model", { exact: true }).waitFor();
  await page.getByRole("combobox", { name: "Model" }).selectOption("second-chat:latest");
  await ask(page, "Where did the lighthouse stand?");
  const answer = await waitForAnswer(page);
  await answer.getByText("second-chat:latest").waitFor();
  assert.equal(models.asked.at(-1), "second-chat:latest");
  await page.reload();
  assert.equal(await page.getByRole("combobox", { name: "Model" }).inputValue(), "second-chat:latest");

  await page.getByRole("link", { name: /^reader/ }).click();
  await page.getByText("No language model is connected.").waitFor();
  await page.getByText("embedded PostgreSQL").waitFor();
  await page.getByText("embedded Qdrant engine").waitFor();
  assert.deepEqual(violations, []);
});

test("documents are found, downloaded and deleted; what they said stays in answers", async () => {
  const { page, violations } = await openChat();
  const chat = page.url();
  await page.getByRole("link", { name: "Documents" }).click();
  const list = page.getByRole("list", { name: "Documents", exact: true });
  await list.getByText("lighthouse").waitFor();
  await page.getByRole("searchbox", { name: "Find a document" }).fill("nothing like it");
  await page.getByText("No document has that title.").waitFor();
  await page.getByRole("searchbox", { name: "Find a document" }).fill("light");
  await list.getByText("lighthouse").waitFor();

  await page.getByLabel("More about lighthouse").click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), LIGHTHOUSE.name);
  assert.deepEqual(await readFile(await download.path()), LIGHTHOUSE.buffer);

  await page.getByLabel("More about lighthouse").click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await list.getByText("lighthouse").waitFor({ state: "hidden" });

  await page.goto(chat);
  await page.getByRole("article", { name: "Answer" }).getByRole("button", { name: /^Source 1/ }).click();
  const reader = page.getByRole("complementary", { name: "Document" });
  await reader.getByText("This document was deleted.").waitFor();
  assert.match(await reader.locator("mark").innerText(), /Sostratus/);
  assert.deepEqual(violations, []);
});

test("one sees where one is logged in, ends that elsewhere, and leaves", async () => {
  const { page: first, violations } = await openPage(browser, server.url);
  const name = await register(first);
  const { page: second } = await openPage(browser, server.url);
  await second.goto("/");
  await second.getByRole("button", { name: "Log in" }).click();
  await second.getByLabel("User name or email address").fill(name);
  await second.getByLabel("Password").fill("wrong 12345");
  await second.getByRole("button", { name: "Log in" }).click();
  await second.getByRole("alert").getByText("is wrong").waitFor();
  await second.getByLabel("Password").fill(PASSWORD);
  await second.getByRole("button", { name: "Log in" }).click();
  await second.getByRole("link", { name }).click();
  await second.getByText("This one").waitFor();

  await first.getByRole("link", { name }).click();
  await first.getByRole("button", { name: "End" }).click();
  await first.getByRole("button", { name: "End" }).waitFor({ state: "hidden" });
  await second.getByRole("link", { name: "Documents" }).click();
  await second.getByRole("button", { name: "Log in" }).waitFor();

  const tab = await first.context().newPage();
  await tab.goto("/documents");
  await tab.getByRole("heading", { name: "Documents" }).waitFor();
  await first.getByRole("button", { name: "Log out" }).click();
  await tab.getByRole("heading", { name: "Log in" }).waitFor();
  await first.getByRole("heading", { name: "Log in" }).waitFor();
  await first.reload();
  await first.getByRole("heading", { name: "Log in" }).waitFor();
  assert.deepEqual(await first.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("tokens"))), []);
  assert.deepEqual(violations, []);
});

test("a question that is refused says why and is not lost", async () => {
  const { page } = await openChat();
  await page.route("**/chat/query/stream", (route) =>
    route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      body: JSON.stringify({ code: "llm_busy", status: 503, title: "Busy", detail: "The model is busy." }),
    }),
  );
  await page.getByRole("textbox", { name: "Your question" }).fill("Will this be lost?");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("The model is busy.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Your question" }).inputValue(), "Will this be lost?");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByRole("article", { name: "Your question" }).nth(1).waitFor();
  await waitForAnswer(page);
});
