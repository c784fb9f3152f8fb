import { assert } from '@zabra/model';

/** Time as the ticks tell it, in ms; between two ticks it stands still. */
export class Clock {
  readonly #heartbeatMs: number;
  #nowMs: number;
  #late = false;
  #graceUntilMs = 0;

  constructor(nowMs: number, heartbeatMs: number) {
    this.#nowMs = nowMs;
    this.#heartbeatMs = heartbeatMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /**
   * A tick that comes late says that this process stood still, not that others were silent: what they sent meanwhile is
   * still to be read. Nobody is called silent for one heartbeat, unless the tick before was late too.
   */
  tick(nowMs: number): void {
    assert(nowMs >= this.#nowMs, 'time does not run back', { now: nowMs, last: this.#nowMs });
    const late = nowMs - this.#nowMs > 2 * this.#heartbeatMs;
    if (late && !this.#late) this.#graceUntilMs = nowMs + this.#heartbeatMs;
    this.#late = late;
    this.#nowMs = nowMs;
  }

  /** Whether nothing was heard for longer than `limitMs`. */
  isSilent(heardMs: number, limitMs: number): boolean {
    return this.#nowMs - heardMs > limitMs && this.#nowMs >= this.#graceUntilMs;
  }
}
