import { ZXID_NONE, type Zxid } from '@zabra/model';
import type { Tree } from '@zabra/tree';
import { describe, expect, test } from 'vitest';
import {
  chanceFrom,
  coreOptions,
  digestOf,
  type FakeEnv,
  fakeEnv,
  Life,
  Scribe,
  SMALL,
  zxid,
} from '../../../test/storage-world.ts';
import { type Chance, VolatileMachine } from '../../../test/volatile-disk.ts';
import type { CoreOptions } from '../options.ts';
import { crc32 } from './crc32.ts';
import type { OpenOptions } from './storage.ts';

class World {
  readonly chance: Chance;
  readonly machine: VolatileMachine;
  readonly scribe = new Scribe();
  env: FakeEnv;

  constructor(seed = 7) {
    this.chance = chanceFrom(seed);
    this.machine = new VolatileMachine(this.chance);
    this.env = fakeEnv(this.machine, this.chance);
  }

  start(options: CoreOptions = coreOptions(SMALL), open: OpenOptions = {}): Promise<Life> {
    this.env = fakeEnv(this.machine, this.chance);
    return Life.start(this.env, options, open);
  }

  /** The machine dies and starts again. */
  restart(options?: CoreOptions): Promise<Life> {
    this.machine.crash('machine');
    return this.start(options);
  }

  /** `count` txns of epoch 1, all durable, the first `committed` of them applied. */
  async startWith(count: number, committed: number): Promise<Life> {
    const life = await this.start();
    const records = [this.scribe.startEpoch(1), ...this.scribe.txns(count)];
    for (const record of records) await life.append([record], zxid(1, committed));
    life.apply(records.slice(0, committed + 1));
    return life;
  }

  flip(name: string, offset: number): void {
    this.machine.rot(name, (bytes) => {
      bytes[offset] = (bytes[offset] ?? 0) ^ 1;
      return bytes;
    });
  }
}

const zxidsOf = (records: readonly { readonly zxid: Zxid }[]): Zxid[] => records.map((record) => record.zxid);

describe('a first start', () => {
  test('with a cluster id makes a voter of an empty log', async () => {
    const life = await new World().start();
    expect(await life.state()).toMatchObject({
      clusterId: 'orchard',
      standing: 'voter',
      acceptedEpoch: 0,
      lastZxid: ZXID_NONE,
      baseZxid: ZXID_NONE,
      tail: [],
    });
  });

  test('without one makes a blank server, which a later start may tell its cluster', async () => {
    const world = new World();
    const blank = coreOptions(SMALL, { clusterId: undefined });
    const life = await world.start(blank);
    expect(await life.state()).toMatchObject({ clusterId: undefined, standing: 'blank' });
    const told = await world.restart();
    expect(await told.state()).toMatchObject({ clusterId: 'orchard', standing: 'voter' });
  });
});

