import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Acl, PERMISSIONS } from '@zabra/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  body,
  bytesOf,
  logBytes,
  RESERVED,
  recordBytes,
  snapshotBytes,
  txn,
  type WrittenNode,
  type WrittenTxn,
  writeGzSnapshotFile,
  writeLogFile,
  writeSnapshotFile,
} from './data-files.test-support.ts';
import { type ImportReport, importZooKeeperData } from './import-zookeeper-data.ts';
import { NodeTable, ttlOwner } from './node-table.ts';
import { recoverZooKeeper } from './recover-zookeeper.ts';

const MiB = 2 ** 20;
let root: string;
let directory: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zookeeper-data-'));
  directory = join(root, 'version-2');
  await mkdir(directory);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const EMPTY = { zxid: 0, nodes: RESERVED };

function create(zxid: number, path: string, parentCversion = zxid): WrittenTxn {
  return txn(zxid, 'create', body.create(path, { parentCversion, data: Buffer.from(path) }));
}

async function imported(): Promise<ImportReport> {
  return (await importZooKeeperData({ dataDirectory: root, dataBytesMax: MiB })).report;
}

async function paths(): Promise<readonly string[]> {
  const { table } = await recoverZooKeeper({ dataDirectory: root });
  return [...table.entries()].map(([path]) => path).filter((path) => !/^\/(zookeeper|$)/.test(path));
}

test('a snapshot and the logs behind it are read, whether the folder or its parent is named', async () => {
  await writeSnapshotFile(directory, { zxid: 2, nodes: [...RESERVED, { path: '/a', czxid: 1 }] });
  await writeLogFile(directory, [create(1, '/a'), create(2, '/gone'), create(3, '/b')]);
  await writeLogFile(directory, [create(4, '/b/c')]);
  expect(await imported()).toMatchObject({ nodes: 7, txns: 2, lastZxid: '0x4', startZxid: '0x100000000' });
  expect((await recoverZooKeeper({ dataDirectory: directory })).txns).toBe(2);
  // What the snapshot does not show is not taken from before it.
  expect(await paths()).toEqual(['/a', '/b', '/b/c']);
});

test('logs may be in a directory of their own', async () => {
  const logDirectory = join(root, 'logs');
  await mkdir(join(logDirectory, 'version-2'), { recursive: true });
  await writeSnapshotFile(directory, EMPTY);
  await writeLogFile(join(logDirectory, 'version-2'), [create(1, '/a')]);
  const { table } = await recoverZooKeeper({ dataDirectory: root, logDirectory });
  expect(table.get('/a')?.data).toEqual(new Uint8Array(Buffer.from('/a')));
});

test('every kind of txn does what it did', async () => {
  const acl: readonly Acl[] = [{ perms: PERMISSIONS.read, scheme: 'ip', id: '10.0.0.1' }];
  await writeSnapshotFile(directory, { ...EMPTY, sessions: [7n] });
  await writeLogFile(directory, [
    create(1, '/a', 1),
    txn(2, 'create2', body.create('/b', { parentCversion: 2 })),
    txn(3, 'createContainer', (to) => {
      to.ustring('/c');
      to.buffer(undefined);
      to.vector([], () => {});
      to.int(3);
    }),
    txn(4, 'createTtl', (to) => {
      to.ustring('/t');
      to.buffer(Buffer.from('x'));
      to.vector([], () => {});
      to.int(4);
      to.long(5000);
    }),
    txn(5, 'setData', body.setData('/a', 1, Buffer.from('new'))),
    txn(6, 'setAcl', body.setAcl('/a', 1, acl)),
    { ...txn(7, 'createSession', body.createSession()), clientId: 8n },
    { ...txn(8, 'create', body.create('/e8', { isEphemeral: true, parentCversion: 5 })), clientId: 8n },
    { ...txn(9, 'create', body.create('/e7', { isEphemeral: true, parentCversion: 6 })), clientId: 7n },
    txn(10, 'error', body.error()),
    txn(
      11,
      'multi',
      body.multi([
        { type: 1, body: body.create('/m', { parentCversion: 7 }) },
        { type: 13, body: body.setData('/m', 0) },
        { type: 5, body: body.setData('/m', 1, Buffer.from('set in the same')) },
        { type: 2, body: body.delete('/b') },
      ]),
    ),
    txn(
      12,
      'multi',
      body.multi([
        { type: 2, body: body.delete('/m') },
        { type: -1, body: body.error() },
      ]),
    ),
    txn(13, 'deleteContainer', body.delete('/c')),
    { ...txn(14, 'closeSession', body.closeSession(['/e8'])), clientId: 8n },
    // The server that wrote it did not say what goes with the session.
    { ...txn(15, 'closeSession', body.closeSession()), clientId: 7n },
    txn(16, 'reconfig', body.setData('/zookeeper/config', -1, Buffer.from('server.1=…'))),
  ]);
  const { table, lastTimeMs } = await recoverZooKeeper({ dataDirectory: root });
  expect(await paths()).toEqual(['/a', '/t', '/m']);
  expect(table.get('/a')).toMatchObject({ version: 1, aversion: 1, acl, czxid: 1, mzxid: 5, mtimeMs: 1005 });
  expect(table.get('/t')?.lifetime).toEqual({ kind: 'ttl', owner: ttlOwner(5000), ttlMs: 5000 });
  expect(table.get('/m')).toMatchObject({ version: 1, czxid: 11, mzxid: 11 });
  expect(table.get('/')).toMatchObject({ cversion: 7, pzxid: 15 });
  expect(table.sessionCount).toBe(0);
  expect(lastTimeMs).toBe(1016);
});

