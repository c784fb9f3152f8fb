import { expect, test } from 'vitest';
import { connected, created, data, event, held, refused, watching } from './fake-network.test-support.ts';
import { served } from './model-server.test-support.ts';

test('a watch that was disposed of is taken from the server, once nobody else waits for it', async () => {
  const { server, zk } = await served();
  server.create('/a');
  const [first, second] = await server.during(
    Promise.all([zk.get('/a', { watch: true }), zk.get('/a', { watch: true })]),
  );
  const list = await server.during(zk.children('/a', { watch: true }));
  const absent = await server.during(zk.exists('/b', { watch: true }));
  expect([...server.oneShots]).toEqual(['DATA /a', 'CHILD /a', 'EXIST /b']);
  await first.watch[Symbol.asyncDispose]();
  await server.settle();
  expect(server.oneShots.size).toBe(3);
  for (const { watch } of [second, list, absent]) await watch[Symbol.asyncDispose]();
  await second.watch[Symbol.asyncDispose]();
  await server.settle();
  expect([...server.oneShots]).toEqual([]);
});

test('a watch that a read on its way wants is left to it', async () => {
  const { server, zk, world } = await served();
  server.create('/a');
  const first = await server.during(zk.get('/a', { watch: true }));
  const reading = held(zk.get('/a', { watch: true }));
  await world.turn();
  await first.watch[Symbol.asyncDispose]();
  const { watch } = await server.during(reading);
  await server.settle();
  expect([...server.oneShots]).toEqual(['DATA /a']);
  server.set('/a', 'x');
  await server.settle();
  expect(await watch.event).toMatchObject({ type: 'changed' });
});

test('a removal goes ahead of a read that was not sent and will arm the watch anew', async () => {
  const { world, zk, stream } = await connected({ requestsOutstandingMax: 1 });
  const first = held(zk.get('/a', { watch: true }));
  await world.turn();
  await stream.say(data(1, []));
  const { watch } = await first;
  held(zk.create('/busy'));
  held(zk.get('/a', { watch: true }));
  await watch[Symbol.asyncDispose]();
  await world.turn();
  await stream.say(created(2, '/busy'));
  await world.turn();
  await stream.say(watching(3));
  await world.turn();
  expect(stream.requests.map(({ kind }) => kind)).toEqual(['get', 'create', 'removeWatch', 'get']);
});

test('a watch whose caller had gone before the answer is taken from the server', async () => {
  const { server, zk, world } = await served();
  server.create('/a');
  const stop = new AbortController();
  const call = held(zk.get('/a', { watch: true, signal: stop.signal }));
  await world.turn();
  stop.abort();
  await server.settle();
  await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  expect(server.watches).toBe(0);
});

test('a read that wanted the watch and was refused leaves nothing of the one that was disposed of', async () => {
  const { world, zk, stream } = await connected();
  const first = held(zk.get('/a', { watch: true }));
  await world.turn();
  await stream.say(data(1, []));
  held(zk.get('/a', { watch: true }));
  await world.turn();
  await (await first).watch[Symbol.asyncDispose]();
  expect(stream.requests).toHaveLength(2);
  await stream.say(refused(2, 'NO_AUTH'));
  await world.turn();
  expect(stream.requests[2]).toMatchObject({ removeWatch: { kind: 'DATA', path: '/a', id: 0 } });
});

test('a watch that has fired, or whose connection is lost, needs no removal', async () => {
  const { world, zk, stream } = await connected();
  const calls = [held(zk.get('/a', { watch: true })), held(zk.get('/b', { watch: true }))] as const;
  await world.turn();
  await stream.say(data(1, []), data(2, []), event('CHANGED', 'DATA', '/a', 102));
  const [a, b] = await Promise.all(calls);
  await a.watch[Symbol.asyncDispose]();
  await stream.breakOff();
  await b.watch[Symbol.asyncDispose]();
  await world.advance(60);
  const again = await world.attach();
  expect([stream.requests.length, again.entries.map(({ kind }) => kind)]).toEqual([
    2,
    ['attach', 'heartbeat'],
  ]);
});
