import { expect, test } from 'vitest';
import { connectOn, createClientOn } from '../create-client.ts';
import { held, outcomeOf, settled } from '../fake-network.test-support.ts';
import { retry } from '../retry.ts';
import type { WatchEvent } from '../watch-event.ts';
import { connected, SESSION, statAt, ZooKeeperWorld } from './fake-zookeeper.test-support.ts';

test('a new session is asked for with its timeout, and its id is shown without a sign', async () => {
  const { zk, server } = await connected();
  expect(server.connect).toMatchObject({
    protocolVersion: 0,
    lastZxidSeen: 0,
    timeoutMs: 8_000,
    sessionId: 0n,
    password: new Uint8Array(16),
    readOnly: false,
  });
  expect(zk.session.id).toBe(BigInt.asUintN(64, SESSION));
  expect(zk.session.export().id).toBe('0x8123456789abcdf0');
});

test('a lone request goes out at once, those that follow in its turn together', async () => {
  const { world, zk, server } = await connected();
  held(zk.get('/a'));
  held(zk.create('/b'));
  held(zk.set('/c', 'x', { version: 3 }));
  expect(server.asked.map(({ request }) => request.kind)).toEqual(['getData']);
  await world.turn();
  expect(server.asked.map(({ request }) => request.kind)).toEqual(['getData', 'create', 'setData']);
  expect(server.asked.map(({ xid }) => xid)).toEqual([2, 3, 4]);
});

test('after a lost connection a write that was sent fails, what was not sent is sent, and reads are read again', async () => {
  const { world, zk, server } = await connected({ requestsOutstandingMax: 2 });
  const write = held(zk.create('/sent'));
  const read = held(zk.get('/read'));
  const waiting = held(zk.create('/waiting'));
  await world.turn();
  expect(server.asked).toHaveLength(2);
  await server.breakOff();
  expect(await outcomeOf(write)).toMatchObject({
    code: 'CONNECTION_LOSS',
    outcome: 'unknown',
    retryable: false,
  });

  const next = await world.reconnect();
  expect(next.connect).toMatchObject({ sessionId: SESSION, password: new Uint8Array(16).fill(9) });
  const again = next.asked.map(({ request }) => ('path' in request ? request.path : request.kind));
  expect(again).toEqual(['/read', '/waiting']);
  expect([await outcomeOf(read), await outcomeOf(waiting)]).toEqual(['pending', 'pending']);
});

test('a write that was gathered and never left this process is sent later', async () => {
  const { world, zk, server } = await connected();
  held(zk.get('/lone'));
  const gathered = held(zk.create('/gathered'));
  await server.breakOff();
  expect(await outcomeOf(gathered)).toBe('pending');
  const next = await world.reconnect();
  expect(next.asked.map(({ request }) => request.kind)).toEqual(['getData', 'create']);
});

test('a guaranteed delete is sent again, and finds that it is done', async () => {
  const { world, zk, server } = await connected();
  const deleting = held(zk.delete('/mine', { guaranteed: true }));
  await world.turn();
  await server.breakOff();
  const next = await world.reconnect();
  await next.reply(next.asked[0]?.xid ?? 0, undefined, 102, -101);
  expect(await outcomeOf(deleting)).toBeUndefined();
});

test('a session that the server does not know is followed by another one', async () => {
  const { world, zk, server } = await connected();
  const lost = zk.session;
  await server.breakOff();
  const refusing = await world.reconnect({ sessionId: 0n, timeoutMs: 0 });
  expect(refusing.isClosed).toBe(true);
  expect(lost.state).toBe('expired');
  const next = await world.reconnect({ sessionId: 5n });
  expect(next.connect?.sessionId).toBe(0n);
  expect(zk.session.id).toBe(5n);
});

test('an answered ping alone moves no deadline: the sync behind it proves the beat before', async () => {
  const { world, zk, server } = await connected();
  // Attached at 1000; 8 s less the margin.
  expect(zk.session.remainingMs).toBe(7_600);
  await world.advance(2_000);
  await server.beat(false);
  expect(zk.session.remainingMs).toBe(5_600);
  await world.advance(2_000);
  // The sync of the beat at 2 s is answered now: it proves what was sent at 0 s.
  const syncs = server.sent.filter(({ request }) => request.kind === 'sync');
  expect(syncs).toHaveLength(3);
  await server.reply(syncs[1]?.xid ?? 0, { kind: 'path', path: '/' });
  expect(zk.session.remainingMs).toBe(3_600);
  await server.reply(syncs[2]?.xid ?? 0, { kind: 'path', path: '/' });
  expect(zk.session.remainingMs).toBe(5_600);
});

