import { makeZxid, ZXID_NONE } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { of, Solo } from '../test/solo.ts';

const NOTHING = { epoch: 0, zxid: ZXID_NONE };

describe('an election', () => {
  test('is decided at once when every reachable voter agrees', () => {
    const solo = new Solo();
    solo.drained();
    solo.up(2);
    solo.hear(2, { vote: { leader: 2, ...NOTHING } });
    expect(solo.zab.leader).toBe(2);
  });

  test('waits a little for a reachable voter that has not agreed', () => {
    const solo = new Solo();
    solo.drained();
    solo.up(2, 3);
    solo.hear(2, { vote: { leader: 2, ...NOTHING } });
    expect(solo.zab.phase).toBe('election');
    solo.wait(250);
    expect(solo.zab.leader).toBe(2);
  });

  test('chooses nobody who was only heard of', () => {
    const solo = new Solo();
    solo.drained();
    solo.up(2, 3);
    solo.hear(2, { vote: { leader: 3, epoch: 7, zxid: makeZxid(7, 7) } });
    solo.wait(1000);
    expect(solo.zab.phase).toBe('election');
  });

  test('goes on without a candidate that went down', () => {
    const solo = new Solo();
    solo.drained();
    solo.up(2, 3);
    solo.hear(3, { vote: { leader: 3, ...NOTHING } });
    solo.step({ kind: 'electDown', peer: 3 });
    solo.hear(2, { vote: { leader: 2, ...NOTHING } });
    expect(solo.zab.leader).toBe(2);
  });

  test('counts no note of an older round, and tells its sender', () => {
    const solo = new Solo();
    solo.drained();
    solo.up(2);
    solo.hear(3, { round: 5, vote: { leader: 3, ...NOTHING } });
    const effects = solo.hear(2, { round: 4, vote: { leader: 3, ...NOTHING } });
    expect(of('notify', effects)).toMatchObject([{ to: 2, notification: { round: 5 } }]);
    expect(solo.zab.phase).toBe('election');
  });

  test('ignores a round that nobody can have reached', () => {
    const solo = new Solo();
    solo.drained();
    solo.up(2);
    solo.hear(2, { round: Number.MAX_SAFE_INTEGER });
    expect(of('notify', solo.wait(200))).toMatchObject([{ notification: { round: 1 } }]);
  });

  test('does not count a server that is to be refilled, nor vote for it', () => {
    const solo = new Solo();
    solo.drained();
    solo.up(3);
    solo.hear(3, { standing: 'refill', vote: { leader: 3, epoch: 9, zxid: makeZxid(9, 9) } });
    solo.wait(1000);
    expect(solo.zab.phase).toBe('election');
  });

  test('is joined late through a settled quorum, whatever its round', () => {
    const solo = new Solo();
    solo.drained([makeZxid(1, 0)]);
    solo.up(2, 3);
    const vote = { leader: 3, epoch: 1, zxid: ZXID_NONE };
    solo.hear(2, { state: 'following', round: 40, vote });
    expect(solo.zab.phase).toBe('election');
    solo.hear(3, { state: 'leading', round: 40, vote });
    expect(solo.zab.leader).toBe(3);
  });

  test('is answered by a settled server with its leader', () => {
    const solo = new Solo();
    solo.follow();
    expect(of('notify', solo.hear(2, { round: 3 }))).toMatchObject([
      { to: 2, notification: { state: 'following', vote: { leader: 3 } } },
    ]);
  });

  test('is not answered while the disk is read', () => {
    const solo = new Solo();
    solo.up(2);
    expect(solo.hear(2, {})).toEqual([]);
    expect(of('notify', solo.wait(500))).toEqual([]);
  });

  test('of a blank server waits for the last member, and ends when one has data', () => {
    const solo = new Solo();
    solo.drained([], { standing: 'blank', clusterId: undefined });
    solo.up(2, 3);
    solo.hear(2, { standing: 'blank', vote: { leader: 2, ...NOTHING } });
    solo.wait(1000);
    expect(solo.zab.phase).toBe('election');
    solo.hear(3, { vote: { leader: 3, epoch: 1, zxid: makeZxid(1, 0) } });
    solo.hear(2, { standing: 'blank', vote: { leader: 3, epoch: 1, zxid: makeZxid(1, 0) } });
    solo.wait(1000);
    expect(solo.zab.phase).toBe('election');
  });

  test('of all blank servers is decided when the last is heard', () => {
    const solo = new Solo();
    solo.drained([], { standing: 'blank', clusterId: undefined });
    solo.up(2, 3);
    solo.hear(2, { standing: 'blank', vote: { leader: 3, ...NOTHING } });
    solo.hear(3, { standing: 'blank', vote: { leader: 3, ...NOTHING } });
    expect(solo.zab.leader).toBe(3);
  });
});
