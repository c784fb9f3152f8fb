import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect } from '@zabra/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HolderReport } from '../test/ephemeral-holder.ts';
import { type Ensemble, startEnsemble } from './index.ts';

const SESSION_TIMEOUT_MS = 2000;
/** A leader's ticks, a commit, and the watch on its way. */
const SLACK_MS = 750;

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble({ config: { timing: { sessionTimeoutMinMs: SESSION_TIMEOUT_MS } } });
});
afterAll(() => ensemble.close());

test.each(['leader', 'follower'] as const)(
  'the ephemeral node of a client of the %s that is killed is gone when its session timeout is over, not before',
  async (role) => {
    const leader = await ensemble.leader();
    const server = { leader, follower: ensemble.ids.find((id) => id !== leader) ?? 0 }[role];
    const path = `/held-at-${role}`;
    await using watcher = await connect(ensemble.servers);
    const created = (await watcher.exists(path, { watch: true })).watch.event;
    const holder = fork(
      fileURLToPath(new URL('../test/ephemeral-holder.ts', import.meta.url)),
      [ensemble.addressOf(server), path, `${SESSION_TIMEOUT_MS}`],
      { execArgv: ['--conditions=source', '--import', 'tsx'] },
    );
    expect(await created).toMatchObject({ type: 'created', path });
    const gone = (await watcher.exists(path, { watch: true })).watch.event.then((event) => ({
      event,
      atMs: Date.now(),
    }));
    const [{ lastHeartbeatMs }] = (await once(holder, 'message')) as [HolderReport];
    holder.kill('SIGKILL');
    const { event, atMs } = await gone;
    expect(event).toMatchObject({ type: 'deleted', path });
    expect(atMs - lastHeartbeatMs).toBeGreaterThanOrEqual(SESSION_TIMEOUT_MS);
    expect(atMs - lastHeartbeatMs).toBeLessThanOrEqual(SESSION_TIMEOUT_MS + SLACK_MS);
    expect(await watcher.exists(path)).toBeNull();
  },
);

test('the ephemeral node of a client that closes is gone at once', async () => {
  await using watcher = await connect(ensemble.servers);
  const holder = await connect({ servers: ensemble.servers, sessionTimeoutMs: 60_000 });
  await holder.create('/closing', '', { mode: 'ephemeral' });
  await watcher.sync();
  const { watch } = await watcher.exists('/closing', { watch: true });
  const closedMs = Date.now();
  await holder.close();
  expect(await watch.event).toMatchObject({ type: 'deleted', path: '/closing' });
  expect(Date.now() - closedMs).toBeLessThan(SLACK_MS);
});
