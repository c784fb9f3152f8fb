import { type Identity, makeZxid, PERMISSIONS, type TreeEvent } from '@zabra/model';
import type { ClientEntry, ServerEntry } from '@zabra/proto';
import { describe, expect, test } from 'vitest';
import { ClientWorld, LEADERLESS_MS, requestEntry } from '../../../test/client-world.ts';
import type { FakeStream } from '../../../test/fake-stream.ts';
import { attachEntry } from '../../../test/raw-stream.ts';

const IP: Identity = { scheme: 'ip', id: '10.0.0.1' };
const ANN: Identity = { scheme: 'scrypt', id: 'ann:hash' };
const SUPER: Identity = { scheme: 'super', id: '' };
const ANN_ONLY = [{ perms: PERMISSIONS.read | PERMISSIONS.write, ...ANN }];

const addAuth = (xid: number): ClientEntry =>
  requestEntry(xid, { kind: 'addAuth', addAuth: { scheme: 'scrypt', credentials: Uint8Array.of(1) } });
const get = (xid: number, path: string): ClientEntry =>
  requestEntry(xid, { kind: 'get', get: { path, watch: false } });
const set = (xid: number, path: string): ClientEntry =>
  requestEntry(
    xid,
    { kind: 'set', set: { path, data: Uint8Array.of(xid), version: undefined, nullData: false } },
    { requestNo: xid },
  );
const rearm = (
  fromZxid: number,
  ...persistent: readonly { readonly id: number; readonly path: string }[]
): ClientEntry => ({
  kind: 'rearm',
  rearm: {
    watches: [],
    persistent: persistent.map((watch) => ({ ...watch, kind: 'PERSISTENT_RECURSIVE' })),
    fromZxid,
    more: false,
  },
});
const heartbeat = (number: number): ClientEntry => ({ kind: 'heartbeat', heartbeat: { number } });

/** What was said after the greeting. */
function answers(world: ClientWorld, stream: FakeStream): readonly object[] {
  world.turn();
  return stream.said.slice(1);
}

/** What was said first. */
function greeting({ said }: FakeStream): { readonly sessionId: number; readonly password: Uint8Array } {
  return (said[0] as Extract<ServerEntry, { kind: 'attached' }>).attached;
}

