import type { Zxid } from '@zabra/model';
import type { LogRecord } from '@zabra/zab';
import type { StorageOptions } from '../options.ts';
import { BATCH_HEADER_BYTES, batchBytes, encodeBatch, recordBytes } from './batch.ts';
import type { Segment } from './segment.ts';

/** Zeros are written in pieces of this size, so that no batch waits long behind them. */
const ZEROS_BYTES = 256 * 1024;
/** A batch above this gets a buffer of its own, which is let go afterwards. */
const BUFFER_BYTES_MAX = 1024 * 1024;

const ZEROS: Uint8Array = new Uint8Array(ZEROS_BYTES);

/** Writes batches into the last segment of the log, one at a time. */
export class SegmentWriter {
  readonly segment: Segment;
  readonly #options: StorageOptions;
  #buffer: Uint8Array = new Uint8Array(64 * 1024);
  #offset = 0;
  #number = 0;
  #crc: number;
  /** Up to here the file has bytes. */
  #allocated = 0;
  #isSealed = true;

  constructor(segment: Segment, options: StorageOptions) {
    this.segment = segment;
    this.#options = options;
    this.#crc = segment.salt;
  }

  get offset(): number {
    return this.#offset;
  }

  get isFull(): boolean {
    return this.#offset >= this.#options.segmentBytes;
  }

  /** The last batch is empty, or there is none: nothing waits for a later batch to prove it. */
  get isSealed(): boolean {
    return this.#isSealed;
  }

  /** Durable once this returns. An error is final: what it left in the file is not known. */
  async write(records: readonly LogRecord[], previous: Zxid, commit: Zxid): Promise<void> {
    const payloadBytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    const bytes = batchBytes(payloadBytes);
    const offset = this.#offset;
    const target = this.#bufferOf(bytes);
    const { id, salt, file, batches } = this.segment;
    const place = { segment: id, salt, offset, number: this.#number + 1, before: this.#crc };
    const crc = encodeBatch(target, place, { records, payloadBytes, previous, commit });
    await file.file.writeDurably(offset, [target]);
    this.#crc = crc;
    this.#number++;
    this.#offset = offset + bytes;
    this.#allocated = Math.max(this.#allocated, this.#offset);
    this.#isSealed = records.length === 0;
    const last = records.at(-1);
    if (last !== undefined) {
      batches.push({ offset, bytes: BATCH_HEADER_BYTES + payloadBytes, previous, last: last.zxid });
    }
  }

  /** One piece more of zeros ahead, unless there are enough. Not synced: zeros that are lost read as zeros. */
  async zeroAhead(): Promise<void> {
    const { preallocateBytes, segmentBytes } = this.#options;
    const wanted = Math.min(this.#offset + preallocateBytes, segmentBytes);
    if (this.#allocated >= wanted) return;
    const bytes = Math.min(ZEROS_BYTES, segmentBytes - this.#allocated);
    await this.segment.file.file.write(this.#allocated, [ZEROS.subarray(0, bytes)]);
    this.#allocated += bytes;
  }

  #bufferOf(bytes: number): Uint8Array {
    if (bytes > BUFFER_BYTES_MAX) return new Uint8Array(bytes);
    if (bytes > this.#buffer.length) this.#buffer = new Uint8Array(BUFFER_BYTES_MAX);
    return this.#buffer.subarray(0, bytes);
  }
}
