import { expect, test, vi } from 'vitest';
import { text } from './codecs.ts';
import { connectOn, createClientOn } from './create-client.ts';
import {
  absent,
  attached,
  connected,
  created,
  data,
  deleted,
  event,
  FakeWorld,
  goodbye,
  heartbeatAck,
  held,
  outcomeOf,
  refused,
  settled,
} from './fake-network.test-support.ts';

test('a lone request goes out at once and those that follow in its turn share one frame', async () => {
  const { world, zk, stream } = await connected();
  const before = stream.frames.length;
  const calls = [1, 2, 3, 4].map((n) => zk.create(`/n${n}`));
  expect(stream.frames.slice(before).map((frame) => frame.length)).toEqual([1]);
  await world.turn();
  expect(stream.frames.slice(before).map((frame) => frame.length)).toEqual([1, 3]);
  expect(stream.requests.map(({ xid, requestNo }) => [xid, requestNo])).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
  ]);
  await stream.say(created(1, '/n1'), created(2, '/n2'), created(3, '/n3'), created(4, '/n4'));
  expect((await Promise.all(calls)).map(({ path }) => path)).toEqual(['/n1', '/n2', '/n3', '/n4']);
});

test('what the replies of one frame lead to goes out in one frame', async () => {
  const { world, zk, stream } = await connected();
  const loop = async (path: string) => {
    await zk.get(path);
    await zk.get(path);
  };
  void Promise.all([loop('/a'), loop('/b')]).catch(() => undefined);
  await world.turn();
  const before = stream.frames.length;
  await stream.say(data(1, []), data(2, []));
  await world.turn();
  expect(stream.frames.slice(before).map((frame) => frame.length)).toEqual([2]);
});

test('a write says through which write all are answered, and a read has no number', async () => {
  const { world, zk, stream } = await connected();
  const first = held(zk.create('/a'));
  await world.turn();
  await stream.say(created(1, '/a'));
  await first;
  held(zk.get('/a'));
  held(zk.create('/b'));
  await world.turn();
  expect(
    stream.requests.map(({ kind, requestNo, answeredThrough }) => [kind, requestNo, answeredThrough]),
  ).toEqual([
    ['create', 1, 0],
    ['get', 0, 0],
    ['create', 2, 1],
  ]);
});

test('after a lost connection what was unanswered is sent again in its order, writes under their old numbers', async () => {
  const { world, zk, stream } = await connected();
  const calls = [zk.create('/a'), zk.get('/b'), zk.create('/c')];
  await world.turn();
  await stream.say(created(1, '/a'));
  await stream.breakOff();
  const late = held(zk.create('/d'));
  expect(zk.state).toBe('suspended');
  await world.advance(60);
  const again = await world.attach();
  expect(again.attach).toMatchObject({ sessionId: 7, lastZxid: 101, clusterId: 'cluster-a', attempt: 2 });
  expect(again.attach.nonce).toBe(stream.attach.nonce);
  expect([...again.attach.password]).toEqual(new Array(16).fill(9));
  expect(
    again.requests.map(({ kind, xid, requestNo, answeredThrough }) => [
      kind,
      xid,
      requestNo,
      answeredThrough,
    ]),
  ).toEqual([
    ['get', 1, 0, 0],
    ['create', 2, 2, 1],
    ['create', 3, 3, 1],
  ]);
  await again.say(data(1, [65]), created(2, '/c'), created(3, '/d'));
  expect((await Promise.all([...calls, late])).map(({ path }) => path)).toEqual(['/a', '/b', '/c', '/d']);
});

test('an aborted write keeps its number and is sent again, an aborted read is not', async () => {
  const { world, zk, stream } = await connected();
  const controller = new AbortController();
  const write = held(zk.create('/a', '', { signal: controller.signal }));
  const read = held(zk.get('/a', { signal: controller.signal }));
  await world.turn();
  controller.abort(new Error('enough'));
  await expect(write).rejects.toThrow('enough');
  await expect(read).rejects.toThrow('enough');
  await stream.breakOff();
  await world.advance(60);
  const again = await world.attach();
  expect(again.requests.map(({ kind, requestNo }) => [kind, requestNo])).toEqual([['create', 1]]);
});