test('a sync that the server refuses proves nothing', async () => {
  const { world, zk, server } = await connected();
  await world.advance(2_000);
  const sync = server.sent.at(-1);
  await server.reply(-2, { kind: 'nothing' });
  await server.reply(sync?.xid ?? 0, undefined, 100, -4);
  expect(zk.session.remainingMs).toBe(5_600);
});

test('a server that is silent for two thirds of the timeout is left', async () => {
  const { world, server } = await connected();
  await world.advance(5_400);
  expect(server.isClosed).toBe(true);
});

test('replies out of order are not understood', async () => {
  const { world, zk, server } = await connected();
  held(zk.get('/a'));
  await world.turn();
  await server.reply(99, { kind: 'data', data: undefined, stat: statAt(1) });
  expect(server.isClosed).toBe(true);
  expect(zk.state).toBe('suspended');
});

test('bytes that are no reply end the connection', async () => {
  const { world, zk, server } = await connected();
  held(zk.exists('/a'));
  await world.turn();
  // A Stat is due.
  await server.reply(server.asked[0]?.xid ?? 0, { kind: 'number', number: 1 });
  expect(server.isClosed).toBe(true);
});

test.each([
  { number: -101, code: 'NO_NODE', rc: -101 },
  { number: -103, code: 'BAD_VERSION', rc: -103 },
  { number: -8, code: 'BAD_ARGUMENTS', rc: -8 },
  { number: -119, code: 'NOT_READ_ONLY', rc: -119 },
  { number: -125, code: 'QUOTA_EXCEEDED', rc: -125 },
  { number: -124, code: 'SYSTEM', rc: -1 },
  { number: -4242, code: 'SYSTEM', rc: -1 },
])('error $number is $code', async ({ number, code, rc }) => {
  const { world, zk, server } = await connected();
  const setting = held(zk.set('/a', ''));
  await world.turn();
  await server.reply(server.asked[0]?.xid ?? 0, undefined, 101, number);
  const error = await outcomeOf(setting);
  expect(error).toMatchObject({ code, rc });
});

test('an error without a code tells its number, and leaves open what became of a write', async () => {
  const { world, zk, server } = await connected();
  const setting = held(zk.set('/a', ''));
  await world.turn();
  await server.reply(server.asked[0]?.xid ?? 0, undefined, 101, -4242);
  expect(await outcomeOf(setting)).toMatchObject({
    outcome: 'unknown',
    message: expect.stringContaining('-4242'),
  });
});

test('a read that a quorum is to confirm has a sync in front, and fails with it', async () => {
  const { world, zk, server } = await connected();
  const reading = held(zk.get('/a', { linearizable: true }));
  const failing = held(zk.get('/b', { linearizable: true }));
  await world.turn();
  const asked = server.asked.map(({ request }) => request.kind);
  expect(asked).toEqual(['sync', 'getData', 'sync', 'getData']);
  const body = { kind: 'data', data: Uint8Array.of(1), stat: statAt(50) } as const;
  const [first, second, third, fourth] = server.asked.map(({ xid }) => xid);
  await server.reply(first ?? 0, { kind: 'path', path: '/' });
  await server.reply(second ?? 0, body);
  await server.reply(third ?? 0, undefined, 101, -119);
  await server.reply(fourth ?? 0, body);
  expect(await outcomeOf(reading)).toMatchObject({ data: Uint8Array.of(1) });
  expect(await outcomeOf(failing)).toMatchObject({ code: 'NOT_READ_ONLY' });
});

test('a read from a zxid on syncs when nothing shows that the server has it, and is BEHIND when it does not', async () => {
  const { world, zk, server } = await connected();
  held(zk.get('/a', { minZxid: 100n }));
  const far = held(zk.get('/b', { minZxid: 200n, retry: false }));
  await world.turn();
  expect(server.asked.map(({ request }) => request.kind)).toEqual(['getData', 'sync', 'getData']);
  const [first, second, third] = server.asked.map(({ xid }) => xid);
  const body = { kind: 'data', data: undefined, stat: statAt(50) } as const;
  await server.reply(first ?? 0, body, 150);
  await server.reply(second ?? 0, { kind: 'path', path: '/' }, 150);
  await server.reply(third ?? 0, body, 150);
  expect(await outcomeOf(far)).toMatchObject({ code: 'BEHIND' });
});

