import { type JuteRequest, OPCODE } from '@zabra/jute';
import { ACL_OPEN, type Acl, makeZxid } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { ClientWorld, LEADERLESS_MS } from '../../../test/client-world.ts';
import { framed } from '../../../test/fuzz/mutations.ts';
import { connectFrame, requestFrame } from '../../../test/fuzz/seed-frames.ts';
import { JuteStream, type JuteWord } from '../../../test/jute-stream.ts';
import { OneServer } from '../../../test/model/one-server.ts';

function create(path: string, more: Partial<Extract<JuteRequest, { kind: 'create' }>> = {}): JuteRequest {
  return {
    kind: 'create',
    opcode: OPCODE.create,
    path,
    data: Uint8Array.of(1),
    acl: ACL_OPEN,
    flags: 0,
    ttlMs: -1,
    ...more,
  };
}
function set(path: string): JuteRequest {
  return { kind: 'setData', path, data: Uint8Array.of(2), version: -1 };
}
function get(path: string, watch = false): JuteRequest {
  return { kind: 'getData', path, watch };
}
function list(path: string, watch = false): JuteRequest {
  return { kind: 'getChildren', path, watch };
}
function addWatch(path: string, mode: number): JuteRequest {
  return { kind: 'addWatch', path, mode };
}
const AUTH: JuteRequest = { kind: 'auth', scheme: 'digest', credentials: Buffer.from('ann:secret') };

/** A client of that world, or one that is let in. */
function arriving(world: ClientWorld): JuteStream {
  const stream = new JuteStream();
  world.clients.accept(stream, 'zookeeper');
  return stream;
}

function attached(world: ClientWorld, terms: Parameters<typeof connectFrame>[0] = {}): JuteStream {
  const stream = arriving(world);
  stream.connect(terms);
  world.turn();
  return stream;
}

/** Lets in a client whose greeting is not of interest. */
function client(world: ClientWorld): JuteStream {
  const stream = attached(world);
  stream.heard();
  return stream;
}

/** A client of a server whose txns wait to be delivered, let in already. */
function clientOfOne(limits?: ConstructorParameters<typeof OneServer>[0]): {
  server: OneServer;
  stream: JuteStream;
} {
  const server = new OneServer(limits);
  const stream = new JuteStream();
  server.clients.accept(stream, 'zookeeper');
  stream.connect();
  server.deliver();
  stream.goOn();
  stream.heard();
  return { server, stream };
}

function heard(world: ClientWorld, stream: JuteStream): readonly JuteWord[] {
  stream.goOn();
  world.turn();
  return stream.heard();
}

function greetingOf(stream: JuteStream): Extract<JuteWord, { kind: 'greeting' }>['greeting'] {
  const [word] = stream.heard();
  if (word?.kind !== 'greeting') throw new Error('the first word is a greeting');
  return word.greeting;
}

const NOBODY = { timeoutMs: 0, sessionId: 0n, password: new Uint8Array(16) };

