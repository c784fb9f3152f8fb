import { ACL_OPEN, type SubOperation, type WriteOperation, type Zxid } from '@zabra/model';
import type { LogRecord, Notification } from '@zabra/zab';
import fc from 'fast-check';
import type { Answered, Forwarded } from '../src/core/peers/forward-codec.ts';
import type { Hello, LeaderWord, LearnerWord } from '../src/core/peers/peer-codec.ts';

/* Any value of what servers say to each other. */

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint53 = fc.maxSafeNat();
const anyZxid = uint53 as unknown as fc.Arbitrary<Zxid>;
const bytes = fc.uint8Array({ maxLength: 40 });
const text = fc.string({ unit: 'binary', maxLength: 20 });
const version = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 31 - 1 }));

function word<const Kind extends string, Fields>(
  kind: Kind,
  fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> },
): fc.Arbitrary<{ readonly kind: Kind } & Fields> {
  return fc.record(fields).map((record) => ({ kind, ...record }) as { readonly kind: Kind } & Fields);
}

const acl = fc.oneof(
  fc.constant(ACL_OPEN),
  fc.array(fc.record({ perms: fc.integer({ min: 1, max: 31 }), scheme: text, id: text }), {
    minLength: 1,
    maxLength: 3,
  }),
);
const mode = fc.constantFrom(
  'persistent' as const,
  'persistent-sequential' as const,
  'ephemeral' as const,
  'ephemeral-sequential' as const,
  'container' as const,
  'ttl' as const,
  'ttl-sequential' as const,
);
const create = word('create', { path: text, data: bytes, mode, acl, ttlMs: uint53 });
const setAcl = word('setAcl', { path: text, acl, version });
const touch = word('touch', { path: text });
const identities = fc.array(fc.record({ scheme: text, id: text }), { maxLength: 3 });
const set = word('set', { path: text, data: bytes, version });
const remove = word('delete', { path: text, version });
const subOperation: fc.Arbitrary<SubOperation> = fc.oneof(
  create,
  set,
  remove,
  word('check', { path: text, version }),
  word('checkAbsent', { path: text }),
  word('checkOwner', { path: text, sessionId: uint53 }),
  setAcl,
  touch,
);
const operation: fc.Arbitrary<WriteOperation> = fc.oneof(
  create,
  set,
  remove,
  setAcl,
  touch,
  word('deleteTree', { path: text, nodesMax: uint32, atomic: fc.boolean() }),
  word('transaction', { operations: fc.array(subOperation, { maxLength: 5 }) }),
);
// On the wire a refusal also says which operations of a transaction failed: none here.
const refusal = fc.record({
  code: fc.constantFrom('NO_NODE' as const, 'LIMIT' as const, 'SESSION_EXPIRED' as const, 'BEHIND' as const),
  message: text,
  failedIndex: fc.constant(-1),
  codes: fc.constant([]),
});

export const anyForwarded: fc.Arbitrary<Forwarded> = fc.oneof(
  word('write', {
    sessionId: uint53,
    nonce: text,
    requestNo: uint32,
    answeredThrough: uint32,
    operation,
  }),
  word('createSession', {
    sessionId: uint53,
    timeoutMs: uint32,
    passwordHash: bytes,
    nonce: text,
    attempt: uint32,
    identities,
  }),
  word('attach', { sessionId: uint53, nonce: text, attempt: uint32, identities }),
  word('identities', { sessionId: uint53, nonce: text, attempt: uint32, identities }),
  word('closeSession', { sessionId: uint53 }),
  word('touches', { number: uint32, sessionIds: fc.array(uint53, { maxLength: 5 }) }),
);

export const anyAnswered: fc.Arbitrary<Answered> = fc.oneof(
  word('stored', { sessionId: uint53, requestNo: uint32, zxid: anyZxid }),
  word('refused', { sessionId: uint53, requestNo: uint32, refusal }),
  word('attached', { sessionId: uint53, nonce: text, attempt: uint32, zxid: anyZxid }),
  word('sessionRefused', { sessionId: uint53, nonce: text, attempt: uint32, refusal }),
  word('moved', { sessionId: uint53 }),
  word('touched', { number: uint32, refused: fc.array(uint53, { maxLength: 5 }) }),
);

const standing = fc.constantFrom('voter' as const, 'blank' as const, 'refill' as const);
const record: fc.Arbitrary<LogRecord> = fc.record({
  zxid: anyZxid,
  previous: anyZxid,
  kind: fc.constantFrom('txn' as const, 'config' as const, 'epoch-start' as const),
  payload: bytes,
});

export const anyHello: fc.Arbitrary<Hello> = fc.record({
  clusterId: fc.option(
    text.filter((id) => id !== ''),
    { nil: undefined },
  ),
  serverId: uint32,
  protocolMin: uint32,
  protocolMax: uint32,
});

export const anyNotification: fc.Arbitrary<Notification> = fc.record({
  state: fc.constantFrom('looking' as const, 'following' as const, 'leading' as const),
  standing,
  round: uint53,
  vote: fc.record({ leader: uint32, epoch: uint32, zxid: anyZxid }),
});

const hello = word('hello', { hello: anyHello });

export const anyLearnerWord: fc.Arbitrary<LearnerWord> = fc.oneof(
  hello,
  word('followerInfo', { acceptedEpoch: uint32, standing }),
  word('ackEpoch', {
    epoch: uint32,
    promised: fc.boolean(),
    currentEpoch: uint32,
    lastZxid: anyZxid,
    history: fc.array(fc.record({ epoch: uint32, counter: uint32 }), { maxLength: 5 }),
  }),
  word('ackNewLeader', { epoch: uint32 }),
  word('ack', { zxid: anyZxid }),
  word('snapshotProgress', { offset: uint53 }),
  word('forward', { payload: bytes }),
  word('pong', { round: uint53 }),
  word('readIndex', { id: uint53 }),
);

export const anyLeaderWord: fc.Arbitrary<LeaderWord> = fc.oneof(
  hello,
  word('leaderInfo', { epoch: uint32, clusterId: text }),
  word('syncPlan', { mode: fc.constantFrom('diff' as const, 'trunc' as const), zxid: anyZxid }),
  word('syncPlan', { mode: fc.constant('snap' as const), zxid: anyZxid, snapshotBytes: uint53 }),
  word('snapshotChunk', { offset: uint53, data: bytes, last: fc.boolean() }),
  word('proposals', { records: fc.array(record, { maxLength: 5 }), commit: anyZxid }),
  word('newLeader', { epoch: uint32, zxid: anyZxid }),
  word('commit', { zxid: anyZxid }),
  word('ping', { round: uint53 }),
  word('answer', { payload: bytes }),
  word('readIndexed', { id: uint53, zxid: anyZxid }),
);
