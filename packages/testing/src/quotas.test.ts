import { connect, isZkError, type ZooKeeper } from '@zabra/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestsOf, until } from '../test/until.ts';
import { type Ensemble, startEnsemble } from './index.ts';

/* What a subtree may hold holds for all clients together, however many of their writes are on the way. */

const PATIENT = { requestTimeoutMs: 60_000, sessionTimeoutMs: 30_000 };

let ensemble: Ensemble;
let clients: readonly ZooKeeper[];
let first: ZooKeeper;
beforeAll(async () => {
  // Snapshots are taken all the while.
  ensemble = await startEnsemble({ config: { storage: { snapshotRecords: 200 } } });
  clients = await Promise.all(
    ensemble.ids.map((id) => connect({ servers: ensemble.addressOf(id), ...PATIENT })),
  );
  first = clients[0] as ZooKeeper;
});
afterAll(async () => {
  await Promise.all(clients.map((zk) => zk.close()));
  await ensemble.close();
});

/** What a write that a quota forbids rejects with. */
function exceeded(path: string, facts: string): object {
  return {
    code: 'QUOTA_EXCEEDED',
    message: expect.stringContaining(`${path} has a quota of ${facts}`),
    outcome: 'not-applied',
  };
}

/** Every client makes its share of `count` nodes, all at once; looks at the use all the while. */
async function burst(
  path: string,
  count: number,
  data: string,
): Promise<{
  done: number;
  refusals: readonly unknown[];
  seen: readonly { count: number; bytes: number }[];
}> {
  const seen: { count: number; bytes: number }[] = [];
  let over = false;
  const looking = Promise.all(
    clients.map(async (zk) => {
      while (!over) {
        const quota = await zk.getQuota(path);
        const descendants = await zk.descendants(path);
        seen.push(quota?.used ?? { count: 0, bytes: 0 }, { count: descendants + 1, bytes: 0 });
      }
    }),
  );
  const settled = await Promise.allSettled(
    Array.from({ length: count }, (_, n) =>
      (clients[n % clients.length] as ZooKeeper).create(`${path}/${n}`, data),
    ),
  );
  over = true;
  await looking;
  const refusals = settled
    .filter(({ status }) => status === 'rejected')
    .map((each) => 'reason' in each && each.reason);
  return { done: count - refusals.length, refusals, seen };
}

test('clients of all servers together never pass a hard count, and are told the limit and the use', async () => {
  await first.create('/count');
  await first.setQuota('/count', { count: 50 });
  const { done, refusals, seen } = await burst('/count', 300, '');
  expect(done).toBe(49);
  for (const refusal of refusals) {
    expect(refusal).toMatchObject(exceeded('/count', '50 nodes: it holds 50, this would add 1;'));
  }
  expect(Math.max(...seen.map((use) => use.count))).toBe(50);
  for (const zk of clients) {
    await zk.sync();
    expect(await zk.descendants('/count')).toBe(49);
    expect(await zk.getQuota('/count')).toEqual({
      count: 50,
      bytes: null,
      countSoft: null,
      bytesSoft: null,
      used: { count: 50, bytes: 0 },
    });
  }
});

test('clients of all servers together never pass a hard number of bytes', async () => {
  await first.create('/bytes', 'top');
  await first.setQuota('/bytes', { bytes: 1000 });
  const { done, refusals, seen } = await burst('/bytes', 300, 'a'.repeat(100));
  expect(done).toBe(9);
  for (const refusal of refusals) {
    expect(refusal).toMatchObject(
      exceeded('/bytes', '1000 bytes of data: it holds 903, this would add 100;'),
    );
  }
  expect(Math.max(...seen.map((use) => use.bytes))).toBe(903);
  // Exactly full is not beyond, and what takes away is never refused.
  const [name] = await first.children('/bytes');
  await first.set('/bytes', 'a'.repeat(100));
  await expect(first.set('/bytes', 'a'.repeat(101))).rejects.toMatchObject(
    exceeded('/bytes', '1000 bytes of data: it holds 1000, this would add 1;'),
  );
  await first.set(`/bytes/${name}`, '');
  await first.set('/bytes', 'a'.repeat(200));
  expect((await first.getQuota('/bytes'))?.used).toEqual({ count: 10, bytes: 1000 });
});

test('of several quotas along a path each holds, and the one that is full is named', async () => {
  await first.create('/outer/inner', '', { parents: true });
  await first.setQuota('/outer', { count: 5 });
  await first.setQuota('/outer/inner', { count: 3 });
  await first.create('/outer/inner/a');
  await first.create('/outer/inner/b');
  await expect(first.create('/outer/inner/c')).rejects.toMatchObject(
    exceeded('/outer/inner', '3 nodes: it holds 3, this would add 1;'),
  );
  await first.create('/outer/d');
  await expect(first.create('/outer/e')).rejects.toMatchObject(
    exceeded('/outer', '5 nodes: it holds 5, this would add 1;'),
  );
  // A transaction is judged in its order: what it deletes first makes room.
  await first.transaction().delete('/outer/inner/a').create('/outer/inner/c').commit();
  await expect(
    first.transaction().create('/outer/inner/e').delete('/outer/inner/b').commit(),
  ).rejects.toMatchObject({
    code: 'TRANSACTION_FAILED',
    index: 0,
    results: [{ code: 'QUOTA_EXCEEDED' }, { code: 'TRANSACTION_FAILED' }],
  });
  await first.deleteQuota('/outer/inner');
  expect(await first.getQuota('/outer/inner')).toBeNull();
  await first.delete('/outer/d');
  await first.create('/outer/inner/e');
});

