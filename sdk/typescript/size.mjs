// Prints what the package adds to a bundle.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const PROGRAMS = {
  'everything': `export * from './dist/index.js';`,
  'log in and ask': `import { createColloquy } from './dist/index.js';
    const colloquy = createColloquy();
    await colloquy.logIn({ username: 'ada', password: '' });
    for await (const event of colloquy.ask('Who?')) console.log(event.type);`,
};

for (const [name, contents] of Object.entries(PROGRAMS)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
  });
  const [{ contents: bytes }] = outputFiles;
  console.log(`bundle, ${name}: ${bytes.length} bytes minified, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
}
