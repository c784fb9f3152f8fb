import {
  ANY_VERSION,
  type CreateMode,
  type Acl as ModelAcl,
  type SubOperation,
  unreachable,
} from '@zabra/model';
import type {
  ClientEntry,
  Acl as WireAcl,
  CreateMode as WireMode,
  SubOperation as WireSubOperation,
} from '@zabra/proto';
import type { Ask } from './ask.ts';

/** What a request carries beside its ask; the numbers of a read are 0. */
export interface RequestNumbers {
  readonly xid: number;
  readonly requestNo: number;
  readonly answeredThrough: number;
}

/** An ask as an entry of a client frame. */
export function requestEntry(ask: Ask, { xid, requestNo, answeredThrough }: RequestNumbers): ClientEntry {
  switch (ask.kind) {
    case 'get':
    case 'exists':
    case 'children': {
      const { linearizable, minZxid } = ask.read;
      const terms = { xid, requestNo, answeredThrough, minZxid, linearizable };
      const read = { path: ask.path, watch: ask.read.watch };
      switch (ask.kind) {
        case 'get':
          return { kind: 'request', request: { kind: 'get', ...terms, get: read } };
        case 'exists':
          return { kind: 'request', request: { kind: 'exists', ...terms, exists: read } };
        case 'children':
          return { kind: 'request', request: { kind: 'children', ...terms, children: read } };
        default:
          return unreachable(ask);
      }
    }
    case 'sync': {
      const sync = { path: ask.path };
      return {
        kind: 'request',
        request: { kind: 'sync', xid, requestNo, answeredThrough, minZxid: 0, linearizable: false, sync },
      };
    }
    case 'create': {
      const { create } = createPart(ask);
      return {
        kind: 'request',
        request: { kind: 'create', xid, requestNo, answeredThrough, minZxid: 0, linearizable: false, create },
      };
    }
    case 'set': {
      const set = { path: ask.path, data: ask.data, version: wireVersion(ask.version) };
      return {
        kind: 'request',
        request: { kind: 'set', xid, requestNo, answeredThrough, minZxid: 0, linearizable: false, set },
      };
    }
    case 'delete': {
      const part = { path: ask.path, version: wireVersion(ask.version) };
      return {
        kind: 'request',
        request: {
          kind: 'delete',
          xid,
          requestNo,
          answeredThrough,
          minZxid: 0,
          linearizable: false,
          delete: part,
        },
      };
    }
    case 'transaction': {
      const transaction = { operations: ask.operations.map(subOperation) };
      return {
        kind: 'request',
        request: {
          kind: 'transaction',
          xid,
          requestNo,
          answeredThrough,
          minZxid: 0,
          linearizable: false,
          transaction,
        },
      };
    }
    default:
      return unreachable(ask);
  }
}

/** An upper bound of what an ask takes on the wire, without encoding it. */
export function askBytesMax(ask: Ask): number {
  switch (ask.kind) {
    case 'create':
      return operationBytesMax(ask.path, ask.data) + aclBytesMax(ask.acl);
    case 'set':
      return operationBytesMax(ask.path, ask.data);
    case 'transaction': {
      let sum = ENVELOPE_BYTES;
      for (const operation of ask.operations) sum += askBytesMax(asSingle(operation));
      return sum;
    }
    default:
      return operationBytesMax(ask.path, undefined);
  }
}

const ENVELOPE_BYTES = 64;

function operationBytesMax(path: string, data: Uint8Array | undefined): number {
  // A UTF-16 code unit takes at most three bytes in UTF-8.
  return ENVELOPE_BYTES + path.length * 3 + (data === undefined ? 0 : data.length);
}

function aclBytesMax(acl: readonly ModelAcl[]): number {
  let sum = 0;
  for (const entry of acl) sum += ENVELOPE_BYTES + 3 * (entry.scheme.length + entry.id.length);
  return sum;
}

/** A check weighs what a delete does. */
function asSingle(operation: SubOperation): Ask {
  switch (operation.kind) {
    case 'check':
    case 'checkAbsent':
      return { kind: 'delete', path: operation.path, version: ANY_VERSION };
    default:
      return operation;
  }
}

function subOperation(operation: SubOperation): WireSubOperation {
  switch (operation.kind) {
    case 'create':
      return createPart(operation);
    case 'set':
      return {
        kind: 'set',
        set: { path: operation.path, data: operation.data, version: wireVersion(operation.version) },
      };
    case 'delete':
      return { kind: 'delete', delete: { path: operation.path, version: wireVersion(operation.version) } };
    case 'check':
      return { kind: 'check', check: { path: operation.path, version: wireVersion(operation.version) } };
    case 'checkAbsent':
      return { kind: 'checkAbsent', checkAbsent: { path: operation.path } };
    default:
      return unreachable(operation);
  }
}

function createPart(
  operation: Extract<SubOperation, { kind: 'create' }>,
): Extract<WireSubOperation, { kind: 'create' }> {
  const { path, data, mode } = operation;
  return { kind: 'create', create: { path, data, mode: WIRE_MODES[mode], acl: operation.acl.map(wireAcl) } };
}

const WIRE_MODES: Readonly<Record<CreateMode, WireMode>> = {
  persistent: 'PERSISTENT',
  'persistent-sequential': 'PERSISTENT_SEQUENTIAL',
  ephemeral: 'EPHEMERAL',
  'ephemeral-sequential': 'EPHEMERAL_SEQUENTIAL',
};

function wireAcl({ perms, scheme, id }: ModelAcl): WireAcl {
  return { perms, scheme, id };
}

function wireVersion(version: number): number | undefined {
  return version === ANY_VERSION ? undefined : version;
}
