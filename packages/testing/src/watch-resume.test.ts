import { connect, type WatchEvent, type ZooKeeper } from '@zabra/client';
import { expect, test } from 'vitest';
import { until } from '../test/until.ts';
import { freePorts, startEnsemble } from './index.ts';
import { LinkProxy } from './link-proxy.ts';

/** Of a client that is attached to one server through a link, and one that changes things through the others. */
async function scene(changes: number) {
  const ensemble = await startEnsemble();
  const [port] = (await freePorts(1)) as [number];
  const target = Number(
    ensemble
      .addressOf(ensemble.ids[0] as number)
      .split(':')
      .at(-1),
  );
  const link = await LinkProxy.open(port, target);
  const cutOff = await connect({ servers: `127.0.0.1:${port}`, sessionTimeoutMs: 60_000 });
  const writer = await connect({ servers: ensemble.ids.slice(1).map((id) => ensemble.addressOf(id)) });
  await writer.create('/watched');
  await cutOff.sync('/');
  const heard: WatchEvent[] = [];
  const watcher = cutOff.watch('/watched', { recursive: true, maxBuffered: 2 * changes });
  const listening = (async () => {
    for await (const event of watcher) heard.push(event);
  })();
  // It is registered once what happens now is heard.
  await writer.create('/watched/first');
  await until('the watch hears', () => heard.length === 1);
  return {
    ensemble,
    link,
    cutOff,
    writer,
    heard,
    async [Symbol.asyncDispose]() {
      await watcher[Symbol.asyncDispose]();
      await listening;
      await Promise.all([cutOff.close({ graceMs: 0 }), writer.close()]);
      await link.close();
      await ensemble.close();
    },
  };
}

async function create(zk: ZooKeeper, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const batch = Array.from({ length: Math.min(500, count - from) }, (_, index) =>
      zk.create(`/watched/n${String(from + index).padStart(6, '0')}`),
    );
    await Promise.all(batch);
  }
}

test('a recursive watch hears all that happened while its client was away, in order and once', {
  timeout: 120_000,
}, async () => {
  const CHANGES = 3000;
  await using t = await scene(CHANGES);
  t.link.cut();
  await create(t.writer, CHANGES);
  t.link.heal();
  await t.writer.create('/watched/last');
  await until('the last change is heard', () =>
    t.heard.some((event) => 'path' in event && event.path === '/watched/last'),
  );

  const expected = Array.from(
    { length: CHANGES },
    (_, index) => `/watched/n${String(index).padStart(6, '0')}`,
  );
  expect(t.heard.map((event) => ('path' in event ? event.path : event.type))).toEqual([
    '/watched/first',
    ...expected,
    '/watched/last',
  ]);
  expect(t.heard.every((event) => event.type === 'created')).toBe(true);
});

test('a recursive watch is told to read again when more happened than the server remembers, and hears nothing false', {
  timeout: 120_000,
}, async () => {
  const CHANGES = 20_000;
  await using t = await scene(CHANGES);
  t.link.cut();
  await create(t.writer, CHANGES);
  t.link.heal();
  await until('the client is told', () => t.heard.some(({ type }) => type === 'resync'));
  await t.writer.create('/watched/last');
  await until('the last change is heard', () =>
    t.heard.some((event) => 'path' in event && event.path === '/watched/last'),
  );

  expect(t.heard.map(({ type }) => type)).toEqual(['created', 'resync', 'created']);
  expect(t.heard[1]).toMatchObject({ type: 'resync', reason: 'reconnected' });
  expect(await t.cutOff.children('/watched')).toHaveLength(CHANGES + 2);
});
