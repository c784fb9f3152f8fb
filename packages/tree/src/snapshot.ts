import { type Acl, joinPath, type SessionId, type Zxid } from '@zabra/model';
import type { Slot } from './node-records.ts';
import { ROOT } from './node-store.ts';
import { ReadingPool } from './reading-pool.ts';
import type { Session, StoredResult } from './session.ts';
import type { PreImageKeeper, State } from './state.ts';
import { TreeWalk } from './tree-walk.ts';

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
  /** Their data has a pool of its own: among what others read it would keep that in memory. */
  readonly #preImageData = new ReadingPool();
  /** An iterator of a Map goes on rightly when entries come and go between two steps. */
  #sessions: Iterator<Session>;
  /** Meets each node that is there from beginning to end. What comes meanwhile is marked: it is newer than the snapshot. */
  #walk: TreeWalk | undefined;

  constructor(state: State) {
    this.#state = state;
    this.#number = ++state.snapshotNumber;
    this.zxid = state.appliedZxid;
    this.digest = state.digest.toString();
    this.lastTimeMs = state.lastTimeMs;
    this.#sessions = state.sessions.values();
    state.nodes.wipeMarks();
    this.#walk = new TreeWalk(state.nodes);
    state.snapshot = this;
  }

  next(max: number): readonly SnapshotEntry[] {
    const entries = this.#preImages.splice(-max, max);
    for (const entry of entries) this.preImageBytes -= bytesOf(entry);
    // Sessions first: under load each of them changes soon.
    while (entries.length < max) {
      const next = this.#sessions.next();
      if (next.done === true) break;
      if (next.value.snapshotMark !== this.#number) entries.push(this.#takeSession(next.value));
    }
    if (entries.length < max) this.#takeNodes(entries, max);
    return entries;
  }

  abandon(): void {
    this.#leave();
    this.#preImages = [];
    this.preImageBytes = 0;
    this.#sessions = NO_SESSIONS.values();
    this.#walk = undefined;
  }

  keepNode(path: string, slot: Slot): void {
    if (this.#state.nodes.isMarked(slot)) return;
    this.#keep(this.#take(path, slot, this.#preImageData));
  }

  keepSession(session: Session): void {
    if (session.snapshotMark === this.#number) return;
    this.#keep(this.#takeSession(session));
  }

  #keep(entry: SnapshotEntry): void {
    this.#preImages.push(entry);
    this.preImageBytes += bytesOf(entry);
  }

  /** Adds nodes that are not marked yet. */
  #takeNodes(entries: SnapshotEntry[], max: number): void {
    const { nodes } = this.#state;
    this.#walk?.go(max - entries.length, (slot, parentPath) => {
      if (!nodes.isMarked(slot)) {
        const path = slot === ROOT ? '/' : joinPath(parentPath, nodes.name(slot));
        entries.push(this.#take(path, slot));
      }
      return entries.length < max;
    });
    if (this.#walk?.isOver === true) this.#leave();
  }

  #take(path: string, slot: Slot, pool?: ReadingPool): SnapshotEntry {
    const { nodes } = this.#state;
    nodes.mark(slot);
    const { ephemeralOwner, ttlMs, container } = nodes.lifetime(slot);
    return {
      kind: 'node',
      path,
      data: nodes.data(slot, pool),
      acl: nodes.acl(slot),
      czxid: nodes.czxid(slot),
      mzxid: nodes.mzxid(slot),
      pzxid: nodes.pzxid(slot),
      ctimeMs: nodes.ctimeMs(slot),
      mtimeMs: nodes.mtimeMs(slot),
      version: nodes.version(slot),
      aversion: nodes.aversion(slot),
      ephemeralOwner,
      sequence: nodes.sequence(slot),
      ttlMs,
      container,
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

const NO_SESSIONS: ReadonlyMap<SessionId, Session> = new Map();

function bytesOf(entry: SnapshotEntry): number {
  return ENTRY_BYTES + (entry.kind === 'node' ? entry.data.length : entry.results.length * ENTRY_BYTES);
}
