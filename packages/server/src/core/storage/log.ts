import { assert, type Zxid } from '@zabra/model';
import type { LogRecord } from '@zabra/zab';
import { BATCH_HEADER_BYTES, batchBytes } from './batch.ts';
import type { EpochHistory } from './epoch-history.ts';
import { type BatchPosition, lastZxidOf, readBatch, type Segment } from './segment.ts';

export interface LogRead {
  /** Oldest first, gapless. */
  readonly records: readonly LogRecord[];
  /** The log no longer reaches back to the position asked for. */
  readonly purged: boolean;
}

/** The durable log: which segments it is made of, and where in them each batch lies. What is in flight is not in it. */
export class Log {
  #segments: readonly Segment[];
  readonly #history: EpochHistory;

  /** `segments` follow each other without a hole; `history` is theirs. */
  constructor(segments: readonly Segment[], history: EpochHistory) {
    this.#segments = segments;
    this.#history = history;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get history(): EpochHistory {
    return this.#history;
  }

  /** Where reading record by record begins: the first record has this as `previous`. */
  get baseZxid(): Zxid {
    return this.#first.previous;
  }

  get lastZxid(): Zxid {
    return lastZxidOf(this.last);
  }

  /** The one that is being written. */
  get last(): Segment {
    const last = this.#segments.at(-1);
    assert(last !== undefined, 'a log has a segment');
    return last;
  }

  get #first(): Segment {
    const first = this.#segments[0];
    assert(first !== undefined, 'a log has a segment');
    return first;
  }

  /** Takes effect once the manifest says so. Segments that are no longer among them are dropped. */
  replaceSegments(segments: readonly Segment[]): void {
    const files = new Set(segments.map(({ file }) => file));
    const dropped = this.#segments.filter(({ file }) => !files.has(file));
    this.#segments = segments;
    for (const { file } of dropped) file.drop();
  }

  /**
   * What remains when everything after `after` never was: segments as they are, and the one with `after` in it, if not
   * at its end, closed there. Whoever goes on writing does so in another segment.
   */
  async segmentsThrough(after: Zxid): Promise<readonly Segment[]> {
    assert(after >= this.baseZxid, 'a log is cut within what it holds', { after, base: this.baseZxid });
    const kept = this.#segments.filter((segment) => segment.previous < after);
    const cut = kept.at(-1);
    if (cut === undefined) return [];
    const index = cut.batches.findIndex(({ last }) => last >= after);
    const position = cut.batches[index];
    assert(position !== undefined, 'a log is cut at a record it holds', { after, last: this.lastZxid });
    const records = await readBatch(cut, position);
    const isHeld = records.some(({ zxid }) => zxid === after);
    assert(isHeld, 'a log is cut at a record it holds', {
      after,
      previous: position.previous,
      last: position.last,
    });
    const batches = [...cut.batches.slice(0, index), { ...position, last: after }];
    return [...kept.slice(0, -1), { ...cut, batches, end: { offset: endOf(position), zxid: after } }];
  }

  /** Without the segments that hold nothing after `zxid`. */
  segmentsFrom(zxid: Zxid): readonly Segment[] {
    const first = this.#segments.findLastIndex(({ previous }) => previous <= zxid);
    return this.#segments.slice(Math.max(0, first));
  }

  /** Durable records in (`after`, `through`], until their payloads have `bytesMax` bytes; at least one if there is one. */
  async read(after: Zxid, through: Zxid, bytesMax: number): Promise<LogRead> {
    if (after < this.baseZxid) return { records: [], purged: true };
    const first = this.#segments.findLastIndex(({ previous }) => previous <= after);
    const segments = this.#segments.slice(first);
    const releases = segments.map(({ file }) => file.pin());
    try {
      return { records: await readSegments(segments, after, through, bytesMax), purged: false };
    } finally {
      for (const release of releases) release();
    }
  }
}

/** Where the batch after this one begins. */
function endOf(position: BatchPosition): number {
  return position.offset + batchBytes(position.bytes - BATCH_HEADER_BYTES);
}

async function readSegments(
  segments: readonly Segment[],
  after: Zxid,
  through: Zxid,
  bytesMax: number,
): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  let bytes = 0;
  for (const segment of segments) {
    for (let index = firstBatchAfter(segment, after); index < segment.batches.length; index++) {
      const position = segment.batches[index];
      if (position === undefined || position.previous >= through) return records;
      for (const record of await readBatch(segment, position)) {
        if (record.zxid <= after) continue;
        if (record.zxid > through) return records;
        if (bytes > 0 && bytes + record.payload.length > bytesMax) return records;
        records.push(record);
        bytes += record.payload.length;
      }
    }
  }
  return records;
}

/** Index of the first batch that holds a record after `after`; the number of batches when none does. */
function firstBatchAfter(segment: Segment, after: Zxid): number {
  let low = 0;
  let high = segment.batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const position = segment.batches[middle];
    if (position !== undefined && position.last > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
