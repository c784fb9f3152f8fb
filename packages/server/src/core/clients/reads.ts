import {
  type Acl,
  type Identity,
  joinPath,
  PERMISSIONS,
  type Refusal,
  refusal,
  type SessionId,
  unreachable,
  type WatchKind,
} from '@zabra/model';
import { authorize, permissionNames, redactAcl, type Tree } from '@zabra/tree';
import type { Limits } from '../options.ts';
import {
  type NodeQuery,
  type NodeQueryResult,
  type Query,
  type QueryResult,
  sizeOfResult,
} from './client-codec.ts';
import { illegalPath } from './illegal-path.ts';

/**
 * Reads against this server's tree, and the one place where they are authorized.
 *
 * Checks come in ZooKeeper's order: first what is wrong with the question itself ({@link queryFault}), then whether the node
 * exists, then whether the reader may. A refusal tells nothing of a node but that it exists, as in ZooKeeper.
 */

/** Who asks. */
export interface Reader {
  /** 0: a client without a session, of a server without a quorum. */
  readonly sessionId: SessionId;
  readonly identities: readonly Identity[];
}

/** What the tree alone answers. */
export type TreeQuery = Exclude<
  Query,
  { readonly kind: 'addWatch' | 'removeWatch' | 'dropWatches' | 'illegal' }
>;

/** What is wrong with a question whatever the tree holds. */
export function queryFault(query: Query, limits: Limits): Refusal | undefined {
  switch (query.kind) {
    case 'get':
    case 'exists':
    case 'getAcl':
    case 'descendants':
      return illegalPath(query.path);
    case 'children':
      return illegalPath(query.path) ?? illegalCursor(query.page.after);
    case 'ephemerals':
      // A prefix may end in the middle of a name, hence in a slash too.
      return query.prefix === '' ? undefined : illegalPath(query.prefix, { sequential: true });
    case 'multiRead':
      return multiReadFault(query.reads.length, limits);
    case 'addWatch':
      return illegalPath(query.watch.path) ?? illegalWatchId(query.watch.id);
    case 'removeWatch': {
      const stays = query.watch === 'persistent' || query.watch === 'persistentRecursive';
      return illegalPath(query.path) ?? (stays ? illegalWatchId(query.id) : undefined);
    }
    case 'illegal':
      return query.refusal;
    case 'sync':
    case 'whoAmI':
    case 'dropWatches':
    case 'nothing':
      return undefined;
    default:
      return unreachable(query);
  }
}

export function answerQuery(tree: Tree, query: TreeQuery, reader: Reader, limits: Limits): QueryResult {
  switch (query.kind) {
    case 'get':
    case 'exists':
    case 'children':
      return answerNodeQuery(tree, query, reader, limits);
    case 'getAcl':
      return getAcl(tree, query.path, reader);
    case 'descendants':
      return descendants(tree, query.path, reader);
    case 'ephemerals':
      return ephemerals(tree, query.prefix, reader, limits);
    case 'multiRead':
      return multiRead(tree, query.reads, reader, limits);
    case 'whoAmI':
      return { kind: 'whoAmI', identities: reader.identities.map(withoutHash) };
    case 'sync':
    case 'nothing':
      return { kind: query.kind };
    default:
      return unreachable(query);
  }
}

/** The watch that an answer leaves behind where one was asked for: a refusal leaves none. */
export function watchLeftBy(query: Query, result: QueryResult): WatchKind | undefined {
  if (!('watch' in query) || query.watch !== true) return undefined;
  switch (result.kind) {
    case 'get':
      return 'data';
    case 'children':
      return 'child';
    case 'exists':
      return result.stat === undefined ? 'exist' : 'data';
    default:
      return undefined;
  }
}

function answerNodeQuery(tree: Tree, query: NodeQuery, reader: Reader, limits: Limits): NodeQueryResult {
  switch (query.kind) {
    case 'get': {
      const node = tree.get(query.path);
      if (node === undefined) return noNode(query.path);
      const { acl, alsoAcl } = node;
      if (!mayRead(acl, reader) || (alsoAcl !== undefined && !mayRead(alsoAcl, reader)))
        return noAuth(query.path, PERMISSIONS.read);
      return { kind: 'get', data: node.data, stat: node.stat };
    }
    case 'exists': {
      const acl = tree.acl(query.path);
      if (acl !== undefined && !mayRead(acl, reader)) return noAuth(query.path, PERMISSIONS.read);
      return { kind: 'exists', stat: tree.stat(query.path) };
    }
    case 'children':
      return children(tree, query, reader, limits).result;
    default:
      return unreachable(query);
  }
}

