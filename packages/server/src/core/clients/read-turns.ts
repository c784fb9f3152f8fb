import type { Clock } from '../env.ts';
import type { Query } from './client-codec.ts';

/** Whoever has reads to answer. */
export interface Reading {
  /** Answers what can be answered, oldest first. */
  readOn(): void;
}

/**
 * How long the reads of one turn may take, of all clients together. A question of twenty bytes may look at ten thousand
 * children, and a frame has room for a hundred thousand of them: heartbeats, peers and the disk must not wait for their end.
 *
 * Reads are answered as they come until the time of the turn is over. From then on clients stand in line and are called at
 * the ends of turns: each has a portion answered and, where it has more, stands at the end of the line again. While
 * somebody stands there nobody reads past the line, however fast others send.
 */
export class ReadTurns {
  readonly #clock: Clock;
  /** A set is walked through in the order in which it was added to. */
  readonly #line = new Set<Reading>();
  /** The one that was called. */
  #called: Reading | undefined;
  /** Plain reads since the clock was looked at, or the one was called. */
  #done = 0;
  /** When the clock was first looked at in this turn, whose end is then awaited. */
  #beganMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there is time in this turn for one more; otherwise `readOn` is called in a later one. */
  hasTimeFor(reading: Reading, query: Query): boolean {
    const isNext = this.#called === undefined ? this.#line.size === 0 : this.#called === reading;
    if (!isNext || (this.#done >= PORTION && this.#isOver())) {
      this.#line.add(reading);
      return false;
    }
    this.#done += mayBeLong(query) ? PORTION : 1;
    return true;
  }

  /** It reads no more. */
  forget(reading: Reading): void {
    this.#line.delete(reading);
  }

  /** Looks at the clock; where there is time, for another portion. */
  #isOver(): boolean {
    if (this.#called !== undefined) return true;
    const nowMs = this.#clock.monotonicMs();
    if (this.#beganMs === undefined) {
      this.#beganMs = nowMs;
      this.#awaitEnd();
    }
    if (nowMs - this.#beganMs >= TURN_MS) return true;
    this.#done = 0;
    return false;
  }

  #awaitEnd(): void {
    this.#clock.atTurnEnd(() => this.#turnEnds());
  }

  #turnEnds(): void {
    this.#beganMs = undefined;
    if (this.#line.size > 0) this.#callSome();
    this.#done = 0;
    if (this.#line.size > 0) this.#awaitEnd();
  }

  #callSome(): void {
    const beganMs = this.#clock.monotonicMs();
    // Who stands at the end again is called again in the same walk; it ends, since each call answers one read at least.
    for (const reading of this.#line) {
      this.#line.delete(reading);
      this.#called = reading;
      this.#done = 0;
      reading.readOn();
      if (this.#clock.monotonicMs() - beganMs >= TURN_MS) break;
    }
    this.#called = undefined;
  }
}

/** One read may take longer: it is answered at one state of the tree. */
const TURN_MS = 5;
/** So many plain reads, of a microsecond or a few, are answered between two looks at the clock. */
const PORTION = 64;

/** Whether it may take as long as a portion of others. */
export function mayBeLong(query: Query): boolean {
  switch (query.kind) {
    case 'children':
    case 'ephemerals':
    case 'multiRead':
      return true;
    case 'addWatch':
      return query.fromZxid !== undefined;
    default:
      return false;
  }
}
