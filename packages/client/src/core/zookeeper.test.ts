import type { ClientRequest } from '@zabra/proto';
import { expect, test } from 'vitest';
import { type Acl, acl } from './acl.ts';
import {
  connected,
  created,
  data,
  goodbye,
  held,
  outcomeOf,
  refused,
  statAt,
  wrote,
} from './fake-network.test-support.ts';
import type { Lease } from './lease.ts';
import { paths } from './paths.ts';
import type { ZooKeeper } from './zookeeper.ts';

const pathsOf = (requests: readonly ClientRequest[]) =>
  requests.map((request) =>
    `${request.kind} ${'create' in request ? request.create.path : 'delete' in request ? request.delete.path : ''}`.trim(),
  );

test('create with parents makes what is missing in one go, then the node', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.create('/a/b/c', 'x', { parents: true }));
  await world.turn();
  await stream.say(refused(1, 'NO_NODE'));
  await world.turn();
  await stream.say(refused(2, 'NO_NODE'));
  await world.turn();
  await stream.say(refused(3, 'NODE_EXISTS'), created(4, '/a/b'));
  await world.turn();
  await stream.say(created(5, '/a/b/c'));
  expect((await call).path).toBe('/a/b/c');
  expect(pathsOf(stream.requests)).toEqual([
    'create /a/b/c',
    'create /a/b',
    'create /a',
    'create /a/b',
    'create /a/b/c',
  ]);
});

test('put sets what exists and creates what does not', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.put('/a', 'x'));
  await world.turn();
  await stream.say(refused(1, 'NO_NODE'));
  await world.turn();
  await stream.say(created(2, '/a'));
  expect((await call).ephemeralOwner).toBe(7n);
  expect(stream.requests.map(({ kind }) => kind)).toEqual(['set', 'create']);
});

test('a recursive delete is repeated until nothing is left', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.delete('/a', { recursive: true }));
  await world.turn();
  await stream.say(
    wrote(1, [{ kind: 'deleteTree', deleteTree: { path: '/a', deleted: 1_000, done: false } }]),
  );
  await world.turn();
  await stream.say(wrote(2, [{ kind: 'deleteTree', deleteTree: { path: '/a', deleted: 3, done: true } }]));
  await call;
  expect(stream.requests).toMatchObject([
    { requestNo: 1, deleteTree: { path: '/a', nodesMax: 0, atomic: false } },
    { requestNo: 2, deleteTree: { path: '/a', nodesMax: 0, atomic: false } },
  ]);
});

test('a missing node is NO_NODE, null, or fine, as the call says', async () => {
  const { world, zk, stream } = await connected();
  const calls = [held(zk.get('/a')), held(zk.getOrNull('/a')), held(zk.delete('/a', { missingOk: true }))];
  await world.turn();
  await stream.say(refused(1, 'NO_NODE'), refused(2, 'NO_NODE'), refused(3, 'NO_NODE'));
  expect(await Promise.all(calls.map((call) => outcomeOf(call)))).toEqual([
    expect.objectContaining({ code: 'NO_NODE' }),
    null,
    undefined,
  ]);
});

test('a namespace shares the session and hides its root', async () => {
  const { world, zk, stream } = await connected();
  const view = zk.namespace('/app');
  const call = held(view.create('/a-', '', { mode: 'ephemeral-sequential' }));
  await world.turn();
  expect(stream.requests[0]).toMatchObject({ create: { path: '/app/a-', mode: 'EPHEMERAL_SEQUENTIAL' } });
  await stream.say(created(1, '/app/a-0000000001'));
  expect((await call).path).toBe('/a-0000000001');
  expect(view.session).toBe(zk.session);
});

test('a protected create carries a guid that its name tells', async () => {
  const { world, zk, stream } = await connected();
  held(zk.create('/locks/lock-', '', { mode: 'ephemeral-sequential', protect: true }));
  await world.turn();
  const [request] = stream.requests;
  const path = request?.kind === 'create' ? request.create.path : '';
  expect(paths.parent(path)).toBe('/locks');
  expect(paths.protectedId(paths.name(path))).toMatch(/^[0-9a-f-]{36}$/);
});

test('data is copied: a caller may change its bytes after the call', async () => {
  const { world, zk, stream } = await connected();
  held(zk.get('/first'));
  const bytes = Uint8Array.of(1, 2, 3);
  held(zk.set('/a', bytes));
  bytes.fill(9);
  await world.turn();
  expect(stream.requests[1]).toMatchObject({ set: { data: Uint8Array.of(1, 2, 3), version: undefined } });
});

