import { CREATE_FLAGS, type CreateRequest, type JuteRequest, type MultiOperation, OPCODE } from '@zabra/jute';
import { ACL_OPEN, type CreateOperation, type Refusal, type SubOperation, unreachable } from '@zabra/model';
import type { Ask, SubReadAsk } from '../ask.ts';

/** What is asked for as it is, with one request; watches that stay, and the taking away of watches, are not. */
export type PlainAsk = Exclude<
  Ask,
  { readonly kind: 'addWatch' | 'removeWatch' | 'addAuth' | 'touch' | 'deleteTree' }
>;

/** Why ZooKeeper's wire has no words for it. */
export function faultOfAsk(ask: Ask): Refusal | undefined {
  switch (ask.kind) {
    case 'touch':
      return unimplemented('cannot start a TTL anew: set the data again, which does');
    case 'deleteTree':
      return unimplemented('does not delete a subtree by itself');
    case 'transaction':
      for (const { kind } of ask.operations) {
        const why = NOT_IN_A_TRANSACTION[kind];
        if (why !== undefined) return unimplemented(why);
      }
      return undefined;
    default:
      return undefined;
  }
}

/** `watch`: the server is to arm one, in case the ask wants one. */
export function juteRequest(ask: PlainAsk, watch: boolean): JuteRequest {
  switch (ask.kind) {
    case 'get':
      return { kind: 'getData', path: ask.path, watch };
    case 'set':
      return { kind: 'setData', path: ask.path, data: ask.data, version: ask.version };
    case 'exists':
      return { kind: 'exists', path: ask.path, watch };
    case 'children':
      return { kind: 'getChildren2', path: ask.path, watch };
    case 'create':
      return createRequest(ask);
    case 'delete':
      return { kind: 'delete', path: ask.path, version: ask.version };
    case 'getAcl':
      return { kind: 'getAcl', path: ask.path };
    case 'setAcl':
      return { kind: 'setAcl', path: ask.path, acl: ask.acl, version: ask.version };
    case 'descendants':
      return { kind: 'getAllChildrenNumber', path: ask.path };
    case 'sync':
      return { kind: 'sync', path: ask.path };
    case 'ephemerals':
      return { kind: 'getEphemerals', prefix: ask.prefix === '' ? '/' : ask.prefix };
    case 'whoAmI':
      return { kind: 'whoAmI' };
    case 'multiRead':
      return { kind: 'multiRead', operations: ask.reads.flatMap(subReads) };
    case 'transaction':
      return { kind: 'multi', operations: ask.operations.flatMap(subOperations) };
    default:
      return unreachable(ask);
  }
}

function createRequest({ path, data, mode, acl, ttlMs }: CreateOperation): CreateRequest {
  return {
    kind: 'create',
    opcode:
      mode === 'container'
        ? OPCODE.createContainer
        : mode === 'ttl' || mode === 'ttl-sequential'
          ? OPCODE.createTtl
          : OPCODE.create2,
    path,
    data,
    acl: acl.length === 0 ? ACL_OPEN : acl,
    flags: CREATE_FLAGS[mode],
    ttlMs,
  };
}

/** How many operations of ZooKeeper's stand for one of ours; answer-codec.ts reads as many results. */
function subOperations(operation: SubOperation): readonly MultiOperation[] {
  switch (operation.kind) {
    case 'create':
      return [createRequest(operation)];
    case 'set': {
      const { path, data, version } = operation;
      return [{ kind: 'setData', path, data, version }];
    }
    case 'delete':
    case 'check': {
      const { kind, path, version } = operation;
      return [{ kind, path, version }];
    }
    case 'checkAbsent': {
      // Only what is absent can be made; nobody sees it, since it goes in the same change.
      const { path } = operation;
      const made: CreateOperation = {
        kind: 'create',
        path,
        data: new Uint8Array(0),
        mode: 'persistent',
        acl: ACL_OPEN,
        ttlMs: 0,
      };
      return [createRequest(made), { kind: 'delete', path, version: -1 }];
    }
    case 'checkOwner':
    case 'setAcl':
    case 'touch':
      throw new Error(`faultOfAsk lets no ${operation.kind} through`);
    default:
      return unreachable(operation);
  }
}

function subReads({ op, path }: SubReadAsk): readonly MultiOperation[] {
  const data: MultiOperation = { kind: 'getData', path, watch: false };
  switch (op) {
    case 'get':
    case 'exists':
      return [data];
    case 'children':
      // For the Stat; all reads of one request are of one state.
      return [{ kind: 'getChildren', path, watch: false }, data];
    default:
      return unreachable(op);
  }
}

function unimplemented(why: string): Refusal {
  return { code: 'UNIMPLEMENTED', message: `a ZooKeeper ${why}` };
}

const NOT_IN_A_TRANSACTION: Readonly<Partial<Record<SubOperation['kind'], string>>> = {
  checkOwner: "cannot check a node's owner in a transaction",
  setAcl: 'cannot change an ACL in a transaction',
  touch: 'cannot start a TTL anew',
};
