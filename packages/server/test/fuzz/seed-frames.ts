import {
  type CheckRequest,
  type ConnectRequest,
  type CreateRequest,
  type DeleteRequest,
  type JuteRequest,
  JuteWriter,
  OPCODE,
  type ReadRequest,
  type SetDataRequest,
  writeConnectRequest,
  writeRequest,
} from '@zabra/jute';
import { ACL_OPEN, type Acl } from '@zabra/model';
import type { Random } from '../model/random-operations.ts';

/* What well-behaved clients of ZooKeeper's wire say: the seeds that a fuzzer mutates. Frames are whole, length included. */

/** Below `folder`, so that what a fuzzer does stays where nobody else has anything. */
export function seedRequest(random: Random, folder: string): JuteRequest {
  const path = pathIn(random, folder);
  const make = random.pick(MAKERS);
  return make(random, path, folder);
}

export function requestFrame(xid: number, request: JuteRequest): Buffer {
  const writer = new JuteWriter();
  writeRequest(writer, xid, request);
  return Buffer.concat(writer.take());
}

export function connectFrame(terms: Partial<ConnectRequest> = {}): Buffer {
  const writer = new JuteWriter();
  writeConnectRequest(writer, {
    protocolVersion: 0,
    lastZxidSeen: 0,
    timeoutMs: 10_000,
    sessionId: 0,
    password: new Uint8Array(16),
    readOnly: false,
    ...terms,
  });
  return Buffer.concat(writer.take());
}

type Maker = (random: Random, path: string, folder: string) => JuteRequest;

function pathIn(random: Random, folder: string): string {
  if (random.chance(5))
    return random.pick(['/', folder, '/zookeeper', '/zookeeper/config', '', 'abc', '/ab/']);
  const depth = 1 + random.below(3);
  let path = folder;
  for (let level = 0; level < depth; level++) path += `/${random.pick(NAMES)}`;
  return path;
}

function create(random: Random, path: string): CreateRequest {
  const opcode = random.pick([
    OPCODE.create,
    OPCODE.create,
    OPCODE.create2,
    OPCODE.createContainer,
    OPCODE.createTtl,
  ]);
  const flags =
    opcode === OPCODE.createContainer
      ? 4
      : opcode === OPCODE.createTtl
        ? random.pick([5, 6])
        : random.pick([0, 0, 1, 2, 3, 4]);
  return {
    kind: 'create',
    opcode,
    path,
    data: data(random),
    acl: acl(random),
    flags,
    ttlMs: opcode === OPCODE.createTtl ? 60_000 : -1,
  };
}

function data(random: Random): Uint8Array | undefined {
  const length = random.pick([undefined, 0, 1, 20, 20, 300, 9000]);
  return length === undefined ? undefined : new Uint8Array(length).fill(random.below(256));
}

function acl(random: Random): readonly Acl[] | undefined {
  return random.pick<readonly Acl[] | undefined>([
    ACL_OPEN,
    ACL_OPEN,
    ACL_OPEN,
    [{ perms: 31, scheme: 'auth', id: '' }],
    [{ perms: 31, scheme: 'digest', id: 'ann:hash' }],
    [{ perms: 1, scheme: 'ip', id: '10.0.0.0/8' }],
    [],
    undefined,
  ]);
}

function version(random: Random): number {
  return random.pick([-1, -1, 0, 1, 2]);
}

function deletion(random: Random, path: string): DeleteRequest {
  return { kind: 'delete', path, version: version(random) };
}

function check(random: Random, path: string): CheckRequest {
  return { kind: 'check', path, version: version(random) };
}

function setData(random: Random, path: string): SetDataRequest {
  return { kind: 'setData', path, data: data(random), version: version(random) };
}

function read(random: Random, path: string): ReadRequest {
  const kind = random.pick(['exists', 'getData', 'getChildren', 'getChildren2'] as const);
  return { kind, path, watch: random.chance(40) };
}

function paths(random: Random, folder: string): readonly string[] {
  return Array.from({ length: random.below(4) }, () => pathIn(random, folder));
}

const MAKERS: readonly Maker[] = [
  create,
  create,
  create,
  deletion,
  setData,
  setData,
  read,
  read,
  read,
  (_, path) => ({ kind: 'getAcl', path }),
  (_, path) => ({ kind: 'sync', path }),
  (_, path) => ({ kind: 'getAllChildrenNumber', path }),
  (random, path) => ({ kind: 'setAcl', path, acl: acl(random), version: version(random) }),
  () => ({ kind: 'ping' }),
  () => ({ kind: 'whoAmI' }),
  (random) => (random.chance(20) ? { kind: 'closeSession' } : { kind: 'ping' }),
  (random, _, folder) => ({
    kind: 'multi',
    operations: Array.from({ length: random.below(5) }, () =>
      random.pick([create, deletion, check, setData])(random, pathIn(random, folder)),
    ),
  }),
  (random, _, folder) => ({
    kind: 'multiRead',
    operations: Array.from({ length: random.below(4) }, () => ({
      kind: random.pick(['getData', 'getChildren'] as const),
      path: pathIn(random, folder),
      watch: false,
    })),
  }),
  () => ({ kind: 'reconfig', joining: undefined, leaving: '3', newMembers: undefined, fromVersion: -1 }),
  (random, path) => ({
    kind: random.pick(['checkWatches', 'removeWatches'] as const),
    path,
    type: 1 + random.below(5),
  }),
  (random) => ({
    kind: 'auth',
    scheme: random.pick(['digest', 'digest', 'digest', 'digest', 'ip', 'nobody']),
    credentials: Buffer.from(random.pick(['ann:secret', 'bob:secret', 'ann:secret', 'nothing'])),
  }),
  (random, _, folder) => ({
    kind: random.pick(['setWatches', 'setWatches2'] as const),
    relativeZxid: 2 ** 32 + random.below(1000),
    data: paths(random, folder),
    exist: paths(random, folder),
    child: paths(random, folder),
    persistent: paths(random, folder),
    persistentRecursive: paths(random, folder),
  }),
  () => ({ kind: 'sasl', token: new Uint8Array(0) }),
  (random, path) => ({ kind: 'getEphemerals', prefix: random.pick([path, undefined, '']) }),
  (random, path) => ({ kind: 'addWatch', path, mode: random.below(3) }),
];
const NAMES = ['a', 'b', 'c', 'seq-', 'naïve', 'x'.repeat(60)];