test('a bad path, version or timeout rejects and sends nothing', async () => {
  const { zk, stream } = await connected();
  await expect(zk.get('a')).rejects.toMatchObject({ code: 'INVALID_PATH', path: 'a', op: 'get' });
  await expect(zk.set('/a', '', { version: 1.5 })).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
  await expect(zk.get('/a', { timeoutMs: -1 })).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
  expect(stream.requests).toEqual([]);
});

test('a refused transaction tells which operation and the code of each', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.transaction().create('/a').check('/b', { version: 2 }).checkAbsent('/c').commit());
  await world.turn();
  const refusal = {
    code: 'BAD_VERSION' as const,
    message: 'it is 3',
    failedIndex: 1,
    codes: ['OK' as const, 'BAD_VERSION' as const, 'OK' as const],
  };
  await stream.say({ kind: 'reply', reply: { kind: 'refused', xid: 1, zxid: 101, refused: refusal } });
  expect(await outcomeOf(call)).toMatchObject({
    code: 'TRANSACTION_FAILED',
    index: 1,
    results: [null, { code: 'BAD_VERSION', path: '/b' }, null],
    outcome: 'not-applied',
  });
});

test('a guarded transaction checks the node of the lease and is bound to its session', async () => {
  const { world, zk, stream } = await connected();
  const lease = { path: '/lock/mine', sessionId: 7n } as Lease;
  held(zk.transaction().guard(lease).set('/a', 'x').commit());
  await world.turn();
  expect(stream.requests[0]).toMatchObject({
    transaction: {
      operations: [{ kind: 'checkOwner', checkOwner: { path: '/lock/mine', sessionId: 7 } }, { kind: 'set' }],
    },
  });
  const foreign = { path: '/lock/mine', sessionId: 6n } as Lease;
  await expect(zk.transaction().guard(foreign).commit()).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
});

test('reads carry their terms', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.get('/a', { linearizable: true, minZxid: 300n, watch: true }));
  await world.turn();
  expect(stream.requests[0]).toMatchObject({ linearizable: true, minZxid: 300, get: { watch: true } });
  await stream.say(data(1, [1], 300));
  expect(Object.keys(await call)).toEqual(['path', 'data', 'stat', 'watch']);
});

test.each([
  { name: 'a container', options: { mode: 'container' }, wire: { mode: 'CONTAINER', ttlMs: 0 } },
  { name: 'a TTL', options: { mode: 'ttl', ttlMs: 5_000 }, wire: { mode: 'TTL', ttlMs: 5_000 } },
  {
    name: 'a TTL and a sequence',
    options: { mode: 'ttl-sequential', ttlMs: 2 ** 40 - 1 },
    wire: { mode: 'TTL_SEQUENTIAL', ttlMs: 2 ** 40 - 1 },
  },
] as const)('create with $name', async ({ options, wire }) => {
  const { world, zk, stream } = await connected();
  held(zk.create('/a', 'x', options));
  held(zk.transaction().create('/b', 'x', options).commit());
  await world.turn();
  expect(stream.requests).toMatchObject([
    { create: { path: '/a', ...wire, acl: [] } },
    { transaction: { operations: [{ create: { path: '/b', ...wire } }] } },
  ]);
});

test.each([
  { name: 'a TTL mode without ttlMs', options: { mode: 'ttl' }, code: 'BAD_ARGUMENTS' },
  { name: 'ttlMs 0', options: { mode: 'ttl', ttlMs: 0 }, code: 'BAD_ARGUMENTS' },
  { name: 'ttlMs 2^40', options: { mode: 'ttl', ttlMs: 2 ** 40 }, code: 'BAD_ARGUMENTS' },
  { name: 'ttlMs of another mode', options: { mode: 'ephemeral', ttlMs: 5 }, code: 'BAD_ARGUMENTS' },
  { name: 'an empty ACL', options: { acl: [] }, code: 'INVALID_ACL' },
] as const)('$name is refused before it is sent', async ({ options, code }) => {
  const { zk, stream } = await connected();
  await expect(zk.create('/a', '', options)).rejects.toMatchObject({ code });
  expect(stream.requests).toEqual([]);
});

test('missing parents may be made of containers', async () => {
  const { world, zk, stream } = await connected();
  held(zk.create('/a/b', '', { parents: 'container' }));
  held(zk.ensure('/c', { container: true }));
  await world.turn();
  await stream.say(refused(1, 'NO_NODE'));
  await world.turn();
  expect(stream.requests.slice(1)).toMatchObject([
    { create: { path: '/c', mode: 'CONTAINER' } },
    { create: { path: '/a', mode: 'CONTAINER' } },
  ]);
});