describe('a connect', () => {
  test.each([
    { name: 'with the flag', readOnly: false },
    { name: 'without the flag', readOnly: undefined },
  ])('$name is answered in the same way', ({ readOnly }) => {
    const stream = attached(new ClientWorld(), { readOnly, timeoutMs: 5000 });
    const greeting = greetingOf(stream);
    expect(greeting).toMatchObject({ protocolVersion: 0, timeoutMs: 5000, readOnly });
    expect(greeting.password.length).toBe(16);
    expect(greeting.sessionId).not.toBe(0n);
    expect(stream).toMatchObject({ closed: false, paused: false });
  });

  test.each([
    { asked: 1, given: 4000 },
    { asked: -1, given: 4000 },
    { asked: 2 ** 31 - 1, given: 60_000 },
  ])('that asks for $asked ms is given $given', ({ asked, given }) => {
    expect(greetingOf(attached(new ClientWorld(), { timeoutMs: asked }))).toMatchObject({ timeoutMs: given });
  });

  test.each([
    { name: 'a session that never was', terms: { sessionId: 77 } },
    { name: 'an id that is none of ours', terms: { sessionId: -1n } },
    { name: 'an id of a real ZooKeeper', terms: { sessionId: 0x100000123456789an } },
  ])('of $name hears that it is over, and the connection ends', ({ terms }) => {
    const stream = attached(new ClientWorld(), terms);
    expect(greetingOf(stream)).toMatchObject({ ...NOBODY, readOnly: false });
    expect(stream.closed).toBe(true);
  });

  test('with a wrong password hears the same, and disturbs nobody', () => {
    const world = new ClientWorld();
    const owner = attached(world);
    const { sessionId } = greetingOf(owner);
    const thief = attached(world, { sessionId, password: new Uint8Array(16).fill(9) });
    expect(greetingOf(thief)).toMatchObject(NOBODY);
    expect(thief.closed).toBe(true);
    owner.ask(1, get('/'));
    expect(heard(world, owner)).toMatchObject([{ xid: 1, error: 0 }]);
    expect(owner.closed).toBe(false);
  });

  test('with the right one has the session, and the connection that had it ends', () => {
    const world = new ClientWorld();
    const former = attached(world);
    const { sessionId, password } = greetingOf(former);
    former.ask(1, create('/mine', { flags: 1 }));
    world.turn();
    const next = attached(world, { sessionId, password });
    expect(greetingOf(next)).toMatchObject({ sessionId, password });
    expect(former.closed).toBe(true);
    next.ask(1, { kind: 'getEphemerals', prefix: '' });
    expect(heard(world, next)).toMatchObject([{ xid: 1, body: { kind: 'names', names: ['/mine'] } }]);
  });

  test.each([
    { name: 'has seen more than is here', frame: connectFrame({ lastZxidSeen: 2 ** 40 }) },
    { name: 'speaks another protocol', frame: connectFrame({ protocolVersion: 7 }) },
    { name: 'has no end', frame: framed(connectFrame().subarray(4, 20)) },
    {
      name: 'has a password of 65 bytes',
      frame: connectFrame({ sessionId: 7, password: new Uint8Array(65) }),
    },
    { name: 'is none', frame: requestFrame(1, get('/')) },
  ])('that $name is not answered: the connection ends', ({ frame }) => {
    const world = new ClientWorld();
    const stream = arriving(world);
    stream.raw(frame);
    expect(heard(world, stream)).toEqual([]);
    expect(stream.closed).toBe(true);
    expect(world.clients.connectionCount).toBe(0);
  });

  test('without a leader waits, and ends without an answer', () => {
    const world = new ClientWorld();
    world.setServing(false);
    const stream = attached(world);
    expect(stream).toMatchObject({ closed: false, paused: true });
    world.pass(5001);
    expect(stream.heard()).toEqual([]);
    expect(stream.closed).toBe(true);
  });

  test('makes what follows wait for its answer, and then it is done in order', () => {
    const world = new ClientWorld();
    world.setServing(false);
    const stream = arriving(world);
    stream.connect();
    stream.ask(1, create('/a'));
    stream.ask(2, set('/a'));
    stream.ask(3, get('/a'));
    expect(heard(world, stream)).toEqual([]);
    world.setServing(true);
    expect(heard(world, stream)).toMatchObject([
      { kind: 'greeting' },
      { xid: 1, body: { path: '/a' } },
      { xid: 2, body: { stat: { version: 1 } } },
      { xid: 3, body: { kind: 'data', stat: { version: 1 } } },
    ]);
  });
});

describe('a server without a quorum', () => {
  test('serves reads to those who want no more, and refuses the rest with -119', () => {
    const world = new ClientWorld({ readOnlyMode: true });
    world.create('/a');
    world.setServing(false);
    world.pass(LEADERLESS_MS);
    const stream = attached(world, { readOnly: true });
    const greeting = greetingOf(stream);
    expect(greeting).toMatchObject({ readOnly: true, timeoutMs: 10_000 });
    expect(greeting.password.length).toBe(16);
    stream.ask(1, get('/a'));
    stream.ask(2, set('/a'));
    stream.ask(3, { kind: 'sync', path: '/a' });
    stream.ask(-2, { kind: 'ping' });
    stream.ask(4, { kind: 'multi', operations: [{ kind: 'check', path: '/a', version: 0 }] });
    expect(heard(world, stream)).toMatchObject([
      { xid: 1, error: 0 },
      { xid: 2, error: -119 },
      { xid: 3, error: -119 },
      { xid: -2, error: 0 },
      { xid: 4, error: -119 },
    ]);
    world.setServing(true);
    expect(stream.closed).toBe(true);
  });

  test('keeps those waiting who want to write', () => {
    const world = new ClientWorld({ readOnlyMode: true });
    world.setServing(false);
    world.pass(LEADERLESS_MS);
    expect(attached(world, { readOnly: false }).heard()).toEqual([]);
    expect(attached(world, { readOnly: undefined }).heard()).toEqual([]);
  });
});

