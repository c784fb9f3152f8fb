import { expect, test } from 'vitest';
import { connectOn } from './create-client.ts';
import {
  connected,
  data,
  FakeWorld,
  heartbeatAck,
  held,
  outcomeOf,
  proven,
  refused,
} from './fake-network.test-support.ts';

const bytes = (written: string) => new TextEncoder().encode(written);

test('what calls have proved is proved on the next connection, in their order, before watches and requests', async () => {
  const { world, zk, stream } = await connected();
  const calls = [zk.addAuth('digest', 'ann:1'), zk.addAuth('digest', 'bob:2'), zk.addAuth('digest', 'ann:1')];
  const watched = held(zk.get('/w', { watch: true }));
  await world.turn();
  await stream.say(proven(1), proven(2), proven(3), data(4, []));
  await Promise.all([...calls, watched]);
  const read = held(zk.get('/a'));
  await stream.breakOff();
  await world.advance(60);
  const again = await world.attach();
  expect(again.entries.map((entry) => (entry.kind === 'request' ? entry.request.kind : entry.kind))).toEqual([
    'attach',
    'addAuth',
    'addAuth',
    'rearm',
    'get',
    'heartbeat',
  ]);
  expect(again.requests.slice(0, 2)).toMatchObject([
    { xid: 1, addAuth: { scheme: 'digest', credentials: bytes('ann:1') } },
    { xid: 2, addAuth: { scheme: 'digest', credentials: bytes('bob:2') } },
  ]);
  await again.say(proven(1), proven(2), data(3, [1]));
  expect((await read).data).toEqual(Uint8Array.of(1));
});

test('a refused identity is the call’s error alone, and is not tried again', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.addAuth('digest', 'nobody'));
  await world.turn();
  await stream.say(refused(1, 'AUTH_FAILED'));
  expect(await outcomeOf(call)).toMatchObject({ code: 'AUTH_FAILED', op: 'addAuth', outcome: 'not-applied' });
  expect(zk.state).toBe('connected');
  await stream.breakOff();
  await world.advance(60);
  expect((await world.attach()).requests).toEqual([]);
});

test('an identity that a later connection refuses ends the client with all that waits', async () => {
  const { world, zk, stream } = await connected();
  const auth = held(zk.addAuth('digest', 'ann:1'));
  await world.turn();
  await stream.say(proven(1));
  await auth;
  const { session } = zk;
  const [read, wait] = [held(zk.get('/a')), held(zk.watch('/a')[Symbol.asyncIterator]().next())];
  await stream.breakOff();
  await world.advance(60);
  const again = await world.attach();
  await again.say(refused(1, 'AUTH_FAILED'));
  expect([zk.state, again.isClosed, world.timers]).toEqual(['auth-failed', true, 0]);
  expect(await outcomeOf(read)).toMatchObject({ code: 'AUTH_FAILED', outcome: 'not-applied' });
  expect(await outcomeOf(wait)).toMatchObject({ code: 'AUTH_FAILED' });
  expect(session.signal.reason).toMatchObject({ code: 'AUTH_FAILED' });
  await expect(zk.get('/a')).rejects.toMatchObject({ code: 'AUTH_FAILED' });
  await expect(zk.session.whenConnected()).rejects.toMatchObject({ code: 'AUTH_FAILED' });
  await zk.close();
});

test('a server that cannot prove an identity now is left for another', async () => {
  const { world, zk, stream } = await connected();
  const auth = held(zk.addAuth('digest', 'ann:1'));
  await world.turn();
  await stream.say(proven(1));
  await auth;
  await stream.breakOff();
  await world.advance(60);
  await (await world.attach()).say(refused(1, 'SYSTEM'));
  expect(zk.state).toBe('suspended');
  await world.advance(110);
  await (await world.attach()).say(proven(1));
  expect(zk.state).toBe('connected');
});