describe('whom a client has proved to be', () => {
  test('goes to the leader with its session, and before the writes that follow a proof', () => {
    const world = new ClientWorld();
    world.create('/ann', ANN_ONLY);
    const stream = world.attach();
    stream.hear(set(1, '/ann'), addAuth(2), set(3, '/ann'), get(4, '/ann'));
    world.proofs[0]?.answer([ANN]);
    expect(answers(world, stream)).toMatchObject([
      { reply: { xid: 1, refused: { code: 'NO_AUTH' } } },
      { reply: { xid: 2, kind: 'addAuth' } },
      { reply: { xid: 3, kind: 'write' } },
      { reply: { xid: 4, get: { data: Uint8Array.of(3) } } },
    ]);
    expect(world.asked).toMatchObject([
      { kind: 'createSession', identities: [IP] },
      { kind: 'write', requestNo: 1 },
      { kind: 'identities', identities: [IP, ANN] },
      { kind: 'write', requestNo: 3 },
    ]);
  });

  test('goes to the next leader with the session', () => {
    const world = new ClientWorld();
    const stream = world.attach();
    world.setServing(false);
    stream.hear(addAuth(1));
    world.proofs[0]?.answer([ANN]);
    expect(answers(world, stream)).toMatchObject([{ reply: { kind: 'addAuth' } }]);
    world.asked.length = 0;
    world.setServing(true);
    expect(world.asked).toMatchObject([{ kind: 'attach', identities: [IP, ANN] }]);
  });

  test('is a super user where the configuration names it, be it by password or by certificate', () => {
    const world = new ClientWorld({ access: { superUsers: [ANN] } });
    world.create('/secret', [{ perms: PERMISSIONS.admin, scheme: 'x509', id: 'CN=nobody' }]);
    const stream = world.attach();
    stream.hear(
      get(1, '/secret'),
      addAuth(2),
      get(3, '/secret'),
      requestEntry(4, { kind: 'whoAmI', whoAmI: {} }),
    );
    world.proofs[0]?.answer([ANN]);
    expect(answers(world, stream)).toMatchObject([
      { reply: { refused: { code: 'NO_AUTH' } } },
      { reply: { kind: 'addAuth' } },
      { reply: { kind: 'get' } },
      { reply: { whoAmI: { identities: [IP, { scheme: 'scrypt', id: 'ann' }, SUPER] } } },
    ]);
    const operator = new ClientWorld({ access: { superUsers: [IP] } });
    operator.attach();
    expect(operator.asked).toMatchObject([{ identities: [IP, SUPER] }]);
  });

  test('is nothing on a stream that the client has left: no write there is judged by whom the next one has proved', () => {
    const world = new ClientWorld();
    world.create('/ann', ANN_ONLY);
    const former = world.attach({ nonce: 'ann' });
    former.hear(addAuth(1));
    world.proofs[0]?.answer([ANN]);
    world.turn();
    const { sessionId, password } = greeting(former);
    world.underWay = [];
    const next = world.attach({ nonce: 'ann', sessionId, password, attempt: 2 });
    former.hear(set(2, '/ann'));
    for (const arrive of world.underWay) arrive();
    next.hear(addAuth(1), set(2, '/ann'));
    world.proofs[1]?.answer([ANN]);
    expect(answers(world, next)).toMatchObject([
      { reply: { kind: 'addAuth' } },
      { reply: { kind: 'write' } },
    ]);
    expect(former.said.at(-1)).toMatchObject({ goodbye: { code: 'SESSION_MOVED' } });
  });

  test('is asked for no longer than the client is there', () => {
    const world = new ClientWorld();
    const stream = world.attach();
    stream.hear(addAuth(1), get(2, '/'));
    stream.hangUp();
    world.proofs[0]?.answer([ANN]);
    expect(answers(world, stream)).toEqual([]);
    expect(world.clients).toMatchObject({ outstanding: 0, outstandingBytes: 0, connectionCount: 0 });
  });
});

describe('a client beyond a limit hears which, and how far it is used', () => {
  test('of streams from one address; others come in, and so does the next when one went', () => {
    const world = new ClientWorld({ limit: { sessionsPerAddressMax: 2 } });
    const [first] = [world.attach(), world.attach()];
    const third = world.attach();
    expect(third.said).toMatchObject([
      {
        goodbye: {
          code: 'LIMIT',
          message:
            'sessionsPerAddressMax: this server has 2 clients of 10.0.0.1, of at most 2; close some or try another server',
        },
      },
    ]);
    expect(world.attach({}, '10.0.0.2').said).toMatchObject([{ kind: 'attached' }]);
    third.hangUp();
    expect(world.attach().said).toMatchObject([{ kind: 'goodbye' }]);
    first?.hangUp();
    expect(world.attach().said).toMatchObject([{ kind: 'attached' }]);
    expect(world.attach().said).toMatchObject([{ kind: 'goodbye' }]);
  });

  test('of streams in all', () => {
    const world = new ClientWorld({ limit: { connectionsMax: 1 } });
    world.attach();
    expect(world.attach({}, '10.0.0.2').said).toMatchObject([
      { goodbye: { message: 'connectionsMax: this server has 1 clients of at most 1; try another server' } },
    ]);
  });

  test('of watches, and its session goes on', () => {
    const world = new ClientWorld({ limit: { watchesPerSessionMax: 1 } });
    const stream = world.attach();
    const watch = (id: number): ClientEntry =>
      requestEntry(id, {
        kind: 'addWatch',
        addWatch: { kind: 'PERSISTENT', path: '/a', id, fromZxid: undefined },
      });
    stream.hear(watch(1), watch(2), get(3, '/'));
    expect(answers(world, stream)).toMatchObject([
      { reply: { kind: 'watch' } },
      {
        reply: {
          refused: {
            code: 'LIMIT',
            message: 'watchesPerSessionMax: a session has at most 1 watches, this one 1; let some go',
          },
        },
      },
      { reply: { kind: 'get' } },
    ]);
  });
});

