import { makeZxid, type Zxid } from '@zabra/model';
import type { Change, CreateMode, Txn } from '@zabra/proto';
import { expect, test } from 'vitest';
import { TreeModel } from './tree-model.ts';

const NOTHING = new Uint8Array(0);
const SESSION = 77;

function at(counter: number): Zxid {
  return makeZxid(1, counter);
}

/** A model with a session, in which txns follow each other. */
function bench() {
  const clock = { nowMs: 0 };
  const model = new TreeModel({ nowMs: () => clock.nowMs, clockRateMax: 1 });
  let counter = 0;
  const numbers = { timeMs: 1, sessionId: SESSION, requestNo: 0, answeredThrough: 0, requestHash: 0 };
  const apply = (txn: Txn) => model.apply(at(++counter), txn);
  const change = (one: Change, sessionId = SESSION) =>
    apply({ ...numbers, sessionId, kind: 'change', change: one });
  const t = {
    clock,
    model,
    create: (
      path: string,
      facts: { mode?: CreateMode; owner?: number; ttlMs?: number; bytes?: number } = {},
    ) =>
      change({
        kind: 'create',
        create: {
          path,
          data: new Uint8Array(facts.bytes ?? 0),
          mode: facts.mode ?? 'PERSISTENT',
          acl: [],
          ephemeralOwner: facts.owner ?? 0,
          ttlMs: facts.ttlMs ?? 0,
          nullData: false,
        },
      }),
    limits: (path: string, text: string) =>
      change({
        kind: 'create',
        create: {
          path,
          data: new TextEncoder().encode(text),
          mode: 'PERSISTENT',
          acl: [],
          ephemeralOwner: 0,
          ttlMs: 0,
          nullData: false,
        },
      }),
    touch: (path: string) => change({ kind: 'touch', touch: { path } }),
    delete: (path: string) => change({ kind: 'delete', delete: { path } }),
    reap: (path: string) => change({ kind: 'delete', delete: { path } }, 0),
    close: () => apply({ ...numbers, kind: 'closeSession', closeSession: { sessionId: SESSION } }),
  };
  apply({
    ...numbers,
    kind: 'createSession',
    createSession: { sessionId: SESSION, timeoutMs: 1, passwordHash: NOTHING, nonce: '' },
  });
  return t;
}

const LIES: readonly { readonly rule: string; readonly tell: (t: ReturnType<typeof bench>) => unknown }[] = [
  { rule: 'a node is made once', tell: (t) => [t.create('/a'), t.create('/a')] },
  { rule: 'what a change is about exists', tell: (t) => t.delete('/a') },
  { rule: 'an ephemeral node has a living owner', tell: (t) => t.create('/a', { owner: 5 }) },
  {
    rule: 'an ephemeral node has no children',
    tell: (t) => [t.create('/a', { owner: SESSION }), t.create('/a/b')],
  },
  { rule: 'a session ends once', tell: (t) => [t.close(), t.close()] },
  {
    rule: 'a sequence number counts the children ever made',
    tell: (t) => t.create('/a-0000000001', { mode: 'PERSISTENT_SEQUENTIAL' }),
  },
  {
    rule: 'a node that goes has no children',
    tell: (t) => [t.create('/a'), t.create('/a/b'), t.delete('/a')],
  },
  { rule: 'the ensemble removes only what was made for it', tell: (t) => [t.create('/a'), t.reap('/a')] },
  {
    rule: 'a container that was never used stays',
    tell: (t) => [t.create('/a', { mode: 'CONTAINER' }), t.reap('/a')],
  },
  {
    rule: 'a node with a TTL never goes early',
    tell: (t) => {
      t.create('/a', { mode: 'TTL', ttlMs: 100 });
      t.clock.nowMs = 90;
      t.touch('/a');
      t.clock.nowMs = 180;
      t.reap('/a');
    },
  },
  {
    rule: 'a quota of nodes is never exceeded',
    tell: (t) => {
      t.create('/a');
      t.create('/zookeeper/quota/a');
      t.limits('/zookeeper/quota/a/zookeeper_limits', 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2');
      t.create('/a/b');
      t.create('/a/c');
    },
  },
  {
    rule: 'a quota of bytes is never exceeded',
    tell: (t) => {
      t.create('/a');
      t.create('/zookeeper/quota/a');
      t.limits(
        '/zookeeper/quota/a/zookeeper_limits',
        'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1',
      );
      t.create('/a/b', { bytes: 11 });
    },
  },
];

test.each(LIES)(
  'the model of the tree finds a history in which this does not hold: $rule',
  ({ rule, tell }) => {
    expect(() => tell(bench())).toThrow(rule);
  },
);

test('a session that closes takes its ephemerals with it, in the order of their paths', () => {
  const t = bench();
  t.create('/b', { owner: SESSION });
  t.create('/a', { owner: SESSION });
  t.create('/stays');
  expect(t.close().map(({ type, path }) => `${type} ${path}`)).toEqual([
    'DELETED /a',
    'CHILDREN /',
    'DELETED /b',
    'CHILDREN /',
  ]);
  expect(t.model.paths).toContain('/stays');
  expect(t.model.paths).not.toContain('/a');
});

test('a node whose time has come is reaped', () => {
  const t = bench();
  t.create('/a', { mode: 'TTL', ttlMs: 100 });
  t.clock.nowMs = 100;
  t.reap('/a');
  expect(t.model.reaped).toBe(1);
});