test('a create of a release before 3.4, which counts nothing, is counted', async () => {
  await writeSnapshotFile(directory, EMPTY);
  const old = txn(1, 'create', (to) => {
    to.ustring('/a');
    to.buffer(undefined);
    to.vector([], () => {});
    to.bool(false);
  });
  await writeLogFile(directory, [old]);
  const { table } = await recoverZooKeeper({ dataDirectory: root });
  expect(table.get('/')).toMatchObject({ cversion: 1, pzxid: 1 });
});

test('ephemerals, sessions and the members of the ensemble are left out, and said', async () => {
  await writeSnapshotFile(directory, {
    zxid: 9,
    sessions: [5n, 6n],
    nodes: [
      ...RESERVED,
      { path: '/b', owner: 5n, czxid: 3 },
      { path: '/a', owner: 77n, czxid: 4 },
      { path: '/ttl', owner: ttlOwner(100), czxid: 5 },
      { path: '/container', owner: -(2n ** 63n), czxid: 6 },
    ],
  });
  expect(await imported()).toMatchObject({
    nodes: 6,
    containers: 1,
    ttlNodes: 1,
    droppedSessions: 2,
    droppedEphemerals: 2,
    droppedEphemeralPaths: ['/a', '/b'],
  });
});

test('the report tells of quotas, ACLs and strange schemes', async () => {
  const acls = new Map<number, readonly Acl[]>([
    [1, [{ perms: 1, scheme: 'world', id: 'anyone' }]],
    [2, [{ perms: 31, scheme: 'sasl', id: 'user@REALM' }]],
  ]);
  await writeSnapshotFile(directory, {
    zxid: 1,
    acls,
    nodes: [
      ...RESERVED,
      { path: '/zookeeper/quota/a' },
      { path: '/zookeeper/quota/a/zookeeper_limits', data: Buffer.from('count=5,bytes=-1') },
      { path: '/a', aclId: 1, data: Buffer.of(1) },
      { path: '/b', aclId: 1, data: Buffer.of() },
      { path: '/c', aclId: 2 },
    ],
  });
  expect(await imported()).toMatchObject({
    quotas: 1,
    acls: 2,
    nodesWithAcl: 3,
    strangeSchemes: ['sasl'],
    zookeeperDigest: 'absent',
  });
});

test.each([
  { name: 'cut off within its header', cut: 5 },
  { name: 'cut off within its payload', cut: 20 },
  { name: 'without its last byte', cut: -1 },
])('a last record $name is left out, and said', async ({ cut }) => {
  await writeSnapshotFile(directory, EMPTY);
  const whole = logBytes([create(1, '/a')], 0);
  const torn = recordBytes(create(2, '/b'));
  const path = await writeLogFile(
    directory,
    [create(1, '/a')],
    Buffer.concat([
      whole,
      torn.subarray(0, cut < 0 ? torn.length + cut : cut),
      Buffer.alloc(cut < 0 ? 0 : 100),
    ]),
  );
  const report = await imported();
  expect(await paths()).toEqual(['/a']);
  expect(report.tornTail).toEqual({ file: path, offset: whole.length });
});

