import { expect, test } from 'vitest';
import { json, text } from './codecs.ts';
import { held } from './fake-network.test-support.ts';
import { served } from './model-server.test-support.ts';

test('a node’s value is written and read through its codec', async () => {
  const { server, zk } = await served();
  const node = zk.node('/limits', json<{ rps: number }>());
  expect(await server.during(node.getOrNull())).toBe(null);
  await server.during(node.create({ rps: 1 }));
  await server.during(node.set({ rps: 2 }, { version: 0 }));
  expect(await server.during(node.get())).toMatchObject({
    path: '/limits',
    data: { rps: 2 },
    stat: { version: 1 },
  });
});

test('update creates what is absent and begins anew when others were faster', async () => {
  const { server, zk } = await served();
  const node = zk.node('/count', json<number>());
  const first = await server.during(node.update((current) => (current ?? 0) + 1));
  expect(first).toMatchObject({ data: 1, stat: { version: 0 } });
  const both = Promise.all([1, 2, 3].map(() => node.update((current) => (current ?? 0) + 1)));
  const done = await server.during(both);
  expect(done.map(({ data }) => data).sort()).toEqual([2, 3, 4]);
  expect(text.decode((await server.during(zk.get('/count'))).data)).toBe('4');
});

test('update ends with BAD_VERSION after maxAttempts', async () => {
  const { server, zk } = await served();
  server.create('/count', '0');
  let calls = 0;
  const interfered = (current: number | undefined) => {
    calls++;
    server.set('/count', '7');
    return current ?? 0;
  };
  const call = held(server.during(zk.node('/count', json<number>()).update(interfered, { maxAttempts: 3 })));
  await expect(call).rejects.toMatchObject({ code: 'BAD_VERSION' });
  expect(calls).toBe(3);
});

test('update below a missing parent rejects', async () => {
  const { server, zk } = await served();
  const call = held(server.during(zk.node('/no/parent', text).update(() => 'x')));
  await expect(call).rejects.toMatchObject({ code: 'NO_NODE' });
});

test('what is no such value is CODEC_FAILED and names the node', async () => {
  const { server, zk } = await served();
  server.create('/a', '{');
  const node = zk.node('/a', json());
  const failed = { code: 'CODEC_FAILED', path: '/a' };
  await expect(server.during(node.get())).rejects.toMatchObject(failed);
  const values = node.watch()[Symbol.asyncIterator]();
  await expect(server.during(values.next())).rejects.toMatchObject(failed);
  expect((await values.next()).done).toBe(true);
  await server.settle();
  expect(server.watches).toBe(0);
});

test('watch tells the value whenever it has changed', async () => {
  const { server, zk } = await served();
  const values = zk.node('/a', text).watch()[Symbol.asyncIterator]();
  expect(await server.during(values.next())).toEqual({ done: false, value: null });
  server.create('/a', 'one');
  expect(await server.during(values.next())).toMatchObject({ value: { data: 'one', path: '/a' } });
});
