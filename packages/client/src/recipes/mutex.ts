import {
  type Bytes,
  type CallOptions,
  isZkError,
  type Lease,
  paths,
  type Session,
  type SessionId,
  ZkError,
  type ZooKeeper,
} from '@zabra/client';
import { createContender, discardContender, inOrder, type OwnContender } from './contender.ts';
import { checkContenderId, decodeContenderData, encodeContenderData } from './contender-data.ts';
import { TenureLease } from './lease.ts';
import { Patience, type Waiting } from './patience.ts';
import { boundTo, establishedSession, isInDoubt, isSessionLost } from './session-binding.ts';
import { type OnSuspended, Tenure } from './tenure.ts';
import { waitForTurn } from './wait-for-turn.ts';

export interface RecipeOptions {
  /** Who this is, for people who look at the line; one line of text. */
  readonly id?: string;
  /** Stored in the contender node behind the id. */
  readonly data?: Bytes | string;
  /** Default `hold`. */
  readonly onSuspended?: OnSuspended;
}

export interface AcquireOptions extends Waiting {
  readonly id?: string;
  readonly data?: Bytes | string;
  /** A session lost while waiting: stand in line again in the next session (default), or reject SESSION_EXPIRED. */
  readonly retryOnExpiry?: boolean;
}

/** One in the line, as it was when `contenders()` looked. */
export interface Contender {
  readonly path: string;
  /** Empty when its maker gave none. */
  readonly id: string;
  readonly sequence: bigint;
  /** The first in line. */
  readonly holder: boolean;
  /** When it came, by the leader's clock. */
  readonly since: Date;
  readonly sessionId: SessionId;
}

/**
 * A lock that one holder at a time has, in the order in which they came.
 *
 * **When the session is lost** while you hold the lock, `lease.signal` aborts with a LeaseLostError, at the latest
 * when the session may have expired by this machine's clock, and so before anybody else gets the lock; it is never
 * taken again for you. A process that is paused hears nothing: give `lease.fencingToken` to the store you write to and
 * let that refuse smaller ones. When the session is lost while you wait, you stand in line again at its end
 * (`retryOnExpiry`). A connection that is down for a while loses nothing, unless you ask for `onSuspended: 'lose'`.
 *
 * **Znodes:** `path` and missing parents (containers, which the ensemble takes away some time after the last one left)
 * and below it one `_c_<guid>-lock-<sequence>` (ephemeral, sequential) for the holder and each waiter, with id and data.
 * Other children are left alone.
 *
 * **One lock for several languages:** Curator's InterProcessMutex and kazoo's Lock on this path stand in the same line.
 * kazoo is to be told, `Lock(path, extra_lock_patterns=['-lock-'])`; and Curator, where kazoo's stand too, by a
 * LockInternalsDriver that sorts `…__lock__0000000007` by its number.
 *
 * ```ts
 * const mutex = new Mutex(zk, '/locks/invoice-42', { id: 'worker-7' });
 * await mutex.withLock(async (lease) => {
 *   await store.write(row, { fence: lease.fencingToken, signal: lease.signal });
 * }, { timeoutMs: 10_000 });
 * ```
 *
 * It is not re-entrant: to acquire it while holding it is to wait for oneself; use `lease.reenter()`. To hold several
 * locks by nesting can deadlock.
 */
export class Mutex {
  readonly path: string;
  readonly #zk: ZooKeeper;
  readonly #options: RecipeOptions;

  /** Throws INVALID_PATH, and BAD_ARGUMENTS for an id of more than one line. */
  constructor(zk: ZooKeeper, path: string, options: RecipeOptions = {}) {
    paths.validate(path);
    checkContenderId(options.id ?? '');
    this.#zk = zk;
    this.path = path;
    this.#options = options;
  }