test('a torn log may be followed by the log that the next run of the server began', async () => {
  await writeSnapshotFile(directory, EMPTY);
  const torn = recordBytes(create(2, '/never'));
  await writeLogFile(
    directory,
    [create(1, '/a')],
    Buffer.concat([logBytes([create(1, '/a')], 0), torn.subarray(0, 30)]),
  );
  await writeLogFile(directory, [create(2, '/b')]);
  expect(await paths()).toEqual(['/a', '/b']);
  expect((await imported()).tornTail).toBeNull();
});

test('a record that changed after it was written is refused by its place', async () => {
  await writeSnapshotFile(directory, EMPTY);
  const bytes = logBytes([create(1, '/a'), create(2, '/b')]);
  const at = 16 + recordBytes(create(1, '/a')).length;
  bytes[at + 40] = (bytes[at + 40] as number) ^ 1;
  const path = await writeLogFile(directory, [create(1, '/a')], bytes);
  await expect(imported()).rejects.toThrow(`${path}: the record at ${at} is not what was written there`);
});

test.each([
  { name: 'within an epoch', next: 4 },
  { name: 'at the beginning of another one', next: 2 * 2 ** 32 + 2 },
])('a missing txn $name is refused by name', async ({ next }) => {
  await writeSnapshotFile(directory, EMPTY);
  await writeLogFile(directory, [create(1, '/a'), create(2, '/b')]);
  await writeLogFile(directory, [create(next, '/c')]);
  await expect(imported()).rejects.toThrow(`0x${next.toString(16)} comes after 0x2: the txns between them`);
});

test('epochs follow each other, and a txn that was written twice counts once', async () => {
  const first = 3 * 2 ** 32 + 1;
  await writeSnapshotFile(directory, EMPTY);
  await writeLogFile(directory, [create(1, '/a'), create(1, '/a'), create(first, '/b')]);
  await writeFile(join(directory, 'acceptedEpoch'), '5\n');
  expect(await imported()).toMatchObject({ txns: 2, lastZxid: '0x300000001', startZxid: '0x600000000' });
});

test('a damaged snapshot is passed over for an older one, and said', async () => {
  await writeSnapshotFile(directory, EMPTY);
  const path = join(directory, 'snapshot.2');
  const bytes = snapshotBytes({ zxid: 2, nodes: [...RESERVED, { path: '/a', czxid: 1 }] });
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] as number) ^ 1;
  await writeFile(path, bytes);
  await writeLogFile(directory, [create(1, '/a'), create(2, '/b')]);
  const report = await imported();
  expect(report.skippedSnapshots).toEqual([{ file: path, reason: 'its checksum does not fit its content' }]);
  expect(report.txns).toBe(2);
});

test.each([
  {
    name: 'cut off',
    file: 'snapshot.2',
    change: (bytes: Buffer) => bytes.subarray(0, 100),
    reason: /ends early/,
  },
  { name: 'empty', file: 'snapshot.2', change: () => Buffer.alloc(0), reason: /ends early, at 0/ },
  { name: 'no gz', file: 'snapshot.2.gz', change: (bytes: Buffer) => bytes, reason: /decompressed/ },
  { name: 'no snappy', file: 'snapshot.2.snappy', change: (bytes: Buffer) => bytes, reason: /snappy-java/ },
  {
    name: 'of an epoch that can not be kept',
    file: 'snapshot.2',
    change: () => snapshotBytes({ zxid: 2, nodes: [...RESERVED, { path: '/a', czxid: 2 ** 53 - 1 }] }),
    reason: undefined,
  },
])('a snapshot that is $name, alone', async ({ file, change, reason }) => {
  await writeFile(join(directory, file), change(snapshotBytes({ zxid: 2, nodes: RESERVED })));
  await expect(imported()).rejects.toThrow(reason ?? /epoch 2097151, and the last one/);
});

