import { type Lease, LeaseLostError } from '@zabra/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectOn } from '../core/create-client.ts';
import type { ClientEnv } from '../core/env.ts';
import { served } from '../core/model-server.test-support.ts';
import { SILENT } from '../core/surroundings.ts';
import { ModelBench } from './model-bench.test-support.ts';
import { Mutex } from './mutex.ts';
import { ModelClient } from './testing-ensemble.test-support.ts';

let bench: ModelBench;
beforeEach(() => {
  bench = new ModelBench();
});
afterEach(async () => {
  await bench.close();
});

const PATH = '/locks/a';

test('a free lock whose parent exists costs one round trip', async () => {
  const { zk, model } = await bench.join();
  await zk.ensure(PATH);
  model.requests = 0;
  model.fault = { request: 1, kind: 'hold', when: 'before' };
  const acquiring = new Mutex(zk, PATH).acquire();
  await bench.settle();
  const inbox = model.held?.inbox.map((entry) =>
    entry.kind === 'request' ? entry.request.kind : entry.kind,
  );
  bench.ensemble.release(model);
  const lease = await acquiring;

  expect(inbox).toEqual(['create', 'children']);
  expect(lease.state).toBe('held');
});

test.each([{ when: 'before' as const }, { when: 'after' as const }])(
  'a create of which nobody knows whether it happened ($when) makes one contender',
  async ({ when }) => {
    const { zk, model } = await bench.join();
    await zk.ensure(PATH);
    model.requests = 0;
    model.fault = { request: 1, kind: 'doubt', when };
    const mutex = new Mutex(zk, PATH);
    const lease = await mutex.acquire();

    expect((await mutex.contenders()).map(({ path }) => path)).toEqual([lease.path]);
  },
);

