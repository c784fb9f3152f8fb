import {
  type Acl,
  asZxid,
  type ErrorCode,
  type Identity,
  type PersistentWatchKind,
  type Refusal,
  refusal,
  type Stat,
  type TreeEvent,
  type WatchKind,
  type WriteOperation,
  type WriteResult,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import {
  type ClientEntry,
  type ClientRequest,
  DecodeError,
  decodeClientEntries,
  decodeClientFrame,
  encodeServerFrame,
  type Reply,
  type ServerEntry,
  type SubRead,
  type SubReadReply,
  type UnknownRequest,
  type Children as WireChildren,
  type ChildrenReply as WireChildrenReply,
  type WatchKind as WireWatchKind,
} from '@zabra/proto';
import {
  aclToShape,
  changeResultToShape,
  refusalToShape,
  statToShape,
  writeOperationToModel,
} from '../model-codec.ts';

/** Versions of the client protocol that this build speaks. */
export const CLIENT_PROTOCOL = { min: 1, max: 1 } as const;

export interface AttachWord {
  readonly kind: 'attach';
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** 0: a new session. */
  readonly sessionId: number;
  readonly password: Uint8Array;
  readonly nonce: string;
  readonly timeoutMs: number;
  readonly lastZxid: Zxid;
  readonly clusterId: string | undefined;
  readonly attempt: number;
  /** The client would be served by a server without a quorum too, with reads only. */
  readonly readOnly: boolean;
  /** What it has seen counts for a new session too: it must not go back in time. */
  readonly remembers?: true;
}

/** A part of a list of children. */
export interface Page {
  /** It begins behind this name; empty: at the first. */
  readonly after: string;
  /** At most so many names; 0: all. */
  readonly limit: number;
  /** With the Stat of each child. */
  readonly withStats: boolean;
  /** All of them, however many, as far as they may wait for a client: it knows of no pages. */
  readonly whole?: true;
}

/** What one node is asked for. */
export type NodeQuery =
  | { readonly kind: 'get' | 'exists'; readonly path: string; readonly watch: boolean }
  | { readonly kind: 'children'; readonly path: string; readonly watch: boolean; readonly page: Page };

export type Query =
  | NodeQuery
  | { readonly kind: 'sync' | 'getAcl' | 'descendants'; readonly path: string }
  | { readonly kind: 'ephemerals'; readonly prefix: string }
  | { readonly kind: 'whoAmI' }
  /** All against one state of the tree; nothing is watched. */
  | { readonly kind: 'multiRead'; readonly reads: readonly NodeQuery[] }
  | {
      readonly kind: 'addWatch';
      readonly watch: PersistentWatch;
      /** What happened after it is told too; undefined: what happens from now on. */
      readonly fromZxid: Zxid | undefined;
    }
  | {
      readonly kind: 'removeWatch';
      readonly watch: WatchKind | PersistentWatchKind;
      readonly path: string;
      /** Of a watch that stays; 0 otherwise. */
      readonly id: number;
    }
  /** All of these that the client has, at once; NO_WATCHER when it has none. `isQuestion`: they are only looked for. */
  | {
      readonly kind: 'dropWatches';
      readonly path: string;
      readonly oneShots: readonly WatchKind[];
      readonly standing: readonly PersistentWatch[];
      readonly isQuestion: boolean;
    }
  /** Answered in its order, and that is all. */
  | { readonly kind: 'nothing' }
  /** Could be read and makes no sense: refused in its place. */
  | { readonly kind: 'illegal'; readonly refusal: Refusal };

/** A watch that stays, under the number that the client gave it. */
export interface PersistentWatch {
  readonly id: number;
  readonly kind: PersistentWatchKind;
  readonly path: string;
}

export interface ArmedWatch {
  readonly kind: WatchKind;
  readonly path: string;
  readonly zxid: Zxid;
}

/** What a client says. */
export type ClientWord =
  | AttachWord
  | {
      readonly kind: 'rearm';
      readonly watches: readonly ArmedWatch[];
      readonly persistent: readonly PersistentWatch[];
      /** Every event of those that stay was delivered up to it. */
      readonly fromZxid: Zxid;
      /** Those that stay hear what happens from now on, and nothing of what they missed. */
      readonly standingFromNow?: true;
      /** More of them follow. */
      readonly more: boolean;
    }
  /** Proves an identity; nothing behind it is looked at before it is answered. */
  | {
      readonly kind: 'addAuth';
      readonly xid: number;
      readonly scheme: string;
      readonly credentials: Uint8Array;
    }
  | { readonly kind: 'heartbeat'; readonly number: number }
  | { readonly kind: 'close' }
  | {
      readonly kind: 'write';
      readonly xid: number;
      readonly requestNo: number;
      readonly answeredThrough: number;
      readonly operation: WriteOperation;
    }
  | {
      readonly kind: 'read';
      readonly xid: number;
      readonly minZxid: Zxid;
      readonly linearizable: boolean;
      readonly query: Query;
    };

export type NodeQueryResult =
  | { readonly kind: 'get'; readonly data: Uint8Array; readonly stat: Stat }
  | { readonly kind: 'exists'; readonly stat: Stat | undefined }
  | {
      readonly kind: 'children';
      readonly names: readonly string[];
      readonly stat: Stat;
      /** There are names behind the last of this page. */
      readonly more: boolean;
      /** Where asked for, one for each name: undefined for one that may not be read. Empty otherwise. */
      readonly stats: readonly (Stat | undefined)[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type QueryResult =
  | NodeQueryResult
  | { readonly kind: 'sync' }
  | { readonly kind: 'getAcl'; readonly acl: readonly Acl[]; readonly stat: Stat }
  | { readonly kind: 'descendants'; readonly count: number }
  | { readonly kind: 'ephemerals'; readonly paths: readonly string[] }
  | { readonly kind: 'whoAmI'; readonly identities: readonly Identity[] }
  | { readonly kind: 'multiRead'; readonly results: readonly NodeQueryResult[] }
  | { readonly kind: 'addAuth' }
  | { readonly kind: 'watch' }
  | { readonly kind: 'nothing' };

/** What a server says to a client. */
export type ServerWord =
  | {
      readonly kind: 'attached';
      readonly sessionId: number;
      readonly password: Uint8Array;
      readonly timeoutMs: number;
      readonly serverId: number;
      readonly clusterId: string;
      readonly zxid: Zxid;
      /** This server has no quorum. */
      readonly readOnly: boolean;
      /** What it takes in one frame. */
      readonly frameBytesMax: number;
    }
  | { readonly kind: 'written'; readonly xid: number; readonly zxid: Zxid; readonly result: WriteResult }
  | { readonly kind: 'read'; readonly xid: number; readonly zxid: Zxid; readonly result: QueryResult }
  | {
      readonly kind: 'event';
      readonly type: TreeEvent['type'] | 'resync';
      readonly path: string;
      readonly zxid: Zxid;
      readonly watch: WatchKind | PersistentWatchKind;
      /** Of a watch that stays; 0 otherwise. */
      readonly watchId: number;
    }
  | {
      readonly kind: 'heartbeatAck';
      readonly number: number;
      readonly zxid: Zxid;
      readonly serverTimeMs: number;
    }
  | { readonly kind: 'goodbye'; readonly code: ErrorCode | 'OK'; readonly message: string };

/** Throws DecodeError (of @zabra/proto) on anything that is no frame of ours. */
export function decodeClientWords(frame: Uint8Array): readonly ClientWord[] {
  return entriesOf(frame).map((entry) =>
    entry.kind === 'unknownRequest' ? unknownWord(entry) : clientWord(entry),
  );
}

/** One by one only where the whole was not understood: a newer client may ask for what this server does not have. */
function entriesOf(frame: Uint8Array): readonly (ClientEntry | UnknownRequest)[] {
  try {
    return decodeClientFrame(frame).entries;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return decodeClientEntries(frame);
  }
}

function unknownWord({ xid, field }: UnknownRequest): ClientWord {
  const unimplemented = refusal(
    'UNIMPLEMENTED',
    `this server knows no operation with the number ${field}: it is of an older release than the client`,
  );
  return {
    kind: 'read',
    xid,
    minZxid: ZXID_NONE,
    linearizable: false,
    query: { kind: 'illegal', refusal: unimplemented },
  };
}

export function encodeServerWords(words: readonly ServerWord[]): Uint8Array {
  return encodeServerFrame({ entries: words.map(serverEntry) });
}

/** About how many bytes a word takes, to keep frames bounded. */
export function sizeOf(word: ServerWord): number {
  switch (word.kind) {
    case 'event':
      return 32 + word.path.length;
    case 'read':
      return 128 + sizeOfResult(word.result);
    case 'written':
      return 128 + sizeOfWritten(word.result);
    default:
      return 128;
  }
}

function sizeOfWritten(result: WriteResult): number {
  return result.kind === 'done'
    ? result.results.reduce((sum, { path }) => sum + 96 + path.length, 0)
    : result.refusal.message.length + 4 * result.codes.length;
}

/** About how many bytes an answer takes, besides its frame. */
export function sizeOfResult(result: QueryResult): number {
  switch (result.kind) {
    case 'get':
      return result.data.length;
    case 'children':
      return result.names.reduce((sum, name) => sum + name.length + 4, result.stats.length * 96);
    case 'ephemerals':
      return result.paths.reduce((sum, path) => sum + path.length + 4, 0);
    case 'multiRead':
      return result.results.reduce((sum, each) => sum + 128 + sizeOfResult(each), 0);
    case 'getAcl':
      return namesLength(result.acl);
    case 'whoAmI':
      return namesLength(result.identities);
    case 'refused':
      return result.refusal.message.length;
    case 'exists':
    case 'sync':
    case 'descendants':
    case 'addAuth':
    case 'watch':
    case 'nothing':
      return 0;
  }
}

function namesLength(names: readonly Identity[]): number {
  return names.reduce((sum, { scheme, id }) => sum + 16 + scheme.length + id.length, 0);
}

type AnyWatchKind = WatchKind | PersistentWatchKind;

const WATCH: Readonly<Record<WireWatchKind, AnyWatchKind>> = {
  DATA: 'data',
  EXIST: 'exist',
  CHILD: 'child',
  PERSISTENT: 'persistent',
  PERSISTENT_RECURSIVE: 'persistentRecursive',
};
const WATCH_SHAPE: Readonly<Record<AnyWatchKind, WireWatchKind>> = {
  data: 'DATA',
  exist: 'EXIST',
  child: 'CHILD',
  persistent: 'PERSISTENT',
  persistentRecursive: 'PERSISTENT_RECURSIVE',
};
const EVENT_SHAPE = {
  created: 'CREATED',
  changed: 'CHANGED',
  deleted: 'DELETED',
  children: 'CHILDREN',
  resync: 'RESYNC',
} as const;

function clientWord(entry: ClientEntry): ClientWord {
  switch (entry.kind) {
    case 'attach': {
      const { clusterId, lastZxid, ...attach } = entry.attach;
      return {
        kind: 'attach',
        ...attach,
        lastZxid: asZxid(lastZxid),
        clusterId: clusterId === '' ? undefined : clusterId,
      };
    }
    case 'rearm':
      return {
        kind: 'rearm',
        watches: entry.rearm.watches.map(({ kind, path, zxid }) => ({
          kind: oneShotKind(kind),
          path,
          zxid: asZxid(zxid),
        })),
        persistent: entry.rearm.persistent.map(persistentWatch),
        fromZxid: asZxid(entry.rearm.fromZxid),
        more: entry.rearm.more,
      };
    case 'heartbeat':
      return { kind: 'heartbeat', number: entry.heartbeat.number };
    case 'close':
      return { kind: 'close' };
    case 'request':
      return requestWord(entry.request);
  }
}

function requestWord(request: ClientRequest): ClientWord {
  switch (request.kind) {
    case 'create':
    case 'set':
    case 'delete':
    case 'setAcl':
    case 'touch':
    case 'deleteTree':
    case 'transaction':
      return {
        kind: 'write',
        xid: request.xid,
        requestNo: request.requestNo,
        answeredThrough: request.answeredThrough,
        operation: writeOperationToModel(request),
      };
    case 'get':
      return read(request, { kind: 'get', path: request.get.path, watch: request.get.watch });
    case 'exists':
      return read(request, { kind: 'exists', path: request.exists.path, watch: request.exists.watch });
    case 'children':
      return read(request, childrenQuery(request.children));
    case 'sync':
      return read(request, { kind: 'sync', path: request.sync.path });
    case 'getAcl':
      return read(request, { kind: 'getAcl', path: request.getAcl.path });
    case 'descendants':
      return read(request, { kind: 'descendants', path: request.descendants.path });
    case 'ephemerals':
      return read(request, { kind: 'ephemerals', prefix: request.ephemerals.prefix });
    case 'whoAmI':
      return read(request, { kind: 'whoAmI' });
    case 'multiRead':
      return read(request, { kind: 'multiRead', reads: request.multiRead.reads.map(subRead) });
    case 'addWatch': {
      const { kind, fromZxid } = request.addWatch;
      if (!isPersistent(WATCH[kind]))
        return read(request, { kind: 'illegal', refusal: refusal('BAD_ARGUMENTS', notPersistent(kind)) });
      return read(request, {
        kind: 'addWatch',
        watch: persistentWatch(request.addWatch),
        fromZxid: fromZxid === undefined ? undefined : asZxid(fromZxid),
      });
    }
    case 'removeWatch': {
      const { kind, path, id } = request.removeWatch;
      return read(request, { kind: 'removeWatch', watch: WATCH[kind], path, id });
    }
    case 'addAuth':
      return { kind: 'addAuth', xid: request.xid, ...request.addAuth };
  }
}

function subRead(read: SubRead): NodeQuery {
  switch (read.kind) {
    case 'get':
      return { kind: 'get', path: read.get.path, watch: false };
    case 'exists':
      return { kind: 'exists', path: read.exists.path, watch: false };
    case 'children':
      return { ...childrenQuery(read.children), watch: false };
  }
}

function childrenQuery({
  path,
  watch,
  after,
  limit,
  withStats,
}: WireChildren): Extract<NodeQuery, { kind: 'children' }> {
  return { kind: 'children', path, watch, page: { after, limit, withStats } };
}

function oneShotKind(kind: WireWatchKind): WatchKind {
  const known = WATCH[kind];
  if (isPersistent(known))
    throw new DecodeError(
      `zabra.v1.ArmedWatch.kind is ${kind}, a watch that stays: it belongs to persistent`,
    );
  return known;
}

function persistentWatch({
  id,
  kind,
  path,
}: {
  readonly id: number;
  readonly kind: WireWatchKind;
  readonly path: string;
}): PersistentWatch {
  const known = WATCH[kind];
  if (!isPersistent(known)) throw new DecodeError(notPersistent(kind));
  return { id, kind: known, path };
}

function isPersistent(kind: AnyWatchKind): kind is PersistentWatchKind {
  return kind === 'persistent' || kind === 'persistentRecursive';
}

function notPersistent(kind: WireWatchKind): string {
  return `a watch that stays is PERSISTENT or PERSISTENT_RECURSIVE, not ${kind}`;
}

function read(request: ClientRequest, query: Query): ClientWord {
  return {
    kind: 'read',
    xid: request.xid,
    minZxid: asZxid(request.minZxid),
    linearizable: request.linearizable,
    query,
  };
}

function serverEntry(word: ServerWord): ServerEntry {
  switch (word.kind) {
    case 'attached':
      return {
        kind: 'attached',
        attached: {
          protocol: CLIENT_PROTOCOL.max,
          features: 0,
          sessionId: word.sessionId,
          password: word.password,
          timeoutMs: word.timeoutMs,
          serverId: word.serverId,
          clusterId: word.clusterId,
          zxid: word.zxid,
          readOnly: word.readOnly,
          frameBytesMax: word.frameBytesMax,
        },
      };
    case 'written':
      return { kind: 'reply', reply: writeReply(word.xid, word.zxid, word.result) };
    case 'read':
      return { kind: 'reply', reply: readReply(word.xid, word.zxid, word.result) };
    case 'event':
      return {
        kind: 'event',
        event: {
          type: EVENT_SHAPE[word.type],
          path: word.path,
          zxid: word.zxid,
          kind: WATCH_SHAPE[word.watch],
          watchId: word.watchId,
        },
      };
    case 'heartbeatAck':
      return {
        kind: 'heartbeatAck',
        heartbeatAck: { number: word.number, zxid: word.zxid, serverTimeMs: word.serverTimeMs },
      };
    case 'goodbye':
      return { kind: 'goodbye', goodbye: { code: word.code, message: word.message } };
  }
}

function writeReply(xid: number, zxid: Zxid, result: WriteResult): Reply {
  return result.kind === 'done'
    ? { xid, zxid, kind: 'write', write: { results: result.results.map(changeResultToShape) } }
    : { xid, zxid, kind: 'refused', refused: refusalToShape(result.refusal, result) };
}

function readReply(xid: number, zxid: Zxid, result: QueryResult): Reply {
  switch (result.kind) {
    case 'get':
      return { xid, zxid, kind: 'get', get: { data: result.data, stat: statToShape(result.stat) } };
    case 'exists':
      return {
        xid,
        zxid,
        kind: 'exists',
        exists: { stat: result.stat === undefined ? undefined : statToShape(result.stat) },
      };
    case 'children':
      return { xid, zxid, kind: 'children', children: childrenReply(result) };
    case 'sync':
      return { xid, zxid, kind: 'sync', sync: {} };
    case 'getAcl':
      return {
        xid,
        zxid,
        kind: 'getAcl',
        getAcl: { acl: aclToShape(result.acl), stat: statToShape(result.stat) },
      };
    case 'descendants':
      return { xid, zxid, kind: 'descendants', descendants: { count: result.count } };
    case 'ephemerals':
      return { xid, zxid, kind: 'ephemerals', ephemerals: { paths: result.paths } };
    case 'whoAmI':
      return { xid, zxid, kind: 'whoAmI', whoAmI: { identities: result.identities } };
    case 'multiRead':
      return { xid, zxid, kind: 'multiRead', multiRead: { results: result.results.map(subReadReply) } };
    case 'addAuth':
      return { xid, zxid, kind: 'addAuth', addAuth: {} };
    case 'watch':
    // Nobody asks for nothing here: it is said by the other wire.
    case 'nothing':
      return { xid, zxid, kind: 'watch', watch: {} };
    case 'refused':
      return {
        xid,
        zxid,
        kind: 'refused',
        refused: refusalToShape(result.refusal),
      };
  }
}

function subReadReply(result: NodeQueryResult): SubReadReply {
  switch (result.kind) {
    case 'get':
      return { kind: 'get', get: { data: result.data, stat: statToShape(result.stat) } };
    case 'exists':
      return {
        kind: 'exists',
        exists: { stat: result.stat === undefined ? undefined : statToShape(result.stat) },
      };
    case 'children':
      return { kind: 'children', children: childrenReply(result) };
    case 'refused':
      return { kind: 'refused', refused: refusalToShape(result.refusal) };
  }
}

function childrenReply({
  names,
  stat,
  more,
  stats,
}: Extract<NodeQueryResult, { kind: 'children' }>): WireChildrenReply {
  return {
    names,
    stat: statToShape(stat),
    more,
    stats: stats.map((each) => ({ stat: each === undefined ? undefined : statToShape(each) })),
  };
}
