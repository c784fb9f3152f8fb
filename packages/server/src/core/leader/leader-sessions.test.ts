import { expect, test } from 'vitest';
import { AttendedTime } from './attended-time.ts';
import { LeaderSessions } from './leader-sessions.ts';

const TICK_MS = 50;

/** Sessions of a leader whose ticks come in time; `at` of the last one. */
class Ticking {
  readonly #time = new AttendedTime(0, TICK_MS);
  readonly sessions: LeaderSessions = new LeaderSessions(this.#time);
  #nowMs = 0;

  /** Answers who expired, and when. */
  runTo(endMs: number): readonly string[] {
    const expired: string[] = [];
    for (; this.#nowMs + TICK_MS <= endMs; ) {
      this.#nowMs += TICK_MS;
      this.#time.tick(this.#nowMs);
      for (const id of this.sessions.expire()) expired.push(`${id} at ${this.#nowMs}`);
    }
    return expired;
  }

  /** Stands still until `nowMs`, then ticks once. */
  wakeAt(nowMs: number): readonly number[] {
    this.#nowMs = nowMs;
    this.#time.tick(nowMs);
    return this.sessions.expire();
  }
}

const by = (server: number, attempt = 1, nonce = 'a'): Parameters<LeaderSessions['claim']>[1] => ({
  server,
  attempt,
  nonce,
  identities: [],
});

test('a session that is not heard expires once, at the first tick at which its timeout and two ticks are over', () => {
  const ticking = new Ticking();
  ticking.sessions.add(1, 1000);
  ticking.sessions.add(2, 1020);
  expect(ticking.runTo(5000)).toEqual(['1 at 1100', '2 at 1150']);
  expect(ticking.sessions.isLive(1)).toBe(false);
});

test('a touch gives the whole timeout again', () => {
  const ticking = new Ticking();
  ticking.sessions.add(1, 1000);
  expect(ticking.runTo(900)).toEqual([]);
  ticking.sessions.touch(1);
  expect(ticking.runTo(1950)).toEqual([]);
  expect(ticking.runTo(2000)).toEqual(['1 at 2000']);
});

test('a pause of this server expires nobody: it counts for two ticks', () => {
  const ticking = new Ticking();
  ticking.sessions.add(1, 1000);
  expect(ticking.wakeAt(60_000)).toEqual([]);
  expect(ticking.runTo(60_950)).toEqual([]);
  expect(ticking.runTo(61_000)).toEqual(['1 at 61000']);
});

test('a touch just before a late tick is worth the whole timeout', () => {
  const ticking = new Ticking();
  ticking.sessions.add(1, 1000);
  ticking.wakeAt(1000);
  // At 1099, the tick of 1050 being late.
  ticking.sessions.touch(1);
  expect(ticking.wakeAt(1100)).toEqual([]);
  expect(ticking.runTo(2098)).toEqual([]);
});

test('a session that is ending is not touched, claimed or expired, and goes when it is removed', () => {
  const ticking = new Ticking();
  const { sessions } = ticking;
  sessions.add(1, 1000);
  sessions.claim(1, by(2));
  sessions.markClosing(1);
  expect(sessions.isLive(1)).toBe(false);
  expect(sessions.claim(1, by(3))).toEqual({ granted: false, former: undefined });
  expect(ticking.runTo(3000)).toEqual([]);
  expect(sessions.count).toBe(1);
  sessions.remove(1);
  expect(sessions.count).toBe(0);
});

test('a session that is removed, or added twice, expires as if nothing had been', () => {
  const ticking = new Ticking();
  ticking.sessions.add(1, 1000);
  ticking.sessions.add(2, 1000);
  expect(ticking.runTo(500)).toEqual([]);
  ticking.sessions.add(2, 1000);
  ticking.sessions.remove(1);
  expect(ticking.runTo(3000)).toEqual(['2 at 1100']);
});

test('the later stream of a client has its session, whichever claim comes last', () => {
  const { sessions } = new Ticking();
  sessions.add(1, 1000);
  expect(sessions.claim(1, by(1, 1))).toEqual({ granted: true, former: undefined });
  expect(sessions.claim(1, by(2, 3))).toEqual({ granted: true, former: 1 });
  expect(sessions.claim(1, by(3, 2))).toEqual({ granted: false, former: undefined });
  expect(sessions.isOwner(1, 2)).toBe(true);
  expect(sessions.claim(1, by(2, 3))).toEqual({ granted: true, former: undefined });
});

test('another instance of the client takes the session over, whatever its count', () => {
  const { sessions } = new Ticking();
  sessions.add(1, 1000);
  sessions.claim(1, by(1, 9, 'old'));
  expect(sessions.claim(1, by(2, 1, 'new'))).toEqual({ granted: true, former: 1 });
  expect(sessions.isOwner(1, 1)).toBe(false);
});

test('a client is who the stream says that has its session, and nobody before that or under a new leader', () => {
  const { sessions } = new Ticking();
  const alice = [{ scheme: 'digest', id: 'alice:x' }];
  const both = [...alice, { scheme: 'digest', id: 'bob:y' }];
  sessions.add(1, 1000);
  expect(sessions.identities(1)).toEqual([]);
  sessions.claim(1, { ...by(1), identities: alice });
  expect(sessions.identities(1)).toEqual(alice);
  sessions.identify(1, { ...by(2), identities: both });
  sessions.identify(1, { ...by(1, 2), identities: both });
  sessions.identify(1, { ...by(1, 1, 'another'), identities: both });
  expect(sessions.identities(1)).toEqual(alice);
  sessions.identify(1, { ...by(1), identities: both });
  expect(sessions.identities(1)).toEqual(both);
  sessions.claim(1, { ...by(2, 1, 'new'), identities: [] });
  expect(sessions.identities(1)).toEqual([]);
  sessions.identify(1, { ...by(1), identities: both });
  expect(sessions.identities(1)).toEqual([]);
});

test('nobody has a session that is unknown', () => {
  const { sessions } = new Ticking();
  expect(sessions.isLive(1)).toBe(false);
  expect(sessions.isOwner(1, 1)).toBe(false);
  expect(sessions.claim(1, by(1))).toEqual({ granted: false, former: undefined });
  sessions.touch(1);
  sessions.remove(1);
  expect(sessions.count).toBe(0);
});
