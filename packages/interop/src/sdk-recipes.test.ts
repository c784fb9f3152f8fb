import { connect, type ZooKeeper } from '@zabra/client';
import { FaultTable, scenarios } from '@zabra/client/recipes-suite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { type RealZooKeeper, startRealZooKeeper } from './real-zookeeper.ts';

/*
 * The table of faults of our recipes, as packages/testing plays it on Zabra's servers, on a real ZooKeeper: each call is
 * struck at each of its requests, and leaves nothing behind.
 */
describeWithPrograms('our recipes at a real ZooKeeper', () => {
  let zookeeper: RealZooKeeper;
  let admin: ZooKeeper;
  let table: FaultTable;
  beforeAll(async () => {
    zookeeper = await startRealZooKeeper({ tickTimeMs: 2000 });
    const servers = `zookeeper://${zookeeper.servers}`;
    admin = await connect(servers);
    table = new FaultTable(servers, admin);
  });
  afterAll(async () => {
    await admin.close();
    await zookeeper.close();
  });

  test.each(scenarios)('$name, struck at each request', { timeout: 120_000 }, async (scenario) => {
    const rows = await table.rowsOf(scenario);
    const results = await table.play(rows);

    expect(rows.length).toBeGreaterThan(0);
    expect(results.flatMap(({ fault }) => fault ?? [])).toEqual([]);
  });
});
