import {
  type Acl,
  assert,
  type Request,
  type SessionId,
  type Stat,
  type Txn,
  type WriteResult,
  type Zxid,
} from '@zabra/model';
import { type Applied, applyTxn } from './apply.ts';
import { byCodeUnits } from './node.ts';
import { NO_SLOT } from './node-records.ts';
import { TREE_OPTIONS_DEFAULT, type TreeOptions } from './options.ts';
import { Pending } from './pending.ts';
import { type PrepareContext, type Prepared, prepare } from './prepare.ts';
import { statsTarget } from './quota.ts';
import type { ReapFacts } from './reap.ts';
import { StateRestorer } from './restore.ts';
import type { SessionView } from './session.ts';
import { Snapshot, type SnapshotCursor, type SnapshotEntry } from './snapshot.ts';
import { emptyState, type State } from './state.ts';

/**
 * The replicated state machine: a tree of znodes, the sessions, and the results of their numbered writes.
 *
 * ```
 * leader:        request ── prepare ──▶ txn, proposed at nextZxid; its effect is pending
 * every server:  txn, committed and durable ── apply ──▶ state at zxid, events, result
 * ```
 *
 * `prepare` decides, `apply` only does: whatever could come out differently on two servers (a version, a name, a time) is
 * settled in the txn. Synchronous and deterministic; equal histories give equal digests. What it hands out is never
 * written into afterwards, and must not be by the caller.
 */
export class Tree {
  readonly #state: State;
  readonly #pending: Pending;
  readonly #options: TreeOptions;

  private constructor(state: State, options: Partial<TreeOptions>) {
    this.#state = state;
    this.#pending = new Pending(state);
    this.#options = { ...TREE_OPTIONS_DEFAULT, ...options };
  }

  /** Before the first txn: the root and the reserved nodes under `/zookeeper`. */
  static empty(options: Partial<TreeOptions> = {}): Tree {
    return new Tree(emptyState(options.hashSeed ?? TREE_OPTIONS_DEFAULT.hashSeed), options);
  }

  /**
   * From a snapshot taken at `zxid`, after a txn of `lastTimeMs`. The caller compares digests afterwards. Room for
   * `expectedNodes` from the start saves time.
   */
  static restore(
    zxid: Zxid,
    lastTimeMs: number,
    options: Partial<TreeOptions> = {},
    expectedNodes = 0,
  ): TreeRestorer {
    const { hashSeed = TREE_OPTIONS_DEFAULT.hashSeed } = options;
    const restorer = new StateRestorer(zxid, lastTimeMs, { hashSeed, expectedNodes });
    return {
      add: (entry) => restorer.add(entry),
      finish: () => new Tree(restorer.finish(), options),
    };
  }

  get appliedZxid(): Zxid {
    return this.#state.appliedZxid;
  }

  /** Time of the last txn applied, ms since 1970; a snapshot must keep it. */
  get lastTimeMs(): number {
    return this.#state.lastTimeMs;
  }

  /** The root and the reserved nodes included. */
  get nodeCount(): number {
    return this.#state.nodes.size;
  }

  /** Of the data of all nodes. */
  get dataBytes(): number {
    return this.#state.use('/').bytes;
  }

  get sessionCount(): number {
    return this.#state.sessions.size;
  }

  /** Of the state at `appliedZxid`, in 16 hex digits. */
  digest(): string {
    return this.#state.digest.toString();
  }