test('three clients hold the lock in the order in which they came, with growing tokens', async () => {
  const order: string[] = [];
  const tokens: bigint[] = [];
  const turns: Promise<void>[] = [];
  await (await bench.connect()).ensure(PATH);
  for (const id of ['a', 'b', 'c']) {
    const mutex = new Mutex(await bench.connect(), PATH, { id });
    turns.push(
      mutex.withLock(async (lease) => {
        order.push(`${id} in`);
        tokens.push(lease.fencingToken);
        await bench.settle();
        order.push(`${id} out`);
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(turns);

  expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  expect(tokens).toEqual(tokens.toSorted((x, y) => (x < y ? -1 : 1)));
});

test('one client waits for itself without a second session', async () => {
  const zk = await bench.connect();
  const mutex = new Mutex(zk, PATH);
  const first = await mutex.acquire();
  const second = mutex.acquire();
  await bench.settle();
  await first.release();

  expect((await second).state).toBe('held');
});

test('contenders() shows the line, the holder first, and no foreign child', async () => {
  const zk = await bench.connect();
  const mutex = new Mutex(zk, PATH, { id: 'first' });
  await mutex.acquire();
  await zk.create(`${PATH}/readme`);
  void mutex.acquire({ id: 'second', data: 'more' }).catch(() => {});
  await bench.settle();
  const line = await mutex.contenders();

  expect(line.map(({ id, holder }) => ({ id, holder }))).toEqual([
    { id: 'first', holder: true },
    { id: 'second', holder: false },
  ]);
  expect(line[0]?.sessionId).toBe(zk.session.id);
});

test('a timeout says the path, the time and the holder', async () => {
  const mutex = new Mutex(await bench.connect(), PATH, { id: 'worker-7' });
  await mutex.acquire();
  const waiting = new Mutex(await bench.connect(), PATH).acquire({ timeoutMs: 750 });
  const failed = waiting.catch((error: unknown) => error);
  await bench.settle();
  await bench.advance(1_000);

  await expect(failed).resolves.toMatchObject({ code: 'LOCK_TIMEOUT', path: PATH });
  expect(String(await failed)).toMatch(/\/locks\/a: not acquired within 750 ms; it is held by "worker-7"/);
});

test('tryAcquire of a held lock creates nothing', async () => {
  await new Mutex(await bench.connect(), PATH).acquire();
  const { zk, model } = await bench.join();
  model.requests = 0;

  await expect(new Mutex(zk, PATH).tryAcquire()).resolves.toBe(null);
  expect(model.requests).toBe(1);
});

test('of two that try at once at most one gets the lock, and none leaves a node', async () => {
  const [a, b] = [new Mutex(await bench.connect(), PATH), new Mutex(await bench.connect(), PATH)];
  const leases = await Promise.all([a.tryAcquire(), b.tryAcquire()]);
  const held = leases.filter((lease) => lease !== null);
  await Promise.all(held.map((lease) => lease.release()));
  await bench.settle();

  expect(held).toHaveLength(1);
  expect(await bench.tree()).toEqual(['/locks', PATH]);
});

test('a session that the ensemble ends loses the lease, and the next in line holds', async () => {
  const zk = await bench.connect();
  const lease = await new Mutex(zk, PATH).acquire();
  const next = new Mutex(await bench.connect(), PATH).acquire();
  await bench.settle();
  bench.ensemble.expire(Number(zk.session.id));
  await bench.settle();

  expect(lease.state).toBe('lost');
  expect(lease.signal.reason).toMatchObject({ code: 'LEASE_LOST', reason: 'session-expired' });
  expect(() => lease.throwIfLost()).toThrow(LeaseLostError);
  expect((await next).state).toBe('held');
});

test('a holder that is cut off is lost by its own clock before the next one is shown', async () => {
  const { zk, model } = await bench.join({ sessionTimeoutMs: 6_000 });
  const lease = await new Mutex(zk, PATH).acquire();
  const other = new Mutex(await bench.connect(), PATH);
  const states: string[] = [];
  lease.signal.addEventListener('abort', () => states.push(`aborted: ${lease.signal.reason.reason}`));
  void other.acquire().then(() => states.push('other holds'));
  await bench.settle();
  bench.ensemble.cutOff(model);
  await bench.advance(1_000);
  states.push(lease.state);
  await bench.advance(8_000);
  bench.ensemble.reconnect(model);

  expect(states).toEqual(['suspect', 'aborted: local-deadline', 'other holds']);
});

test('a short interruption loses nothing', async () => {
  const { zk, model } = await bench.join();
  const lease = await new Mutex(zk, PATH).acquire();
  bench.ensemble.cutOff(model);
  await bench.advance(1_000);
  bench.ensemble.reconnect(model);
  await bench.advance(5_000);

  expect(lease.state).toBe('held');
  await expect(lease.verify()).resolves.toBe(true);
});

test('onSuspended: lose gives the lock up when the connection is lost, and takes the node away', async () => {
  const { zk, model } = await bench.join();
  const lease = await new Mutex(zk, PATH, { onSuspended: 'lose' }).acquire();
  bench.ensemble.cutOff(model);
  await bench.advance(1_000);
  bench.ensemble.reconnect(model);
  await bench.advance(5_000);

  expect(lease.state).toBe('lost');
  expect(await bench.tree()).toEqual(['/locks', PATH]);
});

test('a holder whose node is deleted loses the lease', async () => {
  const lease = await new Mutex(await bench.connect(), PATH).acquire();
  await (await bench.connect()).delete(lease.path);
  await bench.settle();

  expect(lease.signal.reason).toMatchObject({ reason: 'node-deleted' });
  await expect(lease.verify()).resolves.toBe(false);
  await expect(lease.release()).resolves.toBeUndefined();
});

test('a waiter whose node is deleted does not sleep on', async () => {
  const holder = new Mutex(await bench.connect(), PATH);
  await holder.acquire();
  const waiting = new Mutex(await bench.connect(), PATH).acquire().catch((error: unknown) => error);
  await bench.settle();
  const [, second] = await holder.contenders();
  await (await bench.connect()).delete(second?.path ?? '');

  await expect(waiting).resolves.toMatchObject({ code: 'LEASE_LOST', reason: 'node-deleted' });
});

test('a waiter behind one who gives up keeps waiting for the holder', async () => {
  const first = await new Mutex(await bench.connect(), PATH).acquire();
  const giving = new AbortController();
  const second = new Mutex(await bench.connect(), PATH)
    .acquire({ signal: giving.signal })
    .catch(() => 'gave up');
  await bench.settle();
  let isHeld = false;
  const third = new Mutex(await bench.connect(), PATH).acquire().then(() => {
    isHeld = true;
  });
  await bench.settle();
  giving.abort();
  await bench.settle();

  expect(await second).toBe('gave up');
  expect(isHeld).toBe(false);
  await first.release();
  await third;
});

test.each([
  { code: 'SESSION_EXPIRED' as const, name: 'stands in line again', options: {}, outcome: 'held' },
  { code: 'SESSION_MOVED' as const, name: 'stands in line again', options: {}, outcome: 'held' },
  {
    code: 'SESSION_EXPIRED' as const,
    name: 'rejects when it was asked to',
    options: { retryOnExpiry: false },
    outcome: 'SESSION_EXPIRED',
  },
])('a waiter whose session ends with $code $name', async ({ code, options, outcome }) => {
  const first = await new Mutex(await bench.connect(), PATH).acquire();
  const zk = await bench.connect();
  const waiting = new Mutex(zk, PATH).acquire(options).then(
    (lease) => lease.state,
    (error) => error.code,
  );
  await bench.settle();
  bench.ensemble.expire(Number(zk.session.id), code);
  await bench.advance(2_000);
  await first.release();

  await expect(waiting).resolves.toBe(outcome);
});

test.each(Array.from({ length: 24 }, (_, ticks) => ({ ticks })))(
  'an abort $ticks microtasks after the news that the lock is ours leaves no lease unowned',
  async ({ ticks }) => {
    const { zk, model } = await bench.join();
    await zk.ensure(PATH);
    await bench.settle();
    const giving = new AbortController();
    const waiting = new Mutex(zk, PATH).acquire({ signal: giving.signal });
    // The reply to the create comes first, then the listing that shows us in front.
    const abort = (): unknown => afterMicrotasks(ticks).then(() => giving.abort());
    const replies = [() => {}, abort];
    model.delivered = () => void replies.shift()?.();
    await waiting.then((lease) => lease.release()).catch(() => {});
    await bench.settle();

    expect(giving.signal.aborted).toBe(true);
    expect(await bench.tree()).toEqual(['/locks', PATH]);
  },
);

async function afterMicrotasks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await undefined;
}

test('a request to revoke reaches the holder, and a waiter once it holds', async () => {
  const zk = await bench.connect();
  const mutex = new Mutex(zk, PATH, { id: 'me' });
  const first = await mutex.acquire();
  const second = mutex.acquire();
  await bench.settle();
  for (const contender of await mutex.contenders()) await mutex.requestRevoke(contender);
  await bench.settle();
  const wasAsked = first.revokeRequested.aborted;
  await first.release();
  const lease = await second;
  await bench.settle();

  expect(wasAsked).toBe(true);
  expect(lease.revokeRequested.aborted).toBe(true);
  expect(lease.state).toBe('held');
  expect((await mutex.contenders())[0]?.id).toBe('me');
});

test('a lease that was entered again is let go with the last of its leases', async () => {
  const zk = await bench.connect();
  const lease = await new Mutex(zk, PATH).acquire();
  const inner = lease.reenter();
  await lease.release();
  const whileInner = await zk.exists(lease.path);
  await inner.release();

  expect(whileInner).not.toBe(null);
  expect(inner.state).toBe('released');
  expect(await zk.exists(lease.path)).toBe(null);
});

test('a release without connection rejects when its time is spent, disposal never, and the node goes later', async () => {
  const { zk, model } = await bench.join();
  const mutex = new Mutex(zk, PATH);
  const lease = await mutex.acquire();
  bench.ensemble.cutOff(model);
  await bench.settle();
  const released = lease.release({ timeoutMs: 500 }).catch((error: unknown) => error);
  const disposed = lease[Symbol.asyncDispose]();
  await bench.advance(1_000);
  bench.ensemble.reconnect(model);
  await bench.advance(10_000);

  await expect(released).resolves.toMatchObject({ code: 'REQUEST_TIMEOUT', outcome: 'unknown' });
  await expect(disposed).resolves.toBeUndefined();
  expect(await bench.tree()).toEqual(['/locks', PATH]);
});

test("withLock hands on the body's error and lets go", async () => {
  const zk = await bench.connect();
  const failing = new Mutex(zk, PATH).withLock(() => Promise.reject(new Error('body')));

  await expect(failing).rejects.toThrow('body');
  expect(await bench.tree()).toEqual(['/locks', PATH]);
});

test('a client that closes loses its leases as closed', async () => {
  const zk = await bench.connect();
  const lease = await new Mutex(zk, PATH).acquire();
  await zk.close();

  expect(lease.state).toBe('lost');
  expect(lease.signal.reason).toMatchObject({ reason: 'client-closed' });
});

test('calls that have ended leave nothing in the client', async () => {
  const { zk, client } = await bench.join();
  const mutex = new Mutex(zk, PATH);
  await mutex.withLock(async () => {});
  await bench.settle();
  const before = client.retained;
  const caller = new AbortController();
  for (let turn = 0; turn < 20; turn++) {
    const lease = await mutex.acquire({ signal: caller.signal, timeoutMs: 60_000 });
    const waiting = mutex.acquire({ timeoutMs: 100, signal: caller.signal }).catch(() => {});
    await bench.settle();
    await bench.advance(200);
    await waiting;
    await lease.release();
  }
  await bench.settle();

  expect(client.retained).toEqual(before);
});

test('a release with options that mean nothing rejects, and lets go all the same', async () => {
  const lease = await new Mutex(await bench.connect(), PATH).acquire();
  const released = lease.release({ timeoutMs: -1 });

  await expect(released).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
  await bench.settle();
  expect(await bench.tree()).toEqual(['/locks', PATH]);
});

test.each([
  { name: 'itself, through another view and behind others', isSame: true, warnings: 1 },
  { name: 'another client', isSame: false, warnings: 0 },
])('who waits for a lock held by $name is warned $warnings times', async ({ isSame, warnings }) => {
  const warned: unknown[] = [];
  const logger = { ...SILENT, warn: (_message: string, fields?: object) => warned.push(fields) };
  const { zk } = await bench.join({ logger });
  const holder = isSame ? zk : await bench.connect();
  await new Mutex(holder, PATH).acquire();
  void new Mutex(await bench.connect(), PATH).acquire().catch(() => {});
  await bench.settle();
  void new Mutex(zk.namespace('/locks'), '/a').acquire().catch(() => {});
  await bench.settle();

  expect(warned).toEqual(Array(warnings).fill({ path: '/a' }));
});

test('many locks of one client, taken with one signal, are no leak to the platform', async () => {
  const warnings: string[] = [];
  const hear = ({ name }: Error): unknown => warnings.push(name);
  process.on('warning', hear);
  const zk = await bench.connect();
  const caller = new AbortController();
  const acquire = (name: string): Promise<Lease> =>
    new Mutex(zk, `/locks/${name}`).acquire({ signal: caller.signal });
  await Promise.all(Array.from({ length: 12 }, (_, index) => acquire(`held-${index}`)));
  for (let index = 0; index < 12; index++) void acquire(`held-${index}`).catch(() => {});
  await bench.settle();
  caller.abort();
  await bench.settle();
  process.off('warning', hear);

  expect(warnings).toEqual([]);
});

test('timeouts run on the clock of the client, and names come from its randomness', async () => {
  const { ensemble } = bench;
  const timers: { readonly delayMs: number; readonly work: () => void }[] = [];
  const env: ClientEnv = {
    ...ensemble.env(new ModelClient()),
    randomBytes: (count) => new Uint8Array(count).fill(0xab),
    after: (delayMs, work) => {
      timers.push({ delayMs, work });
      return () => {};
    },
  };
  await new Mutex(await bench.connect(), PATH).acquire();
  const zk = await connectOn(env, 'model:5181');
  const waiting = new Mutex(zk, PATH).acquire({ timeoutMs: 123_456 }).catch((error: unknown) => error);
  await bench.settle();
  const names = await zk.children(PATH);
  timers.find(({ delayMs }) => delayMs === 123_456)?.work();

  await expect(waiting).resolves.toMatchObject({ code: 'LOCK_TIMEOUT' });
  expect(names).toContainEqual(
    expect.stringMatching(/^_c_abababab-abab-abab-abab-abababababab-lock-\d{10}$/),
  );
  ensemble.expire(Number(zk.session.id));
});

test('the line is made of containers, and instrumentation is told when the lock is acquired', async () => {
  const told: unknown[] = [];
  const { server, zk, world } = await served({ instrumentation: { recipe: (info) => told.push(info) } });
  const lease = await server.during(new Mutex(zk, '/locks/a').acquire());
  const made = world.stream.requests.flatMap((request) =>
    request.kind === 'create' && !request.create.path.includes('_c_')
      ? [[request.create.path, request.create.mode]]
      : [],
  );
  await server.during(lease.release());
  expect(new Map(made as [string, string][])).toEqual(
    new Map([
      ['/locks', 'CONTAINER'],
      ['/locks/a', 'CONTAINER'],
    ]),
  );
  expect(told).toEqual([{ recipe: 'mutex', path: '/locks/a', event: 'acquired', durationMs: 0 }]);
});
