/** Someone who waits for something, at most until a time and a signal. */
export interface Waiter {
  readonly signal: AbortSignal | undefined;
  /** Where deadlines.ts keeps it; 0 when nowhere. */
  dueSlot: number;
}

/** A wait for something other than an answer. Settles once; what comes later is ignored. */
export class Wait<T> implements Waiter {
  readonly kind = 'wait';
  readonly signal: AbortSignal | undefined;
  readonly promise: Promise<T>;
  /** What it rejects with when its time is over. */
  readonly lateness: () => Error;
  dueSlot = 0;
  #resolve!: (value: T) => void; // Set in the constructor, by the executor, which runs at once.
  #reject!: (reason: unknown) => void;

  constructor(options: { readonly signal: AbortSignal | undefined; readonly lateness: () => Error }) {
    this.signal = options.signal;
    this.lateness = options.lateness;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  resolve(value: T): void {
    this.#resolve(value);
  }

  reject(reason: unknown): void {
    this.#reject(reason);
  }
}
