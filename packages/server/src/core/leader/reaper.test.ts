import { ACL_OPEN, type CreateMode, makeZxid, type Request, type WriteOperation } from '@zabra/model';
import { Tree } from '@zabra/tree';
import { expect, test } from 'vitest';
import { AttendedTime } from './attended-time.ts';
import { Reaper, type ReaperOptions } from './reaper.ts';

const TICK_MS = 50;
/** How late the reaper may be by its own clock: attended time is known to two ticks, and buckets are one. */
const LATE_MS = 3 * TICK_MS;
const SESSION = 7;

const OPTIONS: ReaperOptions = {
  containerGraceMs: 1000,
  containerNeverUsedMs: 0,
  reapedPerSecondMax: 1000,
};

/** A leader with a tree and a reaper, on a clock that is moved by hand; what is proposed is applied when it is told to. */
class ReapingLeader {
  readonly tree: Tree;
  readonly reaper: Reaper;
  readonly #time = new AttendedTime(0, TICK_MS);
  /** `/path at ms` of what was proposed to go. */
  readonly reaped: string[] = [];
  room = 1000;
  nowMs = 0;
  #counter: number;
  #requestNo: number;
  #pending: { readonly zxid: ReturnType<typeof makeZxid>; readonly txn: Parameters<Tree['apply']>[1] }[] = [];

