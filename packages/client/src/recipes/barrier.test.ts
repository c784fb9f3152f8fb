import { afterEach, beforeEach, expect, test } from 'vitest';
import { Barrier } from './barrier.ts';
import { ModelBench } from './model-bench.test-support.ts';

let bench: ModelBench;
beforeEach(() => {
  bench = new ModelBench();
});
afterEach(async () => {
  await bench.close();
});

const PATH = '/gates/a';

/** What becomes of a wait, without waiting for it. */
function watched(waiting: Promise<void>): { outcome: string } {
  const seen = { outcome: 'waiting' };
  waiting.then(
    () => (seen.outcome = 'through'),
    (error: { code?: string }) => (seen.outcome = error.code ?? 'failed'),
  );
  return seen;
}

test('everybody who waits goes through when it is opened', async () => {
  const barrier = new Barrier(await bench.connect(), PATH);
  await barrier.close();
  const waits = [await bench.connect(), await bench.connect()].map((zk) =>
    watched(new Barrier(zk, PATH).wait()),
  );
  await bench.settle();
  const before = waits.map(({ outcome }) => outcome);
  const wasClosed = await barrier.open();
  await bench.settle();

  expect(before).toEqual(['waiting', 'waiting']);
  expect(wasClosed).toBe(true);
  expect(waits.map(({ outcome }) => outcome)).toEqual(['through', 'through']);
});

test('an open barrier lets through at once, and opening it again says that it was open', async () => {
  const barrier = new Barrier(await bench.connect(), PATH);

  await expect(barrier.wait()).resolves.toBeUndefined();
  await expect(barrier.open()).resolves.toBe(false);
});

test('two may close it', async () => {
  await new Barrier(await bench.connect(), PATH).close();

  await expect(new Barrier(await bench.connect(), PATH).close()).resolves.toBeUndefined();
});

test('a change of its data lets nobody through', async () => {
  const zk = await bench.connect();
  await new Barrier(zk, PATH).close();
  const wait = watched(new Barrier(await bench.connect(), PATH).wait());
  await bench.settle();
  await zk.set(PATH, 'a note');
  await bench.settle();
  const before = wait.outcome;
  await new Barrier(zk, PATH).open();
  await bench.settle();

  expect([before, wait.outcome]).toEqual(['waiting', 'through']);
});

test('who was away while it was opened and closed again goes through', async () => {
  const barrier = new Barrier(await bench.connect(), PATH);
  await barrier.close();
  const { zk, model } = await bench.join();
  const wait = watched(new Barrier(zk, PATH).wait());
  await bench.settle();
  bench.ensemble.cutOff(model);
  await bench.settle();
  await barrier.open();
  await barrier.close();
  bench.ensemble.reconnect(model);
  await bench.advance(2_000);

  expect(wait.outcome).toBe('through');
});

test('a waiter goes on waiting in its next session', async () => {
  const barrier = new Barrier(await bench.connect(), PATH);
  await barrier.close();
  const zk = await bench.connect();
  const wait = watched(new Barrier(zk, PATH).wait());
  await bench.settle();
  bench.ensemble.expire(Number(zk.session.id));
  await bench.advance(2_000);
  const before = wait.outcome;
  await barrier.open();
  await bench.settle();

  expect([before, wait.outcome]).toEqual(['waiting', 'through']);
});

test('an ephemeral barrier opens when its owner ends', async () => {
  const owner = await bench.connect();
  await new Barrier(owner, PATH, { ephemeral: true }).close();
  const wait = watched(new Barrier(await bench.connect(), PATH).wait());
  await bench.settle();
  await owner.close();
  await bench.settle();

  expect(wait.outcome).toBe('through');
});

test('a timeout says how long it stayed closed', async () => {
  await new Barrier(await bench.connect(), PATH).close();
  const failed = new Barrier(await bench.connect(), PATH)
    .wait({ timeoutMs: 300 })
    .catch((error: unknown) => error);
  await bench.settle();
  await bench.advance(500);

  expect(String(await failed)).toMatch(
    /LOCK_TIMEOUT: wait \/gates\/a: the barrier did not open within 300 ms/,
  );
});

test('a wait asks a quorum, since a server that lags would show a barrier as open that was closed', async () => {
  const { zk, model } = await bench.join();
  model.requests = 0;
  model.fault = { request: 1, kind: 'hold', when: 'before' };
  const waiting = watched(new Barrier(zk, PATH).wait());
  await bench.settle();
  const asked = model.held?.inbox.flatMap((entry) => (entry.kind === 'request' ? [entry.request] : []));
  bench.ensemble.release(model);
  await bench.settle();

  expect(asked).toMatchObject([{ kind: 'get', linearizable: true }]);
  expect(waiting.outcome).toBe('through');
});
