export { connect, createClient } from './connect.ts';
export { type Acl, type Acls, acl, type Identity, type Permission } from './core/acl.ts';
export type {
  CallOptions,
  CreateMode,
  CreateOptions,
  DeleteOptions,
  EnsureOptions,
  PageOptions,
  ReadOptions,
  WalkOptions,
  WriteOptions,
} from './core/call-options.ts';
export { bytes, type Codec, type InferOutput, json, type StandardSchema, text } from './core/codecs.ts';
export type { ConnectOptions, Credentials, TlsOptions } from './core/connect-options.ts';
export {
  isZkError,
  LeaseLostError,
  type Outcome,
  TransactionError,
  ZkError,
  type ZkErrorCode,
  type ZkErrorDetails,
} from './core/errors.ts';
export type { Instrumentation, RequestSpan } from './core/instrumentation.ts';
export type { Lease } from './core/lease.ts';
export type { Child } from './core/listing.ts';
export type { Logger } from './core/logger.ts';
export type { LostReason } from './core/lost-reason.ts';
export type { MultiRead, MultiReadResult } from './core/multi-read.ts';
export type { Node } from './core/node.ts';
export { type Paths, paths } from './core/paths.ts';
export type { Quota, QuotaLimits } from './core/quota.ts';
export { type RetryContext, type RetryPolicies, type RetryPolicy, retry } from './core/retry.ts';
export type { Session, SessionEvent, SessionState } from './core/session-view.ts';
export type { Bytes, SessionId, Snapshot, Stat, Zxid } from './core/stat.ts';
export type { Surroundings } from './core/surroundings.ts';
export type { Transaction, TransactionCreateOptions, TxResult } from './core/transaction.ts';
export type { OneShot, WatchEvent, Watcher, WatchOptions } from './core/watch-event.ts';
export { ZooKeeper } from './core/zookeeper.ts';
export { gzip } from './gzip.ts';
