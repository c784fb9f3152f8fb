import type { Logger } from './logger.ts';
import type { SessionEvent } from './session-view.ts';

/** Unread events that an iterator keeps. */
const UNREAD_MAX = 256;

/** Tells users what happens to a client's sessions. Nothing of theirs runs inside {@link emit}. */
export class SessionEvents {
  readonly #logger: Logger | undefined;
  readonly #first: (event: SessionEvent) => void;
  readonly #listeners = new Set<(event: SessionEvent) => void>();

  /** `first` is called within `emit`. */
  constructor(logger: Logger | undefined, first: (event: SessionEvent) => void) {
    this.#logger = logger;
    this.#first = first;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  emit(event: SessionEvent): void {
    this.#first(event);
    for (const listener of this.#listeners) {
      queueMicrotask(() => {
        // It may have been removed by one that ran before it.
        if (!this.#listeners.has(listener)) return;
        try {
          listener(event);
        } catch (error) {
          this.#logger?.error('a listener of session events threw', { event: event.type, error });
        }
      });
    }
  }

  on<T extends SessionEvent['type']>(
    type: T,
    listener: (event: Extract<SessionEvent, { type: T }>) => void,
  ): Disposable {
    const any = (event: SessionEvent) => {
      if (isOfType(event, type)) listener(event);
    };
    this.#listeners.add(any);
    return { [Symbol.dispose]: () => void this.#listeners.delete(any) };
  }

  /** Ends with the client, with `signal`, or when the loop is left. */
  iterate(signal: AbortSignal | undefined): AsyncIterable<SessionEvent> {
    return { [Symbol.asyncIterator]: () => this.#iterator(signal) };
  }

  #iterator(signal: AbortSignal | undefined): AsyncIterator<SessionEvent> {
    const unread: SessionEvent[] = [];
    const takers: ((result: IteratorResult<SessionEvent>) => void)[] = [];
    let ended = false;
    const end = () => {
      ended = true;
      this.#listeners.delete(hear);
      signal?.removeEventListener('abort', end);
      for (const take of takers.splice(0)) take({ done: true, value: undefined });
    };
    const hear = (event: SessionEvent) => {
      const take = takers.shift();
      if (take !== undefined) take({ done: false, value: event });
      else if (unread.push(event) > UNREAD_MAX) unread.shift();
      if (event.type === 'closed') end();
    };
    if (signal?.aborted) ended = true;
    else {
      this.#listeners.add(hear);
      signal?.addEventListener('abort', end, { once: true });
    }
    return {
      next: () => {
        const event = unread.shift();
        if (event !== undefined) return Promise.resolve({ done: false, value: event });
        if (ended) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => takers.push(resolve));
      },
      return: () => {
        unread.length = 0;
        end();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

function isOfType<T extends SessionEvent['type']>(
  event: SessionEvent,
  type: T,
): event is Extract<SessionEvent, { type: T }> {
  return event.type === type;
}
