import type { ClientEnv } from './env.ts';
import type { Waiter } from './waiter.ts';

/** Deadlines are met up to this much late, so that thousands of calls share one timer. */
const SLOT_MS = 16;
/** Timers of the platform end at 24.8 days; a timer that fires early looks and waits again. */
const TIMER_MS_MAX = 3_600_000;

/** The deadlines of a client's calls, behind one timer. */
export class Deadlines<W extends Waiter> {
  readonly #env: ClientEnv;
  readonly #due: (waiter: W) => void;
  readonly #slots = new Map<number, Set<W>>();
  #timer: { readonly slot: number; readonly cancel: () => void } | undefined;

  /** `due` is called once for each whose time has come, after it was removed. */
  constructor(env: ClientEnv, due: (waiter: W) => void) {
    this.#env = env;
    this.#due = due;
  }

  get size(): number {
    let size = 0;
    for (const waiters of this.#slots.values()) size += waiters.size;
    return size;
  }

  /** `delayMs` from now; never, when that is infinite. */
  add(waiter: W, delayMs: number): void {
    if (delayMs === Number.POSITIVE_INFINITY) return;
    const slot = Math.ceil((this.#env.monotonicMs() + delayMs) / SLOT_MS);
    waiter.dueSlot = slot;
    const waiters = this.#slots.get(slot);
    if (waiters === undefined) this.#slots.set(slot, new Set([waiter]));
    else waiters.add(waiter);
    if (this.#timer === undefined || this.#timer.slot > slot) this.#arm(slot);
  }

  remove(waiter: W): void {
    const waiters = this.#slots.get(waiter.dueSlot);
    if (waiters?.delete(waiter) && waiters.size === 0) {
      this.#slots.delete(waiter.dueSlot);
      // A timer for a slot that is gone finds the next one when it fires; the last one must not keep a process alive.
      if (this.#slots.size === 0) this.#disarm();
    }
    waiter.dueSlot = 0;
  }

  #arm(slot: number): void {
    this.#disarm();
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, slot * SLOT_MS - this.#env.monotonicMs()));
    this.#timer = { slot, cancel: this.#env.after(delayMs, () => this.#fire()) };
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #fire(): void {
    this.#timer = undefined;
    const now = Math.floor(this.#env.monotonicMs() / SLOT_MS);
    const dueSlots = [...this.#slots.keys()].filter((slot) => slot <= now).sort((a, b) => a - b);
    for (const slot of dueSlots) {
      for (const waiter of this.#slots.get(slot) ?? []) {
        this.remove(waiter);
        this.#due(waiter);
      }
    }
    let next: number | undefined;
    for (const slot of this.#slots.keys()) if (next === undefined || slot < next) next = slot;
    if (next !== undefined) this.#arm(next);
  }
}