/** An answer, and what it has of a frame; of a list that turned out not to go into one, what was looked at. */
interface Sized {
  readonly result: NodeQueryResult;
  readonly bytes: number;
}

/**
 * A page of children. It has at most `childrenPageMax` names and about as much as a frame takes; a list that was not asked
 * for in pages is all of it or a refusal.
 */
function children(
  tree: Tree,
  { path, page }: Extract<NodeQuery, { kind: 'children' }>,
  reader: Reader,
  limits: Limits,
): Sized {
  if (page.whole) return wholeChildren(tree, path, reader, limits);
  const { childrenPageMax, frameBytesMax } = limits;
  const isPaged = page.limit !== 0;
  const limit = isPaged ? Math.min(page.limit, childrenPageMax) : childrenPageMax;
  const acl = tree.acl(path);
  if (acl === undefined) return sized(noNode(path));
  if (!mayRead(acl, reader)) return sized(noAuth(path, PERMISSIONS.read));
  const count = isPaged ? 0 : (tree.stat(path)?.numChildren ?? 0);
  // Before anything is listed: the refusal of a long list must not cost as much as the list.
  if (count > childrenPageMax) {
    const tooMany = `childrenPageMax: one answer has at most ${childrenPageMax} names`;
    return sized(tooLong(tooMany, path, count));
  }
  const view = tree.children(path, { after: page.after, limit });
  if (view === undefined) return sized(noNode(path));
  const fitting = measureFitting(view.names, page.withStats ? STAT_BYTES : 0, frameBytesMax);
  const { bytes } = fitting;
  const isCut = fitting.count < view.names.length;
  if (isCut && !isPaged) {
    const tooLarge = `frameBytesMax: one answer has at most ${frameBytesMax} bytes`;
    return { result: tooLong(tooLarge, path, count), bytes };
  }
  const names = isCut ? view.names.slice(0, fitting.count) : view.names;
  const stats = page.withStats ? names.map((name) => statOfChild(tree, joinPath(path, name), reader)) : [];
  return { result: { kind: 'children', names, stat: view.stat, more: view.more || isCut, stats }, bytes };
}

/** All there are, up to half of what may wait for a client: one answer must leave room for another. */
function wholeChildren(tree: Tree, path: string, reader: Reader, { clientQueueBytesMax }: Limits): Sized {
  const acl = tree.acl(path);
  const stat = tree.stat(path);
  if (acl === undefined || stat === undefined) return sized(noNode(path));
  if (!mayRead(acl, reader)) return sized(noAuth(path, PERMISSIONS.read));
  const bytesMax = clientQueueBytesMax / 2;
  const rule = `clientQueueBytesMax: one answer has at most ${bytesMax} bytes`;
  // A name has a byte at least: so many are not even listed.
  if (stat.numChildren * (NAME_BYTES + 1) > bytesMax) return sized(tooLong(rule, path, stat.numChildren));
  const view = tree.children(path, { after: '', limit: stat.numChildren });
  const names = view?.names ?? [];
  const result: NodeQueryResult = { kind: 'children', names, stat, more: false, stats: [] };
  const bytes = sizeOfResult(result);
  return bytes <= bytesMax ? { result, bytes } : { result: tooLong(rule, path, stat.numChildren), bytes };
}

function sized(result: NodeQueryResult): Sized {
  return { result, bytes: sizeOfResult(result) };
}

function tooLong(rule: string, path: string, count: number): NodeQueryResult {
  return refused('LIMIT', `${rule}, and ${path} has ${count} children; read them in pages`);
}

/** The list says the name; the rest of a child is its own affair. */
function statOfChild(tree: Tree, path: string, reader: Reader): ReturnType<Tree['stat']> {
  const acl = tree.acl(path);
  return acl !== undefined && mayRead(acl, reader) ? tree.stat(path) : undefined;
}

/** How many of them go into one answer, one at least, or a page would never come to its end; and what was looked at. */
function measureFitting(
  names: readonly string[],
  extraBytes: number,
  bytesMax: number,
): { readonly count: number; readonly bytes: number } {
  let bytes = 0;
  for (const [index, name] of names.entries()) {
    const before = bytes;
    bytes += name.length + NAME_BYTES + extraBytes;
    if (bytes > bytesMax && index > 0) return { count: index, bytes: before };
  }
  return { count: names.length, bytes };
}

