import type { PERMISSIONS } from './acl.ts';
import type { ErrorCode } from './error.ts';
import type { TreeEvent } from './event.ts';
import type { CreateMode } from './operation.ts';

/** What a client can ask for, by the name it has on the wire. */
export type OperationName =
  | 'create'
  | 'set'
  | 'delete'
  | 'setAcl'
  | 'touch'
  | 'deleteTree'
  | 'transaction'
  | 'check'
  | 'checkAbsent'
  | 'checkOwner'
  | 'get'
  | 'exists'
  | 'children'
  | 'getAcl'
  | 'descendants'
  | 'ephemerals'
  | 'whoAmI'
  | 'multiRead'
  | 'sync'
  | 'addWatch'
  | 'removeWatch'
  | 'attach'
  | 'rearm'
  | 'addAuth'
  | 'heartbeat'
  | 'close';

export type PermissionName = keyof typeof PERMISSIONS;

export interface OperationArgument {
  readonly name: string;
  readonly type: string;
  /** Unit and range. */
  readonly range: string;
  /** What it means to leave it out; undefined: it is needed. */
  readonly absent: string | undefined;
}

/** The asker needs one of `anyOf` on the node meant by `on`. */
export interface PermissionRule {
  readonly anyOf: readonly PermissionName[];
  readonly on: 'node' | 'parent' | 'parent of each node that goes' | 'each node that has children';
  /** Only then. */
  readonly when: string | undefined;
}

export interface OperationError {
  readonly code: ErrorCode;
  readonly when: string;
}

export interface FiredEvent {
  readonly type: TreeEvent['type'];
  readonly on: 'node' | 'parent' | 'each node' | 'each parent';
}

/** One operation as a client sees it. */
export interface OperationRecord {
  readonly name: OperationName;
  /**
   * `write`: ordered by the leader, applied everywhere. `condition`: only inside a transaction. `read`: answered by the
   * connected server. `watch` and `session`: about the connection.
   */
  readonly kind: 'write' | 'condition' | 'read' | 'watch' | 'session';
  readonly summary: string;
  /** May stand inside a transaction, or a multiRead. */
  readonly inside: 'transaction' | 'multiRead' | undefined;
  readonly arguments: readonly OperationArgument[];
  readonly result: string;
  /** In the order in which they are looked for: the first that holds is the answer. */
  readonly errors: readonly OperationError[];
  /** All of them are needed. */
  readonly permissions: readonly PermissionRule[];
  /** The events that watches are told of, in this order. */
  readonly fires: readonly FiredEvent[];
}

/** What each mode of create adds to a node. */
export const CREATE_MODES: Readonly<Record<CreateMode, string>> = {
  persistent: 'Stays until it is deleted.',
  'persistent-sequential': 'As persistent; the name gets the next number of its parent, at least 10 digits.',
  ephemeral: 'Goes with the session that created it. Has no children.',
  'ephemeral-sequential': 'Ephemeral, and numbered.',
  container: 'Goes some time after its last child went (`containerGraceMs`).',
  ttl: 'Goes once it has no children and nothing wrote it for `ttlMs`.',
  'ttl-sequential': 'With a TTL, and numbered.',
};

/** Answered to any request, before what is in its own table is looked at. */
export const COMMON_ERRORS: readonly OperationError[] = [
  {
    code: 'MARSHALLING',
    when: 'the frame cannot be read, or breaks the order of a stream; that stream ends',
  },
  { code: 'UNIMPLEMENTED', when: 'the server does not know the request' },
  {
    code: 'LIMIT',
    when: 'too much is unanswered: `requestsPerSessionMax`, `requestsMax`, `requestsBytesMax`, on the leader `outstandingProposalsMax`',
  },
  { code: 'SESSION_EXPIRED', when: 'the session is over; the stream ends' },
  { code: 'SESSION_MOVED', when: 'the client has attached elsewhere since; the stream ends' },
  { code: 'NOT_READ_ONLY', when: 'a write, sync or linearizable read, at a server without a quorum' },
  { code: 'BEHIND', when: 'a read, and the server does not reach `minZxid` in time' },
];

