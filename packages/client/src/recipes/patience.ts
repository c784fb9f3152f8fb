import { type Surroundings, ZkError } from '@zabra/client';
import { onAbort } from './on-abort.ts';

/** How long a caller waits: neither given, for ever. */
export interface Waiting {
  readonly signal?: AbortSignal;
  /** Milliseconds from the call on, reconnects included. */
  readonly timeoutMs?: number;
}

/**
 * How long one caller is ready to wait: until its signal aborts or its time is spent, whichever comes first.
 *
 * A recipe races its work against this and does not pass the caller's signal on to its requests: a request whose
 * answer nobody hears could leave a node that nobody knows. The work goes on until it knows what it has made, and
 * then takes it away.
 */
export class Patience {
  readonly #over = new AbortController();
  readonly #cancelTimer: (() => void) | undefined;
  readonly #forgetCaller: (() => void) | undefined;

  /** `timedOut` makes the error when the time is spent, from what is known by then. Throws BAD_ARGUMENTS. */
  constructor(
    { signal, timeoutMs }: Waiting,
    { after }: Pick<Surroundings, 'after'>,
    timedOut: (waitedMs: number) => ZkError,
  ) {
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new ZkError('BAD_ARGUMENTS', {
        message: `timeoutMs is a number of milliseconds from 0 up, not ${timeoutMs}`,
      });
    }
    if (signal?.aborted) this.#over.abort(signal.reason);
    else if (signal) this.#forgetCaller = onAbort(signal, () => this.#over.abort(signal.reason));
    if (timeoutMs !== undefined && timeoutMs <= TIMER_MS_MAX) {
      this.#cancelTimer = after(timeoutMs, () => this.#over.abort(timedOut(timeoutMs)));
    }
  }

  /** Aborted when the caller waits no longer; its reason is what the caller gets. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  throwIfOver(): void {
    this.#over.signal.throwIfAborted();
  }

  /** As `work` settles, unless the patience ends first. What `work` brings after that goes to `late`, so that nothing is lost. */
  race<T>(work: Promise<T>, late?: (result: T) => void): Promise<T> {
    const { signal } = this;
    return new Promise<T>((resolve, reject) => {
      const giveUp = (): void => reject(signal.reason);
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
      work.then(
        (result) => {
          signal.removeEventListener('abort', giveUp);
          if (signal.aborted) late?.(result);
          else resolve(result);
        },
        (error: unknown) => {
          signal.removeEventListener('abort', giveUp);
          reject(error);
        },
      );
    });
  }

  /** The wait is over, however it ended: the timer and the caller's signal are let go. */
  end(): void {
    this.#cancelTimer?.();
    this.#forgetCaller?.();
  }
}

// The longest delay that a timer of the platform takes (24.8 days); a longer one is for ever.
const TIMER_MS_MAX = 2 ** 31 - 1;
