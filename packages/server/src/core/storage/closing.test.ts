import { expect, test } from 'vitest';
import { chanceFrom, type FakeEnv, fakeEnv, Life, Scribe, zxid } from '../../../test/storage-world.ts';
import { VolatileMachine } from '../../../test/volatile-disk.ts';
import type { Disk } from '../env.ts';
import type { StorageEnv } from './storage.ts';

/** A disk whose reads wait for `go`; what is done to its files is told in `calls`. */
class SlowDisk {
  readonly calls: string[] = [];
  readonly disk: Disk;
  go: () => void = () => {};
  #gate: Promise<void> | undefined;

  constructor(disk: Disk) {
    this.disk = {
      list: () => disk.list(),
      rename: (from, to) => disk.rename(from, to),
      remove: (name) => disk.remove(name),
      syncDirectory: () => disk.syncDirectory(),
      open: async (name, mode) => {
        const file = await disk.open(name, mode);
        return {
          name,
          read: async (offset, length) => {
            await this.#gate;
            this.calls.push('read');
            return file.read(offset, length);
          },
          write: (offset, data) => file.write(offset, data),
          writeDurably: (offset, data) => file.writeDurably(offset, data),
          sync: () => file.sync(),
          truncate: (length) => file.truncate(length),
          length: () => file.length(),
          close: () => {
            this.calls.push('close');
            return file.close();
          },
        };
      },
    };
  }

  hold(): void {
    this.calls.length = 0;
    this.#gate = new Promise((resolve) => {
      this.go = resolve;
    });
  }
}

class World {
  readonly machine: VolatileMachine = new VolatileMachine(chanceFrom(7));
  readonly env: FakeEnv = fakeEnv(this.machine, chanceFrom(7));

  async startWith(count: number, env: StorageEnv = this.env): Promise<Life> {
    const life = await Life.start(env);
    const scribe = new Scribe();
    await life.append([scribe.startEpoch(1), ...scribe.txns(count)], zxid(1, 0));
    return life;
  }
}

test('closing waits for whoever reads beside the queue, and only then closes the files', async () => {
  const world = new World();
  const slow = new SlowDisk(world.env.disk);
  const life = await world.startWith(5, { ...world.env, disk: slow.disk });
  slow.hold();
  const reading = life.storage.readAfter(zxid(1, 0), zxid(1, 5), 1e6);
  const closing = life.storage.close();
  // Long enough for all that does not wait.
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(slow.calls).toEqual([]);
  slow.go();
  expect((await reading).records).toHaveLength(5);
  await closing;
  const closedAt = slow.calls.indexOf('close');
  expect(slow.calls.slice(0, closedAt)).toContain('read');
  expect(slow.calls.slice(closedAt)).not.toContain('read');
  expect(world.env.errors).toEqual([]);
});

test('what would be read after closing has begun is not read', async () => {
  const world = new World();
  const slow = new SlowDisk(world.env.disk);
  const life = await world.startWith(5, { ...world.env, disk: slow.disk });
  slow.calls.length = 0;
  const closing = life.storage.close();
  void life.storage.readAfter(zxid(1, 0), zxid(1, 5), 1e6);
  await closing;
  expect(slow.calls).not.toContain('read');
});

test('a storage whose disk has failed can be closed, before and after', async () => {
  const world = new World();
  const life = await world.startWith(5);
  world.machine.fail('sync', /./);
  void life.storage.saveManifest({
    acceptedEpoch: 2,
    currentEpoch: 1,
    clusterId: 'orchard',
    standing: 'voter',
  });
  const before = life.storage.close();
  await world.env.failed;
  await before;
  await life.storage.close();
  expect(world.env.errors).toHaveLength(1);
});
