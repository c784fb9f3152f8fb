export {
  ACL_ENTRIES_MAX,
  ACL_ID_LENGTH_MAX,
  ACL_OPEN,
  type Acl,
  type Identity,
  PERMISSIONS,
  PERMISSIONS_ALL,
} from './acl.ts';
export { assert, InvariantError, unreachable } from './assert.ts';
export { NULL_DATA } from './data.ts';
export { type ErrorCode, RC, type Refusal, refusal } from './error.ts';
export type { PersistentWatchKind, TreeEvent, WatchKind } from './event.ts';
export { NO_SESSION, type PeerId, SESSION_ID_MAX, type SessionId } from './ids.ts';
export type { Mutant } from './mutant.ts';
export {
  ANY_VERSION,
  type CheckAbsentOperation,
  type CheckOperation,
  type CheckOwnerOperation,
  type CreateMode,
  type CreateOperation,
  type DeleteOperation,
  type DeleteTreeOperation,
  isEphemeral,
  isSequential,
  isTtl,
  type ReapRequest,
  type Request,
  type SessionOperation,
  type SetAclOperation,
  type SetOperation,
  type SubOperation,
  type TouchOperation,
  type TransactionOperation,
  TTL_MS_MAX,
  type WriteOperation,
  type WriteRequest,
} from './operation.ts';
export {
  COMMON_ERRORS,
  CREATE_MODES,
  type FiredEvent,
  OPERATIONS,
  type OperationArgument,
  type OperationError,
  type OperationName,
  type OperationRecord,
  type PermissionName,
  type PermissionRule,
} from './operation-table.ts';
export {
  isTooLong,
  joinPath,
  nameOf,
  PATH_BYTES_MAX,
  PATH_DEPTH_MAX,
  parentOf,
  pathFault,
  sequenceSuffix,
} from './path.ts';
export type { ChangeResult, WriteResult } from './result.ts';
export type { Stat } from './stat.ts';
export type { Change, Txn, TxnBody } from './txn.ts';
export {
  asZxid,
  COUNTER_MAX,
  counterOf,
  EPOCH_MAX,
  type Epoch,
  epochOf,
  formatZxid,
  makeZxid,
  ZXID_NONE,
  type Zxid,
} from './zxid.ts';
