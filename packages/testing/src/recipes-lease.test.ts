import { connect, type Lease, type ZooKeeper } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../test/until.ts';
import { freePorts } from './free-ports.ts';
import { type Ensemble, startEnsemble } from './index.ts';
import { LinkProxy } from './link-proxy.ts';

/* Whoever holds a lock knows that it is lost before anybody else has it. Both clients are on this process's clock. */

const HOLDER_TIMEOUT_MS = 1_500;
const LONGER_TIMEOUT_MS = 3_000;
/** The others outlive what happens to the holder. */
const OTHERS_TIMEOUT_MS = 20_000;

let ensemble: Ensemble;
let link: LinkProxy;
let linked: string;
beforeAll(async () => {
  ensemble = await startEnsemble({ servers: 1, config: { timing: { sessionTimeoutMinMs: 1_000 } } });
  const [port = 0] = await freePorts(1);
  link = await LinkProxy.open(port, Number(ensemble.addressOf(1).split(':')[1]));
  linked = `127.0.0.1:${port}`;
});
afterAll(async () => {
  await link.close();
  await ensemble.close();
});

test('a holder that is cut off is lost by its own clock before another one is shown or has the lock', async () => {
  await using zk = await connectHolder(linked);
  await using other = await connectOther();
  const lease = await new Mutex(zk, '/cut-off', { id: 'holder' }).acquire();
  const mutex = new Mutex(other, '/cut-off', { id: 'other' });
  const history = historyOf(lease);
  const acquiring = mutex.acquire().then((next) => {
    history.push('the other one has it');
    return next;
  });
  await until('the other one waits', async () => (await mutex.contenders()).length === 2);
  link.cut();
  await until('another holder is shown', async () => (await mutex.contenders())[0]?.id === 'other');
  history.push('another holder is shown');
  const next = await acquiring;
  link.heal();

  expect(history[0]).toBe('lost: local-deadline');
  expect(history.slice(1).sort()).toEqual(['another holder is shown', 'the other one has it']);
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken);
});

test('a holder whose process stood still sees the loss at once, and before it sees another holder', async () => {
  await using zk = await connectHolder(ensemble.servers);
  await using other = await connectOther();
  const lease = await new Mutex(zk, '/stood-still').acquire();
  const mutex = new Mutex(other, '/stood-still');
  const history = historyOf(lease);
  const acquiring = mutex.acquire().then(() => history.push('the other one has it'));
  await until('the other one waits', async () => (await mutex.contenders()).length === 2);
  standStill(2 * HOLDER_TIMEOUT_MS);
  const stateAtOnce = lease.state;
  await acquiring;

  expect(stateAtOnce).toBe('lost');
  expect(() => lease.throwIfLost()).toThrow('LEASE_LOST');
  expect(history).toEqual(['lost: local-deadline', 'the other one has it']);
});

test('a holder that is cut off for less than its session loses nothing', async () => {
  await using zk = await connect({ servers: linked, sessionTimeoutMs: LONGER_TIMEOUT_MS });
  const lease = await new Mutex(zk, '/short').acquire();
  link.cut();
  // A heartbeat every third of the timeout would have kept it above this.
  await until('a heartbeat is overdue', () => lease.remainingMs < LONGER_TIMEOUT_MS / 2);
  link.heal();

  await expect(lease.verify()).resolves.toBe(true);
  expect(lease.signal.aborted).toBe(false);
});

function connectHolder(servers: string): Promise<ZooKeeper> {
  return connect({ servers, sessionTimeoutMs: HOLDER_TIMEOUT_MS });
}

function connectOther(): Promise<ZooKeeper> {
  return connect({ servers: ensemble.servers, sessionTimeoutMs: OTHERS_TIMEOUT_MS });
}

/** What happens to the lease, to which the test adds what happens elsewhere. */
function historyOf(lease: Lease): string[] {
  const history: string[] = [];
  lease.signal.addEventListener('abort', () => history.push(`lost: ${lease.signal.reason.reason}`));
  return history;
}

/** Nothing else runs in this process for so long. */
function standStill(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}
