import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { KEPT_SEEDS } from './seeds.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const MINUTES = 60_000;

/** `npm run simulate -- …` in a process of its own; rejects when it exits with another code than 0. */
async function simulate(...words: readonly string[]): Promise<string> {
  const node = ['--conditions=source', '--import', 'tsx', MAIN, ...words];
  const { stdout } = await promisify(execFile)(process.execPath, node, { maxBuffer: 2 ** 28 });
  return stdout;
}

function traceHash(output: string): string | undefined {
  return /^trace hash ([0-9a-f]{16})$/m.exec(output)?.[1];
}

test(
  'the same seed gives the same trace in two processes, printed or not; another seed gives another',
  async () => {
    const [first, second, printed, other] = await Promise.all([
      simulate('--seed', '7'),
      simulate('--seed', '0x7'),
      simulate('--seed', '7', '--trace'),
      simulate('--seed', '8'),
    ]);
    expect(traceHash(first)).toBeDefined();
    expect(traceHash(second)).toBe(traceHash(first));
    expect(traceHash(printed)).toBe(traceHash(first));
    expect(traceHash(other)).not.toBe(traceHash(first));
    expect(printed.split('\n').length).toBeGreaterThan(1000);
  },
  MINUTES,
);

test.each(KEPT_SEEDS)(
  'seed $seed breaks no rule ($showed)',
  async ({ seed }) => {
    expect(traceHash(await simulate('--seed', seed))).toBeDefined();
  },
  MINUTES,
);

test(
  '30 schedules break no rule, and the report says what they met',
  async () => {
    const output = await simulate('--schedules', '30', '--from', '1000');
    expect(output).toMatch(/^schedules +30$/m);
    expect(output).toMatch(/^failures +0$/m);
    expect(output).toMatch(/^machine crash +[1-9]\d*$/m);
    expect(output).toMatch(/^elections +[1-9]\d*$/m);
    expect(output).toMatch(/^writes acknowledged +[1-9]\d*$/m);
    expect(output).toMatch(/^SNAP +[1-9]\d*$/m);
  },
  5 * MINUTES,
);
