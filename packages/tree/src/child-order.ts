import { assert } from '@zabra/model';
import type { Slot } from './node-records.ts';

/** Below 0 when the node's name comes before `name`, above 0 when it comes after it. */
export type CompareName = (slot: Slot, name: string) => number;

/** Below 0 when the first slot's name comes before the second's, above 0 when it comes after it. */
export type CompareSlots = (left: Slot, right: Slot) => number;

/**
 * The children of one node in the order of their names: a row of runs, each sorted and of bounded length, so that a change
 * moves one run at most and a page begins anywhere at once.
 */
export class ChildOrder {
  /** Invariant: none is empty. */
  #runs: Slot[][] = [];
  size = 0;
  /** None of those that were appended came before the one that was appended before it. */
  #isInOrder = true;

  /** `name` is the slot's. It must not be among them. */
  insert(slot: Slot, name: string, compare: CompareName): void {
    this.size++;
    const last = this.#runs.at(-1);
    if (last === undefined) {
      // Not pushed: an array that grows makes room for many more, and most directories never have a second run.
      this.#runs = [[slot]];
      return;
    }
    // Sequential names and those of a restored snapshot come in order; a full run then stays full.
    if (compare(last[last.length - 1] as Slot, name) < 0) {
      if (last.length === RUN_MAX) this.#runs.push([slot]);
      else this.#put(this.#runs.length - 1, last.length, slot);
      return;
    }
    const runIndex = this.#runFor(name, compare);
    const run = this.#runs[runIndex] as Slot[];
    if (run.length < RUN_MAX) {
      this.#put(runIndex, placeAfter(run, name, compare), slot);
      return;
    }
    const upper = run.splice(RUN_MAX >> 1);
    this.#runs.splice(runIndex + 1, 0, upper);
    const isLower = compare(upper[0] as Slot, name) > 0;
    this.#put(runIndex + (isLower ? 0 : 1), placeAfter(isLower ? run : upper, name, compare), slot);
  }

  /**
   * Puts it at the end, wherever it belongs: {@link order} must follow before anything else. For many at once that come in
   * no order, this takes a tenth of the time of inserting them.
   */
  append(slot: Slot, compare: CompareSlots): void {
    this.size++;
    const [all] = this.#runs;
    if (all === undefined) {
      this.#runs = [[slot]];
      return;
    }
    // Now, while the processor has both names at hand; all of them once more at the end would take several times as long.
    if (this.#isInOrder && compare(all[all.length - 1] as Slot, slot) >= 0) this.#isInOrder = false;
    all.push(slot);
  }

  /** Brings those that were appended, and only such, into their order. */
  order(compare: CompareSlots): void {
    const [all] = this.#runs;
    if (all === undefined) return;
    if (!this.#isInOrder) all.sort(compare);
    this.#isInOrder = true;
    this.#runs = [];
    for (let from = 0; from < all.length; from += RUN_MAX) this.#runs.push(all.slice(from, from + RUN_MAX));
  }

  remove(slot: Slot, name: string, compare: CompareName): void {
    const runIndex = this.#runFor(name, compare);
    const run = this.#runs[runIndex];
    // Looking at the numbers of a run is faster than at a few names, which lie all over the memory.
    const index = run === undefined ? -1 : run.indexOf(slot);
    assert(run !== undefined && index !== -1, 'a child that goes is in its place', { slot, name });
    run.splice(index, 1);
    this.size--;
    if (run.length === 0) this.#runs.splice(runIndex, 1);
    else if (run.length < RUN_MIN)
      this.#joinNext(runIndex === this.#runs.length - 1 ? runIndex - 1 : runIndex);
  }

  /** At most `limit` slots in the order of their names: from the first one on, or from the first one after `after`. */
  page(after: string | undefined, limit: number, compare: CompareName): Slot[] {
    const slots: Slot[] = [];
    if (this.size === 0) return slots;
    let runIndex = after === undefined ? 0 : this.#runFor(after, compare);
    let index = after === undefined ? 0 : placeAfter(this.#runs[runIndex] as Slot[], after, compare);
    while (slots.length < limit && runIndex < this.#runs.length) {
      const run = this.#runs[runIndex++] as Slot[];
      const end = Math.min(run.length, index + limit - slots.length);
      while (index < end) slots.push(run[index++] as Slot);
      index = 0;
    }
    return slots;
  }

  /** The first run that ends with this name or a later one, or the last. */
  #runFor(name: string, compare: CompareName): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const run = this.#runs[middle] as Slot[];
      if (compare(run[run.length - 1] as Slot, name) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #put(runIndex: number, index: number, slot: Slot): void {
    const run = this.#runs[runIndex] as Slot[];
    // Most directories stay small; an array that is made anew has no room to spare, one that grows has a lot.
    if (run.length < EXACT_MAX) this.#runs[runIndex] = run.toSpliced(index, 0, slot);
    else if (index === run.length) run.push(slot);
    else run.splice(index, 0, slot);
  }

  /** Two neighbours that fit in one well become one, so that a directory that empties does not keep many short runs. */
  #joinNext(runIndex: number): void {
    const run = this.#runs[runIndex];
    const next = this.#runs[runIndex + 1];
    if (run === undefined || next === undefined || run.length + next.length > RUN_MAX >> 1) return;
    run.push(...next);
    this.#runs.splice(runIndex + 1, 1);
  }
}

const RUN_MAX = 512;
const RUN_MIN = RUN_MAX >> 3;
const EXACT_MAX = 16;

/** Where the first slot stands whose name comes after this one. */
function placeAfter(run: readonly Slot[], name: string, compare: CompareName): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(run[middle] as Slot, name) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