test('a soft quota lets writes pass, and shows what is held', async () => {
  await first.create('/soft');
  await first.setQuota('/soft', { countSoft: 2, bytesSoft: 5 });
  await Promise.all(['a', 'b', 'c'].map((name) => first.create(`/soft/${name}`, '1234')));
  expect(await first.getQuota('/soft')).toEqual({
    count: null,
    bytes: null,
    countSoft: 2,
    bytesSoft: 5,
    used: { count: 4, bytes: 12 },
  });
});

test('a quota that is set below what is there refuses more, and lets all of it be deleted', async () => {
  await first.create('/late');
  await Promise.all(['a', 'b', 'c'].map((name) => first.create(`/late/${name}`, 'data')));
  await first.setQuota('/late', { count: 2, bytes: 1 });
  await expect(first.create('/late/d')).rejects.toMatchObject(
    exceeded('/late', '2 nodes: it holds 4, this would add 1;'),
  );
  await expect(first.set('/late/a', 'data and more')).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
  await first.set('/late/a', 'dat');
  await first.delete('/late', { recursive: true });
  expect(await first.exists('/late')).toBeNull();
});

test('the use that is counted is what a walk finds, whatever was done, and under the next leader', {
  timeout: 60_000,
}, async () => {
  await first.create('/mixed/a/b', '', { parents: true });
  await first.create('/mixed/c');
  await first.setQuota('/mixed', { count: 40, bytes: 1500 });
  await first.setQuota('/mixed/a', { count: 25, bytes: 1000 });
  await first.setQuota('/mixed/a/b', { count: 15 });
  let done = 0;
  let stopped = false;
  const lanes = Promise.all(
    Array.from({ length: 12 }, async (_, lane) => {
      const zk = clients[lane % clients.length] as ZooKeeper;
      for (let step = 1; !stopped; step++) {
        await mixedWrite(zk, numberOf(lane, step));
        done++;
      }
    }),
  );
  lanes.catch(() => undefined);
  await until('much is done', () => done > 1000);
  const dead = await ensemble.kill('leader');
  await until('much more is done', () => done > 2000);
  await ensemble.restart(dead);
  await until('they all go on', () => done > 3000);
  stopped = true;
  await lanes;
  await ensemble.whenServing();
  await first.sync();
  for (const path of ['/mixed', '/mixed/a', '/mixed/a/b']) {
    const sizes: number[] = [];
    for await (const { data } of first.walk(path)) sizes.push(data.length);
    const used = { count: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
    expect((await first.getQuota(path))?.used).toEqual(used);
    expect(await first.descendants(path)).toBe(used.count - 1);
  }
  expect(await digestsOf(ensemble)).toHaveLength(1);
});

test('quotas and what is used of them outlive the death of all servers', { timeout: 60_000 }, async () => {
  await first.create('/lasting');
  await first.setQuota('/lasting', { count: 3 });
  await first.create('/lasting/a');
  await first.create('/lasting/b', 'data');
  await ensemble.killAll();
  await Promise.all(ensemble.ids.map((id) => ensemble.restart(id)));
  await ensemble.whenServing();
  await expect(first.create('/lasting/c')).rejects.toMatchObject(
    exceeded('/lasting', '3 nodes: it holds 3, this would add 1;'),
  );
  await first.delete('/lasting/a');
  await first.create('/lasting/c');
  expect((await first.getQuota('/lasting'))?.used).toEqual({ count: 3, bytes: 4 });
  await until('all servers say so', async () => {
    const used = await Promise.all(clients.map(async (zk) => (await zk.getQuota('/lasting'))?.used.bytes));
    return used.every((bytes) => bytes === 4);
  });
});

/** Some number that looks like any other. */
function numberOf(lane: number, step: number): number {
  return Math.imul(Math.imul(lane + 1, 0x9e3779b1) ^ step, 0x85ebca6b) >>> 8;
}

const REFUSALS = [
  'NO_NODE',
  'NODE_EXISTS',
  'NO_CHILDREN_FOR_EPHEMERALS',
  'NOT_EMPTY',
  'TRANSACTION_FAILED',
  'QUOTA_EXCEEDED',
] as const;

/** One of many kinds, below `/mixed`; refusals that the tree's state explains are none. */
async function mixedWrite(zk: ZooKeeper, choice: number): Promise<void> {
  const directory = ['/mixed', '/mixed/a', '/mixed/a/b', '/mixed/c'][choice % 4] ?? '';
  const path = `${directory}/n${(choice >>> 2) % 8}`;
  const data = 'x'.repeat((choice >>> 5) % 120);
  const writes: readonly (() => Promise<unknown>)[] = [
    () => zk.create(path, data),
    () => zk.create(path, data, { mode: 'ephemeral' }),
    () => zk.create(`${path}/below`, data),
    () => zk.set(path, data),
    () => zk.set(directory, data),
    () => zk.delete(path, { recursive: true }),
    () => zk.delete('/mixed/c', { recursive: true, atomic: true }),
    () => zk.create('/mixed/c', data),
    () => zk.transaction().create(path, data).set(directory, data).commit(),
    () => zk.transaction().delete(path).create(path, data).create(`${path}/below`, data).commit(),
  ];
  try {
    await writes[(choice >>> 12) % writes.length]?.();
  } catch (error) {
    if (!isZkError(error, ...REFUSALS)) throw error;
  }
}
