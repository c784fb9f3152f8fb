export { ACL_OPEN, type Acl, PERMISSIONS, PERMISSIONS_ALL } from './acl.ts';
export { assert, InvariantError, unreachable } from './assert.ts';
export { type ErrorCode, RC, type Refusal, refusal } from './error.ts';
export type { TreeEvent, WatchKind } from './event.ts';
export { NO_SESSION, type PeerId, SESSION_ID_MAX, type SessionId } from './ids.ts';
export type { Mutant } from './mutant.ts';
export {
  ANY_VERSION,
  type CheckAbsentOperation,
  type CheckOperation,
  type CreateMode,
  type CreateOperation,
  type DeleteOperation,
  isEphemeral,
  isSequential,
  type Request,
  type SessionOperation,
  type SetOperation,
  type SubOperation,
  type TransactionOperation,
  type WriteOperation,
  type WriteRequest,
} from './operation.ts';
export {
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
