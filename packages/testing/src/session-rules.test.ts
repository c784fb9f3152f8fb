import { connect } from '@zabra/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { placedClient } from '../test/placed-client.ts';
import { until } from '../test/until.ts';
import { type Ensemble, startEnsemble } from './index.ts';

/* What a session is promised by the ensemble, whichever server its client talks to. */

const MIN_MS = 2000;
const MAX_MS = 40_000;

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble({
    config: {
      // A server that stands still keeps its place, so that what it was sent is passed on when it wakes.
      timing: {
        sessionTimeoutMinMs: MIN_MS,
        sessionTimeoutMaxMs: MAX_MS,
        silenceMs: 20_000,
        syncLimitMs: 20_000,
      },
    },
  });
});
afterEach(() => ensemble.whenServing());
afterAll(() => ensemble.close());

test.each([
  { asked: 1, granted: MIN_MS },
  { asked: 5000, granted: 5000 },
  { asked: 2 ** 31 - 1, granted: MAX_MS },
])('a session timeout of $asked ms is granted as $granted', async ({ asked, granted }) => {
  await using zk = await connect({ servers: ensemble.servers, sessionTimeoutMs: asked });
  expect(zk.session.timeoutMs).toBe(granted);
});

test('the ephemeral nodes of a session are gone everywhere once its close was acknowledged', async () => {
  for (const from of ensemble.ids) {
    const closing = await connect(ensemble.addressOf(from));
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => closing.create(`/of-${from}-${n}`, '', { mode: 'ephemeral' })),
    );
    await closing.close();
    for (const at of ensemble.ids) {
      await using reader = await connect(ensemble.addressOf(at));
      const names = await reader.children('/', { linearizable: true });
      expect(names.filter((name) => name.startsWith(`of-${from}-`))).toEqual([]);
    }
  }
});

test('clients that come and go leave nothing behind', { timeout: 60_000 }, async () => {
  for (let round = 1; round <= 3; round++) {
    const clients = await Promise.all(Array.from({ length: 40 }, () => connect(ensemble.servers)));
    for (const zk of clients) zk.watch('/', { recursive: true });
    await Promise.all(clients.map((zk) => zk.create('/coming-', '', { mode: 'ephemeral-sequential' })));
    await Promise.all(clients.map((zk) => zk.exists('/', { watch: true })));
    await Promise.all(clients.map((zk) => zk.close()));
  }
  await until('the servers have forgotten them', async () => {
    const servers = [...(await ensemble.status()).values()];
    return servers.every(
      (status) => status?.connections === 0 && status.sessions === 0 && status.watches === 0,
    );
  });
  await using zk = await connect(ensemble.servers);
  expect(await zk.children('/', { linearizable: true })).toEqual(['zookeeper']);
});

test('a write that a session left behind at its former server changes nothing after it moved', {
  timeout: 60_000,
}, async () => {
  const leader = await ensemble.leader();
  const { zk, server } = await placedClient(
    ensemble,
    { sessionTimeoutMs: 4500, requestTimeoutMs: 60_000 },
    ensemble.ids.filter((id) => id !== leader),
  );
  await using _closing = zk;
  const former = server();
  const { id } = zk.session;
  await zk.create('/moved', 'old', { mode: 'ephemeral' });
  ensemble.pause(former);
  // Sent to the one that stands still, and again to the one that takes the session over.
  await zk.set('/moved', 'left behind');
  expect(server()).not.toBe(former);
  await zk.set('/moved', 'after it');
  ensemble.resume(former);
  await using reader = await connect(ensemble.addressOf(former));
  await until('the former server has heard it out', async () => {
    const status = (await ensemble.status()).get(former);
    return status?.connections === 1;
  });
  await reader.sync();
  const { data, stat } = await reader.get('/moved');
  expect(new TextDecoder().decode(data)).toBe('after it');
  expect(stat).toMatchObject({ version: 2, ephemeralOwner: id });
  expect(zk.session.id).toBe(id);
  await zk.set('/moved', 'and on');
});
