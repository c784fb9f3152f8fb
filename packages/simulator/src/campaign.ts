import type { Mutant } from '@zabra/model';
import { FAULT_KINDS } from './config.ts';
import { formatSeed, type Seed } from './random.ts';
import { type RunFailure, run } from './run.ts';
import { SYNC_KINDS, Tally, type TallyGroup } from './tally.ts';
import { runOnAllCores } from './workers.ts';

/** Replays one run; exit code 1 when it breaks a rule. */
export async function simulateOne(seed: Seed, trace: boolean): Promise<number> {
  const result = await run(seed, trace ? (line) => console.log(line) : undefined);
  for (const line of reportOf(result.tally)) console.log(line);
  console.log(
    `seed ${formatSeed(seed)}: ${result.events} events, ${(result.virtualMs / 1000).toFixed(3)} s virtual`,
  );
  console.log(`trace hash ${result.traceHash}`);
  if (result.failure === undefined) return 0;
  console.log(failureLine(seed, result.failure));
  if (result.failure.detail !== '') console.log(result.failure.detail);
  return 1;
}

/** A report that shows a 0 has shown nothing about that kind; from this many runs on it counts as a failure. */
const RUNS_THAT_SHOW_ALL = 200;

/** Many runs; exit code 1 when one breaks a rule, or when together they never met a kind of fault or sync. */
export async function runMany(from: Seed, schedules: number): Promise<number> {
  const total = new Tally();
  let failures = 0;
  let events = 0;
  const beganMs = performance.now();
  await runOnAllCores({
    from,
    count: schedules,
    mutant: undefined,
    onResult: (result) => {
      total.addAll(result.counts);
      events += result.events;
      if (result.failure !== undefined) {
        failures++;
        console.log(failureLine(result.seed, result.failure));
      }
      return true;
    },
  });
  const seconds = (performance.now() - beganMs) / 1000;
  console.log(`schedules            ${schedules}`);
  console.log(`failures             ${failures}`);
  for (const line of reportOf(total)) console.log(line);
  console.log(
    `events               ${events}, ${(schedules / seconds).toFixed(1)} schedules a second, ${seconds.toFixed(0)} s`,
  );
  const never = schedules >= RUNS_THAT_SHOW_ALL ? kindsNotMet(total) : [];
  for (const kind of never) console.log(`never met: ${kind}`);
  return failures > 0 || never.length > 0 ? 1 : 0;
}

const MUTANTS: readonly Mutant[] = [
  'ack-before-fsync',
  'vote-with-unsynced-history',
  'commit-without-quorum',
  'epoch-saved-before-log',
  'sync-skips-trunc',
  'apply-ahead-of-own-log',
  'dedupe-forgotten-in-snapshot',
];

const SCHEDULES_PER_MUTANT = 500;

/** Plants each flaw and searches for a run that shows it; exit code 1 when one is not found. */
export async function searchMutants(from: Seed): Promise<number> {
  let missed = 0;
  for (const mutant of MUTANTS) {
    let schedules = 0;
    let found: { readonly seed: Seed; readonly failure: RunFailure } | undefined;
    await runOnAllCores({
      from,
      count: SCHEDULES_PER_MUTANT,
      mutant,
      onResult: ({ seed, failure }) => {
        schedules++;
        // A run that tested too little says nothing about the flaw.
        if (failure !== undefined && !failure.isVacuous) found = { seed, failure };
        return found === undefined;
      },
    });
    if (found === undefined) {
      missed++;
      console.log(`mutant ${mutant} NOT found in ${schedules} schedules`);
    } else {
      const { seed, failure } = found;
      console.log(
        `mutant ${mutant} found at seed ${formatSeed(seed)} after ${schedules} schedules: ${failure.rule}`,
      );
    }
  }
  return missed > 0 ? 1 : 0;
}

function failureLine(seed: Seed, failure: RunFailure): string {
  return `FAILED simulate --seed ${formatSeed(seed)} at ${failure.virtualMs.toFixed(3)} ms: ${failure.rule}`;
}

const COUNTS: readonly string[] = [
  'elections',
  'writes acknowledged',
  'writes refused',
  'watch events',
  'sessions expired',
  'locks taken',
  'leases lost',
  'reads confirmed by a quorum',
  'plain reads of an older state',
  'events of standing watches',
  'gaps told to standing watches',
  'nodes reaped',
  'writes refused by a quota',
];

const REPORT: readonly (readonly [TallyGroup, readonly string[]])[] = [
  ['faults', FAULT_KINDS],
  ['counts', COUNTS],
  ['syncs', SYNC_KINDS],
];

function reportOf(tally: Tally): string[] {
  return REPORT.flatMap(([group, kinds]) =>
    kinds.map((kind) => `${kind.padEnd(30)} ${tally.get(group, kind)}`),
  );
}

function kindsNotMet(tally: Tally): string[] {
  return REPORT.flatMap(([group, kinds]) => kinds.filter((kind) => tally.get(group, kind) === 0));
}
