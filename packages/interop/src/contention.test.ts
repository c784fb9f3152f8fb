import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@zabra/client';
import { expect, test } from 'vitest';
import { contend } from './contender.ts';
import { compileJava } from './curator-programs.ts';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { runProgram } from './program.ts';
import { PYTHON } from './programs.ts';
import { startZabra } from './zabra.ts';

/** Turns in all, and the one after which the leader is killed. */
const TOTAL = 300;
const KILL_AFTER = 100;
const NAMES = ['curator', 'kazoo-1', 'kazoo-2', 'zabra-1', 'zabra-2'];
const KAZOO = fileURLToPath(new URL('../python/contender.py', import.meta.url));

describeWithPrograms('one lock for all', () => {
  test("our Mutex, Curator's InterProcessMutex and kazoo's Lock hold it one at a time, the leader killed in between", {
    timeout: 120_000,
  }, async () => {
    await using java = await compileJava(['Contender.java']);
    await using zabra = await startZabra();
    await using folder = await temporaryFolder();
    await using zk = await connect(zabra.ownServers);
    await zk.create('/counter', '0');

    const where = { lock: '/locks/one', counter: '/counter', folder: folder.path, total: TOTAL };
    const program = (command: readonly string[], name: string): Promise<unknown> => {
      const args = [zabra.servers, where.lock, where.counter, where.folder, name, String(TOTAL)];
      return runProgram([...command, ...args], zabra);
    };
    const all = Promise.all([
      program(java.commandLine('interop.Contender'), 'curator'),
      program([PYTHON, '-B', KAZOO], 'kazoo-1'),
      program([PYTHON, '-B', KAZOO], 'kazoo-2'),
      contend({ ...where, servers: zabra.ownServers, name: 'zabra-1' }),
      contend({ ...where, servers: zabra.ownServers, name: 'zabra-2' }),
    ]);
    await Promise.race([all, journalOf(folder.path, KILL_AFTER)]);
    await zabra.kill('leader');
    await all;

    const journal = await journalOf(folder.path, TOTAL);
    const handOvers = journal.filter((name, index) => index > 0 && name !== journal[index - 1]);
    expect(journal).toHaveLength(TOTAL);
    expect(new TextDecoder().decode((await zk.get('/counter')).data)).toBe(String(TOTAL));
    expect(handOvers.length).toBeGreaterThan(TOTAL / 2);
    expect([...new Set(journal)].sort()).toEqual(NAMES);
    // In a fair line nobody who came at the start gets much less than the others.
    for (const name of NAMES) {
      expect(journal.filter((one) => one === name).length).toBeGreaterThan(TOTAL / 20);
    }
    // Whoever held it has left the line.
    expect(await zk.children(where.lock)).toEqual([]);
  });
});

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'contention-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Who held the lock, in order, once it was held so often. */
async function journalOf(folder: string, turns: number): Promise<readonly string[]> {
  for (;;) {
    const text = await readFile(join(folder, 'journal'), { encoding: 'utf8', flag: 'a+' });
    const names = text.split('\n').slice(0, -1);
    if (names.length >= turns) return names;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
