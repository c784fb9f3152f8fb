export { connect, createClient } from './connect.ts';
export { type Acl, type Acls, acl, type Permission } from './core/acl.ts';
export type {
  CallOptions,
  CreateMode,
  CreateOptions,
  DeleteOptions,
  ReadOptions,
  WriteOptions,
} from './core/call-options.ts';
export { bytes, type Codec, type InferOutput, json, type StandardSchema, text } from './core/codecs.ts';
export type { ConnectOptions, Logger, TlsOptions } from './core/connect-options.ts';
export {
  isZkError,
  LeaseLostError,
  type Outcome,
  TransactionError,
  ZkError,
  type ZkErrorCode,
  type ZkErrorDetails,
} from './core/errors.ts';
export type { Lease } from './core/lease.ts';
export type { LostReason } from './core/lost-reason.ts';
export { type Paths, paths } from './core/paths.ts';
export { type RetryContext, type RetryPolicies, type RetryPolicy, retry } from './core/retry.ts';
export type { Session, SessionEvent, SessionState } from './core/session-view.ts';
export type { Bytes, SessionId, Snapshot, Stat, Zxid } from './core/stat.ts';
export type { Surroundings } from './core/surroundings.ts';
export type { Transaction, TxResult } from './core/transaction.ts';
export type { OneShot, WatchEvent } from './core/watch-event.ts';
export { ZooKeeper } from './core/zookeeper.ts';
