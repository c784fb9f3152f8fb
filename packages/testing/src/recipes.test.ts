import { connect, type ZooKeeper } from '@zabra/client';
import {
  countRequests,
  type Harm,
  harmsOf,
  outcomesAllowed,
  RealBench,
  type Scenario,
  scenarios,
  strike,
} from '@zabra/client/recipes-suite';
import { afterAll, describe, expect, test } from 'vitest';
import { ensembleConfigs, LocalServer, loneConfig, TemporaryDirectory } from '../test/local-server.ts';
import { freePorts } from './free-ports.ts';

/*
 * The table of faults of the recipes on servers that run. The servers, the network and the disk are real, and so is
 * the servers' time; only the clocks of the clients under test jump over what they would wait for.
 */

/** Rows at a time; each has a part of the tree and clients of its own. */
const LANES = 12;
/** How often the requests of a call are counted. */
const COUNTS = 4;
/** How often a row is played whose request was not needed this time. */
const PLAYS = 3;
/** Of the rows that cut, one in so many is played on three servers too. */
const SAMPLE = 3;

interface Row {
  readonly scenario: Scenario;
  readonly harm: Harm;
  readonly request: number;
}

interface Result {
  /** What must not be; undefined when all is well. */
  readonly fault: string | undefined;
  readonly moved: number;
}

/** Servers in this process, and a client that looks at their tree. */
class Stage implements AsyncDisposable {
  readonly #directory: TemporaryDirectory;
  readonly #running: readonly LocalServer[];
  readonly #servers: string;
  readonly #admin: ZooKeeper;
  #benches = 0;

  private constructor(
    directory: TemporaryDirectory,
    running: readonly LocalServer[],
    servers: string,
    admin: ZooKeeper,
  ) {
    this.#directory = directory;
    this.#running = running;
    this.#servers = servers;
    this.#admin = admin;
  }

  static async build(size: 1 | 3): Promise<Stage> {
    const directory = await TemporaryDirectory.create();
    const configs =
      size === 1 ? [loneConfig(directory.path)] : ensembleConfigs(directory.path, await freePorts(2 * size));
    const running = await Promise.all(configs.map((config) => LocalServer.start(config)));
    const servers = running.map(({ address }) => address).join(',');
    return new Stage(directory, running, servers, await connect(servers));
  }

  /** The requests that a call surely sends: real events may come early or late, and then one look more is needed. */
  async count(scenario: Scenario): Promise<number> {
    const counting = Array.from({ length: COUNTS }, () =>
      this.#onBench((bench) => countRequests(bench, scenario)),
    );
    return Math.min(...(await Promise.all(counting)));
  }

  play({ scenario, harm, request }: Row, playsLeft = PLAYS - 1): Promise<Result> {
    return this.#onBench(async (bench) => {
      const { wasStruck, outcome, left } = await strike(bench, scenario, harm, request);
      if (!wasStruck && playsLeft > 0) return this.play({ scenario, harm, request }, playsLeft - 1);
      const isFine = wasStruck && outcomesAllowed(scenario, harm).includes(outcome) && left.length === 0;
      const seen = `${wasStruck ? outcome : 'not struck'}, left: ${left.join(' ')}`;
      const row = `${scenario.name}, ${harm.kind} at request ${request}, ${harm.when} it is applied`;
      return { fault: isFine ? undefined : `${row}: ${seen}`, moved: bench.moved };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
    await Promise.all(this.#running.map((server) => server.stop()));
    await this.#directory[Symbol.asyncDispose]();
  }

  async #onBench<T>(work: (bench: RealBench) => Promise<T>): Promise<T> {
    const bench = await RealBench.open(this.#servers, `/bench-${this.#benches++}`, this.#admin);
    const result = await work(bench);
    await bench.close();
    return result;
  }
}

const stage = await Stage.build(1);
afterAll(() => stage[Symbol.asyncDispose]());

const tables: { readonly name: string; readonly rows: readonly Row[] }[] = [];
for (const scenario of scenarios) {
  const requests = await stage.count(scenario);
  const rows = Array.from({ length: requests }, (_, index) =>
    harmsOf(scenario).map((harm) => ({ scenario, harm, request: index + 1 })),
  );
  tables.push({ name: scenario.name, rows: rows.flat() });
}
const all = tables.flatMap(({ rows }) => rows);
const sample = all.filter(({ harm }) => harm.kind === 'cut').filter((_, index) => index % SAMPLE === 0);

describe(`${all.length} blows to recipes on one server leave nothing behind`, () => {
  test.each(tables)('$name, at $rows.length places', { timeout: 60_000 }, async ({ rows }) => {
    const results = await inLanes(rows, (row) => stage.play(row));

    expect(results.flatMap(({ fault }) => fault ?? [])).toEqual([]);
  });
});

test(`${sample.length} cuts after which the client goes on at another of three servers leave nothing behind`, {
  timeout: 60_000,
}, async () => {
  await using three = await Stage.build(3);
  const results = await inLanes(sample, (row) => three.play(row));

  expect(results.flatMap(({ fault }) => fault ?? [])).toEqual([]);
  expect(results.filter(({ moved }) => moved === 0)).toEqual([]);
});

/** All of them, LANES at a time. */
async function inLanes<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const waiting = [...items];
  const results: R[] = [];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift())
      results.push(await work(item));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}
