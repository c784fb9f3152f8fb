import { connect, type ZooKeeper } from '@zabra/client';
import { FaultTable, type Row, scenarios } from '@zabra/client/recipes-suite';
import { afterAll, describe, expect, test } from 'vitest';
import { ensembleConfigs, LocalServer, loneConfig, TemporaryDirectory } from '../test/local-server.ts';
import { freePorts } from './free-ports.ts';

/*
 * The table of faults of the recipes on servers that run. The servers, the network and the disk are real, and so is
 * the servers' time; only the clocks of the clients under test jump over what they would wait for.
 */

/** Of the rows that cut, one in so many is played on three servers too. */
const SAMPLE = 3;

/** Servers in this process, and a client that looks at their tree. */
class Stage implements AsyncDisposable {
  readonly #directory: TemporaryDirectory;
  readonly #running: readonly LocalServer[];
  readonly #admin: ZooKeeper;
  readonly table: FaultTable;

  private constructor(
    directory: TemporaryDirectory,
    running: readonly LocalServer[],
    servers: string,
    admin: ZooKeeper,
  ) {
    this.#directory = directory;
    this.#running = running;
    this.#admin = admin;
    this.table = new FaultTable(servers, admin);
  }

  static async build(size: 1 | 3): Promise<Stage> {
    const directory = await TemporaryDirectory.create();
    const configs =
      size === 1 ? [loneConfig(directory.path)] : ensembleConfigs(directory.path, await freePorts(2 * size));
    const running = await Promise.all(configs.map((config) => LocalServer.start(config)));
    const servers = running.map(({ address }) => address).join(',');
    return new Stage(directory, running, servers, await connect(servers));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
    await Promise.all(this.#running.map((server) => server.stop()));
    await this.#directory[Symbol.asyncDispose]();
  }
}

const stage = await Stage.build(1);
afterAll(() => stage[Symbol.asyncDispose]());

const tables: { readonly name: string; readonly rows: readonly Row[] }[] = [];
for (const scenario of scenarios) {
  tables.push({ name: scenario.name, rows: await stage.table.rowsOf(scenario) });
}
const all = tables.flatMap(({ rows }) => rows);
const sample = all.filter(({ harm }) => harm.kind === 'cut').filter((_, index) => index % SAMPLE === 0);

describe(`${all.length} blows to recipes on one server leave nothing behind`, () => {
  test.each(tables)('$name, at $rows.length places', { timeout: 60_000 }, async ({ rows }) => {
    const results = await stage.table.play(rows);

    expect(results.flatMap(({ fault }) => fault ?? [])).toEqual([]);
  });
});

test(`${sample.length} cuts after which the client goes on at another of three servers leave nothing behind`, {
  timeout: 60_000,
}, async () => {
  await using three = await Stage.build(3);
  const results = await three.table.play(sample);

  expect(results.flatMap(({ fault }) => fault ?? [])).toEqual([]);
  expect(results.filter(({ moved }) => moved === 0)).toEqual([]);
});
