import {
  isZkError,
  LeaseLostError,
  paths,
  type Session,
  type Snapshot,
  ZkError,
  type ZooKeeper,
} from '@zabra/client';
import {
  type BarrierRound,
  EnteredRound,
  isRefusedTransaction,
  MEMBER,
  type RosterEntry,
  type RoundPlace,
  readyPath,
  roundPath,
  sweep,
  untilRosterLeft,
} from './barrier-round.ts';
import { contenderPrefix, discardContender, findContender, inOrder, type OwnContender } from './contender.ts';
import { checkContenderId } from './contender-data.ts';
import type { AcquireOptions } from './mutex.ts';
import { Patience } from './patience.ts';
import { boundTo, establishedSession, isInterruption, isSessionLost, UNBOUND } from './session-binding.ts';
import { Tenure } from './tenure.ts';
import { forget, nextWakeUp, watchAll, watchNode } from './wake-up.ts';

export type EnterOptions = Omit<AcquireOptions, 'data'>;

/**
 * A room that opens when a number of parties have come and closes when all have left, as often as wanted.
 *
 * **When the session is lost** inside a round, `round.signal` aborts with a LeaseLostError, and the others may leave
 * without you. When it is lost while you wait for the others, you stand at the door again in the next session
 * (`retryOnExpiry`). A connection that is down for a while changes nothing.
 *
 * **Znodes:** `path` (persistent) holds the number g of the round; below it `r<g>` (persistent, taken away after the
 * round), in there one `_c_<guid>-m-<sequence>` (ephemeral, sequential) for each party, and `ready` with the roster
 * once enough have come. Rounds are numbered so that a slow leaver, a late comer or a crash can not touch the next one.
 *
 * ```ts
 * const barrier = new DoubleBarrier(zk, '/barriers/load-test', { parties: 3, id: 'host-a' });
 * const round = await barrier.enter({ timeoutMs: 60_000 });
 * try {
 *   await measure(round.members, round.signal);
 * } finally {
 *   await round.leave();
 * }
 * ```
 */
export class DoubleBarrier {
  readonly path: string;
  readonly parties: number;
  readonly #zk: ZooKeeper;
  readonly #id: string;

  /** Throws INVALID_PATH; BAD_ARGUMENTS when `parties` is no whole number from 1 up or `id` is more than one line. */
  constructor(zk: ZooKeeper, path: string, options: { readonly parties: number; readonly id?: string }) {
    paths.validate(path);
    if (!Number.isInteger(options.parties) || options.parties < 1) {
      throw new ZkError('BAD_ARGUMENTS', {
        path,
        message: `parties is a whole number from 1 up, not ${options.parties}`,
      });
    }
    this.#zk = zk;
    this.path = path;
    this.parties = options.parties;
    this.#id = checkContenderId(options.id ?? '');
  }