const PATH: OperationArgument = {
  name: 'path',
  type: 'string',
  range: 'a legal path, at most 4096 bytes and 256 names deep',
  absent: undefined,
};
const DATA: OperationArgument = {
  name: 'data',
  type: 'bytes',
  range: '0 to `dataBytesMax` bytes (1 MiB)',
  absent: 'empty',
};
const ACL: OperationArgument = {
  name: 'acl',
  type: 'list of (perms, scheme, id)',
  range: 'at most 128; perms 1 to 31; scheme world, auth, digest, scrypt, ip or x509',
  absent: 'open to anyone',
};
const VERSION: OperationArgument = {
  name: 'version',
  type: 'integer',
  range: '0 to 2^32 - 1',
  absent: 'any version',
};
const WATCH: OperationArgument = {
  name: 'watch',
  type: 'boolean',
  range: 'a one-shot watch is armed',
  absent: 'false',
};
const WATCH_ID: OperationArgument = {
  name: 'id',
  type: 'integer',
  range: '1 to 2^32 - 1, drawn by the client, unique among the watches of its session that stay',
  absent: undefined,
};

const INVALID_PATH: OperationError = { code: 'INVALID_PATH', when: 'the path is not legal' };
const DATA_TOO_LARGE: OperationError = { code: 'DATA_TOO_LARGE', when: 'data exceeds `dataBytesMax`' };
const INVALID_ACL: OperationError = {
  code: 'INVALID_ACL',
  when: 'more than 128 entries; perms out of range, an unknown scheme or an id that its scheme does not have; `auth` stands for nobody',
};
const NO_NODE: OperationError = { code: 'NO_NODE', when: 'the node does not exist' };
const NO_PARENT: OperationError = { code: 'NO_NODE', when: 'the parent does not exist' };
const BAD_VERSION: OperationError = { code: 'BAD_VERSION', when: 'the version differs' };
const WATCHES_MAX: OperationError = {
  code: 'LIMIT',
  when: 'a watch is asked for and the session has `watchesPerSessionMax`',
};
const RESERVED: OperationError = {
  code: 'BAD_ARGUMENTS',
  when: 'the path is `/`, `/zookeeper`, `/zookeeper/config` or `/zookeeper/quota`',
};
const BAD_QUOTA: OperationError = {
  code: 'BAD_ARGUMENTS',
  when: 'the node holds the limits of a quota and the data is no quota',
};
const QUOTA_EXCEEDED: OperationError = {
  code: 'QUOTA_EXCEEDED',
  when: 'a hard limit of a quota on the path or above it would be exceeded',
};

function noAuth(rule: string): OperationError {
  return { code: 'NO_AUTH', when: `the asker has no ${rule}` };
}

function needs(
  permission: PermissionName,
  on: PermissionRule['on'],
  when: string | undefined = undefined,
): PermissionRule {
  return { anyOf: [permission], on, when };
}

const CREATED: readonly FiredEvent[] = [
  { type: 'created', on: 'node' },
  { type: 'children', on: 'parent' },
];
const DELETED: readonly FiredEvent[] = [
  { type: 'deleted', on: 'node' },
  { type: 'children', on: 'parent' },
];
const READ_NODE: readonly PermissionRule[] = [needs('read', 'node')];

