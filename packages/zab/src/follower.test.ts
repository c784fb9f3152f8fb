import { EPOCH_MAX, makeZxid, ZXID_NONE, type Zxid } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { recordsAt } from '../test/histories.ts';
import { of, Solo, said } from '../test/solo.ts';
import type { Effect } from './step.ts';

const OLD = [makeZxid(1, 0), makeZxid(1, 1)];
const START = makeZxid(2, 0);
const [, second] = OLD;
const LAST_OLD: Zxid = second ?? ZXID_NONE;

/** Promised epoch 2, and was told that its log is whole. */
function synchronizing(): Solo {
  const solo = new Solo();
  solo.follow(OLD);
  solo.fromLeader({ kind: 'leaderInfo', epoch: 2, clusterId: 'test' });
  solo.saved(2, 1);
  solo.fromLeader({ kind: 'syncPlan', mode: 'diff', zxid: LAST_OLD });
  return solo;
}

function propose(
  solo: Solo,
  zxids: readonly Zxid[],
  previous: Zxid,
  commit: Zxid = ZXID_NONE,
): readonly string[] {
  return said(solo.fromLeader({ kind: 'proposals', records: recordsAt(zxids, previous), commit }));
}

/** The ways in which proposals (P), commits (C), syncs (D) and NEWLEADER (N) may follow each other. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  P0: [],
  P1: ['P0'],
  P2: ['P1'],
  C0: ['P0'],
  C1: ['P1', 'C0'],
  C2: ['P2', 'C1'],
  D0: ['P0'],
  D1: ['P1', 'D0'],
  D2: ['P2', 'D1'],
  N: ['P0'],
};

function orders(done: readonly string[] = []): readonly (readonly string[])[] {
  const next = Object.entries(NEEDS)
    .filter(([event, needs]) => !done.includes(event) && needs.every((need) => done.includes(need)))
    .map(([event]) => event);
  return next.length === 0 ? [done] : next.flatMap((event) => orders([...done, event]));
}

/** Does what `event` says to a learner of epoch 2; a manifest that it asks for is saved at once. */
function live(solo: Solo, event: string): readonly Effect[] {
  const [kind, counter] = [event.charAt(0), Number(event.charAt(1))];
  const zxid = makeZxid(2, counter);
  const records = recordsAt([zxid], counter === 0 ? LAST_OLD : makeZxid(2, counter - 1));
  const happenings: Readonly<Record<string, () => readonly Effect[]>> = {
    P: () => solo.fromLeader({ kind: 'proposals', records, commit: ZXID_NONE }),
    C: () => solo.fromLeader({ kind: 'commit', zxid }),
    D: () => solo.appended(zxid),
    N: () => solo.fromLeader({ kind: 'newLeader', epoch: 2, zxid: START }),
  };
  const effects = happenings[kind]?.() ?? [];
  return [...effects, ...of('saveManifest', effects).flatMap(() => solo.saved(2, 2))];
}

