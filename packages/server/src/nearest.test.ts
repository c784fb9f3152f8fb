import { expect, test } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

test.each([
  { from: '', to: 'abc', distance: 3 },
  { from: 'abc', to: 'abc', distance: 0 },
  { from: 'kitten', to: 'sitting', distance: 3 },
  { from: 'DataDir', to: 'datadir', distance: 0 },
])('from "$from" to "$to" it takes $distance', ({ from, to, distance }) => {
  expect(editDistance(from, to)).toBe(distance);
  expect(editDistance(to, from)).toBe(distance);
});

test('a candidate counts by its short form too, and the first of equals wins', () => {
  const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
  expect(nearest('tickMS', ['timing.silenceMs', 'timing.tickMs', 'tickMs'], last)).toBe('timing.tickMs');
});
