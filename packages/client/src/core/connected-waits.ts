import type { Calls } from './calls.ts';
import type { SessionRecord } from './session.ts';
import { Wait } from './waiter.ts';

/** Who waits for a session to be connected, and proven. */
export class ConnectedWaits {
  readonly #calls: Calls;
  readonly #waits = new Map<Wait<void>, SessionRecord>();

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  get size(): number {
    return this.#waits.size;
  }

  /** Rejects with the signal's reason, with `lateness`, and with that of the session's end. */
  async wait(
    session: SessionRecord,
    terms: {
      readonly signal: AbortSignal | undefined;
      readonly timeoutMs: number;
      readonly lateness: () => Error;
    },
  ): Promise<void> {
    const wait = new Wait<void>(terms);
    this.#waits.set(wait, session);
    this.#calls.startWait(wait, terms.timeoutMs);
    try {
      await wait.promise;
    } finally {
      this.#waits.delete(wait);
    }
  }

  connected(): void {
    for (const wait of [...this.#waits.keys()]) this.#calls.endWait(wait);
  }

  lost(session: SessionRecord, reason: Error): void {
    for (const [wait, waited] of [...this.#waits]) if (waited === session) this.#calls.endWait(wait, reason);
  }

  failAll(reason: Error): void {
    for (const wait of [...this.#waits.keys()]) this.#calls.endWait(wait, reason);
  }
}
