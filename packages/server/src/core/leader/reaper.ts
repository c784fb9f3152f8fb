import type { Applied, Tree } from '@zabra/tree';
import type { AttendedTime } from './attended-time.ts';
import { type Expiring, ExpiryBuckets } from './expiry-buckets.ts';

export interface ReaperOptions {
  readonly containerGraceMs: number;
  /** 0: a container that was never used stays. */
  readonly containerNeverUsedMs: number;
  readonly reapedPerSecondMax: number;
}

/** What the reaper needs of the tree. Its lists are read over many ticks, in which nodes come and go. */
export type ReapedTree = Pick<Tree, 'containers' | 'ttlNodes' | 'reapFacts'>;

/** One container or node with a TTL, until it was removed or its children keep it. */
interface Candidate extends Expiring {
  readonly path: string;
}

/**
 * Removes what asked to be removed: containers that have been empty for a while, nodes with a TTL that nobody wrote for so
 * long and that have no children. Of the leader only, in attended time, and never early: a new leader gives each its
 * whole time again, since it doesn't know when the time began.
 *
 * ```
 * known at the start ─┐                       ┌ reapable ──── proposed, at a bounded rate
 * created, written ───┼─ waits its whole time ┤ has children ─ forgotten until the last child goes
 * last child gone ────┘                       └ refused ────── looked at again
 * ```
 *
 * What is decided here is decided by the applied state; `prepare` judges again by what is pending. Memory is held for those
 * that wait only.
 */
export class Reaper {
  readonly #tree: ReapedTree;
  readonly #options: ReaperOptions;
  readonly #time: AttendedTime;
  readonly #candidates = new Map<string, Candidate>();
  readonly #buckets: ExpiryBuckets<Candidate>;
  /** What there was at the start, read a few at a time: there may be a million. */
  readonly #unread: Iterator<string>;
  #isRead = false;
  /** How many may be removed now, in fractions. */
  #allowance = 0;
  #allowedMs: number;

  constructor(tree: ReapedTree, options: ReaperOptions, time: AttendedTime) {
    this.#tree = tree;
    this.#options = options;
    this.#time = time;
    this.#allowedMs = time.nowMs;
    this.#buckets = new ExpiryBuckets(time.tickMs);
    this.#unread = pathsOf(tree);
  }

  /** How many nodes wait for their time. */
  get waiting(): number {
    return this.#candidates.size;
  }

  /** A txn was applied. Costs a look at `reapNews`, unless nodes went or it concerns the reaper. */
  applied({ events, reapNews }: Applied): void {
    if (this.#candidates.size > 0) {
      for (const { type, path } of events) if (type === 'deleted') this.#forget(path);
    }
    if (reapNews === undefined) return;
    for (const path of reapNews.written) this.#startAnew(path);
    for (const path of reapNews.emptied) this.#emptied(path);
  }

  /**
   * To be called at each tick. Asks `reap` for each node whose time is over, as long as the rate allows and there is `room`
   * among the proposals; it answers false when the node is not to go now.
   */
  tick(room: number, reap: (path: string) => boolean): void {
    this.#readOn();
    this.#allow();
    let left = Math.min(Math.floor(this.#allowance), room);
    if (left <= 0) return;
    for (const candidate of this.#buckets.due(this.#time.nowMs, LOOKS_PER_TICK_MAX)) {
      this.#candidates.delete(candidate.path);
      if (!this.#isReapable(candidate.path)) continue;
      if (reap(candidate.path)) this.#allowance--;
      else this.#wait(candidate.path, RETRY_MS);
      // What is refused counts too: judging it took its time.
      left--;
      if (left <= 0) return;
    }
  }

  #readOn(): void {
    for (let count = 0; count < READ_PER_TICK && !this.#isRead; count++) {
      const next = this.#unread.next();
      if (next.done === true) this.#isRead = true;
      // One that was written meanwhile waits already.
      else if (!this.#candidates.has(next.value)) this.#begin(next.value);
    }
  }

  #allow(): void {
    const { reapedPerSecondMax } = this.#options;
    const { nowMs, tickMs } = this.#time;
    // Nothing is saved up beyond two ticks, so that the rate holds in each second, too.
    const savedMax = Math.max(1, (2 * tickMs * reapedPerSecondMax) / 1000);
    const earned = ((nowMs - this.#allowedMs) * reapedPerSecondMax) / 1000;
    this.#allowance = Math.min(this.#allowance + earned, savedMax);
    this.#allowedMs = nowMs;
  }

  /** Of one that was here before the reaper: its time begins now. */
  #begin(path: string): void {
    const facts = this.#tree.reapFacts(path);
    if (facts?.kind === 'container' && facts.used) this.#emptied(path);
    else this.#startAnew(path);
  }

  /** A node with a TTL was written, or a container made. */
  #startAnew(path: string): void {
    const facts = this.#tree.reapFacts(path);
    const { containerNeverUsedMs } = this.#options;
    if (facts === undefined) return;
    if (facts.kind === 'ttl') this.#wait(path, facts.ttlMs);
    else if (!facts.used && containerNeverUsedMs > 0) this.#wait(path, containerNeverUsedMs);
  }

  #emptied(path: string): void {
    const facts = this.#tree.reapFacts(path);
    if (facts === undefined || facts.childCount > 0) return;
    if (facts.kind === 'container') this.#wait(path, this.#options.containerGraceMs);
    // The TTL of one that waits goes on. The time of another was over while it had children, unless it is still unread.
    else if (!this.#candidates.has(path)) this.#wait(path, this.#isRead ? 0 : facts.ttlMs);
  }

  #wait(path: string, delayMs: number): void {
    const deadlineMs = this.#time.deadlineAfter(delayMs);
    const candidate = this.#candidates.get(path);
    if (candidate === undefined) {
      const added: Candidate = { path, deadlineMs, bucket: 0 };
      this.#candidates.set(path, added);
      this.#buckets.add(added);
      return;
    }
    const isNearer = deadlineMs < candidate.deadlineMs;
    candidate.deadlineMs = deadlineMs;
    if (isNearer) this.#buckets.add(candidate);
  }

  #forget(path: string): void {
    const candidate = this.#candidates.get(path);
    if (candidate === undefined) return;
    this.#candidates.delete(path);
    this.#buckets.remove(candidate);
  }

  #isReapable(path: string): boolean {
    const facts = this.#tree.reapFacts(path);
    if (facts === undefined || facts.childCount > 0) return false;
    return facts.kind === 'ttl' || facts.used || this.#options.containerNeverUsedMs > 0;
  }
}

/** A look is a path resolved, about a microsecond: a few milliseconds in a tick, as heartbeats don't notice. */
const READ_PER_TICK = 5000;
const LOOKS_PER_TICK_MAX = 5000;
/** Before a refused one is looked at again. */
const RETRY_MS = 1000;

function* pathsOf(tree: ReapedTree): Generator<string> {
  yield* tree.containers();
  for (const { path } of tree.ttlNodes()) yield path;
}
