import { EventEmitter, once } from 'node:events';

/**
 * Sees each turn begin and end, in the order of its own process. A worker reports the beginning after it has the lock
 * and waits until that is noted; the same with the end, before it lets the lock go. So turns that overlap here were
 * held at the same time, and work done at the same time overlaps here.
 */
export class Referee {
  readonly #events = new EventEmitter();
  readonly #over = new AbortController();
  readonly #running = new Set<number>();
  #turns = 0;
  #redone = 0;
  #overlapped = 0;
  #tokensNotGrown = 0;
  #lastToken = -1n;

  /** Done and counted. */
  get turns(): number {
    return this.#turns;
  }

  /** Of the turn that began last. */
  get lastToken(): bigint {
    return this.#lastToken;
  }

  began(worker: number, fencingToken: bigint): void {
    if (this.#running.size > 0) this.#overlapped++;
    if (fencingToken <= this.#lastToken) this.#tokensNotGrown++;
    this.#running.add(worker);
    this.#lastToken = fencingToken;
    this.#events.emit('began');
  }

  ended(worker: number, counted: boolean): void {
    this.#running.delete(worker);
    if (counted) this.#turns++;
    else this.#redone++;
    this.#events.emit('ended');
  }

  /** No turn will begin any more: who waits for one is told. */
  close(): void {
    this.#over.abort(new Error('all turns are done'));
  }

  /** Resolves when a turn begins. */
  async nextBeginning(): Promise<void> {
    await once(this.#events, 'began', { signal: this.#over.signal });
  }

  async untilTurns(turns: number): Promise<void> {
    while (this.#turns < turns) await once(this.#events, 'ended', { signal: this.#over.signal });
  }

  /** One line; and whether all was as a lock promises. */
  verdict(): { readonly line: string; readonly fair: boolean } {
    const line =
      `${this.#turns} turns, and ${this.#redone} that were cut short; ${this.#overlapped} began while another ran, ` +
      `${this.#tokensNotGrown} with a fencing token not greater than the one before`;
    return { line, fair: this.#overlapped === 0 && this.#tokensNotGrown === 0 };
  }
}
