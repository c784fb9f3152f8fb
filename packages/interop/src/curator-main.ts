import { startEnsemble } from '@zabra/testing';
import { compileJava, runChecks } from './curator-programs.ts';
import { PROMPT_REAL_ZOOKEEPER, PROMPT_ZABRA } from './curator-servers.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';

/*
 * The Java checks again and again, on three servers whose leader is killed in the middle each time:
 *
 *   node --conditions=source --import tsx packages/interop/src/curator-main.ts zabra|zookeeper [ROUNDS] [NAME…]
 *
 * The programs must pass on ZooKeeper's ensemble; what fails on Zabra only is Zabra's. Ends with 1 when anything failed.
 */

interface Killable extends AsyncDisposable {
  kill(which: 'leader'): Promise<number>;
  restart(id: number): Promise<void>;
}

const [which, rounds = '1', ...names] = process.argv.slice(2);
if ((which !== 'zabra' && which !== 'zookeeper') || !/^[1-9]\d*$/.test(rounds)) {
  process.stderr.write('say zabra or zookeeper, and how many rounds\n');
  process.exit(2);
}

await using programs = await compileJava();
let failed = 0;
if (which === 'zabra') {
  await using zabra = await startEnsemble(PROMPT_ZABRA);
  await run(zabra, zabra.zookeeperServers, () => zabra.whenServing());
} else {
  await using zookeeper = await startRealZooKeeper({ servers: 3, ...PROMPT_REAL_ZOOKEEPER });
  await run(zookeeper, zookeeper.servers, () => zookeeper.leader());
}
process.exitCode = failed === 0 ? 0 : 1;

async function run(
  servers: Killable,
  connectString: string,
  whenWell: () => Promise<unknown>,
): Promise<void> {
  for (let round = 1; round <= Number(rounds); round++) {
    const killed: number[] = [];
    const result = await runChecks(programs, connectString, {
      root: `/round-${round}`,
      names,
      killLeader: async () => killed.push(await servers.kill('leader')),
    });
    failed += result.exitCode === 0 ? 0 : 1;
    const facts = [`killed ${killed}`, `${result.ok.length} ok`, ...result.failed, `exit ${result.exitCode}`];
    process.stdout.write(`round ${round}: ${facts.join('; ')}\n`);
    for (const id of killed) await servers.restart(id);
    await whenWell();
  }
}
