import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What the built page holds of others, whose licences travel with it. */
const HELD = [
  "preact",
  "@preact/signals",
  "@preact/signals-core",
  "marked",
  "@fontsource-variable/inter",
  "@fontsource-variable/literata",
];

const licences: Plugin = {
  name: "licences",
  generateBundle() {
    const texts = HELD.map((name) => {
      const text = readFileSync(at(`node_modules/${name}/LICENSE`), "utf8");
      return `${name}\n\n${text.replaceAll("\r", "").trim()}\n`;
    });
    this.emitFile({
      type: "asset",
      fileName: "licences.txt",
      source: texts.join(`\n${"-".repeat(72)}\n\n`),
    });
  },
};

export default defineConfig({
  plugins: [licences],
  resolve: { alias: { colloquy: at("../sdk/typescript/src/index.ts") } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: process.env["OUT_DIR"] ?? at("../src/web/static"),
    emptyOutDir: true,
    target: "es2022",
    // Inline data would need a laxer content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // While developing: `make run` in one terminal, `npm run dev` in another.
  server: { proxy: { "/api": "http://127.0.0.1:8000", "/health": "http://127.0.0.1:8000" } },
});
