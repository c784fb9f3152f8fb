import { expect, test } from 'vitest';
import { Client } from './client.ts';
import { text } from './codecs.ts';
import { connected, FakeWorld, held, outcomeOf, refused } from './fake-network.test-support.ts';
import { ModelServer, served } from './model-server.test-support.ts';
import { settingsOf } from './settings.ts';
import type { Bytes, Snapshot } from './stat.ts';
import { ZooKeeper } from './zookeeper.ts';

const shown = (result: IteratorResult<Snapshot<Bytes> | null>) =>
  result.done ? 'over' : result.value === null ? null : text.decode(result.value.data);

test('the value is told at once, null while there is none, and again after each change', async () => {
  const { server, zk } = await served();
  const values = zk.watchData('/a')[Symbol.asyncIterator]();
  const next = async () => shown(await server.during(values.next()));
  expect(await next()).toBe(null);
  const second = next();
  await server.settle();
  server.create('/a', 'one');
  expect(await second).toBe('one');
  server.set('/a', 'two');
  expect(await next()).toBe('two');
  server.delete('/a');
  expect(await next()).toBe(null);
});

test('a slow reader skips what was in between, never the last', async () => {
  const { server, zk } = await served();
  server.create('/a', '0');
  const values = zk.watchData('/a')[Symbol.asyncIterator]();
  await server.during(values.next());
  for (let n = 1; n <= 100; n++) server.set('/a', `${n}`);
  await server.settle();
  expect(shown(await server.during(values.next()))).toBe('100');
  expect(await outcomeOf(held(values.next()))).toBe('pending');
});

test('a change that is no change is not told', async () => {
  const { server, zk } = await served();
  server.create('/a', '0');
  const values = zk.watchData('/a')[Symbol.asyncIterator]();
  await server.during(values.next());
  const next = held(values.next());
  await server.expire();
  expect(await outcomeOf(next)).toBe('pending');
});

test.each([
  { name: 'a lost connection', lose: (server: ModelServer) => server.reconnect() },
  { name: 'a lost session', lose: (server: ModelServer) => server.expire() },
])('what changed during $name is told', async ({ lose }) => {
  const { server, zk, world } = await served();
  server.create('/a', 'one');
  const values = zk.watchData('/a')[Symbol.asyncIterator]();
  const lists = zk.watchChildren('/a')[Symbol.asyncIterator]();
  await server.during(Promise.all([values.next(), lists.next()]));
  const [value, list] = [held(values.next()), held(lists.next())];
  await server.settle();
  await world.stream.breakOff();
  server.set('/a', 'two');
  server.create('/a/child');
  await world.advance(100);
  await server.settle();
  await lose(server);
  expect(shown(await server.during(value))).toBe('two');
  expect(await server.during(list)).toMatchObject({ value: { children: ['child'] } });
});

test('children: the list and its Stat, again when one came or went, not when one changed', async () => {
  const { server, zk } = await served();
  server.create('/a');
  server.create('/a/x');
  const lists = zk.watchChildren('/a')[Symbol.asyncIterator]();
  expect(await server.during(lists.next())).toMatchObject({
    value: { children: ['x'], stat: { numChildren: 1 } },
  });
  const next = held(lists.next());
  server.set('/a/x', 'changed');
  await server.settle();
  expect(await outcomeOf(next)).toBe('pending');
  server.create('/a/y');
  expect(await server.during(next)).toMatchObject({ value: { children: ['x', 'y'] } });
  server.delete('/a/x');
  server.delete('/a/y');
  server.delete('/a');
  expect(await server.during(lists.next())).toMatchObject({ done: false, value: null });
});

test('at rest every reader has the last state, whatever came between', async () => {
  const { server, zk, world } = await served();
  const lasts = new Map<string, string | null>();
  const readers = ['/a', '/b', '/c'].map(async (path) => {
    for await (const snapshot of zk.watchData(path))
      lasts.set(path, snapshot === null ? null : text.decode(snapshot.data));
  });
  for (const reader of readers) held(reader);
  await server.settle();
  const steps = [
    () => server.create('/a', '1'),
    () => server.create('/b', '1'),
    () => server.set('/a', '2'),
    () => server.delete('/b'),
    () => server.create('/c', '1'),
    () => server.create('/b', '2'),
    () => server.delete('/a'),
    () => server.set('/c', '3'),
  ];
  for (const [index, step] of steps.entries()) {
    step();
    await [() => server.settle(), () => world.turn(), () => server.reconnect(), () => server.expire()][
      index % 4
    ]?.();
  }
  await server.settle();
  expect(Object.fromEntries(lasts)).toEqual({ '/a': null, '/b': '2', '/c': '3' });
});

test('it outlives any time without a connection, and ends quietly when the client closes', async () => {
  const { server, zk, world } = await served({ requestTimeoutMs: 100, retry: () => null });
  const values = zk.watchData('/a')[Symbol.asyncIterator]();
  const first = held(values.next());
  await world.stream.breakOff();
  await world.advance(4_000);
  expect(shown(await server.during(first))).toBe(null);
  const next = held(values.next());
  await server.during(zk.close());
  expect(shown(await next)).toBe('over');
});

test('a node that may not be read rejects, and that is the end', async () => {
  const { world, zk, stream } = await connected();
  const values = zk.watchData('/a')[Symbol.asyncIterator]();
  const next = held(values.next());
  await world.turn();
  await stream.say(refused(1, 'NO_AUTH'));
  expect(await outcomeOf(next)).toMatchObject({ code: 'NO_AUTH' });
  expect((await values.next()).done).toBe(true);
});

test('readers that were left by break, return, disposal or abort leave nothing on either side', async () => {
  const world = new FakeWorld();
  const server = new ModelServer(world);
  const client = new Client(world, settingsOf({ servers: 'h1:1', sessionTimeoutMs: 6_000 }));
  const zk = new ZooKeeper(client, '');
  await server.during(zk.exists('/'));
  const stop = new AbortController();
  const { signal } = stop;
  for (let round = 0; round < 200; round++) {
    const watcher = zk.watchData('/a', { signal });
    const disposed = zk.watchChildren('/', { signal });
    const waiting = [watcher, disposed].map((each) => each[Symbol.asyncIterator]().next());
    await server.during(Promise.all(waiting));
    const pending = disposed[Symbol.asyncIterator]().next();
    await disposed[Symbol.asyncDispose]();
    await watcher[Symbol.asyncIterator]().return?.();
    expect((await pending).done).toBe(true);
  }
  const aborted = zk.watchData('/a', { signal })[Symbol.asyncIterator]();
  await server.during(aborted.next());
  const pending = aborted.next();
  stop.abort();
  expect((await pending).done).toBe(true);
  await server.settle();
  expect((await zk.watchData('/a', { signal })[Symbol.asyncIterator]().next()).done).toBe(true);
  expect([server.watches, client.retained]).toEqual([
    0,
    { requests: 0, deadlines: 0, signals: 0, waits: 0, watches: 0, listeners: 0 },
  ]);
});
