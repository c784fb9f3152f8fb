import { type CallOptions, isZkError, type Session, type ZooKeeper } from '@zabra/client';

/**
 * The options of every request of an attempt: it fails with SESSION_EXPIRED on a successor session, where code would
 * otherwise go on believing that it still has the nodes of the old one. It waits as long as the session lives, since
 * to give up earlier is to not know what was made.
 */
export function boundTo(session: Session): CallOptions & { readonly session: bigint } {
  return { session: session.id, timeoutMs: Number.POSITIVE_INFINITY };
}

/** For requests that depend on no session, and so may go on in a successor. */
export const UNBOUND: CallOptions = { timeoutMs: Number.POSITIVE_INFINITY };

/**
 * The client's session once it has an id: at once when connected or suspended, else after connecting. Rejects with
 * CLIENT_CLOSED.
 */
export async function establishedSession(zk: ZooKeeper): Promise<Session> {
  for (;;) {
    const { session } = zk;
    if (session.state === 'connected' || session.state === 'suspended') return session;
    try {
      await session.whenConnected(UNBOUND);
    } catch (error) {
      // Lost before it was connected: the client has another one by now.
      if (!isSessionLost(error)) throw error;
    }
  }
}

/** Ended, or taken over by another process: either way it is ours no longer, and the client has another one. */
export function isSessionLost(error: unknown): boolean {
  return isZkError(error, 'SESSION_EXPIRED', 'SESSION_MOVED');
}

/**
 * The write may have happened and is not made again by itself, as at a ZooKeeper: whoever asked must look. Where writes are
 * done once, only a caller's own policy gives up, and the caller is told.
 */
export function isInDoubt(zk: ZooKeeper, error: unknown): boolean {
  return (
    !zk.surroundings.doesWritesOnce && isZkError(error, 'CONNECTION_LOSS') && error.outcome === 'unknown'
  );
}

/** The connection or its server failed while the session may live on: the same question may be asked again. */
export function isInterruption(error: unknown): boolean {
  return isZkError(error, 'CONNECTION_LOSS', 'REQUEST_TIMEOUT');
}
