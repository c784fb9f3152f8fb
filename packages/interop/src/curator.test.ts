import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileJava, type JavaPrograms, runChecks } from './curator-programs.ts';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';

/**
 * How a real ZooKeeper removes containers and nodes with a TTL as soon as Zabra, and keeps sessions for longer than it
 * takes to find a leader.
 */
const LIKE_ZABRA = { tickTimeMs: 1000, properties: { 'znode.container.checkIntervalMs': '500' } };

describeWithPrograms("Curator's recipes and ZooKeeper's Java client", () => {
  let programs: JavaPrograms;
  beforeAll(async () => {
    programs = await compileJava();
  });
  afterAll(() => programs.close());

  test('are right with a real ZooKeeper, so that what they expect is what ZooKeeper does', {
    timeout: 180_000,
  }, async () => {
    await using zookeeper = await startRealZooKeeper(LIKE_ZABRA);
    const result = await runChecks(programs, zookeeper.servers, { root: '/checks' });
    expect(result.failed, result.output).toEqual([]);
    expect(result.exitCode, result.output).toBe(0);
    expect(result.ok.length).toBeGreaterThanOrEqual(50);
  });

  test('are right with a real ZooKeeper of three servers, whose leader is killed in the middle', {
    timeout: 180_000,
  }, async () => {
    await using zookeeper = await startRealZooKeeper({ servers: 3, ...LIKE_ZABRA });
    const result = await runChecks(programs, zookeeper.servers, {
      root: '/checks',
      killLeader: () => zookeeper.kill('leader'),
    });
    expect(result.failed, result.output).toEqual([]);
    expect(result.exitCode, result.output).toBe(0);
  });
});
