import type { ClientEntry } from '@zabra/proto';
import { expect, test } from 'vitest';
import { DeafLink } from '../test/deaf-link.ts';
import { FaultyDisk } from '../test/faulty-disk.ts';
import { loneServer } from '../test/lone-server.ts';
import { attachEntry, RawStream } from '../test/raw-stream.ts';

/* A client that says what it must not ends its own stream, with a goodbye that says why; nobody else is disturbed. */

const heartbeat: ClientEntry = { kind: 'heartbeat', heartbeat: { number: 1 } };
/** A frame of one entry whose kind nobody knows. */
const UNREADABLE = Uint8Array.of(0x0a, 0x02, 0x7a, 0x00);

test('a client of another protocol version is told both versions', async () => {
  await using server = await loneServer();
  using client = RawStream.toClients(server.clientAddress).read();
  client.say(attachEntry({ protocolMin: 2, protocolMax: 3 }));
  expect(await client.hearGoodbye()).toEqual({
    code: 'PROTOCOL_VERSION',
    message:
      'the client speaks protocol 2 to 3, this server 1 to 1; use a client and a server of releases that are next to each other',
  });
  expect(await client.status()).toMatchObject({ code: 0 });
});

test('a client that has seen more than this server has applied is sent to another', async () => {
  await using server = await loneServer();
  using first = RawStream.toClients(server.clientAddress).read();
  const { sessionId, password } = await first.attach();
  using second = RawStream.toClients(server.clientAddress).read();
  second.say(attachEntry({ sessionId, password, lastZxid: 5 * 2 ** 32 + 7, attempt: 2 }));
  expect(await second.hearGoodbye()).toEqual({
    code: 'BEHIND',
    message: expect.stringMatching(
      /^this server has applied 0x1\d+, the client has seen 0x500000007; try another server$/,
    ),
  });
});

test('a session of another cluster is over here', async () => {
  await using server = await loneServer();
  using first = RawStream.toClients(server.clientAddress).read();
  const { sessionId, password } = await first.attach();
  using second = RawStream.toClients(server.clientAddress).read();
  second.say(attachEntry({ sessionId, password, clusterId: 'meadow', attempt: 2 }));
  expect(await second.hearGoodbye()).toEqual({
    code: 'SESSION_EXPIRED',
    message: `session 0x${sessionId.toString(16)} is of cluster meadow, this server of orchard`,
  });
});

test('a wrong password reads like a session that is over, and disturbs nobody', async () => {
  await using server = await loneServer();
  using owner = RawStream.toClients(server.clientAddress).read();
  const { sessionId } = await owner.attach();
  using thief = RawStream.toClients(server.clientAddress).read();
  thief.say(attachEntry({ sessionId, password: new Uint8Array(16), nonce: 'a-thief' }));
  expect(await thief.hearGoodbye()).toMatchObject({ code: 'SESSION_EXPIRED' });
  owner.say(heartbeat);
  expect(await owner.hear()).toMatchObject({ kind: 'heartbeatAck', heartbeatAck: { number: 1 } });
});

test.each([
  { what: 'is no message', frame: Uint8Array.of(0xff, 0xff, 0xff) },
  { what: 'is of an unknown kind', frame: UNREADABLE },
])('a frame that $what ends the connection that it came on, and no other', async ({ frame }) => {
  await using server = await loneServer();
  using other = RawStream.toClients(server.clientAddress).read();
  await other.attach();
  using before = RawStream.toClients(server.clientAddress).read();
  before.send(frame);
  expect(await before.hearGoodbye()).toMatchObject({ code: 'MARSHALLING' });
  using after = RawStream.toClients(server.clientAddress).read();
  await after.attach();
  after.send(frame);
  expect(await after.hearGoodbye()).toMatchObject({ code: 'MARSHALLING', message: /./ });
  await after.status();
  other.say(heartbeat);
  expect(await other.hear()).toMatchObject({ kind: 'heartbeatAck' });
  expect(server.status()).toMatchObject({ connections: 1, sessions: 2 });
});

test.each([
  { what: 'nonce', terms: { nonce: 'n'.repeat(65) } },
  { what: 'nonce of few characters', terms: { nonce: 'ñ'.repeat(33) } },
  { what: 'password', terms: { sessionId: 5, password: new Uint8Array(65) } },
])('a $what of more than 64 bytes is refused: it would stay with the session', async ({ terms }) => {
  await using server = await loneServer();
  using client = RawStream.toClients(server.clientAddress).read();
  client.say(attachEntry(terms));
  expect(await client.hearGoodbye()).toEqual({
    code: 'BAD_ARGUMENTS',
    message: 'nonce and password have at most 64 bytes each; they stay with the session',
  });
});