test('snapshots of gz, with the blocks of later releases', async () => {
  await writeGzSnapshotFile(directory, {
    zxid: 4,
    nodes: [...RESERVED, { path: '/a', czxid: 3 }],
    digest: { zxid: 3, digest: 1n },
    lastZxid: 4,
  });
  expect(await paths()).toEqual(['/a']);
});

test('the digest that ZooKeeper noted is compared with what was read', async () => {
  const table = new NodeTable();
  const { digest } = await digestOf(table);
  await writeSnapshotFile(directory, EMPTY);
  await writeLogFile(directory, [{ ...create(1, '/a'), digest }, txn(2, 'error', body.error())]);
  expect((await imported()).zookeeperDigest).toBe('verified');
  await writeLogFile(directory, [{ ...create(1, '/a'), digest: digest + 1n }]);
  await expect(imported()).rejects.toThrow('--ignore-digest');
  const options = { dataDirectory: root, dataBytesMax: MiB, ignoreDigest: true };
  expect((await importZooKeeperData(options)).report.zookeeperDigest).toBe('differs');
});

/** Of the tree that the create makes, found by the way that is to be compared: only equality is shown by it. */
async function digestOf(table: NodeTable): Promise<{ readonly digest: bigint }> {
  await writeSnapshotFile(directory, EMPTY);
  await writeLogFile(directory, [create(1, '/a')]);
  expect(table.digest()).toBe(0n);
  return { digest: (await recoverZooKeeper({ dataDirectory: root })).table.digest() };
}

const FORMER_NODES: readonly { readonly name: string; readonly node: WrittenNode; readonly fault: string }[] =
  [
    { name: 'a path that is none here', node: { path: `/${'x'.repeat(5000)}` }, fault: 'at most 4096 bytes' },
    {
      name: 'too much data',
      node: { path: '/a', data: Buffer.alloc(MiB + 1) },
      fault: 'limits.dataBytesMax',
    },
    { name: 'an ACL that is in no table', node: { path: '/a', aclId: 9 }, fault: 'its ACL is in no file' },
    { name: 'a time before 1970', node: { path: '/a', ctimeMs: -1 }, fault: 'before 1970' },
    {
      name: 'limits that are none',
      node: { path: '/zookeeper/quota/zookeeper_limits', data: Buffer.from('much') },
      fault: 'is no quota',
    },
  ];
test.each(FORMER_NODES)('a node with $name is refused by name', async ({ node, fault }) => {
  await writeSnapshotFile(directory, { zxid: 1, nodes: [...RESERVED, node] });
  await expect(imported()).rejects.toThrow(`the node ${JSON.stringify(node.path)} can't be kept`);
  await expect(imported()).rejects.toThrow(fault);
});

test('what is no data directory is refused', async () => {
  await expect(imported()).rejects.toThrow('there is no snapshot of ZooKeeper');
  const options = { dataDirectory: join(root, 'nowhere'), dataBytesMax: MiB };
  await expect(importZooKeeperData(options)).rejects.toThrow('there is no such directory');
  await writeSnapshotFile(directory, EMPTY);
  await writeFile(
    join(directory, 'log.1'),
    bytesOf((to) => to.ustring('no log at all, but some text')),
  );
  await expect(imported()).rejects.toThrow('does not begin as a log');
});

test('all servers get the same snapshot, whenever and wherever it was written', async () => {
  await writeSnapshotFile(directory, EMPTY);
  await writeLogFile(directory, [create(1, '/b'), create(2, '/a'), create(3, '/a/c')]);
  const written: Buffer[] = [];
  for (const run of ['first', 'second']) {
    const data = await importZooKeeperData({ dataDirectory: root, dataBytesMax: MiB });
    const servers = [1, 2].map((id) => ({
      directory: join(root, run, `server-${id}`),
      serverId: id,
      clusterId: 'one',
    }));
    await data.write(servers);
    for (const server of servers) {
      expect((await readdir(server.directory)).sort()).toEqual(['MANIFEST', 'log.1', 'snapshot.100000000']);
      written.push(await readFile(join(server.directory, 'snapshot.100000000')));
    }
  }
  expect(written).toHaveLength(4);
  for (const bytes of written) expect(bytes.equals(written[0] ?? Buffer.alloc(0))).toBe(true);
});
