import { connect, type ZooKeeper } from '@zabra/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocalServer, loneConfig, TemporaryDirectory } from '../test/local-server.ts';
import { until } from '../test/until.ts';
import { startEnsemble } from './index.ts';

const KiB = 2 ** 10;
const MiB = 2 ** 20;

/* Each bound is filled; what is beyond it gets an error that names it, and the session goes on. */

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await TemporaryDirectory.create();
});
afterEach(() => directory[Symbol.asyncDispose]());

function serverWith(limits: Readonly<Record<string, number>>): Promise<LocalServer> {
  return LocalServer.start(loneConfig(directory.path, { limits }));
}

/** What a call that meets the limit rejects with. */
function over(limit: string): object {
  return {
    code: 'LIMIT',
    message: expect.stringContaining(`${limit}: `),
    outcome: 'not-applied',
  };
}

/** What `connect` rejects with when the server has no room. */
function noRoom(limit: string): object {
  return {
    code: 'UNREACHABLE',
    message: expect.stringContaining(`${limit}: `),
    cause: { code: 'LIMIT' },
  };
}

/** Makes `count` nodes below `/burst` at once: how many were done, and what the others rejected with. */
async function burst(
  zk: ZooKeeper,
  count: number,
): Promise<{ readonly done: number; readonly refusals: readonly unknown[] }> {
  const settled = await Promise.allSettled(Array.from({ length: count }, (_, n) => zk.create(`/burst/${n}`)));
  const refusals = settled.filter((each) => each.status === 'rejected').map((each) => each.reason as unknown);
  return { done: count - refusals.length, refusals };
}

test.each(['requestsPerSessionMax', 'requestsMax'])(
  'requests beyond %s are refused; the others are done',
  async (limit) => {
    await using server = await serverWith({ [limit]: 5 });
    await using zk = await connect({ servers: server.address, requestsOutstandingMax: 9 });
    await zk.create('/burst');
    const { done, refusals } = await burst(zk, 9);
    expect(refusals.length).toBeGreaterThan(0);
    for (const refused of refusals) expect(refused).toMatchObject(over(limit));
    expect(await zk.children('/burst')).toHaveLength(done);
    await zk.create('/the-session-goes-on');
  },
);

test('a client that goes on sending far beyond requestsPerSessionMax loses its stream, not its session', async () => {
  await using server = await serverWith({ requestsPerSessionMax: 5 });
  await using zk = await connect({ servers: server.address, requestsOutstandingMax: 100 });
  const { id } = zk.session;
  const suspended: string[] = [];
  using _listening = zk.session.on('suspended', ({ cause }) => suspended.push(cause.message));
  await zk.create('/burst');
  await burst(zk, 100);
  expect(suspended.join('\n')).toContain('LIMIT: requestsPerSessionMax: ');
  await zk.session.whenConnected();
  expect(zk.session.id).toBe(id);
  await zk.create('/the-session-goes-on');
});

test.each(['connectionsMax', 'sessionsMax', 'sessionsPerAddressMax'])(
  'clients beyond %s are refused until one ends',
  async (limit) => {
    await using server = await serverWith({ [limit]: 1 });
    const first = await connect(server.address);
    const second = { servers: server.address, connectTimeoutMs: 500 };
    await expect(connect(second)).rejects.toMatchObject(noRoom(limit));
    await first.create('/the-session-goes-on');
    await first.close();
    await using _zk = await connect(second);
  },
);

test('a watch beyond watchesPerSessionMax is refused until one has fired', async () => {
  await using server = await serverWith({ watchesPerSessionMax: 2 });
  await using zk = await connect(server.address);
  await zk.exists('/a', { watch: true });
  const { watch } = await zk.exists('/b', { watch: true });
  await expect(zk.exists('/c', { watch: true })).rejects.toMatchObject(over('watchesPerSessionMax'));
  expect(await zk.exists('/c')).toBeNull();
  await zk.create('/b');
  expect(await watch.event).toMatchObject({ type: 'created' });
  await zk.exists('/c', { watch: true });
});

test('a watch that stays counts for watchesPerSessionMax, too, until it is left', async () => {
  await using server = await serverWith({ watchesPerSessionMax: 2 });
  await using zk = await connect(server.address);
  const first = zk.watch('/a');
  await using _second = zk.watch('/b', { recursive: true });
  const [third] = await Promise.allSettled([zk.watch('/c')[Symbol.asyncIterator]().next()]);
  expect(third).toMatchObject({
    status: 'rejected',
    reason: {
      code: 'LIMIT',
      message: expect.stringContaining('watchesPerSessionMax: a session has at most 2'),
    },
  });
  await first[Symbol.asyncDispose]();
  await using fourth = zk.watch('/d');
  await zk.create('/d');
  for await (const event of fourth) {
    expect(event).toMatchObject({ type: 'created', path: '/d' });
    break;
  }
});

test('data beyond dataBytesMax is refused by every operation that writes it, with both sizes', async () => {
  await using server = await serverWith({ dataBytesMax: 1024 });
  await using zk = await connect(server.address);
  const { id } = zk.session;
  const tooLarge = {
    code: 'DATA_TOO_LARGE',
    message: expect.stringMatching(/dataBytesMax is 1024 bytes, this has 1025/),
    outcome: 'not-applied',
  };
  await zk.create('/full', 'x'.repeat(1024));
  await expect(zk.create('/more', 'x'.repeat(1025))).rejects.toMatchObject(tooLarge);
  await expect(zk.set('/full', 'x'.repeat(1025))).rejects.toMatchObject(tooLarge);
  const both = zk.transaction().create('/less', 'x').set('/full', 'x'.repeat(1025));
  await expect(both.commit()).rejects.toMatchObject(tooLarge);
  expect(await zk.children('/')).toEqual(['full', 'zookeeper']);
  expect(zk.session.id).toBe(id);
});