test('an aborted write that was never sent leaves no gap in the numbers', async () => {
  const { world, zk, stream } = await connected();
  await stream.breakOff();
  const controller = new AbortController();
  const never = held(zk.create('/never', '', { signal: controller.signal }));
  held(zk.create('/later'));
  controller.abort();
  expect(await outcomeOf(never)).toMatchObject({ name: 'AbortError' });
  await world.advance(60);
  const again = await world.attach();
  expect(again.requests.map(({ requestNo }) => requestNo)).toEqual([1]);
  expect(again.requests[0]).toMatchObject({ create: { path: '/later' } });
});

test('a call under an aborted signal is not sent', async () => {
  const { zk, stream } = await connected();
  const reason = new Error('before');
  await expect(zk.create('/a', '', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(stream.requests).toEqual([]);
});

test.each([
  { name: 'a write on the wire', outcome: 'unknown', op: 'create', before: 0 },
  { name: 'a write that was never sent', outcome: 'not-applied', op: 'create', before: 1 },
  { name: 'a read', outcome: 'not-applied', op: 'get', before: 0 },
])('$name times out with the outcome $outcome', async ({ outcome, op, before }) => {
  const { world, zk, stream } = await connected({ requestsOutstandingMax: 1 });
  for (let n = 0; n < before; n++) held(zk.get('/before', { timeoutMs: 2_000 }));
  const calls = {
    create: () => zk.create('/a', '', { timeoutMs: 500 }),
    get: () => zk.get('/a', { timeoutMs: 500 }),
  };
  const call = held(calls[op as keyof typeof calls]());
  await world.advance(490);
  expect(await outcomeOf(call)).toBe('pending');
  await world.advance(30);
  expect(await outcomeOf(call)).toMatchObject({ code: 'REQUEST_TIMEOUT', outcome, op, path: '/a' });
  expect(stream.isClosed).toBe(false);
});

test('a call has one budget, reconnects included', async () => {
  const { world, zk, stream } = await connected({ sessionTimeoutMs: 6_000 });
  const call = held(zk.create('/a', '', { timeoutMs: 1_000 }));
  await world.turn();
  await stream.breakOff();
  await world.advance(60);
  await world.attach();
  await world.advance(900);
  expect(await outcomeOf(call)).toBe('pending');
  await world.advance(60);
  expect(await outcomeOf(call)).toMatchObject({ code: 'REQUEST_TIMEOUT', outcome: 'unknown' });
});

test('a call without retry fails with the connection, and its number is kept', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.create('/a', '', { retry: false }));
  await world.turn();
  await stream.breakOff('reset by peer');
  expect(await outcomeOf(call)).toMatchObject({
    code: 'CONNECTION_LOSS',
    outcome: 'unknown',
    retryable: false,
  });
  await world.advance(60);
  expect((await world.attach()).requests.map(({ requestNo }) => requestNo)).toEqual([1]);
});

test('a throttled write is made again under another number after a delay', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.create('/a'));
  await world.turn();
  await stream.say(refused(1, 'THROTTLED'));
  expect(await outcomeOf(call)).toBe('pending');
  await world.advance(110);
  expect(stream.requests.map(({ requestNo, answeredThrough }) => [requestNo, answeredThrough])).toEqual([
    [1, 0],
    [2, 1],
  ]);
  await stream.say(created(2, '/a'));
  expect((await call).path).toBe('/a');
});

test.each(['LIMIT', 'THROTTLED', 'NOT_READ_ONLY', 'SESSION_MOVED'] as const)(
  'a write that was sent before and is refused with %s may have happened: it is told so, and not made again',
  async (code) => {
    const { world, zk, stream } = await connected();
    const write = held(zk.create('/queue/item-', '', { mode: 'persistent-sequential' }));
    await world.turn();
    await stream.breakOff();
    await world.advance(60);
    const again = await world.attach();
    expect(again.requests.map(({ requestNo }) => requestNo)).toEqual([1]);
    await again.say(refused(1, code));
    await world.advance(1_000);
    expect(await outcomeOf(write)).toMatchObject({ code, outcome: 'unknown', retryable: false });
    expect(again.requests).toHaveLength(1);
  },
);

