import { expect, test } from 'vitest';
import { LockChecker } from './lock-checker.ts';

const LOCK = '/lock';

function lease(token: number, remainingMs: number) {
  const loss = new AbortController();
  return { fencingToken: BigInt(token), remainingMs, signal: loss.signal, lose: () => loss.abort() };
}

test('a lock that goes from one to the next breaks no rule, and is counted', () => {
  const checker = new LockChecker();
  const first = lease(1, 100);
  const second = lease(2, 100);
  checker.acquired(LOCK, first);
  checker.ending(LOCK, first);
  checker.acquired(LOCK, second);
  second.remainingMs = 0;
  checker.check();
  checker.ending(LOCK, second);
  expect(checker.taken).toBe(2);
  expect(checker.lost).toBe(1);
});

test('two locks may be held at once', () => {
  const checker = new LockChecker();
  checker.acquired(LOCK, lease(1, 100));
  expect(() => checker.acquired('/other', lease(2, 100))).not.toThrow();
});

test('a lease whose time is over, or whose loss was told, is in nobody’s way', () => {
  const checker = new LockChecker();
  const told = lease(2, 100);
  told.lose();
  checker.acquired(LOCK, lease(1, 0));
  checker.acquired(LOCK, told);
  expect(() => checker.acquired(LOCK, lease(3, 100))).not.toThrow();
});

test('two who hold one lock are found', () => {
  const checker = new LockChecker();
  checker.acquired(LOCK, lease(1, 1));
  expect(() => checker.acquired(LOCK, lease(2, 100))).toThrow('a lock has one holder');
});

test('a lease that had run out and comes back beside another is found', () => {
  const checker = new LockChecker();
  const first = lease(1, 0);
  checker.acquired(LOCK, first);
  checker.acquired(LOCK, lease(2, 100));
  first.remainingMs = 50;
  expect(() => checker.check()).toThrow('a lock has one holder');
});

test('a fencing token that is not larger than the one before is found', () => {
  const checker = new LockChecker();
  const first = lease(2, 100);
  checker.acquired(LOCK, first);
  checker.ending(LOCK, first);
  expect(() => checker.acquired(LOCK, lease(2, 100))).toThrow('fencing tokens grow');
});
