import { makeZxid, ZXID_NONE } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { of, Solo, said } from '../test/solo.ts';

const OLD = [makeZxid(1, 0), makeZxid(1, 1)];
const START = makeZxid(2, 0);
const PROMISE = {
  kind: 'ackEpoch',
  epoch: 2,
  promised: true,
  currentEpoch: 0,
  lastZxid: ZXID_NONE,
  history: [],
} as const;

/** Server 2 promised epoch 2; the epoch's first record is on its way to both disks. */
function synchronizing(options = {}): { readonly solo: Solo; readonly link: number } {
  const solo = new Solo(options);
  const link = solo.lead(OLD);
  solo.saved(2, 1);
  solo.fromLearner(link, PROMISE);
  return { solo, link };
}

function serving(options = {}): { readonly solo: Solo; readonly link: number } {
  const { solo, link } = synchronizing(options);
  solo.appended(START);
  solo.saved(2, 2);
  solo.fromLearner(link, { kind: 'ackNewLeader', epoch: 2 });
  return { solo, link };
}

function propose(solo: Solo, count: number): void {
  solo.step({ kind: 'propose', payloads: Array.from({ length: count }, () => new Uint8Array(8)) });
}

describe('a leader', () => {
  test('makes its epoch known once its own promise is durable', () => {
    const solo = new Solo();
    solo.lead(OLD);
    expect(of('toLearner', solo.saved(2, 1))).toMatchObject([{ message: { kind: 'leaderInfo', epoch: 2 } }]);
  });

  test('takes an epoch above all that its quorum promised', () => {
    const solo = new Solo();
    solo.drained(OLD);
    solo.up(2);
    solo.hear(2, { vote: { leader: 1, epoch: 0, zxid: ZXID_NONE } });
    const link = solo.learner(2);
    const effects = solo.fromLearner(link, { kind: 'followerInfo', acceptedEpoch: 6, standing: 'voter' });
    expect(of('saveManifest', effects)).toMatchObject([{ acceptedEpoch: 7, currentEpoch: 1 }]);
  });

  test('spends no epoch on a forged promise', () => {
    const solo = new Solo();
    solo.drained(OLD);
    solo.up(2);
    solo.hear(2, { vote: { leader: 1, epoch: 0, zxid: ZXID_NONE } });
    const link = solo.learner(2);
    const effects = solo.fromLearner(link, {
      kind: 'followerInfo',
      acceptedEpoch: 2_000_000,
      standing: 'voter',
    });
    expect(of('disconnect', effects)).toHaveLength(1);
    expect(of('saveManifest', effects)).toEqual([]);
  });

  test('resigns before a learner that has more history', () => {
    const solo = new Solo();
    const link = solo.lead(OLD);
    solo.saved(2, 1);
    const history = [{ epoch: 1, counter: 2 }];
    solo.fromLearner(link, { ...PROMISE, currentEpoch: 1, lastZxid: makeZxid(1, 2), history });
    expect(solo.zab.phase).toBe('recovery');
  });

  test('resigns when a learner has promised a later epoch, which it would wait for for ever (S04)', () => {
    const { solo } = serving();
    const late = solo.learner(3);
    solo.fromLearner(late, { kind: 'followerInfo', acceptedEpoch: 2, standing: 'voter' });
    expect(solo.zab.serving).toBe(true);
    const again = solo.learner(3);
    solo.fromLearner(again, { kind: 'followerInfo', acceptedEpoch: 3, standing: 'voter' });
    expect(solo.zab.phase).toBe('recovery');
  });

  test('resigns as well when that learner is to be refilled, since nobody else could refill it', () => {
    const { solo } = serving();
    const late = solo.learner(3);
    solo.fromLearner(late, { kind: 'followerInfo', acceptedEpoch: 3, standing: 'refill' });
    expect(solo.zab.phase).toBe('recovery');
  });

  test('does not count a promise that was made to another', () => {
    const solo = new Solo();
    const link = solo.lead(OLD);
    solo.saved(2, 1);
    expect(of('append', solo.fromLearner(link, { ...PROMISE, promised: false }))).toEqual([]);
  });

  test('serves once a quorum adopted its epoch, its own disk included', () => {
    const { solo, link } = synchronizing();
    solo.fromLearner(link, { kind: 'ackNewLeader', epoch: 2 });
    expect(of('saveManifest', solo.appended(START))).toMatchObject([{ currentEpoch: 2 }]);
    expect(solo.zab.serving).toBe(false);
    const effects = solo.saved(2, 2);
    expect(solo.zab.serving).toBe(true);
    expect(of('deliver', effects).flatMap(({ records }) => records.map(({ zxid }) => zxid))).toEqual([
      ...OLD,
      START,
    ]);
  });

  test('counts no ack before that of NEWLEADER (S17)', () => {
    const { solo, link } = synchronizing();
    solo.appended(START);
    solo.saved(2, 2);
    solo.fromLearner(link, { kind: 'ack', zxid: START });
    expect(solo.zab.commitZxid).toBe(ZXID_NONE);
    solo.fromLearner(link, { kind: 'ackNewLeader', epoch: 2 });
    expect(solo.zab.commitZxid).toBe(START);
  });

  test('sends what it proposes, and commits, to a learner that has not adopted its epoch yet (S01, S03)', () => {
    const { solo, link } = serving();
    const late = solo.learner(3);
    solo.fromLearner(late, { kind: 'followerInfo', acceptedEpoch: 1, standing: 'voter' });
    const brought = solo.fromLearner(late, PROMISE);
    expect(said(brought)).toEqual(['syncPlan', 'proposals', 'proposals', 'newLeader']);
    const toLate = of('toLearner', solo.step({ kind: 'propose', payloads: [new Uint8Array(8)] }));
    expect(toLate.filter((effect) => effect.link === late)).toMatchObject([
      { message: { kind: 'proposals', records: [{ zxid: makeZxid(2, 1), previous: START }] } },
    ]);
    solo.appended(makeZxid(2, 1));
    const committed = of('toLearner', solo.fromLearner(link, { kind: 'ack', zxid: makeZxid(2, 1) }));
    expect(committed.filter((effect) => effect.link === late)).toMatchObject([
      { message: { kind: 'commit', zxid: makeZxid(2, 1) } },
    ]);
  });

  test('counts a learner that comes late from its ACK(NEWLEADER) on', () => {
    const { solo } = serving();
    const late = solo.learner(3);
    solo.fromLearner(late, { kind: 'followerInfo', acceptedEpoch: 1, standing: 'voter' });
    solo.fromLearner(late, PROMISE);
    propose(solo, 1);
    solo.appended(makeZxid(2, 1));
    solo.fromLearner(late, { kind: 'ack', zxid: makeZxid(2, 1) });
    expect(solo.zab.commitZxid).toBe(START);
    solo.fromLearner(late, { kind: 'ackNewLeader', epoch: 2 });
    solo.fromLearner(late, { kind: 'ack', zxid: makeZxid(2, 1) });
    expect(solo.zab.commitZxid).toBe(makeZxid(2, 1));
  });

  test('counts a refilled learner once it has all that had been proposed when it came', () => {
    const { solo, link } = serving();
    propose(solo, 2);
    solo.fromLearner(link, { kind: 'ack', zxid: makeZxid(2, 2) });
    expect(solo.zab.commitZxid).toBe(START);
    const refilled = solo.learner(2);
    solo.fromLearner(refilled, { kind: 'followerInfo', acceptedEpoch: 2, standing: 'refill' });
    const brought = solo.fromLearner(refilled, { ...PROMISE, promised: false });
    expect(said(brought).at(-1)).toBe('newLeader');
    expect(of('toLearner', brought).at(-1)).toMatchObject({ message: { zxid: makeZxid(2, 2) } });
    solo.appended(makeZxid(2, 2));
    solo.fromLearner(refilled, { kind: 'ack', zxid: makeZxid(2, 1) });
    expect(solo.zab.commitZxid).toBe(START);
    solo.fromLearner(refilled, { kind: 'ackNewLeader', epoch: 2 });
    expect(solo.zab.commitZxid).toBe(makeZxid(2, 2));
  });

  test('has no contact with a server that lost its data, however much it says', () => {
    const { solo } = serving();
    const refilled = solo.learner(2);
    solo.fromLearner(refilled, { kind: 'followerInfo', acceptedEpoch: 2, standing: 'refill' });
    solo.fromLearner(refilled, { ...PROMISE, promised: false });
    solo.fromLearner(refilled, { kind: 'ack', zxid: START });
    solo.wait(100);
    expect(solo.zab.phase).toBe('recovery');
  });

  test('does not count the promise of a server that lost its data since', () => {
    const solo = new Solo({ members: [1, 2, 3, 4, 5] });
    solo.drained(OLD);
    solo.up(2, 3);
    const vote = { leader: 1, epoch: 0, zxid: ZXID_NONE };
    solo.hear(2, { vote });
    solo.hear(3, { vote });
    const [second, third] = [solo.learner(2), solo.learner(3)];
    solo.fromLearner(second, { kind: 'followerInfo', acceptedEpoch: 0, standing: 'voter' });
    solo.fromLearner(third, { kind: 'followerInfo', acceptedEpoch: 0, standing: 'voter' });
    solo.saved(2, 1);
    solo.fromLearner(second, PROMISE);
    const refilled = solo.learner(2);
    solo.fromLearner(refilled, { kind: 'followerInfo', acceptedEpoch: 2, standing: 'refill' });
    expect(of('append', solo.fromLearner(third, PROMISE))).toEqual([]);
  });

  test('commits what a quorum has, and delivers it when its own disk has it', () => {
    const { solo, link } = serving();
    solo.up(3);
    propose(solo, 2);
    expect(solo.zab.outstandingProposals).toBe(2);
    solo.fromLearner(link, { kind: 'ack', zxid: makeZxid(2, 2) });
    expect(solo.zab.commitZxid).toBe(START);
    const effects = solo.appended(makeZxid(2, 1));
    expect(of('deliver', effects)).toMatchObject([{ records: [{ zxid: makeZxid(2, 1) }] }]);
    expect(of('toLearner', effects)).toMatchObject([{ message: { kind: 'commit', zxid: makeZxid(2, 1) } }]);
  });

  test('dismisses a learner that acknowledges what it was not sent', () => {
    const { solo, link } = serving();
    expect(of('disconnect', solo.fromLearner(link, { kind: 'ack', zxid: makeZxid(2, 9) }))).toHaveLength(1);
    expect(solo.zab.commitZxid).toBe(START);
  });

  test('sends a learner no more than the window holds until it acknowledges', () => {
    const { solo, link } = serving({ learnerWindowBytesMax: 100, proposalsBytesMax: 40 });
    const first = solo.step({
      kind: 'propose',
      payloads: Array.from({ length: 9 }, () => new Uint8Array(8)),
    });
    expect(said(first)).toEqual(['proposals', 'proposals', 'proposals']);
    const more = solo.fromLearner(link, { kind: 'ack', zxid: makeZxid(2, 2) });
    expect(said(more)).toEqual(['proposals', 'proposals']);
  });

  test('resigns when it hears no quorum', () => {
    const { solo } = serving();
    solo.wait(900);
    expect(solo.zab.serving).toBe(true);
    solo.wait(400);
    expect(solo.zab.role).toBe('looking');
  });

  test('is not deposed by a pause of its own', () => {
    const { solo, link } = serving();
    solo.nowMs += 30_000;
    const effects = solo.step({ kind: 'tick', nowMs: solo.nowMs });
    expect(solo.zab.serving).toBe(true);
    const [ping] = of('toLearner', effects);
    expect(ping).toMatchObject({ message: { kind: 'ping' } });
    solo.fromLearner(link, { kind: 'pong', round: 1 });
    solo.wait(400);
    expect(solo.zab.serving).toBe(true);
  });

  test('gives up when nobody comes to follow, and holds back before it tries again', () => {
    const solo = new Solo();
    solo.drained(OLD);
    solo.up(2);
    const vote = { leader: 1, epoch: 0, zxid: ZXID_NONE };
    solo.hear(2, { vote });
    expect(solo.zab.role).toBe('leading');
    solo.wait(2100);
    expect(solo.zab.phase).toBe('recovery');
    solo.drained(OLD);
    solo.hear(2, { round: 2, vote });
    expect(solo.zab.phase).toBe('election');
    solo.wait(150);
    expect(solo.zab.role).toBe('leading');
  });

  test('gives up when its own log stands still', () => {
    const { solo, link } = serving();
    propose(solo, 1);
    const pongs = Array.from({ length: 60 }, () => {
      solo.wait(100);
      solo.fromLearner(link, { kind: 'pong', round: 1 });
      return solo.zab.role;
    });
    expect(pongs.at(0)).toBe('leading');
    expect(pongs.at(-1)).toBe('looking');
  });

  test('leaves its epoch when that has no more zxids (ZOOKEEPER-1277)', () => {
    const { solo, link } = serving({ counterMax: 3 });
    propose(solo, 3);
    solo.appended(makeZxid(2, 3));
    expect(solo.zab.role).toBe('leading');
    solo.fromLearner(link, { kind: 'ack', zxid: makeZxid(2, 3) });
    expect(solo.zab.phase).toBe('recovery');
    expect(solo.zab.commitZxid).toBe(makeZxid(2, 3));
  });

  test('answers a read index after a quorum echoed a round begun after the question', () => {
    const { solo, link } = serving();
    const [ping] = of('toLearner', solo.step({ kind: 'readIndex', id: 8 }));
    expect(ping).toMatchObject({ message: { kind: 'ping', round: 1 } });
    expect(of('readIndexed', solo.fromLearner(link, { kind: 'pong', round: 0 }))).toEqual([]);
    expect(of('readIndexed', solo.fromLearner(link, { kind: 'pong', round: 1 }))).toEqual([
      { kind: 'readIndexed', id: 8, zxid: START },
    ]);
  });

  test('reads a lagging learner’s records from the disk, and sends it away when they are gone', () => {
    const { solo } = serving({ historyRecordsMax: 1 });
    const late = solo.learner(3);
    solo.fromLearner(late, { kind: 'followerInfo', acceptedEpoch: 0, standing: 'voter' });
    const effects = solo.fromLearner(late, PROMISE);
    const [read] = of('readLog', effects);
    expect(read).toMatchObject({ after: ZXID_NONE });
    const { incarnation } = solo.zab;
    const purged = solo.step({
      kind: 'logRead',
      incarnation,
      link: late,
      after: ZXID_NONE,
      records: [],
      purged: true,
    });
    expect(of('disconnect', purged)).toMatchObject([{ link: late }]);
    const again = solo.learner(3);
    solo.fromLearner(again, { kind: 'followerInfo', acceptedEpoch: 2, standing: 'voter' });
    expect(of('openSnapshot', solo.fromLearner(again, { ...PROMISE, promised: false }))).toHaveLength(1);
  });

  test('keeps a learner that comes before the election is decided', () => {
    const solo = new Solo();
    solo.drained(OLD);
    solo.up(2);
    const link = solo.learner(2);
    solo.fromLearner(link, { kind: 'followerInfo', acceptedEpoch: 0, standing: 'voter' });
    const effects = solo.hear(2, { vote: { leader: 1, epoch: 0, zxid: ZXID_NONE } });
    expect(of('disconnect', effects)).toEqual([]);
    expect(of('saveManifest', effects)).toMatchObject([{ acceptedEpoch: 2 }]);
  });

  test('proposes nothing before it serves', () => {
    const { solo } = synchronizing();
    expect(() => propose(solo, 1)).toThrow('a leader proposes once its initial history is committed');
  });
});
