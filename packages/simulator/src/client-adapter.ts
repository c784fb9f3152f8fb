import { type ClientEnv, createClientOn, type ZooKeeper } from '@zabra/client/core';
import type { RandomStream } from './random.ts';

/** The shipped SDK in a simulated world. It backs off for shorter than by default, so that a run sees more of it. */
export function startClient(
  env: ClientEnv,
  options: { servers: readonly string[]; sessionTimeoutMs: number; random: RandomStream },
): ZooKeeper {
  const { servers, sessionTimeoutMs, random } = options;
  const backOff = ({ attempt }: { readonly attempt: number }): number =>
    random.fraction() * Math.min(500, 20 * 2 ** Math.min(attempt, 10));
  return createClientOn(env, {
    servers,
    sessionTimeoutMs,
    requestTimeoutMs: 5000,
    retry: backOff,
    reconnect: backOff,
  });
}

/** What the SDK rejects with, as far as the workload cares. */
export interface ClientError extends Error {
  readonly code: string;
  readonly outcome: 'not-applied' | 'applied' | 'unknown';
}

export function isClientError(error: unknown): error is ClientError {
  return error instanceof Error && 'code' in error && 'outcome' in error;
}
