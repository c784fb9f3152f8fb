import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, isZkError, type Lease } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';
import { StoreClient } from './store-client.ts';

/** What a worker tells the referee, and goes on only when that has noted it. */
export type WorkerReport =
  | { readonly kind: 'began'; readonly fencingToken: bigint }
  | { readonly kind: 'ended'; readonly counted: boolean };

type Hold = Pick<Lease, 'fencingToken' | 'throwIfLost'>;

const TURN_MS = 20;

/*
 * A worker's program: `worker.ts TURNS STORE [SERVERS]`. It takes the lock, again and again, until it has done its
 * turns. Without SERVERS it takes no lock.
 */
const [turns, storeAddress = '', servers] = process.argv.slice(2);
process.once('disconnect', () => process.exit());

const store = new StoreClient(storeAddress);
await using zk = servers ? await connect({ servers, sessionTimeoutMs: 6000 }) : null;
const mutex = zk && new Mutex(zk, '/locks/under-fire', { id: `worker ${process.pid}` });

for (let done = 0; done < Number(turns); ) {
  try {
    if (await (mutex ? mutex.withLock(takeTurn) : takeTurn({ fencingToken: 0n, throwIfLost() {} }))) done++;
  } catch (error) {
    // Lost before anything was written: the turn is still to be done.
    if (!isZkError(error, 'LEASE_LOST')) throw error;
  }
}
// Nothing is left to tell: the open channel to the parent shall not keep this process alive.
process.channel?.unref();

/** Adds one to the number in the store. False, and nothing was changed, when somebody else has had the lock since. */
async function takeTurn(hold: Hold): Promise<boolean> {
  let counted = false;
  await tell({ kind: 'began', fencingToken: hold.fencingToken });
  try {
    const number = await store.read(hold.fencingToken);
    await sleep(TURN_MS);
    hold.throwIfLost();
    // Were this process to sleep right here until the lock is another's, the store would refuse the token.
    counted = number !== undefined && (await store.write(hold.fencingToken, number + 1));
    return counted;
  } finally {
    await tell({ kind: 'ended', counted });
  }
}

async function tell(report: WorkerReport): Promise<void> {
  process.send?.(report);
  await once(process, 'message');
}
