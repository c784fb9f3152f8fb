import { type Acl, joinPath, type SessionId, type Zxid } from '@zabra/model';
import type { Node } from './node.ts';
import type { Session, StoredResult } from './session.ts';
import type { PreImageKeeper, State } from './state.ts';

/** One piece of a snapshot. A node names its whole path, so entries may come in any order. */
export type SnapshotEntry =
  | {
      readonly kind: 'node';
      readonly path: string;
      readonly data: Uint8Array;
      readonly acl: readonly Acl[];
      readonly czxid: Zxid;
      readonly mzxid: Zxid;
      readonly pzxid: Zxid;
      readonly ctimeMs: number;
      readonly mtimeMs: number;
      readonly version: number;
      readonly aversion: number;
      readonly ephemeralOwner: SessionId;
      /** Children ever created: the number of the next sequential one. */
      readonly sequence: number;
      /** 0: none. */
      readonly ttlMs: number;
      readonly container: boolean;
    }
  | {
      readonly kind: 'session';
      readonly id: SessionId;
      readonly timeoutMs: number;
      readonly passwordHash: Uint8Array;
      readonly nonce: string;
      readonly answeredThrough: number;
      readonly results: readonly StoredResult[];
    };

/**
 * Hands out the tree as it was at `zxid`, piece by piece, while txns go on being applied.
 *
 * A node or session that changes before it was handed out is kept as it was (its pre-image); one that comes into being
 * later is left out. So each entry is exact at `zxid` and comes once.
 */
export interface SnapshotCursor {
  readonly zxid: Zxid;
  /** Of the tree at `zxid`, in 16 hex digits. */
  readonly digest: string;
  /** Time of the last txn at `zxid`. */
  readonly lastTimeMs: number;
  /** Roughly, in memory: what changes have made it keep until it is handed out. */
  readonly preImageBytes: number;
  /** At most `max` entries; none when all were handed out. */
  next(max: number): readonly SnapshotEntry[];
  /** Lets go of everything; hands out nothing more. */
  abandon(): void;
}

/** What a kept entry takes beside its data or results, and what one stored result takes. */
const ENTRY_BYTES = 300;

export class Snapshot implements SnapshotCursor, PreImageKeeper {
  readonly zxid: Zxid;
  readonly digest: string;
  readonly lastTimeMs: number;
  preImageBytes = 0;
  readonly #state: State;
  readonly #number: number;
  #preImages: SnapshotEntry[] = [];
  #walk: Iterator<SnapshotEntry, undefined>;

  constructor(state: State) {
    this.#state = state;
    this.#number = ++state.snapshotNumber;
    this.zxid = state.appliedZxid;
    this.digest = state.digest.toString();
    this.lastTimeMs = state.lastTimeMs;
    this.#walk = this.#entries();
    state.snapshot = this;
  }

  next(max: number): readonly SnapshotEntry[] {
    const entries = this.#preImages.splice(-max, max);
    for (const entry of entries) this.preImageBytes -= bytesOf(entry);
    while (entries.length < max) {
      const next = this.#walk.next();
      if (next.done === true) {
        this.#leave();
        break;
      }
      entries.push(next.value);
    }
    return entries;
  }

  abandon(): void {
    this.#leave();
    this.#preImages = [];
    this.preImageBytes = 0;
    this.#walk = NOTHING;
  }

  keepNode(path: string, node: Node): void {
    if (node.snapshotMark === this.#number) return;
    this.#keep(this.#take(path, node));
  }

  keepSession(session: Session): void {
    if (session.snapshotMark === this.#number) return;
    this.#keep(this.#takeSession(session));
  }

  #keep(entry: SnapshotEntry): void {
    this.#preImages.push(entry);
    this.preImageBytes += bytesOf(entry);
  }

  /** All that is not marked yet. Iterators of a Map go on rightly when entries come and go between two steps. */
  *#entries(): Generator<SnapshotEntry, undefined> {
    // Sessions first: under load each of them changes soon.
    for (const session of this.#state.sessions.values()) {
      if (session.snapshotMark !== this.#number) yield this.#takeSession(session);
    }
    if (this.#state.root.snapshotMark !== this.#number) yield this.#take('/', this.#state.root);
    // A stack instead of recursion: each step would pass through all generators above it.
    const stack = [childrenOf('/', this.#state.root)];
    for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
      const next = level.children.next();
      if (next.done === true) {
        stack.pop();
        continue;
      }
      const [name, node] = next.value;
      const path = joinPath(level.path, name);
      if (node.snapshotMark !== this.#number) yield this.#take(path, node);
      // Below a node that is newer than the snapshot everything is.
      if (node.czxid <= this.zxid && node.children !== undefined) stack.push(childrenOf(path, node));
    }
    return undefined;
  }

  #take(path: string, node: Node): SnapshotEntry {
    node.snapshotMark = this.#number;
    return {
      kind: 'node',
      path,
      data: node.data,
      acl: node.acl,
      czxid: node.czxid,
      mzxid: node.mzxid,
      pzxid: node.pzxid,
      ctimeMs: node.ctimeMs,
      mtimeMs: node.mtimeMs,
      version: node.version,
      aversion: node.aversion,
      ephemeralOwner: node.ephemeralOwner,
      sequence: node.sequence,
      ttlMs: node.ttlMs,
      container: node.container,
    };
  }

  #takeSession(session: Session): SnapshotEntry {
    session.snapshotMark = this.#number;
    const isForgotten = globalThis.__ZABRA_MUTANT__ === 'dedupe-forgotten-in-snapshot';
    return {
      kind: 'session',
      id: session.id,
      timeoutMs: session.timeoutMs,
      passwordHash: session.passwordHash,
      nonce: session.nonce,
      answeredThrough: session.answeredThrough,
      results: isForgotten ? [] : [...session.results.values()],
    };
  }

  #leave(): void {
    if (this.#state.snapshot === this) this.#state.snapshot = undefined;
  }
}

const NOTHING: Iterator<SnapshotEntry, undefined> = { next: () => ({ done: true, value: undefined }) };

function childrenOf(
  path: string,
  node: Node,
): { readonly path: string; readonly children: Iterator<[string, Node]> } {
  return { path, children: (node.children?.byName ?? new Map<string, Node>()).entries() };
}

function bytesOf(entry: SnapshotEntry): number {
  return ENTRY_BYTES + (entry.kind === 'node' ? entry.data.length : entry.results.length * ENTRY_BYTES);
}
