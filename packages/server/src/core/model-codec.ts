import {
  ACL_OPEN,
  type Acl,
  ANY_VERSION,
  asZxid,
  type ChangeResult,
  type CreateMode,
  type ErrorCode,
  NULL_DATA,
  type Refusal,
  type Stat,
  type SubOperation,
  unreachable,
  type WriteOperation,
  type WriteResult,
} from '@zabra/model';
import type {
  Acl as AclShape,
  ChangeResult as ChangeResultShape,
  CreateMode as CreateModeShape,
  DeleteTree as DeleteTreeShape,
  Refusal as RefusalShape,
  Stat as StatShape,
  SubOperation as SubOperationShape,
  Transaction as TransactionShape,
  WriteResult as WriteResultShape,
} from '@zabra/proto';
import { DecodeError } from '@zabra/proto';

/**
 * The nouns of the model as generated shapes and back. Both sides are plain records; where they agree field by field (Stat,
 * Acl) the record itself goes over. What cannot be of the model is a DecodeError that names the field.
 */

const MODE_TO_SHAPE: Readonly<Record<CreateMode, CreateModeShape>> = {
  persistent: 'PERSISTENT',
  'persistent-sequential': 'PERSISTENT_SEQUENTIAL',
  ephemeral: 'EPHEMERAL',
  'ephemeral-sequential': 'EPHEMERAL_SEQUENTIAL',
  container: 'CONTAINER',
  ttl: 'TTL',
  'ttl-sequential': 'TTL_SEQUENTIAL',
};
const MODE_TO_MODEL: Readonly<Record<CreateModeShape, CreateMode>> = {
  PERSISTENT: 'persistent',
  PERSISTENT_SEQUENTIAL: 'persistent-sequential',
  EPHEMERAL: 'ephemeral',
  EPHEMERAL_SEQUENTIAL: 'ephemeral-sequential',
  CONTAINER: 'container',
  TTL: 'ttl',
  TTL_SEQUENTIAL: 'ttl-sequential',
};

export function createModeToShape(mode: CreateMode): CreateModeShape {
  return MODE_TO_SHAPE[mode];
}

export function createModeToModel(shape: CreateModeShape): CreateMode {
  return MODE_TO_MODEL[shape];
}

/** Open to anyone is what an empty list means on the wire and on disk: nearly every node has it. */
export function aclToShape(acl: readonly Acl[]): readonly AclShape[] {
  const only = acl.length === 1 ? acl[0] : undefined;
  const open = ACL_OPEN[0];
  if (only !== undefined && open !== undefined) {
    if (only.perms === open.perms && only.scheme === open.scheme && only.id === open.id) return [];
  }
  return acl;
}

export function aclToModel(shape: readonly AclShape[]): readonly Acl[] {
  return shape.length === 0 ? ACL_OPEN : shape;
}

export function statToShape(stat: Stat): StatShape {
  return stat;
}

export function statToModel(shape: StatShape | undefined, where: string): Stat {
  if (shape === undefined) throw new DecodeError(`${where} is missing`);
  return {
    ...shape,
    czxid: asZxid(shape.czxid),
    mzxid: asZxid(shape.mzxid),
    pzxid: asZxid(shape.pzxid),
  };
}

/** What only a transaction has; on the wire absent and empty otherwise, in the model -1 and empty. */
export interface FailedOperations {
  readonly failedIndex: number;
  readonly codes: readonly (ErrorCode | 'OK')[];
}

export const NO_FAILED_OPERATIONS: FailedOperations = { failedIndex: -1, codes: [] };

export function refusalToShape(
  refusal: Refusal,
  failed: FailedOperations = NO_FAILED_OPERATIONS,
): RefusalShape {
  return { code: refusal.code, message: refusal.message, ...failedToShape(failed) };
}

export function refusalToModel(shape: RefusalShape): Refusal & FailedOperations {
  return {
    code: refusalCode(shape.code, 'zabra.v1.Refusal.code'),
    message: shape.message,
    ...failedToModel(shape),
  };
}

export function failedToShape(failed: FailedOperations): Pick<RefusalShape, 'failedIndex' | 'codes'> {
  return { failedIndex: failed.failedIndex < 0 ? undefined : failed.failedIndex, codes: failed.codes };
}