test('a refusal is an error with code, path and zxid', async () => {
  const { world, zk, stream } = await connected({ servers: 'h1:1/app' });
  const call = held(zk.get('/a'));
  await world.turn();
  expect(stream.requests[0]).toMatchObject({ kind: 'get', get: { path: '/app/a' } });
  await stream.say(refused(1, 'NO_NODE', 105));
  expect(await outcomeOf(call)).toMatchObject({
    code: 'NO_NODE',
    rc: -101,
    path: '/a',
    op: 'get',
    zxid: 105n,
    outcome: 'not-applied',
  });
});

test('calls beyond what may wait are refused with LIMIT', async () => {
  const { world, zk } = await connected({ requestsOutstandingMax: 2, requestsWaitingMax: 3 });
  const calls = [1, 2, 3, 4, 5, 6].map((n) => outcomeOf(zk.get(`/n${n}`)));
  await world.turn();
  expect(await Promise.all(calls)).toEqual([
    ...Array(5).fill('pending'),
    expect.objectContaining({ code: 'LIMIT', outcome: 'not-applied' }),
  ]);
  expect(world.stream.requests).toHaveLength(2);
});

test('a request that no frame can hold is refused before it is sent', async () => {
  const { zk, stream } = await connected();
  const big = new Uint8Array(4 * 1024 * 1024 + 1);
  await expect(zk.set('/a', big)).rejects.toMatchObject({ code: 'DATA_TOO_LARGE', outcome: 'not-applied' });
  expect(stream.requests).toEqual([]);
});

test('the session lives until the send time of the last acknowledged heartbeat + timeout − margin', async () => {
  const { world, zk, stream } = await connected();
  // Sent at 1000, acknowledged only later; the margin is 5 % of 6 s.
  expect(zk.session.remainingMs).toBe(5_700);
  await world.advance(2_000);
  expect(stream.heartbeats).toEqual([1, 2]);
  await world.advance(500);
  await world.beat();
  expect(zk.session.remainingMs).toBe(5_200);
  world.wallAheadMs += 5_000;
  expect(zk.session.remainingMs).toBe(200);
});

test('a session that comes back keeps its deadline until a heartbeat is acknowledged', async () => {
  const { world, zk, stream } = await connected();
  await world.advance(1_000);
  await stream.breakOff();
  await world.advance(60);
  await world.attach();
  expect(zk.session.remainingMs).toBe(4_640);
  await world.beat();
  expect(zk.session.remainingMs).toBe(5_700);
});

test('at the local deadline the session is lost: signal, state, then calls', async () => {
  const { world, zk, stream } = await connected();
  const { session } = zk;
  const order: string[] = [];
  session.signal.addEventListener('abort', () => order.push('signal'));
  const write = held(zk.create('/a', '', { timeoutMs: 60_000 }));
  write.catch(() => order.push('call'));
  const never = held(zk.get('/b', { timeoutMs: 60_000, session: session.id }));
  await world.turn();
  await stream.breakOff();
  await world.advance(5_600);
  expect([session.state, session.remainingMs]).toEqual(['suspended', 100]);
  await world.advance(100);
  expect([session.state, session.remainingMs, session.signal.aborted]).toEqual(['expired', 0, true]);
  expect(session.signal.reason).toMatchObject({ code: 'SESSION_EXPIRED' });
  expect(await outcomeOf(write)).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'unknown' });
  expect(await outcomeOf(never)).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'not-applied' });
  expect(order).toEqual(['signal', 'call']);
  expect(zk.session).not.toBe(session);
});

