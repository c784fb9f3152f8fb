import {
  ANY_VERSION,
  type Change,
  type CheckAbsentOperation,
  type CheckOperation,
  type CheckOwnerOperation,
  type CreateOperation,
  type DeleteOperation,
  isEphemeral,
  isSequential,
  isTooLong,
  isTtl,
  NO_SESSION,
  PATH_BYTES_MAX,
  PERMISSIONS,
  parentOf,
  pathFault,
  type Refusal,
  refusal,
  type SetAclOperation,
  type SetOperation,
  type SubOperation,
  sequenceSuffix,
  type TouchOperation,
  TTL_MS_MAX,
  unreachable,
} from '@zabra/model';
import { resolveAcl } from './acl-rules.ts';
import { type Asker, mayKnow, notAllowed } from './asker.ts';
import { checkQuotas } from './check-quotas.ts';
import { nextVersion } from './node.ts';
import type { TreeOptions } from './options.ts';
import type { Pending } from './pending.ts';
import type { NodeFacts } from './pending-node.ts';
import { limitsTarget, parseQuota } from './quota.ts';
import { RESERVED_PATHS } from './state.ts';

/**
 * Judges one operation against what is pending: answers the change it becomes, whose effect is then recorded there, or
 * why it is refused. The order of the checks is ZooKeeper's, since the first that fails gives the code; only what is wrong
 * with the arguments themselves always comes first here, a path's syntax before the rest.
 */
export function checkOperation(
  pending: Pending,
  options: TreeOptions,
  operation: SubOperation,
  asker: Asker,
): Change | Refusal {
  switch (operation.kind) {
    case 'create':
      return checkCreate(pending, options, operation, asker);
    case 'set':
      return checkSet(pending, operation, asker);
    case 'delete':
      return checkDelete(pending, operation, asker);
    case 'check':
      return checkCheck(pending, operation, asker);
    case 'checkAbsent':
      return checkCheckAbsent(pending, operation, asker);
    case 'checkOwner':
      return checkCheckOwner(pending, operation, asker);
    case 'setAcl':
      return checkSetAcl(pending, operation, asker);
    case 'touch':
      return checkTouch(pending, operation, asker);
    default:
      return unreachable(operation);
  }
}

export function isRefusal(judged: Change | NodeFacts | Refusal): judged is Refusal {
  return 'code' in judged;
}

function checkCreate(
  pending: Pending,
  options: TreeOptions,
  operation: CreateOperation,
  asker: Asker,
): Change | Refusal {
  const { mode, data, ttlMs } = operation;
  const sequential = isSequential(mode);
  const fault = pathFault(operation.path, { sequential });
  if (fault !== undefined) return refusal('INVALID_PATH', fault);
  const ttlFault = faultOfTtl(operation);
  if (ttlFault !== undefined) return ttlFault;
  const acl = resolveAcl(operation.acl, asker.identities);
  if ('refused' in acl) return acl.refused;

  const parentPath = parentOf(operation.path);
  const parent = pending.node(parentPath);
  if (parent === undefined) {
    return refusal(
      'NO_NODE',
      `${operation.path} needs its parent ${parentPath}, which does not exist: create it first`,
    );
  }
  const denied = notAllowed(asker, PERMISSIONS.create, parentPath, parent);
  if (denied !== undefined) return denied;

  const path = sequential ? operation.path + sequenceSuffix(parent.sequence) : operation.path;
  if (isTooLong(path)) {
    return refusal(
      'INVALID_PATH',
      `a path has at most ${PATH_BYTES_MAX} bytes; with its suffix this one has more`,
    );
  }
  if (pending.node(path) !== undefined) return refusal('NODE_EXISTS', `${path} exists already`);
  if (parent.ephemeralOwner !== NO_SESSION) {
    return refusal('NO_CHILDREN_FOR_EPHEMERALS', `${parentPath} is ephemeral and can have no child ${path}`);
  }
  const ephemeralOwner = isEphemeral(mode) ? asker.sessionId : NO_SESSION;
  if (ephemeralOwner !== NO_SESSION) {
    const count = pending.session(ephemeralOwner)?.ephemeralCount ?? 0;
    const max = options.ephemeralsPerSessionMax;
    if (count >= max) {
      return refusal(
        'LIMIT',
        `${path}: a session owns at most ${max} ephemeral nodes (ephemeralsPerSessionMax): delete some first`,
      );
    }
  }
  const limitsFault = faultOfLimits(path, data);
  if (limitsFault !== undefined) return limitsFault;
  const tooMuch = checkQuotas(pending, path, { count: 1, bytes: data.length }, asker);
  if (tooMuch !== undefined) return tooMuch;
  const container = mode === 'container';
  pending.recordCreate(path, parent, { data, acl, ephemeralOwner, ttlMs, container });
  return { kind: 'create', path, data, mode, acl, ephemeralOwner, ttlMs };
}

