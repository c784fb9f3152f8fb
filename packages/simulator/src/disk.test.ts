import type { DiskFile } from '@zabra/server/core';
import { diskContract } from '@zabra/server/disk-contract';
import { describe, expect, test } from 'vitest';
import { Machine, SimulatedDisk } from './disk.ts';
import { Process } from './process.ts';
import { RandomStream } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { Trace } from './trace.ts';

const SECTOR = 512;

/** A machine whose processes come and go. */
function bench(seed = 1) {
  const scheduler = new Scheduler();
  const trace = new Trace(() => scheduler.nowUs, undefined);
  const machine = new Machine(new RandomStream({ high: 0, low: seed }, 'disk'), {
    operationUsMean: 50,
    syncUsMean: 1000,
    stallChance: 0,
    stallFactor: 1,
  });
  let process = new Process('server 1', () => undefined);
  const life = (): SimulatedDisk => {
    process = new Process('server 1', () => undefined);
    return new SimulatedDisk({ machine, process, scheduler, trace });
  };
  return {
    disk: life(),
    /** Runs until the promise settles. */
    async finish<T>(promise: Promise<T>): Promise<T> {
      let isSettled = false;
      const settle = (): void => {
        isSettled = true;
      };
      promise.then(settle, settle);
      await new Promise((resolve) => setImmediate(resolve)); // so that it has asked for its first operation
      await scheduler.run({ done: () => isSettled, limitUs: 1e12, afterEach: () => undefined });
      return promise;
    },
    runOut: () => scheduler.run({ done: () => false, limitUs: 1e12, afterEach: () => undefined }),
    crash(what: 'process' | 'machine'): SimulatedDisk {
      process.kill();
      machine.crashProcess();
      if (what === 'machine') machine.crashMachine();
      return life();
    },
    crashAtEffect: (count: number, crash: () => void) => process.crashAfterEffects(count, crash),
  };
}

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** For each sector, the one value that all its bytes have; -1 when they differ. */
function sectorValues(data: Uint8Array): number[] {
  return Array.from({ length: Math.ceil(data.length / SECTOR) }, (_value, index) => {
    const sector = data.subarray(index * SECTOR, (index + 1) * SECTOR);
    return sector.every((byte) => byte === sector[0]) ? (sector[0] as number) : -1;
  });
}

async function durableFile(t: ReturnType<typeof bench>, value: number): Promise<DiskFile> {
  const file = await t.finish(t.disk.open('log', 'create'));
  await t.finish(file.write(0, [filled(4 * SECTOR, value)]));
  await t.finish(file.sync());
  await t.finish(t.disk.syncDirectory());
  return file;
}

async function readAll(t: ReturnType<typeof bench>, disk: SimulatedDisk, name: string): Promise<Uint8Array> {
  const file = await t.finish(disk.open(name, 'existing'));
  return t.finish(file.read(0, await t.finish(file.length())));
}

test('a process that dies loses nothing that was written, synced or not', async () => {
  const t = bench();
  const file = await durableFile(t, 1);
  await t.finish(file.write(SECTOR, [filled(SECTOR, 2), filled(SECTOR, 3)]));
  const disk = t.crash('process');
  expect(sectorValues(await readAll(t, disk, 'log'))).toEqual([1, 2, 3, 1]);
});

test('a machine that dies keeps what was synced, and of what was not each sector whole or not at all', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const t = bench(seed);
    const file = await durableFile(t, 1);
    await t.finish(file.write(SECTOR, [filled(2 * SECTOR, 2)]));
    const values = sectorValues(await readAll(t, t.crash('machine'), 'log'));
    expect(values[0]).toBe(1);
    expect(values[3]).toBe(1);
    outcomes.add(values.join(' '));
  }
  expect([...outcomes].sort()).toEqual(['1 1 1 1', '1 1 2 1', '1 2 1 1', '1 2 2 1']);
});

test('bytes beyond the durable end may be lost in the middle: what lies between reads as zeros', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const t = bench(seed);
    const file = await durableFile(t, 1);
    await t.finish(file.write(4 * SECTOR, [filled(2 * SECTOR, 2)]));
    outcomes.add(sectorValues(await readAll(t, t.crash('machine'), 'log')).join(' '));
  }
  expect([...outcomes].sort()).toEqual(['1 1 1 1', '1 1 1 1 0 2', '1 1 1 1 2', '1 1 1 1 2 2']);
});

test('an fsync covers what was written before it began, not what came while it ran', async () => {
  const lost = new Set<number>();
  for (let seed = 1; seed <= 40; seed++) {
    const t = bench(seed);
    const file = await durableFile(t, 1);
    await t.finish(file.write(0, [filled(SECTOR, 2)]));
    const sync = file.sync();
    const late = file.write(SECTOR, [filled(SECTOR, 3)]);
    await t.finish(Promise.all([sync, late]));
    const values = sectorValues(await readAll(t, t.crash('machine'), 'log'));
    expect(values[0]).toBe(2);
    lost.add(values[1] as number);
  }
  expect([...lost].sort()).toEqual([1, 3]);
});