test('after a loss told by the server unbound reads and unsent writes go on in the next session', async () => {
  const { world, zk, stream } = await connected({ requestsOutstandingMax: 2 });
  const seen: string[] = [];
  for (const type of ['expired', 'renewed', 'connected'] as const)
    zk.session.on(type, ({ type: each }) => seen.push(each));
  const lost = zk.session;
  const read = held(zk.get('/a'));
  const sent = held(zk.create('/sent'));
  const unsent = held(zk.create('/unsent'));
  const bound = held(zk.create('/bound', '', { session: lost.id }));
  await world.turn();
  await stream.breakOff();
  await world.advance(60);
  await world.stream.say(goodbye('SESSION_EXPIRED'));
  expect(await outcomeOf(sent)).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'unknown' });
  expect(await outcomeOf(bound)).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'not-applied' });
  await world.advance(60);
  expect(world.stream.attach).toMatchObject({ sessionId: 0, lastZxid: 100 });
  const next = await world.attach({ sessionId: 8 });
  expect(next.requests.map(({ kind, requestNo }) => [kind, requestNo])).toEqual([
    ['get', 0],
    ['create', 1],
  ]);
  await next.say(data(1, []), created(2, '/unsent'));
  expect((await read).path).toBe('/a');
  expect((await unsent).path).toBe('/unsent');
  expect([zk.session.id, lost.id]).toEqual([8n, 7n]);
  expect(seen).toEqual(['expired', 'connected', 'renewed']);
  await expect(zk.get('/a', { session: lost.id })).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
});

test('a client told to close on loss closes', async () => {
  const { zk, stream } = await connected({ onSessionExpired: 'close' });
  const call = held(zk.get('/a'));
  await stream.say(goodbye('SESSION_EXPIRED'));
  expect(await outcomeOf(call)).toMatchObject({ code: 'SESSION_EXPIRED' });
  await expect(zk.get('/a')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
});

test('a session that another instance took is lost with SESSION_MOVED', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.create('/a'));
  await world.turn();
  await stream.say(goodbye('SESSION_MOVED', 'taken over'));
  expect(await outcomeOf(call)).toMatchObject({ code: 'SESSION_MOVED', outcome: 'unknown' });
});

test('silence for two thirds of the timeout ends the connection, and another server is tried', async () => {
  const { world, zk, stream } = await connected({ servers: 'h1:1,h2:1' });
  await world.advance(3_990);
  expect([zk.state, stream.isClosed]).toEqual(['connected', false]);
  await world.advance(20);
  expect([zk.state, stream.isClosed]).toEqual(['suspended', true]);
  await world.advance(60);
  expect(world.stream.address).not.toBe(stream.address);
});

test('what arrived while the process was busy is read before silence is judged', async () => {
  const { world, zk, stream } = await connected();
  await world.advance(1_990);
  // The turn that should have sent the heartbeat took 3 s; the server's words wait in the socket.
  world.nowMs += 3_000;
  stream.sayBytes(new Uint8Array(0));
  await world.advance(1);
  expect(zk.state).toBe('connected');
});

test('a server that takes the stream and says nothing does not take the time of the others', async () => {
  const world = new FakeWorld();
  const connecting = held(
    connectOn(world, {
      servers: 'h1:1,h2:1',
      connectTimeoutMs: 2_000,
      sessionTimeoutMs: 6_000,
    }),
  );
  const [silent] = world.streams;
  await world.advance(1_060);
  expect(silent?.isClosed).toBe(true);
  expect(world.streams).toHaveLength(2);
  await world.attach();
  expect((await connecting).state).toBe('connected');
});

test('connect rejects in time and names each server with its last cause', async () => {
  const world = new FakeWorld();
  const call = held(connectOn(world, { servers: 'h1:1,h2:1', connectTimeoutMs: 1_500 }));
  await world.stream.breakOff('ECONNREFUSED');
  await world.advance(60);
  await world.stream.say(goodbye('LIMIT', 'too many sessions'));
  await world.advance(1_500);
  const error = await outcomeOf(call);
  expect(error).toMatchObject({ code: 'UNREACHABLE' });
  expect(String(error)).toContain('h1:1 (');
  expect(String(error)).toContain('h2:1 (');
  expect(world.timers).toBe(0);
});

