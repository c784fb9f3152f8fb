import { assert, type TreeEvent, type Zxid } from '@zabra/model';

/** What one change did, as watches want to know it. */
export interface ReplayedChange {
  readonly zxid: Zxid;
  readonly events: readonly TreeEvent[];
}

/**
 * The events of the last changes that recovery applied: from them watches resume at a server that was started again. A change
 * may have thousands of them, so they are bounded too.
 */
export class ReplayedEvents {
  readonly #changesMax: number;
  readonly #eventsMax: number;
  #events = 0;
  #floor: Zxid;
  #changes: ReplayedChange[] = [];

  /** `base`: what the tree held before the first change. */
  constructor(changesMax: number, base: Zxid) {
    this.#changesMax = changesMax;
    this.#eventsMax = EVENTS_PER_CHANGE_USUAL * changesMax;
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
    this.#events += events.length;
    // Seldom, since it moves what is kept.
    if (this.#changes.length >= 2 * this.#changesMax || this.#events >= 2 * this.#eventsMax) this.#trim();
  }

  #trim(): void {
    let surplus = Math.max(0, this.#changes.length - this.#changesMax);
    for (const { events } of this.#changes.slice(0, surplus)) this.#events -= events.length;
    while (this.#events > this.#eventsMax) this.#events -= this.#changes[surplus++]?.events.length ?? 0;
    if (surplus === 0) return;
    const last = this.#changes[surplus - 1];
    assert(last !== undefined, 'what is dropped was kept', { surplus });
    this.#floor = last.zxid;
    this.#changes = this.#changes.slice(surplus);
  }
}

/** As many as the history of a server that runs keeps. */
const EVENTS_PER_CHANGE_USUAL = 10;