describe('a learner', () => {
  test('promises an epoch only once that is durable', () => {
    const solo = new Solo();
    solo.follow(OLD);
    expect(said(solo.fromLeader({ kind: 'leaderInfo', epoch: 2, clusterId: 'test' }))).toEqual([]);
    expect(of('toLeader', solo.saved(2, 1))).toMatchObject([
      { message: { kind: 'ackEpoch', promised: true, currentEpoch: 1, lastZxid: LAST_OLD } },
    ]);
  });

  test('says that an epoch it had promised before is no new promise', () => {
    const solo = new Solo();
    solo.follow(OLD, { acceptedEpoch: 2 });
    expect(
      of('toLeader', solo.fromLeader({ kind: 'leaderInfo', epoch: 2, clusterId: 'test' })),
    ).toMatchObject([{ message: { kind: 'ackEpoch', promised: false } }]);
  });

  test.each([
    { name: 'of an epoch older than its promise', epoch: 3, clusterId: 'test' },
    { name: 'of another cluster', epoch: 9, clusterId: 'other' },
    { name: 'of a forged epoch', epoch: 4 + 2 ** 16 + 1, clusterId: 'test' },
  ])('leaves a leader $name', ({ epoch, clusterId }) => {
    const solo = new Solo();
    solo.follow(OLD, { acceptedEpoch: 4 });
    const effects = solo.fromLeader({ kind: 'leaderInfo', epoch, clusterId });
    expect(of('disconnect', effects)).toHaveLength(1);
    expect(of('saveManifest', effects)).toEqual([]);
    expect(solo.zab.phase).toBe('recovery');
  });

  test.each([
    { epoch: EPOCH_MAX, saves: 1 },
    { epoch: EPOCH_MAX + 1, saves: 0 },
  ])('that never promised anything believes any epoch there is: $epoch', ({ epoch, saves }) => {
    const solo = new Solo();
    solo.follow([], { standing: 'refill' });
    const effects = solo.fromLeader({ kind: 'leaderInfo', epoch, clusterId: 'test' });
    expect(of('saveManifest', effects)).toHaveLength(saves);
    expect(of('disconnect', effects)).toHaveLength(1 - saves);
  });

  test('acknowledges NEWLEADER after its log is durable and then its epoch (ZOOKEEPER-4643)', () => {
    const solo = synchronizing();
    propose(solo, [START], LAST_OLD);
    const heard = solo.fromLeader({ kind: 'newLeader', epoch: 2, zxid: START });
    expect(of('saveManifest', heard)).toEqual([]);
    const logged = solo.appended(START);
    expect(of('saveManifest', logged)).toMatchObject([{ currentEpoch: 2 }]);
    expect(said(logged)).toEqual(['ack']);
    expect(said(solo.saved(2, 2))).toEqual(['ackNewLeader']);
    expect(solo.zab.serving).toBe(false);
    solo.fromLeader({ kind: 'commit', zxid: START });
    expect(solo.zab.serving).toBe(true);
  });

  test('acknowledges what came after NEWLEADER as well, if it is durable by then', () => {
    const solo = synchronizing();
    propose(solo, [START, makeZxid(2, 1)], LAST_OLD);
    solo.fromLeader({ kind: 'newLeader', epoch: 2, zxid: START });
    solo.appended(makeZxid(2, 1));
    expect(of('toLeader', solo.saved(2, 2)).map(({ message }) => message)).toEqual([
      { kind: 'ackNewLeader', epoch: 2 },
      { kind: 'ack', zxid: makeZxid(2, 1) },
    ]);
  });

  test('delivers what is committed only once it is durable here', () => {
    const solo = synchronizing();
    const effects = solo.fromLeader({
      kind: 'proposals',
      records: recordsAt([START], LAST_OLD),
      commit: START,
    });
    expect(of('deliver', effects).flatMap(({ records }) => records.map(({ zxid }) => zxid))).toEqual(OLD);
    expect(of('deliver', solo.appended(START))).toMatchObject([{ records: [{ zxid: START }] }]);
  });

  test('delivers what is committed and durable, whenever NEWLEADER comes (S18, ZOOKEEPER-4394)', () => {
    const all = orders();
    for (const order of all) {
      const solo = synchronizing();
      const delivered: Zxid[] = [];
      for (const [index, event] of order.entries()) {
        const effects = live(solo, event);
        delivered.push(...of('deliver', effects).flatMap(({ records }) => records.map(({ zxid }) => zxid)));
        const past = order.slice(0, index + 1);
        const ready = ['0', '1', '2'].filter((n) => past.includes(`C${n}`) && past.includes(`D${n}`)).length;
        expect({ past, zxids: delivered.filter((zxid) => zxid >= START) }).toEqual({
          past,
          zxids: [START, makeZxid(2, 1), makeZxid(2, 2)].slice(0, ready),
        });
      }
      expect({ order, serving: solo.zab.serving }).toEqual({ order, serving: true });
    }
    expect(all.length).toBeGreaterThan(1000);
  });

  test('drops a proposal that it has already (S02)', () => {
    const solo = synchronizing();
    const effects = solo.fromLeader({
      kind: 'proposals',
      records: recordsAt([...OLD, START]),
      commit: ZXID_NONE,
    });
    expect(of('append', effects)).toMatchObject([{ records: [{ zxid: START }] }]);
    expect(solo.zab.role).toBe('following');
  });

  test.each([
    { name: 'a hole', zxids: [makeZxid(2, 1)], previous: START },
    { name: 'another history', zxids: [START], previous: makeZxid(1, 0) },
    { name: 'a record of a later epoch', zxids: [makeZxid(3, 0)], previous: LAST_OLD },
  ])('ends the stream that has $name', ({ zxids, previous }) => {
    const solo = synchronizing();
    propose(solo, zxids, previous);
    expect(solo.zab.phase).toBe('recovery');
  });

  test('cuts its log, and acknowledges nothing before the cut is done', () => {
    const solo = new Solo();
    solo.follow(OLD);
    solo.fromLeader({ kind: 'leaderInfo', epoch: 2, clusterId: 'test' });
    solo.saved(2, 1);
    const effects = solo.fromLeader({ kind: 'syncPlan', mode: 'trunc', zxid: makeZxid(1, 0) });
    expect(of('truncate', effects)).toMatchObject([{ after: makeZxid(1, 0) }]);
    expect(solo.zab.durableZxid).toBe(makeZxid(1, 0));
    expect(propose(solo, [START], makeZxid(1, 0))).toEqual([]);
  });

  test('never cuts what it knows to be committed', () => {
    const solo = new Solo();
    solo.follow(OLD, { commitZxid: LAST_OLD });
    solo.fromLeader({ kind: 'leaderInfo', epoch: 2, clusterId: 'test' });
    solo.saved(2, 1);
    expect(() => solo.fromLeader({ kind: 'syncPlan', mode: 'trunc', zxid: makeZxid(1, 0) })).toThrow(
      'what is committed is never cut',
    );
  });

  test('that is to be refilled is whole with the epoch that it adopts, not before', () => {
    const solo = new Solo();
    solo.follow([], { standing: 'refill', acceptedEpoch: 1 });
    const invited = solo.fromLeader({ kind: 'leaderInfo', epoch: 2, clusterId: 'test' });
    expect(of('saveManifest', invited)).toMatchObject([{ standing: 'refill' }]);
    solo.saved(2, 0);
    solo.fromLeader({ kind: 'syncPlan', mode: 'snap', zxid: START, snapshotBytes: 1 });
    solo.fromLeader({ kind: 'snapshotChunk', offset: 0, data: new Uint8Array(1), last: true });
    const { incarnation } = solo.zab;
    solo.step({ kind: 'snapshotWritten', incarnation, offset: 1 });
    const installed = solo.step({ kind: 'snapshotInstalled', incarnation, zxid: START });
    expect(of('saveManifest', installed)).toEqual([]);
    const last = makeZxid(2, 1);
    propose(solo, [last], START);
    expect(of('saveManifest', solo.fromLeader({ kind: 'newLeader', epoch: 2, zxid: last }))).toEqual([]);
    expect(of('saveManifest', solo.appended(last))).toMatchObject([{ currentEpoch: 2, standing: 'voter' }]);
    expect(said(solo.saved(2, 2))).toEqual(['ackNewLeader']);
  });

  test('leaves a leader whose snapshot would take the tree back', () => {
    const solo = new Solo();
    solo.follow(OLD, { commitZxid: LAST_OLD, appliedZxid: LAST_OLD });
    solo.fromLeader({ kind: 'leaderInfo', epoch: 2, clusterId: 'test' });
    solo.saved(2, 1);
    const [older] = OLD;
    const plan = { kind: 'syncPlan', mode: 'snap', zxid: older ?? ZXID_NONE, snapshotBytes: 8 } as const;
    const effects = solo.fromLeader(plan);
    expect(of('disconnect', effects)).toHaveLength(1);
    expect(of('beginSnapshot', effects)).toEqual([]);
    expect(solo.zab.phase).toBe('recovery');
  });

  test('leaves its leader when its own log stands still (S39)', () => {
    const solo = synchronizing();
    propose(solo, [START], LAST_OLD, START);
    solo.fromLeader({ kind: 'newLeader', epoch: 2, zxid: START });
    solo.appended(START);
    solo.saved(2, 2);
    const roles = Array.from({ length: 110 }, (_, round) => {
      solo.wait(100);
      solo.fromLeader({ kind: 'ping', round });
      return solo.zab.role;
    });
    expect(roles.at(-1)).toBe('following');
    propose(solo, [makeZxid(2, 1)], START);
    const stalled = Array.from({ length: 54 }, (_, round) => {
      solo.wait(100);
      solo.fromLeader({ kind: 'ping', round });
      return solo.zab.role;
    });
    expect(stalled.indexOf('looking')).toBeGreaterThan(45);
  });

  test('leaves a silent leader, and refuses open questions', () => {
    const solo = synchronizing();
    propose(solo, [START], LAST_OLD, START);
    solo.fromLeader({ kind: 'newLeader', epoch: 2, zxid: START });
    solo.appended(START);
    solo.saved(2, 2);
    expect(said(solo.step({ kind: 'readIndex', id: 5 }))).toEqual(['readIndex']);
    const effects = solo.wait(1100);
    expect(of('readIndexed', effects)).toEqual([{ kind: 'readIndexed', id: 5, zxid: undefined }]);
    expect(solo.zab.phase).toBe('recovery');
  });

  test('believes nothing that the disk says to a role it left', () => {
    const solo = synchronizing();
    const { incarnation } = solo.zab;
    propose(solo, [START], LAST_OLD);
    solo.step({ kind: 'linkDown', link: -1 });
    expect(solo.step({ kind: 'appended', incarnation, zxid: START })).toEqual([]);
    expect(solo.zab.durableZxid).toBe(LAST_OLD);
  });

  test('asserts that the disk gives back what it called durable', () => {
    const solo = synchronizing();
    solo.step({ kind: 'linkDown', link: -1 });
    expect(() => solo.drained([makeZxid(1, 0)], { acceptedEpoch: 2 })).toThrow(
      'what was durable is still there',
    );
  });
});
