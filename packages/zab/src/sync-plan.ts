import { makeZxid, ZXID_NONE, type Zxid } from '@zabra/model';
import type { EpochEnd } from './record.ts';

/** What two logs are compared by. Epochs oldest first. */
export interface LogOutline {
  readonly ends: readonly EpochEnd[];
  readonly lastZxid: Zxid;
}

/** DIFF: the learner's log is a prefix of the leader's. TRUNC: it is one once cut after `zxid`. SNAP: start anew. */
export type SyncPlan = { readonly mode: 'diff' | 'trunc'; readonly zxid: Zxid } | { readonly mode: 'snap' };

/**
 * Chooses how a learner's history becomes a prefix of the leader's.
 *
 * The common history ends at (e, the smaller counter) for the highest epoch e that both logs hold: one leader made all of
 * e, and whoever holds (e, c) holds what that leader had before it. Without such an epoch only the empty history is
 * common. The leader can send what follows record by record, unless part of that lies below `baseZxid`, the end of what
 * it has only as a snapshot.
 *
 * Zab paper (DSN'11), synchronization phase; ZooKeeper's range tests on its recent history lost data (ZOOKEEPER-1154,
 * ZOOKEEPER-2832).
 */
export function planSync(leader: LogOutline & { readonly baseZxid: Zxid }, learner: LogOutline): SyncPlan {
  const common = commonEnd(leader.ends, learner.ends);
  if (common < leader.baseZxid) return { mode: 'snap' };
  return { mode: learner.lastZxid > common ? 'trunc' : 'diff', zxid: common };
}

function commonEnd(leader: readonly EpochEnd[], learner: readonly EpochEnd[]): Zxid {
  let mine = leader.length - 1;
  let theirs = learner.length - 1;
  for (;;) {
    const left = leader[mine];
    const right = learner[theirs];
    if (left === undefined || right === undefined) return ZXID_NONE;
    if (left.epoch === right.epoch) return makeZxid(left.epoch, Math.min(left.counter, right.counter));
    if (left.epoch > right.epoch) mine--;
    else theirs--;
  }
}
