import type { ClientEnv } from './env.ts';
import { type Moment, momentNow } from './moment.ts';

/**
 * Keeps one connection alive: lets it beat, once at the start and then at an interval, and tells when the server has
 * been silent for two thirds of the session's timeout.
 */
export class Pulse {
  readonly #env: ClientEnv;
  readonly #beat: (now: Moment) => void;
  readonly #silent: (silentMs: number) => void;
  #timeoutMs = 0;
  #intervalMs = 0;
  #lastBeatMs: number;
  #lastHeardMs: number;
  #isOver = false;
  #cancelTimer: (() => void) | undefined;

  constructor(
    env: ClientEnv,
    tell: { readonly beat: (now: Moment) => void; readonly silent: (silentMs: number) => void },
  ) {
    this.#env = env;
    this.#beat = tell.beat;
    this.#silent = tell.silent;
    this.#lastBeatMs = env.monotonicMs();
    this.#lastHeardMs = this.#lastBeatMs;
  }

  /** The server said something. */
  heard(): void {
    this.#lastHeardMs = this.#env.monotonicMs();
  }

  /** A beat at once, since only it proves that the ensemble knows of us; then one after each interval. */
  start(timeoutMs: number, intervalMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.#intervalMs = intervalMs;
    this.#beatNow();
  }

  stop(): void {
    this.#isOver = true;
    this.#cancelTimer?.();
  }

  #beatNow(): void {
    const now = momentNow(this.#env);
    this.#lastBeatMs = now.monotonicMs;
    this.#beat(now);
    this.#awaitNext();
  }

  #awaitNext(): void {
    const nextMs = Math.min(
      this.#lastBeatMs + this.#intervalMs,
      this.#lastHeardMs + (this.#timeoutMs * 2) / 3,
    );
    this.#cancelTimer = this.#env.after(Math.max(1, nextMs - this.#env.monotonicMs()), () => {
      // At the turn's end, so that what arrived while this process was busy is read before silence is judged.
      this.#env.atTurnEnd(() => this.#check());
    });
  }

  #check(): void {
    if (this.#isOver) return;
    const now = this.#env.monotonicMs();
    const silentMs = now - this.#lastHeardMs;
    if (silentMs >= (this.#timeoutMs * 2) / 3) this.#silent(silentMs);
    else if (now - this.#lastBeatMs >= this.#intervalMs) this.#beatNow();
    else this.#awaitNext();
  }
}
