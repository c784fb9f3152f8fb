import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CREATE_FLAGS } from '@zabra/jute';
import { type ImportReport, importZooKeeperData, parseConfig, startServer } from '@zabra/server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import {
  create,
  digestId,
  fill,
  readAll,
  type SeenNode,
  SUPER_PASSWORD,
} from './import-data.test-support.ts';
import { WireSession } from './import-wire.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';

const EPHEMERALS = ['/app/a-session-is-here', '/app/folder-0/and-here'];
const CONFIG = '/zookeeper/config';
const STATS_NAME = '/zookeeper_stats';

describeWithPrograms('import of what a real ZooKeeper left', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'zookeeper-import-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test.each([
    { kind: 'plain bytes', method: '', suffix: '', nodes: 100_000, snapCount: 400 },
    { kind: 'gz', method: 'gz', suffix: '.gz', nodes: 5000, snapCount: 20 },
    { kind: 'snappy', method: 'snappy', suffix: '.snappy', nodes: 5000, snapCount: 20 },
  ])(
    '$nodes nodes in snapshots of $kind and logs: every node, Stat and ACL is as it was',
    { timeout: 180_000 },
    async ({ method, suffix, nodes, snapCount }) => {
      const { seen, directory } = await leaveData({ nodes, snapCount, method });
      const written = await readdir(join(directory, 'version-2'));
      const snapshots = written.filter((name) => name.startsWith('snapshot.'));
      expect(snapshots.length).toBeGreaterThan(2);
      expect(snapshots.every((name) => name.endsWith(suffix))).toBe(true);

      const { report, found } = await importAndRead(directory);
      expect(report).toMatchObject({
        zookeeperDigest: 'verified',
        nodes: seen.size - EPHEMERALS.length,
        containers: 3,
        ttlNodes: 2,
        quotas: 1,
        droppedEphemerals: EPHEMERALS.length,
        droppedEphemeralPaths: EPHEMERALS,
        strangeSchemes: [],
        skippedSnapshots: [],
        tornTail: null,
      });
      expect(report.snapshot.endsWith('snapshot.0')).toBe(false);
      expect(report.acls).toBeGreaterThan(3);
      expect([...seen.values()].filter(({ data }) => data === null).length).toBeGreaterThan(nodes / 200);
      expect(differences(seen, found)).toEqual([]);
    },
  );

  test('a log that breaks off and a damaged snapshot cost what was never acknowledged, and nothing else', {
    timeout: 60_000,
  }, async () => {
    const { directory } = await leaveData({ nodes: 2000, snapCount: 20, method: '' });
    const whole = (await importAndRead(directory)).report;
    const version = join(directory, 'version-2');
    const newest = await newestFile(version, 'snapshot.');
    const bytes = await readFile(newest);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 0x10;
    await writeFile(newest, bytes);

    const older = (await importAndRead(directory)).report;
    expect(older.skippedSnapshots).toEqual([{ file: newest, reason: expect.stringMatching(/\w/) }]);
    expect(older.txns).toBeGreaterThan(whole.txns);
    expect(older.digest).toBe(whole.digest);

    const log = await newestFile(version, 'log.');
    await truncate(log, (await lengthOfContent(log)) - 3);
    const torn = (await importAndRead(directory)).report;
    expect(torn.tornTail?.file).toBe(log);
    expect(Number(torn.lastZxid)).toBe(Number(whole.lastZxid) - 1);
    expect(torn.zookeeperDigest).toBe('verified');

    const between = (await readdir(version)).filter((name) => name.startsWith('log.')).sort(byZxid)[1] ?? '';
    await rm(join(version, between));
    for (const name of await readdir(version))
      if (name.startsWith('snapshot.') && name !== 'snapshot.0') await rm(join(version, name));
    await expect(importAndRead(directory)).rejects.toThrow(/comes after 0x[0-9a-f]+: the txns between them/);
  });

  test('the files of all servers make one tree after changes of leader, from whichever snapshot on', {
    timeout: 180_000,
  }, async () => {
    await using zookeeper = await startRealZooKeeper({
      servers: 3,
      dataDir: join(root, 'real'),
      tickTimeMs: 2000,
      superPassword: SUPER_PASSWORD,
      config: { snapCount: '10', preAllocSize: '64' },
    });
    const first = await WireSession.open(zookeeper.addressOf(await zookeeper.leader()), 40_000);
    await fill(first, 1000);
    first.abandon();
    for (const round of [1, 2]) {
      const gone = await zookeeper.kill('leader');
      const session = await WireSession.open(zookeeper.addressOf(await zookeeper.leader()), 40_000);
      for (let index = 0; index < 40; index++) {
        await session.ask(create(`/round-${round}-${index}`, 'x', { flags: index % 5 === 0 ? 1 : 0 }));
        if (index === 20) await zookeeper.restart(gone);
      }
      // Its ephemerals stay.
      session.abandon();
    }
    for (const id of zookeeper.ids) await zookeeper.kill(id);

    const made: ImportReport[] = [];
    for (const id of zookeeper.ids) {
      const dataDirectory = zookeeper.dataDirOf(id);
      const snapshots = (await readdir(join(dataDirectory, 'version-2')))
        .filter((name) => name.startsWith('snapshot.'))
        .sort(byZxid);
      for (const newest of snapshots.reverse()) {
        made.push((await importZooKeeperData({ dataDirectory, dataBytesMax: 2 ** 20 })).report);
        await rm(join(dataDirectory, 'version-2', newest));
      }
    }
    expect(made.length).toBeGreaterThan(20);
    expect(new Set(made.map(({ zookeeperDigest }) => zookeeperDigest))).toEqual(new Set(['verified']));
    expect(new Set(made.map(({ digest }) => digest)).size).toBe(1);
    expect(new Set(made.map(({ lastZxid }) => lastZxid)).size).toBe(1);
    expect(new Set(made.map(({ droppedEphemerals }) => droppedEphemerals)).size).toBe(1);
  });

  /** What a ZooKeeper shows at its end, and the directory that it leaves when it is killed. */
  async function leaveData(options: {
    readonly nodes: number;
    readonly snapCount: number;
    readonly method: string;
  }): Promise<{ readonly seen: ReadonlyMap<string, SeenNode>; readonly directory: string }> {
    await using zookeeper = await startRealZooKeeper({
      dataDir: join(root, 'real'),
      // Sessions that outlast the reading.
      tickTimeMs: 3000,
      superPassword: SUPER_PASSWORD,
      config: {
        snapCount: String(options.snapCount),
        // KiB; else most of what is written and read are zeros.
        preAllocSize: '1024',
        ...(options.method === '' ? {} : { 'snapshot.compression.method': options.method }),
      },
    });
    const session = await WireSession.open(zookeeper.servers, 60_000);
    await fill(session, options.nodes);
    const owner = await WireSession.open(zookeeper.servers, 60_000);
    for (const path of EPHEMERALS) await owner.ask(create(path, 'e', { flags: CREATE_FLAGS.ephemeral }));
    const seen = await readAll(session);
    await zookeeper.kill(1);
    session.abandon();
    owner.abandon();
    return { seen, directory: zookeeper.dataDirOf(1) };
  }

  async function importAndRead(
    dataDirectory: string,
  ): Promise<{ readonly report: ImportReport; readonly found: ReadonlyMap<string, SeenNode> }> {
    const { report, write } = await importZooKeeperData({ dataDirectory, dataBytesMax: 2 ** 20 });
    const directory = join(root, 'zabra');
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    await write([{ directory, serverId: 1, clusterId: 'imported' }]);
    const config = parseConfig(
      {
        id: 1,
        dataDir: directory,
        members: [{ id: 1, peer: '127.0.0.1:1', client: '127.0.0.1:2' }],
        listen: { client: '127.0.0.1:0', peer: '127.0.0.1:0', zookeeper: ['127.0.0.1:0'] },
        access: { superUsers: [`digest:${digestId('super', SUPER_PASSWORD)}`] },
      },
      'test',
    );
    const server = await startServer(config);
    try {
      await using session = await WireSession.open(server.zookeeperAddresses[0] ?? '');
      return { report, found: await readAll(session) };
    } finally {
      await server.stop();
    }
  }
});