describe('a watch that stays', () => {
  const add = (xid: number, id: number, fromZxid?: number): ClientEntry =>
    requestEntry(xid, {
      kind: 'addWatch',
      addWatch: { kind: 'PERSISTENT_RECURSIVE', path: '/a', id, fromZxid },
    });
  const remove = (xid: number, id: number): ClientEntry =>
    requestEntry(xid, { kind: 'removeWatch', removeWatch: { kind: 'PERSISTENT_RECURSIVE', path: '/a', id } });

  test('hears every change until it is removed; then there is none to remove', () => {
    const world = new ClientWorld();
    const stream = world.attach();
    stream.hear(add(1, 5));
    world.create('/a');
    world.create('/a/b');
    stream.hear(remove(2, 5), remove(3, 5));
    world.create('/a/c');
    expect(answers(world, stream)).toMatchObject([
      { reply: { xid: 1, kind: 'watch' } },
      { event: { type: 'CREATED', path: '/a', watchId: 5 } },
      { event: { type: 'CREATED', path: '/a/b', watchId: 5 } },
      { reply: { xid: 2, kind: 'watch' } },
      { reply: { xid: 3, refused: { code: 'NO_WATCHER' } } },
    ]);
  });

  test('has a number that no other watch of the session has', () => {
    const world = new ClientWorld();
    const stream = world.attach();
    stream.hear(add(1, 5), add(2, 5));
    expect(answers(world, stream)).toMatchObject([
      { reply: { kind: 'watch' } },
      { reply: { refused: { code: 'BAD_ARGUMENTS', message: expect.stringContaining('5') } } },
    ]);
  });

  test('hears what happened since a zxid in front of its answer; one that is not applied here is waited for', () => {
    const world = new ClientWorld();
    const stream = world.attach();
    const since = world.tree.appliedZxid;
    world.create('/a');
    const created = world.tree.appliedZxid;
    stream.hear(add(1, 5, since), add(2, 6, created + 1));
    expect(answers(world, stream)).toMatchObject([
      { event: { path: '/a', watchId: 5, zxid: created } },
      { reply: { xid: 1, kind: 'watch' } },
    ]);
    world.create('/a/b');
    world.create('/a/c');
    expect(answers(world, stream).slice(2)).toMatchObject([
      { event: { path: '/a/b', watchId: 5 } },
      { reply: { xid: 2, kind: 'watch' } },
      { event: { path: '/a/c', watchId: 5 } },
      { event: { path: '/a/c', watchId: 6 } },
    ]);
  });
});

