import { createColloquy } from '@colloquy/sdk';

const colloquy = createColloquy({ baseUrl: 'http://127.0.0.1:8000' });
await colloquy.logIn({ username: process.env['COLLOQUY_USER'] ?? '', password: process.env['COLLOQUY_PASSWORD'] ?? '' });
const { results } = await colloquy.upload(new File([`Sostratus built the lighthouse.`], 'lighthouse.md'));
for await (const event of colloquy.follow(results[0]?.document?.id ?? '')) console.log(event.type);
for await (const event of colloquy.ask('Who built the lighthouse?')) {
  if (event.type === 'answer.delta') process.stdout.write(event.text);
  if (event.type === 'message.completed') console.log('\n', event.message.sources);
}
