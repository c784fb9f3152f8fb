import { expectTypeOf, test } from 'vitest';
import {
  type Acl,
  acl,
  type Bytes,
  type Codec,
  type ConnectOptions,
  connect,
  createClient,
  gzip,
  type Identity,
  type Instrumentation,
  isZkError,
  json,
  type Lease,
  LeaseLostError,
  type MultiReadResult,
  type Node,
  type OneShot,
  type Quota,
  retry,
  type SessionEvent,
  type Snapshot,
  type Stat,
  type TxResult,
  type WatchEvent,
  type Watcher,
  type ZkError,
  type ZooKeeper,
  type Zxid,
} from './index.ts';

// Checked by the compiler; the bodies never run.

test('the documented calls have the documented types', () => {
  const calls = async (zk: ZooKeeper, lease: Lease) => {
    expectTypeOf(await zk.create('/a', 'x', { mode: 'ephemeral-sequential', parents: true })).toEqualTypeOf<{
      path: string;
      stat: Stat;
    }>();
    expectTypeOf(await zk.get('/a')).toEqualTypeOf<Snapshot<Bytes>>();
    expectTypeOf((await zk.get('/a', { watch: true })).watch).toEqualTypeOf<OneShot>();
    expectTypeOf(await zk.getOrNull('/a')).toEqualTypeOf<Snapshot<Bytes> | null>();
    expectTypeOf(await zk.exists('/a')).toEqualTypeOf<Stat | null>();
    expectTypeOf(await zk.exists('/a', { watch: true })).toEqualTypeOf<{
      stat: Stat | null;
      watch: OneShot;
    }>();
    expectTypeOf(
      await zk.set('/a', new Uint8Array(1), { version: 3, timeoutMs: 2_000 }),
    ).toEqualTypeOf<Stat>();
    expectTypeOf(await zk.put('/a', 'x')).toEqualTypeOf<Stat>();
    expectTypeOf(
      await zk.delete('/a', { recursive: true, missingOk: true, guaranteed: false }),
    ).toEqualTypeOf<void>();
    expectTypeOf(await zk.children('/a')).toEqualTypeOf<readonly string[]>();
    expectTypeOf((await zk.children('/a', { watch: true })).children).toEqualTypeOf<readonly string[]>();
    expectTypeOf(await zk.sync()).toEqualTypeOf<Zxid>();
    expectTypeOf(await zk.transaction().create('/a').guard(lease).commit()).toEqualTypeOf<
      readonly TxResult[]
    >();
    expectTypeOf(zk.namespace('/a')).toEqualTypeOf<ZooKeeper>();
    expectTypeOf(await zk.ensure('/a', { container: true })).toEqualTypeOf<void>();
    expectTypeOf(await zk.create('/a', 'x', { mode: 'ttl', ttlMs: 5, parents: 'container' })).toEqualTypeOf<{
      path: string;
      stat: Stat;
    }>();
    for await (const child of zk.childrenPages('/a', { pageSize: 10, withStat: true })) {
      expectTypeOf(child.name).toEqualTypeOf<string>();
      expectTypeOf(child.stat).toEqualTypeOf<Stat | undefined>();
    }
    for await (const each of zk.walk('/a', { concurrency: 4 }))
      expectTypeOf(each).toEqualTypeOf<Snapshot<Bytes>>();
    expectTypeOf(await zk.getAcl('/a')).toEqualTypeOf<{ acl: readonly Acl[]; stat: Stat }>();
    expectTypeOf(await zk.setAcl('/a', acl.CREATOR_ALL, { version: 1 })).toEqualTypeOf<Stat>();
    expectTypeOf(await zk.addAuth('digest', 'user:password', { timeoutMs: 5 })).toEqualTypeOf<void>();
    expectTypeOf(await zk.whoAmI()).toEqualTypeOf<readonly Identity[]>();
    expectTypeOf(await zk.ephemerals('/a')).toEqualTypeOf<readonly string[]>();
    expectTypeOf(await zk.descendants('/a', { linearizable: true })).toEqualTypeOf<number>();
    expectTypeOf(await zk.touch('/a')).toEqualTypeOf<void>();
    expectTypeOf(await zk.multiRead([{ op: 'get', path: '/a' }])).toEqualTypeOf<readonly MultiReadResult[]>();
    expectTypeOf(await zk.getQuota('/a')).toEqualTypeOf<Quota | null>();
    expectTypeOf(await zk.setQuota('/a', { count: 1, bytesSoft: 2 })).toEqualTypeOf<void>();
    expectTypeOf(await zk.deleteQuota('/a')).toEqualTypeOf<void>();
    expectTypeOf(
      await zk.transaction().checkOwner('/a').checkOwner('/b', 7n).checkAbsent('/c').commit(),
    ).toEqualTypeOf<readonly TxResult[]>();
    const watcher = zk.watch('/a', { recursive: true, maxBuffered: 10, fromZxid: 1n });
    expectTypeOf(watcher).toEqualTypeOf<Watcher<WatchEvent>>();
    expectTypeOf(zk.watchData('/a')).toEqualTypeOf<Watcher<Snapshot<Bytes> | null>>();
    expectTypeOf(zk.watchChildren('/a')).toEqualTypeOf<
      Watcher<{ children: readonly string[]; stat: Stat } | null>
    >();
    const node = zk.node('/a', gzip(json<{ rps: number }>(), { minBytes: 10 }));
    expectTypeOf(node).toEqualTypeOf<Node<{ rps: number }>>();
    expectTypeOf(await node.update((current) => ({ rps: (current?.rps ?? 0) + 1 }))).toEqualTypeOf<
      Snapshot<{ rps: number }>
    >();
    for await (const value of node.watch())
      expectTypeOf(value).toEqualTypeOf<Snapshot<{ rps: number }> | null>();
    expectTypeOf(zk.state).toEqualTypeOf<
      'connecting' | 'connected' | 'connected-read-only' | 'suspended' | 'expired' | 'closed' | 'auth-failed'
    >();
    zk.session.on('expired', (event) => expectTypeOf(event.by).toEqualTypeOf<'server' | 'local-deadline'>());
    for await (const event of zk.session.events()) expectTypeOf(event).toEqualTypeOf<SessionEvent>();
    await zk.close({ graceMs: 1 });
  };
  const options: ConnectOptions = {
    servers: 'h1:1',
    readOnly: true,
    auth: [
      { scheme: 'digest', credentials: 'user:password' },
      { scheme: 'token', credentials: async () => new Uint8Array(1) },
    ],
    instrumentation: { request: () => ({ end: () => {} }), session: () => {}, recipe: () => {} },
  };
  expectTypeOf(options.instrumentation).toEqualTypeOf<Instrumentation | undefined>();
  expectTypeOf(connect).parameters.toEqualTypeOf<[ConnectOptions | string]>();
  expectTypeOf(createClient).returns.toEqualTypeOf<ZooKeeper>();
  expectTypeOf(json<{ rps: number }>()).toEqualTypeOf<Codec<{ rps: number }>>();
  expectTypeOf(retry.exponential({ maxMs: 5_000 })).toBeFunction();
  expectTypeOf(LeaseLostError).toBeConstructibleWith('node-deleted');
  const narrowed = (error: unknown) => {
    if (isZkError(error, 'BAD_VERSION'))
      expectTypeOf(error).toEqualTypeOf<ZkError & { readonly code: 'BAD_VERSION' }>();
  };
  expectTypeOf(calls).toBeFunction();
  expectTypeOf(narrowed).toBeFunction();
});
