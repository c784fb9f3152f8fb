import type { ZkError } from './errors.ts';

export interface RetryContext {
  /** 1 after the first failure. */
  readonly attempt: number;
  readonly elapsedMs: number;
  readonly error: ZkError;
  /** In [0, 1), drawn anew at each attempt: for jitter. */
  readonly random: number;
}

/** Returns the delay before the next attempt in ms, or null to give up. */
export type RetryPolicy = (context: RetryContext) => number | null;

export interface RetryPolicies {
  /** `baseMs` 100, `maxMs` 5000, no bound on attempts, full jitter. */
  exponential(options?: {
    readonly baseMs?: number;
    readonly maxMs?: number;
    readonly maxAttempts?: number;
    readonly jitter?: 'full' | 'decorrelated';
  }): RetryPolicy;
  constant(options: { readonly delayMs: number; readonly maxAttempts?: number }): RetryPolicy;
  /** Gives up once `ms` have passed since the first attempt. */
  untilElapsed(ms: number, inner?: RetryPolicy): RetryPolicy;
  /** Never gives up; where `inner` would, its last delay is used again. */
  forever(inner?: RetryPolicy): RetryPolicy;
  readonly never: RetryPolicy;
}

/**
 * Policies for calls and for reconnecting. They choose delays only: which errors may be retried at all is
 * decided by {@link ZkError.retryable}, and every call ends with its budget (`timeoutMs`) in any case.
 */
export const retry: RetryPolicies = {
  exponential: ({
    baseMs = 100,
    maxMs = 5_000,
    maxAttempts = Number.POSITIVE_INFINITY,
    jitter = 'full',
  } = {}) => {
    let previousMs = baseMs;
    return ({ attempt, random }) => {
      if (attempt > maxAttempts) return null;
      if (jitter === 'decorrelated') {
        if (attempt <= 1) previousMs = baseMs;
        previousMs = Math.min(maxMs, baseMs + random * (previousMs * 3 - baseMs));
        return previousMs;
      }
      // 2^30 times any base is beyond every cap, and stays finite.
      return random * Math.min(maxMs, baseMs * 2 ** Math.min(30, attempt - 1));
    };
  },
  constant:
    ({ delayMs, maxAttempts = Number.POSITIVE_INFINITY }) =>
    ({ attempt }) =>
      attempt > maxAttempts ? null : delayMs,
  untilElapsed:
    (ms, inner = retry.exponential()) =>
    (context) => {
      const delayMs = context.elapsedMs >= ms ? null : inner(context);
      return delayMs === null ? null : Math.min(delayMs, ms - context.elapsedMs);
    },
  forever: (inner = retry.exponential()) => {
    let lastMs = 1_000;
    return (context) => {
      lastMs = inner(context) ?? lastMs;
      return lastMs;
    };
  },
  never: () => null,
};