function checkSet(pending: Pending, operation: SetOperation, asker: Asker): Change | Refusal {
  const { path, data } = operation;
  const node = existing(pending, path);
  if (isRefusal(node)) return node;
  const denied = notAllowed(asker, PERMISSIONS.write, path, node);
  if (denied !== undefined) return denied;
  const limitsFault = faultOfLimits(path, data);
  if (limitsFault !== undefined) return limitsFault;
  const tooMuch = checkQuotas(pending, path, { count: 0, bytes: data.length - node.dataLength }, asker);
  if (tooMuch !== undefined) return tooMuch;
  const stale = staleVersion(asker, path, node, operation.version);
  if (stale !== undefined) return stale;
  pending.recordSet(path, node, data);
  return { kind: 'set', path, data, version: nextVersion(node.version) };
}

function checkDelete(pending: Pending, operation: DeleteOperation, asker: Asker): Change | Refusal {
  const { path } = operation;
  const found = deletable(pending, path, asker);
  if ('code' in found) return found;
  const { node, parent } = found;
  const stale = staleVersion(asker, path, node, operation.version);
  if (stale !== undefined) return stale;
  if (node.childCount > 0) {
    const children = `${node.childCount} ${node.childCount === 1 ? 'child' : 'children'}`;
    return refusal(
      'NOT_EMPTY',
      `${path} has ${mayKnow(asker, node) ? children : 'children'}: delete what is below first`,
    );
  }
  pending.recordDelete(path, node, parent);
  return { kind: 'delete', path };
}

function checkCheck(pending: Pending, operation: CheckOperation, asker: Asker): Change | Refusal {
  const { path } = operation;
  const node = readable(pending, path, asker);
  if (isRefusal(node)) return node;
  const stale = staleVersion(asker, path, node, operation.version);
  return stale ?? { kind: 'check', path };
}

function checkCheckAbsent(pending: Pending, operation: CheckAbsentOperation, asker: Asker): Change | Refusal {
  const { path } = operation;
  const fault = pathFault(path);
  if (fault !== undefined) return refusal('INVALID_PATH', fault);
  const node = pending.node(path);
  if (node === undefined) return { kind: 'checkAbsent', path };
  const denied = notAllowed(asker, PERMISSIONS.read, path, node);
  return denied ?? refusal('NODE_EXISTS', `${path} exists, and should not`);
}

function checkCheckOwner(pending: Pending, operation: CheckOwnerOperation, asker: Asker): Change | Refusal {
  const { path, sessionId } = operation;
  const node = readable(pending, path, asker);
  if (isRefusal(node)) return node;
  // No session owns what is not ephemeral.
  if (node.ephemeralOwner !== sessionId || sessionId === NO_SESSION) {
    return refusal('CONFLICT', `${path} is not owned by session ${sessionId}`);
  }
  return { kind: 'checkOwner', path };
}