  /**
   * Waits for the lock. Rejects at once with LOCK_TIMEOUT or the signal's reason; the place in the line is then given
   * up in the background, at the latest when the session ends. Rejects with LEASE_LOST (`node-deleted`) when somebody
   * took us out of the line, SESSION_EXPIRED (see `retryOnExpiry`), CLIENT_CLOSED, or what the ensemble refuses.
   */
  async acquire(options: AcquireOptions = {}): Promise<Lease> {
    const data = this.#nodeData(options);
    const beganMs = this.#zk.surroundings.wallMs();
    let holder: string | undefined;
    const patience = new Patience(options, this.#zk.surroundings, (waitedMs) =>
      lockTimeout(this.path, waitedMs, holder),
    );
    try {
      for (;;) {
        const session = await patience.race(establishedSession(this.#zk));
        try {
          const standing = this.#stand({ session, patience, data, holderSeen: (seen) => (holder = seen) });
          const lease = await patience.race(standing, releaseLate);
          this.#tellAcquired(beganMs);
          return lease;
        } catch (error) {
          // We held nothing yet, so a new session may start from zero.
          if (!isSessionLost(error) || options.retryOnExpiry === false) throw error;
        }
      }
    } finally {
      patience.end();
    }
  }

  /**
   * The lock if nobody stands in line, else null; looks before it creates anything. Rejects with the signal's reason,
   * SESSION_EXPIRED, REQUEST_TIMEOUT while the ensemble cannot be asked, CLIENT_CLOSED.
   */
  async tryAcquire(options: Omit<AcquireOptions, 'timeoutMs'> = {}): Promise<Lease | null> {
    const data = this.#nodeData(options);
    const beganMs = this.#zk.surroundings.wallMs();
    const { signal } = options;
    const patience = new Patience(signal ? { signal } : {}, this.#zk.surroundings, (waitedMs) =>
      lockTimeout(this.path, waitedMs, undefined),
    );
    try {
      const session = await patience.race(establishedSession(this.#zk));
      const listing = await this.#zk
        .children(this.path, { session: session.id, ...(signal ? { signal } : {}) })
        .catch(noneIfAbsent);
      if (inOrder(listing, KIND).length > 0) return null;
      const lease = await patience.race(
        this.#tryStand(session, patience, data),
        (late) => late && releaseLate(late),
      );
      if (lease !== null) this.#tellAcquired(beganMs);
      return lease;
    } finally {
      patience.end();
    }
  }

  /**
   * Runs `body` with the lock held and lets it go afterwards, however `body` ended; a failed release never hides the
   * body's error. The lock may be lost while `body` runs: hand on `lease.signal`.
   */
  async withLock<R>(body: (lease: Lease) => Promise<R>, options: AcquireOptions = {}): Promise<R> {
    const lease = await this.acquire(options);
    try {
      return await body(lease);
    } finally {
      await lease[Symbol.asyncDispose]();
    }
  }

  /** The line, the holder first. Those who leave while it is read are left out. */
  async contenders(options: CallOptions = {}): Promise<readonly Contender[]> {
    const names = await this.#zk.children(this.path, options).catch(noneIfAbsent);
    const line = inOrder(names, KIND);
    const nodes = await Promise.all(
      line.map(({ name }) => this.#zk.getOrNull(paths.join(this.path, name), options)),
    );
    const present = nodes.flatMap((node, index) =>
      node ? [{ node, sequence: line[index]?.sequence ?? 0n }] : [],
    );
    return present.map(({ node: { path, data, stat }, sequence }, index) => ({
      path,
      id: decodeContenderData(data).id,
      sequence,
      holder: index === 0,
      since: stat.ctime,
      sessionId: stat.ephemeralOwner,
    }));
  }

  /**
   * Asks a contender to give the lock up: its `lease.revokeRequested` aborts, now or once it holds. Whether it
   * does is its decision; to force it, delete its node. One that has left counts as asked.
   */
  async requestRevoke(contender: Contender, options: CallOptions = {}): Promise<void> {
    for (;;) {
      const node = await this.#zk.getOrNull(contender.path, options);
      if (node === null) return;
      const data = decodeContenderData(node.data);
      if (data.revoked) return;
      try {
        const marked = encodeContenderData({ ...data, revoked: true });
        await this.#zk.set(contender.path, marked, { ...options, version: node.stat.version });
        return;
      } catch (error) {
        // In doubt too the next look tells.
        if (!isZkError(error, 'BAD_VERSION', 'NO_NODE') && !isInDoubt(this.#zk, error)) throw error;
      }
    }
  }

  /** One attempt in one session. What it makes it takes away, unless it becomes a lease. */
  async #stand({ session, patience, data, holderSeen }: Attempt): Promise<Lease> {
    const { path: parent } = this;
    const creating = createContender(this.#zk, { parent, kind: KIND, data, session, patience });
    const firstListing = this.#listBehind(session);
    const own = await creating;
    try {
      await waitForTurn(this.#zk, own, { parent, kind: KIND, patience, firstListing, holderSeen });
      patience.throwIfOver();
      return this.#hold(own);
    } catch (error) {
      discardContender(this.#zk, own);
      throw error;
    }
  }

  async #tryStand(session: Session, patience: Patience, data: Bytes): Promise<Lease | null> {
    const { path: parent } = this;
    const creating = createContender(this.#zk, { parent, kind: KIND, data, session, patience });
    const firstListing = this.#listBehind(session);
    const own = await creating;
    try {
      let names = await firstListing;
      if (!names.includes(own.name)) names = await this.#zk.children(parent, boundTo(session));
      patience.throwIfOver();
      if (inOrder(names, KIND)[0]?.name === own.name) return this.#hold(own);
    } catch (error) {
      discardContender(this.#zk, own);
      throw error;
    }
    discardContender(this.#zk, own);
    return null;
  }

  /** Sent right behind the create, without awaiting it: a free lock costs one round trip. */
  #listBehind(session: Session): Promise<readonly string[]> {
    return this.#zk.children(this.path, boundTo(session)).catch(() => []);
  }

  #hold(own: OwnContender): Lease {
    // The listing may have come late: first in line is worth nothing when the session may have expired since.
    if (own.session.remainingMs <= 0) throw new ZkError('SESSION_EXPIRED', { path: own.path });
    return new TenureLease(new Tenure(this.#zk, own, this.#options.onSuspended ?? 'hold'));
  }

  #tellAcquired(beganMs: number): void {
    const { recipe, wallMs } = this.#zk.surroundings;
    recipe({
      recipe: 'mutex',
      path: this.path,
      event: 'acquired',
      durationMs: Math.max(0, wallMs() - beganMs),
    });
  }

  #nodeData({ id = this.#options.id ?? '', data = this.#options.data ?? '' }: AcquireOptions): Bytes {
    const payload = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    return encodeContenderData({ id: checkContenderId(id), revoked: false, payload });
  }
}

interface Attempt {
  readonly session: Session;
  readonly patience: Patience;
  readonly data: Bytes;
  readonly holderSeen: (holder: string) => void;
}

const KIND = 'lock';

/** The caller has gone while the lock came: let it go. */
function releaseLate(lease: Lease): void {
  void lease[Symbol.asyncDispose]();
}

function lockTimeout(path: string, waitedMs: number, holder: string | undefined): ZkError {
  const by = holder === undefined ? 'the ensemble did not say who holds it' : `it is held by ${holder}`;
  return new ZkError('LOCK_TIMEOUT', {
    path,
    op: 'acquire',
    message: `not acquired within ${waitedMs} ms; ${by}`,
  });
}

function noneIfAbsent(error: unknown): readonly string[] {
  if (isZkError(error, 'NO_NODE')) return [];
  throw error;
}
