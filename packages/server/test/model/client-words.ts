import type { Stat, WriteOperation } from '@zabra/model';
import type {
  ChildrenReply,
  ClientEntry,
  ClientRequest,
  Refusal,
  Reply,
  ServerEntry,
  Stat as StatShape,
  SubRead,
  SubReadReply,
} from '@zabra/proto';
import type { NodeQuery, Query } from '../../src/core/clients/client-codec.ts';
import { changeResultToModel, writeOperationToShape } from '../../src/core/model-codec.ts';

/* A client's side of the wire: requests as frames hold them, and what comes back in the words of the reference model. */

export function attachEntry(terms: Partial<Extract<ClientEntry, { kind: 'attach' }>['attach']>): ClientEntry {
  return {
    kind: 'attach',
    attach: {
      protocolMin: 1,
      protocolMax: 1,
      features: 0,
      sessionId: 0,
      password: new Uint8Array(0),
      nonce: 'a-client',
      timeoutMs: 10_000,
      lastZxid: 0,
      clusterId: '',
      attempt: 1,
      readOnly: false,
      ...terms,
    },
  };
}

export function writeEntry(
  xid: number,
  requestNo: number,
  answeredThrough: number,
  operation: WriteOperation,
): ClientEntry {
  const numbers = { xid, requestNo, answeredThrough, minZxid: 0, linearizable: false };
  return { kind: 'request', request: { ...numbers, ...writeOperationToShape(operation) } as ClientRequest };
}

export function readEntry(xid: number, query: Query, linearizable = false): ClientEntry {
  const numbers = { xid, requestNo: 0, answeredThrough: 0, minZxid: 0, linearizable };
  return { kind: 'request', request: { ...numbers, ...queryShape(query) } as ClientRequest };
}

export function addAuthEntry(xid: number, scheme: string, credentials: string): ClientEntry {
  const numbers = { xid, requestNo: 0, answeredThrough: 0, minZxid: 0, linearizable: false };
  const addAuth = { scheme, credentials: new TextEncoder().encode(credentials) };
  return { kind: 'request', request: { ...numbers, kind: 'addAuth', addAuth } };
}

/** What a client held when its stream was lost, up to where it was told all. */
export function rearmEntry(
  held: readonly { readonly kind: keyof typeof KIND_SHAPE; readonly path: string; readonly id: number }[],
  fromZxid: number,
): ClientEntry {
  const shapes = held.map(({ kind, path, id }) => ({ kind: KIND_SHAPE[kind], path, id, zxid: fromZxid }));
  const watches = shapes.filter(({ id }) => id === 0);
  const persistent = shapes.filter(({ id }) => id > 0);
  return { kind: 'rearm', rearm: { watches, persistent, fromZxid, more: false } };
}

function queryShape(query: Query): object {
  switch (query.kind) {
    case 'get':
    case 'exists':
    case 'children':
      return nodeQueryShape(query);
    case 'sync':
    case 'getAcl':
    case 'descendants':
      return { kind: query.kind, [query.kind]: { path: query.path } };
    case 'ephemerals':
      return { kind: 'ephemerals', ephemerals: { prefix: query.prefix } };
    case 'whoAmI':
      return { kind: 'whoAmI', whoAmI: {} };
    case 'multiRead':
      return { kind: 'multiRead', multiRead: { reads: query.reads.map(nodeQueryShape) } };
    case 'addWatch': {
      const { fromZxid, watch } = query;
      return {
        kind: 'addWatch',
        addWatch: { id: watch.id, kind: KIND_SHAPE[watch.kind], path: watch.path, fromZxid },
      };
    }
    case 'removeWatch': {
      const { watch, path, id } = query;
      return { kind: 'removeWatch', removeWatch: { kind: KIND_SHAPE[watch], path, id } };
    }
    case 'illegal':
    case 'dropWatches':
    case 'nothing':
      throw new Error('not on this wire');
  }
}

function nodeQueryShape(query: NodeQuery): SubRead {
  const { path, watch } = query;
  if (query.kind === 'children') return { kind: 'children', children: { path, watch, ...query.page } };
  return query.kind === 'get'
    ? { kind: 'get', get: { path, watch } }
    : { kind: 'exists', exists: { path, watch } };
}

const KIND_SHAPE = {
  data: 'DATA',
  exist: 'EXIST',
  child: 'CHILD',
  persistent: 'PERSISTENT',
  persistentRecursive: 'PERSISTENT_RECURSIVE',
} as const;
const KIND = Object.fromEntries(Object.entries(KIND_SHAPE).map(([kind, shape]) => [shape, kind]));

/** What the server said, in the reference model's words. */
export function told(entry: ServerEntry): object {
  switch (entry.kind) {
    case 'reply':
      return { xid: entry.reply.xid, ...replied(entry.reply) };
    case 'event': {
      const { type, path, zxid, kind, watchId } = entry.event;
      return { event: type.toLowerCase(), path, zxid, watch: KIND[kind], id: watchId };
    }
    case 'goodbye':
      return { goodbye: entry.goodbye.code };
    case 'attached':
    case 'heartbeatAck':
      return entry;
  }
}

function replied(reply: Reply): object {
  switch (reply.kind) {
    case 'refused':
      return { refused: reply.refused.code, ...failed(reply.refused) };
    case 'write':
      return { done: reply.write.results.map(changeResultToModel).map(plain) };
    case 'get':
    case 'exists':
    case 'children':
      return nodeReplied(reply);
    case 'sync':
      return { sync: true };
    case 'getAcl':
      return { acl: reply.getAcl.acl, stat: plainStat(reply.getAcl.stat) };
    case 'descendants':
      return { descendants: reply.descendants.count };
    case 'ephemerals':
      return { paths: reply.ephemerals.paths };
    case 'whoAmI':
      return { identities: reply.whoAmI.identities };
    case 'multiRead':
      return { reads: reply.multiRead.results.map(nodeReplied) };
    case 'addAuth':
      return { authenticated: true };
    case 'watch':
      return { watch: true };
  }
}

function nodeReplied(reply: SubReadReply): object {
  switch (reply.kind) {
    case 'refused':
      return { refused: reply.refused.code };
    case 'get':
      return { data: new TextDecoder().decode(reply.get.data), stat: plainStat(reply.get.stat) };
    case 'exists':
      return { exists: plainStat(reply.exists.stat) };
    case 'children':
      return children(reply.children);
  }
}

function children({ names, stat, more, stats }: ChildrenReply): object {
  return { names, stat: plainStat(stat), more, stats: stats.map((each) => plainStat(each.stat)) };
}

function failed({ failedIndex, codes }: Refusal): object {
  return { failed: failedIndex ?? -1, codes };
}

function plainStat(stat: StatShape | Stat | undefined): object | false {
  if (stat === undefined) return false;
  const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, aversion, cversion } = stat;
  const { ephemeralOwner, dataLength, numChildren } = stat;
  const times = { czxid, mzxid, pzxid, ctimeMs, mtimeMs };
  return { ...times, version, cversion, aversion, ephemeralOwner, dataLength, numChildren };
}

function plain(result: object): object {
  return 'stat' in result ? { ...result, stat: plainStat(result.stat as Stat) } : result;
}
