import {
  ACL_OPEN,
  type CreateMode,
  counterOf,
  type Identity,
  makeZxid,
  PERMISSIONS_ALL,
  type SubOperation,
  type WriteOperation,
  type Zxid,
} from '@zabra/model';
import { Tree } from '@zabra/tree';
import { expect, test } from 'vitest';
import {
  type CoreOptions,
  DEFAULT_ACCESS,
  DEFAULT_LIMITS,
  DEFAULT_STORAGE,
  DEFAULT_TIMING,
} from '../options.ts';
import type { Answered } from '../peers/forward-codec.ts';
import { LeaderDesk, type LeaderHost } from './leader-desk.ts';

const SESSION = 7;
const ALICE: Identity = { scheme: 'digest', id: 'alice:hash' };
const TICK_MS = DEFAULT_TIMING.tickMs;

/** A leader of one: what is gathered is proposed and applied when it is told to. */
class Leading {
  readonly tree: Tree = Tree.empty();
  readonly answers: Answered[] = [];
  readonly warnings: unknown[] = [];
  readonly desk: LeaderDesk;
  outstanding = 0;
  #lastZxid: Zxid = makeZxid(1, 0);
  #requestNo = 0;
  #nowMs = 0;

  constructor(limits: Partial<CoreOptions['limits']> = {}) {
    const leading = this;
    const host: LeaderHost = {
      serving: true,
      epoch: 1,
      get lastZxid() {
        return leading.#lastZxid;
      },
      get outstandingProposals() {
        return leading.outstanding;
      },
      answer: (_, answer) => this.answers.push(answer),
      readIndex: (answer) => answer(this.#lastZxid),
    };
    const silent = (): void => {};
    const env = {
      clock: {
        monotonicMs: () => 0,
        wallMs: () => 0,
        after: () => silent,
        atTurnEnd: silent,
      },
      log: {
        debug: silent,
        info: silent,
        warn: (_: string, facts?: object) => this.warnings.push(facts),
        error: silent,
      },
    };
    const options: CoreOptions = {
      id: 1,
      members: [1, 2],
      clusterId: undefined,
      timing: DEFAULT_TIMING,
      limits: { ...DEFAULT_LIMITS, ...limits },
      storage: DEFAULT_STORAGE,
      access: DEFAULT_ACCESS,
      readOnlyMode: false,
    };
    this.tree.applyNothing(this.#lastZxid);
    this.desk = new LeaderDesk(env, options, this.tree, host);
  }

  /** Proposes what is gathered, and applies it at once. Answers how many changes that were. */
  settle(): number {
    const { length } = this.desk.takeGathered();
    for (let index = 0; index < length; index++) {
      this.#lastZxid = makeZxid(1, counterOf(this.#lastZxid) + 1);
      const txn = this.desk.takePrepared(this.#lastZxid);
      if (txn === undefined) throw new Error('what is gathered was prepared');
      const applied = this.tree.apply(this.#lastZxid, txn);
      this.desk.applied(txn, applied);
    }
    return length;
  }

  createSession(identities: readonly Identity[], server = 1): this {
    this.desk.handle(server, {
      kind: 'createSession',
      sessionId: SESSION,
      timeoutMs: 60_000,
      passwordHash: new Uint8Array(32),
      nonce: 'n',
      attempt: 1,
      identities,
    });
    this.settle();
    return this;
  }

  /** What came of it: done, or the code of the refusal. */
  write(operation: WriteOperation, server = 1): string {
    const requestNo = ++this.#requestNo;
    this.answers.length = 0;
    const answeredThrough = requestNo - 1;
    const write = { sessionId: SESSION, nonce: 'n', requestNo, answeredThrough, operation };
    this.desk.handle(server, { kind: 'write', ...write });
    this.settle();
    const result = this.tree.storedResult(SESSION, 'n', requestNo);
    const [answer] = this.answers;
    if (answer?.kind === 'refused') return answer.refusal.code;
    return result?.kind === 'refused' ? result.refusal.code : (result?.kind ?? 'nothing');
  }

  tickFor(ms: number): void {
    for (const endMs = this.#nowMs + ms; this.#nowMs < endMs; ) {
      this.#nowMs += TICK_MS;
      this.desk.tick(this.#nowMs);
      this.settle();
    }
  }
}

function creation(
  path: string,
  more: { mode?: CreateMode; ttlMs?: number; data?: string } = {},
): WriteOperation {
  const { mode = 'persistent', ttlMs = 0, data = '' } = more;
  return { kind: 'create', path, data: new TextEncoder().encode(data), mode, acl: ACL_OPEN, ttlMs };
}

function set(path: string, bytes: number): WriteOperation {
  return { kind: 'set', path, data: new Uint8Array(bytes), version: -1 };
}

/** A node that only alice may do anything to. */
function hers(path: string): WriteOperation {
  const acl = [{ perms: PERMISSIONS_ALL, scheme: ALICE.scheme, id: ALICE.id }];
  return { kind: 'create', path, data: new Uint8Array(0), mode: 'persistent', acl, ttlMs: 0 };
}

test('a write is judged by whom the client proved to be when its session came', () => {
  const leading = new Leading().createSession([ALICE]);
  expect(leading.write(hers('/hers'))).toBe('done');
  expect(leading.write(set('/hers', 1))).toBe('done');
  const other = new Leading().createSession([]);
  expect(other.write(hers('/hers'))).toBe('done');
  expect(other.write(set('/hers', 1))).toBe('NO_AUTH');
});

test('one who proves more later may do more from then on, if the stream says so that has the session', () => {
  const leading = new Leading().createSession([], 2);
  expect(leading.write(hers('/hers'), 2)).toBe('done');
  const stream = { sessionId: SESSION, nonce: 'n', attempt: 1 };
  const more = { kind: 'identities', ...stream, identities: [ALICE] } as const;
  leading.desk.handle(1, more);
  leading.desk.handle(2, { ...more, nonce: 'of-another' });
  leading.desk.handle(2, { ...more, attempt: 2 });
  expect(leading.write(set('/hers', 1), 2)).toBe('NO_AUTH');
  leading.desk.handle(2, more);
  expect(leading.write(set('/hers', 1), 2)).toBe('done');
});

test('a session that moves is whom its new server says', () => {
  const leading = new Leading().createSession([ALICE], 2);
  expect(leading.write(hers('/hers'), 2)).toBe('done');
  leading.desk.handle(1, { kind: 'attach', sessionId: SESSION, nonce: 'n', attempt: 2, identities: [] });
  expect(leading.write(set('/hers', 1), 2)).toBe('SESSION_MOVED');
  expect(leading.write(set('/hers', 1), 1)).toBe('NO_AUTH');
});

test('nodes whose time is over are proposed to go, and stay while there is no room for it', () => {
  const leading = new Leading({ outstandingProposalsMax: 10 }).createSession([]);
  expect(leading.write(creation('/t', { mode: 'ttl', ttlMs: 1000 }))).toBe('done');
  leading.outstanding = 10;
  leading.tickFor(5000);
  expect(leading.tree.stat('/t')).toBeDefined();
  leading.outstanding = 9;
  leading.tickFor(TICK_MS);
  expect(leading.tree.stat('/t')).toBeUndefined();
});

test('a soft quota is warned of once in a minute for each that is passed, whatever the use', () => {
  const leading = new Leading().createSession([]);
  for (const path of ['/a', '/b', '/zookeeper/quota/a', '/zookeeper/quota/b']) leading.write(creation(path));
  for (const path of ['/a', '/b']) {
    leading.write(creation(`/zookeeper/quota${path}/zookeeper_limits`, { data: 'count=-1,bytes=10' }));
  }
  for (const bytes of [11, 12, 13]) expect(leading.write(set('/a', bytes))).toBe('done');
  expect(leading.write(set('/b', 11))).toBe('done');
  expect(leading.warnings).toEqual([
    { warning: expect.stringMatching(/^\/a holds 11 bytes.* 10$/) },
    { warning: expect.stringMatching(/^\/b holds 11 bytes.* 10$/) },
  ]);
  for (let minute = 0; minute < 61; minute++) {
    leading.desk.handle(1, { kind: 'touches', number: minute, sessionIds: [SESSION] });
    leading.tickFor(1000);
  }
  expect(leading.write(set('/a', 14))).toBe('done');
  expect(leading.warnings).toHaveLength(3);
});

test('sessions with many ephemeral nodes are closed over some ticks, those with few at once', () => {
  const leading = new Leading();
  const open = (sessionId: number, nodes: number): void => {
    const session = { sessionId, nonce: 'n', attempt: 1 };
    leading.desk.handle(1, {
      kind: 'createSession',
      ...session,
      timeoutMs: 60_000,
      passwordHash: new Uint8Array(32),
      identities: [],
    });
    const operations = Array.from({ length: nodes }, (_, index) => {
      return creation(`/${sessionId}-${index}`, { mode: 'ephemeral' }) as SubOperation;
    });
    const operation = { kind: 'transaction', operations } as const;
    leading.desk.handle(1, { kind: 'write', ...session, requestNo: 1, answeredThrough: 0, operation });
    leading.settle();
  };
  const close = (...sessionIds: readonly number[]): number => {
    for (const sessionId of sessionIds) leading.desk.handle(1, { kind: 'closeSession', sessionId });
    return leading.settle();
  };
  const large = Array.from({ length: 24 }, (_, index) => 100 + index);
  for (const sessionId of large) open(sessionId, 1000);
  for (const sessionId of [1, 2, 3]) open(sessionId, 1);
  expect(close(1, 2, 3)).toBe(3);
  expect(close(...large)).toBe(10);
  leading.tickFor(TICK_MS);
  expect(leading.tree.sessionCount).toBe(4);
  leading.tickFor(TICK_MS);
  expect([leading.tree.sessionCount, leading.tree.children('/')?.names]).toEqual([0, ['zookeeper']]);
});

test('a write that was done is found by who sends it again, even while there is no room for another', () => {
  const leading = new Leading({ outstandingProposalsMax: 10 }).createSession([]);
  expect(leading.write(creation('/once'))).toBe('done');
  leading.outstanding = 10;
  expect(leading.write(creation('/more'))).toBe('LIMIT');
  leading.answers.length = 0;
  const again = { sessionId: SESSION, nonce: 'n', requestNo: 1, answeredThrough: 0 };
  leading.desk.handle(1, { kind: 'write', ...again, operation: creation('/once') });
  expect(leading.answers).toMatchObject([{ kind: 'stored', requestNo: 1 }]);
  expect(leading.settle()).toBe(0);
});

test('sessions that end together take no more than is left of the epoch', () => {
  const leading = new Leading({ counterMax: 50 });
  const ids = Array.from({ length: 40 }, (_, index) => 100 + index);
  for (const sessionId of ids) {
    const passwordHash = new Uint8Array(32);
    const session = { sessionId, timeoutMs: 60_000, passwordHash, nonce: 'n', attempt: 1, identities: [] };
    leading.desk.handle(1, { kind: 'createSession', ...session });
  }
  leading.settle();
  for (const sessionId of ids) leading.desk.handle(1, { kind: 'closeSession', sessionId });
  expect(leading.settle()).toBe(10);
  // One is asked for although there is no place: it ends the epoch.
  leading.desk.tick(TICK_MS);
  expect(leading.desk.takeGathered()).toHaveLength(1);
});
