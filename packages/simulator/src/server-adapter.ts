import { type CoreOptions, type Env, type ServerCore, startCore } from '@zabra/server/core';
import { checkInvariants, type Effect, type Input } from '@zabra/zab';

/**
 * Hears each step of a server's Zab, before its effects are performed. With client-adapter.ts, the only place that knows how
 * the shipped code is started and looked into.
 */
export interface StepObserver {
  step(input: Input, effects: readonly Effect[]): void;
}

export type RunningServer = ServerCore;

export function startServer(env: Env, options: CoreOptions, observer: StepObserver): Promise<RunningServer> {
  return startCore(env, options, { observer });
}

/** Throws when the server's Zab is in a state that it must not be in. */
export function checkServer(server: RunningServer): void {
  checkInvariants(server.replica.zab);
}
