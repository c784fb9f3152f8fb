import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, startServer } from '@zabra/server';
import { freePorts, startEnsemble } from '@zabra/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { compileJava, type JavaPrograms, runChecks } from './curator-programs.ts';
import { PROMPT_REAL_ZOOKEEPER, PROMPT_ZABRA } from './curator-servers.ts';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';
import { selfSigned } from './self-signed.test-support.ts';

/** Those that the issue names, one check or more for each. */
const RECIPES = [
  'InterProcessMutex',
  'InterProcessReadWriteLock',
  'InterProcessSemaphoreV2',
  'InterProcessMultiLock',
  'LeaderLatch',
  'LeaderSelector',
  'DistributedBarrier',
  'DistributedDoubleBarrier',
  'SharedCount',
  'DistributedAtomicLong',
  'CuratorCache',
  'TreeCache',
  'PathChildrenCache',
  'NodeCache',
  'SimpleDistributedQueue',
  'DistributedQueue',
  'PersistentNode',
  'PersistentTtlNode',
  'GroupMember',
  'PersistentWatcher',
];

/** Short ones that meet every kind of frame. */
const OVER_TLS = [
  'InterProcessMutex',
  'CuratorCache',
  'background',
  'crud',
  'plain.expiry',
  'plain.identities',
];

describeWithPrograms("Curator's recipes and ZooKeeper's Java client", () => {
  let programs: JavaPrograms;
  let passedByZooKeeper: readonly string[];
  beforeAll(async () => {
    programs = await compileJava();
  });
  afterAll(() => programs.close());

  test('find in a real ZooKeeper what they expect', { timeout: 180_000 }, async () => {
    await using zookeeper = await startRealZooKeeper(PROMPT_REAL_ZOOKEEPER);
    const result = await runChecks(programs, zookeeper.servers, { root: '/checks' });
    expect(result.failed, result.output).toEqual([]);
    expect(result.exitCode, result.output).toBe(0);
    expect(result.ok).toEqual(expect.arrayContaining(RECIPES));
    passedByZooKeeper = result.ok;
  });

  test('find the same in Zabra, whose leader is killed while each is in the middle of its work', {
    timeout: 180_000,
  }, async () => {
    await using zabra = await startEnsemble(PROMPT_ZABRA);
    const killed: number[] = [];
    const result = await runChecks(programs, zabra.zookeeperServers, {
      root: '/checks',
      killLeader: async () => killed.push(await zabra.kill('leader')),
    });
    expect(result.failed, result.output).toEqual([]);
    expect(result.exitCode, result.output).toBe(0);
    expect(killed).toHaveLength(1);
    expect(result.ok).toEqual(passedByZooKeeper);
  });

  test('find the same by TLS in both, and are known by their certificate', { timeout: 180_000 }, async () => {
    const server = await selfSigned('server');
    const client = await selfSigned('client');
    const over = {
      root: '/checks',
      names: OVER_TLS,
      properties: {
        'zookeeper.client.secure': 'true',
        'zookeeper.clientCnxnSocket': 'org.apache.zookeeper.ClientCnxnSocketNetty',
        'zookeeper.ssl.keyStore.location': client.storeFile,
        'zookeeper.ssl.trustStore.location': server.pemFile,
        'interop.certificate': 'CN=client',
      },
    };
    const [port] = await freePorts(1);
    await using _zookeeper = await startRealZooKeeper({
      ...PROMPT_REAL_ZOOKEEPER,
      config: {
        secureClientPort: String(port),
        secureClientPortAddress: '127.0.0.1',
        serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      },
      properties: {
        ...PROMPT_REAL_ZOOKEEPER.properties,
        'zookeeper.ssl.keyStore.location': server.storeFile,
        'zookeeper.ssl.trustStore.location': client.pemFile,
      },
    });
    const dataDir = await mkdtemp(join(tmpdir(), 'curator-tls-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const zabra = await startServer(
      parseConfig(
        {
          id: 1,
          clusterId: 'tls',
          dataDir,
          members: [{ id: 1, peer: '127.0.0.1:1', client: '127.0.0.1:2' }],
          listen: {
            client: '127.0.0.1:0',
            peer: '127.0.0.1:0',
            zookeeper: ['127.0.0.1:0'],
            zookeeperTls: ['127.0.0.1:0'],
          },
          tls: {
            client: {
              cert: server.pemFile,
              key: server.keyFile,
              ca: client.pemFile,
              requireClientCertificate: true,
            },
          },
        },
        'test',
      ),
    );
    onTestFinished(() => zabra.stop());
    for (const servers of [`127.0.0.1:${port}`, zabra.zookeeperTlsAddresses[0] ?? '']) {
      const result = await runChecks(programs, servers, over);
      expect(result.failed, result.output).toEqual([]);
      expect(result.ok.toSorted()).toEqual(OVER_TLS.toSorted());
    }
  });
});
