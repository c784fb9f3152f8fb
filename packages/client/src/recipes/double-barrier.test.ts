import { retry, type ZooKeeper } from '@zabra/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BarrierRound } from './barrier-round.ts';
import { DoubleBarrier } from './double-barrier.ts';
import { ModelBench } from './model-bench.test-support.ts';

let bench: ModelBench;
beforeEach(() => {
  bench = new ModelBench();
});
afterEach(async () => {
  await bench.close();
});

const PATH = '/rooms/a';

async function party(id: string, parties: number): Promise<DoubleBarrier> {
  return new DoubleBarrier(await bench.connect(), PATH, { parties, id });
}

/** What becomes of it, without waiting for it. */
function watched<T>(work: Promise<T>): { outcome: string; value: T | undefined } {
  const seen: { outcome: string; value: T | undefined } = { outcome: 'waiting', value: undefined };
  work.then(
    (value) => Object.assign(seen, { outcome: 'done', value }),
    (error: { code?: string; message?: string }) =>
      Object.assign(seen, { outcome: error.code ?? error.message }),
  );
  return seen;
}

test('nobody is in before all have come, and nobody is out before all have left, in two rounds', async () => {
  const parties = [await party('a', 3), await party('b', 3), await party('c', 3)];
  for (const round of [1n, 2n]) {
    const [a, b] = parties.slice(0, 2).map((each) => watched(each.enter()));
    await bench.settle();
    expect([a?.outcome, b?.outcome]).toEqual(['waiting', 'waiting']);
    const c = watched((parties[2] as DoubleBarrier).enter());
    await bench.settle();
    const inside = [a, b, c].map((each) => each?.value as BarrierRound);
    expect(inside.map((each) => each.round)).toEqual([round, round, round]);
    expect(inside[0]?.members).toEqual(['a', 'b', 'c']);
    const leaving = inside.slice(1).map((each) => watched(each.leave()));
    await bench.settle();
    expect(leaving.map(({ outcome }) => outcome)).toEqual(['waiting', 'waiting']);
    await inside[0]?.leave();
    await bench.settle();
    expect(leaving.map(({ outcome }) => outcome)).toEqual(['done', 'done']);
    expect(await bench.tree()).toEqual(['/rooms', PATH]);
  }
});

test('a late comer to a full round waits for the next one', async () => {
  const [a, b, late] = [await party('a', 2), await party('b', 2), await party('late', 2)];
  const [first, second] = await Promise.all([a.enter(), b.enter()]);
  const third = watched(late.enter());
  await bench.settle();
  expect(third.outcome).toBe('waiting');
  await Promise.all([first?.leave(), second?.leave()]);
  await bench.settle();
  const again = watched(a.enter());
  await bench.settle();

  expect(third.value?.round).toBe(2n);
  expect(again.value?.members).toEqual(['late', 'a']);
});

test('a member that dies inside is told, and the others can leave', async () => {
  const zk = await bench.connect();
  const dying = new DoubleBarrier(zk, PATH, { parties: 2, id: 'dying' });
  const other = await party('other', 2);
  const [mine, theirs] = await Promise.all([dying.enter(), other.enter()]);
  const leaving = watched(theirs.leave());
  await bench.settle();
  bench.ensemble.expire(Number(zk.session.id));
  await bench.advance(2_000);

  expect(mine.signal.reason).toMatchObject({ code: 'LEASE_LOST', reason: 'session-expired' });
  expect(leaving.outcome).toBe('done');
  await expect(mine.leave()).resolves.toBeUndefined();
  expect(await bench.tree()).toEqual(['/rooms', PATH]);
});

test('a member that dies before the room is full is not counted', async () => {
  const zk = await bench.connect();
  const dying = watched(new DoubleBarrier(zk, PATH, { parties: 2 }).enter({ retryOnExpiry: false }));
  await bench.settle();
  bench.ensemble.expire(Number(zk.session.id));
  await bench.advance(2_000);
  const alone = watched((await party('alone', 2)).enter());
  await bench.settle();

  expect([dying.outcome, alone.outcome]).toEqual(['SESSION_EXPIRED', 'waiting']);
  await (await party('second', 2)).enter();
  await bench.settle();
  expect(alone.outcome).toBe('done');
});

test('who gives up before the room is full is taken out', async () => {
  const giving = new AbortController();
  const first = watched((await party('first', 2)).enter({ signal: giving.signal }));
  await bench.settle();
  giving.abort(new Error('no patience'));
  await bench.settle();
  const second = watched((await party('second', 2)).enter());
  await bench.settle();

  expect([first.outcome, second.outcome]).toEqual(['no patience', 'waiting']);
});

test('who gives up while it is counted in is in', async () => {
  const giving = new AbortController();
  const { zk, model } = await bench.join();
  const entering = new DoubleBarrier(zk, PATH, { parties: 2, id: 'first' }).enter({ signal: giving.signal });
  const first = watched(entering);
  await bench.settle();
  // Its wish to be taken out reaches the ensemble after the roster is closed.
  model.requests = 0;
  model.fault = { request: 1, kind: 'hold', when: 'before' };
  giving.abort(new Error('no patience'));
  await bench.settle();
  const second = await (await party('second', 2)).enter();
  bench.ensemble.release(model);
  await bench.settle();

  expect(first.outcome).toBe('done');
  expect(first.value?.members).toEqual(['first', 'second']);
  await Promise.all([first.value?.leave(), second.leave()]);
});