function getAcl(tree: Tree, path: string, reader: Reader): QueryResult {
  const acl = tree.acl(path);
  const stat = tree.stat(path);
  if (acl === undefined || stat === undefined) return noNode(path);
  const either = PERMISSIONS.read | PERMISSIONS.admin;
  if (!authorize(acl, either, reader.identities)) return noAuth(path, either);
  const mayAdmin = authorize(acl, PERMISSIONS.admin, reader.identities);
  return { kind: 'getAcl', acl: mayAdmin ? acl : redactAcl(acl), stat };
}

function descendants(tree: Tree, path: string, reader: Reader): QueryResult {
  const acl = tree.acl(path);
  const count = tree.descendants(path);
  if (acl === undefined || count === undefined) return noNode(path);
  if (!mayRead(acl, reader)) return noAuth(path, PERMISSIONS.read);
  return { kind: 'descendants', count };
}

/** The session's own nodes, whatever their ACLs: it made them. */
function ephemerals(
  tree: Tree,
  prefix: string,
  { sessionId }: Reader,
  { frameBytesMax }: Limits,
): QueryResult {
  const result = { kind: 'ephemerals', paths: tree.ephemeralsOf(sessionId, prefix) } as const;
  const bytes = sizeOfResult(result);
  if (bytes <= frameBytesMax) return result;
  return refused(
    'LIMIT',
    `frameBytesMax: one answer has at most ${frameBytesMax} bytes, the ${result.paths.length} paths that begin with "${prefix}" have ${bytes}; ask with a longer prefix`,
  );
}

/**
 * Each by itself, at one state of the tree. From the first that no longer goes into the answer on, all are refused in their
 * places: to find out which of them would go in costs as much as to answer them.
 */
function multiRead(tree: Tree, reads: readonly NodeQuery[], reader: Reader, limits: Limits): QueryResult {
  const { frameBytesMax } = limits;
  let bytes = 0;
  let isFull = false;
  const results = reads.map((read): NodeQueryResult => {
    const fault = queryFault(read, limits);
    if (fault !== undefined) return { kind: 'refused', refusal: fault };
    if (isFull) return noRoom(bytes, frameBytesMax);
    const answer =
      read.kind === 'children'
        ? children(tree, read, reader, limits)
        : sized(answerNodeQuery(tree, read, reader, limits));
    isFull = bytes > 0 && bytes + answer.bytes > frameBytesMax;
    if (isFull) return noRoom(bytes, frameBytesMax);
    bytes += answer.bytes;
    return answer.result;
  });
  return { kind: 'multiRead', results };
}

function noRoom(bytes: number, frameBytesMax: number): NodeQueryResult {
  return refused(
    'LIMIT',
    `frameBytesMax: one answer has at most ${frameBytesMax} bytes, and the reads before this one have ${bytes}; read it in another one`,
  );
}

function multiReadFault(count: number, { transactionOperationsMax }: Limits): Refusal | undefined {
  if (count === 0) return refusal('BAD_ARGUMENTS', 'a multi-read has one read at least');
  if (count <= transactionOperationsMax) return undefined;
  return refusal(
    'LIMIT',
    `transactionOperationsMax: a multi-read has at most ${transactionOperationsMax} reads, this one ${count}; split it`,
  );
}

function illegalCursor(after: string): Refusal | undefined {
  if (!after.includes('/')) return undefined;
  return refusal('BAD_ARGUMENTS', `a page begins behind the name of a child, "${after}" is none`);
}

function illegalWatchId(id: number): Refusal | undefined {
  if (id !== 0) return undefined;
  return refusal('BAD_ARGUMENTS', 'a watch that stays has a number of its own, from 1');
}

function mayRead(acl: readonly Acl[], { identities }: Reader): boolean {
  return authorize(acl, PERMISSIONS.read, identities);
}

function noNode(path: string): Extract<QueryResult, { kind: 'refused' }> {
  return refused('NO_NODE', `${path} does not exist`);
}

function noAuth(path: string, permissions: number): Extract<QueryResult, { kind: 'refused' }> {
  return refused('NO_AUTH', `${path}: this needs the permission ${permissionNames(permissions)}`);
}

function refused(code: Refusal['code'], message: string): Extract<QueryResult, { kind: 'refused' }> {
  return { kind: 'refused', refusal: refusal(code, message) };
}

/** Of `user:hash` the user. */
function withoutHash(identity: Identity): Identity {
  const { scheme, id } = identity;
  return scheme === 'digest' || scheme === 'scrypt' ? { scheme, id: id.split(':', 1).join() } : identity;
}

/** What a name, and a Stat, take in an answer besides the name itself. */
const NAME_BYTES = 4;
const STAT_BYTES = 96;
