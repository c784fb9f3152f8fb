import type { Acl } from './acl.ts';
import type { RetryPolicy } from './retry.ts';
import type { SessionId, Zxid } from './stat.ts';

export type CreateMode = 'persistent' | 'persistent-sequential' | 'ephemeral' | 'ephemeral-sequential';

export interface CallOptions {
  /** Aborts the call: it rejects with `signal.reason`. A write on the wire may still be applied. */
  readonly signal?: AbortSignal;
  /** Budget of this call, reconnects and retries included. Default: the client's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy | false;
  /** The call fails with SESSION_EXPIRED when this is no longer the client's session. */
  readonly session?: SessionId;
}

export interface ReadOptions extends CallOptions {
  /** Confirmed by a quorum: sees every write that was answered before it was asked. */
  readonly linearizable?: boolean;
  /** Answered once the server has applied this. */
  readonly minZxid?: Zxid;
}

export interface WriteOptions extends CallOptions {
  /** The write is refused with BAD_VERSION unless the node has this version. */
  readonly version?: number;
}

export interface CreateOptions extends CallOptions {
  /** Default `persistent`. */
  readonly mode?: CreateMode;
  readonly acl?: readonly Acl[];
  /** Creates missing parents. */
  readonly parents?: boolean;
  /** Puts `_c_<guid>-` before the name, so that a node whose reply was lost is found by looking. */
  readonly protect?: boolean;
}

export interface DeleteOptions extends WriteOptions {
  /** Deletes what is below first, in bounded pieces; not atomic. */
  readonly recursive?: boolean;
  /** A node that does not exist counts as deleted. */
  readonly missingOk?: boolean;
  /**
   * Retried in the background until it is done or the session is gone; the caller's abort or timeout ends
   * only the caller's waiting. A node that does not exist counts as deleted.
   */
  readonly guaranteed?: boolean;
}
