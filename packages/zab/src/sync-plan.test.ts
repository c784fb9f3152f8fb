import { makeZxid, ZXID_NONE, type Zxid } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { endsOf, pasts } from '../test/histories.ts';
import { planSync, type SyncPlan } from './sync-plan.ts';

/** Compares the logs record by record. */
function naivePlan(leader: readonly Zxid[], learner: readonly Zxid[], base: Zxid): SyncPlan {
  let length = 0;
  while (length < leader.length && leader[length] === learner[length]) length++;
  const zxid = leader[length - 1] ?? ZXID_NONE;
  if (zxid < base) return { mode: 'snap' };
  return { mode: learner.length > length ? 'trunc' : 'diff', zxid };
}

function plan(leader: readonly Zxid[], learner: readonly Zxid[], baseZxid: Zxid): SyncPlan {
  // Of what lies below its base a server knows only the end.
  const known = leader.filter((zxid) => zxid >= baseZxid);
  return planSync(
    { ends: endsOf(known), lastZxid: known.at(-1) ?? ZXID_NONE, baseZxid },
    { ends: endsOf(learner), lastZxid: learner.at(-1) ?? ZXID_NONE },
  );
}

describe('the plan that brings a learner to its leader’s log', () => {
  test('is the one that comparing record by record gives, for all small pasts', () => {
    let cases = 0;
    for (const logs of pasts(3, 3)) {
      for (const leader of logs) {
        for (const learner of logs) {
          for (const base of [ZXID_NONE, ...leader]) {
            cases++;
            expect({ leader, learner, base, plan: plan(leader, learner, base) }).toEqual({
              leader,
              learner,
              base,
              plan: naivePlan(leader, learner, base),
            });
          }
        }
      }
    }
    expect(cases).toBeGreaterThan(10_000);
  });

  test('cuts a tail that lies between two records of the leader (ZOOKEEPER-1154)', () => {
    const common = [makeZxid(7, 0), makeZxid(7, 1)];
    const leader = [...common, makeZxid(8, 0), makeZxid(8, 1)];
    const learner = [...common, makeZxid(7, 2)];
    expect(plan(leader, learner, ZXID_NONE)).toEqual({ mode: 'trunc', zxid: makeZxid(7, 1) });
  });

  test('cuts a log that is longer than the leader’s (ZOOKEEPER-2832)', () => {
    const leader = [makeZxid(1, 0), makeZxid(1, 1), makeZxid(3, 0)];
    const learner = [makeZxid(1, 0), makeZxid(1, 1), makeZxid(2, 0), makeZxid(2, 1)];
    expect(plan(leader, learner, ZXID_NONE)).toEqual({ mode: 'trunc', zxid: makeZxid(1, 1) });
  });
});
