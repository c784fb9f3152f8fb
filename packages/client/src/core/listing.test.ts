import { expect, test } from 'vitest';
import { connected, held, names, outcomeOf, refused } from './fake-network.test-support.ts';
import { served } from './model-server.test-support.ts';

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('a list of children that no frame holds is read in several, the watch armed by the first', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.children('/a', { watch: true, linearizable: true }));
  await world.turn();
  await stream.say(names(1, ['x', 'y'], { zxid: 101, more: true }));
  await world.turn();
  await stream.say(names(2, ['z'], { zxid: 105 }));
  const { children, stat } = await call;
  expect(children).toEqual(['x', 'y', 'z']);
  // Of the first page: what changed since fires the watch.
  expect(stat.pzxid).toBe(101n);
  expect(stream.requests).toMatchObject([
    {
      linearizable: true,
      children: { path: '/a', watch: true, after: '', limit: 2 ** 32 - 1, withStats: false },
    },
    { linearizable: true, children: { path: '/a', watch: false, after: 'y', limit: 2 ** 32 - 1 } },
  ]);
});

test('a list that fails behind its first page leaves no watch', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.children('/a', { watch: true }));
  await world.turn();
  await stream.say(names(1, ['x'], { more: true }));
  await world.turn();
  await stream.say(refused(2, 'NO_NODE'));
  await world.turn();
  expect(await outcomeOf(call)).toMatchObject({ code: 'NO_NODE' });
  expect(stream.requests[2]).toMatchObject({ removeWatch: { kind: 'CHILD', path: '/a' } });
});

test('pages come as the loop reaches them, with Stats where asked for', async () => {
  const { world, zk, stream } = await connected();
  const children = zk.childrenPages('/a', { pageSize: 2, withStat: true })[Symbol.asyncIterator]();
  expect(stream.requests).toEqual([]);
  const first = held(children.next());
  await world.turn();
  await stream.say(names(1, ['x', 'y'], { more: true, stats: true }));
  expect(await first).toMatchObject({ value: { name: 'x', stat: { czxid: 101n } } });
  expect(await children.next()).toMatchObject({ value: { name: 'y' } });
  expect(stream.requests).toMatchObject([{ children: { after: '', limit: 2, withStats: true } }]);
  const third = held(children.next());
  await world.turn();
  await stream.say(names(2, [], { stats: true }));
  expect(await third).toEqual({ done: true, value: undefined });
  expect(stream.requests[1]).toMatchObject({ children: { after: 'y', limit: 2 } });
});

test('pages without Stats are names alone, and a missing node rejects', async () => {
  const { server, zk } = await served();
  server.create('/a');
  for (let n = 0; n < 7; n++) server.create(`/a/n${n}`);
  const all = await server.during(collected(zk.childrenPages('/a', { pageSize: 3 })));
  expect(all).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => ({ name: `n${n}` })));
  await expect(server.during(collected(zk.childrenPages('/b')))).rejects.toMatchObject({ code: 'NO_NODE' });
  expect(() => zk.childrenPages('/a', { pageSize: 0 })).toThrow(
    expect.objectContaining({ code: 'BAD_ARGUMENTS' }),
  );
});

test.each([1, 3, 16])(
  'a walk of %d at a time tells parents before children, siblings in order',
  async (concurrency) => {
    const { server, zk } = await served();
    for (const path of ['/r', '/r/a', '/r/a/x', '/r/a/y', '/r/b', '/r/c', '/r/c/z', '/r/c/z/q'])
      server.create(path);
    const all = await server.during(collected(zk.namespace('/r').walk('/', { concurrency })));
    expect(all.map(({ path }) => path)).toEqual(['/', '/a', '/a/x', '/a/y', '/b', '/c', '/c/z', '/c/z/q']);
  },
);

test('a walk reads ahead no more than it was allowed, and nothing when it was left', async () => {
  const { server, zk, world } = await served();
  server.create('/r');
  for (let n = 10; n < 60; n++) server.create(`/r/n${n}`);
  const walk = zk.walk('/r', { concurrency: 4 })[Symbol.asyncIterator]();
  await server.during(walk.next());
  const next = held(walk.next());
  await world.turn();
  const asked = world.stream.requests.flatMap((request) =>
    request.kind === 'get' ? [request.get.path] : [],
  );
  expect(asked).toEqual(['/r', '/r/n10', '/r/n11', '/r/n12', '/r/n13']);
  await server.during(next);
  await walk.return?.();
  await server.settle();
  expect(world.stream.requests.length).toBeLessThan(9);
});

test('a walk passes over what is gone by then, but not over where it began', async () => {
  const { world, zk, stream } = await connected();
  const walk = zk.walk('/a')[Symbol.asyncIterator]();
  const first = held(walk.next());
  await world.turn();
  await stream.say(refused(1, 'NO_NODE'));
  expect(await outcomeOf(first)).toMatchObject({ code: 'NO_NODE', path: '/a' });
  const { server, zk: other } = await served();
  for (const path of ['/r', '/r/a', '/r/b']) server.create(path);
  const rest = other.walk('/r', { concurrency: 1 })[Symbol.asyncIterator]();
  await server.during(rest.next());
  server.delete('/r/a');
  expect(await server.during(rest.next())).toMatchObject({ value: { path: '/r/b' } });
});
