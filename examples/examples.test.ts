import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { connect } from '@zabra/client';
import { startEnsemble } from '@zabra/testing';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

test('first-lock takes the lock and lets it go', async () => {
  const { code, lines } = await example('first-lock');
  expect(lines[0]).toMatch(/^the lock is mine, with fencing token \d+$/);
  expect(lines.slice(1)).toEqual(['the lock is free again']);
  expect(code).toBe(0);
});

test('wait-at-the-barrier lets nobody through before the migration is done', async () => {
  const { code, lines } = await example('wait-at-the-barrier');
  expect(lines[0]).toBe('the migration is done');
  expect(lines.slice(1).sort()).toEqual([
    'billing starts with the new schema',
    'orders starts with the new schema',
    'search starts with the new schema',
  ]);
  expect(code).toBe(0);
});

test('lock-under-fire counts to 500 while the leader is killed five times', {
  timeout: 120_000,
}, async () => {
  const { code, lines } = await example('lock-under-fire');
  const kill = /^kill \d: server \d, the leader, after (\d+) turns; the next lock \d+ ms later$/gm;
  const turnsAtKills = [...lines.join('\n').matchAll(kill)].map((match) => Number(match[1]));
  expect(turnsAtKills).toHaveLength(5);
  const turnsOfPeace = turnsAtKills.map((turns, index) => turns - (turnsAtKills[index - 1] ?? 0));
  expect(Math.min(...turnsOfPeace)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...turnsAtKills)).toBeLessThan(500);
  expect(lines.at(-2)).toMatch(
    /^500 turns, .* 0 began while another ran, 0 with a fencing token not greater/,
  );
  expect(lines.at(-1)).toBe('total 500');
  expect(code).toBe(0);
});

test('lock-under-fire without its lock loses additions and says so', { timeout: 60_000 }, async () => {
  const { code, lines } = await example('lock-under-fire', '--without-lock');
  const total = Number(/^total (\d+)$/.exec(lines.at(-1) ?? '')?.[1]);
  expect(total).toBeGreaterThan(0);
  expect(total).toBeLessThan(500);
  expect(code).toBe(1);
});

test('an example leaves its mark on the ensemble that ZABRA_SERVERS names', async () => {
  await using ensemble = await startEnsemble();
  await using zk = await connect(ensemble.servers);
  const { code } = await exampleIn({ ZABRA_SERVERS: ensemble.servers }, 'first-lock');
  expect(code).toBe(0);
  expect(await zk.children('/locks')).toEqual(['invoice-42']);
  expect(await zk.children('/locks/invoice-42')).toEqual([]);
});

test.each([
  { name: 'no name', args: [] },
  { name: 'an unknown name', args: ['first-look'] },
])('given $name, the runner lists the examples and exits with 2', async ({ args }) => {
  const { code, stderr } = await example(...args);
  expect(stderr.match(/(?<=npm run example )[a-z-]+/g)).toEqual([
    'first-lock',
    'lock-under-fire',
    'wait-at-the-barrier',
  ]);
  expect(code).toBe(2);
});

interface Ended {
  readonly code: number;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** What `npm run example` runs, without the variables of whoever runs the tests. */
function example(...args: readonly string[]): Promise<Ended> {
  return exampleIn({}, ...args);
}

function exampleIn(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
  const outer = Object.entries(process.env).filter(([name]) => !name.startsWith('ZABRA_'));
  const command = ['--conditions=source', '--import', 'tsx', 'examples/run.ts', ...args];
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: { ...Object.fromEntries(outer), ...env } };
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, lines: stdout.trimEnd().split('\n'), stderr });
    });
  });
}
