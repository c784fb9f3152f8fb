import {
  assert,
  type Request,
  type SessionId,
  type Stat,
  type Txn,
  type WriteResult,
  type Zxid,
} from '@zabra/model';
import { type Applied, applyTxn } from './apply.ts';
import { TREE_OPTIONS_DEFAULT, type TreeOptions } from './options.ts';
import { Pending } from './pending.ts';
import { type PrepareContext, type Prepared, prepare } from './prepare.ts';
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
    return new Tree(emptyState(), options);
  }

  /** From a snapshot taken at `zxid`, after a txn of `lastTimeMs`. The caller compares digests afterwards. */
  static restore(zxid: Zxid, lastTimeMs: number, options: Partial<TreeOptions> = {}): TreeRestorer {
    const restorer = new StateRestorer(zxid, lastTimeMs);
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
    return this.#state.nodeCount;
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

  get(path: string): { readonly data: Uint8Array; readonly stat: Stat } | undefined {
    const node = this.#state.node(path);
    return node === undefined ? undefined : { data: node.data, stat: node.stat() };
  }

  stat(path: string): Stat | undefined {
    return this.#state.node(path)?.stat();
  }

  /** Names in UTF-8 byte order. */
  children(path: string): { readonly names: readonly string[]; readonly stat: Stat } | undefined {
    const node = this.#state.node(path);
    return node === undefined ? undefined : { names: node.children?.namesInOrder() ?? [], stat: node.stat() };
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

/** Takes the entries of one snapshot in any order. `finish` asserts that they are whole. */
export interface TreeRestorer {
  add(entry: SnapshotEntry): void;
  finish(): Tree;
}
