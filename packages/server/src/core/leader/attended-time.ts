/**
 * The time in which a leader promises: it stands still while this server did not get to run, so that a pause ends no
 * session and no node. A tick that is late by more than a period counts for two.
 */
export class AttendedTime {
  readonly tickMs: number;
  #lastTickMs: number;
  #nowMs = 0;

  /** `startMs` is of the monotonic clock; attended time begins at 0. */
  constructor(startMs: number, tickMs: number) {
    this.tickMs = tickMs;
    this.#lastTickMs = startMs;
  }

  /** As of the last tick. */
  get nowMs(): number {
    return this.#nowMs;
  }

  tick(nowMs: number): void {
    this.#nowMs += Math.min(nowMs - this.#lastTickMs, 2 * this.tickMs);
    this.#lastTickMs = nowMs;
  }

  /** When `delayMs` are certainly over: `nowMs` is that of the last tick, and the next one adds up to two ticks. */
  deadlineAfter(delayMs: number): number {
    return this.#nowMs + delayMs + 2 * this.tickMs;
  }
}
