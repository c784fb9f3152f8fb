import { makeZxid, ZXID_NONE, type Zxid } from '@zabra/model';
import { encodeClientFrame, encodeServerFrame, encodeTxn, type Txn } from '@zabra/proto';
import type { DurableState, Effect, LogRecord } from '@zabra/zab';
import { expect, test } from 'vitest';
import { Checker } from './checker.ts';

const NOTHING = new Uint8Array(0);
const SESSION = 77;
const NONCE = 'nonce';

function txn(requestNo: number, path: string): Uint8Array {
  const create = {
    path,
    data: NOTHING,
    mode: 'PERSISTENT',
    acl: [],
    ephemeralOwner: 0,
    ttlMs: 0,
    nullData: false,
  } as const;
  return encodeTxn({
    kind: 'change',
    timeMs: 1,
    sessionId: SESSION,
    requestNo,
    answeredThrough: 0,
    requestHash: 1,
    change: { kind: 'create', create },
  } satisfies Txn);
}

function sessionTxn(): Uint8Array {
  const createSession = { sessionId: SESSION, timeoutMs: 1000, passwordHash: NOTHING, nonce: NONCE };
  return encodeTxn({
    kind: 'createSession',
    timeMs: 1,
    sessionId: SESSION,
    requestNo: 0,
    answeredThrough: 0,
    requestHash: 0,
    createSession,
  } satisfies Txn);
}

function closeTxn(): Uint8Array {
  return encodeTxn({
    kind: 'closeSession',
    timeMs: 1,
    sessionId: SESSION,
    requestNo: 0,
    answeredThrough: 0,
    requestHash: 0,
    closeSession: { sessionId: SESSION },
  } satisfies Txn);
}

/** A true history to plant lies in: three servers, epoch 1, led by 1; records 0 (start), 1 (session), 2 and 3 (writes). */
const RECORDS: readonly LogRecord[] = [
  record(0, 'epoch-start', NOTHING),
  record(1, 'txn', sessionTxn()),
  record(2, 'txn', txn(1, '/a')),
  record(3, 'txn', txn(2, '/b')),
];

function record(counter: number, kind: LogRecord['kind'], payload: Uint8Array): LogRecord {
  return { zxid: at(counter), previous: counter === 0 ? ZXID_NONE : at(counter - 1), kind, payload };
}

function at(counter: number): Zxid {
  return makeZxid(1, counter);
}

function state(lastZxid: Zxid, epoch: number, appliedZxid: Zxid = ZXID_NONE): DurableState {
  return {
    clusterId: 'c',
    standing: 'voter',
    acceptedEpoch: epoch,
    currentEpoch: epoch,
    lastZxid,
    history: [],
    baseZxid: ZXID_NONE,
    commitZxid: appliedZxid,
    appliedZxid,
    tail: [],
  };
}

/** A checker that has seen every server start, and the servers' steps in short form. */
function bench() {
  const clock = { nowMs: 0 };
  const checker = new Checker([1, 2, 3], { nowMs: () => clock.nowMs, clockRateMax: 1 });
  const effect = (id: number, ...effects: Effect[]): void =>
    checker.step(id, { kind: 'tick', nowMs: 0 }, effects);
  const t = {
    checker,
    clock,
    start: (id: number, found: DurableState = state(ZXID_NONE, 0)) =>
      checker.step(id, { kind: 'drained', incarnation: 1, state: found }, []),
    append: (id: number, records: readonly LogRecord[]) =>
      effect(id, { kind: 'append', incarnation: 1, records, commit: ZXID_NONE }),
    appended: (id: number, counter: number) =>
      checker.step(id, { kind: 'appended', incarnation: 1, zxid: at(counter) }, []),
    epoch: (id: number, accepted: number, current: number) =>
      checker.step(
        id,
        { kind: 'manifestSaved', incarnation: 1, acceptedEpoch: accepted, currentEpoch: current },
        [],
      ),
    deliver: (id: number, records: readonly LogRecord[]) => effect(id, { kind: 'deliver', records }),
    leads: (id: number, epoch: number) =>
      effect(id, {
        kind: 'transition',
        to: { role: 'leading', phase: 'broadcast', epoch, leader: id, serving: true, reason: '' },
      }),
    effect,
    crash: (id: number) => checker.crashed(id),
    /** Server `id` appends and fsyncs all records. */
    holds: (id: number, records: readonly LogRecord[] = RECORDS) => {
      t.append(id, records);
      checker.step(id, { kind: 'appended', incarnation: 1, zxid: (records.at(-1) as LogRecord).zxid }, []);
    },
  };
  for (const id of [1, 2, 3]) t.start(id);
  for (const id of [1, 2, 3]) t.epoch(id, 1, 0);
  return t;
}

