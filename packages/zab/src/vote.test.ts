import { makeZxid } from '@zabra/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Vote } from './message.ts';
import { compareVotes } from './vote.ts';

/** Small ranges, so that equal keys are common. */
const votes = fc.record<Vote>({
  leader: fc.integer({ min: 1, max: 3 }),
  epoch: fc.integer({ min: 0, max: 2 }),
  zxid: fc
    .tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 0, max: 2 }))
    .map(([epoch, counter]) => makeZxid(epoch, counter)),
});

test('of two different votes exactly one is better', () => {
  fc.assert(
    fc.property(votes, votes, (left, right) => {
      expect(Math.sign(compareVotes(left, right))).toBe(0 - Math.sign(compareVotes(right, left)));
      expect(compareVotes(left, right) === 0).toBe(JSON.stringify(left) === JSON.stringify(right));
    }),
  );
});

test('better than better is better (ZOOKEEPER-1419)', () => {
  fc.assert(
    fc.property(votes, votes, votes, (...three) => {
      const [worst, middle, best] = three.toSorted(compareVotes) as [Vote, Vote, Vote];
      expect(compareVotes(worst, middle)).toBeLessThanOrEqual(0);
      expect(compareVotes(middle, best)).toBeLessThanOrEqual(0);
      expect(compareVotes(worst, best)).toBeLessThanOrEqual(0);
    }),
  );
});

test('the adopted epoch counts before the length of the log, the log before the id', () => {
  const adopted = { leader: 1, epoch: 2, zxid: makeZxid(1, 1) };
  const longer = { leader: 2, epoch: 1, zxid: makeZxid(1, 9) };
  const higher = { leader: 3, epoch: 1, zxid: makeZxid(1, 8) };
  expect([higher, adopted, longer].toSorted(compareVotes)).toEqual([higher, longer, adopted]);
});
