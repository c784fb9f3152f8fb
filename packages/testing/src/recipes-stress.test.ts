import { connect, type Lease } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';
import { expect, test } from 'vitest';
import { until } from '../test/until.ts';
import { startEnsemble } from './index.ts';

const CLIENTS = 4;
const KILLS = 2;
/** Before the first death, and after each. */
const TURNS_BETWEEN = 100;

test('four clients pass a lock on while leaders die; no two hold it at once, and tokens grow', {
  timeout: 60_000,
}, async () => {
  await using ensemble = await startEnsemble();
  const inside = new Set<Lease>();
  const overlaps: string[] = [];
  const tokens: bigint[] = [];
  let isOver = false;
  const work = async (index: number): Promise<void> => {
    await using zk = await connect({ servers: ensemble.servers, requestTimeoutMs: 60_000 });
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
  for (let kill = 0; kill < KILLS; kill++) {
    await turnsMore(tokens);
    const dead = await ensemble.kill('leader');
    await turnsMore(tokens);
    await ensemble.restart(dead);
    await ensemble.whenServing();
  }
  isOver = true;
  await Promise.all(clients);

  expect(overlaps).toEqual([]);
  expect(tokens.filter((token, turn) => token <= (tokens[turn - 1] ?? 0n))).toEqual([]);
});

/** The tenure of one that is lost has ended, whatever its body still does. */
function isHeld({ state }: Lease): boolean {
  return state === 'held' || state === 'suspect';
}

async function turnsMore(tokens: readonly bigint[]): Promise<void> {
  const enough = tokens.length + TURNS_BETWEEN;
  await until('the lock is passed on', () => tokens.length >= enough);
}
