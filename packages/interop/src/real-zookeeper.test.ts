import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';

describeWithPrograms('a real ZooKeeper', () => {
  test('of one server serves, and leaves nothing behind', async () => {
    const zookeeper = await startRealZooKeeper();
    const directory = zookeeper.dataDirOf(1);
    expect(await zookeeper.ask('ruok')).toBe('imok');
    expect(await zookeeper.ask('srvr')).toMatch(/^Zookeeper version: 3\.[\s\S]*^Mode: standalone$/m);
    expect(existsSync(directory)).toBe(true);
    await zookeeper.close();
    await expect(zookeeper.ask('ruok')).rejects.toThrow('ECONNREFUSED');
    expect(existsSync(directory)).toBe(false);
  });

  test('of three servers has a leader, and another one when that is killed', async () => {
    await using zookeeper = await startRealZooKeeper({ servers: 3 });
    const first = await zookeeper.kill('leader');
    const second = await zookeeper.leader();
    expect(second).not.toBe(first);
    await zookeeper.restart(first);
    expect(await zookeeper.leader()).toBe(second);
  });

  test('that cannot start says what the server wrote', async () => {
    await expect(startRealZooKeeper({ config: { tickTime: 'soon' } })).rejects.toThrow(/soon/);
  });
});
