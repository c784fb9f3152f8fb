import { connect } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';
import { startEnsemble } from '@zabra/testing';

// The servers that ZABRA_SERVERS names, or three of our own that end with this program.
const named = process.env.ZABRA_SERVERS;
await using own = named ? null : await startEnsemble();
await using zk = await connect(named ?? own?.servers ?? '');

const mutex = new Mutex(zk, '/locks/invoice-42', { id: `process ${process.pid}` });
await mutex.withLock(
  async (lease) => {
    // A store that refuses smaller tokens is safe even from a holder that sleeps through the loss of its lock.
    console.log(`the lock is mine, with fencing token ${lease.fencingToken}`);
    // Before anything that can't be undone; or hand lease.signal to what takes long.
    lease.throwIfLost();
  },
  { timeoutMs: 10_000 },
);
console.log('the lock is free again');
