import {
  ANY_VERSION,
  type CreateMode,
  type Acl as ModelAcl,
  type PersistentWatchKind,
  type SubOperation,
  unreachable,
  type WatchKind,
} from '@zabra/model';
import {
  type ClientEntry,
  type ClientRequest,
  encodeClientFrame,
  type Acl as WireAcl,
  type CreateMode as WireMode,
  type SubOperation as WireSubOperation,
  type SubRead as WireSubRead,
  type WatchKind as WireWatchKind,
} from '@zabra/proto';
import type { Ask, ReadTerms, SubReadAsk } from './ask.ts';

/** What a request carries beside its ask; the numbers of a read are 0. */
export interface RequestNumbers {
  readonly xid: number;
  readonly requestNo: number;
  readonly answeredThrough: number;
}

/** Which watch it is, as on the wire. */
export const WIRE_WATCH_KINDS: Readonly<Record<WatchKind | PersistentWatchKind, WireWatchKind>> = {
  data: 'DATA',
  exist: 'EXIST',
  child: 'CHILD',
  persistent: 'PERSISTENT',
  persistentRecursive: 'PERSISTENT_RECURSIVE',
};

/** An ask as an entry of a client frame. */
export function requestEntry(ask: Ask, numbers: RequestNumbers): ClientEntry {
  return { kind: 'request', request: wireRequest(ask, numbers) };
}

function wireRequest(ask: Ask, numbers: RequestNumbers): ClientRequest {
  const { linearizable, minZxid } = 'read' in ask ? ask.read : AT_ONCE;
  const { xid, requestNo, answeredThrough } = numbers;
  switch (ask.kind) {
    // Spelt out: one shape at once is made faster than one from parts, and these are most of all requests.
    case 'get': {
      const get = { path: ask.path, watch: ask.watch };
      return { kind: 'get', xid, requestNo, answeredThrough, minZxid, linearizable, get };
    }
    case 'set': {
      const set = { path: ask.path, data: ask.data, version: wireVersion(ask.version), nullData: false };
      return { kind: 'set', xid, requestNo, answeredThrough, minZxid, linearizable, set };
    }
    default:
      return rarerRequest(ask, { xid, requestNo, answeredThrough, minZxid, linearizable });
  }
}

function rarerRequest(
  ask: Exclude<Ask, { readonly kind: 'get' | 'set' }>,
  terms: RequestNumbers & ReadTerms,
): ClientRequest {
  switch (ask.kind) {
    case 'exists':
      return { kind: 'exists', ...terms, exists: { path: ask.path, watch: ask.watch } };
    case 'children': {
      const { path, watch, after, limit, withStats } = ask;
      return { kind: 'children', ...terms, children: { path, watch, after, limit, withStats } };
    }
    case 'getAcl':
      return { kind: 'getAcl', ...terms, getAcl: { path: ask.path } };
    case 'descendants':
      return { kind: 'descendants', ...terms, descendants: { path: ask.path } };
    case 'multiRead':
      return { kind: 'multiRead', ...terms, multiRead: { reads: ask.reads.map(subRead) } };
    case 'sync':
      return { kind: 'sync', ...terms, sync: { path: ask.path } };
    case 'ephemerals':
      return { kind: 'ephemerals', ...terms, ephemerals: { prefix: ask.prefix } };
    case 'whoAmI':
      return { kind: 'whoAmI', ...terms, whoAmI: {} };
    case 'addAuth': {
      const { scheme, credentials } = ask;
      return { kind: 'addAuth', ...terms, addAuth: { scheme, credentials } };
    }
    case 'addWatch': {
      const { id, kind, path, fromZxid } = ask.watch;
      return { kind: 'addWatch', ...terms, addWatch: { kind: WIRE_WATCH_KINDS[kind], path, id, fromZxid } };
    }
    case 'removeWatch': {
      const { watchKind, path, id } = ask;
      return { kind: 'removeWatch', ...terms, removeWatch: { kind: WIRE_WATCH_KINDS[watchKind], path, id } };
    }
    case 'transaction':
      return { kind: 'transaction', ...terms, transaction: { operations: ask.operations.map(subOperation) } };
    case 'deleteTree': {
      const { path, nodesMax, atomic } = ask;
      return { kind: 'deleteTree', ...terms, deleteTree: { path, nodesMax, atomic } };
    }
    case 'create':
    case 'delete':
    case 'setAcl':
    case 'touch':
      return { ...terms, ...singleOperation(ask) };
    default:
      return unreachable(ask);
  }
}

/** What a frame of nothing but this ask has, whatever its numbers. */
export function frameBytesOf(ask: Ask): number {
  const numbers = { xid: NUMBER_MAX, requestNo: NUMBER_MAX, answeredThrough: NUMBER_MAX };
  return encodeClientFrame({ entries: [requestEntry(ask, numbers)] }).length;
}

