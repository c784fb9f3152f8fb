import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RC } from '../src/error.ts';
import { OPERATIONS } from '../src/operation-table.ts';
import { operationsPage } from './operations-page.ts';

test('docs/operations.md says what the operation table says: `npm run docs:operations` writes it anew', () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  expect(page).toBe(operationsPage());
});

test('each operation stands in the table once, and what may be refused for want of a permission needs one', () => {
  const names = OPERATIONS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const guarded = OPERATIONS.filter(({ permissions }) => permissions.length > 0);
  const refusing = OPERATIONS.filter(({ errors }) => errors.some(({ code }) => code === 'NO_AUTH'));
  expect(guarded).toEqual(refusing);
  expect(OPERATIONS.flatMap(({ errors }) => errors).filter(({ code }) => !(code in RC))).toEqual([]);
});
