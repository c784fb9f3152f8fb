import type { Acl } from './acl.ts';
import type { RetryPolicy } from './retry.ts';
import type { SessionId, Zxid } from './stat.ts';

/**
 * `ephemeral` goes with its session. A `container` is removed by the ensemble some time after its last child went; a
 * node with a TTL once it has no children and nothing wrote it for that long. A sequential name ends in a number that
 * grows with each child of its parent.
 */
export type CreateMode =
  | 'persistent'
  | 'persistent-sequential'
  | 'ephemeral'
  | 'ephemeral-sequential'
  | 'container'
  | 'ttl'
  | 'ttl-sequential';

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
  /** Confirmed by a quorum (at a ZooKeeper, by a sync): sees every write that was answered before it was asked. */
  readonly linearizable?: boolean;
  /** Answered once the server has applied this. */
  readonly minZxid?: Zxid;
}

export interface EnsureOptions extends CallOptions {
  /** What is missing is made of containers. */
  readonly container?: boolean;
}

/** `timeoutMs` is for each page. */
export interface PageOptions extends ReadOptions {
  /** Names asked for at once, 1000; the server may send fewer. */
  readonly pageSize?: number;
  /** With the Stat of each child. */
  readonly withStat?: boolean;
}

/** `timeoutMs` is for each node. */
export interface WalkOptions extends ReadOptions {
  /** Nodes read at the same time, 16. */
  readonly concurrency?: number;
}

export interface WriteOptions extends CallOptions {
  /** The write is refused with BAD_VERSION unless the node has this version. */
  readonly version?: number;
}

export interface CreateOptions extends CallOptions {
  /** Default `persistent`. */
  readonly mode?: CreateMode;
  /** Of the TTL modes, and only there: milliseconds from 1 to 2^40 - 1. */
  readonly ttlMs?: number;
  /** Default: the client's `defaultAcl`, else open to anyone. */
  readonly acl?: readonly Acl[];
  /** Creates missing parents; `container`: the ensemble removes them again when they become empty. */
  readonly parents?: boolean | 'container';
  /**
   * Puts `_c_<guid>-` before the name, so that a node whose reply was lost is found by looking. At a ZooKeeper the client
   * looks by itself.
   */
  readonly protect?: boolean;
}

export interface DeleteOptions extends WriteOptions {
  /**
   * Deletes what is below as well, children before parents, in as many changes as the ensemble's limit asks for. Takes
   * no `version`.
   */
  readonly recursive?: boolean;
  /** With `recursive`: all in one change; LIMIT when it has more nodes than one change may. */
  readonly atomic?: boolean;
  /** A node that does not exist counts as deleted. */
  readonly missingOk?: boolean;
  /**
   * Retried in the background until it is done or the session is gone; the caller's abort or timeout ends
   * only the caller's waiting. A node that does not exist counts as deleted.
   */
  readonly guaranteed?: boolean;
}
