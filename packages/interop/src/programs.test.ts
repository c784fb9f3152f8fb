import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startLocalEnsemble } from './local-ensemble.ts';
import { runKazoo } from './program.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';
import type { Servers } from './servers.ts';
import { runCliMt, runZkCli } from './shell-scripts.ts';

const PATIENCE_MS = 120_000;

/* Each program runs, unchanged, on three servers of ZooKeeper and on what `npm start` starts, and says the same of both. */
describeWithPrograms("ZooKeeper's own programs", () => {
  const opened: Servers[] = [];
  beforeAll(async () => {
    opened.push(await startRealZooKeeper({ servers: 3, enforceQuota: true }));
    opened.push(await startLocalEnsemble());
  }, PATIENCE_MS);
  afterAll(() => Promise.all(opened.map((servers) => servers[Symbol.asyncDispose]())));

  /** What the real one says, then what Zabra says. */
  async function onBoth<Said>(run: (servers: Servers) => Promise<Said>): Promise<readonly [Said, Said]> {
    const [real, zabra] = opened;
    if (real === undefined || zabra === undefined) throw new Error('both are started before the tests');
    return Promise.all([run(real), run(zabra)]);
  }

  test('zkCli.sh runs its commands', { timeout: PATIENCE_MS }, async () => {
    const [expected, said] = await onBoth(runZkCli);

    expect(expected.lines.length).toBeGreaterThan(250);
    expect(said.lines).toEqual(expected.lines);
    expect(said.events).toEqual(expected.events);
  });

  test("the C client's shell runs its commands", { timeout: PATIENCE_MS }, async () => {
    const [expected, said] = await onBoth(runCliMt);

    expect(expected.lines.length).toBeGreaterThan(150);
    expect(said.lines).toEqual(expected.lines);
    expect(said.events).toEqual(expected.events);
  });

  test('kazoo has nodes, watches, ACLs, transactions and quotas', { timeout: PATIENCE_MS }, async () => {
    const [expected, said] = await onBoth((servers) => runKazoo('data.py', servers, servers.addressOf(1)));

    expect(expected.at(-1)).toBe('state after stop: LOST');
    expect(said).toEqual(expected.map(asZabraSays));
  });

  test('kazoo asks the servers by four letters', { timeout: PATIENCE_MS }, async () => {
    const [expected, said] = await onBoth((servers) => runKazoo('words.py', servers, servers.addressOf(1)));

    expect(expected).toHaveLength(8);
    expect(said).toEqual(expected);
  });

  test('kazoo keeps its sessions across servers and restarts', { timeout: PATIENCE_MS }, async () => {
    const [expected, said] = await onBoth((servers) => runKazoo('sessions.py', servers, servers.servers));

    expect(expected.at(-1)).toBe('closed');
    expect(said).toEqual(expected);
  });

  test("kazoo's recipes go on when the leader is killed in their middle", {
    timeout: PATIENCE_MS,
  }, async () => {
    const [expected, said] = await onBoth((servers) => runKazoo('recipes.py', servers, servers.servers));

    expect(expected).toHaveLength(12);
    expect(said).toEqual(expected);
  });
});

/** Where they differ, each with a row in docs/zookeeper-differences.md: `exists-needs-read`, `too-much-data`. */
function asZabraSays(line: string): string {
  return line
    .replace(/^(exists without a right to read) returned: .*/, '$1 fails: NoAuthError')
    .replace('2 MB fails: ConnectionLoss', '2 MB fails: BadArgumentsError');
}