test.each([
  { name: 'atomic of one node', options: { atomic: true } },
  { name: 'recursive at a version', options: { recursive: true, version: 1 } },
  { name: 'recursive and guaranteed', options: { recursive: true, guaranteed: true } },
])('a delete that is $name is refused before it is sent', async ({ options }) => {
  const { zk, stream } = await connected();
  await expect(zk.delete('/a', options)).rejects.toMatchObject({ code: 'BAD_ARGUMENTS', path: '/a' });
  expect(stream.requests).toEqual([]);
});

test('a recursive delete may be one change, and what others deleted meanwhile is deleted', async () => {
  const { world, zk, stream } = await connected();
  const atomic = held(zk.delete('/a', { recursive: true, atomic: true }));
  const shared = held(zk.delete('/b', { recursive: true }));
  const missing = held(zk.delete('/c', { recursive: true }));
  await world.turn();
  const part = { kind: 'deleteTree', deleteTree: { path: '/b', deleted: 9, done: false } } as const;
  await stream.say(refused(1, 'LIMIT'), wrote(2, [part]), refused(3, 'NO_NODE'));
  await world.turn();
  expect(stream.requests[0]).toMatchObject({ deleteTree: { atomic: true } });
  await stream.say(refused(4, 'NO_NODE'));
  await shared;
  expect(await outcomeOf(atomic)).toMatchObject({ code: 'LIMIT' });
  expect(await outcomeOf(missing)).toMatchObject({ code: 'NO_NODE' });
});

test('an ACL is read and written in words, a touch and a count of descendants are asked for', async () => {
  const { world, zk, stream } = await connected();
  const view = zk.namespace('/app');
  const calls = [
    held(view.getAcl('/a')),
    held(view.setAcl('/a', [{ scheme: 'digest', id: 'u:x', perms: ['read', 'admin'] }], { version: 2 })),
    held(view.touch('/a')),
    held(view.descendants('/a', { linearizable: true })),
    held(view.whoAmI()),
  ] as const;
  await world.turn();
  expect(stream.requests).toMatchObject([
    { getAcl: { path: '/app/a' } },
    {
      requestNo: 1,
      setAcl: { path: '/app/a', acl: [{ perms: 17, scheme: 'digest', id: 'u:x' }], version: 2 },
    },
    { requestNo: 2, touch: { path: '/app/a' } },
    { linearizable: true, descendants: { path: '/app/a' } },
    { kind: 'whoAmI' },
  ]);
  const wireAcl = [
    { perms: 31, scheme: 'world', id: 'anyone' },
    { perms: 6, scheme: 'ip', id: '10.0.0.0/8' },
  ];
  const [stat, zxid] = [statAt(101), 101];
  await stream.say(
    { kind: 'reply', reply: { kind: 'getAcl', xid: 1, zxid, getAcl: { acl: wireAcl, stat } } },
    wrote(2, [{ kind: 'setAcl', setAcl: { path: '/app/a', stat } }]),
    wrote(3, [{ kind: 'touch', touch: { path: '/app/a' } }]),
    { kind: 'reply', reply: { kind: 'descendants', xid: 4, zxid, descendants: { count: 12 } } },
    {
      kind: 'reply',
      reply: { kind: 'whoAmI', xid: 5, zxid, whoAmI: { identities: [{ scheme: 'ip', id: '::1' }] } },
    },
  );
  expect((await calls[0]).acl).toEqual([
    { scheme: 'world', id: 'anyone', perms: 'all' },
    { scheme: 'ip', id: '10.0.0.0/8', perms: ['write', 'create'] },
  ]);
  expect((await calls[1]).czxid).toBe(101n);
  await calls[2];
  expect([await calls[3], await calls[4]]).toEqual([12, [{ scheme: 'ip', id: '::1' }]]);
});

test('an ACL that allows nobody anything or names no permission is refused before it is sent', async () => {
  const { zk, stream } = await connected();
  const unknown = [{ scheme: 'world', id: 'anyone', perms: ['fly'] }] as unknown as readonly Acl[];
  await expect(zk.setAcl('/a', [])).rejects.toMatchObject({ code: 'INVALID_ACL' });
  await expect(zk.setAcl('/a', unknown)).rejects.toMatchObject({ code: 'INVALID_ACL' });
  await expect(zk.addAuth('', 'x')).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
  expect(stream.requests).toEqual([]);
});

