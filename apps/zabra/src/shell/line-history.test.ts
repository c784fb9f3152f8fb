import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../test/zabra-process.ts';
import { LineHistory } from './line-history.ts';

test('lines are kept for the next shell, in a file that only its owner reads, the newest first', () => {
  const file = join(temporaryDirectory(), 'history');
  const first = new LineHistory(file);
  expect(first.earlier()).toEqual([]);
  for (const line of ['ls /', '  ', '# a comment', 'get /a']) first.add(line);
  expect(first.lines).toEqual(['ls /', 'get /a']);
  const second = new LineHistory(file);
  expect(second.lines).toEqual([]);
  expect(second.earlier()).toEqual(['get /a', 'ls /']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test.each([
  'addauth digest u:secret',
  '  AddAuth digest u:secret',
  '"addauth" digest u:secret',
  'add\\auth digest u:secret',
])('credentials are never kept: %s', (line) => {
  const file = join(temporaryDirectory(), 'history');
  const history = new LineHistory(file);
  history.add('ls /');
  history.add(line);
  expect(history.lines).toEqual(['ls /']);
  expect(readFileSync(file, 'utf8')).toBe('ls /\n');
});

test('a history that cannot be read or written is no history', () => {
  const history = new LineHistory(join(temporaryDirectory(), 'none', 'history'));
  history.add('ls /');
  expect(history.earlier()).toEqual([]);
  expect(history.lines).toEqual(['ls /']);
});
