import type { ClientEnv } from './env.ts';

/** A point in time on both clocks: either may be wrong about how long ago it was, never the larger of the two. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export function momentNow(env: ClientEnv): Moment {
  return { monotonicMs: env.monotonicMs(), wallMs: env.wallMs() };
}

/**
 * The larger of the two differences: a monotonic clock may stop while the machine sleeps, and a wall clock may
 * be set back.
 */
export function elapsedSince(env: ClientEnv, moment: Moment): number {
  return Math.max(env.monotonicMs() - moment.monotonicMs, env.wallMs() - moment.wallMs);
}