test('a durable write is there whatever dies, with the newest of each sector, and brings down no other write', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const t = bench(seed);
    const file = await durableFile(t, 1);
    await t.finish(file.write(2 * SECTOR, [filled(3 * SECTOR, 2)]));
    await t.finish(file.writeDurably(SECTOR, [filled(2 * SECTOR, 3)]));
    outcomes.add(sectorValues(await readAll(t, t.crash('machine'), 'log')).join(' '));
  }
  expect([...outcomes].sort()).toEqual(['1 3 3 1', '1 3 3 1 2', '1 3 3 2', '1 3 3 2 2']);
});

test('a durable write brings down the cut before it', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const t = bench(seed);
    const file = await durableFile(t, 1);
    await t.finish(file.truncate(SECTOR));
    await t.finish(file.writeDurably(SECTOR, [filled(SECTOR, 2)]));
    expect(sectorValues(await readAll(t, t.crash('machine'), 'log'))).toEqual([1, 2]);
  }
});

test('a write in flight when the process dies leaves any prefix of its bytes', async () => {
  const lengths = new Set<number>();
  for (let seed = 1; seed <= 40; seed++) {
    const t = bench(seed);
    const file = await t.finish(t.disk.open('log', 'create'));
    void file.write(0, [filled(3, 9)]);
    const data = await readAll(t, t.crash('process'), 'log');
    expect(data).toEqual(filled(data.length, 9));
    lengths.add(data.length);
  }
  expect([...lengths].sort()).toEqual([0, 1, 2, 3]);
});

test('a name is certain only once the directory was synced', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const t = bench(seed);
    await durableFile(t, 1);
    const fresh = await t.finish(t.disk.open('fresh', 'create'));
    await t.finish(fresh.write(0, [filled(SECTOR, 5)]));
    await t.finish(fresh.sync());
    await t.finish(t.disk.rename('fresh', 'log'));
    const disk = t.crash('machine');
    const names = await t.finish(disk.list());
    const values = sectorValues(await readAll(t, disk, 'log'));
    outcomes.add(`${[...names].sort().join('+')}: ${values.join(' ')}`);
  }
  expect([...outcomes].sort()).toEqual(['fresh+log: 1 1 1 1', 'log: 1 1 1 1', 'log: 5']);
});

test('a removed file may come back when the machine dies before the directory was synced, and not after', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 30; seed++) {
    const t = bench(seed);
    await durableFile(t, 1);
    await t.finish(t.disk.remove('log'));
    outcomes.add((await t.finish(t.crash('machine').list())).join('+'));
  }
  expect([...outcomes].sort()).toEqual(['', 'log']);
  const t = bench();
  await durableFile(t, 1);
  await t.finish(t.disk.remove('log'));
  await t.finish(t.disk.syncDirectory());
  expect(await t.finish(t.crash('machine').list())).toEqual([]);
});

test('no call of a dead process is answered, and none has an effect', async () => {
  const t = bench();
  const file = await durableFile(t, 1);
  const answers: string[] = [];
  file.sync().then(() => answers.push('begun before the death'));
  const disk = t.crash('process');
  file.write(0, [filled(SECTOR, 7)]).then(() => answers.push('begun after it'));
  t.disk.remove('log').then(() => answers.push('removed after it'));
  await t.runOut();
  expect(answers).toEqual([]);
  expect(sectorValues(await readAll(t, disk, 'log'))).toEqual([1, 1, 1, 1]);
});

test('every call can be the one before which the process dies', async () => {
  for (let effects = 0; effects < 4; effects++) {
    const t = bench();
    let isCrashed = false;
    t.crashAtEffect(effects, () => {
      t.crash('process');
      isCrashed = true;
    });
    const reached: string[] = [];
    void (async () => {
      const file = await t.disk.open('log', 'create');
      reached.push('open');
      await file.write(0, [filled(1, 1)]);
      reached.push('write');
      await file.sync();
      reached.push('sync');
      await t.disk.syncDirectory();
      reached.push('syncDirectory');
    })();
    await t.runOut();
    expect(isCrashed).toBe(true);
    expect(reached).toEqual(['open', 'write', 'sync', 'syncDirectory'].slice(0, effects));
  }
});

test.each([
  { name: 'opening what is not there', act: (disk: SimulatedDisk) => disk.open('none', 'existing') },
  { name: 'creating what is there', act: (disk: SimulatedDisk) => disk.open('log', 'create') },
  { name: 'renaming what is not there', act: (disk: SimulatedDisk) => disk.rename('none', 'log') },
  { name: 'removing what is not there', act: (disk: SimulatedDisk) => disk.remove('none') },
])('$name is an error', async ({ act }) => {
  const t = bench();
  await durableFile(t, 1);
  await expect(t.finish(act(t.disk) as Promise<unknown>)).rejects.toThrow();
});

describe('a simulated disk keeps the contract', () => {
  let t = bench();
  diskContract(
    (name, body) =>
      test(name, async () => {
        t = bench();
        await t.finish(body());
      }),
    async () => t.disk,
  );
});
