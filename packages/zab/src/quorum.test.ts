import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isQuorum, majorityOf, reachedByQuorum } from './quorum.ts';

describe('a majority', () => {
  test.each([
    { members: 1, needed: 1 },
    { members: 2, needed: 2 },
    { members: 3, needed: 2 },
    { members: 4, needed: 3 },
    { members: 5, needed: 3 },
  ])('of $members members is $needed', ({ members, needed }) => {
    const system = majorityOf(Array.from({ length: members }, (_, index) => index + 1));
    expect(system.isQuorum((peer) => peer <= needed)).toBe(true);
    expect(system.isQuorum((peer) => peer < needed)).toBe(false);
  });

  test('has reached a position exactly when a quorum is at or beyond it', () => {
    const positions = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(positions, (list) => {
        const system = majorityOf(list.map((_, index) => index));
        const reached = system.reached((peer) => list[peer] ?? 0);
        expect(system.isQuorum((peer) => (list[peer] ?? 0) >= reached)).toBe(true);
        expect(system.isQuorum((peer) => (list[peer] ?? 0) > reached)).toBe(false);
      }),
    );
  });

  test('has no member twice', () => {
    expect(() => majorityOf([1, 2, 2])).toThrow('a member is listed once');
  });
});

test('two systems need a quorum in each', () => {
  const systems = [majorityOf([1, 2, 3]), majorityOf([3, 4, 5])];
  expect(isQuorum(systems, (peer) => peer <= 2)).toBe(false);
  expect(isQuorum(systems, (peer) => peer >= 2 && peer <= 4)).toBe(true);
  expect(reachedByQuorum(systems, (peer) => peer * 10)).toBe(20);
});
