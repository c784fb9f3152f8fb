import {
  ACL_OPEN,
  type Acl,
  assert,
  NO_SESSION,
  nameOf,
  PERMISSIONS,
  parentOf,
  type SessionId,
  type Stat,
  type WriteResult,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import { Digest } from './digest.ts';
import { byCodeUnits, internAcl, NO_DATA, Node, nextVersion, ownBytes } from './node.ts';
import { formatUse, limitsTarget, OWN_PATH, parseQuota, type Quota, statsTarget, type Use } from './quota.ts';
import type { ReapFacts, ReapNews } from './reap.ts';
import { Session, type StoredResult } from './session.ts';

/** These always exist and are never deleted, as in ZooKeeper. */
export const RESERVED_PATHS: readonly string[] = ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'];

/** A node as of a change, for those who are told of it. */
export interface Changed {
  readonly stat: Stat;
  readonly acl: readonly Acl[];
}

/** A node that came or went, and who may know of it: by its own ACL and by its parent's. */
export interface Moved {
  readonly acl: readonly Acl[];
  readonly parentAcl: readonly Acl[];
}

/** Is told of each node and session before it changes, as long as a snapshot is being taken. */
export interface PreImageKeeper {
  keepNode(path: string, node: Node): void;
  keepSession(session: Session): void;
}

/**
 * What the history up to `appliedZxid` has made: nodes, sessions, stored results. Every change goes through a method
 * here, which keeps the digest right and tells a running snapshot first. Methods assert what prepare has checked: a txn
 * that doesn't fit means that this server's history is not the leader's.
 */
export class State {
  appliedZxid: Zxid = ZXID_NONE;
  /** Time of the last txn; times never go back. */
  lastTimeMs = 0;
  nodeCount = 0;
  readonly root: Node = new Node(NO_DATA, ACL_OPEN);
  readonly sessions: Map<SessionId, Session> = new Map<SessionId, Session>();
  readonly digest: Digest = new Digest();
  /** By the top of their subtree. */
  readonly quotas: Map<string, Quota> = new Map<string, Quota>();
  /** Paths. */
  readonly containers: Set<string> = new Set<string>();
  /** Paths. */
  readonly ttlNodes: Set<string> = new Set<string>();
  #reapNews: { readonly written: string[]; readonly emptied: string[] } | undefined = undefined;
  snapshot: PreImageKeeper | undefined = undefined;
  /** Of the last snapshot begun. What comes into being afterwards is marked with it: that snapshot must not have it. */
  snapshotNumber = 0;

  node(path: string): Node | undefined {
    if (path === '/') return this.root;
    let node: Node | undefined = this.root;
    let start = 1;
    while (node !== undefined) {
      const slash = path.indexOf('/', start);
      if (slash === -1) return node.child(path.slice(start));
      node = node.child(path.slice(start, slash));
      start = slash + 1;
    }
    return undefined;
  }

  createNode(create: {
    readonly path: string;
    readonly data: Uint8Array;
    readonly acl: readonly Acl[];
    readonly ephemeralOwner: SessionId;
    readonly ttlMs: number;
    readonly container: boolean;
    readonly zxid: Zxid;
    readonly timeMs: number;
  }): Changed & Moved {
    const { path, zxid } = create;
    const name = nameOf(path);
    const parentPath = parentOf(path);
    const parent = this.#parentCounting(path, 1, create.data.length);
    assert(parent.child(name) === undefined, 'a node is created once', { path, zxid });

    const node = new Node(ownBytes(create.data), internAcl(create.acl));
    node.czxid = zxid;
    node.mzxid = zxid;
    node.pzxid = zxid;
    node.ctimeMs = create.timeMs;
    node.mtimeMs = create.timeMs;
    node.snapshotMark = this.snapshotNumber;
    node.ephemeralOwner = create.ephemeralOwner;
    node.ttlMs = create.ttlMs;
    node.container = create.container;

    this.#beforeNode(parentPath, parent);
    parent.addChild(name, node);
    parent.countBelow(1, node.dataLength);
    parent.sequence++;
    parent.pzxid = zxid;
    this.digest.addNode(parent);

    this.enterNode(path, node);
    if (node.ephemeralOwner !== NO_SESSION) this.enterEphemeral(path, node.ephemeralOwner);
    if (isReapable(node)) this.#newsForReaper().written.push(path);
    return { stat: node.stat(), acl: node.acl, parentAcl: parent.acl };
  }

  setNode(set: {
    readonly path: string;
    readonly data: Uint8Array;
    readonly version: number;
    readonly zxid: Zxid;
    readonly timeMs: number;
  }): Changed {
    const { path, version, zxid } = set;
    const node = this.#existing(path);
    assert(version === nextVersion(node.version), 'a version follows the one before', {
      path,
      version,
      zxid,
    });
    this.#beforeNode(path, node);
    const more = set.data.length - node.dataLength;
    if (more !== 0 && path !== '/') this.#parentCounting(path, 0, more).countBelow(0, more);
    node.data = ownBytes(set.data);
    node.version = version;
    node.mzxid = zxid;
    node.mtimeMs = set.timeMs;
    this.digest.hashContent(path, node);
    this.digest.addNode(node);
    this.#enterLimits(path, node);
    if (node.ttlMs > 0) this.#newsForReaper().written.push(path);
    return { stat: node.stat(), acl: node.acl };
  }

  setAcl(set: {
    readonly path: string;
    readonly acl: readonly Acl[];
    readonly aversion: number;
    readonly zxid: Zxid;
  }): Stat {
    const { path, aversion, zxid } = set;
    const node = this.#existing(path);
    assert(aversion === nextVersion(node.aversion), 'an aversion follows the one before', {
      path,
      aversion,
      zxid,
    });
    this.#beforeNode(path, node);
    node.acl = internAcl(set.acl);
    node.aversion = aversion;
    this.digest.hashContent(path, node);
    this.digest.addNode(node);
    if (node.ttlMs > 0) this.#newsForReaper().written.push(path);
    return node.stat();
  }

  /** Changes nothing that is replicated: only the leader's reaper counts from it. */
  touchNode(path: string): void {
    const node = this.#existing(path);
    assert(node.ttlMs > 0, 'a touched node has a TTL', { path });
    this.#newsForReaper().written.push(path);
  }

  deleteNode(path: string, zxid: Zxid): Moved {
    assert(!RESERVED_PATHS.includes(path), 'a reserved node stays', { path, zxid });
    const node = this.#existing(path);
    assert(node.childCount === 0, 'a deleted node has no children', { path, zxid });
    this.#beforeNode(path, node);
    this.#leaveIndexes(path, node);

    const parentPath = parentOf(path);
    const parent = this.#parentCounting(path, -1, -node.dataLength);
    this.#beforeNode(parentPath, parent);
    parent.countBelow(-1, -node.dataLength);
    parent.removeChild(nameOf(path));
    parent.pzxid = zxid;
    this.digest.addNode(parent);
    this.nodeCount--;
    if (parent.childCount === 0 && isReapable(parent)) this.#newsForReaper().emptied.push(parentPath);
    return { acl: node.acl, parentAcl: parent.acl };
  }

  /** What the leader's reaper must hear of the changes since it was taken last; undefined: nothing. */
  takeReapNews(): ReapNews | undefined {
    const news = this.#reapNews;
    this.#reapNews = undefined;
    return news;
  }

  reapFacts(path: string): ReapFacts | undefined {
    const node = this.node(path);
    if (node === undefined) return undefined;
    const { childCount, ttlMs } = node;
    if (node.container) return { kind: 'container', used: node.sequence > 0, childCount };
    return ttlMs > 0 ? { kind: 'ttl', ttlMs, childCount } : undefined;
  }

  /** Of what is applied; nothing where there is no such node. */
  use(target: string): Use {
    const node = this.node(target);
    if (node === undefined) return { count: 0, bytes: 0 };
    const count = node.descendants + 1;
    const bytes = node.bytesBelow + node.dataLength;
    if (target !== '/') return { count, bytes };
    const own = this.#existing(OWN_PATH);
    return { count: count - own.descendants - 1, bytes: bytes - own.bytesBelow - own.dataLength };
  }

  /** What a read of the node gives: the statistics of a quota are made as they are asked for. */
  dataOf(path: string, node: Node): Uint8Array {
    const target = statsTarget(path);
    return target === undefined ? node.data : formatUse(this.use(target));
  }

  /** The names of its children in UTF-8 byte order; none where there is no such node. */
  childNames(path: string): readonly string[] {
    return this.node(path)?.children?.namesInOrder() ?? [];
  }

  createSession(id: SessionId, timeoutMs: number, passwordHash: Uint8Array, nonce: string): void {
    assert(id !== NO_SESSION && !this.sessions.has(id), 'a session id is new', { id });
    const session = new Session(id, timeoutMs, ownBytes(passwordHash), nonce);
    session.snapshotMark = this.snapshotNumber;
    this.enterSession(session);
  }

  /** The former instance's results go with it: its numbers mean nothing to the new one. */
  attachSession(id: SessionId, nonce: string): void {
    const session = this.#existingSession(id);
    this.#beforeSession(session);
    this.#forgetResults(session);
    session.nonce = nonce;
    session.answeredThrough = 0;
    session.lastRequestNo = 0;
    this.digest.hashIdentity(session);
    this.digest.addSession(session);
  }

  /** Deletes the session's ephemerals in path order and answers them. */
  closeSession(id: SessionId, zxid: Zxid): readonly (Moved & { readonly path: string })[] {
    const session = this.#existingSession(id);
    const paths = [...session.ephemerals].sort(byCodeUnits);
    const gone = paths.map((path) => ({ path, ...this.deleteNode(path, zxid) }));
    this.#beforeSession(session);
    this.#forgetResults(session);
    this.sessions.delete(id);
    return gone;
  }

  /** Enters a numbered write in the exactly-once table and lets go of what the client knows by now. */
  keepResult(write: {
    readonly sessionId: SessionId;
    readonly requestNo: number;
    readonly answeredThrough: number;
    readonly requestHash: number;
    readonly result: WriteResult;
  }): void {
    const { sessionId, requestNo, requestHash, result } = write;
    const session = this.#existingSession(sessionId);
    assert(requestNo > session.answeredThrough, 'a number above the watermark', { sessionId, requestNo });
    assert(!session.results.has(requestNo), 'a numbered write happens once', { sessionId, requestNo });
    this.#beforeSession(session);
    this.#pruneResults(session, write.answeredThrough);
    this.digest.addSession(session);
    this.enterResult(session, { requestNo, requestHash, result });
  }

  /** Enters a node whose fields are all set and whose parent has it already. */
  enterNode(path: string, node: Node): void {
    this.digest.hashContent(path, node);
    this.digest.addNode(node);
    this.nodeCount++;
    if (node.container) this.containers.add(path);
    if (node.ttlMs > 0) this.ttlNodes.add(path);
    this.#enterLimits(path, node);
  }

  /** Counts anew what is below each node: for nodes that were entered in any order. */
  countAll(): void {
    countBelow(this.root);
  }

  enterEphemeral(path: string, owner: SessionId): void {
    this.#existingSession(owner).ephemerals.add(path);
  }

  enterSession(session: Session): void {
    this.sessions.set(session.id, session);
    this.digest.hashIdentity(session);
    this.digest.addSession(session);
  }

  enterResult(session: Session, stored: StoredResult): void {
    session.lastRequestNo = Math.max(session.lastRequestNo, stored.requestNo);
    const { requestNo, requestHash, result } = stored;
    const { a, b } = this.digest.hashResult(session.id, stored);
    session.results.set(requestNo, { requestNo, requestHash, result, hashA: a, hashB: b });
    this.digest.addHash(a, b);
  }

  /** The parent of this node, after each node above that one took note of what is more below it. */
  #parentCounting(path: string, count: number, bytes: number): Node {
    let node = this.root;
    let start = 1;
    for (;;) {
      const slash = path.indexOf('/', start);
      if (slash === -1) return node;
      const next = node.child(path.slice(start, slash));
      assert(next !== undefined, 'the parent of a changed node exists', {
        path,
        appliedZxid: this.appliedZxid,
      });
      node.countBelow(count, bytes);
      node = next;
      start = slash + 1;
    }
  }

  #leaveIndexes(path: string, node: Node): void {
    if (node.ephemeralOwner !== NO_SESSION)
      this.#existingSession(node.ephemeralOwner).ephemerals.delete(path);
    if (node.container) this.containers.delete(path);
    if (node.ttlMs > 0) this.ttlNodes.delete(path);
    const target = limitsTarget(path);
    if (target !== undefined) this.quotas.delete(target);
  }

  #enterLimits(path: string, node: Node): void {
    const target = limitsTarget(path);
    if (target === undefined) return;
    // What prepare would not take today may be in an old history: it limits nothing.
    const quota = parseQuota(node.data);
    if (quota === undefined) this.quotas.delete(target);
    else this.quotas.set(target, quota);
  }

  #newsForReaper(): { readonly written: string[]; readonly emptied: string[] } {
    this.#reapNews ??= { written: [], emptied: [] };
    return this.#reapNews;
  }

  #existing(path: string): Node {
    const node = this.node(path);
    assert(node !== undefined, 'a changed node exists', { path, appliedZxid: this.appliedZxid });
    return node;
  }

  #existingSession(id: SessionId): Session {
    const session = this.sessions.get(id);
    assert(session !== undefined, 'a changed session exists', { id, appliedZxid: this.appliedZxid });
    return session;
  }

  /** Must come before each change of a node: afterwards it is out of the digest until `addNode`. */
  #beforeNode(path: string, node: Node): void {
    this.snapshot?.keepNode(path, node);
    this.digest.removeNode(node);
  }

  #beforeSession(session: Session): void {
    this.snapshot?.keepSession(session);
    this.digest.removeSession(session);
  }

  #forgetResults(session: Session): void {
    for (const kept of session.results.values()) this.digest.removeHash(kept.hashA, kept.hashB);
    session.results.clear();
  }

  #pruneResults(session: Session, answeredThrough: number): void {
    const from = session.answeredThrough;
    if (answeredThrough <= from) return;
    session.answeredThrough = answeredThrough;
    // The shorter of two ways: a client may leave out as many numbers as it likes.
    if (answeredThrough - from <= session.results.size) {
      for (let requestNo = from + 1; requestNo <= answeredThrough; requestNo++)
        this.#forgetResult(session, requestNo);
    } else {
      for (const requestNo of session.results.keys()) {
        if (requestNo <= answeredThrough) this.#forgetResult(session, requestNo);
      }
    }
  }

  #forgetResult(session: Session, requestNo: number): void {
    const kept = session.results.get(requestNo);
    if (kept === undefined) return;
    this.digest.removeHash(kept.hashA, kept.hashB);
    session.results.delete(requestNo);
  }
}

/** Before the first txn. The reserved nodes were made by none: their zxids, times and counters are 0. */
export function emptyState(): State {
  const state = new State();
  for (const path of RESERVED_PATHS) {
    const node =
      path === '/' ? state.root : new Node(NO_DATA, path === CONFIG_PATH ? ACL_READ_ONLY : ACL_OPEN);
    if (path !== '/') state.node(parentOf(path))?.addChild(nameOf(path), node);
    state.enterNode(path, node);
  }
  state.countAll();
  return state;
}

function isReapable(node: Node): boolean {
  return node.container || node.ttlMs > 0;
}

/** As deep as paths may be, so recursion is safe. */
function countBelow(node: Node): void {
  if (node.children === undefined) return;
  node.children.descendants = 0;
  node.children.bytesBelow = 0;
  for (const child of node.children.byName.values()) {
    countBelow(child);
    node.countBelow(1 + child.descendants, child.dataLength + child.bytesBelow);
  }
}

const CONFIG_PATH = '/zookeeper/config';
const ACL_READ_ONLY: readonly Acl[] = [{ perms: PERMISSIONS.read, scheme: 'world', id: 'anyone' }];
