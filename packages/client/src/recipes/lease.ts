import { type CallOptions, type Lease, type SessionId, ZkError, type Zxid } from '@zabra/client';
import type { Tenure } from './tenure.ts';

/** What a {@link Mutex} hands out: a lease that can be asked for and entered again. */
export interface MutexLease extends Lease {
  /** Aborted when somebody asked the holder to give up; the lease stays held until it is released. */
  readonly revokeRequested: AbortSignal;
  /** A lease of its own on the same holding: the lock is let go when the last of them is released. */
  reenter(): MutexLease;
}

/** How many leases stand on one tenure. */
interface Count {
  leases: number;
}

export class TenureLease implements MutexLease {
  readonly #tenure: Tenure;
  readonly #count: Count;
  #release: Promise<void> | undefined;

  constructor(tenure: Tenure, count: Count = { leases: 0 }) {
    this.#tenure = tenure;
    this.#count = count;
    count.leases++;
  }

  get path(): string {
    return this.#tenure.own.path;
  }

  get fencingToken(): Zxid {
    return this.#tenure.own.czxid;
  }

  get sessionId(): SessionId {
    return this.#tenure.session.id;
  }

  get acquiredAt(): Date {
    return this.#tenure.acquiredAt;
  }

  get signal(): AbortSignal {
    return this.#tenure.signal;
  }

  get revokeRequested(): AbortSignal {
    return this.#tenure.revokeRequested;
  }

  get state(): 'held' | 'suspect' | 'lost' | 'released' {
    if (this.#release) return 'released';
    if (this.#tenure.loss()) return 'lost';
    return this.#tenure.session.state === 'connected' ? 'held' : 'suspect';
  }

  get remainingMs(): number {
    return this.#release ? 0 : this.#tenure.remainingMs;
  }

  throwIfLost(): void {
    if (this.#release)
      throw new ZkError('LEASE_LOST', { path: this.path, message: 'the lease was released' });
    const loss = this.#tenure.loss();
    if (loss) throw loss;
  }

  async verify(options: CallOptions = {}): Promise<boolean> {
    if (this.#release) return false;
    return this.#tenure.verify(options);
  }

  reenter(): MutexLease {
    this.throwIfLost();
    return new TenureLease(this.#tenure, this.#count);
  }

  /**
   * Resolves when the node is gone, at once when the lease is lost already. Rejects only when the outcome is not
   * known: the delete is then retried in the background while the session lives. The first call decides; further
   * ones get its promise.
   */
  release(options: CallOptions = {}): Promise<void> {
    if (!this.#release && this.#tenure.loss()) return Promise.resolve();
    this.#release ??= this.#leave(options);
    return this.#release;
  }

  /** Never rejects: it cannot know whether the body threw, and must not put its own error in that one's place. */
  async [Symbol.asyncDispose](): Promise<void> {
    // What could not be confirmed is retried in the background by the client, which logs it.
    await this.release().catch(() => {});
  }

  #leave(options: CallOptions): Promise<void> {
    this.#count.leases--;
    return this.#count.leases > 0 ? Promise.resolve() : this.#tenure.end(options);
  }
}
