import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { connect } from '@zabra/client';
import { DataDirectoryError, ListenError } from '@zabra/server';
import { expect, test } from 'vitest';
import { ensembleConfigs, LocalServer, loneConfig, TemporaryDirectory } from '../test/local-server.ts';
import { until } from '../test/until.ts';
import { freePorts } from './index.ts';

/* Who gives a server or the SDK something it cannot work with is told the thing, the rule and the way out. */

test('a port in use is named, with whose it was to be, and the data directory is not touched', async () => {
  await using first = await TemporaryDirectory.create();
  await using second = await TemporaryDirectory.create();
  await using holder = await LocalServer.start(loneConfig(first.path));
  const config = loneConfig(second.path, {
    listen: { client: holder.address, peer: '127.0.0.1:0' },
  });
  const error = await rejection(LocalServer.start(config));
  expect(error).toBeInstanceOf(ListenError);
  expect(error).toMatchObject({
    address: holder.address,
    message: `cannot listen on ${holder.address} for clients: the port is in use; end what uses the port, or configure another one`,
  });
  expect(await readdir(second.path)).toEqual([]);
});

test('a port for peers that is in use is named too', async () => {
  await using first = await TemporaryDirectory.create();
  await using second = await TemporaryDirectory.create();
  await using holder = await LocalServer.start(loneConfig(first.path));
  const config = loneConfig(second.path, { listen: { client: '127.0.0.1:0', peer: holder.peerAddress } });
  await expect(LocalServer.start(config)).rejects.toThrow(
    `cannot listen on ${holder.peerAddress} for peers: the port is in use`,
  );
});

test.each([
  {
    what: 'of another cluster',
    code: 'OTHER_CLUSTER',
    more: { clusterId: 'meadow' },
    message:
      'OTHER_CLUSTER: MANIFEST: the directory belongs to cluster orchard, this server is of meadow. Correct dataDir or clusterId',
  },
  {
    what: 'of another server',
    code: 'OTHER_SERVER',
    more: { id: 2, members: [{ id: 2, peer: '127.0.0.1:1', client: '127.0.0.1:2' }] },
    message:
      'OTHER_SERVER: MANIFEST: the directory belongs to server 1, this is server 2. Give each server its own dataDir, or correct the id',
  },
])('a data directory $what is refused, and stays as it is', async ({ code, more, message }) => {
  await using directory = await TemporaryDirectory.create();
  await writtenBy(loneConfig(directory.path));
  const before = await contentOf(directory.path);
  const error = await rejection(LocalServer.start(loneConfig(directory.path, more)));
  expect(error).toBeInstanceOf(DataDirectoryError);
  expect(error).toMatchObject({ code, file: 'MANIFEST', message });
  expect(await contentOf(directory.path)).toEqual(before);
});

test('a data directory of a newer format is refused with the release that can read it', async () => {
  await using directory = await TemporaryDirectory.create();
  await writtenBy(loneConfig(directory.path));
  const manifest = join(directory.path, 'MANIFEST');
  const [line = ''] = (await readFile(manifest, 'utf8')).split('\n');
  const newer = `${JSON.stringify({ ...JSON.parse(line), format: 99 })}\n`;
  await writeFile(manifest, `${newer}${crc32(newer).toString(16).padStart(8, '0')}\n`);
  const error = await rejection(LocalServer.start(loneConfig(directory.path)));
  expect(error).toBeInstanceOf(DataDirectoryError);
  expect(error).toMatchObject({
    code: 'NEWER_FORMAT',
    message: expect.stringMatching(
      /^NEWER_FORMAT: MANIFEST: the directory has format 99, this release reads up to \d+\. Start the release that wrote it, or a later one$/,
    ),
  });
});

test('a bad record before the last batch stops the server; refilled by the others it is as they are', async () => {
  await using directory = await TemporaryDirectory.create();
  const configs = ensembleConfigs(directory.path, await freePorts(6));
  const [one, two, three] = configs as [(typeof configs)[0], (typeof configs)[0], (typeof configs)[0]];
  await using first = await LocalServer.start(one);
  await using second = await LocalServer.start(two);
  const third = await LocalServer.start(three);
  await using zk = await connect({ servers: [first.address, second.address] });
  for (let number = 0; number < 20; number++) await zk.create(`/before-${number}`);
  await until('the third server has it all', () => third.status().digest === first.status().digest);
  await third.stop();

  const [log = ''] = (await readdir(three.dataDir)).filter((name) => name.startsWith('log.'));
  const bytes = await readFile(join(three.dataDir, log));
  // The first record of the first batch; some twenty follow.
  bytes[64] = (bytes[64] ?? 0) ^ 0xff;
  await writeFile(join(three.dataDir, log), bytes);

  const error = await rejection(LocalServer.start(three));
  expect(error).toBeInstanceOf(DataDirectoryError);
  expect(error).toMatchObject({
    code: 'DAMAGED',
    file: log,
    message: expect.stringMatching(
      new RegExp(`^DAMAGED: ${log}: .+ Start once with \`zabra server --refill\``),
    ),
  });

  await zk.create('/while-it-was-away');
  await using refilled = await LocalServer.start(three, { refill: true });
  await until('the third server serves', () => refilled.status().role === 'follower');
  const agreed = await until('all have applied the same', () => {
    const all = [first, second, refilled].map((server) => server.status());
    return new Set(all.map(({ digestZxid }) => digestZxid)).size === 1 && all;
  });
  expect(new Set(agreed.map(({ digest }) => digest)).size).toBe(1);
  await using reader = await connect(refilled.address);
  expect(await reader.exists('/before-0')).not.toBeNull();
  expect(await reader.exists('/while-it-was-away')).not.toBeNull();
});

