import type { Zxid } from '@zabra/model';
import type { LogRecord } from '@zabra/zab';
import type { DiskFile } from '../env.ts';
import {
  BATCH_ALIGNMENT,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchBytes,
  decodeRecords,
  isIntact,
  readBatchHeader,
} from './batch.ts';
import { damaged } from './data-directory-error.ts';
import { ForwardReader } from './forward-reader.ts';
import type { SegmentEnd, SegmentOfManifest } from './manifest.ts';
import type { SharedFile } from './shared-file.ts';

/** A piece of the log. Each is written by one run of a server, from front to back, once. */
export interface Segment {
  readonly id: number;
  readonly salt: number;
  readonly previous: Zxid;
  /** Undefined while it is being written. */
  readonly end: SegmentEnd | undefined;
  readonly file: SharedFile;
  /** Those with records, all durable. Grows while the segment is being written. */
  readonly batches: BatchPosition[];
}

export interface BatchPosition {
  readonly offset: number;
  /** Of header and payload. */
  readonly bytes: number;
  /** The last zxid before it. */
  readonly previous: Zxid;
  /** The last record that counts. */
  readonly last: Zxid;
}

export function segmentOfManifest({ id, salt, previous, end }: Segment): SegmentOfManifest {
  return { id, salt, previous, end };
}

export interface ScannedBatch {
  readonly position: BatchPosition;
  readonly commit: Zxid;
  readonly isEmpty: boolean;
  /**
   * Made when they are asked for: most batches of a log are older than the base snapshot. Their payloads are views of a
   * large buffer.
   */
  records(): readonly LogRecord[];
}

export interface SegmentScan {
  /** With and without records. */
  readonly batches: number;
  /** Where the last intact batch ends. */
  readonly end: number;
  /** Something lies behind the end that never became a batch. */
  readonly isTorn: boolean;
}

/**
 * Reads every batch and hands it over, in order.
 *
 * A batch that does not verify is torn when it is the last one of the segment that was being written: it was never
 * acknowledged, since its fsync never returned. Anywhere else it is rot, and DataDirectoryError DAMAGED is thrown: with a later
 * batch that verifies, or in a segment that the manifest says to be finished.
 */
export async function scanSegment(
  entry: SegmentOfManifest,
  file: DiskFile,
  visit: (batch: ScannedBatch) => void,
): Promise<SegmentScan> {
  const reader = new ForwardReader(file);
  const length = await file.length();
  const finish = entry.end?.offset ?? length;
  let last = entry.previous;
  let before = entry.salt;
  let number = 0;
  let offset = 0;
  while (offset < finish) {
    const batch = await readBatchAt(reader, entry, offset, length);
    if (batch === undefined) break;
    const { header, bytes } = batch;
    if (header.number !== number + 1 || header.before !== before) {
      throw damaged(file.name, `the batch at ${offset} verifies but does not follow the one before it`);
    }
    const previous = last;
    const through = entry.end?.zxid ?? header.last;
    const records = (): readonly LogRecord[] => {
      const all = decodeRecords(bytes, header, previous);
      return header.last <= through ? all : all.filter(({ zxid }) => zxid <= through);
    };
    const whole = header.count > 0 ? header.last : previous;
    last = header.last <= through ? whole : (records().at(-1)?.zxid ?? previous);
    const position = { offset, bytes: BATCH_HEADER_BYTES + header.payloadBytes, previous, last };
    visit({ position, commit: header.commit, isEmpty: last === previous, records });
    before = header.crc;
    number++;
    offset += batchBytes(header.payloadBytes);
  }
  if (entry.end !== undefined) {
    if (offset !== entry.end.offset || last !== entry.end.zxid) {
      throw damaged(file.name, `the batch at ${offset} is not what was written there`);
    }
    return { batches: number, end: offset, isTorn: false };
  }
  const isTorn = await hasBytes(reader, offset, length);
  if (isTorn) {
    const later = await findBatch(reader, entry, offset + BATCH_ALIGNMENT, length);
    if (later !== undefined) {
      throw damaged(
        file.name,
        `the batch at ${offset} is not what was written there, though the one at ${later} is`,
      );
    }
  }
  return { batches: number, end: offset, isTorn };
}

/** The records of one batch that counts. Throws DAMAGED when it no longer verifies. */
export async function readBatch(segment: Segment, position: BatchPosition): Promise<readonly LogRecord[]> {
  const { file } = segment.file;
  const bytes = await file.read(position.offset, position.bytes);
  const header = readBatchHeader(bytes);
  const { id, salt } = segment;
  if (header === undefined || !isIntact(bytes, header, { segment: id, salt, offset: position.offset })) {
    throw damaged(file.name, `the batch at ${position.offset} is no longer what was written there`);
  }
  const records = decodeRecords(bytes, header, position.previous);
  return header.last <= position.last ? records : records.filter(({ zxid }) => zxid <= position.last);
}

async function readBatchAt(
  reader: ForwardReader,
  entry: SegmentOfManifest,
  offset: number,
  length: number,
): Promise<{ readonly header: BatchHeader; readonly bytes: Uint8Array } | undefined> {
  const header = readBatchHeader(await reader.read(offset, BATCH_HEADER_BYTES));
  if (header === undefined) return undefined;
  const size = BATCH_HEADER_BYTES + header.payloadBytes;
  if (offset + size > length) return undefined;
  const bytes = await reader.read(offset, size);
  return isIntact(bytes, header, { segment: entry.id, salt: entry.salt, offset })
    ? { header, bytes }
    : undefined;
}

/** Where the first batch of this segment at or after `from` begins. */
async function findBatch(
  reader: ForwardReader,
  entry: SegmentOfManifest,
  from: number,
  length: number,
): Promise<number | undefined> {
  for (let offset = from; offset < length; offset += BATCH_ALIGNMENT) {
    if ((await readBatchAt(reader, entry, offset, length)) !== undefined) return offset;
  }
  return undefined;
}

async function hasBytes(reader: ForwardReader, from: number, length: number): Promise<boolean> {
  for (let offset = from; offset < length; offset += LOOK_BYTES) {
    const bytes = await reader.read(offset, Math.min(LOOK_BYTES, length - offset));
    // A loop: a call for each byte of what was written ahead takes longer than reading it.
    for (let index = 0; index < bytes.length; index++) if (bytes[index] !== 0) return true;
  }
  return false;
}

const LOOK_BYTES = 64 * 1024;

/** The last zxid of a segment, as far as it is written. */
export function lastZxidOf(segment: Segment): Zxid {
  return segment.batches.at(-1)?.last ?? segment.previous;
}