/** What is not as it was, but for what must differ: ephemerals, their parents' counts, the ensemble's own members. */
function differences(
  seen: ReadonlyMap<string, SeenNode>,
  found: ReadonlyMap<string, SeenNode>,
): readonly string[] {
  const lines: string[] = [];
  for (const [path, node] of seen) {
    if (path === CONFIG || EPHEMERALS.includes(path)) continue;
    const wanted = JSON.stringify(expected(path, node), withBigints);
    const got = JSON.stringify(found.get(path), withBigints);
    if (wanted !== got) lines.push(`${path}: ${wanted} became ${got}`);
  }
  for (const path of found.keys()) if (!seen.has(path)) lines.push(`${path}: was not there`);
  return lines.slice(0, 20);
}

function expected(path: string, node: SeenNode): SeenNode {
  const gone = EPHEMERALS.filter(
    (ephemeral) => ephemeral.slice(0, ephemeral.lastIndexOf('/')) === path,
  ).length;
  const { stat } = node;
  const { data } = node;
  return {
    ...node,
    data: data !== null && path.endsWith(STATS_NAME) ? withoutEphemerals(data) : data,
    // As if they had been deleted, only that the parent's pzxid stays.
    stat: { ...stat, cversion: stat.cversion + gone, numChildren: stat.numChildren - gone },
  };
}

/** What a quota's subtree has, when each of the ephemerals had a byte. */
function withoutEphemerals(data: string): string {
  const [, count, bytes] = /^count=(\d+),bytes=(\d+)$/.exec(Buffer.from(data, 'base64').toString()) ?? [];
  const gone = EPHEMERALS.length;
  return Buffer.from(`count=${Number(count) - gone},bytes=${Number(bytes) - gone}`).toString('base64');
}

function withBigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

function byZxid(left: string, right: string): number {
  return zxidOf(left) - zxidOf(right);
}

function zxidOf(name: string): number {
  return Number(`0x${name.split('.')[1]}`);
}

async function newestFile(directory: string, prefix: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(prefix)).sort(byZxid);
  return join(directory, names.at(-1) ?? '');
}

/** Without the zeros written ahead. */
async function lengthOfContent(path: string): Promise<number> {
  const bytes = await readFile(path);
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length;
}
