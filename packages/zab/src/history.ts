import { assert, type Zxid } from '@zabra/model';
import type { LogRecord } from './record.ts';

export interface HistoryLimits {
  readonly historyRecordsMax: number;
  readonly historyBytesMax: number;
}

/** What a record weighs in windows and messages: its payload and about what surrounds it. */
export function recordBytes(record: LogRecord): number {
  return record.payload.length + RECORD_OVERHEAD_BYTES;
}

const RECORD_OVERHEAD_BYTES = 32;
/** Evicted slots are given back to the engine in one go when there are this many, so that eviction stays O(1). */
const SPARE_SLOTS_MAX = 1024;

/**
 * The newest part of the log, in memory: all records after `floor`, without a hole. Learners that lag a little are
 * served from it, and what is committed is delivered from it. Bounded by count and bytes, except for what the caller
 * still needs (see {@link evict}).
 */
export class History {
  readonly #limits: HistoryLimits;
  #slots: LogRecord[] = [];
  /** Slots before this one are evicted. */
  #head = 0;
  #floor: Zxid;
  #bytes = 0;

  constructor(floor: Zxid, limits: HistoryLimits) {
    this.#floor = floor;
    this.#limits = limits;
  }

  /** The record just before the first one held. */
  get floor(): Zxid {
    return this.#floor;
  }

  get lastZxid(): Zxid {
    return this.count === 0 ? this.#floor : this.#at(this.#slots.length - 1).zxid;
  }

  get count(): number {
    return this.#slots.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(record: LogRecord): void {
    assert(record.previous === this.lastZxid, 'a log has no holes', {
      last: this.lastZxid,
      previous: record.previous,
      zxid: record.zxid,
    });
    assert(record.zxid > record.previous, 'zxids go up', { previous: record.previous, zxid: record.zxid });
    this.#slots.push(record);
    this.#bytes += recordBytes(record);
  }

  /** Forgets the oldest records beyond the limits, but none above `needless`: those are not yet durable or delivered. */
  evict(needless: Zxid): void {
    const { historyRecordsMax, historyBytesMax } = this.#limits;
    while (this.count > historyRecordsMax || this.#bytes > historyBytesMax) {
      const oldest = this.#slots[this.#head];
      if (oldest === undefined || oldest.zxid > needless) break;
      this.#floor = oldest.zxid;
      this.#bytes -= recordBytes(oldest);
      this.#head++;
    }
    if (this.#head >= SPARE_SLOTS_MAX && this.#head * 2 >= this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }

  find(zxid: Zxid): LogRecord | undefined {
    const record = this.#slots[this.#indexAfter(zxid) - 1];
    return zxid > this.#floor && record?.zxid === zxid ? record : undefined;
  }

  /** The records after `zxid` up to `through`; at least one if there is any, else no more than `bytesMax`. */
  after(zxid: Zxid, options: { readonly through: Zxid; readonly bytesMax: number }): LogRecord[] {
    assert(zxid >= this.#floor, 'what is read is still held', { zxid, floor: this.#floor });
    const first = this.#indexAfter(zxid);
    let end = first;
    let bytes = 0;
    for (; end < this.#slots.length; end++) {
      const record = this.#at(end);
      bytes += recordBytes(record);
      if (record.zxid > options.through || (end > first && bytes > options.bytesMax)) break;
    }
    return this.#slots.slice(first, end);
  }

  truncateAfter(zxid: Zxid): void {
    assert(zxid >= this.#floor, 'what is cut is still held', { zxid, floor: this.#floor });
    for (let last = this.#slots.at(-1); this.count > 0 && last !== undefined && last.zxid > zxid; ) {
      this.#bytes -= recordBytes(last);
      this.#slots.pop();
      last = this.#slots.at(-1);
    }
    assert(this.lastZxid === zxid, 'a history is cut at one of its own records', {
      zxid,
      last: this.lastZxid,
    });
  }

  /** The slot of the first record above `zxid`. */
  #indexAfter(zxid: Zxid): number {
    let low = this.#head;
    let high = this.#slots.length;
    // Nearly every reader stands at the end, or one batch before it.
    if (zxid >= this.lastZxid) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(middle).zxid <= zxid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #at(index: number): LogRecord {
    const record = this.#slots[index];
    assert(record !== undefined, 'a slot between head and end is filled', { index });
    return record;
  }
}
