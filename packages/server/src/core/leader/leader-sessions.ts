import type { Identity, PeerId, SessionId } from '@zabra/model';
import type { AttendedTime } from './attended-time.ts';
import { type Expiring, ExpiryBuckets } from './expiry-buckets.ts';

/** Which server has a session, by which stream of its client, and whom that client has proved to be. */
export interface SessionClaim {
  readonly server: PeerId;
  readonly attempt: number;
  readonly nonce: string;
  readonly identities: readonly Identity[];
}

interface Held extends Expiring {
  readonly id: SessionId;
  readonly timeoutMs: number;
  /** Undefined until a server claims it. */
  owner: SessionClaim | undefined;
  closing: boolean;
}

/**
 * The leader's watch over sessions: who has each, and when it ends. Only a leader expires; a new one gives every session
 * its full timeout, in attended time: a pause of this server expires nobody.
 */
export class LeaderSessions {
  readonly #time: AttendedTime;
  readonly #held = new Map<SessionId, Held>();
  readonly #buckets: ExpiryBuckets<Held>;

  constructor(time: AttendedTime) {
    this.#time = time;
    this.#buckets = new ExpiryBuckets(time.tickMs);
  }

  get count(): number {
    return this.#held.size;
  }

  add(id: SessionId, timeoutMs: number): void {
    if (this.#held.has(id)) return;
    const deadlineMs = this.#time.deadlineAfter(timeoutMs);
    const held: Held = { id, timeoutMs, deadlineMs, bucket: 0, owner: undefined, closing: false };
    this.#held.set(id, held);
    this.#buckets.add(held);
  }

  remove(id: SessionId): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.#buckets.remove(held);
  }

  /** False when the session is unknown or ending. */
  isLive(id: SessionId): boolean {
    return this.#held.get(id)?.closing === false;
  }

  /** Gives a live session its full timeout from now; false when there is none. */
  touch(id: SessionId): boolean {
    const held = this.#held.get(id);
    if (held === undefined || held.closing) return false;
    held.deadlineMs = this.#time.deadlineAfter(held.timeoutMs);
    return true;
  }

  isOwner(id: SessionId, server: PeerId): boolean {
    return this.#held.get(id)?.owner?.server === server;
  }

  /** Whom the session's client has proved to be, as far as the server that has it said. */
  identities(id: SessionId): readonly Identity[] {
    return this.#held.get(id)?.owner?.identities ?? NOBODY;
  }

  /** The client has proved to be someone more. Only the stream that has the session can say so. */
  identify(id: SessionId, claim: SessionClaim): void {
    const held = this.#held.get(id);
    const owner = held?.owner;
    if (held === undefined || owner === undefined) return;
    const isOwner =
      owner.server === claim.server && owner.nonce === claim.nonce && owner.attempt === claim.attempt;
    if (isOwner) held.owner = claim;
  }

  /**
   * Gives the session to a server. Of two streams of one client instance the later has it, whichever claim comes last;
   * another instance (`nonce`) always takes over. Answers the server that lost it, if it was another.
   */
  claim(
    id: SessionId,
    claim: SessionClaim,
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

  /** Answers the sessions whose time is over, each once. */
  expire(): readonly SessionId[] {
    const expired: SessionId[] = [];
    for (const held of this.#buckets.due(this.#time.nowMs)) {
      if (held.closing) continue;
      held.closing = true;
      expired.push(held.id);
    }
    return expired;
  }
}

const NOBODY: readonly Identity[] = [];
