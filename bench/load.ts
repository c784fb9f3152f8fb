import type { ZooKeeper } from '@zabra/client';

export interface LoadResult {
  readonly perSecond: number;
  readonly count: number;
  /** User and system, of this process. */
  readonly clientCpuSeconds: number;
}

/** Keeps `outstanding` calls of each client under way for `durationMs`, after a warm-up that is not counted. */
export async function pipelined(
  clients: readonly ZooKeeper[],
  load: {
    readonly outstanding: number;
    readonly warmUpMs: number;
    readonly durationMs: number;
    readonly call: (zk: ZooKeeper, client: number) => Promise<unknown>;
    /** Runs when the warm-up is over, and when the count is. */
    readonly onMeasure?: () => Promise<void>;
  },
): Promise<LoadResult> {
  let count = 0;
  let running = true;
  const lanes = clients.flatMap((zk, client) =>
    Array.from({ length: load.outstanding }, async () => {
      while (running) {
        await load.call(zk, client);
        count++;
      }
    }),
  );
  await pause(load.warmUpMs);
  await load.onMeasure?.();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const before = count;
  await pause(load.durationMs);
  const done = count - before;
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  await load.onMeasure?.();
  running = false;
  await Promise.all(lanes);
  return { perSecond: done / seconds, count: done, clientCpuSeconds: (used.user + used.system) / 1e6 };
}

/** One call at a time. Latencies in ms, sorted. */
export async function alone(call: () => Promise<unknown>, count: number): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await call();
    latencies.push(performance.now() - start);
  }
  return latencies.sort((left, right) => left - right);
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
