import { expect, test } from 'vitest';
import { Client } from './client.ts';
import {
  connected,
  FakeWorld,
  goodbye,
  held,
  outcomeOf,
  proven,
  refused,
  told,
  watching,
} from './fake-network.test-support.ts';
import { ModelServer, served } from './model-server.test-support.ts';
import { settingsOf } from './settings.ts';
import type { WatchEvent, Watcher } from './watch-event.ts';
import { ZooKeeper } from './zookeeper.ts';

const BASE = 2 ** 32;

/** Reads in the background what comes. */
function reading(watcher: Watcher<WatchEvent>): {
  readonly events: WatchEvent[];
  readonly over: Promise<void>;
} {
  const events: WatchEvent[] = [];
  const over = (async () => {
    for await (const event of watcher) events.push(event);
  })();
  return { events, over: held(over) };
}

const inShort = (events: readonly WatchEvent[]) =>
  events.map((event) =>
    event.type === 'resync'
      ? `resync ${event.reason}`
      : `${event.type} ${event.path} ${Number(event.zxid) - BASE}`,
  );

test('a watch tells of its node and the children of it, a recursive one of each node below', async () => {
  const { server, zk } = await served();
  const [plain, recursive] = [reading(zk.watch('/a')), reading(zk.watch('/a', { recursive: true }))];
  await server.settle();
  server.create('/a');
  server.create('/a/b', 'x');
  server.set('/a/b', 'y');
  server.set('/a', 'z');
  server.delete('/a/b');
  server.delete('/a');
  await server.settle();
  expect(inShort(plain.events)).toEqual([
    'created /a 1',
    'children /a 2',
    'changed /a 4',
    'children /a 5',
    'deleted /a 6',
  ]);
  expect(inShort(recursive.events)).toEqual([
    'created /a 1',
    'created /a/b 2',
    'changed /a/b 3',
    'changed /a 4',
    'deleted /a/b 5',
    'deleted /a 6',
  ]);
});

test('a call made after the watch is answered after the watch stands', async () => {
  const { server, zk, world } = await served();
  reading(zk.watch('/a'));
  await server.during(zk.exists('/a'));
  expect(world.stream.requests.map(({ kind }) => kind)).toEqual(['addWatch', 'exists']);
});

test('watches of one path are apart: ending one leaves the other', async () => {
  const { server, zk } = await served();
  const first = reading(zk.watch('/a'));
  const watcher = zk.watch('/a');
  const second = reading(watcher);
  await server.settle();
  await watcher[Symbol.asyncDispose]();
  await server.settle();
  server.create('/a');
  await server.settle();
  expect([first.events.length, second.events.length, server.standing.size]).toEqual([1, 0, 1]);
  await second.over;
});

test('paths are those of the view, whose root may be the node itself', async () => {
  const { server, zk } = await served();
  const { events } = reading(zk.namespace('/app').watch('/', { recursive: true }));
  await server.settle();
  server.create('/app');
  server.create('/app/x');
  server.create('/apple');
  await server.settle();
  expect(inShort(events)).toEqual(['created / 1', 'created /x 2']);
});

test('what happened while the client was away is told in order, once', async () => {
  const { server, zk, world } = await served();
  const { events } = reading(zk.watch('/', { recursive: true }));
  await server.settle();
  server.create('/a');
  await server.settle();
  await world.stream.breakOff();
  for (let n = 0; n < 50; n++) server.create(`/a/n${n}`);
  await world.advance(100);
  await server.settle();
  server.create('/b');
  await server.settle();
  const zxids = events.map(({ zxid }) => Number(zxid) - BASE);
  expect(zxids).toEqual(Array.from({ length: 52 }, (_, n) => n + 1));
  expect(world.stream.entries.map(({ kind }) => kind).slice(0, 2)).toEqual(['attach', 'rearm']);
});

test('a server that does not remember that far says resync, and nothing else of what was missed', async () => {
  const { server, zk, world } = await served();
  const { events } = reading(zk.watch('/', { recursive: true }));
  await server.settle();
  await world.stream.breakOff();
  for (let n = 0; n < 9; n++) server.create(`/n${n}`);
  server.floor = server.tree.zxid;
  await world.advance(100);
  await server.settle();
  server.create('/later');
  await server.settle();
  expect(inShort(events)).toEqual(['resync reconnected', 'created /later 10']);
});