describe('answers', () => {
  test('come in the order of the requests: a read waits for the write before it', () => {
    const { server, stream } = clientOfOne();
    stream.ask(1, create('/a'));
    stream.ask(2, get('/a'));
    stream.ask(3, set('/a'));
    stream.ask(4, get('/a'));
    server.deliver(0);
    expect(stream.heard()).toEqual([]);
    server.deliver(1);
    expect(stream.heard()).toMatchObject([
      { xid: 1, error: 0 },
      { xid: 2, error: 0, body: { stat: { version: 0 } } },
    ]);
    server.deliver(1);
    expect(stream.heard()).toMatchObject([
      { xid: 3, zxid: server.tree.appliedZxid },
      { xid: 4, body: { stat: { version: 1, mzxid: server.tree.appliedZxid } } },
    ]);
  });

  test('to writes that a change of leader left unanswered come once, and each is done once', () => {
    const { server, stream } = clientOfOne();
    stream.ask(1, create('/a'));
    stream.ask(2, create('/a/n-', { flags: 2 }));
    stream.ask(3, create('/a/n-', { flags: 2 }));
    // The second is on its way, the third is lost with the leader.
    server.deliver(2);
    server.changeLeader();
    server.deliver();
    stream.ask(4, list('/a'));
    server.deliver();
    expect(stream.heard()).toMatchObject([
      { xid: 1, error: 0 },
      { xid: 2, body: { path: '/a/n-0000000000' } },
      { xid: 3, body: { path: '/a/n-0000000001' } },
      { xid: 4, body: { names: ['n-0000000000', 'n-0000000001'] } },
    ]);
    expect(stream.closed).toBe(false);
  });

  test('of requests that are cut short or of no kind: -5 and on, -6 and the end', () => {
    const world = new ClientWorld();
    const stream = client(world);
    stream.ask(1, get('/'));
    const cut = requestFrame(2, get('/a'));
    stream.ask(2, get('/a'));
    stream.heard();
    stream.raw(framed(cut.subarray(4, cut.length - 1)));
    stream.ask(3, get('/'));
    expect(heard(world, stream).slice(2)).toMatchObject([
      { xid: 2, error: -5 },
      { xid: 3, error: 0 },
    ]);
    stream.raw(framed(Buffer.from('0000000200000063', 'hex')));
    stream.ask(1, get('/'));
    expect(heard(world, stream)).toMatchObject([{ xid: 2, zxid: -1, error: -6 }]);
    expect(stream.closed).toBe(true);
  });

  test('have the errors of a multi in their body, byte for byte', () => {
    const world = new ClientWorld();
    const stream = client(world);
    world.create('/there');
    stream.ask(1, {
      kind: 'multi',
      operations: [
        create('/a') as Extract<JuteRequest, { kind: 'create' }>,
        { kind: 'check', path: '/there', version: 7 },
        { kind: 'delete', path: '/there', version: -1 },
      ],
    });
    expect(heard(world, stream)).toMatchObject([
      {
        xid: 1,
        error: 0,
        body: {
          results: [
            { kind: 'error', error: 0 },
            { kind: 'error', error: -103 },
            { kind: 'error', error: -2 },
          ],
        },
      },
    ]);
  });
});