/** Every operation; docs/operations.md is made of it. */
export const OPERATIONS: readonly OperationRecord[] = [
  {
    name: 'create',
    kind: 'write',
    summary: 'Makes a node, in one of seven modes.',
    inside: 'transaction',
    arguments: [
      { ...PATH, range: `${PATH.range}; of a sequential mode the beginning, which may end in "/"` },
      DATA,
      { name: 'mode', type: 'create mode', range: 'one of seven, below', absent: undefined },
      ACL,
      {
        name: 'ttlMs',
        type: 'integer',
        range: 'ms, 1 to 1,099,511,627,775; only of the modes ttl and ttl-sequential',
        absent: '0: none, as every other mode needs',
      },
    ],
    result: 'the path with its number, and the Stat',
    errors: [
      INVALID_PATH,
      DATA_TOO_LARGE,
      { code: 'BAD_ARGUMENTS', when: 'ttlMs is out of range, or given with a mode that has none' },
      INVALID_ACL,
      NO_PARENT,
      noAuth('CREATE on the parent'),
      { ...INVALID_PATH, when: 'the path is too long with its number' },
      { code: 'NODE_EXISTS', when: 'the node exists' },
      { code: 'NO_CHILDREN_FOR_EPHEMERALS', when: 'the parent is ephemeral' },
      {
        code: 'LIMIT',
        when: 'the mode is an ephemeral one and the session owns `ephemeralsPerSessionMax` nodes',
      },
      BAD_QUOTA,
      QUOTA_EXCEEDED,
    ],
    permissions: [needs('create', 'parent')],
    fires: CREATED,
  },
  {
    name: 'set',
    kind: 'write',
    summary: 'Replaces the data of a node; its version grows by one.',
    inside: 'transaction',
    arguments: [PATH, DATA, VERSION],
    result: 'the Stat after it',
    errors: [
      INVALID_PATH,
      DATA_TOO_LARGE,
      NO_NODE,
      noAuth('WRITE on the node'),
      BAD_QUOTA,
      QUOTA_EXCEEDED,
      BAD_VERSION,
    ],
    permissions: [needs('write', 'node')],
    fires: [{ type: 'changed', on: 'node' }],
  },
  {
    name: 'delete',
    kind: 'write',
    summary: 'Deletes a node that has no children.',
    inside: 'transaction',
    arguments: [PATH, VERSION],
    result: 'nothing',
    errors: [
      INVALID_PATH,
      RESERVED,
      NO_PARENT,
      noAuth('DELETE on the parent'),
      NO_NODE,
      BAD_VERSION,
      { code: 'NOT_EMPTY', when: 'the node has children' },
    ],
    permissions: [needs('delete', 'parent')],
    fires: DELETED,
  },
  {
    name: 'setAcl',
    kind: 'write',
    summary: 'Replaces the ACL of a node; its aversion grows by one.',
    inside: 'transaction',
    arguments: [PATH, ACL, { ...VERSION, absent: 'any aversion' }],
    result: 'the Stat after it',
    errors: [
      INVALID_PATH,
      INVALID_ACL,
      NO_NODE,
      noAuth('ADMIN on the node'),
      { code: 'BAD_VERSION', when: 'the aversion differs' },
    ],
    permissions: [needs('admin', 'node')],
    fires: [],
  },
  {
    name: 'touch',
    kind: 'write',
    summary: 'Starts the TTL of a node anew, and changes nothing.',
    inside: 'transaction',
    arguments: [PATH],
    result: 'nothing',
    errors: [
      INVALID_PATH,
      NO_NODE,
      noAuth('WRITE on the node'),
      { code: 'BAD_ARGUMENTS', when: 'the node has no TTL' },
    ],
    permissions: [needs('write', 'node')],
    fires: [],
  },
  {
    name: 'deleteTree',
    kind: 'write',
    summary:
      'Deletes a node with all that is below it, children before parents, as many as one change may have; asked again until done.',
    inside: undefined,
    arguments: [
      PATH,
      {
        name: 'nodesMax',
        type: 'integer',
        range: '1 to `transactionOperationsMax`',
        absent: '0: `transactionOperationsMax`',
      },
      {
        name: 'atomic',
        type: 'boolean',
        range: 'all of it in one change, or nothing',
        absent: 'false',
      },
    ],
    result: 'how many nodes went, and whether all are gone',
    errors: [
      INVALID_PATH,
      { code: 'THROTTLED', when: 'too many recursive deletions wait to be done; it was not done' },
      RESERVED,
      NO_PARENT,
      noAuth('DELETE on the parent'),
      NO_NODE,
      noAuth('DELETE on the parent of a node below, or READ on one that has children'),
      { code: 'LIMIT', when: 'atomic, and there is more than one change may have' },
    ],
    permissions: [
      needs('delete', 'parent of each node that goes'),
      needs('read', 'each node that has children'),
    ],
    fires: [
      { type: 'deleted', on: 'each node' },
      { type: 'children', on: 'each parent' },
    ],
  },
  {
    name: 'transaction',
    kind: 'write',
    summary: 'All of its operations in their order, or none. Each sees those before it.',
    inside: undefined,
    arguments: [
      {
        name: 'operations',
        type: 'list of operations',
        range:
          '0 to `transactionOperationsMax` of create, set, delete, setAcl, touch, check, checkAbsent, checkOwner',
        absent: 'an empty list, which succeeds',
      },
    ],
    result: 'the result of each',
    errors: [
      { code: 'LIMIT', when: 'more operations than `transactionOperationsMax`' },
      { ...DATA_TOO_LARGE, when: 'data of any operation exceeds `dataBytesMax`' },
      {
        code: 'TRANSACTION_FAILED',
        when: 'never by itself: the answer has the code of the first operation that fails, its index, and the code of each: OK before it, TRANSACTION_FAILED behind it',
      },
    ],
    permissions: [],
    fires: [],
  },
  {
    name: 'check',
    kind: 'condition',
    summary: 'The node exists, at this version.',
    inside: 'transaction',
    arguments: [PATH, VERSION],
    result: 'nothing',
    errors: [INVALID_PATH, NO_NODE, noAuth('READ on the node'), BAD_VERSION],
    permissions: READ_NODE,
    fires: [],
  },
  {
    name: 'checkAbsent',
    kind: 'condition',
    summary: 'The node does not exist.',
    inside: 'transaction',
    arguments: [PATH],
    result: 'nothing',
    errors: [
      INVALID_PATH,
      noAuth('READ on the node, which exists'),
      { code: 'NODE_EXISTS', when: 'the node exists' },
    ],
    permissions: [needs('read', 'node', 'it exists')],
    fires: [],
  },
  {
    name: 'checkOwner',
    kind: 'condition',
    summary: 'The node exists and belongs to this session.',
    inside: 'transaction',
    arguments: [PATH, { name: 'sessionId', type: 'integer', range: '1 to 2^53 - 1', absent: undefined }],
    result: 'nothing',
    errors: [
      INVALID_PATH,
      NO_NODE,
      noAuth('READ on the node'),
      { code: 'CONFLICT', when: 'the node belongs to another session, or to none' },
    ],
    permissions: READ_NODE,
    fires: [],
  },
  {
    name: 'get',
    kind: 'read',
    summary: 'The data of a node.',
    inside: 'multiRead',
    arguments: [PATH, { ...WATCH, range: 'arms a one-shot data watch, on success' }],
    result: 'data and Stat',
    errors: [INVALID_PATH, WATCHES_MAX, NO_NODE, noAuth('READ on the node')],
    permissions: READ_NODE,
    fires: [],
  },
  {
    name: 'exists',
    kind: 'read',
    summary: 'Whether a node exists.',
    inside: 'multiRead',
    arguments: [
      PATH,
      {
        ...WATCH,
        range:
          'arms a one-shot watch: on the data of a node that exists, on the creation of one that does not',
      },
    ],
    result: 'the Stat, or nothing for a node that does not exist',
    errors: [INVALID_PATH, WATCHES_MAX, noAuth('READ on the node, which exists')],
    permissions: [needs('read', 'node', 'it exists')],
    fires: [],
  },
  {
    name: 'children',
    kind: 'read',
    summary: 'The names of the children of a node, in the order of their UTF-8 bytes; all, or a page.',
    inside: 'multiRead',
    arguments: [
      PATH,
      { ...WATCH, range: 'arms a one-shot child watch, on success' },
      { name: 'after', type: 'string', range: 'the last name of the page before', absent: 'from the first' },
      {
        name: 'limit',
        type: 'integer',
        range: 'names; cut to `childrenPageMax`, and to what a frame holds',
        absent: '0: all, or a refusal',
      },
      {
        name: 'withStats',
        type: 'boolean',
        range: 'the Stat of each child too, but of those that the asker may not READ',
        absent: 'false',
      },
    ],
    result: 'names, the Stat of the node, whether there are more, the Stats of the children',
    errors: [
      INVALID_PATH,
      { code: 'BAD_ARGUMENTS', when: 'after holds a slash' },
      WATCHES_MAX,
      NO_NODE,
      noAuth('READ on the node'),
      {
        code: 'LIMIT',
        when: 'no limit was given, and there are more names than `childrenPageMax` or a frame holds',
      },
    ],
    permissions: READ_NODE,
    fires: [],
  },
  {
    name: 'getAcl',
    kind: 'read',
    summary: 'The ACL of a node. Without ADMIN the hash of a digest or scrypt id is shown as `user:x`.',
    inside: undefined,
    arguments: [PATH],
    result: 'ACL and Stat',
    errors: [INVALID_PATH, NO_NODE, noAuth('READ and no ADMIN on the node')],
    permissions: [{ anyOf: ['read', 'admin'], on: 'node', when: undefined }],
    fires: [],
  },
  {
    name: 'descendants',
    kind: 'read',
    summary: 'How many nodes are below a node. Takes no longer for many.',
    inside: undefined,
    arguments: [PATH],
    result: 'the number, the node itself not counted',
    errors: [INVALID_PATH, NO_NODE, noAuth('READ on the node')],
    permissions: READ_NODE,
    fires: [],
  },
  {
    name: 'ephemerals',
    kind: 'read',
    summary: 'The ephemeral nodes of this session.',
    inside: undefined,
    arguments: [
      {
        name: 'prefix',
        type: 'string',
        range: 'with which the path begins, as text: /a is the beginning of /ab',
        absent: 'empty: all',
      },
    ],
    result: 'paths, in order',
    errors: [
      { ...INVALID_PATH, when: 'no legal path begins with the prefix' },
      { code: 'LIMIT', when: 'the paths exceed `frameBytesMax`' },
    ],
    permissions: [],
    fires: [],
  },
  {
    name: 'whoAmI',
    kind: 'read',
    summary: 'Whom the ensemble takes this client for.',
    inside: undefined,
    arguments: [],
    result: 'scheme and id of each identity; of digest and scrypt the user alone',
    errors: [],
    permissions: [],
    fires: [],
  },
  {
    name: 'multiRead',
    kind: 'read',
    summary: 'Several reads against one state of the tree. Watches are not armed.',
    inside: undefined,
    arguments: [
      {
        name: 'reads',
        type: 'list of get, exists, children',
        range: '1 to `transactionOperationsMax`',
        absent: undefined,
      },
    ],
    result: 'the result or the error of each',
    errors: [
      { code: 'BAD_ARGUMENTS', when: 'no reads' },
      { code: 'LIMIT', when: 'more reads than `transactionOperationsMax`' },
    ],
    permissions: [],
    fires: [],
  },
  {
    name: 'sync',
    kind: 'read',
    summary:
      'After it, a read at this server sees all that was committed anywhere before it was asked. Confirmed by a quorum.',
    inside: undefined,
    arguments: [{ ...PATH, range: 'of no consequence: all is brought up to date', absent: 'empty' }],
    result: 'nothing',
    errors: [],
    permissions: [],
    fires: [],
  },
  {
    name: 'addWatch',
    kind: 'watch',
    summary: 'A watch that stays: on a node and its list of children, or on a node and everything below it.',
    inside: undefined,
    arguments: [
      { name: 'kind', type: 'watch kind', range: 'persistent or persistentRecursive', absent: undefined },
      PATH,
      WATCH_ID,
      {
        name: 'fromZxid',
        type: 'zxid',
        range: 'what happened after it is told at once',
        absent: 'what happens from now on',
      },
    ],
    result: 'nothing',
    errors: [
      INVALID_PATH,
      { code: 'BAD_ARGUMENTS', when: 'id is 0, or the kind is that of a one-shot watch' },
      { code: 'LIMIT', when: 'the session has `watchesPerSessionMax` watches' },
      { code: 'BAD_ARGUMENTS', when: 'the session has a watch with this id' },
    ],
    permissions: [],
    fires: [],
  },
  {
    name: 'removeWatch',
    kind: 'watch',
    summary: 'Takes a watch back. After the answer no event of it comes.',
    inside: undefined,
    arguments: [
      {
        name: 'kind',
        type: 'watch kind',
        range: 'data, exist, child, persistent or persistentRecursive',
        absent: undefined,
      },
      PATH,
      { ...WATCH_ID, absent: '0, for a one-shot watch' },
    ],
    result: 'nothing',
    errors: [
      INVALID_PATH,
      { code: 'BAD_ARGUMENTS', when: 'id is 0, and the watch is one that stays' },
      { code: 'NO_WATCHER', when: 'the session has no such watch' },
    ],
    permissions: [],
    fires: [],
  },
  {
    name: 'attach',
    kind: 'session',
    summary: 'Opens a session, or comes back to one. The first word of a stream.',
    inside: undefined,
    arguments: [
      {
        name: 'protocolMin, protocolMax',
        type: 'integer',
        range: 'versions that the client speaks',
        absent: undefined,
      },
      { name: 'sessionId', type: 'integer', range: '1 to 2^53 - 1', absent: '0: a new session' },
      { name: 'password', type: 'bytes', range: 'as the server gave it', absent: 'of a new session' },
      {
        name: 'nonce',
        type: 'string',
        range: '1 to 64 bytes, drawn once per client instance',
        absent: undefined,
      },
      {
        name: 'timeoutMs',
        type: 'integer',
        range: 'ms, brought between `sessionTimeoutMinMs` and `sessionTimeoutMaxMs`',
        absent: undefined,
      },
      {
        name: 'lastZxid, clusterId',
        type: 'zxid, string',
        range: 'the highest seen, and where',
        absent: 'nothing seen',
      },
      {
        name: 'attempt',
        type: 'integer',
        range: 'grows by one per stream of the client instance',
        absent: undefined,
      },
      { name: 'readOnly', type: 'boolean', range: 'a server without a quorum will do', absent: 'false' },
    ],
    result: 'session id, password (16 random bytes), the timeout granted, server and cluster id, zxid',
    errors: [
      {
        code: 'LIMIT',
        when: 'the server has `connectionsMax` streams, or `sessionsPerAddressMax` of this address',
      },
      { code: 'PROTOCOL_VERSION', when: 'no version in common' },
      { code: 'BAD_ARGUMENTS', when: 'nonce or password is longer than 64 bytes' },
      { code: 'SESSION_EXPIRED', when: 'the session is of another cluster' },
      { code: 'BEHIND', when: 'this server has not applied lastZxid' },
      {
        code: 'SESSION_EXPIRED',
        when: 'there is no such session, or the password is wrong; who has it is not disturbed',
      },
      { code: 'SESSION_MOVED', when: 'a later stream of the same client has it' },
      { code: 'LIMIT', when: 'a new session, and the ensemble has `sessionsMax`' },
      { code: 'UNREACHABLE', when: 'no leader can be asked' },
    ],
    permissions: [],
    fires: [],
  },
  {
    name: 'rearm',
    kind: 'session',
    summary:
      'The watches that the client held before its stream was lost: what they missed is told, in order, before anything else; `resync` where that is no longer known.',
    inside: undefined,
    arguments: [
      { name: 'watches', type: 'list of (kind, path, zxid)', range: 'one-shot watches', absent: 'none' },
      { name: 'persistent', type: 'list of (id, kind, path)', range: 'watches that stay', absent: 'none' },
      { name: 'fromZxid', type: 'zxid', range: 'up to it every event was delivered', absent: undefined },
      { name: 'more', type: 'boolean', range: 'another rearm follows', absent: 'false' },
    ],
    result: 'nothing but the events',
    errors: [
      { code: 'LIMIT', when: 'more than `watchesPerSessionMax` watches; the stream ends' },
      { code: 'INVALID_PATH', when: 'a path is not legal; the stream ends' },
      { code: 'BAD_ARGUMENTS', when: 'an id is 0, or there twice; the stream ends' },
    ],
    permissions: [],
    fires: [],
  },
  {
    name: 'addAuth',
    kind: 'session',
    summary: 'Proves an identity, for this stream. What is behind it on the stream waits for the answer.',
    inside: undefined,
    arguments: [
      { name: 'scheme', type: 'string', range: 'digest or scrypt', absent: undefined },
      { name: 'credentials', type: 'bytes', range: '`user:password`', absent: undefined },
    ],
    result: 'nothing',
    errors: [
      { code: 'BAD_ARGUMENTS', when: 'the name of the scheme or the credentials are too long' },
      { code: 'LIMIT', when: 'the client has 64 identities, or too many passwords wait to be looked at' },
      {
        code: 'AUTH_FAILED',
        when: 'the scheme is unknown or the credentials prove nobody; the session lives on',
      },
    ],
    permissions: [],
    fires: [],
  },
  {
    name: 'heartbeat',
    kind: 'session',
    summary: 'The client lives. Answered once the leader knows, and a quorum confirmed that it still leads.',
    inside: undefined,
    arguments: [
      { name: 'number', type: 'integer', range: 'counted by the client, echoed', absent: undefined },
    ],
    result: 'the number, the zxid up to which every event was sent, the time of the server',
    errors: [],
    permissions: [],
    fires: [],
  },
  {
    name: 'close',
    kind: 'session',
    summary: 'Ends the session; its ephemeral nodes go, in the order of their paths, in one change.',
    inside: undefined,
    arguments: [],
    result: 'the last word of the stream, with code OK',
    errors: [],
    permissions: [],
    fires: [
      { type: 'deleted', on: 'each node' },
      { type: 'children', on: 'each parent' },
    ],
  },
];
