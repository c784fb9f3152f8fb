import { isDeepStrictEqual } from 'node:util';
import { connect, type ZooKeeper } from '@zabra/client';
import { expect, test } from 'vitest';
import { until } from '../test/until.ts';
import { freePorts, startEnsemble } from './index.ts';
import { LinkProxy } from './link-proxy.ts';

const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** Each makes its change through a client whose replies are lost, and says afterwards how often it happened. */
const WRITES: readonly {
  readonly what: string;
  readonly write: (zk: ZooKeeper) => Promise<unknown>;
  readonly happened: (zk: ZooKeeper) => Promise<unknown>;
  readonly once: unknown;
}[] = [
  {
    what: 'a sequential create',
    write: (zk) => zk.create('/parent/item-', '', { mode: 'persistent-sequential' }),
    happened: (zk) => zk.children('/parent'),
    once: ['item-0000000000'],
  },
  {
    what: 'a set',
    write: (zk) => zk.set('/register', 'new'),
    happened: async (zk) => (await zk.get('/register')).stat.version,
    once: 1,
  },
  {
    what: 'a set of the version it found',
    write: (zk) => zk.set('/register', 'new', { version: 0 }),
    happened: async (zk) => text((await zk.get('/register')).data),
    once: 'new',
  },
  {
    what: 'a delete',
    write: (zk) => zk.delete('/doomed'),
    happened: (zk) => zk.exists('/doomed'),
    once: null,
  },
  {
    what: 'a transaction',
    write: (zk) =>
      zk
        .transaction()
        .create('/parent/item-', '', { mode: 'persistent-sequential' })
        .create('/parent/item-', '', { mode: 'persistent-sequential' })
        .set('/register', 'new', { version: 0 })
        .delete('/doomed')
        .commit(),
    happened: (zk) => zk.children('/parent'),
    once: ['item-0000000000', 'item-0000000001'],
  },
  {
    what: 'a change of the ACL it found',
    write: (zk) =>
      zk.setAcl('/register', [{ scheme: 'world', id: 'anyone', perms: ['read'] }], { version: 0 }),
    happened: async (zk) => (await zk.getAcl('/register')).stat.aversion,
    once: 1,
  },
];

test.each(WRITES)(
  '$what whose reply was lost is made again after the reconnect, and happens once',
  {
    timeout: 60_000,
  },
  async ({ write, happened, once }) => {
    await using ensemble = await startEnsemble();
    await using steady = await connect(ensemble.servers);
    await Promise.all([
      steady.create('/parent'),
      steady.create('/register', 'old'),
      steady.create('/doomed'),
    ]);
    const [port] = (await freePorts(1)) as [number];
    const target = Number(
      ensemble
        .addressOf(ensemble.ids[0] as number)
        .split(':')
        .at(-1),
    );
    const link = await LinkProxy.open(port, target);
    try {
      await using zk = await connect({ servers: `127.0.0.1:${port}`, sessionTimeoutMs: 20_000 });
      await zk.sync('/');
      const before = (await steady.get('/register')).stat.mzxid;

      link.mute();
      const written = write(zk);
      await until('the write was done', async () => {
        const seen = await steady.sync('/');
        return seen > before && isDeepStrictEqual(await happened(steady), once);
      });
      link.heal();

      await written;
      await steady.sync('/');
      expect(await happened(steady)).toEqual(once);
    } finally {
      await link.close();
    }
  },
);
