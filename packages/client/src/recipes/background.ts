import { isZkError, type ZooKeeper } from '@zabra/client';

/**
 * Nobody waits for this work: if it fails, the client's log says so. That the session or the client has ended is no
 * failure: the ensemble then takes away what was to be taken away.
 */
export function inBackground(zk: ZooKeeper, what: string, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (isZkError(error, 'SESSION_EXPIRED', 'CLIENT_CLOSED')) return;
    zk.surroundings.logger.warn(`${what} failed`, { error });
  });
}
