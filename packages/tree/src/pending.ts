import {
  type Acl,
  assert,
  NO_SESSION,
  nameOf,
  parentOf,
  type SessionId,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import { nextVersion } from './node.ts';
import { NO_SLOT } from './node-records.ts';
import { type NodeFacts, PendingNode } from './pending-node.ts';
import { PendingQuotas } from './pending-quotas.ts';
import { resultBytes } from './result-size.ts';
import type { State } from './state.ts';

/** What the checks of a write need to know of a session. */
export interface SessionFacts {
  readonly nonce: string;
  readonly answeredThrough: number;
  /** The highest number of this instance that is pending or stored. */
  readonly lastRequestNo: number;
  readonly ephemeralCount: number;
}

/** A numbered write that needs no second txn. */
export interface Twin {
  readonly zxid: Zxid;
  readonly requestHash: number;
}

interface PendingWrite extends Twin {
  readonly resultBytes: number;
}

/**
 * The leader's view of what it has proposed and not applied yet, laid over the applied state, so that a request sees
 * those before it. The newest record of a path or session counts; it goes when the txn that wrote it is applied, since
 * the state then says the same. One entry per txn, in zxid order, knows what that txn wrote.
 */
export class Pending {
  readonly #state: State;
  readonly #nodes = new Map<string, PendingNode>();
  readonly #sessions = new Map<SessionId, PendingSession>();
  readonly quotas: PendingQuotas;
  #entries: Entry[] = [];
  /** Entries before it are applied; they are cut off now and then, not one by one. */
  #head = 0;
  #looks = 0;
  /** While a transaction is tried: how to take back what it recorded, in the order in which it did. */
  #undo: (() => void)[] | undefined = undefined;

  constructor(state: State) {
    this.#state = state;
    this.quotas = new PendingQuotas(state, this.#nodes);
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** Nodes that pending recursive deletions have looked at, about: each looks at what those before it left behind. */
  get looks(): number {
    return this.#looks;
  }

  /** The entry's txn is a recursive deletion that lists, or would have listed, so many nodes. */
  recordLooks(listed: number): void {
    // Each record is looked at for the names below the path, and passed over where it is one of them.
    const looks = listed + 2 * this.#nodes.size;
    this.#newest().looks += looks;
    this.#looks += looks;
  }

  /** Time of the newest txn, pending or applied. */
  get lastTimeMs(): number {
    return this.#entries.at(-1)?.timeMs ?? this.#state.lastTimeMs;
  }

  node(path: string): NodeFacts | undefined {
    const record = this.#nodes.get(path);
    if (record === undefined) return this.#state.facts(path);
    return record.exists ? record : undefined;
  }

  /** A node that must be there. */
  existing(path: string): NodeFacts {
    const node = this.node(path);
    assert(node !== undefined, 'a recorded change is on a node that exists', { path });
    return node;
  }

  /** Does a pending txn change this node, or create or delete a child of it? */
  concerns(path: string): boolean {
    return this.#nodes.has(path);
  }

  /** By path: the names of children that pending txns made or removed, and whether each is there after them. */
  movedChildrenBelow(top: string): ReadonlyMap<string, ReadonlyMap<string, boolean>> {
    const moved = new Map<string, Map<string, boolean>>();
    const prefix = `${top}/`;
    for (const [path, { exists }] of this.#nodes) {
      if (!path.startsWith(prefix)) continue;
      const parentPath = parentOf(path);
      let names = moved.get(parentPath);
      if (names === undefined) {
        names = new Map();
        moved.set(parentPath, names);
      }
      names.set(nameOf(path), exists);
    }
    return moved;
  }

  /** The names of a node's children in the applied state, in UTF-8 byte order; none where there is no such node. */
  *appliedChildNames(path: string): Generator<string> {
    const slot = this.#state.find(path);
    if (slot === NO_SLOT) return;
    let after = '';
    for (;;) {
      const names = this.#state.childNames(slot, after, NAMES_AT_A_TIME);
      yield* names;
      if (names.length < NAMES_AT_A_TIME) return;
      after = names.at(-1) ?? '';
    }
  }

  /** Undefined when there is none, or it is about to be closed. */
  session(id: SessionId): SessionFacts | undefined {
    const record = this.#sessions.get(id);
    if (record === undefined) return this.#state.sessions.get(id);
    return record.isOpen ? record : undefined;
  }

  /** Is this id taken? One about to be closed still is: its successor would need the same place. */
  hasSession(id: SessionId): boolean {
    return this.#sessions.has(id) || this.#state.sessions.has(id);
  }

  /** The zxid from which on everything known of the session is applied. */
  sessionSettledAt(id: SessionId): Zxid {
    return this.#sessions.get(id)?.zxid ?? this.#state.appliedZxid;
  }

  /** The same number of the same instance, pending or stored. */
  twin(id: SessionId, requestNo: number): Twin | undefined {
    const record = this.#sessions.get(id);
    const pending = record?.writes.get(requestNo);
    if (pending !== undefined) return pending;
    // Until the pending attach is applied, the stored results are those of another instance.
    if (record !== undefined && record.instanceSince > this.#state.appliedZxid) return undefined;
    const stored = this.#state.sessions.get(id)?.results.get(requestNo);
    return stored === undefined ? undefined : { zxid: stored.result.zxid, requestHash: stored.requestHash };
  }

  /** What the results of the session's writes take, stored and to come, about. */
  resultBytes(id: SessionId): number {
    const stored = this.#state.sessions.get(id)?.resultBytes ?? 0;
    return stored + (this.#sessions.get(id)?.pendingResultBytes ?? 0);
  }

  /** Of them, those that stay once its client knows the answers through this number. */
  resultBytesAbove(id: SessionId, answeredThrough: number): number {
    let bytes = 0;
    for (const { requestNo, result } of this.#state.sessions.get(id)?.results.values() ?? []) {
      if (requestNo > answeredThrough) bytes += resultBytes(result);
    }
    for (const [requestNo, write] of this.#sessions.get(id)?.writes ?? []) {
      if (requestNo > answeredThrough) bytes += write.resultBytes;
    }
    return bytes;
  }

  /** Begins the entry of a txn; what is recorded from here on belongs to it. */
  begin(zxid: Zxid, timeMs: number): void {
    const last = this.#entries.at(-1)?.zxid ?? this.#state.appliedZxid;
    assert(zxid > last, 'pending changes come in zxid order', { last, zxid });
    this.#entries.push({ zxid, timeMs, paths: [], sessions: [], author: undefined, requestNo: 0, looks: 0 });
  }

  /** The entry's txn is this numbered write. */
  recordWrite(
    id: SessionId,
    write: {
      readonly requestNo: number;
      readonly requestHash: number;
      readonly answeredThrough: number;
      readonly resultBytes: number;
    },
  ): void {
    const entry = this.#newest();
    const session = this.#touch(id);
    entry.author = session;
    entry.requestNo = write.requestNo;
    const { requestHash } = write;
    session.writes.set(write.requestNo, { zxid: entry.zxid, requestHash, resultBytes: write.resultBytes });
    session.pendingResultBytes += write.resultBytes;
    session.answeredThrough = Math.max(session.answeredThrough, write.answeredThrough);
    session.lastRequestNo = Math.max(session.lastRequestNo, write.requestNo);
  }

  /** `parent`, and `node` in what follows: as they are before this change, with all that is pending. */
  recordCreate(path: string, parent: NodeFacts, create: NewNode): void {
    const { zxid } = this.#newest();
    const parentAfter = PendingNode.from(zxid, parent);
    parentAfter.sequence++;
    parentAfter.childCount++;
    this.#put(parentOf(path), parentAfter);

    const { ephemeralOwner, data } = create;
    const after = new PendingNode(zxid);
    after.ephemeralOwner = ephemeralOwner;
    after.acl = create.acl;
    after.ttlMs = create.ttlMs;
    after.container = create.container;
    after.dataLength = data.length;
    this.#put(path, after);
    this.#putData(path, data);
    if (ephemeralOwner === NO_SESSION) return;
    const owner = this.#countEphemeral(ephemeralOwner, 1);
    const createdBefore = owner.created.get(path);
    owner.created.set(path, zxid);
    this.#undo?.push(() => {
      if (createdBefore === undefined) owner.created.delete(path);
      else owner.created.set(path, createdBefore);
    });
  }

  recordSet(path: string, node: NodeFacts, data: Uint8Array): void {
    const after = PendingNode.from(this.#newest().zxid, node);
    after.version = nextVersion(node.version);
    after.dataLength = data.length;
    this.#put(path, after);
    this.#putData(path, data);
  }

  recordSetAcl(path: string, node: NodeFacts, acl: readonly Acl[]): void {
    const after = PendingNode.from(this.#newest().zxid, node);
    after.aversion = nextVersion(node.aversion);
    after.acl = acl;
    this.#put(path, after);
  }

  /** Nothing of the node changes, but the reaper must see that a txn concerns it. */
  recordTouch(path: string, node: NodeFacts): void {
    this.#put(path, PendingNode.from(this.#newest().zxid, node));
  }

  recordDelete(path: string, node: NodeFacts, parent: NodeFacts): void {
    const { ephemeralOwner } = node;
    const { zxid } = this.#newest();
    const parentAfter = PendingNode.from(zxid, parent);
    parentAfter.childCount--;
    this.#put(parentOf(path), parentAfter);
    this.#put(path, PendingNode.gone(zxid));
    this.#putData(path, undefined);
    if (ephemeralOwner !== NO_SESSION) this.#countEphemeral(ephemeralOwner, -1);
  }

  recordSession(id: SessionId, nonce: string): void {
    const session = this.#touch(id);
    session.isOpen = true;
    session.nonce = nonce;
    session.instanceSince = this.#newest().zxid;
    session.answeredThrough = 0;
    session.lastRequestNo = 0;
    session.writes = new Map();
    session.pendingResultBytes = 0;
  }

  recordClose(id: SessionId): void {
    const session = this.#touch(id);
    // A superset: created and deleted again, or applied already and in both lists.
    const candidates = new Set([
      ...(this.#state.sessions.get(id)?.ephemerals ?? []),
      ...session.created.keys(),
    ]);
    for (const path of candidates) {
      const node = this.node(path);
      if (node?.ephemeralOwner === id) this.recordDelete(path, node, this.existing(parentOf(path)));
    }
    session.isOpen = false;
  }

  /** `attempt` says whether what it recorded may stay; otherwise it is taken back. */
  allOrNothing(attempt: () => boolean): void {
    const undo: (() => void)[] = [];
    this.#undo = undo;
    const stays = attempt();
    this.#undo = undefined;
    if (stays) return;
    for (const takeBack of undo.reverse()) takeBack();
    this.#newest().paths.length = 0;
  }

  /** The oldest entry is applied: the state says now what its records said. */
  settle(zxid: Zxid): void {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return;
    assert(entry.zxid === zxid, 'pending changes are applied in the order in which they were prepared', {
      pending: entry.zxid,
      applied: zxid,
    });
    for (const path of entry.paths) {
      if (this.#nodes.get(path)?.zxid === zxid) this.#nodes.delete(path);
      this.quotas.settle(path, zxid);
      if (entry.author?.created.get(path) === zxid) entry.author.created.delete(path);
    }
    const write = entry.author?.writes.get(entry.requestNo);
    if (entry.author !== undefined && write?.zxid === zxid) {
      entry.author.writes.delete(entry.requestNo);
      entry.author.pendingResultBytes -= write.resultBytes;
    }
    for (const session of entry.sessions) {
      if (session.zxid === zxid) this.#sessions.delete(session.id);
    }
    this.#looks -= entry.looks;
    this.#dropHead();
  }

  /** A record of the history that was not prepared takes no place that a pending txn counts on. */
  assertAfter(zxid: Zxid): void {
    const first = this.#entries[this.#head]?.zxid;
    assert(first === undefined || first > zxid, 'pending changes are above what is applied', { first, zxid });
  }

  clear(): void {
    this.#nodes.clear();
    this.#sessions.clear();
    this.quotas.clear();
    this.#entries = [];
    this.#head = 0;
    this.#looks = 0;
  }

  #newest(): Entry {
    const entry = this.#entries.at(-1);
    assert(entry !== undefined, 'a change is recorded within an entry');
    return entry;
  }

  #put(path: string, node: PendingNode): void {
    if (this.quotas.isCounting) this.quotas.recordNode(path, this.node(path), node);
    const before = this.#nodes.get(path);
    this.#nodes.set(path, node);
    this.#newest().paths.push(path);
    this.#undo?.push(() => {
      if (before === undefined) this.#nodes.delete(path);
      else this.#nodes.set(path, before);
      // Every use that is there by now has this record in it, whether it was counted before or after.
      if (this.quotas.isCounting) this.quotas.takeBackNode(path, this.node(path), node);
    });
  }

  #putData(path: string, data: Uint8Array | undefined): void {
    const takeBack = this.quotas.recordData(path, data, this.#newest().zxid);
    if (takeBack !== undefined) this.#undo?.push(takeBack);
  }

  #countEphemeral(owner: SessionId, difference: 1 | -1): PendingSession {
    const session = this.#touch(owner);
    session.ephemeralCount += difference;
    this.#undo?.push(() => {
      session.ephemeralCount -= difference;
    });
    return session;
  }

  /** The session's record, made from the state when there is none, now held by the newest entry. */
  #touch(id: SessionId): PendingSession {
    const entry = this.#newest();
    let record = this.#sessions.get(id);
    if (record === undefined) {
      record = newRecord(id, this.#state.sessions.get(id));
      this.#sessions.set(id, record);
    }
    if (record.zxid !== entry.zxid) {
      record.zxid = entry.zxid;
      entry.sessions.push(record);
    }
    return record;
  }

  #dropHead(): void {
    this.#head++;
    if (this.#head === this.#entries.length) {
      this.#entries = [];
      this.#head = 0;
      this.quotas.forgetUses();
    } else if (this.#head >= HEAD_MAX && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** Who asks may stop before the end of a long list. */
const NAMES_AT_A_TIME = 128;

/** So many applied entries may linger before they are cut off. */
const HEAD_MAX = 1024;

/** A node about to be created. */
export interface NewNode {
  readonly data: Uint8Array;
  readonly acl: readonly Acl[];
  readonly ephemeralOwner: SessionId;
  readonly ttlMs: number;
  readonly container: boolean;
}

interface PendingSession extends SessionFacts {
  readonly id: SessionId;
  /** Of the newest txn that concerns the session. */
  zxid: Zxid;
  isOpen: boolean;
  nonce: string;
  /** The txn that brought this instance; 0 when it is the applied one. */
  instanceSince: Zxid;
  answeredThrough: number;
  lastRequestNo: number;
  ephemeralCount: number;
  /** Numbered writes of this instance. */
  writes: Map<number, PendingWrite>;
  /** What their results will take, about. */
  pendingResultBytes: number;
  /** Ephemerals created by pending txns (some may be deleted again), with the zxid of each. */
  readonly created: Map<string, Zxid>;
}

interface Entry {
  readonly zxid: Zxid;
  readonly timeMs: number;
  readonly paths: string[];
  readonly sessions: PendingSession[];
  /** Who wrote, and under which number; absent for session operations. */
  author: PendingSession | undefined;
  requestNo: number;
  looks: number;
}

function newRecord(id: SessionId, applied: SessionFacts | undefined): PendingSession {
  return {
    id,
    zxid: ZXID_NONE,
    isOpen: applied !== undefined,
    nonce: applied?.nonce ?? '',
    instanceSince: ZXID_NONE,
    answeredThrough: applied?.answeredThrough ?? 0,
    lastRequestNo: applied?.lastRequestNo ?? 0,
    ephemeralCount: applied?.ephemeralCount ?? 0,
    writes: new Map(),
    pendingResultBytes: 0,
    created: new Map(),
  };
}
