import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Mutant } from '@zabra/model';
import { type Seed, seedAfter } from './random.ts';
import { type RunFailure, run } from './run.ts';

/** One run to do, in another process. */
interface Job {
  readonly seed: Seed;
  readonly mutant: Mutant | undefined;
}

export interface JobResult {
  readonly seed: Seed;
  readonly failure: RunFailure | undefined;
  readonly traceHash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly counts: Readonly<Record<string, number>>;
}

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/**
 * Does the runs of `count` seeds on all cores, each core in a process of its own. `onResult` hears each as it is done and
 * answers whether to go on. Rejects when a worker dies.
 */
export async function runOnAllCores(options: {
  from: Seed;
  count: number;
  mutant: Mutant | undefined;
  onResult: (result: JobResult) => boolean;
}): Promise<void> {
  let next = 0;
  let mayGoOn = true;
  const takeJob = (): Job | undefined =>
    mayGoOn && next < options.count
      ? { seed: seedAfter(options.from, next++), mutant: options.mutant }
      : undefined;
  const onResult = (result: JobResult): void => {
    if (mayGoOn) mayGoOn = options.onResult(result);
  };
  const size = Math.min(availableParallelism(), options.count);
  await Promise.all(Array.from({ length: size }, () => driveWorker(takeJob, onResult)));
}

function driveWorker(takeJob: () => Job | undefined, onResult: (result: JobResult) => void): Promise<void> {
  const child: ChildProcess = fork(MAIN, ['--worker'], { serialization: 'advanced' });
  return new Promise((resolve, reject) => {
    let isDone = false;
    let job: Job | undefined;
    const give = (): void => {
      job = takeJob();
      isDone = job === undefined;
      if (job === undefined) child.disconnect();
      else child.send(job);
    };
    child.on('message', (result: JobResult) => {
      onResult(result);
      give();
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (isDone) resolve();
      else reject(new Error(`a worker ended with ${code} at seed ${JSON.stringify(job?.seed)}`));
    });
    give();
  });
}

/** The life of a worker: does what it is sent until its parent hangs up. */
export function serveWorker(): Promise<number> {
  process.on('message', (job: Job) => {
    globalThis.__ZABRA_MUTANT__ = job.mutant;
    run(job.seed).then(({ tally, failure, traceHash, events, virtualMs }) => {
      const result: JobResult = {
        seed: job.seed,
        failure,
        traceHash,
        events,
        virtualMs,
        counts: tally.toRecord(),
      };
      process.send?.(result);
    });
  });
  return new Promise((resolve) => process.on('disconnect', () => resolve(0)));
}
