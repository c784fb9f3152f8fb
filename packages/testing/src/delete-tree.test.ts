import { connect, isZkError, type WatchEvent, type Watcher, type ZooKeeper } from '@zabra/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { HeardEvents } from '../test/heard-events.ts';
import { digestsOf, until } from '../test/until.ts';
import { type Ensemble, startEnsemble } from './index.ts';

/* A tree that is larger than any one change goes in pieces, whatever happens in between. */

const FOLDERS = 20;
const NODES_PER_FOLDER = 999;
const DESCENDANTS = FOLDERS * (1 + NODES_PER_FOLDER);
const PATIENT = { requestTimeoutMs: 60_000, sessionTimeoutMs: 30_000 };

let ensemble: Ensemble;
let zk: ZooKeeper;
beforeAll(async () => {
  ensemble = await startEnsemble();
  zk = await connect({ servers: ensemble.servers, ...PATIENT });
});
afterEach(async () => {
  await ensemble.whenServing();
  expect(await digestsOf(ensemble)).toHaveLength(1);
}, 60_000);
afterAll(async () => {
  await zk.close();
  await ensemble.close();
});

/** `path` with 20 folders of 999 nodes; each folder is one transaction. */
async function plant(path: string): Promise<void> {
  await zk.create(path);
  await Promise.all(
    Array.from({ length: FOLDERS }, (_, folder) => {
      const planting = zk.transaction().create(`${path}/${folder}`);
      for (let node = 0; node < NODES_PER_FOLDER; node++)
        planting.create(`${path}/${folder}/${node}`, 'leaf');
      return planting.commit();
    }),
  );
}

test('a tree of 20,000 nodes goes while others write into it, and nothing of it is left', {
  timeout: 60_000,
}, async () => {
  await plant('/busy');
  await using other = await connect({ servers: ensemble.servers, ...PATIENT });
  await other.sync();
  expect(await other.descendants('/busy')).toBe(DESCENDANTS);
  let written = 0;
  const lanes = Array.from({ length: 8 }, async (_, lane) => {
    for (;;) {
      try {
        await other.create(`/busy/${2 * lane}/late-`, '', { mode: 'persistent-sequential' });
        written++;
      } catch (error) {
        return error;
      }
    }
  });
  await until('others write', () => written > 20);
  await zk.delete('/busy', { recursive: true });
  for (const error of await Promise.all(lanes)) expect(isZkError(error, 'NO_NODE')).toBe(true);
  expect(await zk.exists('/busy', { linearizable: true })).toBeNull();
  expect((await ensemble.status()).get(await ensemble.leader())?.znodes).toBeLessThan(10);
});

test('a tree that one change cannot hold is not touched by an atomic delete; one that it holds goes at once', {
  timeout: 60_000,
}, async () => {
  await plant('/large');
  await expect(zk.delete('/large', { recursive: true, atomic: true })).rejects.toMatchObject({
    code: 'LIMIT',
    message: expect.stringContaining('transactionOperationsMax'),
    outcome: 'not-applied',
  });
  expect(await zk.descendants('/large')).toBe(DESCENDANTS);
  await using heard = new HeardEvents(zk.watch('/large/7', { recursive: true, maxBuffered: DESCENDANTS }));
  await zk.delete('/large/7', { recursive: true, atomic: true });
  await until('all is heard', () => heard.events.length === NODES_PER_FOLDER + 1);
  expect(new Set(heard.events.map(({ type }) => type))).toEqual(new Set(['deleted']));
  const zxids = new Set(heard.events.map(({ zxid }) => zxid));
  expect(zxids.size).toBe(1);
  expect(await zk.descendants('/large')).toBe(DESCENDANTS - 1 - NODES_PER_FOLDER);
  await zk.delete('/large', { recursive: true });
});

test('the deletion of a tree goes on under the next leader, and leaves alone what is beside it', {
  timeout: 60_000,
}, async () => {
  await zk.create('/beside/child', '', { parents: true });
  await plant('/led');
  const begun = firstDeletion(zk.watch('/led', { recursive: true, maxBuffered: 2 * DESCENDANTS }));
  const deleting = zk.delete('/led', { recursive: true });
  await begun;
  const dead = await ensemble.kill('leader');
  await deleting;
  expect(await zk.exists('/led', { linearizable: true })).toBeNull();
  expect(await zk.descendants('/beside')).toBe(1);
  await ensemble.restart(dead);
});

test('a deletion that its client does not live to end leaves a tree that another one can delete', {
  timeout: 60_000,
}, async () => {
  await plant('/half');
  const begun = firstDeletion(zk.watch('/half', { recursive: true, maxBuffered: 2 * DESCENDANTS }));
  const doomed = await connect({ servers: ensemble.servers, ...PATIENT });
  await doomed.sync();
  const deleting = doomed.delete('/half', { recursive: true });
  deleting.catch(() => undefined);
  await begun;
  await doomed.close({ graceMs: 0 });
  await Promise.allSettled([deleting]);
  // Whatever was deleted, it is children before parents: all that is left is counted, and can be reached.
  await zk.sync();
  expect((await allOf('/half')).length).toBe(await zk.descendants('/half').then((below) => below + 1, none));
  await zk.delete('/half', { recursive: true, missingOk: true });
  expect(await zk.exists('/half')).toBeNull();
});

async function firstDeletion(watcher: Watcher<WatchEvent>): Promise<void> {
  for await (const { type } of watcher) if (type === 'deleted') return;
}

/** The paths of the node and of all below it. */
async function allOf(path: string): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const each of zk.walk(path)) found.push(each.path);
  } catch (error) {
    none(error);
  }
  return found;
}

/** 0 of what does not exist. */
function none(error: unknown): number {
  if (!isZkError(error, 'NO_NODE')) throw error;
  return 0;
}