describe('after a reconnect', () => {
  test('what was missed comes in order and once, before the answer to anything behind it', () => {
    const world = new ClientWorld();
    const from = world.tree.appliedZxid;
    for (const path of ['/a', '/b', '/a/c']) world.create(path);
    const stream = world.attach();
    stream.hear(rearm(from, { id: 1, path: '/a' }, { id: 2, path: '/' }), get(1, '/a'));
    expect(answers(world, stream)).toMatchObject([
      { event: { path: '/a', watchId: 1 } },
      { event: { path: '/a', watchId: 2 } },
      { event: { path: '/b', watchId: 2 } },
      { event: { path: '/a/c', watchId: 1 } },
      { event: { path: '/a/c', watchId: 2 } },
      { reply: { xid: 1, kind: 'get' } },
    ]);
  });

  test('the history reaches back into what was read from the log at start, and no further', () => {
    const world = new ClientWorld();
    const zxid = (counter: number): ReturnType<typeof makeZxid> => makeZxid(1, counter);
    const created = (counter: number): TreeEvent => ({
      type: 'created',
      path: `/${counter}`,
      zxid: zxid(counter),
      acl: [],
    });
    world.tree.applyNothing(zxid(50));
    world.clients.replaced(zxid(40));
    for (const counter of [41, 42, 43]) world.clients.feedHistory(zxid(counter), [created(counter)]);
    const near = world.attach();
    near.hear(rearm(zxid(41), { id: 1, path: '/' }));
    expect(answers(world, near)).toMatchObject([{ event: { path: '/42' } }, { event: { path: '/43' } }]);
    const far = world.attach();
    far.hear(rearm(zxid(39), { id: 1, path: '/' }));
    expect(answers(world, far)).toMatchObject([{ event: { type: 'RESYNC', path: '/', watchId: 1 } }]);
  });

  test('a snapshot in place of the tree ends every stream and empties the history', () => {
    const world = new ClientWorld();
    const from = world.tree.appliedZxid;
    const stream = world.attach();
    world.create('/a');
    world.clients.replaced(world.tree.appliedZxid);
    expect(stream.said.at(-1)).toMatchObject({
      goodbye: { code: 'UNREACHABLE', message: expect.stringMatching(/snapshot/) },
    });
    const next = world.attach();
    next.hear(rearm(from, { id: 1, path: '/' }));
    expect(answers(world, next)).toMatchObject([{ event: { type: 'RESYNC' } }]);
  });

  test('of many sessions some are resumed per turn, and the others live meanwhile', () => {
    const world = new ClientWorld();
    const from = world.tree.appliedZxid;
    world.create('/a');
    const streams = Array.from({ length: 250 }, () => world.attach());
    for (const stream of streams) stream.hear(rearm(from, { id: 1, path: '/' }), get(1, '/a'));
    const resumed: number[] = [];
    const count = (): number => streams.filter(({ said }) => said.at(-1)?.kind === 'reply').length;
    streams.at(-1)?.hear(heartbeat(1));
    // A turn resumes, the next one flushes and resumes.
    while (world.step()) resumed.push(count());
    expect(resumed).toEqual([0, 100, 200, 250]);
    // While its watches are not resumed it can't be told up to where everything was said.
    expect(streams.at(-1)?.said[1]).toMatchObject({ heartbeatAck: { number: 1, zxid: 0 } });
    expect(streams[0]?.said.slice(1)).toMatchObject([{ event: { path: '/a' } }, { reply: { kind: 'get' } }]);
  });

  test('a session that goes before its turn holds nobody up', () => {
    const world = new ClientWorld();
    const from = world.tree.appliedZxid;
    world.create('/a');
    const [gone, other] = [world.attach(), world.attach()];
    for (const stream of [gone, other]) stream?.hear(rearm(from, { id: 1, path: '/' }));
    gone?.hangUp();
    world.turn();
    expect(other?.said.at(-1)).toMatchObject({ event: { path: '/a' } });
    expect(world.clients.watches.size).toBe(1);
  });
});

test('an acknowledged heartbeat says up to where every event was said', () => {
  const world = new ClientWorld();
  const stream = world.attach();
  world.create('/a');
  stream.hear(heartbeat(7));
  expect(answers(world, stream)).toMatchObject([
    { heartbeatAck: { number: 7, zxid: world.tree.appliedZxid } },
  ]);
});

