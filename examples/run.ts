import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

/** `npm run example NAME [-- ARGUMENT…]`: runs `examples/NAME.ts`, as if it had been started itself. */
const [name = '', ...args] = process.argv.slice(2);
const names = readdirSync(import.meta.dirname)
  .filter((file) => /^[a-z-]+\.ts$/.test(file) && file !== basename(import.meta.filename))
  .map((file) => basename(file, '.ts'));

if (names.includes(name)) {
  const program = new URL(`./${name}.ts`, import.meta.url);
  process.argv = [process.execPath, program.pathname, ...args];
  await import(program.href);
} else {
  const complaint = name === '' ? '' : `there is no example ${name}\n\n`;
  const list = names.map((known) => `  npm run example ${known}\n`).join('');
  process.stderr.write(`${complaint}usage: npm run example NAME\n\n${list}`);
  process.exitCode = 2;
}