test('an ensemble that cannot be reached: each of its servers is named, with why', async () => {
  const addresses = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const error = await rejection(connect({ servers: addresses, connectTimeoutMs: 800 }));
  expect(error).toMatchObject({ code: 'UNREACHABLE', name: 'ZkError', outcome: 'not-applied' });
  for (const address of addresses) {
    expect(error).toMatchObject({
      message: expect.stringMatching(new RegExp(`${address} \\(.*ECONNREFUSED.*\\)`)),
    });
  }
});

test.each([
  { path: 'a', fault: 'a path starts with "/"' },
  { path: '/a/', fault: 'a path does not end in "/"' },
  { path: '/a//b', fault: 'a path has no empty name between slashes' },
  { path: '/a/../b', fault: 'a path has no "." or ".." as a name' },
  { path: '/a\u0000', fault: 'a path has no character U+0000 (at 2)' },
])('the SDK refuses the path $path before it is sent', async ({ path, fault }) => {
  await using directory = await TemporaryDirectory.create();
  await using server = await LocalServer.start(loneConfig(directory.path));
  await using zk = await connect(server.address);
  for (const call of [zk.create(path), zk.get(path), zk.set(path, ''), zk.delete(path), zk.children(path)]) {
    expect(await rejection(call)).toMatchObject({
      code: 'INVALID_PATH',
      message: expect.stringContaining(fault),
    });
  }
});

test('data over the limit is refused with both numbers, alone and in a transaction', async () => {
  await using directory = await TemporaryDirectory.create();
  await using server = await LocalServer.start(
    loneConfig(directory.path, { limits: { dataBytesMax: 2048 } }),
  );
  await using zk = await connect(server.address);
  const tooLarge = {
    code: 'DATA_TOO_LARGE',
    message: expect.stringMatching(/dataBytesMax is 2048 bytes, this has 2049/),
    outcome: 'not-applied',
  };
  await zk.create('/whole', 'x'.repeat(2048));
  expect(await rejection(zk.create('/large', 'x'.repeat(2049)))).toMatchObject(tooLarge);
  expect(await rejection(zk.set('/whole', 'x'.repeat(2049)))).toMatchObject(tooLarge);
  const transaction = zk.transaction().create('/beside').create('/large', 'x'.repeat(2049));
  expect(await rejection(transaction.commit())).toMatchObject(tooLarge);
  expect(await zk.exists('/large')).toBeNull();
  expect(await zk.exists('/beside')).toBeNull();
});

test('data that fits no frame is refused by the SDK, whatever the server allows', async () => {
  await using directory = await TemporaryDirectory.create();
  await using server = await LocalServer.start(loneConfig(directory.path));
  await using zk = await connect(server.address);
  expect(await rejection(zk.create('/large', new Uint8Array(5 * 2 ** 20)))).toMatchObject({
    code: 'DATA_TOO_LARGE',
    path: '/large',
    outcome: 'not-applied',
  });
});

test('a stale version is refused and changes nothing', async () => {
  await using directory = await TemporaryDirectory.create();
  await using server = await LocalServer.start(loneConfig(directory.path));
  await using zk = await connect(server.address);
  await zk.create('/a', 'first');
  await zk.set('/a', 'second', { version: 0 });
  const stale = { code: 'BAD_VERSION', path: '/a', outcome: 'not-applied' };
  expect(await rejection(zk.set('/a', 'third', { version: 0 }))).toMatchObject({ ...stale, op: 'set' });
  expect(await rejection(zk.delete('/a', { version: 0 }))).toMatchObject({ ...stale, op: 'delete' });
  expect(new TextDecoder().decode((await zk.get('/a')).data)).toBe('second');
});

/** What the work rejects with; fails when it does not. */
async function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.unreachable('it was not refused'),
    (error: unknown) => error,
  );
}

/** A directory as a server leaves it. */
async function writtenBy(config: ReturnType<typeof loneConfig>): Promise<void> {
  await using server = await LocalServer.start(config);
  await using zk = await connect(server.address);
  await zk.create('/written');
}

async function contentOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(directory)).sort();
  const files = names.map(async (name) => {
    return [name, (await readFile(join(directory, name))).toString('base64')] as const;
  });
  return new Map(await Promise.all(files));
}
