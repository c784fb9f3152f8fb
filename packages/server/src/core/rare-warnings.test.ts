import { expect, test } from 'vitest';
import { RareWarnings } from './rare-warnings.ts';

test('each warning passes once in an interval', () => {
  const warnings = new RareWarnings({ intervalMs: 100, keysMax: 10 });
  expect(warnings.isDue('a', 0)).toBe(true);
  expect(warnings.isDue('b', 50)).toBe(true);
  expect(warnings.isDue('a', 99)).toBe(false);
  expect(warnings.isDue('a', 100)).toBe(true);
  expect(warnings.isDue('a', 199)).toBe(false);
});

test('no more are remembered than it was told, the longest ago go first', () => {
  const warnings = new RareWarnings({ intervalMs: 1000, keysMax: 2 });
  for (const key of ['a', 'b', 'c']) warnings.isDue(key, 0);
  expect(warnings.isDue('b', 1)).toBe(false);
  expect(warnings.isDue('c', 1)).toBe(false);
  expect(warnings.isDue('a', 1)).toBe(true);
});