describe('a server without a quorum', () => {
  /** With a node, and without a leader for longer than a moment. */
  function leaderless(readOnlyMode = true): ClientWorld {
    const world = new ClientWorld({ readOnlyMode });
    world.create('/a', [], 'old');
    world.setServing(false);
    world.pass(LEADERLESS_MS);
    world.asked.length = 0;
    return world;
  }

  test('serves reads to clients that agree, without a session', () => {
    const world = leaderless();
    const stream = world.attach({ readOnly: true });
    expect(stream.said).toMatchObject([
      {
        attached: { sessionId: 0, readOnly: true, zxid: world.tree.appliedZxid, password: new Uint8Array(0) },
      },
    ]);
    const exists = requestEntry(2, { kind: 'exists', exists: { path: '/none', watch: true } });
    const mine = requestEntry(3, { kind: 'ephemerals', ephemerals: { prefix: '' } });
    stream.hear(get(1, '/a'), exists, mine, heartbeat(1));
    expect(answers(world, stream)).toMatchObject([
      { reply: { xid: 1, get: { data: new TextEncoder().encode('old') } } },
      { reply: { xid: 2, exists: { stat: undefined } } },
      { reply: { xid: 3, ephemerals: { paths: [] } } },
      { heartbeatAck: { number: 1 } },
    ]);
    expect(world.asked).toEqual([]);
    expect(world.clients.watches.size).toBe(1);
  });

  test('refuses what needs one, in its place', () => {
    const world = leaderless();
    const stream = world.attach({ readOnly: true });
    const sync = requestEntry(3, { kind: 'sync', sync: { path: '/' } });
    const now = requestEntry(2, { kind: 'get', get: { path: '/a', watch: false } }, { linearizable: true });
    const ahead = requestEntry(
      4,
      { kind: 'get', get: { path: '/a', watch: false } },
      { minZxid: world.tree.appliedZxid + 1 },
    );
    stream.hear(set(1, '/a'), now, sync, ahead, get(5, '/a'));
    expect(answers(world, stream)).toMatchObject([
      {
        reply: {
          xid: 1,
          refused: { code: 'NOT_READ_ONLY', message: expect.stringMatching(/^a write needs a quorum/) },
        },
      },
      { reply: { xid: 2, refused: { code: 'NOT_READ_ONLY' } } },
      { reply: { xid: 3, refused: { code: 'NOT_READ_ONLY' } } },
      { reply: { xid: 4, refused: { code: 'BEHIND' } } },
      { reply: { xid: 5, kind: 'get' } },
    ]);
  });

  test('proves identities to itself alone', () => {
    const world = leaderless();
    world.serving = true;
    world.create('/ann', ANN_ONLY);
    world.serving = false;
    const stream = world.attach({ readOnly: true });
    stream.hear(get(1, '/ann'), addAuth(2), get(3, '/ann'));
    world.proofs[0]?.answer([ANN]);
    expect(answers(world, stream)).toMatchObject([
      { reply: { refused: { code: 'NO_AUTH' } } },
      { reply: { kind: 'addAuth' } },
      { reply: { kind: 'get' } },
    ]);
  });

  test('ends those streams as soon as it serves again, and does not end them for want of a leader', () => {
    const world = leaderless();
    const stream = world.attach({ readOnly: true });
    for (let time = 1; time <= 10; time++) {
      stream.hear(heartbeat(time));
      world.pass(LEADERLESS_MS);
    }
    expect(stream.closed).toBe(false);
    world.setServing(true);
    expect(stream.said.at(-1)).toEqual({
      kind: 'goodbye',
      goodbye: {
        code: 'UNREACHABLE',
        message: 'this server has a quorum again; attach anew to read and write',
      },
    });
    expect(world.clients.connectionCount).toBe(0);
  });

  test('leaves a session alone whose client comes for reads, and takes no wrong password for it', () => {
    const world = new ClientWorld({ readOnlyMode: true });
    const former = world.attach({ nonce: 'ann' });
    world.setServing(false);
    world.pass(LEADERLESS_MS);
    const { sessionId, password } = greeting(former);
    const terms = { sessionId, password, nonce: 'ann', attempt: 2, readOnly: true };
    const wrong = world.attach({ ...terms, password: new Uint8Array(16) });
    expect(wrong.said).toMatchObject([{ goodbye: { code: 'SESSION_EXPIRED' } }]);
    const stream = world.attach(terms);
    expect(stream.said).toMatchObject([{ attached: { sessionId: 0, readOnly: true } }]);
    expect(former.closed).toBe(false);
    stream.hear({ kind: 'close', close: {} });
    expect(stream.said.at(-1)).toMatchObject({ goodbye: { code: 'OK' } });
    expect(world.tree.session(sessionId)).toBeDefined();
  });

  test('keeps them waiting for a moment: a leader is usually found', () => {
    const world = new ClientWorld({ readOnlyMode: true });
    world.create('/a');
    world.setServing(false);
    const stream = world.attach({ readOnly: true });
    expect(stream.said).toEqual([]);
    world.pass(LEADERLESS_MS);
    expect(stream.said).toMatchObject([{ attached: { readOnly: true } }]);
  });

  test.each([
    { what: 'a client that wants a session', readOnlyMode: true, readOnly: false },
    { what: 'anybody where the configuration does not say so', readOnlyMode: false, readOnly: true },
  ])('does not serve $what', ({ readOnlyMode, readOnly }) => {
    const world = leaderless(readOnlyMode);
    const stream = world.attach({ readOnly });
    expect(stream.said).toEqual([]);
    world.pass(6000);
    expect(stream.said).toMatchObject([{ goodbye: { code: 'UNREACHABLE' } }]);
  });

  test('does not go back in time for them', () => {
    const world = leaderless();
    const lastZxid = world.tree.appliedZxid + 1;
    const terms = [{ sessionId: 5 }, { sessionId: 0, clusterId: 'orchard' }];
    for (const each of terms) {
      const stream = world.attach({ readOnly: true, lastZxid, ...each });
      expect(stream.said).toMatchObject([{ goodbye: { code: 'BEHIND' } }]);
    }
    // What was seen of another cluster tells nothing of this one.
    const stranger = world.attach({ readOnly: true, lastZxid, clusterId: 'meadow' });
    expect(stranger.said).toMatchObject([{ attached: { readOnly: true } }]);
  });

  test('lets those go that say nothing', () => {
    const world = leaderless();
    const stream = world.attach({ readOnly: true, timeoutMs: 4000 });
    world.pass(4001);
    expect(stream.said.at(-1)).toMatchObject({
      goodbye: { code: 'UNREACHABLE', message: expect.stringMatching(/^nothing was heard/) },
    });
  });
});

