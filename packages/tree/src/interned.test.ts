import { expect, test } from 'vitest';
import { Interned } from './interned.ts';

interface Point {
  readonly x: number;
}

function points(): Interned<Point> {
  return new Interned<Point>({ x: 0 }, ({ x }) => x);
}

test('equal values have one number', () => {
  const interned = points();
  const first = interned.take({ x: 1 });
  expect(interned.take({ x: 1 })).toBe(first);
  expect(interned.take({ x: 2 })).not.toBe(first);
  expect(interned.take({ x: 0 })).toBe(0);
  expect(interned.value(first)).toEqual({ x: 1 });
  expect(interned.size).toBe(3);
});

test('a value goes with its last reference, and its number is given anew', () => {
  const interned = points();
  const one = interned.take({ x: 1 });
  interned.take({ x: 1 });
  interned.release(one);
  expect(interned.value(one)).toEqual({ x: 1 });
  interned.release(one);
  expect(interned.size).toBe(1);
  expect(() => interned.value(one)).toThrow('is kept');
  expect(interned.take({ x: 5 })).toBe(one);
  expect(interned.take({ x: 1 })).not.toBe(one);
});

test('the first value never goes', () => {
  const interned = points();
  for (let round = 0; round < 3; round++) interned.release(0);
  expect(interned.value(0)).toEqual({ x: 0 });
});
