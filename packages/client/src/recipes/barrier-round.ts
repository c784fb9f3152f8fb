import { isZkError, paths, type TransactionError, ZkError, type ZooKeeper } from '@zabra/client';
import { inBackground } from './background.ts';
import { discardContender, inOrder, type OwnContender } from './contender.ts';
import { Patience, type Waiting } from './patience.ts';
import { boundTo, establishedSession, isInterruption, isSessionLost, UNBOUND } from './session-binding.ts';
import type { Tenure } from './tenure.ts';
import { nextWakeUp, watchNode } from './wake-up.ts';

/** One round of a double barrier: the number in the barrier's node, and the version that guards it. */
export interface RoundPlace {
  readonly zk: ZooKeeper;
  readonly barrier: string;
  readonly round: bigint;
  readonly version: number;
}

/** Who is in a round: chosen once, by the one who completes it. */
export interface RosterEntry {
  readonly node: string;
  readonly id: string;
}

/** Where the members of a round stand. */
export function roundPath({ barrier, round }: RoundPlace): string {
  return paths.join(barrier, `r${round}`);
}

/** Exists once the round is complete; holds the roster. */
export function readyPath(place: RoundPlace): string {
  return paths.join(roundPath(place), 'ready');
}

/** A round that this client is in. */
export interface BarrierRound extends AsyncDisposable {
  readonly round: bigint;
  /** The ids of those inside, in the order in which they came. */
  readonly members: readonly string[];
  /** Aborted with a LeaseLostError when the session is lost: the others may then leave without us. */
  readonly signal: AbortSignal;
  /**
   * Resolves when everybody of the roster has left or lost its session. Rejects with LOCK_TIMEOUT, the signal's reason
   * or CLIENT_CLOSED; we leave all the same, only without waiting for the others.
   */
  leave(options?: Waiting): Promise<void>;
}

export class EnteredRound implements BarrierRound {
  readonly members: readonly string[];
  readonly #place: RoundPlace;
  readonly #roster: readonly RosterEntry[];
  readonly #tenure: Tenure;
  #leaving: Promise<void> | undefined;

  constructor(place: RoundPlace, roster: readonly RosterEntry[], tenure: Tenure) {
    this.members = roster.map(({ id }) => id);
    this.#place = place;
    this.#roster = roster;
    this.#tenure = tenure;
  }

  get round(): bigint {
    return this.#place.round;
  }

  get signal(): AbortSignal {
    return this.#tenure.signal;
  }

