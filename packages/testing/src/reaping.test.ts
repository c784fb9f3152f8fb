import { type ConnectOptions, connect, type WatchEvent, type Watcher, type ZooKeeper } from '@zabra/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../test/until.ts';
import { type Ensemble, startEnsemble } from './index.ts';

/*
 * What asked to be removed is removed when its time is over, and not before. The time begins when the write is applied,
 * which is after it was sent: by this process's clock nothing goes earlier than its time after the sending.
 */

const TTL_MS = 1000;
const GRACE_MS = 1000;
/** A leader's ticks, a commit, the event on its way, and a machine with much to do. */
const SLACK_MS = 2000;
const PATIENT: Partial<ConnectOptions> = { requestTimeoutMs: 60_000, sessionTimeoutMs: 30_000 };

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble({ config: { timing: { containerGraceMs: GRACE_MS } } });
});
afterEach(() => ensemble.whenServing());
afterAll(() => ensemble.close());

function connected(): Promise<ZooKeeper> {
  return connect({ servers: ensemble.servers, ...PATIENT });
}

/** When the node is gone, as a client hears it. */
async function goneAt(zk: ZooKeeper, path: string): Promise<number> {
  for await (const event of zk.watch(path)) if (event.type === 'deleted') return performance.now();
  throw new Error('the watch ended');
}

/** When each of so many was heard. */
async function deletions(watcher: Watcher<WatchEvent>, count: number): Promise<readonly number[]> {
  const heardMs: number[] = [];
  for await (const { type } of watcher) {
    if (type === 'deleted') heardMs.push(performance.now());
    if (heardMs.length === count) break;
  }
  return heardMs;
}

async function passed(ms: number, sinceMs: number): Promise<void> {
  await until(`${ms} ms have passed`, () => performance.now() - sinceMs > ms);
}

test.concurrent.each<{
  readonly what: string;
  readonly refresh: (zk: ZooKeeper, path: string) => Promise<unknown>;
}>([
  { what: 'touch', refresh: (zk, path) => zk.touch(path) },
  { what: 'set', refresh: (zk, path) => zk.set(path, 'again') },
  {
    what: 'setAcl',
    refresh: (zk, path) => zk.setAcl(path, [{ scheme: 'world', id: 'anyone', perms: 'all' }]),
  },
])(
  'a node with a TTL goes when nothing was written to it for so long; $what counts',
  async ({ what, refresh }) => {
    await using zk = await connected();
    const path = `/ttl-by-${what}`;
    const gone = goneAt(zk, path);
    await zk.create(path, '', { mode: 'ttl', ttlMs: TTL_MS });
    let sentMs = performance.now();
    let answeredMs = sentMs;
    for (let round = 1; round <= 3; round++) {
      await passed(TTL_MS / 4, answeredMs);
      sentMs = performance.now();
      await refresh(zk, path);
      answeredMs = performance.now();
    }
    const goneMs = await gone;
    expect(goneMs - sentMs).toBeGreaterThanOrEqual(TTL_MS);
    expect(goneMs - answeredMs).toBeLessThan(TTL_MS + SLACK_MS);
    expect(await zk.exists(path)).toBeNull();
  },
);

test.concurrent('a node with a TTL stays as long as it has children, and a read does not keep it', async () => {
  await using zk = await connected();
  const gone = goneAt(zk, '/ttl-parent');
  await zk.create('/ttl-parent', '', { mode: 'ttl', ttlMs: TTL_MS });
  await zk.create('/ttl-parent/child');
  await passed(1.5 * TTL_MS, performance.now());
  expect(await zk.exists('/ttl-parent')).not.toBeNull();
  const deletedMs = performance.now();
  await zk.delete('/ttl-parent/child');
  const goneMs = await gone;
  expect(goneMs).toBeGreaterThanOrEqual(deletedMs);
  expect(goneMs - deletedMs).toBeLessThan(SLACK_MS);
});

test.concurrent('a container goes when it has been empty for its time; one that was never used stays', async () => {
  await using zk = await connected();
  await zk.create('/never-used', '', { mode: 'container' });
  await zk.create('/used', '', { mode: 'container' });
  const gone = goneAt(zk, '/used');
  await zk.create('/used/first');
  await zk.delete('/used/first');
  const emptiedMs = performance.now();
  await passed(GRACE_MS / 4, emptiedMs);
  // Used again in time: the grace begins anew.
  await zk.create('/used/second');
  await passed(1.5 * GRACE_MS, emptiedMs);
  expect(await zk.exists('/used')).not.toBeNull();
  const sentMs = performance.now();
  await zk.delete('/used/second');
  const goneMs = await gone;
  expect(goneMs - sentMs).toBeGreaterThanOrEqual(GRACE_MS);
  expect(goneMs - sentMs).toBeLessThan(GRACE_MS + SLACK_MS);
  expect(await zk.exists('/never-used')).not.toBeNull();
});

test('a new leader gives what waits its whole time again', { timeout: 60_000 }, async () => {
  const ttlMs = 1500;
  await using zk = await connected();
  const gone = Promise.all([goneAt(zk, '/ttl-led'), goneAt(zk, '/container-led')]);
  await zk.create('/container-led', '', { mode: 'container' });
  await zk.create('/container-led/child');
  await zk.create('/ttl-led', '', { mode: 'ttl', ttlMs });
  await zk.delete('/container-led/child');
  await passed(GRACE_MS / 2, performance.now());
  const killedMs = performance.now();
  const dead = await ensemble.kill('leader');
  const [ttlGoneMs, containerGoneMs] = await gone;
  expect(ttlGoneMs - killedMs).toBeGreaterThanOrEqual(ttlMs);
  expect(containerGoneMs - killedMs).toBeGreaterThanOrEqual(GRACE_MS);
  await ensemble.restart(dead);
});

test('what waits outlives the death of all servers, with its whole time', { timeout: 60_000 }, async () => {
  await using zk = await connected();
  const gone = goneAt(zk, '/ttl-restarted');
  await zk.create('/ttl-restarted', '', { mode: 'ttl', ttlMs: TTL_MS });
  await passed(TTL_MS / 2, performance.now());
  const killedMs = performance.now();
  await ensemble.killAll();
  await Promise.all(ensemble.ids.map((id) => ensemble.restart(id)));
  expect((await gone) - killedMs).toBeGreaterThanOrEqual(TTL_MS);
});

test('nodes whose time is over go at the rate that is configured', async () => {
  const count = 40;
  const perSecond = 20;
  await using lone = await startEnsemble({
    servers: 1,
    config: { limits: { reapedPerSecondMax: perSecond } },
  });
  await using zk = await connect(lone.servers);
  await zk.create('/many');
  const going = deletions(zk.watch('/many', { recursive: true }), count);
  const creating = zk.transaction();
  for (let n = 0; n < count; n++) creating.create(`/many/${n}`, '', { mode: 'ttl', ttlMs: 100 });
  const sentMs = performance.now();
  await creating.commit();
  const goneMs = await going;
  // What two ticks allow may go at once.
  const leastMs = 100 + (1000 * (count - 2)) / perSecond;
  expect((goneMs.at(-1) ?? 0) - sentMs).toBeGreaterThan(leastMs - 50);
  expect((goneMs.at(-1) ?? 0) - sentMs).toBeLessThan(leastMs + SLACK_MS);
  expect((await lone.status()).get(1)?.reaped).toBe(count);
});