describe('the log', () => {
  test('groups appends that wait into one batch, and reports each in order', async () => {
    const world = new World();
    const life = await world.start();
    const reported: Zxid[] = [];
    const records = [world.scribe.startEpoch(1), ...world.scribe.txns(20)];
    const { calls } = world.machine;
    for (const record of records)
      life.storage.append([record], ZXID_NONE, (durable) => reported.push(durable));
    await life.storage.idle();
    expect(reported).toEqual(zxidsOf(records));
    // One write and one fsync, and zeros ahead.
    expect(world.machine.calls - calls).toBe(3);
  });

  test('recovers the tree up to the commit mark and keeps the rest as tail', async () => {
    const world = new World();
    const life = await world.startWith(10, 4);
    const again = await world.restart();
    expect(again.tree.digest()).toBe(life.tree.digest());
    const state = await again.state();
    expect(state).toMatchObject({ lastZxid: zxid(1, 10), commitZxid: zxid(1, 4), appliedZxid: zxid(1, 4) });
    expect(zxidsOf(state.tail)).toEqual([5, 6, 7, 8, 9, 10].map((counter) => zxid(1, counter)));
    expect(state.history).toEqual([
      { epoch: 0, counter: 0 },
      { epoch: 1, counter: 10 },
    ]);
  });

  test('is read from any record to any other, a bounded piece at a time', async () => {
    const life = await new World().startWith(40, 0);
    const { records } = await life.storage.readAfter(zxid(1, 7), zxid(1, 30), Number.POSITIVE_INFINITY);
    expect(zxidsOf(records)).toEqual(Array.from({ length: 23 }, (_, index) => zxid(1, 8 + index)));
    expect(records.every((record, index) => record.previous === zxid(1, 7 + index))).toBe(true);
    const piece = await life.storage.readAfter(zxid(1, 7), zxid(1, 30), 1);
    expect(zxidsOf(piece.records)).toEqual([zxid(1, 8)]);
  });

  test('an empty last segment is no obstacle (S33)', async () => {
    const world = new World();
    await world.startWith(3, 3);
    for (let start = 0; start < 3; start++) await world.restart();
    const life = await world.restart();
    expect(await life.state()).toMatchObject({ lastZxid: zxid(1, 3) });
    expect(world.machine.names().filter((name) => name.startsWith('log'))).toHaveLength(2);
  });

  test('an idle tick seals it, so that a rotten last record is not taken for a torn one', async () => {
    const world = new World();
    const life = await world.startWith(1, 0);
    await life.storage.idle();
    life.storage.sealIfIdle(zxid(1, 0));
    life.storage.sealIfIdle(zxid(1, 0));
    await life.storage.idle();
    world.machine.crash('machine');
    world.flip('log.1', 512 + 70);
    await expect(world.start()).rejects.toMatchObject({ code: 'DAMAGED', file: 'log.1' });
  });

  test('a last batch that was never synced is cut without a word', async () => {
    const world = new World();
    await world.startWith(3, 0);
    world.machine.crash('machine');
    world.flip('log.1', 3 * 512 + 70);
    const life = await world.start();
    expect(await life.state()).toMatchObject({ lastZxid: zxid(1, 2) });
  });

  test('an error of the disk ends the server, and nothing after it is acknowledged (S20)', async () => {
    const world = new World();
    const life = await world.startWith(3, 0);
    world.machine.fail('sync', /^log/);
    const acknowledged: Zxid[] = [];
    for (const record of world.scribe.txns(3))
      life.storage.append([record], ZXID_NONE, (last) => acknowledged.push(last));
    expect(await world.env.failed).toMatchObject({ name: 'DiskError', operation: 'sync' });
    expect(acknowledged).toEqual([]);
  });
});

describe('a cut', () => {
  test('inside a batch leaves exactly what it should, and what follows is read back (S07)', async () => {
    const world = new World();
    const life = await world.start();
    await life.append([world.scribe.startEpoch(1), ...world.scribe.txns(9)], zxid(1, 2));
    await life.storage.truncate(zxid(1, 5));
    expect(zxidsOf(await life.log())).toEqual([0, 1, 2, 3, 4, 5].map((counter) => zxid(1, counter)));
    world.scribe.continueAfter(zxid(1, 5));
    await life.append([world.scribe.startEpoch(2), ...world.scribe.txns(2)]);
    const again = await world.restart();
    expect(zxidsOf(await again.log()).slice(5)).toEqual([zxid(1, 5), zxid(2, 0), zxid(2, 1), zxid(2, 2)]);
    expect((await again.state()).history).toEqual([
      { epoch: 0, counter: 0 },
      { epoch: 1, counter: 5 },
      { epoch: 2, counter: 2 },
    ]);
  });

  test.each([0, 1, 6, 7, 8, 13, 14, 19])(
    'at record %i of twenty single batches keeps it and drops the next',
    async (at) => {
      const world = new World();
      const life = await world.startWith(20, 0);
      await life.storage.truncate(zxid(1, at));
      expect(zxidsOf(await life.log()).at(-1)).toBe(zxid(1, at));
      const again = await world.restart();
      expect(zxidsOf(await again.log()).at(-1)).toBe(zxid(1, at));
    },
  );

  test('never touches what is committed, so no snapshot can hold what was cut (S05)', async () => {
    const world = new World();
    const life = await world.startWith(6, 4);
    await life.storage.startSnapshot(life.tree);
    void life.storage.truncate(zxid(1, 3));
    expect(await world.env.failed).toMatchObject({ name: 'InvariantError' });
    const again = await world.restart();
    expect(await again.state()).toMatchObject({ lastZxid: zxid(1, 6), appliedZxid: zxid(1, 4) });
  });

  test('that fails is not taken as done (S31)', async () => {
    const world = new World();
    const life = await world.startWith(6, 2);
    world.machine.fail('write', /^MANIFEST/);
    void life.storage.truncate(zxid(1, 3));
    expect(await world.env.failed).toMatchObject({ name: 'DiskError' });
    const again = await world.restart();
    expect(await again.state()).toMatchObject({ lastZxid: zxid(1, 6) });
  });
});

