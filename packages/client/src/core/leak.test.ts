import { expect, test } from 'vitest';
import { Client } from './client.ts';
import {
  created,
  data,
  event,
  FakeWorld,
  held,
  outcomeOf,
  refused,
  settled,
} from './fake-network.test-support.ts';
import { settingsOf } from './settings.ts';
import { ZooKeeper } from './zookeeper.ts';

const NOTHING = { requests: 0, deadlines: 0, signals: 0, waits: 0, watches: 0, listeners: 0 };

test('nothing is kept for calls that ended, however they ended', async () => {
  const world = new FakeWorld();
  const client = new Client(world, settingsOf({ servers: 'h1:1', sessionTimeoutMs: 6_000 }));
  const zk = new ZooKeeper(client, '');
  const { signal } = new AbortController();
  const aborting = new AbortController();
  const done = zk.create('/done', '', { signal });
  const timed = held(zk.get('/timed', { timeoutMs: 100, signal }));
  const aborted = held(zk.create('/aborted', '', { signal: aborting.signal }));
  const watched = zk.get('/watched', { watch: true });
  const throttled = zk.create('/throttled', '', { signal });
  const stream = await world.attach();
  await world.beat();
  for await (const _ of zk.session.events({ signal: AbortSignal.abort() }))
    throw new Error('an aborted iterator ends');
  await world.advance(120);
  aborting.abort('tired');
  expect([await outcomeOf(timed), await outcomeOf(aborted)]).toEqual([
    expect.objectContaining({ code: 'REQUEST_TIMEOUT' }),
    'tired',
  ]);
  await stream.say(
    created(1, '/done'),
    data(2, []),
    created(3, '/aborted'),
    data(4, []),
    refused(5, 'THROTTLED'),
  );
  await world.advance(110);
  await stream.say(created(6, '/throttled'), event('CHANGED', 'DATA', '/watched', 110));
  await Promise.all([done, watched, throttled]);
  await settled();
  expect(client.retained).toEqual(NOTHING);
});
