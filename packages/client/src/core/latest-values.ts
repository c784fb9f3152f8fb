import { isZkError } from './errors.ts';
import type { OneShot, Watcher } from './watch-event.ts';

/** What was read, and the watch that fires when it is no longer so. */
export interface Reading<T> {
  readonly value: T;
  /** Two readings with the same are the same. */
  readonly key: string;
  readonly watch: OneShot;
}

/**
 * The latest value of something, again whenever it has changed: it is read when the reader asks for it, so that a slow
 * reader skips what was in between and nothing piles up. A reader that has caught up has the value of now: its watch
 * was armed by the very read that it got, and lost connections and sessions make it look again.
 *
 * `onAbort` calls once when the signal aborts, unless its answer was called before.
 */
export function latestValues<S, T>(options: {
  readonly read: (signal: AbortSignal) => Promise<Reading<S>>;
  /** What the reader gets of what was read and has changed. */
  readonly shown: (read: S) => T;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: (signal: AbortSignal, leave: () => void) => () => void;
}): Watcher<T> {
  const values = new LatestValues(options.read, options.shown);
  const { signal } = options;
  if (signal?.aborted) values.leave();
  else if (signal !== undefined) values.whenOver(options.onAbort(signal, () => values.leave()));
  const iterator = {
    next: () => values.next(),
    return: () => {
      values.leave();
      return Promise.resolve({ done: true as const, value: undefined });
    },
  };
  return {
    [Symbol.asyncIterator]: () => iterator,
    [Symbol.asyncDispose]: async () => values.leave(),
  };
}

class LatestValues<S, T> {
  readonly #read: (signal: AbortSignal) => Promise<Reading<S>>;
  readonly #shown: (read: S) => T;
  readonly #over = new AbortController();
  #forget: () => void = () => {};
  #key: string | undefined;
  #watch: OneShot | undefined;
  /** The last one that was asked for; each begins behind the one before it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(read: (signal: AbortSignal) => Promise<Reading<S>>, shown: (read: S) => T) {
    this.#read = read;
    this.#shown = shown;
  }

  whenOver(forget: () => void): void {
    this.#forget = forget;
  }

  next(): Promise<IteratorResult<T>> {
    const turn = this.#turn.then(() => this.#advance());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  leave(): void {
    if (this.#over.signal.aborted) return;
    this.#forget();
    this.#over.abort();
    // Its disposal settles it, so that whoever waits for it goes on.
    void this.#watch?.[Symbol.asyncDispose]();
    this.#watch = undefined;
  }

  async #advance(): Promise<IteratorResult<T>> {
    const { signal } = this.#over;
    try {
      while (!signal.aborted) {
        await this.#watch?.event;
        if (signal.aborted) break;
        const { value, key, watch } = await this.#read(signal);
        this.#watch = watch;
        if (signal.aborted) void watch[Symbol.asyncDispose]();
        else if (key !== this.#key) {
          this.#key = key;
          return { done: false, value: this.#shown(value) };
        }
      }
    } catch (error) {
      const isEnd = signal.aborted || (this.#key !== undefined && isZkError(error, 'CLIENT_CLOSED'));
      this.leave();
      if (!isEnd) throw error;
    }
    return { done: true, value: undefined };
  }
}