  constructor(options: Partial<ReaperOptions> = {}, former?: ReapingLeader) {
    this.tree = former?.tree ?? Tree.empty();
    this.#counter = former === undefined ? 0 : former.#counter;
    this.#requestNo = former === undefined ? 0 : former.#requestNo;
    this.reaper = new Reaper(this.tree, { ...OPTIONS, ...options }, this.#time);
    if (former === undefined) {
      this.prepare({
        kind: 'session',
        operation: {
          kind: 'createSession',
          sessionId: SESSION,
          timeoutMs: 10_000,
          passwordHash: new Uint8Array(32),
          nonce: 'n',
        },
      });
      this.apply();
    }
  }

  prepare(request: Request): string {
    const nextZxid = makeZxid(1, this.#counter + 1);
    const prepared = this.tree.prepare(request, { wallMs: this.nowMs, nextZxid, identities: [] });
    if (prepared.kind === 'txn') {
      this.#counter++;
      this.#pending.push({ zxid: nextZxid, txn: prepared.txn });
    }
    return prepared.kind;
  }

  apply(): void {
    for (const { zxid, txn } of this.#pending.splice(0)) this.reaper.applied(this.tree.apply(zxid, txn));
  }

  propose(operation: WriteOperation): void {
    const requestNo = ++this.#requestNo;
    const answeredThrough = requestNo - 1;
    this.prepare({ kind: 'write', sessionId: SESSION, nonce: 'n', requestNo, answeredThrough, operation });
  }

  write(operation: WriteOperation): void {
    this.propose(operation);
    this.apply();
  }

  create(path: string, mode: CreateMode = 'persistent', ttlMs = 0): void {
    this.write(creation(path, mode, ttlMs));
  }

  delete(path: string): void {
    this.write({ kind: 'delete', path, version: -1 });
  }

  /** One tick, `lateMs` after the last. */
  tick(lateMs: number = TICK_MS): void {
    this.nowMs += lateMs;
    this.#time.tick(this.nowMs);
    this.reaper.tick(this.room, (path) => {
      const isTaken = this.prepare({ kind: 'reap', path }) === 'txn';
      if (isTaken) this.reaped.push(`${path} at ${this.nowMs}`);
      return isTaken;
    });
  }

  /** Ticks in time until then; what is reaped is applied at once. Answers what was, and when. */
  runTo(endMs: number): readonly string[] {
    const before = this.reaped.length;
    while (this.nowMs + TICK_MS <= endMs) {
      this.tick();
      this.apply();
    }
    return this.reaped.slice(before);
  }
}

function creation(path: string, mode: CreateMode = 'persistent', ttlMs = 0): WriteOperation {
  return { kind: 'create', path, data: new Uint8Array(0), mode, acl: ACL_OPEN, ttlMs };
}

test('a node with a TTL goes when its time is over, and not before', () => {
  const leader = new ReapingLeader();
  leader.create('/t', 'ttl', 500);
  expect(leader.runTo(500)).toEqual([]);
  expect(leader.runTo(500 + LATE_MS)).toEqual(['/t at 600']);
  expect(leader.tree.stat('/t')).toBeUndefined();
  expect(leader.reaper.waiting).toBe(0);
});

test.each<{ name: string; operation: WriteOperation }>([
  { name: 'a set', operation: { kind: 'set', path: '/t', data: Uint8Array.of(1), version: -1 } },
  { name: 'a new ACL', operation: { kind: 'setAcl', path: '/t', acl: ACL_OPEN, version: -1 } },
  { name: 'a touch', operation: { kind: 'touch', path: '/t' } },
])('$name gives a node with a TTL its whole time again', ({ operation }) => {
  const leader = new ReapingLeader();
  leader.create('/t', 'ttl', 500);
  leader.runTo(450);
  leader.write(operation);
  expect(leader.runTo(950)).toEqual([]);
  expect(leader.runTo(950 + LATE_MS)).toEqual(['/t at 1050']);
});

test('children keep a node beyond its TTL, and it goes with the last of them', () => {
  const leader = new ReapingLeader();
  leader.create('/t', 'ttl', 500);
  leader.create('/t/child');
  expect(leader.runTo(2000)).toEqual([]);
  expect(leader.reaper.waiting).toBe(0);
  leader.delete('/t/child');
  expect(leader.runTo(2000 + LATE_MS)).toEqual(['/t at 2100']);
});

test('a child that goes before the time is over changes nothing', () => {
  const leader = new ReapingLeader();
  leader.create('/t', 'ttl', 500);
  leader.create('/t/child');
  leader.delete('/t/child');
  expect(leader.runTo(500)).toEqual([]);
  expect(leader.runTo(500 + LATE_MS)).toEqual(['/t at 600']);
});

test('a new leader gives every node its whole time, also one whose last child goes before it was read', () => {
  const first = new ReapingLeader();
  first.create('/t', 'ttl', 500);
  first.create('/parent', 'ttl', 500);
  first.create('/parent/child');
  first.runTo(400);
  const second = new ReapingLeader({}, first);
  second.delete('/parent/child');
  expect(second.runTo(500)).toEqual([]);
  expect(second.runTo(1000)).toEqual(['/parent at 600', '/t at 650']);
});

test('a container goes once it has been empty for the grace, which each child starts anew', () => {
  const leader = new ReapingLeader();
  leader.create('/c', 'container');
  leader.create('/c/a');
  leader.runTo(2000);
  leader.delete('/c/a');
  leader.runTo(2900);
  leader.create('/c/b');
  expect(leader.runTo(3500)).toEqual([]);
  leader.delete('/c/b');
  expect(leader.runTo(4500)).toEqual([]);
  expect(leader.runTo(4500 + LATE_MS)).toEqual(['/c at 4600']);
});

test('a container that was never used stays, unless the configuration gives it a time', () => {
  const patient = new ReapingLeader();
  patient.create('/c', 'container');
  expect(patient.runTo(20_000)).toEqual([]);
  expect(patient.reaper.waiting).toBe(0);
  const strict = new ReapingLeader({ containerNeverUsedMs: 5000 }, patient);
  expect(strict.runTo(5000)).toEqual([]);
  expect(strict.runTo(6000)).toEqual(['/c at 5150']);
});

test('the grace of a container that was used counts, though its time as an unused one would be longer', () => {
  const leader = new ReapingLeader({ containerNeverUsedMs: 60_000 });
  leader.create('/c', 'container');
  leader.create('/c/a');
  leader.delete('/c/a');
  expect(leader.runTo(1000 + LATE_MS)).toEqual(['/c at 1100']);
});

test('an empty container whose parent is one takes it along, a grace later', () => {
  const leader = new ReapingLeader();
  leader.create('/outer', 'container');
  leader.create('/outer/inner', 'container');
  leader.create('/outer/inner/a');
  leader.delete('/outer/inner/a');
  expect(leader.runTo(3000)).toEqual(['/outer/inner at 1100', '/outer at 2200']);
});

test('an ensemble that stood still reaps nothing that its clients could not keep', () => {
  const leader = new ReapingLeader();
  leader.create('/t', 'ttl', 500);
  leader.tick(60_000);
  expect(leader.reaped).toEqual([]);
  expect(leader.runTo(60_400)).toEqual([]);
  expect(leader.runTo(60_500)).toEqual(['/t at 60500']);
});

test('no more go in a second than the configuration says', () => {
  const leader = new ReapingLeader({ reapedPerSecondMax: 20 });
  for (let index = 0; index < 50; index++) leader.create(`/t${index}`, 'ttl', 100);
  const early = leader.runTo(300).length;
  const perSecond = [1300, 2300, 3300].map((endMs) => leader.runTo(endMs).length);
  expect(perSecond).toEqual([20, 20, 10 - early]);
});

test('none goes while there is no room among the proposals', () => {
  const leader = new ReapingLeader();
  leader.create('/t', 'ttl', 100);
  leader.room = 0;
  expect(leader.runTo(2000)).toEqual([]);
  leader.room = 1;
  expect(leader.runTo(2050)).toEqual(['/t at 2050']);
});

test('one that is being written is refused, and keeps its time from that write on', () => {
  const leader = new ReapingLeader();
  leader.create('/t', 'ttl', 500);
  leader.runTo(550);
  leader.propose({ kind: 'touch', path: '/t' });
  leader.tick();
  leader.tick();
  expect(leader.reaped).toEqual([]);
  leader.apply();
  expect(leader.runTo(1150)).toEqual([]);
  expect(leader.runTo(1150 + LATE_MS)).toEqual(['/t at 1250']);
});

test('one that is refused and then left alone is looked at again', () => {
  const leader = new ReapingLeader();
  leader.create('/t', 'ttl', 500);
  leader.runTo(550);
  leader.propose(creation('/t/child'));
  leader.tick();
  expect(leader.reaped).toEqual([]);
  leader.apply();
  leader.runTo(700);
  leader.delete('/t/child');
  expect(leader.runTo(3000)).toHaveLength(1);
});

test('a node that is deleted, or deleted and made again, is nothing to the reaper of the former one', () => {
  const leader = new ReapingLeader();
  leader.create('/gone', 'ttl', 500);
  leader.create('/again', 'ttl', 500);
  leader.runTo(300);
  leader.delete('/gone');
  leader.delete('/again');
  expect(leader.reaper.waiting).toBe(0);
  leader.create('/again', 'ttl', 500);
  leader.create('/gone');
  expect(leader.runTo(800)).toEqual([]);
  expect(leader.runTo(2000)).toEqual(['/again at 900']);
});

test('what a new leader finds is read a few at a time, and none of it is early', () => {
  const first = new ReapingLeader();
  for (let index = 0; index < 12_000; index++) first.create(`/t${index}`, 'ttl', 1000);
  const second = new ReapingLeader({ reapedPerSecondMax: 1_000_000 }, first);
  second.tick();
  expect(second.reaper.waiting).toBe(5000);
  second.room = 100_000;
  expect(second.runTo(1000)).toEqual([]);
  second.runTo(2000);
  expect(second.reaped).toHaveLength(12_000);
});
