import { expect, test } from 'vitest';
import { connectOn } from './create-client.ts';
import {
  connected,
  data,
  FakeWorld,
  heartbeatAck,
  held,
  outcomeOf,
  refused,
} from './fake-network.test-support.ts';

const OPTIONS = { servers: 'h1:1', sessionTimeoutMs: 6_000, readOnly: true };

test('a client says whether it would be served without a quorum', async () => {
  expect((await connected()).stream.attach.readOnly).toBe(false);
  expect((await connected({ readOnly: true })).stream.attach.readOnly).toBe(true);
});

test('without a session a server without a quorum serves reads and makes none', async () => {
  const world = new FakeWorld();
  const connecting = held(connectOn(world, OPTIONS));
  const stream = await world.attach({ sessionId: 0, readOnly: true });
  const zk = await connecting;
  expect([zk.state, zk.session.id, zk.session.remainingMs]).toEqual(['connected-read-only', 0n, 0]);
  await zk.session.whenConnected();
  const [read, write] = [held(zk.get('/a')), held(zk.set('/a', 'x'))];
  await world.turn();
  await stream.say(data(1, [1]), refused(2, 'NOT_READ_ONLY'));
  expect((await read).data).toEqual(Uint8Array.of(1));
  expect(await outcomeOf(write)).toMatchObject({ code: 'NOT_READ_ONLY', outcome: 'not-applied' });
});

test('when the server has a quorum again and ends the stream, a session is made', async () => {
  const world = new FakeWorld();
  const connecting = held(connectOn(world, OPTIONS));
  const stream = await world.attach({ sessionId: 0, readOnly: true });
  const zk = await connecting;
  const seen: unknown[] = [];
  for (const type of ['connected', 'suspended', 'renewed', 'expired'] as const)
    zk.session.on(type, (event) => seen.push([event.type, zk.session.id]));
  await stream.breakOff();
  expect(zk.state).toBe('connecting');
  await world.advance(60);
  expect(world.stream.attach.sessionId).toBe(0);
  await world.attach({ sessionId: 9 });
  expect([zk.state, zk.session.id]).toEqual(['connected', 9n]);
  expect(seen).toEqual([
    ['suspended', 0n],
    ['connected', 9n],
  ]);
});

test('a session is kept over a server without a quorum, which moves no deadline', async () => {
  const { world, zk, stream } = await connected({ readOnly: true });
  await stream.breakOff();
  await world.advance(60);
  await world.attach({ readOnly: true });
  expect([zk.state, zk.session.id]).toEqual(['connected-read-only', 7n]);
  const { remainingMs } = zk.session;
  await world.stream.say(heartbeatAck(world.stream.heartbeats.at(-1) ?? 0));
  expect(zk.session.remainingMs).toBe(remainingMs);
  const { session } = zk;
  await world.advance(remainingMs);
  expect(session.state).toBe('expired');
});

test('a client that did not ask for it takes no server without a quorum', async () => {
  const { world, zk, stream } = await connected();
  await stream.breakOff();
  await world.advance(60);
  const again = await world.attach({ readOnly: true });
  expect([again.isClosed, zk.state]).toEqual([true, 'suspended']);
});

test('from time to time the other servers are tried, ever more rarely', async () => {
  const world = new FakeWorld();
  held(connectOn(world, { ...OPTIONS, servers: 'h1:1,h2:1' }));
  const stays: number[] = [];
  for (let round = 0; round < 6; round++) {
    const stream = await world.attach({ sessionId: 0, readOnly: true });
    const sinceMs = world.nowMs;
    for (let step = 0; !stream.isClosed && step < 1_000; step++) {
      await world.advance(100);
      stream.sayBytes(new Uint8Array(0));
    }
    stays.push(world.nowMs - sinceMs);
    await world.advance(300);
  }
  const addresses = world.streams.map(({ address }) => address);
  expect(new Set(addresses).size).toBe(2);
  const bounds = [5_000, 10_000, 20_000, 40_000, 60_000, 60_000];
  expect(stays.every((ms, round) => ms >= (bounds[round] ?? 0) * 0.75 - 100)).toBe(true);
  expect(stays.every((ms, round) => ms <= (bounds[round] ?? 0) * 1.25 + 100)).toBe(true);
});
