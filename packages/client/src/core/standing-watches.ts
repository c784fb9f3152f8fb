import type { PersistentWatchKind } from '@zabra/model';
import type { PersistentArm } from './ask.ts';
import { isZkError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { Request } from './request.ts';
import type { WatchEvent, Watcher } from './watch-event.ts';
import { type ServerEvent, userEvent } from './watches.ts';

/** What one `watch` asks for; the path is complete. */
export interface StandingWatchTerms {
  readonly kind: PersistentWatchKind;
  readonly path: string;
  /** Of the view that made it; taken off the paths that users see. */
  readonly root: string;
  readonly signal: AbortSignal | undefined;
  readonly maxBuffered: number;
  readonly fromZxid: number | undefined;
}

/**
 * A watch that stays until it is ended, whatever connections and sessions do meanwhile.
 *
 *            answered
 *   asked ─────────────▶ armed ──────────▶ over: left, disposed of, aborted; refused; the client closed
 *     ▲                    │ session lost
 *     └────────────────────┘
 *
 * Happy path: a request asks for it, the server holds it, events come, the reader leaves. A lost connection is bridged
 * by the session: a watch that is armed is named to the next server with the position up to which everything was told
 * (stream-codec.ts, Rearm), and a request without an answer is sent again. In a new session it is asked for anew, from
 * where the old one ended, after a `resync`.
 */
export class StandingWatch implements PersistentArm {
  readonly id: number;
  readonly terms: StandingWatchTerms;
  readonly #end: (watch: StandingWatch) => void;
  readonly #queue = new EventQueue<WatchEvent>();
  /** The request that asks for it; undefined when it is armed or over. */
  request: Request | undefined;
  /** While it is asked for: what happened after this is told. It moves with what is told meanwhile. */
  fromZxid: number | undefined;
  /** Forgets that its signal may abort. */
  forgetSignal: () => void = () => {};

  constructor(id: number, terms: StandingWatchTerms, end: (watch: StandingWatch) => void) {
    this.id = id;
    this.terms = terms;
    this.fromZxid = terms.fromZxid;
    this.#end = end;
  }

  get kind(): PersistentWatchKind {
    return this.terms.kind;
  }
  get path(): string {
    return this.terms.path;
  }

  hear(event: ServerEvent): void {
    // Events of one zxid come together, so that what is asked for again begins behind them.
    if (this.request !== undefined) this.fromZxid = Math.max(this.fromZxid ?? 0, event.zxid);
    this.tell(userEvent(event, this.terms.root));
  }

  tell(event: WatchEvent): void {
    if (this.#queue.length >= this.terms.maxBuffered) {
      this.#queue.clear();
      this.#queue.push({ type: 'resync', reason: 'overflow', zxid: event.zxid });
      return;
    }
    this.#queue.push(event);
  }

  /** Nothing more comes; what waits is still read, then the error is told. */
  close(failure: { readonly error?: unknown }): void {
    this.#queue.end(failure);
  }

  /** The reader has gone: what waits is dropped. */
  leave(): void {
    this.#queue.clear();
    this.#queue.end();
  }

  /** As users hold it. */
  watcher(): Watcher<WatchEvent> {
    const leave = () => {
      this.#end(this);
      return Promise.resolve({ done: true as const, value: undefined });
    };
    const iterator = { next: () => this.#queue.next(), return: leave };
    return {
      [Symbol.asyncIterator]: () => iterator,
      [Symbol.asyncDispose]: async () => {
        await leave();
      },
    };
  }
}

/** Of a watch that ended before it began. */
export function endedWatcher(): Watcher<WatchEvent> {
  const end = () => Promise.resolve({ done: true as const, value: undefined });
  const iterator = { next: end, return: end };
  return { [Symbol.asyncIterator]: () => iterator, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** The watches of a client that stay. */
export class StandingWatches {
  readonly #onAbort: (signal: AbortSignal, leave: () => void) => () => void;
  readonly #remove: (watch: StandingWatch) => void;
  readonly #watches = new Map<number, StandingWatch>();
  #lastId = 0;

  /**
   * `onAbort` calls once when a signal aborts, unless its answer was called before. `remove`: nobody reads it any more;
   * the request that asks for it, or the server, is to forget it.
   */
  constructor(
    onAbort: (signal: AbortSignal, leave: () => void) => () => void,
    remove: (watch: StandingWatch) => void,
  ) {
    this.#onAbort = onAbort;
    this.#remove = remove;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** Under a number that no other has; the caller asks the server for it. */
  add(terms: StandingWatchTerms): StandingWatch {
    const watch = new StandingWatch(++this.#lastId, terms, (left) => this.#leave(left));
    this.#watches.set(watch.id, watch);
    const { signal } = terms;
    if (signal !== undefined) watch.forgetSignal = this.#onAbort(signal, () => this.#leave(watch));
    return watch;
  }

  hear(event: ServerEvent): void {
    // It may come for one that was left a moment ago.
    this.#watches.get(event.watchId)?.hear(event);
  }

  /** The server holds it from now on. */
  armed(id: number): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    watch.request = undefined;
    watch.fromZxid = undefined;
  }

  /** What the session's next server is to hold. */
  held(): readonly StandingWatch[] {
    return [...this.#watches.values()].filter(({ request }) => request === undefined);
  }

  /** The session that held them is gone, and they are to be asked for again. Answers those, in the order of their making. */
  sessionLost(position: number): readonly StandingWatch[] {
    const lost = this.held();
    for (const watch of lost) {
      watch.fromZxid = position;
      watch.tell({ type: 'resync', reason: 'new-session', zxid: BigInt(position) });
    }
    return lost;
  }

  /** Another cluster: positions of the former say nothing in it. */
  forgetPositions(): void {
    for (const watch of this.#watches.values()) watch.fromZxid = undefined;
  }

  /** The ensemble refuses it. */
  refused(watch: StandingWatch, error: unknown): void {
    if (this.#watches.get(watch.id) !== watch) return;
    this.#forget(watch);
    watch.close(isZkError(error, 'CLIENT_CLOSED') ? {} : { error });
  }

  /** The client has closed; with the error that closed it, if one did. */
  closeAll(failure: { readonly error?: unknown }): void {
    for (const watch of [...this.#watches.values()]) {
      this.#forget(watch);
      watch.close(failure);
    }
  }

  #leave(watch: StandingWatch): void {
    watch.leave();
    if (this.#watches.get(watch.id) !== watch) return;
    this.#forget(watch);
    this.#remove(watch);
  }

  #forget(watch: StandingWatch): void {
    this.#watches.delete(watch.id);
    watch.forgetSignal();
  }
}