test.each([
  { frameBytesMax: 64 * KiB, dataBytesMax: 32 * KiB },
  { frameBytesMax: 8 * MiB, dataBytesMax: 6 * MiB },
])('a client speaks in frames of what its server takes: $frameBytesMax bytes', async (limits) => {
  await using server = await serverWith(limits);
  await using zk = await connect(server.address);
  const { id } = zk.session;
  const suspended: string[] = [];
  using _listening = zk.session.on('suspended', ({ cause }) => suspended.push(cause.message));
  const full = 'x'.repeat(limits.dataBytesMax);
  const paths = Array.from({ length: 8 }, (_, n) => `/${n}`);
  await Promise.all(paths.map((path) => zk.create(path, full)));
  const read = await Promise.all(paths.map((path) => zk.get(path)));
  expect(read.map(({ data }) => data.length)).toEqual(paths.map(() => full.length));
  const beyond = zk.set('/0', 'x'.repeat(limits.frameBytesMax));
  await expect(beyond).rejects.toMatchObject({
    code: 'DATA_TOO_LARGE',
    message: expect.stringContaining(`frameBytesMax: a request has at most ${limits.frameBytesMax} bytes`),
    outcome: 'not-applied',
  });
  await Promise.all(paths.map((path) => zk.set(path, '')));
  expect(suspended).toEqual([]);
  expect(zk.session.id).toBe(id);
});

test('a request counts for frameBytesMax by what it has in bytes, not by what it might have', async () => {
  await using server = await serverWith({});
  await using zk = await connect(server.address);
  const wide = zk.transaction();
  for (let n = 0; n < 1000; n++) wide.create(`/${'n'.repeat(2000)}${n}`);
  await wide.commit();
  expect(await zk.descendants('/')).toBeGreaterThan(1000);
});

test('a list of more than childrenPageMax names is read in pages, and refused where there are none', async () => {
  await using server = await serverWith({ childrenPageMax: 10 });
  await using zk = await connect(server.address);
  const names = Array.from({ length: 35 }, (_, n) => String(n).padStart(2, '0'));
  await zk.create('/many');
  await Promise.all(names.map((name) => zk.create(`/many/${name}`)));
  expect(await zk.children('/many')).toEqual(names);
  const { children, watch } = await zk.children('/many', { watch: true });
  expect(children).toEqual(names);
  const paged: string[] = [];
  for await (const { name, stat } of zk.childrenPages('/many', { pageSize: 100, withStat: true })) {
    expect(stat?.version).toBe(0);
    paged.push(name);
  }
  expect(paged).toEqual(names);
  expect(await zk.multiRead([{ op: 'children', path: '/many' }])).toMatchObject([
    {
      error: {
        code: 'LIMIT',
        message: expect.stringMatching(
          /childrenPageMax: one answer has at most 10 names, and \/many has 35 children/,
        ),
      },
    },
  ]);
  await zk.delete('/many/00');
  expect(await watch.event).toMatchObject({ type: 'children', path: '/many' });
});

test('an ephemeral node beyond ephemeralsPerSessionMax is refused until one is deleted', async () => {
  await using server = await serverWith({ ephemeralsPerSessionMax: 2 });
  await using zk = await connect(server.address);
  await zk.create('/a', '', { mode: 'ephemeral' });
  await zk.create('/b', '', { mode: 'ephemeral' });
  await expect(zk.create('/c', '', { mode: 'ephemeral' })).rejects.toMatchObject({
    code: 'LIMIT',
    message: expect.stringContaining('ephemeralsPerSessionMax'),
  });
  await zk.delete('/a');
  await zk.create('/c', '', { mode: 'ephemeral' });
});

test('a transaction of more than transactionOperationsMax is refused whole', async () => {
  await using server = await serverWith({ transactionOperationsMax: 2 });
  await using zk = await connect(server.address);
  const three = zk.transaction().create('/a').create('/b').create('/c');
  await expect(three.commit()).rejects.toMatchObject(over('transactionOperationsMax'));
  expect(await zk.exists('/a')).toBeNull();
  await zk.transaction().create('/a').create('/b').commit();
});

test('changes beyond outstandingProposalsMax are refused while no quorum acknowledges', {
  timeout: 60_000,
}, async () => {
  const max = 4;
  await using ensemble = await startEnsemble({
    // Followers that stand still stay followers.
    config: { limits: { outstandingProposalsMax: max }, timing: { silenceMs: 20_000 } },
  });
  const leader = await ensemble.leader();
  const followers = ensemble.ids.filter((id) => id !== leader);
  await using zk = await connect(ensemble.addressOf(leader));
  await zk.create('/burst');
  for (const id of followers) ensemble.pause(id);
  const bursting = burst(zk, 10);
  await until('the log has a tail', async () => {
    const status = (await ensemble.status()).get(leader);
    return status !== undefined && status.logZxid - status.commitZxid >= max;
  });
  for (const id of followers) ensemble.resume(id);
  const { done, refusals } = await bursting;
  expect(done).toBe(max);
  for (const refused of refusals) expect(refused).toMatchObject(over('outstandingProposalsMax'));
  expect(await zk.children('/burst')).toHaveLength(max);
});