test('an attach that was overtaken by a later one of its client is refused; the later one goes on', async () => {
  await using disk = await FaultyDisk.create();
  await using server = await loneServer({}, { disk });
  using first = RawStream.toClients(server.clientAddress).read();
  const { sessionId, password } = await first.attach();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  disk.beforeSync = () => held;
  const { logZxid } = server.status();
  using later = RawStream.toClients(server.clientAddress).read();
  const attaching = later.attach({ sessionId, password, nonce: 'anew', attempt: 4 });
  await expect.poll(() => server.status().logZxid).toBeGreaterThan(logZxid);
  using overtaken = RawStream.toClients(server.clientAddress).read();
  overtaken.say(attachEntry({ sessionId, password, nonce: 'anew', attempt: 2 }));
  expect(await overtaken.hearGoodbye()).toEqual({
    code: 'SESSION_MOVED',
    message: 'a later stream of this client has the session',
  });
  release();
  expect(await attaching).toMatchObject({ sessionId });
});

test('a client hears why its stream ends although it goes on sending before it reads', async () => {
  const refused: unknown[] = [];
  const silent = (): void => {};
  const tell = (message: string): void => void (message === 'client refused' && refused.push(message));
  await using server = await loneServer(
    {},
    { log: { debug: tell, info: silent, warn: tell, error: silent } },
  );
  using client = RawStream.toClients(server.clientAddress);
  client.say(heartbeat);
  await expect.poll(() => refused).toHaveLength(1);
  for (let n = 0; n < 10; n++) client.send(new Uint8Array(200_000));
  await new Promise((resolve) => setImmediate(resolve));
  client.read();
  expect(await client.hearGoodbye()).toMatchObject({ code: 'MARSHALLING' });
});

test('a stream begins with Attach, and has one', async () => {
  await using server = await loneServer();
  using silent = RawStream.toClients(server.clientAddress).read();
  silent.say(heartbeat);
  expect(await silent.hearGoodbye()).toMatchObject({
    code: 'MARSHALLING',
    message: 'a stream begins with Attach, and goes on once Attached came',
  });
  using twice = RawStream.toClients(server.clientAddress).read();
  await twice.attach();
  twice.say(attachEntry({}));
  expect(await twice.hearGoodbye()).toMatchObject({
    code: 'MARSHALLING',
    message: 'a stream has one Attach',
  });
});

test('what a careless client sends is refused at the rim, in its place among the replies', async () => {
  await using server = await loneServer({ limits: { dataBytesMax: 1024 } });
  using client = RawStream.toClients(server.clientAddress).read();
  await client.attach();
  const create = (xid: number, path: string, bytes: number): ClientEntry => ({
    kind: 'request',
    request: {
      xid,
      requestNo: xid,
      answeredThrough: 0,
      minZxid: 0,
      linearizable: false,
      kind: 'create',
      create: { path, data: new Uint8Array(bytes), mode: 'PERSISTENT', acl: [], ttlMs: 0, nullData: false },
    },
  });
  client.say(create(1, '/fine', 1), create(2, 'no-slash', 1), create(3, '/large', 1025));
  const replies = [await client.hear(), await client.hear(), await client.hear()];
  expect(replies).toMatchObject([
    { kind: 'reply', reply: { xid: 1, kind: 'write' } },
    {
      kind: 'reply',
      reply: {
        xid: 2,
        kind: 'refused',
        refused: { code: 'INVALID_PATH', message: 'no-slash: a path starts with "/"' },
      },
    },
    {
      kind: 'reply',
      reply: {
        xid: 3,
        kind: 'refused',
        refused: {
          code: 'DATA_TOO_LARGE',
          message:
            '/large: dataBytesMax is 1024 bytes, this has 1025; split it or raise the limit on every server',
        },
      },
    },
  ]);
});

test('questions that make no sense are refused, each in its place, and the session goes on', async () => {
  await using server = await loneServer();
  using client = RawStream.toClients(server.clientAddress).read();
  await client.attach();
  const terms = { requestNo: 0, answeredThrough: 0, minZxid: 0, linearizable: false } as const;
  const watch = { path: '/a', fromZxid: undefined } as const;
  client.say(
    { kind: 'request', request: { ...terms, xid: 1, kind: 'multiRead', multiRead: { reads: [] } } },
    {
      kind: 'request',
      request: { ...terms, xid: 2, kind: 'addWatch', addWatch: { ...watch, kind: 'CHILD', id: 1 } },
    },
    {
      kind: 'request',
      request: { ...terms, xid: 3, kind: 'addWatch', addWatch: { ...watch, kind: 'PERSISTENT', id: 0 } },
    },
    { kind: 'request', request: { ...terms, xid: 4, kind: 'ephemerals', ephemerals: { prefix: 'a' } } },
    { kind: 'request', request: { ...terms, xid: 5, kind: 'touch', touch: { path: '/a' } } },
    {
      kind: 'request',
      request: { ...terms, xid: 6, kind: 'removeWatch', removeWatch: { kind: 'DATA', path: '/a', id: 0 } },
    },
    { kind: 'request', request: { ...terms, xid: 7, kind: 'whoAmI', whoAmI: {} } },
  );
  const codes: unknown[] = [];
  for (let xid = 1; xid <= 6; xid++) codes.push(await client.hear());
  expect(codes).toMatchObject(
    ['BAD_ARGUMENTS', 'BAD_ARGUMENTS', 'BAD_ARGUMENTS', 'INVALID_PATH', 'BAD_ARGUMENTS', 'NO_WATCHER'].map(
      (code, index) => ({
        reply: { xid: index + 1, refused: { code, message: expect.stringMatching(/./) } },
      }),
    ),
  );
  expect(await client.hear()).toMatchObject({
    reply: { xid: 7, whoAmI: { identities: [{ scheme: 'ip', id: '127.0.0.1' }] } },
  });
});

