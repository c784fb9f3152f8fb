import { assert, counterOf, epochOf, type Zxid } from '@zabra/model';
import type { EpochEnd, LogRecord } from '@zabra/zab';

/** Where each epoch ends, from a position on that counts as an end itself until its epoch goes on. */
export class EpochHistory {
  #ends: EpochEnd[];

  constructor(base: Zxid) {
    this.#ends = [endAt(base)];
  }

  /** Oldest first. */
  get ends(): readonly EpochEnd[] {
    return this.#ends;
  }

  /** Follow the last end without a hole. */
  extendOver(records: readonly LogRecord[]): void {
    for (const { zxid, previous } of records) {
      if (epochOf(zxid) === epochOf(previous)) continue;
      this.#extendTo(previous);
      this.#extendTo(zxid);
    }
    const last = records.at(-1);
    if (last !== undefined) this.#extendTo(last.zxid);
  }

  /** The same, for records up to `zxid` that are all of the epoch in which the last end is. */
  extendWithin(zxid: Zxid): void {
    this.#extendTo(zxid);
  }

  /** `zxid` is in the history: what comes after it never was. */
  truncateAfter(zxid: Zxid): void {
    const end = endAt(zxid);
    this.#ends = this.#ends.filter(({ epoch }) => epoch < end.epoch);
    this.#ends.push(end);
  }

  /** `zxid` is in the history: what comes before it is forgotten. */
  startAt(zxid: Zxid): void {
    const { epoch } = endAt(zxid);
    this.#ends = this.#ends.filter((end) => end.epoch >= epoch);
    assert(this.#ends[0]?.epoch === epoch, 'a history starts at a position of its own', {
      zxid,
      ends: this.#ends,
    });
  }

  /** Nothing before it is known, nothing after it has come. */
  restartAt(zxid: Zxid): void {
    this.#ends = [endAt(zxid)];
  }

  #extendTo(zxid: Zxid): void {
    const last = this.#ends.at(-1);
    const end = endAt(zxid);
    if (last?.epoch === end.epoch) this.#ends[this.#ends.length - 1] = end;
    else this.#ends.push(end);
  }
}

function endAt(zxid: Zxid): EpochEnd {
  return { epoch: epochOf(zxid), counter: counterOf(zxid) };
}
