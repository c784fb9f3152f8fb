import { connect } from '@zabra/client';
import { expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';
import { until } from './sdk-link.test-support.ts';
import { codesOf } from './sdk-suite.test-support.ts';

describeWithPrograms('a real ZooKeeper without a quorum', () => {
  test('serves reads to a client that takes it, and writes again once there is one', {
    timeout: 120_000,
  }, async () => {
    await using zookeeper = await startRealZooKeeper({
      servers: 3,
      // Without these it makes no session in that mode.
      config: { localSessionsEnabled: 'true', localSessionsUpgradingEnabled: 'true' },
      properties: { 'readonlymode.enabled': 'true' },
    });
    await using zk = await connect({
      servers: `zookeeper://${zookeeper.servers}`,
      sessionTimeoutMs: 10_000,
      readOnly: true,
    });
    await zk.create('/kept', 'x');
    const [first = 0, second = 0] = zookeeper.ids;
    await zookeeper.kill(first);
    await zookeeper.kill(second);
    await until('it is served without a quorum', () => zk.state === 'connected-read-only');
    expect((await zk.get('/kept')).stat.version).toBe(0);
    expect(
      await codesOf(
        () => zk.set('/kept', 'y'),
        () => zk.sync(),
      ),
    ).toEqual(['NOT_READ_ONLY', 'NOT_READ_ONLY']);

    await zookeeper.restart(first);
    await until('there is a quorum again', () => zk.state === 'connected');
    expect((await zk.set('/kept', 'y')).version).toBe(1);
  });
});
