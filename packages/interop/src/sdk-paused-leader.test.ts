import { readdir, readFile } from 'node:fs/promises';
import { connect } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';
import { expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';
import { until } from './sdk-link.test-support.ts';

describeWithPrograms('a real ZooKeeper whose leader stands still', () => {
  test('answers pings, and yet its lease is over in time: only the leader can prove that the session lives', {
    timeout: 60_000,
  }, async () => {
    await using zookeeper = await startRealZooKeeper({ servers: 3 });
    const leader = await zookeeper.leader();
    const follower = zookeeper.ids.find((id) => id !== leader) ?? 0;
    const pid = await pidOf(zookeeper.dataDirOf(leader));
    await using zk = await connect({
      servers: `zookeeper://${zookeeper.addressOf(follower)}`,
      sessionTimeoutMs: 2_000,
    });
    const lease = await new Mutex(zk, '/paused').acquire();
    const events: string[] = [];
    for (const type of ['suspended', 'expired'] as const)
      zk.session.on(type, (event) => events.push(event.type));
    // Past the first beats: attaching alone is not what it lives by.
    let lowest = lease.remainingMs;
    await until('a beat is acknowledged', () => {
      const now = lease.remainingMs;
      lowest = Math.min(lowest, now);
      return now > lowest + 100;
    });

    process.kill(pid, 'SIGSTOP');
    try {
      await until('the lease is over', () => lease.signal.aborted);
    } finally {
      process.kill(pid, 'SIGCONT');
    }

    expect(lease.signal.reason).toMatchObject({ code: 'LEASE_LOST', reason: 'local-deadline' });
    // Its server was there all the time.
    expect(events).toEqual(['expired']);
  });
});

/** Of the server that was started on this directory: the file beside it is on its command line. */
async function pidOf(dataDir: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.startsWith('/usr/bin/java') && command.includes(`${dataDir}.cfg`)) return Number(pid);
  }
  throw new Error(`no server runs on ${dataDir}`);
}
