import type { ZooKeeper } from '@zabra/client';
import { RealBench } from './real-bench.test-support.ts';
import {
  countRequests,
  type Harm,
  harmsOf,
  outcomesAllowed,
  type Scenario,
  strike,
} from './recipe-faults.test-support.ts';

/** One call, struck once. */
export interface Row {
  readonly scenario: Scenario;
  readonly harm: Harm;
  readonly request: number;
}

export interface Result {
  /** What must not be; undefined when all is well. */
  readonly fault: string | undefined;
  /** Clients that went on at another server. */
  readonly moved: number;
}

/** Rows at a time; each has a part of the tree and clients of its own. */
const LANES = 12;
/** How often the requests of a call are counted. */
const COUNTS = 4;
/** How often a row is played whose request was not needed this time. */
const PLAYS = 10;

/** The table of faults of the recipes, played on servers that run. */
export class FaultTable {
  readonly #servers: string;
  readonly #admin: ZooKeeper;
  #benches = 0;

  /** `admin` looks at their tree. */
  constructor(servers: string, admin: ZooKeeper) {
    this.#servers = servers;
    this.#admin = admin;
  }

  /** Every harm at every request that the call surely sends: real events may come early or late, and then one look more is needed. */
  async rowsOf(scenario: Scenario): Promise<readonly Row[]> {
    const counting = Array.from({ length: COUNTS }, () =>
      this.#onBench((bench) => countRequests(bench, scenario)),
    );
    const requests = Math.min(...(await Promise.all(counting)));
    return Array.from({ length: requests }, (_, index) =>
      harmsOf(scenario).map((harm) => ({ scenario, harm, request: index + 1 })),
    ).flat();
  }

  /** All of them, several at a time. */
  async play(rows: readonly Row[]): Promise<readonly Result[]> {
    const waiting = [...rows];
    const results: Result[] = [];
    const lane = async (): Promise<void> => {
      for (let row = waiting.shift(); row !== undefined; row = waiting.shift())
        results.push(await this.#playRow(row));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return results;
  }

  #playRow({ scenario, harm, request }: Row, playsLeft = PLAYS - 1): Promise<Result> {
    return this.#onBench(async (bench) => {
      const { wasStruck, outcome, left } = await strike(bench, scenario, harm, request);
      if (!wasStruck && playsLeft > 0) return this.#playRow({ scenario, harm, request }, playsLeft - 1);
      const isFine = wasStruck && outcomesAllowed(scenario, harm).includes(outcome) && left.length === 0;
      const seen = `${wasStruck ? outcome : 'not struck'}, left: ${left.join(' ')}`;
      const row = `${scenario.name}, ${harm.kind} at request ${request}, ${harm.when} it is applied`;
      return { fault: isFine ? undefined : `${row}: ${seen}`, moved: bench.moved };
    });
  }

  async #onBench<T>(work: (bench: RealBench) => Promise<T>): Promise<T> {
    const bench = await RealBench.open(this.#servers, `/bench-${this.#benches++}`, this.#admin);
    const result = await work(bench);
    await bench.close();
    return result;
  }
}
