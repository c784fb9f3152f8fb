import type { PeerId, SessionId } from '@zabra/model';

interface Held {
  readonly timeoutMs: number;
  deadlineMs: number;
  /** The bucket it waits in; a touch moves the deadline only, the bucket follows when it comes due. */
  bucket: number;
  /** Where its client is attached, and by which of its streams; undefined until a server claims it. */
  owner: { readonly server: PeerId; readonly attempt: number; readonly nonce: string } | undefined;
  closing: boolean;
}

/**
 * The leader's watch over sessions: who has each, and when it ends. Only a leader expires; a new one gives every session
 * its full timeout. Time here is *attended* time: it stands still while this server did not get to run, so that a
 * pause expires nobody (ZooKeeper's SessionTracker, buckets of one tick).
 */
export class LeaderSessions {
  readonly #tickMs: number;
  readonly #held = new Map<SessionId, Held>();
  readonly #buckets = new Map<number, Set<SessionId>>();
  #attendedMs = 0;
  #lastTickMs: number;
  #nextBucket = 0;

  constructor(nowMs: number, tickMs: number) {
    this.#tickMs = tickMs;
    this.#lastTickMs = nowMs;
  }

  get count(): number {
    return this.#held.size;
  }

  add(id: SessionId, timeoutMs: number): void {
    if (this.#held.has(id)) return;
    const deadlineMs = this.#deadlineOf(timeoutMs);
    const held: Held = { timeoutMs, deadlineMs, bucket: 0, owner: undefined, closing: false };
    this.#held.set(id, held);
    this.#place(id, held);
  }

  remove(id: SessionId): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.#buckets.get(held.bucket)?.delete(id);
  }

  /** False when the session is unknown or ending. */
  isLive(id: SessionId): boolean {
    return this.#held.get(id)?.closing === false;
  }

  /** Gives a live session its full timeout from now; false when there is none. */
  touch(id: SessionId): boolean {
    const held = this.#held.get(id);
    if (held === undefined || held.closing) return false;
    held.deadlineMs = this.#deadlineOf(held.timeoutMs);
    return true;
  }

  isOwner(id: SessionId, server: PeerId): boolean {
    return this.#held.get(id)?.owner?.server === server;
  }

  /**
   * Gives the session to `server`. Of two streams of one client instance the later has it, whichever claim comes last;
   * another instance (`nonce`) always takes over. Answers the server that lost it, if it was another.
   */
  claim(
    id: SessionId,
    claim: { readonly server: PeerId; readonly attempt: number; readonly nonce: string },
  ): { readonly granted: boolean; readonly former: PeerId | undefined } {
    const held = this.#held.get(id);
    if (held === undefined || held.closing) return { granted: false, former: undefined };
    const former = held.owner;
    if (former !== undefined && former.nonce === claim.nonce && former.attempt > claim.attempt) {
      return { granted: false, former: undefined };
    }
    held.owner = claim;
    this.touch(id);
    return { granted: true, former: former?.server === claim.server ? undefined : former?.server };
  }

  /** From now on the session refuses writes; its closeSession is on its way. */
  markClosing(id: SessionId): void {
    const held = this.#held.get(id);
    if (held !== undefined) held.closing = true;
  }

  /** Answers the sessions whose time is over, each once. A tick late by more than a period adds no time. */
  expire(nowMs: number): readonly SessionId[] {
    this.#attendedMs += Math.min(nowMs - this.#lastTickMs, 2 * this.#tickMs);
    this.#lastTickMs = nowMs;
    const expired: SessionId[] = [];
    const due = Math.floor(this.#attendedMs / this.#tickMs);
    for (; this.#nextBucket <= due; this.#nextBucket++) {
      const ids = this.#buckets.get(this.#nextBucket);
      if (ids === undefined) continue;
      this.#buckets.delete(this.#nextBucket);
      for (const id of ids) {
        const held = this.#held.get(id);
        if (held === undefined || held.closing) continue;
        if (held.deadlineMs > this.#attendedMs) {
          this.#place(id, held);
        } else {
          held.closing = true;
          expired.push(id);
        }
      }
    }
    return expired;
  }

  /** Never early: attended time is that of the last tick, and the next one adds up to two ticks. */
  #deadlineOf(timeoutMs: number): number {
    return this.#attendedMs + timeoutMs + 2 * this.#tickMs;
  }

  #place(id: SessionId, held: Held): void {
    // The next bucket at the earliest: one that is being emptied must not be filled again.
    held.bucket = Math.max(Math.ceil(held.deadlineMs / this.#tickMs), this.#nextBucket + 1);
    const bucket = this.#buckets.get(held.bucket);
    if (bucket === undefined) this.#buckets.set(held.bucket, new Set([id]));
    else bucket.add(id);
  }
}