test('a client that agrees to reads only has a session where there is a leader', () => {
  const world = new ClientWorld({ readOnlyMode: true });
  const stream = world.attach({ readOnly: true });
  expect(stream.said).toMatchObject([{ attached: { readOnly: false } }]);
  expect(stream.said).not.toMatchObject([{ attached: { sessionId: 0 } }]);
  expect(attachEntry({}).attach.readOnly).toBe(false);
});

describe('reads that take longer than a turn', () => {
  const list = (xid: number): ClientEntry =>
    requestEntry(xid, {
      kind: 'children',
      children: { path: '/', watch: false, limit: 1, after: '', withStats: false },
    });
  const xids = (said: readonly ServerEntry[]): readonly (number | string)[] =>
    said.map((entry) => (entry.kind === 'reply' ? entry.reply.xid : entry.kind));

  test('go on in the next ones, in order, and let heartbeats and other clients pass', () => {
    const world = new ClientWorld();
    const [greedy, modest] = [world.attach(), world.attach()];
    world.lookMs = 1;
    greedy.hear(
      ...Array.from({ length: 100 }, (_, index) => list(index + 1)),
      set(101, '/none'),
      get(102, '/'),
    );
    greedy.hear(heartbeat(1));
    modest.hear(get(1, '/'));
    world.step();
    world.step();
    const before = xids(greedy.said.slice(1));
    expect(before).toContain('heartbeatAck');
    expect(before.length).toBeLessThan(20);
    expect(xids(modest.said.slice(1))).toEqual([1]);
    expect(answers(world, modest)).toHaveLength(1);
    expect(xids(greedy.said.slice(1)).filter((xid) => xid !== 'heartbeatAck')).toEqual(
      Array.from({ length: 102 }, (_, index) => index + 1),
    );
  });

  test('are answered before the wish to close that stands behind them', () => {
    const world = new ClientWorld();
    const stream = world.attach();
    world.lookMs = 1;
    stream.hear(...Array.from({ length: 50 }, (_, index) => list(index + 1)), { kind: 'close', close: {} });
    expect(stream.closed).toBe(false);
    const said = answers(world, stream) as readonly ServerEntry[];
    expect(xids(said)).toEqual([...Array.from({ length: 50 }, (_, index) => index + 1), 'goodbye']);
    expect(said.at(-1)).toMatchObject({ goodbye: { code: 'OK' } });
  });

  test('hold up a client that sends more of them than it may have, until there is room again', () => {
    const world = new ClientWorld({ limit: { requestsPerSessionMax: 10 } });
    const stream = world.attach();
    world.lookMs = 1;
    stream.hear(...Array.from({ length: 18 }, (_, index) => list(index + 1)));
    world.step();
    expect(stream.paused).toBe(true);
    const said = answers(world, stream);
    expect(stream.paused).toBe(false);
    expect(said).toHaveLength(18);
  });

  test('end with the stream', () => {
    const world = new ClientWorld();
    const stream = world.attach();
    world.lookMs = 1;
    stream.hear(...Array.from({ length: 50 }, (_, index) => list(index + 1)));
    stream.hangUp();
    expect(answers(world, stream).length).toBeLessThan(10);
    expect(world.clients).toMatchObject({ outstanding: 0, outstandingBytes: 0 });
  });
});
