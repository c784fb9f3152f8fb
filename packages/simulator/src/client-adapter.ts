import { type ClientEnv, createClientOn, retry, type ZooKeeper } from '@zabra/client/core';

/** The shipped SDK in a simulated world. It backs off for shorter than by default, so that a run sees more of it. */
export function startClient(
  env: ClientEnv,
  options: { servers: readonly string[]; sessionTimeoutMs: number },
): ZooKeeper {
  return createClientOn(env, {
    servers: options.servers,
    sessionTimeoutMs: options.sessionTimeoutMs,
    requestTimeoutMs: 5000,
    retry: retry.exponential({ baseMs: 20, maxMs: 500 }),
    reconnect: retry.exponential({ baseMs: 20, maxMs: 500 }),
  });
}
