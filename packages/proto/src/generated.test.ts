import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { generateSources } from '../scripts/sources.ts';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const sources = generateSources();

test.each([...sources.keys()])('%s is what `npm run generate` makes of the protos', (path) => {
  expect(readFileSync(`${packageDir}${path}`, 'utf8')).toBe(sources.get(path));
});

test('nothing else lies among the generated files', () => {
  const committed = readdirSync(`${packageDir}src/gen`).map((name) => `src/gen/${name}`);
  expect(committed.sort()).toEqual([...sources.keys()].sort());
});
