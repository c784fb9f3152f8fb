import type { CallOptions } from './call-options.ts';
import type { SessionId, Zxid } from './stat.ts';

/** Something held until it is released or lost: what every recipe that can be lost hands out. */
export interface Lease extends AsyncDisposable {
  /** The holder's own node. */
  readonly path: string;
  /** czxid of that node: grows from holder to holder; let stores outside refuse smaller ones. */
  readonly fencingToken: Zxid;
  readonly sessionId: SessionId;
  readonly acquiredAt: Date;
  /** Aborted with a LeaseLostError when ownership can no longer be guaranteed. Never aborted by release(). */
  readonly signal: AbortSignal;
  /** `suspect` while the connection is down but the session cannot have expired yet. */
  readonly state: 'held' | 'suspect' | 'lost' | 'released';
  readonly remainingMs: number;
  /** Aborted when somebody asked the holder to give up; the lease stays held until it is released. */
  readonly revokeRequested: AbortSignal;
  /** Synchronous check against the session's deadline; call it right before an unfenced side effect. */
  throwIfLost(): void;
  /** Linearizable check: sync + read of the own node. */
  verify(options?: CallOptions): Promise<boolean>;
  /** A lease of its own on the same holding, which ends when the last of them is released. Throws LEASE_LOST. */
  reenter(): Lease;
  /**
   * Resolves when the node is gone, at once when the lease is lost already. Rejects only when that is not known: the
   * node is then taken away in the background while the session lives. The first call decides; further ones get its
   * promise.
   */
  release(options?: CallOptions): Promise<void>;
}