test('connect rejects with BEHIND when every server is behind', async () => {
  const world = new FakeWorld();
  const call = held(connectOn(world, { servers: 'h1:1,h2:1', connectTimeoutMs: 1_000 }));
  await world.stream.say(goodbye('BEHIND'));
  await world.advance(60);
  await world.stream.say(goodbye('BEHIND'));
  for (let round = 0; round < 20; round++) {
    await world.advance(50);
    await world.stream.say(goodbye('BEHIND'));
  }
  expect(await outcomeOf(call)).toMatchObject({ code: 'BEHIND' });
});

test('connect rejects at once with PROTOCOL_VERSION', async () => {
  const world = new FakeWorld();
  const call = held(connectOn(world, 'h1:1'));
  await world.stream.say(goodbye('PROTOCOL_VERSION', 'this server speaks 2 to 3, the client 1'));
  expect(await outcomeOf(call)).toMatchObject({ code: 'PROTOCOL_VERSION' });
  expect(world.timers).toBe(0);
});

test('connect rejects with the reason of its signal', async () => {
  const world = new FakeWorld();
  const controller = new AbortController();
  const call = held(connectOn(world, { servers: 'h1:1', signal: controller.signal }));
  controller.abort('no more');
  expect(await outcomeOf(call)).toBe('no more');
  expect([world.stream.isClosed, world.timers]).toEqual([true, 0]);
});

test('a lazy client dials at its first call', async () => {
  const world = new FakeWorld();
  const zk = createClientOn(world, 'h1:1');
  expect(world.streams).toHaveLength(0);
  const call = held(zk.get('/a'));
  const stream = await world.attach();
  await stream.say(data(1, [104, 105]));
  expect(text.decode((await call).data)).toBe('hi');
});

test('reconnecting waits longer after each round of all servers', async () => {
  const delays: number[] = [];
  const reconnect = ({ attempt }: { attempt: number }) => {
    delays.push(attempt);
    return 10;
  };
  const { world, stream } = await connected({ servers: 'h1:1,h2:1', reconnect });
  await stream.breakOff();
  for (let failure = 0; failure < 4; failure++) {
    await world.advance(10);
    await world.stream.breakOff();
  }
  expect(delays).toEqual([1, 1, 2, 2, 3]);
  await world.advance(10);
  await world.attach();
  await world.beat();
  await world.stream.breakOff();
  expect(delays.at(-1)).toBe(1);
});

test('close ends the session after what was sent, and settles the rest', async () => {
  const { world, zk, stream } = await connected({ requestsOutstandingMax: 1 });
  const sent = held(zk.create('/a'));
  const unsent = held(zk.create('/b'));
  const { session } = zk;
  const closing = zk.close();
  expect(zk.close()).toBe(closing);
  await world.turn();
  expect(stream.entries.at(-1)?.kind).toBe('close');
  expect(session.signal.reason).toMatchObject({ code: 'CLIENT_CLOSED' });
  expect(await outcomeOf(unsent)).toMatchObject({ code: 'CLIENT_CLOSED', outcome: 'not-applied' });
  await stream.say(created(1, '/a'), goodbye('OK'));
  expect((await sent).path).toBe('/a');
  await closing;
  expect([zk.state, stream.isClosed, world.timers]).toEqual(['closed', true, 0]);
  await expect(zk.get('/a')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
});

test('close is bounded when nobody answers', async () => {
  const { world, zk, stream } = await connected();
  const closing = zk.close({ graceMs: 100 });
  const read = held(zk.get('/a'));
  expect(await outcomeOf(read)).toMatchObject({ code: 'CLIENT_CLOSED' });
  await world.advance(2_200);
  await closing;
  expect([zk.state, stream.isClosed, world.timers]).toEqual(['closed', true, 0]);
});

test('close waits for a guaranteed delete whose caller is gone', async () => {
  const { world, zk, stream } = await connected();
  const controller = new AbortController();
  const call = held(zk.delete('/mine', { guaranteed: true, signal: controller.signal }));
  await world.turn();
  controller.abort('tired');
  expect(await outcomeOf(call)).toBe('tired');
  await stream.breakOff();
  const closing = zk.close();
  await world.advance(60);
  const again = await world.attach();
  expect(again.requests.map(({ kind, requestNo }) => [kind, requestNo])).toEqual([['delete', 1]]);
  expect(again.entries.map(({ kind }) => kind)).not.toContain('close');
  await again.say(deleted(1, '/mine'));
  expect(again.entries.at(-1)?.kind).toBe('close');
  await again.say(goodbye('OK'));
  await closing;
  expect(zk.state).toBe('closed');
});

test('a guaranteed delete takes a missing node for deleted, and tells of a lost session', async () => {
  const { world, zk, stream } = await connected();
  const gone = held(zk.delete('/gone', { guaranteed: true }));
  const lost = held(zk.delete('/lost', { guaranteed: true, timeoutMs: 60_000 }));
  await world.turn();
  await stream.say(refused(1, 'NO_NODE'));
  await gone;
  await stream.say(goodbye('SESSION_EXPIRED'));
  expect(await outcomeOf(lost)).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'unknown' });
});

