import { parseArgs } from 'node:util';
import { coreFuzz } from './core-fuzz.ts';
import { socketFuzz } from './socket-fuzz.ts';

/*
 * `npm run fuzz -- --frames 1000000 --seed 1`: mutated frames of ZooKeeper's wire over sockets to servers in processes of
 * their own. `--core` sends them into the core of a server in this process instead. Ends with 1 where anything is wrong.
 */
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    servers: { type: 'string', default: '3' },
    connections: { type: 'string', default: '100' },
    core: { type: 'boolean', default: false },
  },
});
const PORTION = 25_000;
const MiB = 2 ** 20;
/** What a server may have beyond what it began with, after and in between: the limits of the run, and what a heap keeps. */
const GROWTH_MIB = 192;
const PEAK_MIB = 384;
const frames = Number(values.frames);
const seed = Number(values.seed);
const beganMs = performance.now();

if (values.core) runCore();
else await runSockets();
console.log(`${((performance.now() - beganMs) / 1000).toFixed(0)} s`);

/** In portions, each with a seed of its own: what one finds is found again by it alone. */
function runCore(): void {
  for (let from = 0, each = seed; from < frames; from += PORTION, each++) {
    const tally = coreFuzz(each, Math.min(PORTION, frames - from));
    console.log(`seed ${each}: ${JSON.stringify(tally)}`);
  }
}

async function runSockets(): Promise<void> {
  const outcome = await socketFuzz({
    seed,
    frames,
    servers: Number(values.servers),
    connections: Number(values.connections),
    progress: (line) => console.log(line),
  });
  const sent = Object.values(outcome.frames).reduce((sum, count) => sum + count, 0);
  console.log(`seed ${seed}: ${sent} frames over ${outcome.connections} connections`);
  console.log(`  mutations: ${JSON.stringify(outcome.frames)}`);
  console.log(`  ended by a server: ${outcome.hungUp}`);
  console.log(
    `  the client that behaves: ${outcome.honestWrites} writes, each done once and in its turn, the slowest in ${outcome.worstMs.toFixed(0)} ms`,
  );
  for (const [index, after] of outcome.after.entries()) {
    const beforeMiB = (outcome.before[index]?.residentBytes ?? 0) / MiB;
    const afterMiB = after.residentBytes / MiB;
    const peakMiB = after.residentBytesPeak / MiB;
    console.log(
      `  server ${index + 1}, ${after.role}, digest ${after.digest} at 0x${after.zxid.toString(16)}`,
    );
    console.log(
      `    memory: ${beforeMiB.toFixed(0)} MiB before, ${peakMiB.toFixed(0)} at most, ${afterMiB.toFixed(0)} after`,
    );
    for (const [why, count] of Object.entries(after.ended).sort(([, left], [, right]) => right - left))
      console.log(`    ${count} × ${why}`);
    check(after.errors.length === 0, `errors: ${after.errors.join('; ')}`);
    check(afterMiB - beforeMiB < GROWTH_MIB, `it keeps ${(afterMiB - beforeMiB).toFixed(0)} MiB more`);
    check(peakMiB - beforeMiB < PEAK_MIB, `it took ${(peakMiB - beforeMiB).toFixed(0)} MiB more`);
  }
}

function check(holds: boolean, fault: string): void {
  if (holds) return;
  console.log(`    WRONG: ${fault}`);
  process.exitCode = 1;
}
