import { startEnsemble } from '@zabra/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileJava, type JavaPrograms, runChecks } from './curator-programs.ts';
import { PROMPT_REAL_ZOOKEEPER, PROMPT_ZABRA } from './curator-servers.ts';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';

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
});
