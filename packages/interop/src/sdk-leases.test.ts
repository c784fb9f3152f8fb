import { connect, type Lease, type ZooKeeper } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';
import { expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';
import { Link, loseConnection, until } from './sdk-link.test-support.ts';

const HOLDER_TIMEOUT_MS = 2_000;
const OTHERS_TIMEOUT_MS = 10_000;
const CLIENTS = 4;
const TURNS_BETWEEN = 60;

/* Whoever holds a lock at a real ZooKeeper knows that it is lost before anybody else has it, as at Zabra. */
describeWithPrograms('leases at a real ZooKeeper', () => {
  test('a holder that is cut off is lost by its own clock before another one is shown or has the lock', async () => {
    await using zookeeper = await startRealZooKeeper();
    await using link = await Link.open(zookeeper.addressOf(1));
    await using zk = await connect({
      servers: `zookeeper://${link.address}`,
      sessionTimeoutMs: HOLDER_TIMEOUT_MS,
    });
    await using other = await connect({
      servers: `zookeeper://${zookeeper.servers}`,
      sessionTimeoutMs: OTHERS_TIMEOUT_MS,
    });
    const lease = await new Mutex(zk, '/cut-off', { id: 'holder' }).acquire();
    const mutex = new Mutex(other, '/cut-off', { id: 'other' });
    const history: string[] = [];
    lease.signal.addEventListener('abort', () => history.push(`lost: ${lease.signal.reason.reason}`));
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

  test('a holder whose connection is lost for a while keeps its lock', async () => {
    await using zookeeper = await startRealZooKeeper();
    await using link = await Link.open(zookeeper.addressOf(1));
    await using zk = await connect({
      servers: `zookeeper://${link.address}`,
      sessionTimeoutMs: OTHERS_TIMEOUT_MS,
    });
    const lease = await new Mutex(zk, '/short').acquire();
    await loseConnection(link, zk);
    expect(await lease.verify()).toBe(true);
    expect(lease.signal.aborted).toBe(false);
  });

  test('four clients pass a lock on while leaders die; no two hold it at once, and tokens grow', {
    timeout: 120_000,
  }, async () => {
    await using zookeeper = await startRealZooKeeper({ servers: 3 });
    const inside = new Set<Lease>();
    const overlaps: string[] = [];
    const tokens: bigint[] = [];
    let isOver = false;
    const work = async (index: number): Promise<void> => {
      await using zk: ZooKeeper = await connect({
        servers: `zookeeper://${zookeeper.servers}`,
        sessionTimeoutMs: OTHERS_TIMEOUT_MS,
        requestTimeoutMs: 60_000,
      });
      const mutex = new Mutex(zk, '/stress', { id: `client ${index}` });
      while (!isOver) {
        const lease = await mutex.acquire();
        overlaps.push(...[...inside].filter(isHeld).map(({ path }) => `${path} and ${lease.path}`));
        inside.add(lease);
        tokens.push(lease.fencingToken);
        await zk.exists('/stress');
        inside.delete(lease);
        await lease.release();
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, index) => work(index));
    await turnsMore(tokens);
    const dead = await zookeeper.kill('leader');
    await turnsMore(tokens);
    await zookeeper.restart(dead);
    await zookeeper.kill('leader');
    await turnsMore(tokens);
    isOver = true;
    await Promise.all(clients);

    expect(overlaps).toEqual([]);
    expect(tokens.filter((token, turn) => token <= (tokens[turn - 1] ?? 0n))).toEqual([]);
  });
});

/** The tenure of one that is lost has ended, whatever its body still does. */
function isHeld({ state }: Lease): boolean {
  return state === 'held' || state === 'suspect';
}

async function turnsMore(tokens: readonly bigint[]): Promise<void> {
  const enough = tokens.length + TURNS_BETWEEN;
  await until('the lock is passed on', () => tokens.length >= enough);
}