describe('events', () => {
  test('are told before the answer that shows their change, to the writer too, and once for several watches', () => {
    const world = new ClientWorld();
    world.create('/a');
    const stream = client(world);
    stream.ask(1, get('/a', true));
    stream.ask(2, { kind: 'exists', path: '/a', watch: true });
    stream.ask(3, get('/a', true));
    stream.ask(4, set('/a'));
    stream.ask(5, set('/a'));
    expect(heard(world, stream).slice(3)).toMatchObject([
      { kind: 'event', type: 'changed', path: '/a' },
      { kind: 'reply', xid: 4 },
      { kind: 'reply', xid: 5 },
    ]);
  });

  test('of a deletion: once to who watches the node in both ways, and once of the parent', () => {
    const world = new ClientWorld();
    world.create('/a');
    world.create('/a/b');
    const stream = client(world);
    stream.ask(1, get('/a/b', true));
    stream.ask(2, list('/a/b', true));
    stream.ask(3, list('/a', true));
    heard(world, stream);
    world.change({ kind: 'delete', path: '/a/b', version: -1 });
    expect(heard(world, stream)).toMatchObject([
      { type: 'deleted', path: '/a/b' },
      { type: 'children', path: '/a' },
    ]);
  });

  test('of a multi are told for each operation, though they have one zxid', () => {
    const world = new ClientWorld();
    const stream = client(world);
    stream.ask(1, addWatch('/', 1));
    heard(world, stream);
    stream.ask(2, {
      kind: 'multi',
      operations: [
        create('/a') as Extract<JuteRequest, { kind: 'create' }>,
        { kind: 'setData', path: '/a', data: undefined, version: -1 },
        { kind: 'setData', path: '/a', data: undefined, version: -1 },
        { kind: 'delete', path: '/a', version: -1 },
      ],
    });
    expect(heard(world, stream)).toMatchObject([
      { type: 'created', path: '/a' },
      { type: 'changed', path: '/a' },
      { type: 'changed', path: '/a' },
      { type: 'deleted', path: '/a' },
      { xid: 2, error: 0 },
    ]);
  });

  test('that were missed are told before setWatches is answered; the other watches stand', () => {
    const world = new ClientWorld();
    world.create('/changed');
    world.create('/same');
    world.create('/gone');
    const { appliedZxid } = world.tree;
    world.change({ kind: 'set', path: '/changed', data: new Uint8Array(0), version: -1 });
    world.change({ kind: 'delete', path: '/gone', version: -1 });
    world.create('/new');
    const stream = client(world);
    stream.ask(-8, {
      kind: 'setWatches',
      relativeZxid: appliedZxid,
      data: ['/changed', '/same', '/gone'],
      exist: ['/new', '/never'],
      child: ['/same'],
      persistent: [],
      persistentRecursive: [],
    });
    expect(heard(world, stream)).toMatchObject([
      { type: 'changed', path: '/changed' },
      { type: 'deleted', path: '/gone' },
      { type: 'created', path: '/new' },
      { xid: -8, error: 0 },
    ]);
    world.change({ kind: 'set', path: '/same', data: new Uint8Array(0), version: -1 });
    world.create('/never');
    world.create('/same/child');
    expect(heard(world, stream)).toMatchObject([
      { type: 'changed', path: '/same' },
      { type: 'created', path: '/never' },
      { type: 'children', path: '/same' },
    ]);
  });

  test('are not waited for where no node can be: such paths in setWatches do no harm', () => {
    const world = new ClientWorld();
    world.create('/a');
    const stream = client(world);
    const paths = [`/${'x'.repeat(70_000)}`, 'no-slash', '/a/', ''];
    stream.ask(1, {
      kind: 'setWatches2',
      relativeZxid: world.tree.appliedZxid,
      data: [...paths, '/a'],
      exist: paths,
      child: paths,
      persistent: paths,
      persistentRecursive: paths,
    });
    expect(heard(world, stream)).toMatchObject([{ xid: 1, error: 0 }]);
    world.change({ kind: 'set', path: '/a', data: new Uint8Array(0), version: -1 });
    expect(heard(world, stream)).toMatchObject([{ type: 'changed', path: '/a' }]);
  });

  test('are heard by a watch that is added right behind the removal of the same one', () => {
    const world = new ClientWorld();
    const stream = client(world);
    stream.ask(1, addWatch('/a', 0));
    heard(world, stream);
    stream.ask(2, { kind: 'removeWatches', path: '/a', type: 3 });
    stream.ask(3, addWatch('/a', 0));
    expect(heard(world, stream)).toMatchObject([
      { xid: 2, error: 0 },
      { xid: 3, error: 0 },
    ]);
    world.create('/a');
    expect(heard(world, stream)).toMatchObject([{ type: 'created', path: '/a' }]);
    stream.ask(4, { kind: 'removeWatches', path: '/a', type: 3 });
    stream.ask(5, { kind: 'removeWatches', path: '/a', type: 3 });
    expect(heard(world, stream)).toMatchObject([
      { xid: 4, error: 0 },
      { xid: 5, error: -121 },
    ]);
  });

  test('come to a watch that found no room before, once there is', () => {
    const world = new ClientWorld({ limit: { watchesPerSessionMax: 1 } });
    world.create('/b');
    const stream = client(world);
    stream.ask(1, get('/b', true));
    stream.ask(2, addWatch('/a', 0));
    const [, refused] = heard(world, stream);
    expect(refused).toMatchObject({ xid: 2 });
    expect(refused).not.toMatchObject({ error: 0 });
    world.change({ kind: 'set', path: '/b', data: new Uint8Array(0), version: -1 });
    stream.ask(3, addWatch('/a', 0));
    expect(heard(world, stream).slice(1)).toMatchObject([{ xid: 3, error: 0 }]);
    world.create('/a');
    expect(heard(world, stream)).toMatchObject([{ type: 'created', path: '/a' }]);
  });
});

