import { randomBytes } from 'node:crypto';
import type { ClientEnv } from './core/env.ts';

/** Node's timers end here (24.8 days). */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The part of the world that is no network: time and chance. */
export const nodeClocks: Omit<ClientEnv, 'dial'> = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, Math.min(delayMs, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
  atTurnEnd,
  randomBytes,
};

// One for the process, so that the connections of many clients are flushed together.
let turnEnd: (() => void)[] = [];

function atTurnEnd(work: () => void): void {
  if (turnEnd.push(work) > 1) return;
  setImmediate(() => {
    const due = turnEnd;
    turnEnd = [];
    for (const each of due) each();
  });
}