describe('the manifest', () => {
  test('keeps an old current epoch beside newer data, and raises none by guess (S28)', async () => {
    const world = new World();
    const life = await world.startWith(1, 1);
    const epochs = { clusterId: 'orchard', standing: 'voter' } as const;
    await life.storage.saveManifest({ ...epochs, acceptedEpoch: 2, currentEpoch: 1 });
    await life.append([world.scribe.startEpoch(2)]);
    const again = await world.restart();
    expect(await again.state()).toMatchObject({ acceptedEpoch: 2, currentEpoch: 1, lastZxid: zxid(2, 0) });
  });

  test('that could not be written ends the server, with the former one in force (S29)', async () => {
    const world = new World();
    const life = await world.startWith(1, 1);
    world.machine.fail('sync', /^MANIFEST/);
    void life.storage.saveManifest({
      acceptedEpoch: 9,
      currentEpoch: 0,
      clusterId: 'orchard',
      standing: 'voter',
    });
    expect(await world.env.failed).toMatchObject({ name: 'DiskError', file: 'MANIFEST.new' });
    expect(await (await world.restart()).state()).toMatchObject({ acceptedEpoch: 0 });
  });

  test('that was not renamed is dropped (S30)', async () => {
    const world = new World();
    const life = await world.startWith(1, 1);
    world.machine.fail('rename', /^MANIFEST/);
    void life.storage.saveManifest({
      acceptedEpoch: 9,
      currentEpoch: 0,
      clusterId: 'orchard',
      standing: 'voter',
    });
    await world.env.failed;
    world.machine.crash('process');
    expect(await (await world.start()).state()).toMatchObject({ acceptedEpoch: 0 });
    expect(world.machine.names()).not.toContain('MANIFEST.new');
  });
});

describe('snapshots', () => {
  test('purge older ones and the log before the oldest kept one, and no more (S32)', async () => {
    const world = new World();
    const life = await world.startWith(0, 0);
    for (let round = 0; round < 4; round++) {
      const records = world.scribe.txns(12, 300);
      await life.append(records, records.at(-1)?.zxid);
      life.apply(records);
      await life.storage.startSnapshot(life.tree);
    }
    const state = await life.state();
    expect(world.machine.names().filter((name) => name.startsWith('snapshot'))).toEqual([
      'snapshot.100000024',
      'snapshot.100000030',
    ]);
    expect(state.baseZxid).toBeGreaterThan(zxid(1, 0));
    expect(state.baseZxid).toBeLessThanOrEqual(zxid(1, 0x24));
    expect(await life.storage.readAfter(zxid(1, 1), state.lastZxid, 1000)).toEqual({
      records: [],
      purged: true,
    });
    const again = await world.restart();
    expect(again.tree.digest()).toBe(life.tree.digest());
    expect((await again.state()).baseZxid).toBe(state.baseZxid);
  });

  test('are abandoned when what they keep outgrows its bound', async () => {
    const world = new World();
    const life = await world.start(coreOptions({ ...SMALL, preImageBytesMax: -1 }));
    expect(await life.storage.startSnapshot(life.tree)).toBeUndefined();
    await life.storage.idle();
    expect(world.machine.names().filter((name) => name.startsWith('snapshot'))).toEqual([]);
  });

  test('stay for whoever reads them, though purged meanwhile', async () => {
    const world = new World();
    const life = await world.startWith(4, 4);
    const handle = await life.storage.openSnapshot(ZXID_NONE, life.tree);
    for (let round = 0; round < 3; round++) {
      const records = world.scribe.txns(3);
      await life.append(records, records.at(-1)?.zxid);
      life.apply(records);
      await life.storage.startSnapshot(life.tree);
    }
    expect(handle?.zxid).toBe(zxid(1, 4));
    expect(world.machine.names()).toContain('snapshot.100000004');
    expect(await handle?.read(0)).toMatchObject({ last: false });
    handle?.close();
    await life.storage.idle();
    expect(world.machine.names()).not.toContain('snapshot.100000004');
  });

  test('crash safely: at every call while one is made, the tree comes back', async () => {
    for (let run = 0; run < 600; run++) {
      const world = new World(run);
      const life = await world.startWith(5, 5);
      const crashed = world.machine.crashAfter(run % 30, 'machine');
      await Promise.race([life.storage.startSnapshot(life.tree), crashed]);
      const again = await world.restart();
      expect(again.tree.digest()).toBe(life.tree.digest());
    }
  });
});

