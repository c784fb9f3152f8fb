import type { Mutant } from '@zabra/model';
import { afterEach, expect, test } from 'vitest';
import { schedule } from '../test/schedule.ts';

const MUTANTS: readonly Mutant[] = [
  'ack-before-fsync',
  'vote-with-unsynced-history',
  'commit-without-quorum',
  'epoch-saved-before-log',
  'sync-skips-trunc',
  'apply-ahead-of-own-log',
];

afterEach(() => {
  globalThis.__ZABRA_MUTANT__ = undefined;
});

test.each(MUTANTS)('the random schedules find the planted flaw %s', (mutant) => {
  globalThis.__ZABRA_MUTANT__ = mutant;
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);
  expect(() => seeds.map(schedule)).toThrow();
});
