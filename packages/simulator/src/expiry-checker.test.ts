import { expect, test } from 'vitest';
import { ExpiryChecker } from './expiry-checker.ts';

const SESSION = 7;
const RULE = 'no session expires before its time';

/** A session of 1000 ms, made for an Attach sent at 0. */
function bench(clockRateMax: number) {
  let nowMs = 0;
  const checker = new ExpiryChecker({ nowMs: () => nowMs, clockRateMax });
  checker.made(SESSION, { attachSentMs: 0, timeoutMs: 1000 });
  const end = (atMs: number): void => {
    nowMs = atMs;
    checker.ended(SESSION);
  };
  return { checker, end };
}

const EXACT = 1;

test('a session that was silent for its timeout may expire', () => {
  const { checker, end } = bench(EXACT);
  checker.acknowledged(SESSION, 300);
  end(1300);
  expect(checker.expired).toBe(1);
});

test('a session that expires sooner after its Attach is found', () => {
  expect(() => bench(EXACT).end(999)).toThrow(RULE);
});

test('a session that expires sooner after an acknowledged heartbeat is found', () => {
  const { checker, end } = bench(EXACT);
  checker.acknowledged(SESSION, 300);
  expect(() => end(1299)).toThrow(RULE);
});

test('an acknowledgement that comes after the end counts too', () => {
  const { checker, end } = bench(EXACT);
  end(1100);
  expect(() => checker.acknowledged(SESSION, 300)).toThrow(RULE);
});

test('a session that its client closed may end at any time, and has not expired', () => {
  const { checker, end } = bench(EXACT);
  checker.closing(SESSION);
  end(1);
  expect(checker.expired).toBe(0);
});

test('a fast clock shortens the timeout by as much, and no more', () => {
  expect(() => bench(1.25).end(800)).not.toThrow();
  expect(() => bench(1.25).end(799)).toThrow(RULE);
});
