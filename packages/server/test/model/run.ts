import { parseArgs } from 'node:util';
import { FLAWS } from './flaws.ts';
import { modelRun } from './model-run.ts';

// `npm run model -- --seeds 1000`: random operations against the reference model, a run per seed. `--flaw` plants one.
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    operations: { type: 'string', default: '2000' },
    flaw: { type: 'string' },
  },
});
const from = Number(values.from);
const seeds = Number(values.seeds);
const operations = Number(values.operations);
const flaws = values.flaw === undefined ? {} : FLAWS[values.flaw];
if (flaws === undefined) throw new Error(`there is no flaw ${values.flaw}: ${Object.keys(FLAWS).join(', ')}`);
const beganMs = performance.now();

for (let seed = from; seed < from + seeds; seed++) {
  const difference = modelRun(seed, operations, { flaws });
  if (difference === undefined) continue;
  const { operation, session, server, model, story } = difference;
  console.log(`seed ${seed}, operation ${operation}, session ${session}: they differ`);
  console.log(
    `  server: ${JSON.stringify(server)}\n  model:  ${JSON.stringify(model)}\nthe last operations:`,
  );
  for (const line of story) console.log(`  ${line}`);
  process.exit(1);
}
const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
console.log(`${seeds} seeds of ${operations} operations by 4 sessions: no difference (${seconds} s)`);
