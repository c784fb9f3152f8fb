import type { Waiter } from './waiter.ts';

interface Listening<W> {
  readonly waiters: Set<W>;
  readonly listener: () => void;
}

/** Who waits under which signal: one listener for each signal however many calls it has, gone with the last of them. */
export class Aborts<W extends Waiter> {
  readonly #aborted: (waiter: W, reason: unknown) => void;
  readonly #signals = new Map<AbortSignal, Listening<W>>();

  /** `aborted` is called once for each waiter of a signal that aborts, after it was removed. */
  constructor(aborted: (waiter: W, reason: unknown) => void) {
    this.#aborted = aborted;
  }

  /** Signals listened to. */
  get size(): number {
    return this.#signals.size;
  }

  /** The signal is not aborted yet; the caller looked. */
  add(waiter: W): void {
    const { signal } = waiter;
    if (signal === undefined) return;
    const known = this.#signals.get(signal);
    if (known !== undefined) {
      known.waiters.add(waiter);
      return;
    }
    const listener = () => this.#fire(signal);
    this.#signals.set(signal, { waiters: new Set([waiter]), listener });
    signal.addEventListener('abort', listener, { once: true });
  }

  remove(waiter: W): void {
    const { signal } = waiter;
    if (signal === undefined) return;
    const known = this.#signals.get(signal);
    if (known?.waiters.delete(waiter) && known.waiters.size === 0) {
      this.#signals.delete(signal);
      signal.removeEventListener('abort', known.listener);
    }
  }

  #fire(signal: AbortSignal): void {
    const known = this.#signals.get(signal);
    this.#signals.delete(signal);
    for (const waiter of known?.waiters ?? []) this.#aborted(waiter, signal.reason);
  }
}