test('on a new connection come credentials, then watches, then requests', async () => {
  const { world, zk, server } = await connected();
  const adding = zk.addAuth('digest', 'a:b');
  const watching = zk.get('/w', { watch: true });
  const standing = zk.watch('/s', { recursive: true });
  await world.turn();
  const [get, addWatch] = server.asked;
  await server.reply(-4, { kind: 'nothing' }, 0);
  await server.reply(get?.xid ?? 0, { kind: 'data', data: undefined, stat: statAt(50) }, 110);
  await server.reply(addWatch?.xid ?? 0, { kind: 'number', number: 0 }, 120);
  await Promise.all([adding, watching]);
  held(zk.exists('/next'));
  await server.breakOff();
  const next = await world.reconnect();

  expect(next.kinds).toEqual(['auth', 'setWatches2', 'exists', 'ping', 'sync']);
  expect(next.connect?.lastZxidSeen).toBe(120);
  expect(next.sent[1]?.request).toEqual({
    kind: 'setWatches2',
    relativeZxid: 120,
    data: ['/w'],
    exist: [],
    child: [],
    persistent: [],
    persistentRecursive: ['/s'],
  });
  // It is told to read again once it hears again.
  const iterator = standing[Symbol.asyncIterator]();
  const first = held(iterator.next());
  expect(await outcomeOf(first)).toBe('pending');
  await next.reply(-8, { kind: 'nothing' }, 130);
  expect(await outcomeOf(first)).toEqual({
    done: false,
    value: { type: 'resync', reason: 'reconnected', zxid: 130n },
  });
});

test('without watches that stay, those that fire once are set as servers before 3.6 know it', async () => {
  const { world, zk, server } = await connected();
  const watching = zk.exists('/absent', { watch: true });
  await world.turn();
  await server.reply(server.asked[0]?.xid ?? 0, undefined, 110, -101);
  const { watch } = await watching;
  await server.breakOff();
  const next = await world.reconnect();
  expect(next.kinds[0]).toBe('setWatches');
  await next.event('created', '/absent');
  expect(await watch.event).toEqual({ type: 'created', path: '/absent', zxid: 0n });
});

test('a server before 3.6 knows no watch that stays: its loop rejects with UNIMPLEMENTED', async () => {
  const { world, zk, server } = await connected();
  const next = zk.watch('/s')[Symbol.asyncIterator]().next();
  held(next);
  await world.turn();
  await server.reply(server.asked[0]?.xid ?? 0, undefined, -1, -6);
  expect(await outcomeOf(next)).toMatchObject({ code: 'UNIMPLEMENTED', rc: -6 });
});

test('what a server before 3.6 does not know is UNIMPLEMENTED, and the client goes on', async () => {
  const { world, zk, server } = await connected();
  const counting = held(zk.descendants('/s'));
  await world.turn();
  await server.reply(server.asked[0]?.xid ?? 0, undefined, -1, -6);
  await server.breakOff(undefined);
  expect(await outcomeOf(counting)).toMatchObject({ code: 'UNIMPLEMENTED' });
  await world.reconnect();
  expect(zk.state).toBe('connected');
});

test('an event of 3.9 tells its zxid', async () => {
  const { world, zk, server } = await connected();
  const reading = zk.get('/a', { watch: true });
  await world.turn();
  await server.reply(server.asked[0]?.xid ?? 0, { kind: 'data', data: undefined, stat: statAt(50) });
  const { watch } = await reading;
  await server.event('changed', '/a', 222);
  expect(await watch.event).toEqual({ type: 'changed', path: '/a', zxid: 222n });
});

test('a read at the path of a watch that stays does not take its place on the server', async () => {
  const { world, zk, server } = await connected();
  const events: WatchEvent[] = [];
  void (async () => {
    for await (const event of zk.watch('/s')) events.push(event);
  })();
  await world.turn();
  const reading = zk.get('/s', { watch: true });
  await world.turn();
  const [addWatch, get] = server.asked;
  expect(get?.request).toEqual({ kind: 'getData', path: '/s', watch: false });
  await server.reply(addWatch?.xid ?? 0, { kind: 'number', number: 0 });
  await server.reply(get?.xid ?? 0, { kind: 'data', data: undefined, stat: statAt(50) });
  const { watch } = await reading;
  await server.event('changed', '/s');
  expect((await watch.event).type).toBe('changed');
  expect(events.map(({ type }) => type)).toEqual(['changed']);
});

test('an entry on the server stays while anybody needs it, and goes with the last', async () => {
  const { world, zk, server } = await connected();
  const first = zk.watch('/s');
  const second = zk.watch('/s');
  await world.turn();
  for (const { xid } of server.asked) await server.reply(xid, { kind: 'number', number: 0 });
  const reading = zk.get('/s', { watch: true });
  await world.turn();
  await server.reply(server.asked.at(-1)?.xid ?? 0, { kind: 'data', data: undefined, stat: statAt(50) });
  const { watch } = await reading;
  const removed = () => server.asked.filter(({ request }) => request.kind === 'removeWatches').length;
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  await world.turn();
  expect(removed()).toBe(0);
  await watch[Symbol.asyncDispose]();
  await world.turn();
  expect(server.asked.at(-1)?.request).toEqual({ kind: 'removeWatches', path: '/s', type: 3 });
  expect(removed()).toBe(1);
});