/** All three hold and have delivered everything. */
function settled() {
  const t = bench();
  t.leads(1, 1);
  for (const id of [1, 2, 3]) t.holds(id);
  for (const id of [1, 2, 3]) t.deliver(id, RECORDS);
  return t;
}

test('a true history passes, over crashes and restarts', () => {
  const t = settled();
  for (const id of [1, 2, 3]) t.checker.state(id, { ...shown(3), digest: 'd3' });
  t.crash(2);
  t.start(2, state(at(3), 1, at(1)));
  t.deliver(2, RECORDS.slice(2));
  expect(t.checker.history.length).toBe(4);
});

function shown(counter: number) {
  return { appliedZxid: at(counter), durableZxid: at(counter), commitZxid: at(counter), digest: '' };
}

interface Lie {
  readonly rule: string;
  readonly tell: () => void;
}

const other: LogRecord = { ...(RECORDS[3] as LogRecord), payload: txn(9, '/other') };

const LIES: readonly Lie[] = [
  {
    rule: 'an epoch has at most one established leader',
    tell: () => settled().leads(2, 1),
  },
  {
    rule: 'an established leader has all that is committed',
    tell: () => {
      const t = bench();
      t.holds(1);
      t.holds(2);
      t.deliver(1, RECORDS);
      t.leads(3, 2);
    },
  },
  {
    rule: 'what is committed is durable on a quorum',
    tell: () => {
      const t = bench();
      t.holds(1);
      t.append(2, RECORDS);
      t.deliver(1, RECORDS);
    },
  },
  {
    rule: 'what is committed is durable on a quorum',
    tell: () => {
      const t = bench();
      t.holds(1);
      t.effect(1, { kind: 'toLearner', link: 1, message: { kind: 'commit', zxid: at(2) } });
    },
  },
  {
    rule: 'a server applies only what its own log holds durably',
    tell: () => {
      const t = bench();
      t.holds(1);
      t.holds(2);
      t.append(3, RECORDS);
      t.deliver(3, RECORDS);
    },
  },
  {
    rule: 'a server applies only what its own log holds durably',
    tell: () => {
      const t = settled();
      t.checker.state(1, { ...shown(3), appliedZxid: at(4), digest: '' });
    },
  },
  {
    rule: 'an ack means durable',
    tell: () => {
      const t = bench();
      t.append(2, RECORDS);
      t.appended(2, 1);
      t.effect(2, { kind: 'toLeader', link: 1, message: { kind: 'ack', zxid: at(2) } });
    },
  },
  {
    rule: 'what was durable is there after a crash',
    tell: () => {
      const t = settled();
      t.crash(2);
      t.start(2, state(at(2), 1));
    },
  },
  {
    rule: 'a quiet disk holds what was given to it',
    tell: () => {
      const t = bench();
      t.append(1, RECORDS);
      t.appended(1, 1);
      t.start(1, state(at(2), 1));
    },
  },
  {
    rule: 'a log holds only what was appended to it',
    tell: () => {
      const t = settled();
      t.crash(2);
      t.start(2, state(at(4), 1));
    },
  },
  {
    rule: 'a tree holds only what is committed',
    tell: () => {
      const t = bench();
      t.holds(1);
      t.crash(1);
      t.start(1, state(at(3), 1, at(2)));
    },
  },
  {
    rule: 'accepted epochs only grow',
    tell: () => {
      const t = settled();
      t.epoch(2, 5, 1);
      t.crash(2);
      t.start(2, state(at(3), 4));
    },
  },
  {
    rule: 'the log is durable before the epoch',
    tell: () => {
      const t = bench();
      t.effect(1, { kind: 'toLearner', link: 1, message: { kind: 'newLeader', epoch: 1, zxid: at(1) } });
      t.append(2, RECORDS);
      t.appended(2, 0);
      t.epoch(2, 1, 1);
    },
  },
  {
    rule: 'a learner that acknowledges a leader has its epoch saved',
    tell: () => {
      const t = bench();
      t.holds(2);
      t.effect(2, { kind: 'toLeader', link: 1, message: { kind: 'ackNewLeader', epoch: 1 } });
    },
  },
  {
    rule: 'a log has no holes',
    tell: () => bench().append(1, [RECORDS[0] as LogRecord, RECORDS[2] as LogRecord]),
  },
  {
    rule: 'one zxid, one record',
    tell: () => {
      const t = settled();
      t.crash(3);
      t.start(3, state(at(3), 1));
      t.effect(3, { kind: 'truncate', incarnation: 1, after: at(3) });
      bench().holds(1);
      const fork = bench();
      fork.holds(1);
      fork.append(2, [...RECORDS.slice(0, 3), other]);
    },
  },
  {
    rule: 'nothing committed is cut from a log',
    tell: () => settled().effect(2, { kind: 'truncate', incarnation: 1, after: at(2) }),
  },
  {
    rule: 'nothing committed is lost under a snapshot',
    tell: () => settled().effect(2, { kind: 'installSnapshot', incarnation: 1, zxid: at(1) }),
  },
  {
    rule: 'a server delivers every record once, in order',
    tell: () => settled().deliver(2, RECORDS.slice(3)),
  },
  {
    rule: 'equal zxid, equal digest',
    tell: () => {
      const t = settled();
      t.checker.state(1, { ...shown(3), digest: 'one' });
      t.checker.state(2, { ...shown(3), digest: 'another' });
    },
  },
  {
    rule: 'no numbered write happens twice',
    tell: () => {
      const t = bench();
      const twice = [...RECORDS, record(4, 'txn', txn(2, '/b-again'))];
      t.holds(1, twice);
      t.holds(2, twice);
      t.deliver(1, twice);
    },
  },
];

