import { type CallOptions, isZkError, paths, type Session, ZkError, type ZooKeeper } from '@zabra/client';
import { Patience, type Waiting } from './patience.ts';
import { establishedSession, isInDoubt, isInterruption, isSessionLost, UNBOUND } from './session-binding.ts';
import { forget, nextWakeUp, watchNode } from './wake-up.ts';

/**
 * A gate that many wait at until it is opened.
 *
 * **When the session is lost** while you wait, you go on waiting in the next session: waiting holds nothing. A
 * barrier that you closed stays closed when your session is lost, except with `ephemeral: true`: then it opens.
 *
 * **Znodes:** `path` itself (persistent, or ephemeral), which exists while the barrier is closed. Missing parents are
 * made as containers, which the ensemble takes away when they are empty.
 *
 * ```ts
 * const barrier = new Barrier(zk, '/barriers/migration');
 * await barrier.close();
 * // elsewhere: await new Barrier(zk, '/barriers/migration').wait({ timeoutMs: 60_000 });
 * await barrier.open();
 * ```
 */
export class Barrier {
  readonly path: string;
  readonly #zk: ZooKeeper;
  readonly #ephemeral: boolean;

  /** Throws INVALID_PATH. */
  constructor(zk: ZooKeeper, path: string, options: { readonly ephemeral?: boolean } = {}) {
    paths.validate(path);
    this.#zk = zk;
    this.path = path;
    this.#ephemeral = options.ephemeral ?? false;
  }

  /**
   * Resolves when the barrier is closed, whoever closed it. Rejects with REQUEST_TIMEOUT, the signal's reason or what
   * the ensemble refuses; the barrier may then be closed all the same, and open() settles it.
   */
  async close(options: CallOptions = {}): Promise<void> {
    const rest = this.#budget(options);
    for (;;) {
      try {
        await this.#zk.create(this.path, '', {
          ...rest(),
          mode: this.#ephemeral ? 'ephemeral' : 'persistent',
          parents: 'container',
        });
        return;
      } catch (error) {
        if (isZkError(error, 'NODE_EXISTS')) return;
        // Made again, it finds what it made, unless somebody opened the barrier in between.
        if (!isInDoubt(this.#zk, error)) throw error;
      }
    }
  }

  /**
   * Lets everybody through. False when it was open already; at a ZooKeeper, true as well when the answer to the opening
   * was lost and it is open now. Rejects like close(), with the same doubt.
   */
  async open(options: CallOptions = {}): Promise<boolean> {
    if (!this.#zk.surroundings.doesWritesOnce) return this.#openWithCare(options);
    try {
      await this.#zk.delete(this.path, options);
      return true;
    } catch (error) {
      if (isZkError(error, 'NO_NODE')) return false;
      throw error;
    }
  }

  /**
   * Where a delete whose answer was lost is not made again by itself: only the node that was there before may be deleted
   * again. One with another czxid was closed after us, and stays.
   */
  async #openWithCare(options: CallOptions): Promise<boolean> {
    const rest = this.#budget(options);
    const closed = await this.#zk.exists(this.path, { ...rest(), linearizable: true });
    if (closed === null) return false;
    for (let isFirst = true; ; isFirst = false) {
      try {
        await this.#zk.delete(this.path, rest());
        return true;
      } catch (error) {
        if (isZkError(error, 'NO_NODE')) return !isFirst;
        if (!isInDoubt(this.#zk, error)) throw error;
      }
      const now = await this.#zk.exists(this.path, { ...rest(), linearizable: true });
      if (now?.czxid !== closed.czxid) return true;
    }
  }

  /** The options of the next step of a call that takes several. */
  #budget(options: CallOptions): () => CallOptions {
    const { timeoutMs } = options;
    if (timeoutMs === undefined) return () => options;
    const { wallMs } = this.#zk.surroundings;
    const endsMs = wallMs() + timeoutMs;
    return () => ({ ...options, timeoutMs: Math.min(timeoutMs, Math.max(0, endsMs - wallMs())) });
  }

  /**
   * Resolves once the barrier is open, or was since this began: that it was opened and closed again between two looks
   * shows in the node's czxid. Rejects with LOCK_TIMEOUT, the signal's reason, or CLIENT_CLOSED.
   */
  async wait(options: Waiting = {}): Promise<void> {
    const patience = new Patience(
      options,
      this.#zk.surroundings,
      (waitedMs) =>
        new ZkError('LOCK_TIMEOUT', {
          path: this.path,
          op: 'wait',
          message: `the barrier did not open within ${waitedMs} ms`,
        }),
    );
    try {
      await patience.race(this.#opened(patience));
    } finally {
      patience.end();
    }
  }

  async #opened(patience: Patience): Promise<void> {
    let closedAt: bigint | undefined;
    for (;;) {
      const session: Session = await establishedSession(this.#zk);
      patience.throwIfOver();
      try {
        // Confirmed by a quorum: a server that lags would show a barrier that is closed by now as open.
        const node = await watchNode(this.#zk, this.path, { ...UNBOUND, linearizable: true });
        if (node === undefined) return;
        closedAt ??= node.stat.czxid;
        if (node.stat.czxid !== closedAt) {
          forget(node.watch);
          return;
        }
        await nextWakeUp({ session, watches: [node.watch], signals: [patience.signal] });
      } catch (error) {
        // No node of ours depends on the session: the next one asks again.
        if (!isSessionLost(error) && !isInterruption(error)) throw error;
      }
    }
  }
}
