import { connect } from '@zabra/client';
import { freePorts } from '@zabra/testing';
import { expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';
import { selfSigned } from './self-signed.test-support.ts';

describeWithPrograms('TLS to a real ZooKeeper', () => {
  test('both sides show their certificates, and who shows none or trusts nobody is not served', async () => {
    const server = await selfSigned('server');
    const client = await selfSigned('client');
    const [port] = await freePorts(1);
    await using _zookeeper = await startRealZooKeeper({
      config: {
        secureClientPort: String(port),
        secureClientPortAddress: '127.0.0.1',
        serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      },
      properties: {
        'zookeeper.ssl.keyStore.location': server.storeFile,
        'zookeeper.ssl.trustStore.location': client.pemFile,
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
