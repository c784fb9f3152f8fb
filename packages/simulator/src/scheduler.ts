/**
 * Virtual time, and the order of everything. Time is an integer count of microseconds that jumps from one event to the
 * next; events of the same time run in the order in which they were scheduled.
 *
 * The code under test uses promises, so after each event the microtasks it woke are drained by one macrotask turn
 * (about a microsecond); no event begins before the one before it has had all its consequences.
 */
export interface Scheduled {
  readonly timeUs: number;
  readonly sequence: number;
  /** Undefined once cancelled; it then leaves the heap when its time comes. */
  work: (() => void) | undefined;
}

export class Scheduler {
  readonly #heap: Scheduled[] = [];
  #nowUs = 0;
  #sequence = 0;
  #events = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Events run so far. */
  get events(): number {
    return this.#events;
  }

  /** `timeUs` in the past means now. The answer cancels it. */
  at(timeUs: number, work: () => void): () => void {
    const entry: Scheduled = {
      timeUs: Math.max(this.#nowUs, Math.ceil(timeUs)),
      sequence: this.#sequence++,
      work,
    };
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
    return () => {
      entry.work = undefined;
    };
  }

  after(delayUs: number, work: () => void): () => void {
    return this.at(this.#nowUs + delayUs, work);
  }

  /**
   * Runs events until `done` or until virtual time would pass `limitUs` (true: done in time). `afterEach` sees the
   * world after every event and its consequences; what it throws ends the run.
   */
  async run(options: { done: () => boolean; limitUs: number; afterEach: () => void }): Promise<boolean> {
    for (;;) {
      if (options.done()) return true;
      const next = this.#pop();
      if (next === undefined) return false;
      if (next.timeUs > options.limitUs) {
        this.#heap.push(next);
        this.#up(this.#heap.length - 1);
        this.#nowUs = Math.max(this.#nowUs, options.limitUs);
        return false;
      }
      this.#nowUs = next.timeUs;
      this.#events++;
      next.work?.();
      await turn();
      options.afterEach();
    }
  }

  #pop(): Scheduled | undefined {
    for (;;) {
      const first = this.#heap[0];
      const last = this.#heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (first !== last) {
        this.#heap[0] = last;
        this.#down();
      }
      if (first.work !== undefined) return first;
    }
  }

  #up(start: number): void {
    const heap = this.#heap;
    const entry = heap[start] as Scheduled;
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Scheduled;
      if (!isBefore(entry, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  #down(): void {
    const heap = this.#heap;
    const entry = heap[0] as Scheduled;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        childIndex++;
        child = right;
      }
      if (!isBefore(child, entry)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = entry;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.timeUs < b.timeUs || (a.timeUs === b.timeUs && a.sequence < b.sequence);
}

/** One turn of the real event loop: every microtask there is has run when it resolves. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
