import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';

export interface Contention {
  /** For `connect`. */
  readonly servers: string;
  /** The lock that all stand in line for. */
  readonly lock: string;
  /** Exists, and holds a number in decimal. Counted up by one while the lock is held, by a read and a blind write. */
  readonly counter: string;
  /** Where `held` is while somebody holds the lock, and `journal` names the holders, a line each. */
  readonly folder: string;
  readonly name: string;
  /** Once the counter has reached it, everybody goes home. */
  readonly total: number;
}

/**
 * Our Mutex, doing what python/contender.py does with kazoo's Lock and java/Contender.java with Curator's
 * InterProcessMutex. Rejects when somebody else held the lock at the same time, or the lease was lost.
 */
export async function contend({ servers, lock, counter, folder, name, total }: Contention): Promise<void> {
  await using zk = await connect({ servers, sessionTimeoutMs: 10_000, requestTimeoutMs: 60_000 });
  const mutex = new Mutex(zk, lock, { id: name });
  const held = join(folder, 'held');
  for (;;) {
    const count = await mutex.withLock(async ({ signal }) => {
      await writeFile(held, name, { flag: 'wx' });
      const { data } = await zk.get(counter, { signal });
      const found = Number(new TextDecoder().decode(data));
      if (found < total) {
        await zk.set(counter, String(found + 1), { signal });
        await appendFile(join(folder, 'journal'), `${name}\n`);
      }
      await rm(held);
      return found;
    });
    if (count >= total) return;
  }
}
