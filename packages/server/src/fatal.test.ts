import type { ClientEntry } from '@zabra/proto';
import { expect, test } from 'vitest';
import { FaultyDisk } from '../test/faulty-disk.ts';
import { loneServer } from '../test/lone-server.ts';
import { RawStream } from '../test/raw-stream.ts';

const fail = (): Promise<void> => Promise.reject(new Error('EIO'));

const create: ClientEntry = {
  kind: 'request',
  request: {
    xid: 1,
    requestNo: 1,
    answeredThrough: 0,
    minZxid: 0,
    linearizable: false,
    kind: 'create',
    create: { path: '/a', data: new Uint8Array(0), mode: 'PERSISTENT', acl: [], ttlMs: 0, nullData: false },
  },
};

test('a server whose disk fails halts: it says why, leads no more, drops its clients, and can be stopped', async () => {
  await using disk = await FaultyDisk.create();
  await using server = await loneServer({}, { disk });
  using client = RawStream.toClients(server.clientAddress).read();
  await client.attach();
  expect(server.status().role).toBe('leader');
  disk.beforeSync = fail;
  client.say(create);
  expect(await server.ended).toMatchObject({ message: 'EIO' });
  expect(server.status()).toMatchObject({ role: 'looking', connections: 0 });
  await client.status();
  await server.stop();
  using late = RawStream.toClients(server.clientAddress);
  expect(await late.status()).toMatchObject({ code: 14 });
});

test('a disk that fails while the server starts fails the start', async () => {
  await using disk = await FaultyDisk.create();
  disk.beforeSync = fail;
  await expect(loneServer({}, { disk })).rejects.toThrow('EIO');
});
