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
import { byCodeUnits, internAcl, NO_DATA, nextVersion, ownBytes } from './node.ts';
import { NO_SLOT, type Slot } from './node-records.ts';
import { LIFETIME_UNLIMITED, type Lifetime, NodeStore, ROOT } from './node-store.ts';
import type { NodeFacts } from './pending-node.ts';
import { formatUse, limitsTarget, OWN_PATH, parseQuota, type Quota, statsTarget, type Use } from './quota.ts';
import type { ReapFacts, ReapNews } from './reap.ts';
import { resultBytes } from './result-size.ts';
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
  keepNode(path: string, slot: Slot): void;
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
  readonly nodes: NodeStore;
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
  /** Of the last snapshot begun. A session that comes afterwards is marked with it: that snapshot must not have it. */
  snapshotNumber = 0;

  /** Both are {@link NodeStore}'s. */
  constructor(options: { readonly hashSeed?: number; readonly expectedNodes?: number } = {}) {
    this.nodes = new NodeStore(options);
  }

  /** A slot is valid until the next deletion. {@link NO_SLOT} when there is no such node. */
  find(path: string): Slot {
    return this.nodes.find(path);
  }

  /** What the checks of a write need to know of the node, as it is now. */
  facts(path: string): NodeFacts | undefined {
    const { nodes } = this;
    const slot = nodes.find(path);
    if (slot === NO_SLOT) return undefined;
    const { ephemeralOwner, ttlMs, container } = nodes.lifetime(slot);
    return {
      version: nodes.version(slot),
      aversion: nodes.aversion(slot),
      sequence: nodes.sequence(slot),
      childCount: nodes.childCount(slot),
      ephemeralOwner,
      acl: nodes.acl(slot),
      ttlMs,
      container,
      dataLength: nodes.dataLength(slot),
    };
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
    const { path, data, zxid, ephemeralOwner } = create;
    const { nodes } = this;
    const parent = nodes.findParent(path);
    assert(parent !== NO_SLOT, 'the parent of a created node exists', { path, zxid });
    this.#beforeNode(parentOf(path), parent);

    const slot = nodes.addAt(parent, path, path.lastIndexOf('/') + 1, {
      data,
      acl: internAcl(create.acl),
      lifetime: lifetimeOf(create),
      czxid: zxid,
      ctimeMs: create.timeMs,
    });
    nodes.mark(slot);
    nodes.setSequence(parent, nodes.sequence(parent) + 1);
    nodes.setPzxid(parent, zxid);
    this.digest.addNode(nodes, parent);

    this.enterNode(slot, path, data);
    if (ephemeralOwner !== NO_SESSION) this.enterEphemeral(path, ephemeralOwner);
    if (create.container || create.ttlMs > 0) this.#newsForReaper().written.push(path);
    return { stat: nodes.stat(slot), acl: nodes.acl(slot), parentAcl: nodes.acl(parent) };
  }

  setNode(set: {
    readonly path: string;
    readonly data: Uint8Array;
    readonly version: number;
    readonly zxid: Zxid;
    readonly timeMs: number;
  }): Changed {
    const { path, data, version, zxid } = set;
    const { nodes } = this;
    const slot = this.#existing(path);
    assert(version === nextVersion(nodes.version(slot)), 'a version follows the one before', {
      path,
      version,
      zxid,
    });
    this.#beforeNode(path, slot);
    nodes.setData(slot, data);
    nodes.setVersion(slot, version);
    nodes.setMzxid(slot, zxid);
    nodes.setMtimeMs(slot, set.timeMs);
    this.digest.hashContent(nodes, slot, path, data);
    this.digest.addNode(nodes, slot);
    this.#enterLimits(path, data);
    if (nodes.lifetime(slot).ttlMs > 0) this.#newsForReaper().written.push(path);
    return { stat: nodes.stat(slot), acl: nodes.acl(slot) };
  }

  setAcl(set: {
    readonly path: string;
    readonly acl: readonly Acl[];
    readonly aversion: number;
    readonly zxid: Zxid;
  }): Stat {
    const { path, aversion, zxid } = set;
    const { nodes } = this;
    const slot = this.#existing(path);
    assert(aversion === nextVersion(nodes.aversion(slot)), 'an aversion follows the one before', {
      path,
      aversion,
      zxid,
    });
    this.#beforeNode(path, slot);
    nodes.setAcl(slot, internAcl(set.acl));
    nodes.setAversion(slot, aversion);
    this.digest.hashContent(nodes, slot, path, nodes.data(slot));
    this.digest.addNode(nodes, slot);
    if (nodes.lifetime(slot).ttlMs > 0) this.#newsForReaper().written.push(path);
    return nodes.stat(slot);
  }

  /** Changes nothing that is replicated: only the leader's reaper counts from it. */
  touchNode(path: string): void {
    const { ttlMs } = this.nodes.lifetime(this.#existing(path));
    assert(ttlMs > 0, 'a touched node has a TTL', { path });
    this.#newsForReaper().written.push(path);
  }

  deleteNode(path: string, zxid: Zxid): Moved {
    assert(!RESERVED_PATHS.includes(path), 'a reserved node stays', { path, zxid });
    const { nodes } = this;
    const slot = this.#existing(path);
    assert(nodes.childCount(slot) === 0, 'a deleted node has no children', { path, zxid });
    this.#beforeNode(path, slot);
    this.#leaveIndexes(path, nodes.lifetime(slot));

    const parentPath = parentOf(path);
    const parent = nodes.parent(slot);
    this.#beforeNode(parentPath, parent);
    const acl = nodes.acl(slot);
    nodes.remove(slot);
    nodes.setPzxid(parent, zxid);
    this.digest.addNode(nodes, parent);
    if (nodes.childCount(parent) === 0) {
      const { container, ttlMs } = nodes.lifetime(parent);
      if (container || ttlMs > 0) this.#newsForReaper().emptied.push(parentPath);
    }
    return { acl, parentAcl: nodes.acl(parent) };
  }

  /** What the leader's reaper must hear of the changes since it was taken last; undefined: nothing. */
  takeReapNews(): ReapNews | undefined {
    const news = this.#reapNews;
    this.#reapNews = undefined;
    return news;
  }

  reapFacts(path: string): ReapFacts | undefined {
    const node = this.facts(path);
    if (node === undefined) return undefined;
    const { childCount, ttlMs } = node;
    if (node.container) return { kind: 'container', used: node.sequence > 0, childCount };
    return ttlMs > 0 ? { kind: 'ttl', ttlMs, childCount } : undefined;
  }

  /** Of what is applied; nothing where there is no such node. */
  use(target: string): Use {
    const slot = this.find(target);
    if (slot === NO_SLOT) return { count: 0, bytes: 0 };
    const { count, bytes } = this.#useOf(slot);
    if (target !== '/') return { count, bytes };
    const own = this.#useOf(this.#existing(OWN_PATH));
    return { count: count - own.count, bytes: bytes - own.bytes };
  }

  /** What a read of the node gives: the statistics of a quota are made as they are asked for. */
  dataOf(path: string, slot: Slot): Uint8Array {
    const target = statsTarget(path);
    return target === undefined ? this.nodes.data(slot) : formatUse(this.use(target));
  }

  /** The names of its children in UTF-8 byte order, at most `limit`, from the first one behind `after`; '': from the first. */
  childNames(slot: Slot, after: string, limit: number): string[] {
    const { nodes } = this;
    return nodes.children(slot, { after, limit }).map((child) => nodes.name(child));
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

  /** Enters a node that is in the store with all its fields. `path` and `data` are its own. */
  enterNode(slot: Slot, path: string, data: Uint8Array): void {
    const { nodes } = this;
    this.digest.hashContent(nodes, slot, path, data);
    this.digest.addNode(nodes, slot);
    const { container, ttlMs } = nodes.lifetime(slot);
    if (container) this.containers.add(path);
    if (ttlMs > 0) this.ttlNodes.add(path);
    this.#enterLimits(path, data);
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
    session.resultBytes += resultBytes(result);
    this.digest.addHash(a, b);
  }

  #leaveIndexes(path: string, { ephemeralOwner, ttlMs, container }: Lifetime): void {
    if (ephemeralOwner !== NO_SESSION) this.#existingSession(ephemeralOwner).ephemerals.delete(path);
    if (container) this.containers.delete(path);
    if (ttlMs > 0) this.ttlNodes.delete(path);
    const target = limitsTarget(path);
    if (target !== undefined) this.quotas.delete(target);
  }

  #enterLimits(path: string, data: Uint8Array): void {
    const target = limitsTarget(path);
    if (target === undefined) return;
    // What prepare would not take today may be in an old history: it limits nothing.
    const quota = parseQuota(data);
    if (quota === undefined) this.quotas.delete(target);
    else this.quotas.set(target, quota);
  }

  #newsForReaper(): { readonly written: string[]; readonly emptied: string[] } {
    this.#reapNews ??= { written: [], emptied: [] };
    return this.#reapNews;
  }

  #useOf(slot: Slot): Use {
    const { nodes } = this;
    return { count: nodes.descendants(slot) + 1, bytes: nodes.bytesBelow(slot) + nodes.dataLength(slot) };
  }

  #existing(path: string): Slot {
    const slot = this.find(path);
    assert(slot !== NO_SLOT, 'a changed node exists', { path, appliedZxid: this.appliedZxid });
    return slot;
  }

  #existingSession(id: SessionId): Session {
    const session = this.sessions.get(id);
    assert(session !== undefined, 'a changed session exists', { id, appliedZxid: this.appliedZxid });
    return session;
  }

  /** Must come before each change of a node: afterwards it is out of the digest until `addNode`. */
  #beforeNode(path: string, slot: Slot): void {
    this.snapshot?.keepNode(path, slot);
    this.digest.removeNode(this.nodes, slot);
  }

  #beforeSession(session: Session): void {
    this.snapshot?.keepSession(session);
    this.digest.removeSession(session);
  }

  #forgetResults(session: Session): void {
    for (const kept of session.results.values()) this.digest.removeHash(kept.hashA, kept.hashB);
    session.results.clear();
    session.resultBytes = 0;
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
    session.resultBytes -= resultBytes(kept.result);
    session.results.delete(requestNo);
  }
}

