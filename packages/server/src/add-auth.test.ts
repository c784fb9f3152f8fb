import type { ServerEntry } from '@zabra/proto';
import { expect, test } from 'vitest';
import { loneServer } from '../test/lone-server.ts';
import { type RawClient, RawStream } from '../test/raw-stream.ts';
import type { RunningServer } from './server.ts';

/* Proofs go through the real worker, the leader's table and its judgement. */

const ALL = 31;

async function attached(server: RunningServer): Promise<RawClient> {
  const client = RawStream.toClients(server.clientAddress);
  client.read();
  await client.attach();
  return client;
}

function numbers(xid: number, requestNo = 0) {
  return { xid, requestNo, answeredThrough: 0, minZxid: 0, linearizable: false };
}

async function reply(client: RawClient): Promise<Extract<ServerEntry, { kind: 'reply' }>['reply']> {
  for (;;) {
    const entry = await client.hear();
    if (entry.kind === 'reply') return entry.reply;
  }
}

function prove(client: RawClient, xid: number, secret: string): void {
  const addAuth = { scheme: 'digest', credentials: new TextEncoder().encode(secret) };
  client.say({ kind: 'request', request: { ...numbers(xid), kind: 'addAuth', addAuth } });
}

function set(client: RawClient, xid: number, requestNo: number): void {
  const written = { path: '/hers', data: Uint8Array.of(1), version: undefined, nullData: false };
  client.say({ kind: 'request', request: { ...numbers(xid, requestNo), kind: 'set', set: written } });
}

test('a password opens what its user closed, for the writes behind it', async () => {
  await using server = await loneServer();
  using alice = await attached(server);
  prove(alice, 1, 'alice:wonderland');
  const acl = [{ perms: ALL, scheme: 'auth', id: '' }];
  const create = {
    path: '/hers',
    data: new Uint8Array(0),
    mode: 'PERSISTENT',
    acl,
    ttlMs: 0,
    nullData: false,
  } as const;
  alice.say({ kind: 'request', request: { ...numbers(2, 1), kind: 'create', create } });
  expect(await reply(alice)).toMatchObject({ kind: 'addAuth' });
  expect(await reply(alice)).toMatchObject({ kind: 'write', write: { results: [{ kind: 'create' }] } });

  using other = await attached(server);
  set(other, 1, 1);
  prove(other, 2, 'nobody');
  prove(other, 3, 'alice:wonderland');
  set(other, 4, 2);
  expect(await reply(other)).toMatchObject({ xid: 1, kind: 'refused', refused: { code: 'NO_AUTH' } });
  expect(await reply(other)).toMatchObject({ xid: 2, kind: 'refused', refused: { code: 'AUTH_FAILED' } });
  expect(await reply(other)).toMatchObject({ xid: 3, kind: 'addAuth' });
  expect(await reply(other)).toMatchObject({ xid: 4, kind: 'write', write: { results: [{ kind: 'set' }] } });
});
