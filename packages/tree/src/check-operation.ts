import {
  ANY_VERSION,
  type Change,
  type CheckAbsentOperation,
  type CheckOperation,
  type CreateOperation,
  type DeleteOperation,
  isEphemeral,
  isSequential,
  NO_SESSION,
  PATH_BYTES_MAX,
  parentOf,
  pathFault,
  type Refusal,
  refusal,
  type SessionId,
  type SetOperation,
  type SubOperation,
  sequenceSuffix,
  unreachable,
} from '@zabra/model';
import { nextVersion } from './node.ts';
import type { TreeOptions } from './options.ts';
import type { NodeFacts, Pending } from './pending.ts';
import { RESERVED_PATHS } from './state.ts';

/**
 * Judges one operation against what is pending: answers the change it becomes, whose effect is then recorded there, or
 * why it is refused. The order of the checks is
 * ZooKeeper's, since the first that fails gives the code; only a path's syntax always comes first here.
 */
export function checkOperation(
  pending: Pending,
  options: TreeOptions,
  operation: SubOperation,
  sessionId: SessionId,
): Change | Refusal {
  switch (operation.kind) {
    case 'create':
      return checkCreate(pending, options, operation, sessionId);
    case 'set':
      return checkSet(pending, operation);
    case 'delete':
      return checkDelete(pending, operation);
    case 'check':
      return checkCheck(pending, operation);
    case 'checkAbsent':
      return checkCheckAbsent(pending, operation);
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
  sessionId: SessionId,
): Change | Refusal {
  const { mode, data, acl } = operation;
  const sequential = isSequential(mode);
  const fault = pathFault(operation.path, { sequential });
  if (fault !== undefined) return refusal('INVALID_PATH', fault);

  const parentPath = parentOf(operation.path);
  const parent = pending.node(parentPath);
  if (parent === undefined) {
    return refusal(
      'NO_NODE',
      `${operation.path} needs its parent ${parentPath}, which does not exist: create it first`,
    );
  }
  const path = sequential ? operation.path + sequenceSuffix(parent.sequence) : operation.path;
  if (path.length > PATH_BYTES_MAX) {
    return refusal(
      'INVALID_PATH',
      `a path has at most ${PATH_BYTES_MAX} characters; with its suffix this one has ${path.length}`,
    );
  }
  if (pending.node(path) !== undefined) return refusal('NODE_EXISTS', `${path} exists already`);
  if (parent.ephemeralOwner !== NO_SESSION) {
    return refusal('NO_CHILDREN_FOR_EPHEMERALS', `${parentPath} is ephemeral and can have no child ${path}`);
  }
  const ephemeralOwner = isEphemeral(mode) ? sessionId : NO_SESSION;
  if (ephemeralOwner !== NO_SESSION) {
    const count = pending.session(sessionId)?.ephemeralCount ?? 0;
    const max = options.ephemeralsPerSessionMax;
    if (count >= max) {
      return refusal(
        'LIMIT',
        `${path}: a session owns at most ${max} ephemeral nodes (ephemeralsPerSessionMax): delete some first`,
      );
    }
  }
  pending.recordCreate(path, ephemeralOwner);
  return { kind: 'create', path, data, mode, acl, ephemeralOwner };
}

function checkSet(pending: Pending, operation: SetOperation): Change | Refusal {
  const { path, data } = operation;
  const node = existing(pending, path);
  if (isRefusal(node)) return node;
  const stale = staleVersion(path, node, operation.version);
  if (stale !== undefined) return stale;
  pending.recordSet(path);
  return { kind: 'set', path, data, version: nextVersion(node.version) };
}

function checkDelete(pending: Pending, operation: DeleteOperation): Change | Refusal {
  const { path } = operation;
  if (RESERVED_PATHS.includes(path))
    return refusal('BAD_ARGUMENTS', `${path} is reserved and cannot be deleted`);
  const node = existing(pending, path);
  if (isRefusal(node)) return node;
  const stale = staleVersion(path, node, operation.version);
  if (stale !== undefined) return stale;
  if (node.childCount > 0) {
    return refusal(
      'NOT_EMPTY',
      `${path} has ${node.childCount} ${node.childCount === 1 ? 'child' : 'children'}: delete what is below first`,
    );
  }
  pending.recordDelete(path);
  return { kind: 'delete', path };
}

function checkCheck(pending: Pending, operation: CheckOperation): Change | Refusal {
  const { path } = operation;
  const node = existing(pending, path);
  if (isRefusal(node)) return node;
  const stale = staleVersion(path, node, operation.version);
  return stale ?? { kind: 'check', path };
}

function checkCheckAbsent(pending: Pending, operation: CheckAbsentOperation): Change | Refusal {
  const { path } = operation;
  const fault = pathFault(path);
  if (fault !== undefined) return refusal('INVALID_PATH', fault);
  if (pending.node(path) !== undefined) return refusal('NODE_EXISTS', `${path} exists, and should not`);
  return { kind: 'checkAbsent', path };
}

function existing(pending: Pending, path: string): NodeFacts | Refusal {
  const fault = pathFault(path);
  if (fault !== undefined) return refusal('INVALID_PATH', fault);
  return pending.node(path) ?? refusal('NO_NODE', `${path} does not exist`);
}

function staleVersion(path: string, node: NodeFacts, expected: number): Refusal | undefined {
  if (expected === ANY_VERSION || expected === node.version) return undefined;
  return refusal('BAD_VERSION', `${path} is at version ${node.version}, not ${expected}: read it again`);
}
