import { assert, counterOf, type Epoch, epochOf, makeZxid, ZXID_NONE, type Zxid } from '@zabra/model';
import type { EpochEnd } from './record.ts';

/**
 * Where each epoch ends in one log. Enough to compare two logs, since an epoch has one leader and a log that holds
 * (e, c) holds everything that leader had ordered up to it.
 */
export class EpochHistory {
  readonly #ends: { readonly epoch: Epoch; counter: number }[];

  /** Epoch 0 is the empty history's and holds no record. */
  constructor(ends: readonly EpochEnd[]) {
    this.#ends = ends.filter((end) => end.epoch > 0).map((end) => ({ ...end }));
    for (const [index, end] of this.#ends.entries()) {
      const before = this.#ends[index - 1];
      if (before !== undefined) assert(before.epoch < end.epoch, 'epochs grow in a history', { before, end });
    }
  }

  /** A copy, oldest epoch first. */
  get ends(): readonly EpochEnd[] {
    return this.#ends.map((end) => ({ ...end }));
  }

  /** The last record, ZXID_NONE when there is none. */
  get lastZxid(): Zxid {
    const end = this.#ends.at(-1);
    return end === undefined ? ZXID_NONE : makeZxid(end.epoch, end.counter);
  }

  has(zxid: Zxid): boolean {
    const epoch = epochOf(zxid);
    return this.#ends.some((end) => end.epoch === epoch && counterOf(zxid) <= end.counter);
  }

  append(zxid: Zxid): void {
    const epoch = epochOf(zxid);
    const end = this.#ends.at(-1);
    if (end?.epoch === epoch) end.counter = counterOf(zxid);
    else this.#ends.push({ epoch, counter: counterOf(zxid) });
  }

  truncateAfter(zxid: Zxid): void {
    while ((this.#ends.at(-1)?.epoch ?? 0) > epochOf(zxid)) this.#ends.pop();
    if (zxid === ZXID_NONE) return;
    assert(this.has(zxid), 'a history is cut at one of its own records', { zxid, ends: this.#ends });
    this.append(zxid);
  }
}
