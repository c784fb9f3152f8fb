import { fractionOf } from './calls.ts';
import type { ClientEnv } from './env.ts';

/** After how long the others are tried: at first, and at most. */
const FIRST_MS = 5_000;
const MS_MAX = 60_000;

/**
 * How long a client stays with a server without a quorum. The server ends the stream when it has one again; but it may
 * also be cut off from one that the others have, so that from time to time it is left for them. In between its reads
 * are those of the last time it had one.
 */
export class ReadOnlyStay {
  readonly #env: ClientEnv;
  readonly #leave: () => void;
  #nextMs = FIRST_MS;
  #cancel: (() => void) | undefined;

  constructor(env: ClientEnv, leave: () => void) {
    this.#env = env;
    this.#leave = leave;
  }

  /** Leaves after a while, twice as long each time that nothing better was found. */
  begin(): void {
    const delayMs = this.#nextMs * (0.75 + fractionOf(this.#env) / 2);
    this.#nextMs = Math.min(MS_MAX, this.#nextMs * 2);
    this.#cancel = this.#env.after(delayMs, this.#leave);
  }

  /** The connection ended before. */
  interrupt(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** A server with a quorum was found. */
  over(): void {
    this.#nextMs = FIRST_MS;
  }
}
