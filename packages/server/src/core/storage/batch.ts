import { assert, asZxid, type Zxid } from '@zabra/model';
import type { LogRecord } from '@zabra/zab';
import { crc32 } from './crc32.ts';

/**
 * The unit of tearing: what one write puts into a segment. Batch k + 1 is written only after the fsync of batch k
 * returned, so a batch that is there proves that all before it are on the disk.
 *
 *     offset  bytes  field
 *          0      4  magic "ZBL1": the format
 *          4      4  CRC-32 of bytes 8 to the end of the payload, seeded with the segment's salt
 *          8      4  CRC of the batch before; the salt for the first of a segment
 *         12      4  segment
 *         16      8  where in the segment this batch begins
 *         24      8  number in the segment, from 1
 *         32      8  zxid of the first record (of an empty batch: the last zxid of the log)
 *         40      8  zxid of the last record (likewise)
 *         48      8  commit mark: the highest zxid known to be committed when this was written, at most the last zxid
 *         56      4  records
 *         60      4  payload bytes
 *         64         payload: per record zxid (8), kind (4), bytes (4), then the bytes
 *
 * Little endian. A batch begins at a multiple of 512, so that no write touches a sector of the batch before it, which
 * is durable and must stay whole whatever happens to this write.
 */
export const BATCH_HEADER_BYTES = 64;
export const BATCH_ALIGNMENT = 512;
const RECORD_HEADER_BYTES = 16;
const MAGIC = 0x314c425a;
const TWO_POW_32 = 2 ** 32;

const KIND_NUMBERS: Readonly<Record<LogRecord['kind'], number>> = { txn: 1, config: 2, 'epoch-start': 3 };
const KIND_NAMES: readonly (LogRecord['kind'] | undefined)[] = [undefined, 'txn', 'config', 'epoch-start'];

/** Where a batch is written, and after what. */
export interface BatchPlace {
  readonly segment: number;
  /** Random, drawn for each segment: bytes of any other file, or of a client, never verify here. */
  readonly salt: number;
  readonly offset: number;
  readonly number: number;
  /** CRC of the batch before. */
  readonly before: number;
}

export interface BatchHeader {
  readonly crc: number;
  readonly before: number;
  readonly segment: number;
  readonly offset: number;
  readonly number: number;
  readonly first: Zxid;
  readonly last: Zxid;
  readonly commit: Zxid;
  readonly count: number;
  readonly payloadBytes: number;
}

/** Bytes in the file, with the header and what is left free up to the next batch. */
export function batchBytes(payloadBytes: number): number {
  return Math.ceil((BATCH_HEADER_BYTES + payloadBytes) / BATCH_ALIGNMENT) * BATCH_ALIGNMENT;
}

export function recordBytes(record: LogRecord): number {
  return RECORD_HEADER_BYTES + record.payload.length;
}

export interface BatchContent {
  readonly records: readonly LogRecord[];
  /** Sum of {@link recordBytes}. */
  readonly payloadBytes: number;
  /** The last zxid in the log before this batch. */
  readonly previous: Zxid;
  readonly commit: Zxid;
}

/** Fills `target`, which has {@link batchBytes} of it, and answers the CRC. */
export function encodeBatch(target: Uint8Array, place: BatchPlace, content: BatchContent): number {
  const { records, payloadBytes, previous, commit } = content;
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  let at = BATCH_HEADER_BYTES;
  let last = previous;
  for (const record of records) {
    assert(record.previous === last, 'the log has no holes', {
      zxid: record.zxid,
      previous: record.previous,
      last,
    });
    assert(record.zxid > last, 'zxids in the log go up', { zxid: record.zxid, last });
    setUint53(view, at, record.zxid);
    view.setUint32(at + 8, KIND_NUMBERS[record.kind], true);
    view.setUint32(at + 12, record.payload.length, true);
    target.set(record.payload, at + RECORD_HEADER_BYTES);
    at += RECORD_HEADER_BYTES + record.payload.length;
    last = record.zxid;
  }
  const end = BATCH_HEADER_BYTES + payloadBytes;
  assert(at === end, 'a batch has the bytes that were counted', { at, end });
  target.fill(0, end);
  view.setUint32(0, MAGIC, true);
  view.setUint32(8, place.before, true);
  view.setUint32(12, place.segment, true);
  setUint53(view, 16, place.offset);
  setUint53(view, 24, place.number);
  setUint53(view, 32, records[0]?.zxid ?? previous);
  setUint53(view, 40, last);
  setUint53(view, 48, commit);
  view.setUint32(56, records.length, true);
  view.setUint32(60, payloadBytes, true);
  const crc = crc32(target, 8, end, place.salt);
  view.setUint32(4, crc, true);
  return crc;
}

/** What the bytes claim to be; undefined when they do not begin as a batch. Nothing of it is proved. */
export function readBatchHeader(bytes: Uint8Array): BatchHeader | undefined {
  if (bytes.length < BATCH_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  const offset = getUint53(view, 16);
  const number = getUint53(view, 24);
  const first = getUint53(view, 32);
  const last = getUint53(view, 40);
  const commit = getUint53(view, 48);
  if (offset === undefined || number === undefined) return undefined;
  if (first === undefined || last === undefined || commit === undefined) return undefined;
  return {
    crc: view.getUint32(4, true),
    before: view.getUint32(8, true),
    segment: view.getUint32(12, true),
    offset,
    number,
    first: asZxid(first),
    last: asZxid(last),
    commit: asZxid(commit),
    count: view.getUint32(56, true),
    payloadBytes: view.getUint32(60, true),
  };
}

/** `batch` holds header and payload. True when they were written as this batch, for this very place. */
export function isIntact(
  batch: Uint8Array,
  header: BatchHeader,
  place: { readonly segment: number; readonly salt: number; readonly offset: number },
): boolean {
  const end = BATCH_HEADER_BYTES + header.payloadBytes;
  if (header.segment !== place.segment || header.offset !== place.offset || batch.length < end) return false;
  return crc32(batch, 8, end, place.salt) === header.crc;
}

/**
 * The records of an intact batch; their payloads are views of it. `previous` is the last zxid before it. Asserts what
 * the writer asserted: a batch whose CRC holds but whose records do not follow each other was written by a broken server.
 */
export function decodeRecords(batch: Uint8Array, header: BatchHeader, previous: Zxid): LogRecord[] {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const records: LogRecord[] = [];
  let at = BATCH_HEADER_BYTES;
  let before = previous;
  for (let index = 0; index < header.count; index++) {
    const zxid = asZxid(getUint53(view, at) ?? -1);
    const kind = KIND_NAMES[view.getUint32(at + 8, true)];
    const length = view.getUint32(at + 12, true);
    assert(kind !== undefined, 'a record has a known kind', { zxid, offset: header.offset });
    assert(zxid > before, 'zxids in the log go up', { zxid, before });
    at += RECORD_HEADER_BYTES;
    records.push({ zxid, previous: before, kind, payload: batch.subarray(at, at + length) });
    at += length;
    before = zxid;
  }
  assert(at === BATCH_HEADER_BYTES + header.payloadBytes, 'records fill their batch', { at, header });
  assert(before === header.last, 'a batch ends as its header says', { before, last: header.last });
  return records;
}

function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / TWO_POW_32), true);
}

/** Undefined when the number is not exact, which no writer writes. */
function getUint53(view: DataView, at: number): number | undefined {
  const value = view.getUint32(at + 4, true) * TWO_POW_32 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : undefined;
}