  async leave(options: Waiting = {}): Promise<void> {
    const { zk, barrier, round } = this.#place;
    const patience = new Patience(options, zk.surroundings, (waitedMs) => {
      const message = `not everybody left round ${round} within ${waitedMs} ms`;
      return new ZkError('LOCK_TIMEOUT', { path: barrier, op: 'leave', message });
    });
    try {
      await patience.race(this.#leave());
    } finally {
      patience.end();
    }
  }

  /** Leaves and waits for the others. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    const leaving = this.#leave();
    inBackground(this.#place.zk, `the leaving of ${roundPath(this.#place)}`, leaving);
    await leaving.catch(() => {});
  }

  #leave(): Promise<void> {
    if (this.#leaving === undefined) {
      this.#tenure.letGo();
      this.#leaving = this.#leaveOnce(this.#tenure.own);
    }
    return this.#leaving;
  }

  async #leaveOnce(own: OwnContender): Promise<void> {
    try {
      await untilRosterLeft(this.#place, this.#roster, { own });
    } catch (error) {
      // Whatever keeps us from seeing the end of the round must not keep the others in it.
      discardContender(this.#place.zk, own);
      throw error;
    }
  }
}

/**
 * Waits until nobody of the roster is left, and opens the next round if nobody did. With `own` it leaves too: the
 * lowest stays as the flag until it is alone, the others go before it.
 *
 * A lost session ends nothing here: its node goes by itself, and the next session waits for the rest. Ends early, and
 * quietly, when `signal` aborts.
 */
export async function untilRosterLeft(
  place: RoundPlace,
  roster: readonly RosterEntry[],
  { own, signal }: { readonly own?: OwnContender; readonly signal?: AbortSignal },
): Promise<void> {
  const { zk } = place;
  while (!signal?.aborted) {
    const session = await establishedSession(zk);
    try {
      const remaining = await membersOf(place, roster);
      const [lowest] = remaining;
      const highest = remaining.at(-1);
      if (lowest === undefined || highest === undefined) {
        if (await complete(place)) return await sweep(place);
        continue;
      }
      // A node of a session that we lost is not ours to take away: the ensemble does it.
      const mine = own !== undefined && !own.session.signal.aborted && remaining.includes(own.name);
      if (mine && lowest === highest) {
        if (await complete(place, own)) return await sweep(place);
        continue;
      }
      if (mine && lowest !== own.name) {
        await zk.delete(own.path, { ...boundTo(own.session), guaranteed: true });
        continue;
      }
      const awaited = paths.join(roundPath(place), mine ? highest : lowest);
      const node = await watchNode(zk, awaited, UNBOUND);
      if (node) await nextWakeUp({ session, watches: [node.watch], signals: signal ? [signal] : [] });
    } catch (error) {
      if (!isSessionLost(error) && !isInterruption(error)) throw error;
    }
  }
}

/**
 * Takes away what finished rounds left behind, this one's included: whoever still has a node there does it after
 * having taken that away. Best effort, since the next round does it again.
 */
export async function sweep({ zk, barrier, round }: RoundPlace): Promise<void> {
  try {
    for (const name of await zk.children(barrier)) {
      const number = ROUND.exec(name)?.[1];
      if (number === undefined || BigInt(number) > round) continue;
      await zk.delete(paths.join(barrier, name)).catch((error: unknown) => {
        if (!isZkError(error, 'NOT_EMPTY', 'NO_NODE')) throw error;
      });
    }
  } catch (error) {
    if (!isZkError(error)) throw error;
  }
}

/** The roster's nodes that exist, lowest first. */
async function membersOf(place: RoundPlace, roster: readonly RosterEntry[]): Promise<readonly string[]> {
  try {
    const inRoster = new Set(roster.map(({ node }) => node));
    const names = await place.zk.children(roundPath(place), UNBOUND);
    return inOrder(
      names.filter((name) => inRoster.has(name)),
      MEMBER,
    ).map(({ name }) => name);
  } catch (error) {
    if (isZkError(error, 'NO_NODE')) return [];
    throw error;
  }
}

/**
 * Opens the next round, by compare-and-set on the barrier's version, and takes the last member with it. True when the
 * round is over, whoever ended it; false when something changed and it must be looked at again.
 */
async function complete(place: RoundPlace, own?: OwnContender): Promise<boolean> {
  const { zk, barrier, round, version } = place;
  const transaction = zk.transaction().set(barrier, String(round + 1n), { version });
  if (own) transaction.delete(own.path);
  transaction.delete(readyPath(place));
  try {
    await transaction.commit(own ? boundTo(own.session) : UNBOUND);
    return true;
  } catch (error) {
    if (!isRefusedTransaction(error)) throw error;
    if (error.index === 0) {
      // Somebody wrote the barrier's node while our member was there: it went with no transaction.
      if (own) await zk.delete(own.path, { ...boundTo(own.session), guaranteed: true });
      return true;
    }
    if (own && error.index === 1) return false;
    throw new ZkError('BARRIER_BROKEN', {
      path: readyPath(place),
      message: 'somebody took the roster of a round away that is not over',
      cause: error,
    });
  }
}

/** By its code: the error may come from another copy of the package. */
export function isRefusedTransaction(error: unknown): error is TransactionError {
  return isZkError(error, 'TRANSACTION_FAILED');
}

/** The kind in the names of members. */
export const MEMBER = 'm';

const ROUND = /^r(\d+)$/;
