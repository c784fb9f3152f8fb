import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import type { ServerEntry } from '@zabra/proto';
import { expect, onTestFinished, test } from 'vitest';
import { type Certificate, CN, O, TestAuthority } from '../test/certificates.ts';
import { loneServer } from '../test/lone-server.ts';
import { attachEntry, type RawClient, RawStream } from '../test/raw-stream.ts';
import type { RunningServer } from './server.ts';
import { fetchStatus } from './status.ts';

const READ = 1;
const authority = new TestAuthority('authority of a test');
const stranger = new TestAuthority('authority of another');
const ALICE = authority.issue([
  [O, 'Acme'],
  [CN, 'alice'],
]);

async function tlsServer(more: {
  readonly asksForCertificates: boolean;
  readonly requireClientCertificate?: boolean;
  readonly superUsers?: readonly string[];
}): Promise<RunningServer & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'zabra-tls-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const { pem, key } = authority.issue([[CN, 'a server']]);
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  const ca = join(directory, 'ca.pem');
  await Promise.all([writeFile(files.cert, pem), writeFile(files.key, key), writeFile(ca, authority.pem)]);
  const { asksForCertificates, requireClientCertificate = false, superUsers = [] } = more;
  return await loneServer({
    tls: { client: { ...files, ...(asksForCertificates && { ca }), requireClientCertificate } },
    access: { superUsers },
  });
}

function client(server: RunningServer, own?: Certificate): RawClient {
  const channel = credentials.createSsl(authority.pem, own?.key ?? null, own?.pem ?? null);
  const raw = RawStream.toClients(server.clientAddress, channel);
  raw.read();
  return raw;
}

/** Numbers of the request `xid`, which is a write when it is told its number among them. */
function numbers(xid: number, requestNo = 0) {
  return { xid, requestNo, answeredThrough: 0, minZxid: 0, linearizable: false };
}

async function reply(raw: RawClient): Promise<Extract<ServerEntry, { kind: 'reply' }>['reply']> {
  for (;;) {
    const entry = await raw.hear();
    if (entry.kind === 'reply') return entry.reply;
  }
}

async function whoAmI(raw: RawClient): Promise<unknown> {
  await raw.attach();
  raw.say({ kind: 'request', request: { ...numbers(1), kind: 'whoAmI', whoAmI: {} } });
  return await reply(raw);
}

function knownAs(...identities: readonly object[]): object {
  return { kind: 'whoAmI', whoAmI: { identities: [{ scheme: 'ip', id: '127.0.0.1' }, ...identities] } };
}

test('a client is known by the certificate that it shows, and its subject opens what an ACL gives it', async () => {
  await using server = await tlsServer({ asksForCertificates: true });
  using alice = client(server, ALICE);
  expect(await whoAmI(alice)).toMatchObject(knownAs({ scheme: 'x509', id: 'CN=alice,O=Acme' }));
  const acl = [{ perms: READ, scheme: 'x509', id: 'CN=alice,O=Acme' }];
  const create = {
    path: '/hers',
    data: Uint8Array.of(7),
    mode: 'PERSISTENT',
    acl,
    ttlMs: 0,
    nullData: false,
  } as const;
  alice.say({ kind: 'request', request: { ...numbers(2, 1), kind: 'create', create } });
  expect(await reply(alice)).toMatchObject({ kind: 'write', write: { results: [{ kind: 'create' }] } });

  const get = { ...numbers(3), kind: 'get', get: { path: '/hers', watch: false } } as const;
  alice.say({ kind: 'request', request: get });
  expect(await reply(alice)).toMatchObject({ kind: 'get', get: { data: Uint8Array.of(7) } });
  using anonymous = client(server);
  expect(await whoAmI(anonymous)).toMatchObject(knownAs());
  anonymous.say({ kind: 'request', request: get });
  expect(await reply(anonymous)).toMatchObject({ kind: 'refused', refused: { code: 'NO_AUTH' } });
});

test('a certificate that another authority signed makes nobody known', async () => {
  await using server = await tlsServer({ asksForCertificates: true });
  using forger = client(server, stranger.issue([[CN, 'alice']]));
  expect(await whoAmI(forger)).toMatchObject(knownAs());
});

test('a server without an authority for clients asks for no certificate', async () => {
  await using server = await tlsServer({ asksForCertificates: false });
  using alice = client(server, ALICE);
  expect(await whoAmI(alice)).toMatchObject(knownAs());
});

test('a server that requires certificates serves nobody without one', async () => {
  await using server = await tlsServer({ asksForCertificates: true, requireClientCertificate: true });
  using anonymous = client(server);
  anonymous.say(attachEntry({}));
  expect(await anonymous.status()).toMatchObject({ code: status.UNAVAILABLE });
  using forger = client(server, stranger.issue([[CN, 'alice']]));
  forger.say(attachEntry({}));
  expect(await forger.status()).toMatchObject({ code: status.UNAVAILABLE });
  using alice = client(server, ALICE);
  expect(await whoAmI(alice)).toMatchObject(knownAs({ scheme: 'x509', id: 'CN=alice,O=Acme' }));
});

test('a super user can be named by subject', async () => {
  await using server = await tlsServer({ asksForCertificates: true, superUsers: ['x509:CN=alice,O=Acme'] });
  using alice = client(server, ALICE);
  await alice.attach();
  const create = {
    path: '/closed',
    data: new Uint8Array(0),
    mode: 'PERSISTENT',
    ttlMs: 0,
    nullData: false,
  } as const;
  const acl = [{ perms: READ, scheme: 'digest', id: 'bob:hash' }];
  alice.say({ kind: 'request', request: { ...numbers(1, 1), kind: 'create', create: { ...create, acl } } });
  expect(await reply(alice)).toMatchObject({ kind: 'write', write: { results: [{ kind: 'create' }] } });
  alice.say({
    kind: 'request',
    request: { ...numbers(2), kind: 'get', get: { path: '/closed', watch: false } },
  });
  expect(await reply(alice)).toMatchObject({ kind: 'get' });
});

test('status is asked for with what a client would show', async () => {
  await using server = await tlsServer({ asksForCertificates: true, requireClientCertificate: true });
  const { key, pem: cert } = ALICE;
  expect(await fetchStatus(server.clientAddress, 5000, { ca: authority.pem, key, cert })).toMatchObject({
    serverId: 1,
  });
  await expect(fetchStatus(server.clientAddress, 5000)).rejects.toThrow(/UNAVAILABLE/);
});