describe('whom a client proves to be', () => {
  test('counts for what follows, which waits; `auth` in an ACL is the hash that ZooKeeper knows', () => {
    const world = new ClientWorld();
    const stream = client(world);
    const acl: readonly Acl[] = [{ perms: 31, scheme: 'auth', id: '' }];
    stream.ask(-4, AUTH);
    stream.ask(1, create('/ann', { acl }));
    stream.ask(2, { kind: 'getAcl', path: '/ann' });
    stream.ask(3, { kind: 'whoAmI' });
    expect(heard(world, stream)).toEqual([]);
    world.proofs[0]?.answer([
      { scheme: 'digest', id: 'ann:hash' },
      { scheme: 'scrypt', id: 'ann:strong' },
    ]);
    expect(heard(world, stream)).toMatchObject([
      { xid: -4, zxid: 0, error: 0 },
      { xid: 1, error: 0 },
      { xid: 2, body: { acl: [{ perms: 31, scheme: 'digest', id: 'ann:hash' }] } },
      { xid: 3, body: { identities: [{ scheme: 'ip' }, { scheme: 'digest', id: 'ann' }] } },
    ]);
  });

  test('with what proves nobody it hears -115, and the connection ends; the session lives', () => {
    const world = new ClientWorld();
    const stream = attached(world);
    const { sessionId, password } = greetingOf(stream);
    stream.ask(-4, AUTH);
    stream.ask(1, get('/'));
    world.proofs[0]?.answer([]);
    expect(heard(world, stream)).toMatchObject([{ xid: -4, error: -115 }]);
    expect(stream.closed).toBe(true);
    expect(greetingOf(attached(world, { sessionId, password }))).toMatchObject({ sessionId });
  });
});

describe('a session', () => {
  test('that is closed: others hear of its nodes, it hears the answer, and the connection ends', () => {
    const world = new ClientWorld();
    const other = client(world);
    const stream = client(world);
    stream.ask(1, create('/mine', { flags: 1 }));
    other.ask(1, get('/', false));
    other.ask(2, { kind: 'exists', path: '/mine', watch: true });
    heard(world, stream);
    heard(world, other);
    stream.ask(9, { kind: 'closeSession' });
    expect(heard(world, stream)).toMatchObject([{ xid: 9, error: 0, zxid: world.tree.appliedZxid }]);
    expect(stream.closed).toBe(true);
    expect(heard(world, other)).toMatchObject([{ type: 'deleted', path: '/mine' }]);
  });

  test('lives by whatever its client says', () => {
    const world = new ClientWorld();
    const stream = client(world);
    world.pass(1000);
    world.asked.length = 0;
    stream.ask(1, get('/'));
    world.turn();
    world.pass(300);
    expect(world.asked).toMatchObject([{ kind: 'touches', sessionIds: [expect.any(Number)] }]);
    world.asked.length = 0;
    world.pass(1000);
    world.pass(1000);
    expect(world.asked).toEqual([]);
  });

  test('whose time is over ends without a word', () => {
    const world = new ClientWorld();
    const stream = attached(world);
    const { sessionId } = greetingOf(stream);
    world.lead({ kind: 'closeSession', sessionId: Number(sessionId) });
    expect(heard(world, stream)).toEqual([]);
    expect(stream.closed).toBe(true);
  });
});

