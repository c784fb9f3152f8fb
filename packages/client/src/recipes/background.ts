import { isZkError, type ZooKeeper } from '@zabra/client';
import { isSessionLost } from './session-binding.ts';

/**
 * Nobody waits for this work: if it fails, the client's log says so. That the session or the client has ended is no
 * failure: the ensemble then takes away what was to be taken away.
 */
export function inBackground(zk: ZooKeeper, what: string, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (isSessionLost(error) || isZkError(error, 'CLIENT_CLOSED')) return;
    zk.surroundings.logger.warn(`${what} failed`, { error });
  });
}