test.each(Array.from({ length: 9 }, (_, index) => ({ request: index + 1 })))(
  'a member that dies before request $request of the one who would make the room full is not counted',
  async ({ request }) => {
    const dying = await bench.connect();
    void new DoubleBarrier(dying, PATH, { parties: 2 }).enter({ retryOnExpiry: false }).catch(() => {});
    await bench.settle();
    const { zk, model } = await bench.join();
    model.requests = 0;
    model.fault = { request, kind: 'hold', when: 'before' };
    const alone = watched(new DoubleBarrier(zk, PATH, { parties: 2 }).enter());
    await bench.settle();
    const wasHeld = model.held !== undefined;
    bench.ensemble.expire(Number(dying.session.id));
    await bench.settle();
    bench.ensemble.release(model);
    await bench.settle();

    expect(wasHeld).toBe(true);
    expect(alone.outcome).toBe('waiting');
  },
);

test.each([{ when: 'before' as const }, { when: 'after' as const }])(
  'a member of whom nobody knows whether it was made ($when) comes in once',
  async ({ when }) => {
    const other = watched((await party('other', 2)).enter());
    await bench.settle();
    const { zk, model } = await bench.join();
    model.requests = 0;
    model.fault = { request: 2, kind: 'doubt', when };
    const mine = await new DoubleBarrier(zk, PATH, { parties: 2, id: 'mine' }).enter();
    await bench.settle();

    expect(mine.members).toEqual(['other', 'mine']);
    await Promise.all([mine.leave(), other.value?.leave()]);
    expect(await bench.tree()).toEqual(['/rooms', PATH]);
  },
);

test('when all members die inside, the next ones still get in', async () => {
  const zk = await bench.connect();
  const dying = new DoubleBarrier(zk, PATH, { parties: 1 });
  await dying.enter();
  bench.ensemble.expire(Number(zk.session.id));
  const next = watched((await party('next', 1)).enter());
  await bench.advance(2_000);

  expect(next.value?.round).toBe(2n);
});

test('who stops waiting for the others has left all the same', async () => {
  const [a, b] = [await party('a', 2), await party('b', 2)];
  const [mine, theirs] = await Promise.all([a.enter(), b.enter()]);
  const leaving = watched(mine.leave({ timeoutMs: 500 }));
  await bench.settle();
  await bench.advance(1_000);
  await theirs.leave();
  await bench.settle();

  expect(leaving.outcome).toBe('LOCK_TIMEOUT');
  expect(await bench.tree()).toEqual(['/rooms', PATH]);
});

test('who meets a roster that cannot be read leaves no member behind', async () => {
  const zk = await bench.connect();
  await zk.create(PATH, '1', { parents: true });
  await zk.create(`${PATH}/r1`);
  await zk.create(`${PATH}/r1/ready`, 'not a roster');

  await expect(new DoubleBarrier(zk, PATH, { parties: 2 }).enter()).rejects.toMatchObject({
    code: 'CODEC_FAILED',
  });
  await bench.settle();
  expect(await zk.children(`${PATH}/r1`)).toEqual(['ready']);
});

test.each([
  {
    name: "the barrier's node was written by others",
    harm: (zk: ZooKeeper) => zk.set(PATH, '1'),
    outcome: 'done',
    left: ['ready'],
  },
  {
    name: 'the roster was deleted by others',
    harm: (zk: ZooKeeper) => zk.delete(`${PATH}/r1/ready`),
    outcome: 'BARRIER_BROKEN',
    left: [],
  },
])('when $name, who leaves is out all the same', async ({ harm, outcome, left }) => {
  const zk = await bench.connect();
  const round = await new DoubleBarrier(zk, PATH, { parties: 1 }).enter();
  await harm(zk);
  const leaving = watched(round.leave());
  await bench.settle();

  expect(leaving.outcome).toBe(outcome);
  expect(await zk.children(`${PATH}/r1`)).toEqual(left);
});

test('a connection lost while giving up does not hide that we are counted in', async () => {
  const { zk, model } = await bench.join({ retry: retry.never });
  const giving = new AbortController();
  const entering = watched(new DoubleBarrier(zk, PATH, { parties: 2 }).enter({ signal: giving.signal }));
  await bench.settle();
  const other = await bench.connect();
  const [node] = await other.children(`${PATH}/r1`);
  // The wish to be taken out comes after the roster is closed, and the connection is cut when that is read.
  model.requests = 0;
  model.fault = { request: 1, kind: 'hold', when: 'before' };
  giving.abort(new Error('no patience'));
  await bench.settle();
  await other.create(`${PATH}/r1/ready`, JSON.stringify([{ node, id: 'me' }]));
  model.fault = { request: 2, kind: 'cut', when: 'before' };
  bench.ensemble.release(model);
  await bench.advance(2_000);

  expect(model.fault).toBe(undefined);
  expect(entering.outcome).toBe('done');
  expect(await other.children(`${PATH}/r1`)).toEqual([node, 'ready']);
});

test('a node that holds something else is not taken for a barrier', async () => {
  const zk = await bench.connect();
  await zk.create(PATH, 'hello', { parents: true });

  await expect(new DoubleBarrier(zk, PATH, { parties: 2 }).enter()).rejects.toMatchObject({
    code: 'CODEC_FAILED',
  });
});

test.each([0, 1.5, Number.NaN])('%d parties are refused', async (parties) => {
  const zk = await bench.connect();

  expect(() => new DoubleBarrier(zk, PATH, { parties })).toThrow(/BAD_ARGUMENTS.*parties/);
});
