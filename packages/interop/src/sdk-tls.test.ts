import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@zabra/client';
import { freePorts } from '@zabra/testing';
import { expect, onTestFinished, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';

describeWithPrograms('TLS to a real ZooKeeper', () => {
  test('both sides show their certificates, and who shows none or trusts nobody is not served', async () => {
    const server = await certificate('server');
    const client = await certificate('client');
    const [port] = await freePorts(1);
    await using _zookeeper = await startRealZooKeeper({
      config: {
        secureClientPort: String(port),
        secureClientPortAddress: '127.0.0.1',
        serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      },
      properties: {
        'zookeeper.ssl.keyStore.location': server.store,
        'zookeeper.ssl.trustStore.location': client.trusted,
      },
    });
    const servers = `zookeeper+tls://127.0.0.1:${port}`;
    const own = { cert: client.pem, key: client.key };

    await using zk = await connect({ servers, tls: { ca: server.pem, ...own } });
    await zk.create('/over-tls', 'x');
    expect((await zk.whoAmI()).map(({ scheme }) => scheme)).toContain('x509');
    const briefly = { servers, connectTimeoutMs: 2_000 };
    await expect(connect({ ...briefly, tls: own })).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(connect({ ...briefly, tls: { ca: server.pem } })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
  });
});

/** A self-signed one of 127.0.0.1. `store`: the file of certificate and key. */
async function certificate(
  name: string,
): Promise<{ store: string; trusted: string; pem: string; key: string }> {
  const directory = await mkdtemp(join(tmpdir(), `sdk-tls-${name}-`));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = (end: string): string => join(directory, end);
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const out = ['-out', file('own.pem'), '-keyout', file('own.key')];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...subject, ...out]);
  const [pem, key] = await Promise.all([
    readFile(file('own.pem'), 'utf8'),
    readFile(file('own.key'), 'utf8'),
  ]);
  await writeFile(file('store.pem'), pem + key);
  return { store: file('store.pem'), trusted: file('own.pem'), pem, key };
}
