import { connect, type ZooKeeper } from '@zabra/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ensemble, startEnsemble } from './index.ts';

/* A client's requests are done in the order in which it made them: a read shows every write before it, and none behind. */

const path = '/order';

async function alternate(
  zk: ZooKeeper,
  count: number,
  read: (zk: ZooKeeper) => Promise<number>,
): Promise<readonly number[]> {
  const seen: Promise<number>[] = [];
  for (let version = 1; version <= count; version++) {
    void zk.set(path, `${version}`).catch(() => undefined);
    seen.push(read(zk));
  }
  return Promise.all(seen);
}

const READS: readonly {
  readonly name: string;
  readonly count: number;
  readonly read: (zk: ZooKeeper) => Promise<number>;
}[] = [
  { name: 'get', count: 2500, read: async (zk) => (await zk.get(path)).stat.version },
  { name: 'exists', count: 2500, read: async (zk) => (await zk.exists(path))?.version ?? -1 },
  {
    name: 'a list of children',
    count: 2500,
    read: async (zk) => (await zk.children(path, { watch: true })).stat.version,
  },
  {
    name: 'a linearizable get',
    count: 100,
    read: async (zk) => (await zk.get(path, { linearizable: true })).stat.version,
  },
];

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble();
});
afterAll(() => ensemble?.close());

for (const { name, count, read } of READS) {
  test(`${name} among writes shows those before it, and none behind it`, async () => {
    // So long that no connection is taken for lost: what is sent again is done again, later.
    await using client = await connect({
      servers: ensemble.servers,
      sessionTimeoutMs: 60_000,
      requestTimeoutMs: 60_000,
    });
    const root = `/${name.replaceAll(' ', '-')}`;
    await client.create(root);
    const zk = client.namespace(root);
    await zk.create(path);
    const seen = await alternate(zk, count, read);
    const wrong = seen.flatMap((version, index) =>
      version === index + 1 ? [] : [{ set: index + 1, version }],
    );
    expect(wrong).toEqual([]);
  });
}
