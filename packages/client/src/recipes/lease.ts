import { type CallOptions, type Lease, type SessionId, ZkError, type Zxid } from '@zabra/client';
import { inBackground } from './background.ts';
import type { Tenure } from './tenure.ts';

/** How many leases stand on one tenure. */
interface Count {
  leases: number;
}

/** What a recipe hands out for a tenure. */
export class TenureLease implements Lease {
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

  reenter(): Lease {
    this.throwIfLost();
    return new TenureLease(this.#tenure, this.#count);
  }

  release(options: CallOptions = {}): Promise<void> {
    if (!this.#release && this.#tenure.loss()) return Promise.resolve();
    this.#release ??= this.#leave(options);
    return this.#release;
  }

  /** Never rejects: it cannot know whether the body threw, and must not put its own error in that one's place. */
  async [Symbol.asyncDispose](): Promise<void> {
    const releasing = this.release();
    inBackground(this.#tenure.zk, `the release of ${this.path}`, releasing);
    await releasing.catch(() => {});
  }

  #leave(options: CallOptions): Promise<void> {
    this.#count.leases--;
    return this.#count.leases > 0 ? Promise.resolve() : this.#tenure.end(options);
  }
}
