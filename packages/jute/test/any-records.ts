import type { Acl, Identity } from '@zabra/model';
import fc from 'fast-check';
import type { ReadConnectRequest, ReadConnectResponse } from '../src/connect.ts';
import { type EVENT_TYPE, OPCODE } from '../src/opcode.ts';
import type { ReadStat } from '../src/records.ts';
import type { EventType, MultiResult, Notification, ReplyBody } from '../src/reply.ts';
import type { CreateRequest, JuteRequest, MultiOperation, ReadRequest } from '../src/request.ts';

/* Any record, as it is once read. */

export const anyInt: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)),
);
export const anyLong: fc.Arbitrary<number> = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 2 ** 32, 2 ** 32 - 1, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);
export const anyWideLong: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, -(2n ** 63n), 2n ** 63n - 1n),
);
/** Plain and not, around the length up to which a writer counts on ASCII, and lengths at which a reader changes its way. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', minLength: 20, maxLength: 60 }),
  fc.integer({ min: 20, max: 60 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 20, max: 60 }).map((length) => `${'x'.repeat(length)}ñ`),
);
/** Around the size from which a payload is a piece of its own, and that of a slab. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(8191, 8192, 8193, 65_535, 65_536, 65_537, 200_000), fc.nat(255))
      .map(([length, fill]) => new Uint8Array(length).fill(fill)),
  },
);

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

const anyPath = maybe(anyText);
const anyData = maybe(anyBytes);

const anyIdentity: fc.Arbitrary<Identity> = fc.record({ scheme: anyText, id: anyText });
const anyAcl: fc.Arbitrary<Acl> = fc.record({ perms: anyInt, scheme: anyText, id: anyText });

export const anyStat: fc.Arbitrary<ReadStat> = fc.record({
  czxid: anyLong,
  mzxid: anyLong,
  ctimeMs: anyLong,
  mtimeMs: anyLong,
  version: anyInt,
  cversion: anyInt,
  aversion: anyInt,
  ephemeralOwner: anyWideLong,
  dataLength: anyInt,
  numChildren: anyInt,
  pzxid: anyLong,
});

const anyCreate: fc.Arbitrary<CreateRequest> = fc
  .constantFrom(OPCODE.create, OPCODE.create2, OPCODE.createContainer, OPCODE.createTtl)
  .chain((opcode) =>
    fc.record({
      kind: fc.constant('create' as const),
      opcode: fc.constant(opcode),
      path: anyPath,
      data: anyData,
      acl: maybe(fc.array(anyAcl, { maxLength: 3 })),
      flags: anyInt,
      ttlMs: opcode === OPCODE.createTtl ? anyLong : fc.constant(-1),
    }),
  );

function anyRead(...kinds: readonly ReadRequest['kind'][]): fc.Arbitrary<ReadRequest> {
  return fc.record({ kind: fc.constantFrom(...kinds), path: anyPath, watch: fc.boolean() });
}

const anyVersioned = fc.record({
  kind: fc.constantFrom('delete' as const, 'check' as const),
  path: anyPath,
  version: anyInt,
});
const anySetData = fc.record({
  kind: fc.constant('setData' as const),
  path: anyPath,
  data: anyData,
  version: anyInt,
});
const anyOperation: fc.Arbitrary<MultiOperation> = fc.oneof(
  anyCreate,
  anyVersioned,
  anySetData,
  anyRead('getData', 'getChildren'),
);
const anyPaths = fc.array(anyText, { maxLength: 4 });

export const anyRequest: fc.Arbitrary<JuteRequest> = fc.oneof(
  anyCreate,
  anyVersioned,
  anySetData,
  anyRead('exists', 'getData', 'getChildren', 'getChildren2'),
  fc.record({ kind: fc.constantFrom('getAcl', 'sync', 'getAllChildrenNumber'), path: anyPath }),
  fc.record({
    kind: fc.constant('setAcl' as const),
    path: anyPath,
    acl: maybe(fc.array(anyAcl, { maxLength: 3 })),
    version: anyInt,
  }),
  fc.record({ kind: fc.constantFrom('ping' as const, 'whoAmI' as const, 'closeSession' as const) }),
  fc.record({
    kind: fc.constantFrom('multi' as const, 'multiRead' as const),
    operations: fc.array(anyOperation, { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('reconfig' as const),
    joining: anyPath,
    leaving: anyPath,
    newMembers: anyPath,
    fromVersion: anyLong,
  }),
  fc.record({
    kind: fc.constantFrom('checkWatches' as const, 'removeWatches' as const),
    path: anyPath,
    type: anyInt,
  }),
  fc.record({ kind: fc.constant('auth' as const), scheme: anyPath, credentials: anyData }),
  fc.record({
    kind: fc.constant('setWatches' as const),
    relativeZxid: anyLong,
    data: anyPaths,
    exist: anyPaths,
    child: anyPaths,
    persistent: fc.constant([]),
    persistentRecursive: fc.constant([]),
  }),
  fc.record({
    kind: fc.constant('setWatches2' as const),
    relativeZxid: anyLong,
    data: anyPaths,
    exist: anyPaths,
    child: anyPaths,
    persistent: anyPaths,
    persistentRecursive: anyPaths,
  }),
  fc.record({ kind: fc.constant('sasl' as const), token: anyData }),
  fc.record({ kind: fc.constant('getEphemerals' as const), prefix: anyPath }),
  fc.record({ kind: fc.constant('addWatch' as const), path: anyPath, mode: anyInt }),
);

const anyResult: fc.Arbitrary<MultiResult<ReadStat>> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), path: anyText }),
  fc.record({ kind: fc.constant('create2' as const), path: anyText, stat: anyStat }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'check' as const) }),
  fc.record({ kind: fc.constant('setData' as const), stat: anyStat }),
  fc.record({ kind: fc.constant('getData' as const), data: anyData, stat: anyStat }),
  fc.record({ kind: fc.constant('getChildren' as const), names: anyPaths }),
  fc.record({ kind: fc.constant('error' as const), error: anyInt }),
);

/** Operations of which each shape of an answer is one. */
const ANSWERED: Readonly<Record<ReplyBody['kind'], readonly number[]>> = {
  nothing: [
    OPCODE.delete,
    OPCODE.checkWatches,
    OPCODE.removeWatches,
    OPCODE.setWatches,
    OPCODE.setWatches2,
    OPCODE.auth,
    OPCODE.ping,
    OPCODE.closeSession,
  ],
  path: [OPCODE.create, OPCODE.sync],
  pathAndStat: [OPCODE.create2, OPCODE.createContainer, OPCODE.createTtl],
  stat: [OPCODE.exists, OPCODE.setData, OPCODE.setAcl],
  data: [OPCODE.getData, OPCODE.reconfig],
  acl: [OPCODE.getAcl],
  names: [OPCODE.getChildren, OPCODE.getEphemerals],
  namesAndStat: [OPCODE.getChildren2],
  number: [OPCODE.getAllChildrenNumber, OPCODE.addWatch],
  identities: [OPCODE.whoAmI],
  token: [OPCODE.sasl],
  multi: [OPCODE.multi, OPCODE.multiRead],
};

