import { connect, type ZooKeeper } from '@zabra/client';
import { FaultTable, scenarios } from '@zabra/client/recipes-suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';
import type { Servers } from './servers.ts';
import { startZabra } from './zabra.ts';

/*
 * The table of faults of our recipes, as packages/testing plays it on Zabra's own wire: each call is struck at each of its
 * requests, and leaves nothing behind.
 */
describeWithPrograms('our recipes at a real ZooKeeper', () => {
  tableOn(() => startRealZooKeeper({ tickTimeMs: 2000 }));
});

describe("our recipes at Zabra, on ZooKeeper's wire", () => {
  tableOn(() => startZabra({ servers: 1 }));
});

function tableOn(start: () => Promise<Servers>): void {
  let running: Servers;
  let admin: ZooKeeper;
  let table: FaultTable;
  beforeAll(async () => {
    running = await start();
    const servers = `zookeeper://${running.servers}`;
    admin = await connect(servers);
    table = new FaultTable(servers, admin);
  });
  afterAll(async () => {
    await admin.close();
    await running[Symbol.asyncDispose]();
  });

  test.each(scenarios)('$name, struck at each request', { timeout: 120_000 }, async (scenario) => {
    const rows = await table.rowsOf(scenario);
    const results = await table.play(rows);

    expect(rows.length).toBeGreaterThan(0);
    expect(results.flatMap(({ fault }) => fault ?? [])).toEqual([]);
  });
}