  /** Leader only: judges a request against what is applied and pending. */
  prepare(request: Request, context: PrepareContext): Prepared {
    return prepare(this.#pending, this.#options, request, context);
  }

  /** Txns prepared and not applied yet. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** The role is lost: what was proposed may never be committed, or come back from another leader. */
  dropPending(): void {
    this.#pending.clear();
  }

  /** Every server, in the order of the history, for txns that are committed and durable in its own log. */
  apply(zxid: Zxid, txn: Txn): Applied {
    this.#advance(zxid);
    const applied = applyTxn(this.#state, zxid, txn);
    this.#pending.settle(zxid);
    return applied;
  }

  /** For records that are not the tree's (epoch start, configuration): only `appliedZxid` moves. */
  applyNothing(zxid: Zxid): void {
    this.#pending.assertAfter(zxid);
    this.#advance(zxid);
  }

  /**
   * A node, and by which ACL it may be read. The data of a quota's statistics is the present use of the subtree, whatever
   * was written; who may not read that subtree may not read its use either.
   */
  get(path: string): NodeView | undefined {
    const { nodes } = this.#state;
    const slot = nodes.find(path);
    if (slot === NO_SLOT) return undefined;
    const stat = nodes.stat(slot);
    const acl = nodes.acl(slot);
    const target = statsTarget(path);
    if (target === undefined) return { data: nodes.data(slot), stat, acl, alsoAcl: undefined };
    const data = this.#state.dataOf(path, slot);
    return {
      data,
      stat: { ...stat, dataLength: data.length },
      acl,
      alsoAcl: this.acl(target),
    };
  }

  stat(path: string): Stat | undefined {
    const slot = this.#state.find(path);
    return slot === NO_SLOT ? undefined : this.#state.nodes.stat(slot);
  }

  acl(path: string): readonly Acl[] | undefined {
    const slot = this.#state.find(path);
    return slot === NO_SLOT ? undefined : this.#state.nodes.acl(slot);
  }

  /** All children of a node, or a page of them, and by which ACL they may be listed. */
  children(path: string, { after, limit }: ChildrenPage = WHOLE): ChildrenView | undefined {
    const { nodes } = this.#state;
    const slot = nodes.find(path);
    if (slot === NO_SLOT) return undefined;
    // One more than is wanted shows whether there are more.
    const names = this.#state.childNames(slot, after, limit === 0 ? Number.POSITIVE_INFINITY : limit + 1);
    const more = limit > 0 && names.length > limit;
    if (more) names.pop();
    return { names, stat: nodes.stat(slot), acl: nodes.acl(slot), more };
  }

  /** How many nodes are below this one, itself not counted. Costs nothing. */
  descendants(path: string): number | undefined {
    const slot = this.#state.find(path);
    return slot === NO_SLOT ? undefined : this.#state.nodes.descendants(slot);
  }

  /** Paths of the session's ephemeral nodes that begin with these characters, in path order; none of no session. */
  ephemeralsOf(sessionId: SessionId, prefix = ''): readonly string[] {
    const session = this.#state.sessions.get(sessionId);
    return [...(session?.ephemerals ?? [])].filter((path) => path.startsWith(prefix)).sort(byCodeUnits);
  }

  /** Paths of all containers, in no order: what a new leader's reaper begins with. */
  *containers(): Generator<string> {
    yield* this.#state.containers;
  }

  /** All nodes with a TTL, in no order. */
  *ttlNodes(): Generator<{ readonly path: string; readonly ttlMs: number }> {
    for (const path of this.#state.ttlNodes) {
      const facts = this.#state.reapFacts(path);
      if (facts?.kind === 'ttl') yield { path, ttlMs: facts.ttlMs };
    }
  }

  /** Undefined for what is neither a container nor a node with a TTL. */
  reapFacts(path: string): ReapFacts | undefined {
    return this.#state.reapFacts(path);
  }

  session(id: SessionId): SessionView | undefined {
    return this.#state.sessions.get(id)?.view();
  }

  *sessions(): Generator<SessionView> {
    for (const session of this.#state.sessions.values()) yield session.view();
  }

  /** The outcome of a numbered write of the instance that holds the session; undefined once the client knows it. */
  storedResult(sessionId: SessionId, nonce: string, requestNo: number): WriteResult | undefined {
    const session = this.#state.sessions.get(sessionId);
    return session?.nonce === nonce ? session.results.get(requestNo)?.result : undefined;
  }

  /** The tree as it is now, to be handed out piece by piece while txns go on. One at a time. */
  beginSnapshot(): SnapshotCursor {
    assert(this.#state.snapshot === undefined, 'one snapshot is taken at a time', { zxid: this.appliedZxid });
    return new Snapshot(this.#state);
  }

  #advance(zxid: Zxid): void {
    assert(zxid > this.appliedZxid, 'the tree moves forward in the history', {
      applied: this.appliedZxid,
      zxid,
    });
    this.#state.appliedZxid = zxid;
  }
}

export interface NodeView {
  readonly data: Uint8Array;
  readonly stat: Stat;
  readonly acl: readonly Acl[];
  /** Of another node that the data tell of: who reads them needs READ by this one, too. */
  readonly alsoAcl: readonly Acl[] | undefined;
}

export interface ChildrenView {
  /** In UTF-8 byte order. */
  readonly names: readonly string[];
  readonly stat: Stat;
  readonly acl: readonly Acl[];
  /** There are names behind the last of this page. */
  readonly more: boolean;
}

export interface ChildrenPage {
  /** The page begins behind this name, whether or not there is one; empty: at the first. */
  readonly after: string;
  /** At most so many names; 0: all. */
  readonly limit: number;
}

const WHOLE: ChildrenPage = { after: '', limit: 0 };

/** Takes the entries of one snapshot in any order. `finish` asserts that they are whole. */
export interface TreeRestorer {
  add(entry: SnapshotEntry): void;
  finish(): Tree;
}