export function failedToModel(shape: Pick<RefusalShape, 'failedIndex' | 'codes'>): FailedOperations {
  return { failedIndex: shape.failedIndex ?? -1, codes: shape.codes };
}

/** OK is no reason to refuse. */
export function refusalCode(code: ErrorCode | 'OK', where: string): ErrorCode {
  if (code === 'OK') throw new DecodeError(`${where} is OK, which is not an error`);
  return code;
}

export function changeResultToShape(result: ChangeResult): ChangeResultShape {
  switch (result.kind) {
    case 'create':
      return { kind: 'create', create: { path: result.path, stat: statToShape(result.stat) } };
    case 'set':
      return { kind: 'set', set: { path: result.path, stat: statToShape(result.stat) } };
    case 'delete':
      return { kind: 'delete', delete: { path: result.path } };
    case 'check':
      return { kind: 'check', check: { path: result.path } };
    case 'checkAbsent':
      return { kind: 'checkAbsent', checkAbsent: { path: result.path } };
    case 'checkOwner':
      return { kind: 'checkOwner', checkOwner: { path: result.path } };
    case 'setAcl':
      return { kind: 'setAcl', setAcl: { path: result.path, stat: statToShape(result.stat) } };
    case 'touch':
      return { kind: 'touch', touch: { path: result.path } };
    case 'deleteTree': {
      const { path, deleted, done } = result;
      return { kind: 'deleteTree', deleteTree: { path, deleted, done } };
    }
    default:
      return unreachable(result);
  }
}

export function changeResultToModel(shape: ChangeResultShape): ChangeResult {
  switch (shape.kind) {
    case 'create': {
      const { path, stat } = shape.create;
      return { kind: 'create', path, stat: statToModel(stat, 'zabra.v1.ChangeResult.create.stat') };
    }
    case 'set': {
      const { path, stat } = shape.set;
      return { kind: 'set', path, stat: statToModel(stat, 'zabra.v1.ChangeResult.set.stat') };
    }
    case 'delete':
      return { kind: 'delete', path: shape.delete.path };
    case 'check':
      return { kind: 'check', path: shape.check.path };
    case 'checkAbsent':
      return { kind: 'checkAbsent', path: shape.checkAbsent.path };
    case 'checkOwner':
      return { kind: 'checkOwner', path: shape.checkOwner.path };
    case 'setAcl': {
      const { path, stat } = shape.setAcl;
      return { kind: 'setAcl', path, stat: statToModel(stat, 'zabra.v1.ChangeResult.set_acl.stat') };
    }
    case 'touch':
      return { kind: 'touch', path: shape.touch.path };
    case 'deleteTree':
      return { kind: 'deleteTree', ...shape.deleteTree };
    default:
      return unreachable(shape);
  }
}

export function writeResultToShape(result: WriteResult): WriteResultShape {
  switch (result.kind) {
    case 'done':
      return { kind: 'done', zxid: result.zxid, done: { results: result.results.map(changeResultToShape) } };
    case 'refused':
      return { kind: 'refused', zxid: result.zxid, refused: refusalToShape(result.refusal, result) };
    default:
      return unreachable(result);
  }
}

export function writeResultToModel(shape: WriteResultShape | undefined, where: string): WriteResult {
  if (shape === undefined) throw new DecodeError(`${where} is missing`);
  const zxid = asZxid(shape.zxid);
  switch (shape.kind) {
    case 'done':
      return { kind: 'done', zxid, results: shape.done.results.map(changeResultToModel) };
    case 'refused': {
      const { code, message, failedIndex, codes } = refusalToModel(shape.refused);
      return { kind: 'refused', zxid, refusal: { code, message }, failedIndex, codes };
    }
    default:
      return unreachable(shape);
  }
}