test('a server that is not understood is left', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.get('/a'));
  await world.turn();
  await stream.say(data(9, []));
  expect([stream.isClosed, zk.state]).toEqual([true, 'suspended']);
  await world.advance(60);
  const again = await world.attach();
  again.sayBytes(Uint8Array.of(0xff, 0xff, 0xff));
  expect(again.isClosed).toBe(true);
  await world.advance(110);
  await (await world.attach()).say(data(1, []));
  expect((await call).path).toBe('/a');
});

test('a client forgets the zxid of another cluster', async () => {
  const { world, stream } = await connected();
  await stream.say(goodbye('SESSION_EXPIRED'));
  await world.advance(210);
  await world.stream.say(attached({ sessionId: 8, timeoutMs: 6_000, zxid: 3, clusterId: 'cluster-b' }));
  await world.stream.breakOff();
  await world.advance(210);
  expect(world.stream.attach).toMatchObject({ lastZxid: 3, clusterId: 'cluster-b' });
});

test('a signal that many calls share has one listener, gone with the last call', async () => {
  const { world, zk, stream } = await connected();
  const { signal } = new AbortController();
  const add = vi.spyOn(signal, 'addEventListener');
  const remove = vi.spyOn(signal, 'removeEventListener');
  const calls = Array.from({ length: 100 }, (_, n) => zk.create(`/n${n}`, '', { signal }));
  await world.turn();
  await stream.say(...calls.map((_, n) => created(n + 1, `/n${n}`)));
  await Promise.all(calls);
  expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([1, 1]);
});

test('events come before the reply that shows the change', async () => {
  const { world, zk, stream } = await connected();
  const exists = held(zk.exists('/a', { watch: true }));
  await world.turn();
  await stream.say(absent(1));
  const { stat, watch } = await exists;
  expect(stat).toBeNull();
  const order: string[] = [];
  void watch.event.then(({ type }) => order.push(type));
  void zk.get('/a').then(() => order.push('get'));
  await world.turn();
  await stream.say(event('CREATED', 'EXIST', '/a', 102), data(2, [], 102));
  expect(order).toEqual(['created', 'get']);
});

test('a watch whose event follows its reply in one frame fires', async () => {
  const { world, zk, stream } = await connected({ servers: 'h1:1/app' });
  const get = held(zk.get('/a', { watch: true }));
  await world.turn();
  await stream.say(data(1, [], 101), event('CHANGED', 'DATA', '/app/a', 102));
  expect(await (await get).watch.event).toEqual({ type: 'changed', path: '/a', zxid: 102n });
});