describe('a snapshot from the leader', () => {
  /** What a leader at (1, 8) sends. */
  async function sent(): Promise<{
    readonly zxid: Zxid;
    readonly chunks: readonly Uint8Array[];
    readonly bytes: number;
    readonly digest: string;
  }> {
    const leader = await new World().startWith(8, 8);
    const handle = await leader.storage.openSnapshot(ZXID_NONE, leader.tree);
    const chunks: Uint8Array[] = [];
    const bytes = handle?.bytes ?? 0;
    for (let offset = 0; offset < bytes; offset += chunks.at(-1)?.length ?? 0) {
      const chunk = await handle?.read(offset);
      chunks.push(chunk?.data ?? new Uint8Array(0));
    }
    return { zxid: handle?.zxid ?? ZXID_NONE, chunks, bytes, digest: leader.tree.digest() };
  }

  async function receive(life: Life, snapshot: Awaited<ReturnType<typeof sent>>): Promise<Tree> {
    await life.storage.beginReceived(snapshot.zxid, snapshot.bytes);
    let offset = 0;
    for (const chunk of snapshot.chunks) {
      await life.storage.writeReceived(offset, chunk);
      offset += chunk.length;
    }
    return life.storage.installReceived(snapshot.zxid);
  }

  test('becomes the base, replaces the log, and the log goes on from it', async () => {
    const world = new World();
    const life = await world.startWith(3, 1);
    const snapshot = await sent();
    life.tree = await receive(life, snapshot);
    expect(life.tree.digest()).toBe(snapshot.digest);
    expect(await life.state()).toMatchObject({
      baseZxid: snapshot.zxid,
      lastZxid: snapshot.zxid,
      commitZxid: snapshot.zxid,
      history: [{ epoch: 1, counter: 8 }],
    });
    world.scribe.continueAfter(snapshot.zxid);
    await life.append(world.scribe.txns(2), snapshot.zxid);
    const again = await world.restart();
    expect(again.tree.digest()).toBe(snapshot.digest);
    expect(zxidsOf(await again.log())).toEqual([zxid(1, 9), zxid(1, 10)]);
  });

  test('takes effect wholly or not at all, whenever the machine dies (S21, S22, S24)', async () => {
    const snapshot = await sent();
    const found = new Set<string>();
    const before = digestOf([new Scribe().startEpoch(1)]);
    for (let call = 0; call < 40; call++) {
      const world = new World();
      const life = await world.startWith(3, 0);
      const crashed = world.machine.crashAfter(call, 'machine');
      await Promise.race([receive(life, snapshot), crashed]);
      const again = await world.restart();
      const { lastZxid } = await again.state();
      found.add(`${again.tree.digest()} ${lastZxid}`);
    }
    expect(found).toEqual(new Set([`${before} ${zxid(1, 3)}`, `${snapshot.digest} ${snapshot.zxid}`]));
  });

  test('that is not what the leader wrote is refused, and nothing changes', async () => {
    const world = new World();
    const life = await world.startWith(3, 1);
    const snapshot = await sent();
    snapshot.chunks.at(-1)?.set([0xff], 3);
    await expect(receive(life, snapshot)).rejects.toMatchObject({ code: 'BAD_SNAPSHOT' });
    expect(await life.state()).toMatchObject({ lastZxid: zxid(1, 3) });
    expect(world.machine.names().filter((name) => name.startsWith('snapshot'))).toEqual([]);
  });

  test('leaves the mark of a server that forgot its data, until it adopts an epoch; the promise it made stays', async () => {
    const world = new World();
    const life = await world.startWith(3, 1);
    await life.storage.saveManifest({
      acceptedEpoch: 4,
      currentEpoch: 1,
      clusterId: 'orchard',
      standing: 'voter',
    });
    world.machine.crash('machine');
    world.flip('log.1', 70);
    const empty = await world.start(coreOptions(SMALL), { refill: true });
    expect(await empty.state()).toMatchObject({
      standing: 'refill',
      acceptedEpoch: 4,
      currentEpoch: 0,
      lastZxid: ZXID_NONE,
    });
    const still = await world.restart();
    expect(await still.state()).toMatchObject({ standing: 'refill', acceptedEpoch: 4 });
    still.tree = await receive(still, await sent());
    const marked = { standing: 'refill', acceptedEpoch: 4, currentEpoch: 0, lastZxid: zxid(1, 8) };
    expect(await still.state()).toMatchObject(marked);
    const again = await world.restart();
    expect(await again.state()).toMatchObject(marked);
    await again.storage.saveManifest({
      acceptedEpoch: 4,
      currentEpoch: 4,
      clusterId: 'orchard',
      standing: 'voter',
    });
    const whole = { standing: 'voter', acceptedEpoch: 4, currentEpoch: 4, lastZxid: zxid(1, 8) };
    expect(await again.state()).toMatchObject(whole);
    expect(await (await world.restart()).state()).toMatchObject(whole);
  });

  test('clears no mark by a promise alone', async () => {
    const world = new World();
    await world.startWith(3, 1);
    world.machine.crash('machine');
    const life = await world.start(coreOptions(SMALL), { refill: true });
    const promise = { acceptedEpoch: 7, currentEpoch: 0, clusterId: 'orchard' };
    await life.storage.saveManifest({ ...promise, standing: 'refill' });
    void life.storage.saveManifest({ ...promise, standing: 'voter' });
    await expect(world.env.failed).resolves.toMatchObject({
      message: expect.stringContaining('only with an epoch adopted a refill mark is cleared'),
    });
  });
});