test.each([
  { name: 'all of the view', prefix: undefined, asked: '/app', seen: ['/', '/x', '/xy'] },
  { name: 'a prefix', prefix: '/x', asked: '/app/x', seen: ['/', '/x', '/xy'] },
])('ephemerals: $name', async ({ prefix, asked, seen }) => {
  const { world, zk, stream } = await connected();
  const call = held(zk.namespace('/app').ephemerals(prefix));
  await world.turn();
  expect(stream.requests[0]).toMatchObject({ ephemerals: { prefix: asked } });
  const paths = ['/app', '/app/x', '/app/xy', '/apple'];
  await stream.say({
    kind: 'reply',
    reply: { kind: 'ephemerals', xid: 1, zxid: 101, ephemerals: { paths } },
  });
  expect(await call).toEqual(seen);
  await expect(zk.ephemerals('x')).rejects.toMatchObject({ code: 'INVALID_PATH' });
});

test('several reads have each their result or error', async () => {
  const { world, zk, stream } = await connected();
  const reads = (['get', 'exists', 'children', 'get', 'children'] as const).map((op, n) => ({
    op,
    path: `/n${n}`,
  }));
  const call = held(zk.namespace('/app').multiRead(reads, { minZxid: 50n }));
  await world.turn();
  expect(stream.requests[0]).toMatchObject({
    minZxid: 50,
    multiRead: {
      reads: [{ get: { path: '/app/n0', watch: false } }, { exists: { path: '/app/n1' } }, {}, {}, {}],
    },
  });
  const [stat, list] = [statAt(101), { stat: statAt(101), stats: [] }];
  const results = [
    { kind: 'get', get: { data: Uint8Array.of(1), stat } },
    { kind: 'exists', exists: { stat: undefined } },
    { kind: 'children', children: { ...list, names: ['x'], more: false } },
    { kind: 'refused', refused: { code: 'NO_AUTH', message: '', failedIndex: undefined, codes: [] } },
    { kind: 'children', children: { ...list, names: ['x'], more: true } },
  ] as const;
  await stream.say({
    kind: 'reply',
    reply: { kind: 'multiRead', xid: 1, zxid: 101, multiRead: { results } },
  });
  expect(await call).toMatchObject([
    { op: 'get', path: '/n0', data: Uint8Array.of(1), stat: { czxid: 101n } },
    { op: 'exists', path: '/n1', stat: null },
    { op: 'children', path: '/n2', children: ['x'] },
    { op: 'get', path: '/n3', error: { code: 'NO_AUTH', path: '/n3' } },
    { op: 'children', path: '/n4', error: { code: 'LIMIT' } },
  ]);
  expect(await zk.multiRead([])).toEqual([]);
});

test('the owner of a node is checked in a transaction: this session, which it is then bound to, or another', async () => {
  const { world, zk, stream } = await connected();
  held(zk.transaction().checkOwner('/mine').checkOwner('/theirs', 9n).delete('/a').commit());
  await world.turn();
  expect(stream.requests[0]).toMatchObject({
    transaction: {
      operations: [
        { checkOwner: { path: '/mine', sessionId: 7 } },
        { checkOwner: { path: '/theirs', sessionId: 9 } },
        { kind: 'delete' },
      ],
    },
  });
  expect(() => zk.transaction().checkOwner('/a', 0n)).toThrow(
    expect.objectContaining({ code: 'BAD_ARGUMENTS' }),
  );
  const bound = zk.transaction().checkOwner('/mine');
  await stream.say(goodbye('SESSION_EXPIRED'));
  await world.advance(60);
  await world.attach({ sessionId: 8 });
  await expect(bound.commit()).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
});

test('the answer that does not fit what was asked is MARSHALLING', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.whoAmI());
  await world.turn();
  await stream.say(data(1, []));
  expect(await outcomeOf(call)).toMatchObject({ code: 'MARSHALLING' });
});

test.each([
  { name: 'an unknown mode', call: (zk: ZooKeeper) => zk.create('/a', '', { mode: 'sticky' as 'ttl' }) },
  { name: 'an unknown read', call: (zk: ZooKeeper) => zk.multiRead([{ op: 'set' as 'get', path: '/a' }]) },
  {
    name: 'credentials of another type',
    call: (zk: ZooKeeper) => zk.addAuth('digest', 5 as unknown as string),
  },
  {
    name: 'a zxid that is no bigint',
    call: (zk: ZooKeeper) => zk.get('/a', { minZxid: 5 as unknown as bigint }),
  },
  { name: 'a fraction of a version', call: (zk: ZooKeeper) => zk.setAcl('/a', acl.OPEN, { version: 0.5 }) },
])('$name is refused before it is sent', async ({ call }) => {
  const { zk, stream } = await connected();
  await expect(call(zk)).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
  expect(stream.requests).toEqual([]);
});
