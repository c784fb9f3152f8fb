import { assert, ZXID_NONE, type Zxid } from '@zabra/model';
import type { LogRecord } from '@zabra/zab';
import { describe, expect, test } from 'vitest';
import {
  chanceFrom,
  coreOptions,
  digestOf,
  fakeEnv,
  Life,
  Scribe,
  SMALL,
} from '../../../test/storage-world.ts';
import { type Chance, VolatileMachine } from '../../../test/volatile-disk.ts';

const SEEDS = 150;
const STEPS = 60;

/** What must be so whatever happens: kept beside the storage while it works. */
class Expectation {
  /** All that was asked to be in the log. */
  written: LogRecord[] = [];
  durable: Zxid = ZXID_NONE;
  commit: Zxid = ZXID_NONE;
  /** A cut that was asked for and not yet confirmed. */
  cutting: Zxid | undefined;
  accepted = 0;
  acceptedDurable = 0;

  cut(after: Zxid): void {
    this.written = this.written.filter(({ zxid }) => zxid <= after);
    this.durable = after < this.durable ? after : this.durable;
    this.cutting = undefined;
  }

  /** The log found after a crash is what was written, cut somewhere after what was durable; or cut where it was to be cut. */
  check(found: readonly LogRecord[], base: Zxid, last: Zxid): void {
    const kept = this.written.filter(({ zxid }) => zxid > base && zxid <= last);
    expect(found.map(({ zxid }) => zxid)).toEqual(kept.map(({ zxid }) => zxid));
    expect(found.map(({ payload }) => [...payload])).toEqual(kept.map(({ payload }) => [...payload]));
    const isCut = this.cutting !== undefined && last === this.cutting;
    expect(isCut || last >= this.durable).toBe(true);
  }
}

class Run {
  readonly machine: VolatileMachine;
  readonly chance: Chance;
  readonly scribe = new Scribe();
  readonly expected = new Expectation();
  epoch = 0;
  life: Life | undefined;
  crashed: Promise<void> = Promise.resolve();
  failed: Promise<Error> = new Promise(() => {});

  constructor(seed: number) {
    this.chance = chanceFrom(seed);
    this.machine = new VolatileMachine(this.chance);
  }

  below(limit: number): number {
    return Math.floor(this.chance() * limit);
  }

  /** Opens, and dies in it now and then, until it is open; then checks what is there. */
  async open(): Promise<void> {
    for (;;) {
      const { crashes } = this.machine;
      const isToDie = this.chance() < 0.4;
      this.crashed = this.machine.crashAfter(isToDie ? this.below(40) : 1_000_000, this.crashKind());
      const env = fakeEnv(this.machine, this.chance);
      this.failed = env.failed;
      const options = coreOptions(SMALL);
      const life = await Promise.race([Life.start(env, options), this.crashed.then(() => undefined)]);
      if (life === undefined) continue;
      await this.orCrash(this.check(life));
      // It may have died of the last thing that the check asked for.
      if (this.machine.crashes > crashes) continue;
      this.crashed = this.machine.crashAfter(this.below(80), this.crashKind());
      this.life = life;
      return;
    }
  }

  async check(life: Life): Promise<void> {
    const state = await life.state();
    const found = await life.log();
    const { expected } = this;
    expected.check(found, state.baseZxid, state.lastZxid);
    expected.cut(state.lastZxid);
    expected.durable = state.lastZxid;
    const applied = expected.written.filter(({ zxid }) => zxid <= state.appliedZxid);
    expect(life.tree.digest()).toBe(digestOf(applied));
    expect(state.appliedZxid).toBe(state.commitZxid);
    expect(state.commitZxid).toBeLessThanOrEqual(expected.commit);
    expect(state.tail.map(({ zxid }) => zxid)).toEqual(
      expected.written.filter(({ zxid }) => zxid > state.appliedZxid).map(({ zxid }) => zxid),
    );
    expect([expected.acceptedDurable, expected.accepted]).toContain(state.acceptedEpoch);
    expected.accepted = state.acceptedEpoch;
    expected.acceptedDurable = state.acceptedEpoch;
    expected.commit = state.commitZxid;
    this.scribe.continueAfter(state.lastZxid);
    this.epoch += 1;
    const start = this.scribe.startEpoch(this.epoch);
    // A new epoch for each life: what is cut and written again never has the old zxids.
    this.append(life, [start]);
  }

  append(life: Life, records: readonly LogRecord[]): void {
    const { expected } = this;
    expected.written.push(...records);
    life.storage.append(records, expected.commit, (zxid) => {
      expected.durable = zxid;
    });
  }

  async orCrash(work: Promise<unknown>): Promise<'done' | 'crashed'> {
    return Promise.race([
      work.then(() => 'done' as const),
      this.crashed.then(() => 'crashed' as const),
      this.failed.then((error) => Promise.reject(error)),
    ]);
  }

  crashKind(): 'process' | 'machine' {
    return this.chance() < 0.3 ? 'process' : 'machine';
  }

  async step(life: Life): Promise<void> {
    const { expected, scribe } = this;
    switch (this.below(9)) {
      case 0:
      case 1:
      case 2:
        return this.append(life, scribe.txns(1 + this.below(6), this.below(700)));
      case 3: {
        // Commit and apply some of what is durable.
        const ready = expected.written.filter(
          ({ zxid }) => zxid > life.tree.appliedZxid && zxid <= expected.durable,
        );
        const records = ready.slice(0, this.below(ready.length + 1));
        const last = records.at(-1);
        if (last !== undefined) expected.commit = last.zxid;
        life.apply(records);
        return;
      }
      case 4: {
        await life.storage.idle();
        const uncommitted = expected.written.filter(({ zxid }) => zxid >= expected.commit);
        const after = uncommitted[this.below(uncommitted.length)];
        if (after === undefined) return;
        expected.cutting = after.zxid;
        await life.storage.truncate(after.zxid);
        expected.cut(after.zxid);
        scribe.continueAfter(after.zxid);
        this.epoch += 1;
        return this.append(life, [scribe.startEpoch(this.epoch)]);
      }
      case 5:
        expected.accepted++;
        await life.storage.saveManifest({
          acceptedEpoch: expected.accepted,
          currentEpoch: 0,
          clusterId: 'orchard',
          standing: 'voter',
        });
        expected.acceptedDurable = expected.accepted;
        return;
      case 6:
        void life.storage.startSnapshot(life.tree);
        return;
      case 7:
        life.storage.sealIfIdle(expected.commit);
        return life.storage.idle();
      default:
        return life.storage.idle();
    }
  }
}

describe('after any crash', () => {
  test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
    'what was durable is there, and nothing that was not written (seed %i)',
    async (seed) => {
      const run = new Run(seed);
      await run.open();
      for (let step = 0; step < STEPS; step++) {
        assert(run.life !== undefined, 'a life is on');
        if (run.chance() < 0.02)
          await run.orCrash(run.life.storage.close().then(() => run.machine.crash('process')));
        const outcome = await run.orCrash(run.step(run.life));
        if (outcome === 'crashed') {
          await run.open();
        }
      }
      expect(run.machine.crashes).toBeGreaterThan(0);
    },
  );
});