test('a frame beyond frameBytesMax ends its stream by name; one far beyond, by gRPC', async () => {
  await using server = await loneServer({ limits: { dataBytesMax: 1024, frameBytesMax: 2048 } });
  const limit = {
    code: 'LIMIT',
    message: 'frameBytesMax: a frame has at most 2048 bytes, this one 2049; split it',
  };
  using before = RawStream.toClients(server.clientAddress).read();
  before.send(new Uint8Array(2049));
  expect(await before.hearGoodbye()).toEqual(limit);
  using after = RawStream.toClients(server.clientAddress).read();
  const { sessionId } = await after.attach();
  after.send(new Uint8Array(2049));
  expect(await after.hearGoodbye()).toEqual(limit);
  using huge = RawStream.toClients(server.clientAddress).read();
  huge.send(new Uint8Array(1_000_000));
  expect(await huge.status()).toMatchObject({ code: 8, details: expect.stringContaining('larger than max') });
  expect(server.status().sessions).toBe(1);
  expect(sessionId).toBeGreaterThan(0);
});

test('watches that are armed again are counted: beyond watchesPerSessionMax the stream ends', async () => {
  await using server = await loneServer({ limits: { watchesPerSessionMax: 2 } });
  using client = RawStream.toClients(server.clientAddress).read();
  const { zxid } = await client.attach();
  const watches = ['/a', '/b', '/c'].map((path) => ({ kind: 'EXIST' as const, path, zxid }));
  client.say({ kind: 'rearm', rearm: { watches, persistent: [], fromZxid: 0, more: false } });
  expect(await client.hearGoodbye()).toEqual({
    code: 'LIMIT',
    message: 'watchesPerSessionMax: a session has at most 2 watches, this one 3; let some go',
  });
});

test('a client that takes nothing loses its stream once clientQueueBytesMax wait for it; its session lives', async () => {
  await using server = await loneServer({
    limits: { clientQueueBytesMax: 2 ** 20, frameBytesMax: 2 ** 19, dataBytesMax: 2 ** 18 },
  });
  using link = await DeafLink.to(server.clientAddress);
  using deaf = RawStream.toClients(link.address).read();
  const { zxid } = await deaf.attach({ timeoutMs: 60_000 });
  const persistent = [{ id: 1, kind: 'PERSISTENT_RECURSIVE' as const, path: '/' }];
  deaf.say({ kind: 'rearm', rearm: { watches: [], persistent, fromZxid: zxid, more: false } });
  await expect.poll(() => server.status().watches, { timeout: 20_000 }).toBe(1);
  link.deafen();
  using busy = RawStream.toClients(server.clientAddress).read();
  await busy.attach({ timeoutMs: 60_000, nonce: 'another-client' });
  // A change tells of a path of some 200 bytes. What the network takes, a few megabytes, is far from all of them.
  const name = 'x'.repeat(200);
  for (let xid = 1; xid <= 100 && server.status().connections === 2; xid++) {
    const operations = Array.from({ length: 1000 }, (_, index) => ({
      kind: 'create' as const,
      create: {
        path: `/${name}-${xid}-${index}`,
        data: new Uint8Array(0),
        mode: 'PERSISTENT' as const,
        acl: [],
        ttlMs: 0,
        nullData: false,
      },
    }));
    busy.say({
      kind: 'request',
      request: {
        xid,
        requestNo: xid,
        answeredThrough: xid - 1,
        minZxid: 0,
        linearizable: false,
        kind: 'transaction',
        transaction: { operations },
      },
    });
    expect(await busy.hear()).toMatchObject({ reply: { xid, kind: 'write' } });
  }
  await expect.poll(() => server.status().connections, { timeout: 20_000 }).toBe(1);
  expect(server.status().sessions).toBe(2);
});