test('the position is what was told whole: a server that attaches far ahead and breaks off tells the rest later', async () => {
  const { world, zk, stream } = await connected();
  const { events } = reading(zk.watch('/a'));
  await world.turn();
  await stream.say(watching(1, 101), told(1, 'CHANGED', '/a', 102));
  await stream.breakOff();
  await world.advance(60);
  const second = await world.attach({ zxid: 500 });
  await second.say(told(1, 'CHANGED', '/a', 200));
  await second.breakOff();
  await world.advance(150);
  const third = await world.attach({ zxid: 501 });
  const rearms = [second, third].flatMap(({ entries }) =>
    entries.flatMap((entry) => (entry.kind === 'rearm' ? [entry.rearm] : [])),
  );
  expect(rearms).toMatchObject([
    { persistent: [{ id: 1, kind: 'PERSISTENT', path: '/a' }], fromZxid: 102, more: false },
    { fromZxid: 200 },
  ]);
  expect(events.map(({ zxid }) => zxid)).toEqual([102n, 200n]);
});

test('the answer to credentials, given before what was missed is told, moves no position', async () => {
  const { world, zk, stream } = await connected();
  reading(zk.watch('/a'));
  held(zk.addAuth('digest', 'ann:1'));
  await world.turn();
  await stream.say(watching(1, 101), proven(2, 101));
  await stream.breakOff();
  await world.advance(60);
  const second = await world.attach({ zxid: 500 });
  await second.say(proven(1, 500));
  await second.breakOff();
  await world.advance(150);
  const third = await world.attach({ zxid: 501 });
  expect(third.entries[2]).toMatchObject({ rearm: { fromZxid: 101 } });
});

test('what a server said before its goodbye is not told again', async () => {
  const { world, zk, stream } = await connected();
  reading(zk.watch('/a'));
  await world.turn();
  await stream.say(watching(1, 101));
  await stream.say(told(1, 'CHANGED', '/a', 150), goodbye('UNREACHABLE', 'stopping'));
  await world.advance(60);
  const again = await world.attach({ zxid: 150 });
  expect(again.entries[1]).toMatchObject({ rearm: { fromZxid: 150 } });
});

test('a watch that was not answered is asked for again, behind what it has told', async () => {
  const { world, zk, stream } = await connected();
  const { events } = reading(zk.watch('/a', { fromZxid: 50n }));
  await world.turn();
  expect(stream.requests[0]).toMatchObject({ addWatch: { id: 1, fromZxid: 50 } });
  await stream.say(told(1, 'CHANGED', '/a', 60));
  await stream.breakOff();
  await world.advance(60);
  const again = await world.attach();
  expect(again.entries.map(({ kind }) => kind)).not.toContain('rearm');
  expect(again.requests[0]).toMatchObject({ addWatch: { id: 1, fromZxid: 60 } });
  expect(events.map(({ zxid }) => zxid)).toEqual([60n]);
});

test('many watches are named to the next server in several entries, the last of which says so', async () => {
  const { world, server, zk } = await served();
  for (let n = 0; n < 450; n++) zk.watch(`/n${n}`);
  await server.settle();
  await server.reconnect();
  const rearms = world.stream.entries.flatMap((entry) => (entry.kind === 'rearm' ? [entry.rearm] : []));
  expect(rearms.map(({ persistent, more }) => [persistent.length, more])).toEqual([
    [200, true],
    [200, true],
    [50, false],
  ]);
  expect(server.standing.size).toBe(450);
});

test('in a new session a watch says so and goes on from where the old one ended', async () => {
  const { server, zk, world } = await served();
  const { events } = reading(zk.watch('/', { recursive: true }));
  await server.settle();
  server.create('/a');
  await server.settle();
  await world.stream.breakOff();
  server.create('/b');
  await world.advance(60);
  await server.expire();
  server.create('/c');
  await server.settle();
  expect(inShort(events)).toEqual(['created /a 1', 'resync new-session', 'created /b 2', 'created /c 3']);
  expect(world.stream.requests[0]).toMatchObject({ addWatch: { fromZxid: BASE + 1 } });
});

test('positions of one cluster are not asked for in another', async () => {
  const { server, zk, world } = await served();
  reading(zk.watch('/a'));
  await server.settle();
  server.clusterId = 'cluster-b';
  await server.expire();
  expect(world.stream.requests[0]).toMatchObject({ kind: 'addWatch', addWatch: { fromZxid: undefined } });
});

test('a reader that is too slow gets one resync for all that waited, then what came after', async () => {
  const { server, zk } = await served();
  const watcher = zk.watch('/', { recursive: true, maxBuffered: 3 });
  await server.settle();
  for (let n = 1; n <= 5; n++) server.create(`/n${n}`);
  await server.settle();
  const { events } = reading(watcher);
  await server.settle();
  expect(inShort(events)).toEqual(['resync overflow', 'created /n5 5']);
});

test.each([
  { name: 'its disposal', leave: (watcher: Watcher<WatchEvent>) => watcher[Symbol.asyncDispose]() },
  { name: 'its return', leave: (watcher: Watcher<WatchEvent>) => watcher[Symbol.asyncIterator]().return?.() },
])('$name before it was sent takes the request back', async ({ leave }) => {
  const { world, zk, stream } = await connected();
  await stream.breakOff();
  await leave(zk.watch('/a'));
  await world.advance(60);
  expect((await world.attach()).requests).toEqual([]);
});