const anyBody: fc.Arbitrary<ReplyBody<ReadStat>> = fc.oneof(
  fc.constant({ kind: 'nothing' as const }),
  fc.record({ kind: fc.constant('path' as const), path: anyText }),
  fc.record({ kind: fc.constant('pathAndStat' as const), path: anyText, stat: anyStat }),
  fc.record({ kind: fc.constant('stat' as const), stat: anyStat }),
  fc.record({ kind: fc.constant('data' as const), data: anyData, stat: anyStat }),
  fc.record({ kind: fc.constant('acl' as const), acl: fc.array(anyAcl, { maxLength: 3 }), stat: anyStat }),
  fc.record({ kind: fc.constant('names' as const), names: anyPaths }),
  fc.record({ kind: fc.constant('namesAndStat' as const), names: anyPaths, stat: anyStat }),
  fc.record({ kind: fc.constant('number' as const), number: anyInt }),
  fc.record({
    kind: fc.constant('identities' as const),
    identities: fc.array(anyIdentity, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('token' as const), token: anyData }),
  fc.record({ kind: fc.constant('multi' as const), results: fc.array(anyResult, { maxLength: 4 }) }),
);

/** A body with an operation that it answers. */
export const anyAnswer: fc.Arbitrary<{ readonly opcode: number; readonly body: ReplyBody<ReadStat> }> =
  anyBody.chain((body) =>
    fc.record({ opcode: fc.constantFrom(...ANSWERED[body.kind]), body: fc.constant(body) }),
  );

export const anyNotification: fc.Arbitrary<Notification> = fc.record({
  type: fc.constantFrom<EventType & keyof typeof EVENT_TYPE>('created', 'deleted', 'changed', 'children'),
  path: anyText,
  zxid: anyLong,
});

export const anyConnectRequest: fc.Arbitrary<ReadConnectRequest> = fc.record({
  protocolVersion: anyInt,
  lastZxidSeen: anyLong,
  timeoutMs: anyInt,
  sessionId: anyWideLong,
  password: fc.uint8Array({ maxLength: 40 }),
  readOnly: maybe(fc.boolean()),
});

export const anyConnectResponse: fc.Arbitrary<ReadConnectResponse> = fc.record({
  protocolVersion: anyInt,
  timeoutMs: anyInt,
  sessionId: anyWideLong,
  password: fc.uint8Array({ maxLength: 40 }),
  readOnly: maybe(fc.boolean()),
});