test('a server that has no time for a proof does not end the client, which comes back less and less often', async () => {
  const { world, zk, stream } = await connected({ sessionTimeoutMs: 600_000 });
  const auth = held(zk.addAuth('digest', 'ann:1'));
  await world.turn();
  await stream.say(proven(1));
  await auth;
  const read = held(zk.get('/a', { timeoutMs: 600_000 }));
  await world.turn();
  const redialled = async (): Promise<number> => {
    const { nowMs } = world;
    while (world.stream.isClosed) await world.advance(5);
    return world.nowMs - nowMs;
  };
  const delaysMs: number[] = [];
  await stream.breakOff();
  for (let attempt = 1; attempt <= 10; attempt++) {
    delaysMs.push(await redialled());
    await (await world.attach({ timeoutMs: 600_000 })).say(heartbeatAck(1), refused(1, 'LIMIT'));
    expect(zk.state).toBe('suspended');
  }
  expect(Math.max(...delaysMs.slice(0, 3))).toBeLessThanOrEqual(200);
  expect(Math.max(...delaysMs)).toBeGreaterThan(1_000);
  await redialled();
  await (await world.attach({ timeoutMs: 600_000 })).say(proven(1), data(2, [1]));
  expect((await read).data).toEqual(Uint8Array.of(1));
  expect(zk.state).toBe('connected');
});

test('a call whose proof was not looked at is told so, and it is not tried again', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.addAuth('digest', 'ann:1'));
  await world.turn();
  await stream.say(refused(1, 'LIMIT'));
  expect(await outcomeOf(call)).toMatchObject({ code: 'LIMIT', op: 'addAuth', outcome: 'not-applied' });
  expect(zk.state).toBe('connected');
  await stream.breakOff();
  await world.advance(60);
  expect((await world.attach()).requests).toEqual([]);
});

test('connect proves what it was configured with, functions asked for each connection, and then resolves', async () => {
  const world = new FakeWorld();
  let asked = 0;
  const token = async () => {
    asked++;
    return `token-${asked}`;
  };
  const auth = [
    { scheme: 'digest', credentials: 'ann:1' },
    { scheme: 'token', credentials: token },
  ];
  const call = held(connectOn(world, { servers: 'h1:1', sessionTimeoutMs: 6_000, auth }));
  await world.turn();
  const stream = await world.attach();
  expect(
    stream.requests.map((request) => (request.kind === 'addAuth' ? request.addAuth : request.kind)),
  ).toEqual([
    { scheme: 'digest', credentials: bytes('ann:1') },
    { scheme: 'token', credentials: bytes('token-1') },
  ]);
  expect(await outcomeOf(call)).toBe('pending');
  await stream.say(proven(1), proven(2));
  expect((await call).state).toBe('connected');
  await stream.breakOff();
  await world.advance(60);
  const again = await world.attach();
  expect(again.requests[1]).toMatchObject({ addAuth: { credentials: bytes('token-2') } });
});

test('connect rejects when what it was configured with is refused', async () => {
  const world = new FakeWorld();
  const auth = [{ scheme: 'digest', credentials: 'ann' }];
  const call = held(connectOn(world, { servers: 'h1:1', auth }));
  await (await world.attach()).say(refused(1, 'AUTH_FAILED'));
  expect(await outcomeOf(call)).toMatchObject({ code: 'AUTH_FAILED' });
  expect(world.timers).toBe(0);
});

test('credentials that cannot be had are asked for again until connect gives up, naming them but not their value', async () => {
  const world = new FakeWorld();
  const auth = [{ scheme: 'token', credentials: () => Promise.reject(new Error('vault sealed')) }];
  const call = held(connectOn(world, { servers: 'h1:1', auth, connectTimeoutMs: 1_000 }));
  await world.advance(1_020);
  const error = await outcomeOf(call);
  expect(error).toMatchObject({ code: 'UNREACHABLE' });
  expect(String(error)).toContain('the credentials for token could not be had');
  expect([world.streams.length, world.timers]).toEqual([0, 0]);
});

test('credentials that never come do not hold the client up for ever', async () => {
  const world = new FakeWorld();
  const credentials = [new Promise<string>(() => {}), Promise.resolve('late')].values();
  const auth = [{ scheme: 'token', credentials: () => credentials.next().value ?? Promise.resolve('none') }];
  const call = held(connectOn(world, { servers: 'h1:1,h2:1', auth, connectTimeoutMs: 2_000 }));
  await world.advance(1_100);
  const stream = await world.attach();
  await stream.say(proven(1));
  expect((await call).state).toBe('connected');
});
