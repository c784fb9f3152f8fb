import { connect, createClient, type ZooKeeper } from '@zabra/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { digestsOf, until } from '../test/until.ts';
import { type Ensemble, startEnsemble } from './index.ts';

/** Deaths of the leader under numbered writes. */
const KILLS = 3;
const PATIENT = { requestTimeoutMs: 60_000, sessionTimeoutMs: 30_000 };
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble();
});
afterEach(async () => {
  await ensemble.whenServing();
  expect(await digestsOf(ensemble)).toHaveLength(1);
}, 60_000);
afterAll(() => ensemble.close());

test('numbered writes happen once each, whoever leads when they are asked and answered', {
  timeout: 120_000,
}, async () => {
  await using zk = await connect({ servers: ensemble.servers, ...PATIENT });
  await zk.create('/once');
  const made: string[] = [];
  let stop = false;
  const lanes = Array.from({ length: 8 }, async () => {
    while (!stop) {
      const { path } = await zk.create('/once/n-', '', { mode: 'persistent-sequential' });
      made.push(path);
    }
  });
  for (let kill = 1; kill <= KILLS; kill++) {
    const enough = made.length + 100;
    await until('writes are acknowledged', () => made.length >= enough);
    const dead = await ensemble.kill('leader');
    const atDeath = made.length;
    await until('the others acknowledge writes', () => made.length >= atDeath + 100);
    await ensemble.restart(dead);
    await ensemble.whenServing();
  }
  stop = true;
  await Promise.all(lanes);
  // The client learnt of every write, so that those acknowledged are all there may be.
  const names = await zk.children('/once', { linearizable: true });
  expect(made.map((path) => path.slice('/once/'.length)).sort()).toEqual([...names].sort());
});

test('a leader that stands still for three seconds is deposed, and takes over what the others decided', {
  timeout: 120_000,
}, async () => {
  const paused = await ensemble.leader();
  const before = (await ensemble.status()).get(paused);
  await using stuck = await connect({ servers: ensemble.addressOf(paused), ...PATIENT });
  await using zk = await connect({
    servers: ensemble.ids.filter((id) => id !== paused).map((id) => ensemble.addressOf(id)),
    ...PATIENT,
  });
  await zk.create('/paused');
  const pausedMs = performance.now();
  ensemble.pause(paused);
  // They wait in its sockets, and reach it when it wakes and still believes that it leads.
  const writes = Array.from({ length: 20 }, (_, n) => stuck.create(`/paused/asked-of-the-old-leader-${n}`));
  const leader = await until('the others have a leader', async () => {
    return [...(await ensemble.status()).values()].find((server) => server?.role === 'leader');
  });
  expect(leader.epoch).toBeGreaterThan(before?.epoch ?? 0);
  await zk.create('/paused/asked-of-the-new-leader');
  await until('three seconds have passed', () => performance.now() - pausedMs > 3000);
  ensemble.resume(paused);
  // None is lost and none happens twice: those that the old leader could not commit are asked of the new one.
  await Promise.all(writes);
  await ensemble.whenServing();
  expect((await ensemble.status()).get(paused)).toMatchObject({ role: 'follower' });
  expect(await stuck.children('/paused')).toHaveLength(writes.length + 1);
});

test('a one-shot watch tells of a change before any reply shows it', async () => {
  await using watcher = await connect({ servers: ensemble.servers, ...PATIENT });
  await using writer = await connect({ servers: ensemble.servers, ...PATIENT });
  await writer.create('/watched', 'old');
  await watcher.sync();
  const order: string[] = [];
  const { watch } = await watcher.get('/watched', { watch: true });
  const fired = watch.event.then((event) => order.push(event.type));
  const seen = readUntil(watcher, '/watched', 'new').then(() => order.push('reply'));
  await writer.set('/watched', 'new');
  await Promise.all([seen, fired]);
  expect(order).toEqual(['changed', 'reply']);
});

test('watches are armed again at another server, and tell what happened meanwhile', {
  timeout: 60_000,
}, async () => {
  const { zk, server } = await tracked();
  await using watcher = zk;
  await using writer = await connect({ servers: ensemble.servers, ...PATIENT });
  await writer.create('/armed', 'old');
  await watcher.sync();
  const changed = (await watcher.get('/armed', { watch: true })).watch;
  const created = (await watcher.exists('/armed-later', { watch: true })).watch;
  const children = (await watcher.children('/armed', { watch: true })).watch;
  const dead = await ensemble.kill(server());
  await writer.set('/armed', 'new');
  await writer.create('/armed/child');
  expect(await changed.event).toMatchObject({ type: 'changed', path: '/armed' });
  expect(await children.event).toMatchObject({ type: 'children', path: '/armed' });
  // Still armed, over there.
  await writer.create('/armed-later');
  expect(await created.event).toMatchObject({ type: 'created', path: '/armed-later' });
  await ensemble.restart(dead);
});

test('a session moves to another server with its ephemeral nodes when its server dies', {
  timeout: 60_000,
}, async () => {
  const { zk, server } = await tracked();
  await using _closing = zk;
  const home = server();
  const { id, signal } = zk.session;
  await zk.create('/moving', '', { mode: 'ephemeral' });
  const dead = await ensemble.kill(home);
  await zk.set('/moving', 'moved');
  expect(server()).not.toBe(home);
  expect(zk.session.id).toBe(id);
  expect(signal.aborted).toBe(false);
  expect((await zk.get('/moving')).stat.ephemeralOwner).toBe(id);
  await ensemble.restart(dead);
});

/** A client, and the server that it is connected to. */
async function tracked(): Promise<{ readonly zk: ZooKeeper; readonly server: () => number }> {
  const zk = createClient({ servers: ensemble.servers, ...PATIENT });
  let address = '';
  zk.session.on('connected', ({ server }) => {
    address = server;
  });
  await zk.sync();
  return { zk, server: () => ensemble.ids.find((id) => ensemble.addressOf(id) === address) ?? 0 };
}

/** Asks again as soon as it has an answer, so that the first reply which shows the change is among them. */
async function readUntil(zk: ZooKeeper, path: string, data: string): Promise<void> {
  while (text((await zk.get(path)).data) !== data);
}