/** An upper bound of what an ask takes on the wire, without encoding it. */
export function askBytesMax(ask: Ask): number {
  switch (ask.kind) {
    case 'transaction': {
      let sum = ENVELOPE_BYTES;
      for (const operation of ask.operations) sum += operationBytesMax(operation);
      return sum;
    }
    case 'multiRead': {
      let sum = ENVELOPE_BYTES;
      for (const { path } of ask.reads) sum += textBytesMax(path);
      return sum;
    }
    case 'children':
      return textBytesMax(ask.path) + textBytesMax(ask.after);
    case 'addAuth':
      return textBytesMax(ask.scheme) + ask.credentials.length;
    case 'addWatch':
      return textBytesMax(ask.watch.path);
    case 'ephemerals':
      return textBytesMax(ask.prefix);
    case 'whoAmI':
      return ENVELOPE_BYTES;
    case 'create':
    case 'set':
    case 'setAcl':
      return operationBytesMax(ask);
    default:
      return textBytesMax(ask.path);
  }
}

const AT_ONCE: ReadTerms = { linearizable: false, minZxid: 0 };
const ENVELOPE_BYTES = 64;
const NUMBER_MAX = 2 ** 32 - 1;

function operationBytesMax(operation: SubOperation): number {
  const path = textBytesMax(operation.path);
  switch (operation.kind) {
    case 'create':
      return path + operation.data.length + aclBytesMax(operation.acl);
    case 'set':
      return path + operation.data.length;
    case 'setAcl':
      return path + aclBytesMax(operation.acl);
    default:
      return path;
  }
}

/** With what surrounds it. */
function textBytesMax(text: string): number {
  // A UTF-16 code unit takes at most three bytes in UTF-8.
  return ENVELOPE_BYTES + text.length * 3;
}

function aclBytesMax(acl: readonly ModelAcl[]): number {
  let sum = 0;
  for (const entry of acl) sum += ENVELOPE_BYTES + 3 * (entry.scheme.length + entry.id.length);
  return sum;
}

function subRead({ op, path }: SubReadAsk): WireSubRead {
  switch (op) {
    case 'get':
      return { kind: 'get', get: { path, watch: false } };
    case 'exists':
      return { kind: 'exists', exists: { path, watch: false } };
    case 'children':
      return { kind: 'children', children: { path, watch: false, after: '', limit: 0, withStats: false } };
    default:
      return unreachable(op);
  }
}

function subOperation(operation: SubOperation): WireSubOperation {
  switch (operation.kind) {
    case 'check':
      return { kind: 'check', check: { path: operation.path, version: wireVersion(operation.version) } };
    case 'checkAbsent':
      return { kind: 'checkAbsent', checkAbsent: { path: operation.path } };
    case 'checkOwner': {
      const { path, sessionId } = operation;
      return { kind: 'checkOwner', checkOwner: { path, sessionId } };
    }
    default:
      return singleOperation(operation);
  }
}

type SingleOperation = Extract<SubOperation, { kind: 'create' | 'set' | 'delete' | 'setAcl' | 'touch' }>;
type WireSingleOperation = Extract<WireSubOperation, { kind: SingleOperation['kind'] }>;

/** Of those that also stand alone. */
function singleOperation(operation: SingleOperation): WireSingleOperation {
  const { path } = operation;
  switch (operation.kind) {
    case 'create': {
      const { data, mode, acl, ttlMs } = operation;
      return {
        kind: 'create',
        create: { path, data, mode: WIRE_MODES[mode], acl: acl.map(wireAcl), ttlMs, nullData: false },
      };
    }
    case 'set':
      return {
        kind: 'set',
        set: { path, data: operation.data, version: wireVersion(operation.version), nullData: false },
      };
    case 'delete':
      return { kind: 'delete', delete: { path, version: wireVersion(operation.version) } };
    case 'setAcl': {
      const { acl, version } = operation;
      return { kind: 'setAcl', setAcl: { path, acl: acl.map(wireAcl), version: wireVersion(version) } };
    }
    case 'touch':
      return { kind: 'touch', touch: { path } };
    default:
      return unreachable(operation);
  }
}

const WIRE_MODES: Readonly<Record<CreateMode, WireMode>> = {
  persistent: 'PERSISTENT',
  'persistent-sequential': 'PERSISTENT_SEQUENTIAL',
  ephemeral: 'EPHEMERAL',
  'ephemeral-sequential': 'EPHEMERAL_SEQUENTIAL',
  container: 'CONTAINER',
  ttl: 'TTL',
  'ttl-sequential': 'TTL_SEQUENTIAL',
};

function wireAcl({ perms, scheme, id }: ModelAcl): WireAcl {
  return { perms, scheme, id };
}

function wireVersion(version: number): number | undefined {
  return version === ANY_VERSION ? undefined : version;
}
