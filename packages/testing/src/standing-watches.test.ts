import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ZooKeeper } from '@zabra/client';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { HeardEvents } from '../test/heard-events.ts';
import { placedClient } from '../test/placed-client.ts';
import { digestsOf, until } from '../test/until.ts';
import { type Ensemble, freePorts, startEnsemble } from './index.ts';
import { LinkProxy } from './link-proxy.ts';

/* A watch that stays hears everything once and in order, whichever servers die meanwhile; one that is left leaves nothing. */

const PATIENT = { requestTimeoutMs: 60_000, sessionTimeoutMs: 60_000 };

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble();
});
afterEach(() => ensemble.whenServing());
afterAll(() => ensemble.close());

/** Makes nodes with growing numbers below a directory, some at a time. */
class Writer {
  readonly made: string[] = [];
  readonly #zk: ZooKeeper;
  readonly #directory: string;

  constructor(zk: ZooKeeper, directory: string) {
    this.#zk = zk;
    this.#directory = directory;
  }

  async write(count: number): Promise<void> {
    const batch = Array.from({ length: count }, () => {
      const path = `${this.#directory}/n${String(this.made.length).padStart(6, '0')}`;
      this.made.push(`created ${path}`);
      return this.#zk.create(path);
    });
    await Promise.all(batch);
  }
}

test('a watch hears everything once, in order, through the death of its server and of the leader', {
  timeout: 60_000,
}, async () => {
  await using zk = await connect({ servers: ensemble.servers, ...PATIENT });
  await zk.create('/steady');
  const watching = await placedClient(ensemble, PATIENT);
  await using _closing = watching.zk;
  await watching.zk.sync();
  await using heard = new HeardEvents(watching.zk.watch('/steady', { recursive: true, maxBuffered: 10_000 }));
  await watching.zk.exists('/steady');
  const writer = new Writer(zk, '/steady');
  await writer.write(200);
  for (const victim of [watching.server, (): Promise<number> => ensemble.leader(), watching.server]) {
    const writing = writer.write(200);
    const dead = await ensemble.kill(await victim());
    await writer.write(200);
    await writing;
    await ensemble.restart(dead);
    await ensemble.whenServing();
  }
  await until('all is heard', () => heard.events.length >= writer.made.length);
  await zk.set('/steady', 'the end');
  await until('the end is heard', () => heard.has('changed /steady'));
  expect(heard.lines).toEqual([...writer.made, 'changed /steady']);
});

test('a watch whose client was away hears of it all from servers that have died meanwhile, too', {
  timeout: 60_000,
}, async () => {
  const [port = 0] = await freePorts(1);
  const target = Number(ensemble.addressOf(1).split(':').at(-1));
  const link = await LinkProxy.open(port, target);
  try {
    await using zk = await connect({ servers: ensemble.servers, ...PATIENT });
    const { stat } = await zk.create('/away');
    await using away = await connect({ servers: `127.0.0.1:${port}`, ...PATIENT });
    await away.sync();
    await using heard = new HeardEvents(away.watch('/away', { recursive: true }));
    await away.exists('/away');
    const writer = new Writer(zk, '/away');
    await writer.write(50);
    await until('it hears', () => heard.events.length === 50);
    link.cut();
    await writer.write(300);
    await ensemble.killAll();
    await Promise.all(ensemble.ids.map((id) => ensemble.restart(id)));
    await writer.write(50);
    link.heal();
    await until('all is heard', () => heard.events.length >= writer.made.length);
    expect(heard.lines).toEqual(writer.made);

    // Whoever comes only now hears of it, too, wherever it asks.
    for (const id of ensemble.ids) {
      await using late = await connect({ servers: ensemble.addressOf(id), ...PATIENT });
      await using told = new HeardEvents(late.watch('/away', { recursive: true, fromZxid: stat.czxid }));
      await until('it is told', () => told.events.length >= writer.made.length);
      expect(told.lines).toEqual(writer.made);
    }
  } finally {
    await link.close();
  }
});

test('a watch that begins earlier than the servers remember is told so, and hears what comes', {
  timeout: 60_000,
}, async () => {
  await using lone = await startEnsemble({ servers: 1, config: { limits: { eventHistoryMax: 10 } } });
  await using zk = await connect(lone.servers);
  const { stat } = await zk.create('/early');
  const writer = new Writer(zk, '/early');
  await writer.write(20);
  await using heard = new HeardEvents(zk.watch('/early', { recursive: true, fromZxid: stat.czxid }));
  await zk.exists('/early');
  await zk.create('/early/last');
  await until('the last is heard', () => heard.has('created /early/last'));
  expect(heard.lines).toEqual(['resync reconnected', 'created /early/last']);
});

