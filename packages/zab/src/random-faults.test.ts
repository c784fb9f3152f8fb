import { describe, expect, test } from 'vitest';
import { schedule } from '../test/schedule.ts';

const SEEDS = 300;

describe('under random faults', () => {
  const totals: Record<string, number> = {};

  test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
    'nothing is lost and service comes back, seed %i',
    (seed) => {
      const ensemble = schedule(seed);
      ensemble.heal();
      ensemble.start(...ensemble.members);
      expect(ensemble.runUntil(() => ensemble.isSettled(), 20_000)).toBe(true);
      const committed = ensemble.committed.length;
      expect(ensemble.propose('last')).toBe(true);
      expect(
        ensemble.runUntil(() => ensemble.isSettled() && ensemble.committed.length > committed, 5000),
      ).toBe(true);
      for (const [what, count] of Object.entries(ensemble.counts)) totals[what] = (totals[what] ?? 0) + count;
      totals.committed = (totals.committed ?? 0) + ensemble.committed.length;
    },
  );

  test('every kind of synchronization, recovery and question came up', () => {
    expect(totals).toMatchObject({
      truncate: expect.any(Number),
      installSnapshot: expect.any(Number),
      readLog: expect.any(Number),
      'read index': expect.any(Number),
      'read refused': expect.any(Number),
      answered: expect.any(Number),
      damage: expect.any(Number),
    });
    expect(totals.committed).toBeGreaterThan(SEEDS * 30);
  });
});