export function subOperationToShape(operation: SubOperation): SubOperationShape {
  switch (operation.kind) {
    case 'create': {
      const { path, data, mode, acl, ttlMs } = operation;
      return {
        kind: 'create',
        create: {
          path,
          data,
          mode: createModeToShape(mode),
          acl: aclToShape(acl),
          ttlMs,
          nullData: data === NULL_DATA,
        },
      };
    }
    case 'set': {
      const { path, data, version } = operation;
      return {
        kind: 'set',
        set: { path, data, version: versionToShape(version), nullData: data === NULL_DATA },
      };
    }
    case 'delete':
      return { kind: 'delete', delete: { path: operation.path, version: versionToShape(operation.version) } };
    case 'check':
      return { kind: 'check', check: { path: operation.path, version: versionToShape(operation.version) } };
    case 'checkAbsent':
      return { kind: 'checkAbsent', checkAbsent: { path: operation.path } };
    case 'checkOwner': {
      const { path, sessionId } = operation;
      return { kind: 'checkOwner', checkOwner: { path, sessionId } };
    }
    case 'setAcl': {
      const { path, acl, version } = operation;
      return { kind: 'setAcl', setAcl: { path, acl: aclToShape(acl), version: versionToShape(version) } };
    }
    case 'touch':
      return { kind: 'touch', touch: { path: operation.path } };
    default:
      return unreachable(operation);
  }
}

export function subOperationToModel(shape: SubOperationShape): SubOperation {
  switch (shape.kind) {
    case 'create': {
      const { path, data, mode, acl, ttlMs, nullData } = shape.create;
      return {
        kind: 'create',
        path,
        data: nullData ? NULL_DATA : data,
        mode: createModeToModel(mode),
        acl: aclToModel(acl),
        ttlMs,
      };
    }
    case 'set': {
      const { path, data, version, nullData } = shape.set;
      return { kind: 'set', path, data: nullData ? NULL_DATA : data, version: versionToModel(version) };
    }
    case 'delete':
      return { kind: 'delete', path: shape.delete.path, version: versionToModel(shape.delete.version) };
    case 'check':
      return { kind: 'check', path: shape.check.path, version: versionToModel(shape.check.version) };
    case 'checkAbsent':
      return { kind: 'checkAbsent', path: shape.checkAbsent.path };
    case 'checkOwner':
      return { kind: 'checkOwner', ...shape.checkOwner };
    case 'setAcl': {
      const { path, acl, version } = shape.setAcl;
      return { kind: 'setAcl', path, acl: aclToModel(acl), version: versionToModel(version) };
    }
    case 'touch':
      return { kind: 'touch', path: shape.touch.path };
    default:
      return unreachable(shape);
  }
}

/** What a client entry and a forwarded write have in common: the operation as one of some fields. */
export type WriteOperationShape =
  | Extract<SubOperationShape, { readonly kind: 'create' | 'set' | 'delete' | 'setAcl' | 'touch' }>
  | { readonly kind: 'deleteTree'; readonly deleteTree: DeleteTreeShape }
  | { readonly kind: 'transaction'; readonly transaction: TransactionShape };

export function writeOperationToShape(operation: WriteOperation): WriteOperationShape {
  switch (operation.kind) {
    case 'transaction':
      return {
        kind: 'transaction',
        transaction: { operations: operation.operations.map(subOperationToShape) },
      };
    case 'deleteTree': {
      const { path, nodesMax, atomic } = operation;
      return { kind: 'deleteTree', deleteTree: { path, nodesMax, atomic } };
    }
    case 'create':
    case 'set':
    case 'delete':
    case 'setAcl':
    case 'touch':
      // The shape has the kind of the operation.
      return subOperationToShape(operation) as WriteOperationShape;
    default:
      return unreachable(operation);
  }
}

export function writeOperationToModel(shape: WriteOperationShape): WriteOperation {
  switch (shape.kind) {
    case 'transaction':
      return { kind: 'transaction', operations: shape.transaction.operations.map(subOperationToModel) };
    case 'deleteTree':
      return { kind: 'deleteTree', ...shape.deleteTree };
    case 'create':
    case 'set':
    case 'delete':
    case 'setAcl':
    case 'touch':
      // The operation has the kind of the shape.
      return subOperationToModel(shape) as WriteOperation;
    default:
      return unreachable(shape);
  }
}

function versionToShape(version: number): number | undefined {
  return version === ANY_VERSION ? undefined : version;
}

function versionToModel(version: number | undefined): number {
  return version ?? ANY_VERSION;
}