describe('a directory that must not be used', () => {
  const elsewhere = coreOptions(SMALL, { clusterId: 'vineyard' });
  const another = coreOptions(SMALL, { id: 2 });

  test.each([
    {
      name: 'of another cluster',
      options: elsewhere,
      code: 'OTHER_CLUSTER',
      text: 'belongs to cluster orchard, this server is of vineyard',
    },
    {
      name: 'of another server',
      options: another,
      code: 'OTHER_SERVER',
      text: 'belongs to server 1, this is server 2',
    },
  ])('$name', async ({ options, code, text }) => {
    const world = new World();
    await world.startWith(1, 1);
    await expect(world.restart(options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
  });

  test('of a newer format', async () => {
    const world = new World();
    await world.startWith(1, 1);
    const json = new TextEncoder().encode('{"format":2}\n');
    const newer = `{"format":2}\n${crc32(json).toString(16).padStart(8, '0')}\n`;
    world.machine.rot('MANIFEST', () => new TextEncoder().encode(newer));
    await expect(world.restart()).rejects.toMatchObject({
      code: 'NEWER_FORMAT',
      message: expect.stringContaining('format 2'),
    });
  });

  test.each([
    {
      name: 'with a rotten manifest',
      damage: (world: World) => world.flip('MANIFEST', 20),
      file: 'MANIFEST',
    },
    {
      name: 'without a manifest',
      damage: (world: World) => world.machine.loseFile('MANIFEST'),
      file: 'MANIFEST',
    },
    {
      name: 'with a rotten batch before the last one',
      damage: (world: World) => world.flip('log.1', 70),
      file: 'log.1',
    },
    {
      name: 'with a rotten batch in a finished segment',
      damage: (world: World) => world.flip('log.1', 7 * 512 + 70),
      file: 'log.1',
    },
    {
      name: 'without one of its segments',
      damage: (world: World) => world.machine.loseFile('log.1'),
      file: 'log.1',
    },
    {
      name: 'with a rotten snapshot',
      damage: (world: World) => world.flip('snapshot.10000000f', 200),
      file: 'snapshot.10000000f',
    },
    {
      name: 'without its snapshot',
      damage: (world: World) => world.machine.loseFile('snapshot.10000000f'),
      file: 'snapshot.10000000f',
    },
  ])('$name', async ({ damage, file }) => {
    const world = new World();
    const life = await world.startWith(20, 15);
    await life.storage.startSnapshot(life.tree);
    world.machine.crash('machine');
    damage(world);
    const names = world.machine.names();
    await expect(world.start()).rejects.toMatchObject({
      code: 'DAMAGED',
      file,
      message: expect.stringContaining('--refill'),
    });
    expect(world.machine.names()).toEqual(names);
  });
});

describe('closing', () => {
  test('seals the log and may be asked for twice', async () => {
    const world = new World();
    const life = await world.startWith(5, 5);
    await Promise.all([life.storage.close(), life.storage.close()]);
    world.machine.crash('machine');
    const again = await world.start();
    expect(again.tree.digest()).toBe(life.tree.digest());
    expect(again.tree.appliedZxid).toBe(zxid(1, 5));
  });

  test('abandons a snapshot that is being made', async () => {
    const world = new World();
    const life = await world.startWith(5, 5);
    const made = life.storage.startSnapshot(life.tree);
    await life.storage.close();
    expect(await made).toBeUndefined();
    expect(world.machine.names().filter((name) => name.startsWith('snapshot'))).toEqual([]);
  });
});
