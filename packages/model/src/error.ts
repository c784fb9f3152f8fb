/**
 * Why an operation was refused. Closed: users switch on it. The names are ZooKeeper's where ZooKeeper has
 * the case; `rc` gives ZooKeeper's number.
 */
export type ErrorCode =
  | 'NO_NODE'
  | 'NODE_EXISTS'
  | 'NOT_EMPTY'
  | 'BAD_VERSION'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NO_AUTH'
  | 'AUTH_FAILED'
  | 'INVALID_ACL'
  | 'QUOTA_EXCEEDED'
  | 'THROTTLED'
  | 'CONNECTION_LOSS'
  | 'REQUEST_TIMEOUT'
  | 'SESSION_EXPIRED'
  | 'SESSION_MOVED'
  | 'CLIENT_CLOSED'
  | 'NOT_READ_ONLY'
  | 'RECONFIG_IN_PROGRESS'
  | 'RECONFIG_DISABLED'
  | 'NEW_CONFIG_NO_QUORUM'
  | 'BAD_ARGUMENTS'
  | 'INVALID_PATH'
  | 'DATA_TOO_LARGE'
  | 'MARSHALLING'
  | 'UNIMPLEMENTED'
  | 'SYSTEM'
  | 'TRANSACTION_FAILED'
  | 'CODEC_FAILED'
  | 'WATCH_OVERFLOW'
  | 'LOCK_TIMEOUT'
  | 'LEASE_LOST'
  | 'NOT_LEADER'
  | 'BARRIER_BROKEN'
  | 'CONFLICT'
  | 'UNREACHABLE'
  | 'PROTOCOL_VERSION'
  | 'BEHIND'
  | 'LIMIT'
  | 'NO_WATCHER';

/** `KeeperException.Code` of each, 0 where ZooKeeper has none. */
export const RC: Readonly<Record<ErrorCode, number>> = {
  NO_NODE: -101,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NO_AUTH: -102,
  AUTH_FAILED: -115,
  INVALID_ACL: -114,
  QUOTA_EXCEEDED: -125,
  THROTTLED: -127,
  CONNECTION_LOSS: -4,
  REQUEST_TIMEOUT: -122,
  SESSION_EXPIRED: -112,
  SESSION_MOVED: -118,
  CLIENT_CLOSED: 0,
  NOT_READ_ONLY: -119,
  RECONFIG_IN_PROGRESS: -14,
  RECONFIG_DISABLED: -123,
  NEW_CONFIG_NO_QUORUM: -13,
  BAD_ARGUMENTS: -8,
  INVALID_PATH: -8,
  DATA_TOO_LARGE: 0,
  MARSHALLING: -5,
  UNIMPLEMENTED: -6,
  SYSTEM: -1,
  TRANSACTION_FAILED: 0,
  CODEC_FAILED: 0,
  WATCH_OVERFLOW: 0,
  LOCK_TIMEOUT: 0,
  LEASE_LOST: 0,
  NOT_LEADER: 0,
  BARRIER_BROKEN: 0,
  CONFLICT: 0,
  UNREACHABLE: 0,
  PROTOCOL_VERSION: 0,
  BEHIND: 0,
  LIMIT: 0,
  NO_WATCHER: -121,
};

/** A refusal as data: what the protocol foresees is not thrown inside the server. */
export interface Refusal {
  readonly code: ErrorCode;
  /** For people: names the thing, the rule and the way out. Empty where the code says it all. */
  readonly message: string;
}

export function refusal(code: ErrorCode, message = ''): Refusal {
  return { code, message };
}
