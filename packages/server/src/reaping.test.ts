import { expect, test } from 'vitest';
import { loneServer } from '../test/lone-server.ts';
import { attachEntry, RawStream } from '../test/raw-stream.ts';

const NOTHING = new Uint8Array(0);

/** The root and what is reserved under it. */
const RESERVED = 4;

test('a leader removes what has lived its time, and says how many', async () => {
  await using server = await loneServer({ timing: { containerGraceMs: 100 } });
  using client = RawStream.toClients(server.clientAddress);
  client.read();
  client.say(attachEntry({}));
  const numbers = (xid: number) => ({
    xid,
    requestNo: xid,
    answeredThrough: 0,
    minZxid: 0,
    linearizable: false,
  });
  const before = server.status().znodes;
  expect(before).toBe(RESERVED);
  const creations = [
    { path: '/container', mode: 'CONTAINER', ttlMs: 0 },
    { path: '/container/child', mode: 'PERSISTENT', ttlMs: 0 },
    { path: '/short', mode: 'TTL', ttlMs: 1 },
    { path: '/long', mode: 'TTL', ttlMs: 3_600_000 },
  ] as const;
  await client.hear();
  creations.forEach((creation, index) => {
    const create = { data: NOTHING, acl: [], nullData: false, ...creation };
    client.say({ kind: 'request', request: { ...numbers(index + 1), kind: 'create', create } });
  });
  await expect.poll(() => server.status()).toMatchObject({ znodes: before + 3, reaped: 1 });
  const gone = { path: '/container/child', version: undefined };
  const request = { ...numbers(5), kind: 'delete', delete: gone } as const;
  client.say({ kind: 'request', request });
  await expect.poll(() => server.status()).toMatchObject({ znodes: before + 1, reaped: 2 });
});
