import { assert, type TreeEvent, type Zxid } from '@zabra/model';

/** What one change did, as watches want to know it. */
export interface ReplayedChange {
  readonly zxid: Zxid;
  readonly events: readonly TreeEvent[];
}

/** The events of the last changes that recovery applied: from them watches resume at a server that was started again. */
export class ReplayedEvents {
  readonly #changesMax: number;
  #floor: Zxid;
  #changes: ReplayedChange[] = [];

  /** `base`: what the tree held before the first change. */
  constructor(changesMax: number, base: Zxid) {
    this.#changesMax = changesMax;
    this.#floor = base;
  }

  /** Nothing that happened after it is missing. */
  get floor(): Zxid {
    this.#trim();
    return this.#floor;
  }

  /** Oldest first, those that nobody could watch left out. */
  get changes(): readonly ReplayedChange[] {
    this.#trim();
    return this.#changes;
  }

  record(zxid: Zxid, events: readonly TreeEvent[]): void {
    if (events.length === 0) return;
    this.#changes.push({ zxid, events });
    // Seldom, since it moves what is kept.
    if (this.#changes.length >= 2 * this.#changesMax) this.#trim();
  }

  #trim(): void {
    const surplus = this.#changes.length - this.#changesMax;
    if (surplus <= 0) return;
    const last = this.#changes[surplus - 1];
    assert(last !== undefined, 'what is dropped was kept', { surplus });
    this.#floor = last.zxid;
    this.#changes = this.#changes.slice(surplus);
  }
}
