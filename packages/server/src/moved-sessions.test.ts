import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attached, ServerEntry } from '@zabra/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attachEntry, type RawClient, RawStream } from '../test/raw-stream.ts';
import { parseConfig } from './config.ts';
import { type RunningServer, startServer } from './server.ts';

/* A session is had by one stream of one server, and by nobody who cannot prove that it is his. */

let dataDir: string;
let servers: readonly RunningServer[];
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'zabra-server-'));
  const ports = await freePorts(9);
  const members = [1, 2, 3].map((id) => ({
    id,
    client: `127.0.0.1:${ports[id - 1]}`,
    peer: `127.0.0.1:${ports[id + 2]}`,
    zookeeper: `127.0.0.1:${ports[id + 5]}`,
  }));
  servers = await Promise.all(
    members.map(({ id }) =>
      startServer(
        parseConfig({ id, clusterId: 'orchard', dataDir: join(dataDir, `${id}`), members }, 'test'),
      ),
    ),
  );
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

function clientOf(server: number): RawClient {
  const client = RawStream.toClients(servers[server]?.clientAddress ?? '');
  client.read();
  return client;
}

function numbers(xid: number, requestNo: number) {
  return { xid, requestNo, answeredThrough: 0, minZxid: 0, linearizable: requestNo === 0 };
}

function create(client: RawClient, requestNo: number, path: string): void {
  const create = {
    path,
    data: new Uint8Array(0),
    mode: 'PERSISTENT',
    acl: [],
    ttlMs: 0,
    nullData: false,
  } as const;
  client.say({ kind: 'request', request: { ...numbers(requestNo, requestNo), kind: 'create', create } });
}

async function reply(client: RawClient): Promise<ServerEntry> {
  for (;;) {
    const entry = await client.hear();
    if (entry.kind === 'reply') return entry;
  }
}

/** Whether the node is there, confirmed by a quorum. */
async function isThere(client: RawClient, xid: number, path: string): Promise<boolean> {
  client.say({
    kind: 'request',
    request: { ...numbers(xid, 0), kind: 'exists', exists: { path, watch: false } },
  });
  const entry = await reply(client);
  expect(entry).toMatchObject({ kind: 'reply', reply: { xid, kind: 'exists' } });
  return entry.kind === 'reply' && entry.reply.kind === 'exists' && entry.reply.exists.stat !== undefined;
}

/** By the same client, or by whom it handed the session to. */
const heirs: readonly { readonly who: string; readonly nonce: string }[] = [
  { who: 'the same client', nonce: 'a-client' },
  { who: 'another client that has the password', nonce: 'an-heir' },
];

test.each(heirs)(
  'what comes on the stream that a session has left for $who is not done',
  async ({ nonce }) => {
    using left = clientOf(0);
    const { sessionId, password } = await left.attach();
    create(left, 1, `/in-time-of-${nonce}`);
    expect(await reply(left)).toMatchObject({ reply: { kind: 'write' } });
    using heir = clientOf(1);
    const taken = await heir.attach({ sessionId, password, nonce, attempt: 2 });
    expect(taken).toMatchObject({ sessionId } satisfies Partial<Attached>);
    create(left, 2, `/late-of-${nonce}`);
    expect(await left.hearGoodbye()).toMatchObject({ code: 'SESSION_MOVED' });
    create(heir, 3, `/heirs-of-${nonce}`);
    expect(await reply(heir)).toMatchObject({ reply: { kind: 'write' } });
    expect(await isThere(heir, 4, `/late-of-${nonce}`)).toBe(false);
    expect(await isThere(heir, 5, `/in-time-of-${nonce}`)).toBe(true);
  },
);

test('a wrong password disturbs the stream that has the session at no server', async () => {
  using owner = clientOf(0);
  const { sessionId } = await owner.attach();
  for (const server of [0, 1, 2]) {
    using thief = clientOf(server);
    thief.say(attachEntry({ sessionId, password: new Uint8Array(16), nonce: 'a-thief', attempt: 9 }));
    expect(await thief.hearGoodbye()).toMatchObject({ code: 'SESSION_EXPIRED' });
    owner.say({ kind: 'heartbeat', heartbeat: { number: server + 1 } });
    expect(await owner.hear()).toMatchObject({ kind: 'heartbeatAck', heartbeatAck: { number: server + 1 } });
  }
  create(owner, 1, '/undisturbed');
  expect(await reply(owner)).toMatchObject({ reply: { kind: 'write' } });
});

/** Held all at once while they are drawn, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const holder = createServer();
      await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
      return holder;
    }),
  );
  const ports = holders.map((holder) => (holder.address() as { readonly port: number }).port);
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))));
  return ports;
}