test('watches that did not fire are armed again before any request, as of what was read', async () => {
  const { world, zk, stream } = await connected();
  const first = held(zk.get('/a', { watch: true }));
  const second = held(zk.exists('/b', { watch: true }));
  await world.turn();
  await stream.say(data(1, [], 101), absent(2, 103));
  const [a, b] = [(await first).watch, (await second).watch];
  const dropped = held(zk.exists('/c', { watch: true }));
  await world.turn();
  await stream.say(absent(3, 104));
  await (await dropped).watch[Symbol.asyncDispose]();
  held(zk.get('/d'));
  await stream.breakOff();
  await world.advance(60);
  const again = await world.attach();
  expect(again.entries.map(({ kind }) => kind)).toEqual(['attach', 'rearm', 'request', 'heartbeat']);
  expect(again.entries[1]).toMatchObject({
    rearm: {
      watches: [
        { kind: 'DATA', path: '/a', zxid: 101 },
        { kind: 'EXIST', path: '/b', zxid: 103 },
      ],
    },
  });
  await again.say(event('DELETED', 'DATA', '/a', 102), event('RESYNC', 'EXIST', '/b', 0));
  expect(await a.event).toEqual({ type: 'deleted', path: '/a', zxid: 102n });
  expect(await b.event).toMatchObject({ type: 'resync', reason: 'reconnected' });
});

test('one server watch serves all calls on a path, and a lost session resyncs them', async () => {
  const { world, zk, stream } = await connected();
  const calls = [zk.get('/a', { watch: true }), zk.get('/a', { watch: true })];
  await world.turn();
  await stream.say(data(1, []), data(2, []));
  const [first, second] = await Promise.all(calls);
  await stream.say(goodbye('SESSION_EXPIRED'));
  expect(await first?.watch.event).toMatchObject({ type: 'resync', reason: 'new-session' });
  expect(await second?.watch.event).toMatchObject({ type: 'resync', reason: 'new-session' });
  await world.advance(60);
  expect((await world.attach({ sessionId: 8 })).entries.map(({ kind }) => kind)).not.toContain('rearm');
});

test('a disposed watch and those of a closed client settle too', async () => {
  const { world, zk, stream } = await connected();
  const calls = [zk.get('/a', { watch: true }), zk.get('/b', { watch: true })];
  await world.turn();
  await stream.say(data(1, []), data(2, []));
  const [a, b] = await Promise.all(calls);
  await a?.watch[Symbol.asyncDispose]();
  expect(await a?.watch.event).toMatchObject({ type: 'resync' });
  const closing = zk.close();
  await stream.say(goodbye('OK'));
  await closing;
  expect(await b?.watch.event).toMatchObject({ type: 'resync' });
});

test('whenConnected ends with the session that it is of', async () => {
  const { world, zk, stream } = await connected();
  await zk.session.whenConnected();
  await stream.breakOff();
  const lost = zk.session;
  const waits = [held(lost.whenConnected()), held(lost.whenConnected({ timeoutMs: 30 }))];
  await world.advance(60);
  expect(await outcomeOf(waits[1] ?? Promise.resolve())).toMatchObject({ code: 'REQUEST_TIMEOUT' });
  await world.stream.say(goodbye('SESSION_EXPIRED'));
  expect(await outcomeOf(waits[0] ?? Promise.resolve())).toMatchObject({ code: 'SESSION_EXPIRED' });
  await expect(lost.whenConnected()).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
  const next = held(zk.session.whenConnected());
  await world.advance(210);
  await world.attach({ sessionId: 8 });
  await next;
});

test('session events are told in order and the iterator ends with the client', async () => {
  const { world, zk, stream } = await connected();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { type } of zk.session.events()) seen.push(type);
  })();
  await settled();
  await stream.breakOff();
  await world.advance(60);
  await world.attach();
  await world.stream.say(heartbeatAck(1));
  const closing = zk.close();
  await world.turn();
  await world.stream.say(goodbye('OK'));
  await Promise.all([closing, reading]);
  expect(seen).toEqual(['suspended', 'connected', 'closed']);
});
