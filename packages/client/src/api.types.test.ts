import { expectTypeOf, test } from 'vitest';
import {
  type Bytes,
  type Codec,
  type ConnectOptions,
  connect,
  createClient,
  isZkError,
  json,
  type Lease,
  LeaseLostError,
  type OneShot,
  retry,
  type SessionEvent,
  type Snapshot,
  type Stat,
  type TxResult,
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
    zk.session.on('expired', (event) => expectTypeOf(event.by).toEqualTypeOf<'server' | 'local-deadline'>());
    for await (const event of zk.session.events()) expectTypeOf(event).toEqualTypeOf<SessionEvent>();
    await zk.close({ graceMs: 1 });
  };
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