test.each(LIES)('the checker finds a history in which this does not hold: $rule', ({ rule, tell }) => {
  expect(tell).toThrow(rule);
});

/** A client's stream on which session 77 was attached, with what it then sends and hears. */
function stream(t: ReturnType<typeof bench>, zxid: Zxid = at(1)) {
  const tap = t.checker.tap();
  tap.sent(encodeClientFrame({ entries: [{ kind: 'attach', attach: ATTACH }] }));
  tap.received(encodeServerFrame({ entries: [{ kind: 'attached', attached: { ...ATTACHED, zxid } }] }));
  return {
    create: (xid: number, requestNo: number, path: string) =>
      tap.sent(
        encodeClientFrame({
          entries: [
            {
              kind: 'request',
              request: {
                kind: 'create',
                xid,
                requestNo,
                answeredThrough: 0,
                minZxid: 0,
                linearizable: false,
                create: { path, data: NOTHING, mode: 'PERSISTENT', acl: [], ttlMs: 0, nullData: false },
              },
            },
          ],
        }),
      ),
    watchChildren: (xid: number, path: string) =>
      tap.sent(
        encodeClientFrame({
          entries: [
            {
              kind: 'request',
              request: {
                kind: 'children',
                xid,
                requestNo: 0,
                answeredThrough: 0,
                minZxid: 0,
                linearizable: false,
                children: { path, watch: true, after: '', limit: 0, withStats: false },
              },
            },
          ],
        }),
      ),
    done: (xid: number, path: string, czxid: Zxid, shownZxid: Zxid) =>
      tap.received(
        encodeServerFrame({
          entries: [
            {
              kind: 'reply',
              reply: {
                kind: 'write',
                xid,
                zxid: shownZxid,
                write: { results: [{ kind: 'create', create: { path, stat: { ...STAT, czxid } } }] },
              },
            },
          ],
        }),
      ),
    listed: (xid: number, zxid: Zxid) =>
      tap.received(
        encodeServerFrame({
          entries: [
            {
              kind: 'reply',
              reply: {
                kind: 'children',
                xid,
                zxid,
                children: { names: [], stat: STAT, more: false, stats: [] },
              },
            },
          ],
        }),
      ),
    childEvent: (path: string, zxid: Zxid) =>
      tap.received(
        encodeServerFrame({
          entries: [{ kind: 'event', event: { type: 'CHILDREN', path, zxid, kind: 'CHILD', watchId: 0 } }],
        }),
      ),
  };
}

const ATTACH = {
  protocolMin: 1,
  protocolMax: 1,
  features: 0,
  sessionId: 0,
  password: NOTHING,
  nonce: NONCE,
  timeoutMs: 1000,
  lastZxid: 0,
  readOnly: false,
  clusterId: '',
  attempt: 1,
};
const ATTACHED = {
  protocol: 1,
  readOnly: false,
  frameBytesMax: 0,
  features: 0,
  sessionId: SESSION,
  password: NOTHING,
  timeoutMs: 1000,
  serverId: 1,
  clusterId: 'c',
  zxid: 0,
};
const STAT = {
  czxid: 0,
  mzxid: 0,
  pzxid: 0,
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0,
  dataLength: 0,
  numChildren: 0,
};

