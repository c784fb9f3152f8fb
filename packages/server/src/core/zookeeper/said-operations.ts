import { CREATE_FLAGS, type MultiOperation, OPCODE } from '@zabra/jute';
import {
  type Acl,
  ANY_VERSION,
  type CheckOperation,
  type CreateMode,
  type CreateOperation,
  type DeleteOperation,
  isTtl,
  NULL_DATA,
  type SetOperation,
  TTL_MS_MAX,
  unreachable,
} from '@zabra/model';

/** Operations that write. */
export type SaidWrite = Extract<MultiOperation, { kind: 'create' | 'delete' | 'check' | 'setData' }>;

/** The operation of this service for one of ZooKeeper's. */
type SaidAs<S extends SaidWrite> = S extends { kind: 'create' }
  ? CreateOperation
  : S extends { kind: 'setData' }
    ? SetOperation
    : S extends { kind: 'delete' }
      ? DeleteOperation
      : CheckOperation;

export function isWrite(operation: MultiOperation): operation is SaidWrite {
  return (
    operation.kind === 'create' ||
    operation.kind === 'delete' ||
    operation.kind === 'check' ||
    operation.kind === 'setData'
  );
}

/**
 * What a write of ZooKeeper's wire means here. Whatever ZooKeeper refuses and this service's words cannot say becomes
 * something that is refused with the same number, in its order among the checks: an unknown kind of node is one without a
 * path, an ACL that grants nobody anything is one of no scheme.
 */
export function saidOperation<S extends SaidWrite>(said: S): SaidAs<S>;
export function saidOperation(said: SaidWrite): SaidAs<SaidWrite> {
  const path = said.path ?? '';
  switch (said.kind) {
    case 'create': {
      const mode = createMode(said);
      return {
        kind: 'create',
        path: mode === undefined ? '' : path,
        data: said.data ?? NULL_DATA,
        mode: mode ?? 'persistent',
        acl: saidAcl(said.acl),
        ttlMs: mode !== undefined && isTtl(mode) ? saidTtl(said.ttlMs) : 0,
      };
    }
    case 'setData':
      return { kind: 'set', path, data: said.data ?? NULL_DATA, version: saidVersion(said.version) };
    case 'delete':
      return { kind: 'delete', path, version: saidVersion(said.version) };
    case 'check':
      return { kind: 'check', path, version: saidVersion(said.version) };
    default:
      return unreachable(said);
  }
}

/** Versions are 32 bits without a sign; only -1 stands for any. */
export function saidVersion(version: number): number {
  return version === -1 ? ANY_VERSION : version >>> 0;
}

/** An empty list means open elsewhere; here it is refused, as ZooKeeper refuses it. */
export function saidAcl(acl: readonly Acl[] | undefined): readonly Acl[] {
  if (acl === undefined || acl.length === 0) return GRANTS_NOBODY;
  return acl.map(({ perms, scheme, id }) => ({ perms: perms >>> 0, scheme, id }));
}

/** Each kind of record goes with its flags; `create` makes containers too. */
function createMode(said: Extract<SaidWrite, { kind: 'create' }>): CreateMode | undefined {
  const mode = MODES.find((each) => CREATE_FLAGS[each] === said.flags);
  if (mode === undefined) return undefined;
  if (said.opcode === OPCODE.createTtl) return isTtl(mode) ? mode : undefined;
  if (said.opcode === OPCODE.createContainer) return mode === 'container' ? mode : undefined;
  return isTtl(mode) ? undefined : mode;
}

/** What is no TTL becomes one that is refused. */
function saidTtl(ttlMs: number): number {
  return ttlMs > 0 && ttlMs <= TTL_MS_MAX ? ttlMs : 0;
}

const MODES: readonly CreateMode[] = [
  'persistent',
  'ephemeral',
  'persistent-sequential',
  'ephemeral-sequential',
  'container',
  'ttl',
  'ttl-sequential',
];
const GRANTS_NOBODY: readonly Acl[] = [{ perms: 0, scheme: '', id: '' }];