test('a watch that is left while it is asked for is taken from the server behind that', async () => {
  const { world, server, zk } = await served();
  const watcher = zk.watch('/a');
  await world.turn();
  await watcher[Symbol.asyncDispose]();
  await server.settle();
  expect(world.stream.requests.map(({ kind }) => kind)).toEqual(['addWatch', 'removeWatch']);
  expect(server.watches).toBe(0);
});

test('a signal ends the loop quietly and drops what waits', async () => {
  const { server, zk } = await served();
  const stop = new AbortController();
  const watcher = zk.watch('/', { recursive: true, signal: stop.signal });
  await server.settle();
  server.create('/a');
  await server.settle();
  stop.abort();
  const { events, over } = reading(watcher);
  await over;
  await server.settle();
  expect([events, server.watches]).toEqual([[], 0]);
  const never = reading(zk.watch('/a', { signal: stop.signal }));
  await never.over;
  expect(never.events).toEqual([]);
});

test('a refused watch rejects once, then is over', async () => {
  const { world, zk, stream } = await connected();
  const iterator = zk.watch('/a')[Symbol.asyncIterator]();
  const next = held(iterator.next());
  await world.turn();
  await stream.say(refused(1, 'LIMIT'));
  expect(await outcomeOf(next)).toMatchObject({ code: 'LIMIT', op: 'watch', path: '/a' });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});

test('a watch that is throttled is asked for again', async () => {
  const { world, zk, stream } = await connected();
  const { events } = reading(zk.watch('/a'));
  await world.turn();
  await stream.say(refused(1, 'THROTTLED'));
  await world.advance(110);
  await stream.say(watching(2), told(1, 'CREATED', '/a', 102));
  expect(events).toEqual([{ type: 'created', path: '/a', zxid: 102n }]);
});

test('close ends the loop after what waits; a lost client tells its error', async () => {
  const { server, zk } = await served();
  const watcher = zk.watch('/', { recursive: true });
  await server.settle();
  server.create('/a');
  await server.settle();
  await server.during(zk.close());
  const { events, over } = reading(watcher);
  await over;
  expect(inShort(events)).toEqual(['created /a 1']);
  expect(() => zk.watch('/a')).toThrow(expect.objectContaining({ code: 'CLIENT_CLOSED' }));

  const lost = await connected({ onSessionExpired: 'close' });
  const { over: failing } = reading(lost.zk.watch('/a'));
  await lost.stream.say(goodbye('SESSION_EXPIRED'));
  expect(await outcomeOf(failing)).toMatchObject({ code: 'SESSION_EXPIRED' });
});

test.each([
  { name: 'a bad path', watch: (zk: ZooKeeper) => zk.watch('a'), code: 'INVALID_PATH' },
  { name: 'no room', watch: (zk: ZooKeeper) => zk.watch('/a', { maxBuffered: 0 }), code: 'BAD_ARGUMENTS' },
  { name: 'a bad zxid', watch: (zk: ZooKeeper) => zk.watch('/a', { fromZxid: -1n }), code: 'BAD_ARGUMENTS' },
])('$name is refused at once', async ({ watch, code }) => {
  const { zk } = await connected();
  expect(() => watch(zk)).toThrow(expect.objectContaining({ code }));
});

test('10 000 watches that were left by break, return, disposal or abort leave nothing on either side', async () => {
  const world = new FakeWorld();
  const server = new ModelServer(world);
  const client = new Client(world, settingsOf({ servers: 'h1:1', sessionTimeoutMs: 6_000 }));
  const zk = new ZooKeeper(client, '');
  await server.during(zk.exists('/'));
  const stop = new AbortController();
  const leaving = [
    async (watcher: Watcher<WatchEvent>) => {
      for await (const event of watcher) return event;
      return undefined;
    },
    (watcher: Watcher<WatchEvent>) => watcher[Symbol.asyncIterator]().return?.(),
    (watcher: Watcher<WatchEvent>) => watcher[Symbol.asyncDispose](),
  ];
  let done: Promise<unknown>[] = [];
  for (let n = 0; n < 10_000; n++) {
    done.push(
      Promise.resolve(leaving[n % leaving.length]?.(zk.watch('/', { recursive: true, signal: stop.signal }))),
    );
    if (n % 1_000 !== 999) continue;
    await server.settle();
    server.create(`/n${n}`);
    await server.settle();
    await Promise.all(done);
    done = [];
  }
  const last = reading(zk.watch('/', { signal: stop.signal }));
  stop.abort();
  await last.over;
  await server.settle();
  expect([server.watches, client.retained]).toEqual([
    0,
    { requests: 0, deadlines: 0, signals: 0, waits: 0, watches: 0, listeners: 0 },
  ]);
});