/** Before the first txn. The reserved nodes were made by none: their zxids, times and counters are 0. */
export function emptyState(hashSeed: number): State {
  const state = new State({ hashSeed });
  for (const path of RESERVED_PATHS) {
    const slot = path === '/' ? ROOT : addReserved(state.nodes, path);
    state.enterNode(slot, path, NO_DATA);
  }
  return state;
}

function addReserved(nodes: NodeStore, path: string): Slot {
  return nodes.add(nodes.findParent(path), nameOf(path), {
    data: NO_DATA,
    acl: path === CONFIG_PATH ? ACL_READ_ONLY : ACL_OPEN,
    lifetime: LIFETIME_UNLIMITED,
    czxid: ZXID_NONE,
    ctimeMs: 0,
  });
}

/** Nearly all nodes have none of these, and share one record. */
export function lifetimeOf({ ephemeralOwner, ttlMs, container }: Lifetime): Lifetime {
  if (ephemeralOwner === NO_SESSION && ttlMs === 0 && !container) return LIFETIME_UNLIMITED;
  return { ephemeralOwner, ttlMs, container };
}

const CONFIG_PATH = '/zookeeper/config';
const ACL_READ_ONLY: readonly Acl[] = [{ perms: PERMISSIONS.read, scheme: 'world', id: 'anyone' }];
