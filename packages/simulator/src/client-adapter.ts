import { type ClientEnv, createClientOn, type ZooKeeper } from '@zabra/client/core';

/** The shipped SDK in a simulated world. It backs off for shorter than by default, so that a run sees more of it. */
export function startClient(
  env: ClientEnv,
  options: { servers: readonly string[]; sessionTimeoutMs: number },
): ZooKeeper {
  const { servers, sessionTimeoutMs } = options;
  return createClientOn(env, {
    servers,
    sessionTimeoutMs,
    requestTimeoutMs: 5000,
    retry: backOff,
    reconnect: backOff,
  });
}

function backOff({ attempt, random }: { readonly attempt: number; readonly random: number }): number {
  return random * Math.min(500, 20 * 2 ** Math.min(attempt, 10));
}

/** What the SDK rejects with, as far as the workload cares. */
export interface ClientError extends Error {
  readonly code: string;
  readonly outcome: 'not-applied' | 'applied' | 'unknown';
}

export function isClientError(error: unknown): error is ClientError {
  return error instanceof Error && 'code' in error && 'outcome' in error;
}