describe('pings', () => {
  test('are answered once each, with -2 whatever their own number is', () => {
    const world = new ClientWorld();
    const stream = client(world);
    stream.raw(requestFrame(-2, { kind: 'ping' }));
    stream.raw(requestFrame(5, { kind: 'ping' }));
    world.turn();
    world.pass(100);
    stream.raw(requestFrame(-2, { kind: 'ping' }));
    world.turn();
    world.pass(100);
    expect(heard(world, stream)).toMatchObject([
      { xid: -2, error: 0 },
      { xid: -2, error: 0 },
      { xid: -2, error: 0 },
    ]);
  });

  test('are answered in their place among the requests', () => {
    const { server, stream } = clientOfOne();
    const ping = requestFrame(-2, { kind: 'ping' });
    stream.ask(1, create('/a'));
    stream.raw(ping);
    stream.ask(2, set('/a'));
    stream.raw(ping);
    stream.raw(ping);
    stream.goOn();
    expect(stream.heard()).toEqual([]);
    server.deliver();
    stream.goOn();
    const answered = stream.heard().map((word) => ('xid' in word ? word.xid : word.kind));
    expect(answered.slice(0, 3)).toEqual([1, -2, 2]);
    server.clients.tick();
    server.deliver();
    stream.goOn();
    expect([...answered.slice(3), ...stream.heard().map((word) => 'xid' in word && word.xid)]).toEqual([
      -2, -2,
    ]);
  });

  test('are answered with what is answered behind them, and before the end of the session', () => {
    const world = new ClientWorld();
    world.create('/a');
    const stream = client(world);
    stream.raw(requestFrame(-2, { kind: 'ping' }));
    stream.ask(1, get('/a'));
    expect(heard(world, stream)).toMatchObject([{ xid: -2 }, { xid: 1 }]);
    stream.raw(requestFrame(-2, { kind: 'ping' }));
    stream.ask(2, { kind: 'closeSession' });
    expect(heard(world, stream)).toMatchObject([{ xid: -2 }, { xid: 2 }]);
    expect(stream.closed).toBe(true);
  });

  test('that nobody can answer are no way to fill a server: the connection ends', () => {
    const world = new ClientWorld();
    const stream = client(world);
    world.setServing(false);
    const ping = requestFrame(-2, { kind: 'ping' });
    for (let count = 0; count < 1000; count++) stream.raw(ping);
    expect(stream.closed).toBe(false);
    stream.raw(ping);
    expect(stream.closed).toBe(true);
    expect(heard(world, stream)).toEqual([]);
  });
});

describe('a client that sends faster than it is served', () => {
  test('is read no further for a while: nothing is refused, and all is answered in order', () => {
    const { server, stream } = clientOfOne({ requestsPerSessionMax: 20 });
    stream.ask(1, create('/a'));
    for (let xid = 2; xid <= 100; xid++) stream.ask(xid, set('/a'));
    expect(stream.paused).toBe(true);
    expect(server.proposed).toHaveLength(10);
    const words: JuteWord[] = [];
    while (server.proposed.length > 0) {
      server.deliver(3);
      stream.goOn();
      words.push(...stream.heard());
    }
    expect(words).toMatchObject(Array.from({ length: 100 }, (_, index) => ({ xid: index + 1, error: 0 })));
    expect(server.tree.stat('/a')).toMatchObject({ version: 99 });
  });
});

test('a client that is gone leaves nothing behind', () => {
  const world = new ClientWorld();
  const stream = client(world);
  stream.ask(1, get('/', true));
  stream.ask(2, addWatch('/', 1));
  stream.ask(-4, AUTH);
  stream.ask(3, get('/'));
  stream.hangUp();
  world.proofs[0]?.answer([]);
  world.turn();
  expect(world.clients).toMatchObject({ outstanding: 0, outstandingBytes: 0, connectionCount: 0 });
  expect(world.clients.watches.size).toBe(0);
  expect(world.tree.appliedZxid).toBeGreaterThan(makeZxid(1, 0));
});
