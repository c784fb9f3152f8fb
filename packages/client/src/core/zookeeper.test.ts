import type { ClientRequest } from '@zabra/proto';
import { expect, test } from 'vitest';
import { connected, created, data, deleted, held, outcomeOf, refused } from './fake-network.test-support.ts';
import type { Lease } from './lease.ts';
import { paths } from './paths.ts';

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

test('a recursive delete takes the children first', async () => {
  const { world, zk, stream } = await connected();
  const call = held(zk.delete('/a', { recursive: true }));
  await world.turn();
  const stat = { ...zeroStat };
  await stream.say({
    kind: 'reply',
    reply: { kind: 'children', xid: 1, zxid: 101, children: { names: ['x', 'y'], stat } },
  });
  await world.turn();
  await stream.say(deleted(2, '/a/x'), refused(3, 'NO_NODE'));
  await world.turn();
  await stream.say(deleted(4, '/a'));
  await call;
  expect(pathsOf(stream.requests)).toEqual(['children', 'delete /a/x', 'delete /a/y', 'delete /a']);
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
      operations: [{ kind: 'check', check: { path: '/lock/mine', version: undefined } }, { kind: 'set' }],
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

const zeroStat = {
  czxid: 1,
  mzxid: 1,
  pzxid: 1,
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0,
  dataLength: 0,
  numChildren: 2,
};