test('true replies pass and are counted', () => {
  const t = settled();
  const s = stream(t);
  s.watchChildren(1, '/');
  s.create(2, 1, '/a');
  s.create(3, 2, '/b');
  s.listed(1, at(1));
  s.childEvent('/', at(2));
  s.done(2, '/a', at(2), at(2));
  s.done(3, '/b', at(3), at(3));
  t.checker.sessions.checkAcknowledged();
  expect(t.checker.sessions.acknowledgedWrites).toBe(2);
  expect(t.checker.sessions.watchEvents).toBe(1);
});

const FALSE_REPLIES: readonly {
  readonly rule: string;
  readonly tell: (s: ReturnType<typeof stream>) => void;
}[] = [
  {
    rule: 'an acknowledged write is in the history',
    tell: (s) => {
      s.create(1, 5, '/never');
      s.done(1, '/never', at(3), at(3));
    },
  },
  {
    rule: 'a write is answered with its own result',
    tell: (s) => {
      s.create(1, 1, '/a');
      s.done(1, '/b', at(2), at(3));
    },
  },
  {
    rule: 'a write is answered once it is applied',
    tell: (s) => {
      s.create(1, 2, '/b');
      s.done(1, '/b', at(3), at(2));
    },
  },
  {
    rule: 'replies come in the order of the requests',
    tell: (s) => {
      s.create(1, 1, '/a');
      s.create(2, 2, '/b');
      s.done(2, '/b', at(3), at(3));
    },
  },
  {
    rule: 'a session never sees the state go back',
    tell: (s) => {
      s.create(1, 1, '/a');
      s.create(2, 2, '/b');
      s.done(1, '/a', at(2), at(3));
      s.done(2, '/b', at(3), at(2));
    },
  },
  {
    rule: 'the event comes before a reply that shows it',
    tell: (s) => {
      s.watchChildren(1, '/');
      s.listed(1, at(1));
      s.create(2, 1, '/a');
      s.done(2, '/a', at(2), at(2));
    },
  },
];

test.each(FALSE_REPLIES)('the checker finds a reply that breaks this: $rule', ({ rule, tell }) => {
  const s = stream(settled());
  expect(() => tell(s)).toThrow(rule);
});

test('a server that attaches a session with an older state than the session saw is found', () => {
  const t = settled();
  const s = stream(t);
  s.create(1, 2, '/b');
  s.done(1, '/b', at(3), at(3));
  expect(() => stream(t, at(2))).toThrow('a server behind its client does not serve it');
});

test('a leader that is established late need not have what later epochs committed', () => {
  const t = bench();
  for (const id of [1, 2, 3]) t.holds(id);
  t.deliver(1, RECORDS);
  const later = { zxid: makeZxid(2, 0), previous: at(3), kind: 'epoch-start', payload: NOTHING } as const;
  t.holds(1, [later]);
  t.holds(2, [later]);
  t.deliver(1, [later]);
  expect(() => t.leads(3, 1)).not.toThrow();
  expect(() => t.leads(3, 2)).toThrow('an established leader has all that is committed');
});

test('a session that ends too soon after a heartbeat that was acknowledged on the wire is found', () => {
  const t = settled();
  const tap = t.checker.tap();
  tap.sent(encodeClientFrame({ entries: [{ kind: 'attach', attach: { ...ATTACH, sessionId: 0 } }] }));
  tap.received(encodeServerFrame({ entries: [{ kind: 'attached', attached: ATTACHED }] }));
  t.clock.nowMs = 600;
  tap.sent(encodeClientFrame({ entries: [{ kind: 'heartbeat', heartbeat: { number: 1 } }] }));
  const heartbeatAck = { number: 1, zxid: at(3), serverTimeMs: 0 };
  tap.received(encodeServerFrame({ entries: [{ kind: 'heartbeatAck', heartbeatAck }] }));
  t.clock.nowMs = 1599;
  const end = [record(4, 'txn', closeTxn())];
  for (const id of [1, 2, 3]) t.holds(id, end);
  expect(() => t.deliver(1, end)).toThrow('no session expires before its time');
});
