import {
  asZxid,
  type ErrorCode,
  type Refusal,
  type Stat,
  type TreeEvent,
  type WatchKind,
  type WriteOperation,
  type WriteResult,
  type Zxid,
} from '@zabra/model';
import {
  type ClientEntry,
  type ClientRequest,
  decodeClientFrame,
  encodeServerFrame,
  type Reply,
  type ServerEntry,
} from '@zabra/proto';
import { changeResultToShape, refusalToShape, statToShape, writeOperationToModel } from './model-codec.ts';

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
}

export interface Query {
  readonly kind: 'get' | 'exists' | 'children' | 'sync';
  readonly path: string;
  readonly watch: boolean;
}

export interface ArmedWatch {
  readonly kind: WatchKind;
  readonly path: string;
  readonly zxid: Zxid;
}

/** What a client says. */
export type ClientWord =
  | AttachWord
  | { readonly kind: 'rearm'; readonly watches: readonly ArmedWatch[] }
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

export type QueryResult =
  | { readonly kind: 'get'; readonly data: Uint8Array; readonly stat: Stat }
  | { readonly kind: 'exists'; readonly stat: Stat | undefined }
  | { readonly kind: 'children'; readonly names: readonly string[]; readonly stat: Stat }
  | { readonly kind: 'sync' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

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
    }
  | { readonly kind: 'written'; readonly xid: number; readonly zxid: Zxid; readonly result: WriteResult }
  | { readonly kind: 'read'; readonly xid: number; readonly zxid: Zxid; readonly result: QueryResult }
  | {
      readonly kind: 'event';
      readonly type: TreeEvent['type'] | 'resync';
      readonly path: string;
      readonly zxid: Zxid;
      readonly watch: WatchKind;
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
  return decodeClientFrame(frame).entries.map(clientWord);
}

export function encodeServerWords(words: readonly ServerWord[]): Uint8Array {
  return encodeServerFrame({ entries: words.map(serverEntry) });
}

/** About how many bytes a word takes, to keep frames bounded. */
export function sizeOf(word: ServerWord): number {
  if (word.kind !== 'read') return 128;
  const { result } = word;
  if (result.kind === 'get') return 128 + result.data.length;
  if (result.kind !== 'children') return 128;
  return result.names.reduce((sum, name) => sum + name.length + 4, 128);
}

const WATCH = { DATA: 'data', EXIST: 'exist', CHILD: 'child' } as const;
const WATCH_SHAPE = { data: 'DATA', exist: 'EXIST', child: 'CHILD' } as const;
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
          kind: WATCH[kind],
          path,
          zxid: asZxid(zxid),
        })),
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
      return read(request, {
        kind: 'children',
        path: request.children.path,
        watch: request.children.watch,
      });
    case 'sync':
      return read(request, { kind: 'sync', path: request.sync.path, watch: false });
  }
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
      return {
        xid,
        zxid,
        kind: 'children',
        children: { names: result.names, stat: statToShape(result.stat) },
      };
    case 'sync':
      return { xid, zxid, kind: 'sync', sync: {} };
    case 'refused':
      return {
        xid,
        zxid,
        kind: 'refused',
        refused: refusalToShape(result.refusal),
      };
  }
}