test('a server without a quorum serves a client that takes it, and nothing moves the deadline', async () => {
  const world = new ZooKeeperWorld();
  const connecting = held(connectOn(world, { servers: 'zookeeper://h1', readOnly: true }));
  expect(world.server.address).toBe('h1:2181');
  expect(world.server.connect?.readOnly).toBe(true);
  await world.server.accept({ readOnly: true });
  await world.turn();
  const zk = await connecting;
  expect(zk.state).toBe('connected-read-only');
  expect(world.server.kinds).toEqual(['ping']);
  await world.server.beat();
  expect(zk.session.remainingMs).toBe(0);
  const setting = held(zk.set('/a', ''));
  await world.turn();
  await world.server.reply(world.server.asked[0]?.xid ?? 0, undefined, 101, -119);
  expect(await outcomeOf(setting)).toMatchObject({ code: 'NOT_READ_ONLY', outcome: 'not-applied' });
});

test('a read-only server that makes no sessions is left, with its reason', async () => {
  const world = new ZooKeeperWorld();
  const connecting = held(
    connectOn(world, { servers: 'zookeeper://h1:1', readOnly: true, connectTimeoutMs: 1_000 }),
  );
  await world.server.reply(0, undefined, 0, -119);
  expect(world.server.isClosed).toBe(true);
  await world.advance(1_100);
  expect(await outcomeOf(connecting)).toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining('NOT_READ_ONLY: the server makes no session'),
  });
});

test('closing asks for the end of the session, and is done when that is answered', async () => {
  const { world, zk, server } = await connected();
  const closing = zk.close();
  await world.turn();
  expect(server.kinds.at(-1)).toBe('closeSession');
  expect(await outcomeOf(closing)).toBe('pending');
  await server.reply(server.sent.at(-1)?.xid ?? 0, { kind: 'nothing' });
  await closing;
  expect(zk.state).toBe('closed');
  expect(server.isClosed).toBe(true);
});

test('credentials that a later connection refuses end the client', async () => {
  const { world, zk, server } = await connected();
  const adding = zk.addAuth('digest', 'a:b');
  await world.turn();
  await server.reply(-4, { kind: 'nothing' }, 0);
  await adding;
  await server.breakOff();
  const next = await world.reconnect();
  await next.reply(-4, undefined, 0, -115);
  expect(zk.state).toBe('auth-failed');
});

test('what ZooKeeper has no words for is refused before it is sent', async () => {
  const world = new ZooKeeperWorld();
  const zk = createClientOn(world, 'zookeeper://h1');
  expect(await outcomeOf(zk.touch('/a'))).toMatchObject({ code: 'UNIMPLEMENTED', outcome: 'not-applied' });
  expect(() => zk.transaction().checkOwner('/a', 5n)).toThrow(
    expect.objectContaining({ code: 'UNIMPLEMENTED' }),
  );
  expect(world.servers).toHaveLength(0);
});

test('a request that the servers take no frame for is refused, unless they are said to', async () => {
  const { zk } = await connected();
  const large = new Uint8Array(2_000_000);
  expect(await outcomeOf(zk.set('/a', large))).toMatchObject({ code: 'DATA_TOO_LARGE' });
  const wide = await connected({ frameBytesMax: 4_000_000 });
  expect(await outcomeOf(held(wide.zk.set('/a', large)))).toBe('pending');
  await settled();
});

test('whatever bytes a server sends, the client goes on: it hangs up on what makes no sense', async () => {
  let seed = 0x2a;
  const draw = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const { world, zk } = await connected({ retry: retry.never });
  let hangUps = 0;
  for (let round = 0; round < 200; round++) {
    const { server } = world;
    held(zk.children('/a', { watch: true }));
    held(zk.transaction().create('/b').commit());
    await world.turn();
    const frame = Uint8Array.from({ length: draw(90) }, () => draw(256));
    // Half of them begin as the reply that is due.
    const due = server.asked.at(-2);
    if (draw(2) === 0 && due !== undefined && frame.length >= 16) {
      new DataView(frame.buffer).setInt32(0, due.xid);
      frame.fill(0, 4, 16);
    }
    server.sayBytes(frame);
    await settled();
    if (server.isClosed) {
      hangUps++;
      const next = await world.reconnect();
      // It is well, so that the next one is tried soon.
      await next.beat();
    }
  }
  expect(hangUps).toBeGreaterThan(150);
  expect(zk.state).toBe('connected');
});