test('a watch whose server was brought up to date by a snapshot is told to read again', {
  timeout: 60_000,
}, async () => {
  // Of what it missed, the others have no log any more.
  const storage = { snapshotRecords: 50, snapshotsKept: 1, segmentBytes: 65_536, preallocateBytes: 4096 };
  const dataDir = await mkdtemp(join(tmpdir(), 'zabra-test-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const config = { limits: { historyRecordsMax: 10 }, storage };
  await using forgetful = await startEnsemble({ dataDir, config });
  const leader = await forgetful.leader();
  const behind = forgetful.ids.find((id) => id !== leader) ?? 0;
  const others = forgetful.ids.filter((id) => id !== behind);
  await using zk = await connect({ servers: others.map((id) => forgetful.addressOf(id)), ...PATIENT });
  await using away = await connect({ servers: forgetful.addressOf(behind), ...PATIENT });
  await zk.create('/replaced');
  await away.sync();
  await using heard = new HeardEvents(away.watch('/replaced', { recursive: true }));
  await away.create('/replaced/mine', '', { mode: 'ephemeral' });
  await zk.setQuota('/replaced', { count: 1002 });
  await forgetful.kill(behind);
  const writer = new Writer(zk, '/replaced');
  const missed = await zk.sync();
  for (let round = 0; round < 10; round++) await writer.write(100);
  await until('the others have no log of it', async () => {
    await zk.set('/replaced', 'more');
    const oldest = await Promise.all(others.map((id) => logBegin(join(dataDir, `server-${id}`))));
    return oldest.every((zxid) => zxid > missed);
  });
  await forgetful.restart(behind);
  await forgetful.whenServing();
  await away.session.whenConnected();
  await zk.set('/replaced', 'the end');
  await until('the end is heard', () => heard.has('changed /replaced'));
  expect(heard.lines).toEqual(['created /replaced/mine', 'resync reconnected', 'changed /replaced']);
  expect(await digestsOf(forgetful)).toHaveLength(1);
  // What came with the snapshot is whole: counts, owners, quotas.
  expect(await away.descendants('/replaced')).toBe(1001);
  expect(await away.ephemerals()).toEqual(['/replaced/mine']);
  for (const id of others) await forgetful.kill(id);
  await Promise.all(others.map((id) => forgetful.restart(id)));
  await expect(away.create('/replaced/over')).rejects.toMatchObject({
    code: 'QUOTA_EXCEEDED',
    message: expect.stringContaining('1002 nodes: it holds 1002, this would add 1'),
  });
});

test('as many watches as a session may have come back with it', { timeout: 60_000 }, async () => {
  await using lone = await startEnsemble({ servers: 1, config: { limits: { watchesPerSessionMax: 5 } } });
  await using zk = await connect({ servers: lone.servers, ...PATIENT });
  await zk.create('/full');
  const data = (await zk.get('/full', { watch: true })).watch;
  const exists = (await zk.exists('/to-come', { watch: true })).watch;
  const children = (await zk.children('/full', { watch: true })).watch;
  await using plain = new HeardEvents(zk.watch('/full'));
  await using recursive = new HeardEvents(zk.watch('/full', { recursive: true }));
  await expect(zk.get('/', { watch: true })).rejects.toMatchObject({ code: 'LIMIT' });
  await lone.kill(1);
  await lone.restart(1);
  await zk.set('/full', 'changed');
  await zk.create('/full/child');
  await zk.create('/to-come');
  expect(await data.event).toMatchObject({ type: 'changed', path: '/full' });
  expect(await exists.event).toMatchObject({ type: 'created', path: '/to-come' });
  expect(await children.event).toMatchObject({ type: 'children', path: '/full' });
  await until('all is heard', () => plain.events.length + recursive.events.length === 4);
  expect(plain.lines).toEqual(['changed /full', 'children /full']);
  expect(recursive.lines).toEqual(['changed /full', 'created /full/child']);
});

test('a thousand watches of all kinds that were left leave nothing on the servers', {
  timeout: 60_000,
}, async () => {
  const rounds = 20;
  await using zk = await connect({ servers: ensemble.servers, ...PATIENT });
  await using writer = await connect({ servers: ensemble.servers, ...PATIENT });
  await writer.create('/left');
  await zk.sync();
  await using kept = new HeardEvents(zk.watch('/left'));
  await zk.exists('/left');
  const watches = async (): Promise<number> =>
    [...(await ensemble.status()).values()].reduce((sum, status) => sum + (status?.watches ?? 0), 0);
  const base = await watches();
  expect(base).toBe(1);
  for (let round = 0; round < rounds; round++) {
    const path = `/left/${round}`;
    const loops = Array.from({ length: 50 }, (_, n) =>
      [
        () => firstOf(zk.watch(path)),
        () => firstOf(zk.watch('/left', { recursive: true })),
        () => firstOf(zk.watchData('/left')),
        () => firstOf(zk.watchChildren('/left')),
        () => disposedOf(zk, path),
      ][n % 5]?.(),
    );
    await zk.exists('/left');
    await writer.create(path);
    await Promise.all(loops);
  }
  await zk.exists('/left');
  await until('the servers have forgotten them', async () => (await watches()) === base);
  await until('the one that stays hears', () => kept.events.length === rounds);
});

/** Leaves the loop with the first it is told. */
async function firstOf<T>(watcher: AsyncIterable<T>): Promise<T> {
  for await (const each of watcher) return each;
  throw new Error('the watch ended');
}

/** Armed and taken back without having fired. */
async function disposedOf(zk: ZooKeeper, path: string): Promise<void> {
  const { watch } = await zk.exists(`${path}-never`, { watch: true });
  await watch[Symbol.asyncDispose]();
}

/** The zxid before the oldest record in a server's log. */
async function logBegin(directory: string): Promise<bigint> {
  const [json = ''] = (await readFile(join(directory, 'MANIFEST'), 'utf8')).split('\n');
  const { segments } = JSON.parse(json) as { readonly segments: readonly { readonly previous: string }[] };
  return BigInt(segments[0]?.previous ?? 0);
}