function checkSetAcl(pending: Pending, operation: SetAclOperation, asker: Asker): Change | Refusal {
  const { path } = operation;
  const fault = pathFault(path);
  if (fault !== undefined) return refusal('INVALID_PATH', fault);
  const acl = resolveAcl(operation.acl, asker.identities);
  if ('refused' in acl) return acl.refused;
  const node = existing(pending, path);
  if (isRefusal(node)) return node;
  const denied = notAllowed(asker, PERMISSIONS.admin, path, node);
  if (denied !== undefined) return denied;
  if (operation.version !== ANY_VERSION && operation.version !== node.aversion) {
    // Whoever has ADMIN may see the Stat (getAcl).
    return refusal(
      'BAD_VERSION',
      `the ACL of ${path} is at version ${node.aversion}, not ${operation.version}: read it again`,
    );
  }
  pending.recordSetAcl(path, node, acl);
  return { kind: 'setAcl', path, acl, aversion: nextVersion(node.aversion) };
}

function checkTouch(pending: Pending, { path }: TouchOperation, asker: Asker): Change | Refusal {
  const node = existing(pending, path);
  if (isRefusal(node)) return node;
  const denied = notAllowed(asker, PERMISSIONS.write, path, node);
  if (denied !== undefined) return denied;
  if (node.ttlMs === 0) {
    return refusal('BAD_ARGUMENTS', `${path} has no TTL: only a node that was created with one is touched`);
  }
  pending.recordTouch(path, node);
  return { kind: 'touch', path };
}

/** A node whose path may be deleted by the asker, as far as its version and children allow. */
export function deletable(
  pending: Pending,
  path: string,
  asker: Asker,
): { readonly node: NodeFacts; readonly parent: NodeFacts } | Refusal {
  const fault = pathFault(path);
  if (fault !== undefined) return refusal('INVALID_PATH', fault);
  if (RESERVED_PATHS.includes(path))
    return refusal('BAD_ARGUMENTS', `${path} is reserved and cannot be deleted`);
  const parentPath = parentOf(path);
  const parent = pending.node(parentPath);
  if (parent === undefined) return missing(path);
  const denied = notAllowed(asker, PERMISSIONS.delete, parentPath, parent);
  if (denied !== undefined) return denied;
  const node = pending.node(path);
  return node === undefined ? missing(path) : { node, parent };
}

function existing(pending: Pending, path: string): NodeFacts | Refusal {
  const fault = pathFault(path);
  if (fault !== undefined) return refusal('INVALID_PATH', fault);
  return pending.node(path) ?? missing(path);
}

function readable(pending: Pending, path: string, asker: Asker): NodeFacts | Refusal {
  const node = existing(pending, path);
  if (isRefusal(node)) return node;
  return notAllowed(asker, PERMISSIONS.read, path, node) ?? node;
}

function missing(path: string): Refusal {
  return refusal('NO_NODE', `${path} does not exist`);
}

function staleVersion(asker: Asker, path: string, node: NodeFacts, expected: number): Refusal | undefined {
  if (expected === ANY_VERSION || expected === node.version) return undefined;
  const present = mayKnow(asker, node) ? `at version ${node.version}` : 'at another version';
  return refusal('BAD_VERSION', `${path} is ${present}, not ${expected}: read it again`);
}

function faultOfTtl({ mode, ttlMs }: CreateOperation): Refusal | undefined {
  if (!isTtl(mode)) {
    if (ttlMs === 0) return undefined;
    return refusal('BAD_ARGUMENTS', `a ${mode} node has no TTL: leave it out, or create with mode "ttl"`);
  }
  if (Number.isInteger(ttlMs) && ttlMs >= 1 && ttlMs <= TTL_MS_MAX) return undefined;
  return refusal('BAD_ARGUMENTS', `a TTL is 1 to ${TTL_MS_MAX} ms, not ${ttlMs}`);
}

/** The node of a quota holds nothing but a quota, so that no limit is lost by a slip of the pen. */
function faultOfLimits(path: string, data: Uint8Array): Refusal | undefined {
  if (limitsTarget(path) === undefined || parseQuota(data) !== undefined) return undefined;
  return refusal(
    'BAD_ARGUMENTS',
    `${path} holds a quota like count=10,bytes=-1=;byteHardLimit=1000;countHardLimit=-1, of which each may be left out, and nothing else`,
  );
}
