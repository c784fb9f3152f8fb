import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drain, dump, restored } from '../test/leader.ts';
import { RandomRun } from '../test/random-run.ts';
import { type Step, steps } from '../test/random-step.ts';
import { Tree } from './tree.ts';

function run(random: readonly Step[]): RandomRun {
  const whole = new RandomRun();
  for (const step of random) whole.step(step);
  whole.finish();
  return whole;
}

test('pipelined requests come out as if each had waited for the one before, on every server, and snapshots are exact', () => {
  const seen = { done: 0, refused: 0, snapshots: 0, closed: 0, reaped: 0, warnings: 0 };
  const codes = new Map<string, number>();
  fc.assert(
    fc.property(steps, (random) => {
      const { leader, snapshotsTaken, reaped, warnings } = run(random);
      seen.snapshots += snapshotsTaken;
      seen.reaped += reaped;
      seen.warnings += warnings;
      for (const { txn } of leader.history) {
        const { code } = { code: 'OK', ...txn.body };
        codes.set(code, (codes.get(code) ?? 0) + 1);
        seen.done += Number(txn.body.kind === 'change' || txn.body.kind === 'transaction');
        seen.refused += Number(txn.body.kind === 'error');
        seen.closed += Number(txn.body.kind === 'closeSession');
      }
    }),
    { numRuns: 500, seed: 0x5eed },
  );
  // A run that meets nothing proves nothing.
  expect(seen.done).toBeGreaterThan(3_000);
  expect(seen.refused).toBeGreaterThan(3_000);
  expect(seen.closed).toBeGreaterThan(100);
  expect(seen.snapshots).toBeGreaterThan(300);
  expect(seen.reaped).toBeGreaterThan(100);
  expect(seen.warnings).toBeGreaterThan(100);
  for (const code of ['NO_AUTH', 'INVALID_ACL', 'QUOTA_EXCEEDED', 'LIMIT', 'CONFLICT', 'BAD_ARGUMENTS']) {
    expect(codes.get(code)).toBeGreaterThan(100);
  }
});

test('a history applied again gives the same tree, and so does the sum of all its parts', () => {
  fc.assert(
    fc.property(steps, (random) => {
      const { leader } = run(random);
      const again = Tree.empty();
      for (const { zxid, txn } of leader.history) again.apply(zxid, txn);
      expect(dump(again)).toEqual(dump(leader.tree));
      expect(again.digest()).toBe(leader.tree.digest());

      // Restoring hashes everything from scratch.
      const cursor = leader.tree.beginSnapshot();
      expect(restored(cursor, drain(cursor)).digest()).toBe(leader.tree.digest());
    }),
    { numRuns: 120, seed: 0x5eed },
  );
});