  /**
   * Waits until enough have come. A late comer to a full round waits for the next one.
   *
   * Rejects with LOCK_TIMEOUT or the signal's reason, but only once the ensemble has taken us out, or our session has
   * ended: whoever the others count in is in, and then this resolves in spite of the timeout. Rejects also with
   * LEASE_LOST (`node-deleted`), SESSION_EXPIRED (see `retryOnExpiry`), CLIENT_CLOSED, CODEC_FAILED when `path` holds
   * something else.
   */
  async enter(options: EnterOptions = {}): Promise<BarrierRound> {
    const id = checkContenderId(options.id ?? this.#id);
    const { recipe, wallMs } = this.#zk.surroundings;
    const beganMs = wallMs();
    const patience = new Patience(options, this.#zk.surroundings, (waitedMs) => {
      const message = `fewer than ${this.parties} parties came within ${waitedMs} ms`;
      return new ZkError('LOCK_TIMEOUT', { path: this.path, op: 'enter', message });
    });
    try {
      for (;;) {
        const session = await patience.race(establishedSession(this.#zk));
        try {
          const entered = await this.#attempt(session, patience, id);
          if (!entered) continue;
          const durationMs = Math.max(0, wallMs() - beganMs);
          recipe({ recipe: 'double-barrier', path: this.path, event: 'entered', durationMs });
          return entered;
        } catch (error) {
          if (isInterruption(error)) continue;
          if (!isSessionLost(error) || options.retryOnExpiry === false) throw error;
        }
      }
    } finally {
      patience.end();
    }
  }

  /** One attempt in one round; undefined when the round went on without us. The steps are those of the design. */
  async #attempt(session: Session, patience: Patience, id: string): Promise<BarrierRound | undefined> {
    const place = await patience.race(this.#currentRound(session)); // E1
    const member = await this.#createMember(place, { session, patience, id }); // E2
    if (member === undefined) return undefined;
    const roster = await this.#rosterFor(place, member, patience); // E3, E4
    if (roster?.some(({ node }) => node === member.name)) {
      return new EnteredRound(place, roster, new Tenure(this.#zk, member, 'hold'));
    }
    await this.#withdraw(place, member);
    if (roster) await patience.race(untilRosterLeft(place, roster, { signal: patience.signal }));
    return undefined;
  }

  /** As untilReady; whatever it fails with, our member does not stay. */
  async #rosterFor(
    place: RoundPlace,
    member: OwnContender,
    patience: Patience,
  ): Promise<readonly RosterEntry[] | undefined> {
    try {
      return await this.#untilReady(place, member, patience);
    } catch (error) {
      discardContender(this.#zk, member);
      throw error;
    }
  }

  /** E1: the number and version in the barrier's node, which is made when it does not exist. */
  async #currentRound(session: Session): Promise<RoundPlace> {
    for (;;) {
      const node = await this.#zk.getOrNull(this.path, boundTo(session));
      if (node)
        return { zk: this.#zk, barrier: this.path, round: roundNumber(node), version: node.stat.version };
      try {
        await this.#zk.create(this.path, '1', { ...boundTo(session), parents: 'container' });
      } catch (error) {
        if (!isZkError(error, 'NODE_EXISTS')) throw error;
      }
    }
  }

  /** E2: a member, but only in the round that we saw; undefined when that is over. Never left behind unknown (C1). */
  async #createMember(
    place: RoundPlace,
    { session, patience, id }: Joining,
  ): Promise<OwnContender | undefined> {
    const prefix = contenderPrefix(this.#zk, roundPath(place), MEMBER);
    for (;;) {
      patience.throwIfOver();
      try {
        const results = await this.#zk
          .transaction()
          .check(this.path, { version: place.version })
          .create(prefix, id, { mode: 'ephemeral-sequential' })
          .commit(boundTo(session));
        const made = results[1];
        if (made?.stat)
          return { path: made.path, name: paths.name(made.path), czxid: made.stat.czxid, session };
      } catch (error) {
        if (isRefusedTransaction(error)) {
          if (error.index === 0) return undefined;
          if (error.results[1]?.code !== 'NO_NODE') throw error.results[1] ?? error;
          await this.#createRound(place, session);
          continue;
        }
        if (!isZkError(error) || error.outcome !== 'unknown') throw error;
      }
      const found = await findContender(this.#zk, prefix, session);
      if (found) return found;
    }
  }

  /** Under the same guard, so that no room of a past round comes back. */
  async #createRound(place: RoundPlace, session: Session): Promise<void> {
    try {
      await this.#zk
        .transaction()
        .check(this.path, { version: place.version })
        .create(roundPath(place))
        .commit(boundTo(session));
    } catch (error) {
      // Over, or made by another: the next attempt to create the member tells which.
      if (!isRefusedTransaction(error)) throw error;
    }
  }

  /**
   * E3 and E4: the roster of the round, whether we are in it or not; undefined when the round went on, or ended,
   * without one. When the patience ends, rejects with its reason once we are surely out.
   */
  async #untilReady(
    place: RoundPlace,
    member: OwnContender,
    patience: Patience,
  ): Promise<readonly RosterEntry[] | undefined> {
    const options = boundTo(member.session);
    for (;;) {
      if (patience.signal.aborted) {
        const roster = await this.#cancel(place, member);
        if (roster) return roster;
        throw patience.signal.reason;
      }
      try {
        const [ready, barrier, own] = await watchAll(
          this.#zk.exists(readyPath(place), { ...options, watch: true }),
          watchNode(this.#zk, this.path, options),
          watchNode(this.#zk, member.path, options),
        );
        const watches = [ready, barrier, own].flatMap((node) => (node ? [node.watch] : []));
        const forgetAll = (): void => watches.forEach(forget);
        if (ready.stat) {
          forgetAll();
          const roster = await this.#readRoster(place, options);
          if (roster) return roster;
          continue;
        }
        if (barrier?.stat.version !== place.version) {
          forgetAll();
          return undefined;
        }
        if (own === undefined) {
          forgetAll();
          throw new LeaseLostError('node-deleted', { path: member.path });
        }
        const present = inOrder(await this.#zk.children(roundPath(place), options), MEMBER);
        if (present.length < this.parties) {
          // Whoever makes the number full acts, so nobody watches the children.
          await nextWakeUp({ session: member.session, watches, signals: [patience.signal] });
          continue;
        }
        forgetAll();
        await this.#createReady(
          place,
          member.session,
          present.slice(0, this.parties).map(({ name }) => name),
        );
      } catch (error) {
        if (!isInterruption(error)) throw error;
        await member.session.whenConnected(options);
      }
    }
  }

  /**
   * E4: closes the roster. The checks keep out whoever died or left since we looked: otherwise a dead member would be
   * counted. When it is refused, the caller looks again.
   */
  async #createReady(place: RoundPlace, session: Session, names: readonly string[]): Promise<void> {
    const nodes = names.map((name) => paths.join(roundPath(place), name));
    const members = await Promise.all(nodes.map((node) => this.#zk.getOrNull(node, boundTo(session))));
    const roster = names.map((node, index) => ({ node, id: new TextDecoder().decode(members[index]?.data) }));
    const transaction = this.#zk.transaction().check(this.path, { version: place.version });
    for (const node of nodes) transaction.check(node);
    try {
      await transaction.create(readyPath(place), JSON.stringify(roster)).commit(boundTo(session));
    } catch (error) {
      if (!isRefusedTransaction(error)) throw error;
      const refused = error.results[error.index];
      if (refused && !isZkError(refused, 'BAD_VERSION', 'NO_NODE', 'NODE_EXISTS')) throw refused;
    }
  }

  /**
   * Takes us out unless the others count us in already, in which case it answers the roster: to delete the node
   * plainly would tell the caller "cancelled" while the others go on with it.
   */
  async #cancel(place: RoundPlace, member: OwnContender): Promise<readonly RosterEntry[] | undefined> {
    const options = boundTo(member.session);
    for (;;) {
      try {
        if (await this.#takeOut(place, member)) return undefined;
        const roster = await this.#readRoster(place, options);
        if (roster?.some(({ node }) => node === member.name)) return roster;
        if (roster === undefined) continue;
        await this.#withdraw(place, member);
        return undefined;
      } catch (error) {
        // The session has ended, and the node with it.
        if (isSessionLost(error) || isZkError(error, 'CLIENT_CLOSED')) return undefined;
        if (!isInterruption(error)) throw error;
        await member.session.whenConnected(options);
      }
    }
  }

  /** False when the roster is closed. */
  async #takeOut(place: RoundPlace, member: OwnContender): Promise<boolean> {
    const transaction = this.#zk.transaction().checkAbsent(readyPath(place)).delete(member.path);
    try {
      await transaction.commit(boundTo(member.session));
      return true;
    } catch (error) {
      if (!isRefusedTransaction(error)) throw error;
      // Refused for our own node: it is gone, and we with it.
      return error.index !== 0;
    }
  }

  /** Out of a round that others are in, or that is over: nobody counts us. */
  async #withdraw(place: RoundPlace, member: OwnContender): Promise<void> {
    await this.#zk.delete(member.path, { ...boundTo(member.session), guaranteed: true });
    const node = await this.#zk.getOrNull(this.path, UNBOUND);
    if (node && node.stat.version !== place.version) await sweep(place);
  }

  async #readRoster(
    place: RoundPlace,
    options: ReturnType<typeof boundTo>,
  ): Promise<readonly RosterEntry[] | undefined> {
    const node = await this.#zk.getOrNull(readyPath(place), options);
    return node ? decodeRoster(node) : undefined;
  }
}

interface Joining {
  readonly session: Session;
  readonly patience: Patience;
  readonly id: string;
}

function roundNumber(node: Snapshot<Uint8Array>): bigint {
  const text = new TextDecoder().decode(node.data);
  if (/^\d+$/.test(text)) return BigInt(text);
  const message = `the node of a double barrier holds the number of its round, not ${JSON.stringify(text.slice(0, 40))}`;
  throw new ZkError('CODEC_FAILED', { path: node.path, message });
}

function decodeRoster(node: Snapshot<Uint8Array>): readonly RosterEntry[] {
  try {
    const entries: unknown = JSON.parse(new TextDecoder().decode(node.data));
    if (Array.isArray(entries) && entries.every(isRosterEntry)) return entries;
  } catch (cause) {
    throw new ZkError('CODEC_FAILED', { path: node.path, message: 'a roster is JSON', cause });
  }
  throw new ZkError('CODEC_FAILED', { path: node.path, message: 'a roster is a list of { node, id }' });
}

function isRosterEntry(entry: unknown): entry is RosterEntry {
  const { node, id } = (entry ?? {}) as Partial<RosterEntry>;
  return typeof node === 'string' && typeof id === 'string';
}
