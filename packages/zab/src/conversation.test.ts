import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runConversation } from '../test/conversation.ts';

const SCRIPTS = fileURLToPath(new URL('../testdata/', import.meta.url));
/** Writes the scripts anew with what the servers say now: look at the difference before you keep it. */
const IS_REWRITING = process.env.ZABRA_REWRITE === '1';

const scripts = readdirSync(SCRIPTS).filter((name) => name.endsWith('.txt'));

test.each(scripts)('the servers say what is written in %s', (name) => {
  const written = readFileSync(SCRIPTS + name, 'utf8');
  const said = runConversation(written);
  expect(said).toBe(IS_REWRITING ? rewrite(name, said) : written);
});

function rewrite(name: string, said: string): string {
  writeFileSync(SCRIPTS + name, said);
  return said;
}
