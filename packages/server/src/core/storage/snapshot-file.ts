import { asZxid, type Zxid } from '@zabra/model';
import { type SnapshotCursor, Tree, type TreeOptions } from '@zabra/tree';
import type { DiskFile } from '../env.ts';
import { decodeSnapshotEntry, encodeSnapshotEntry } from '../snapshot-codec.ts';
import { crc32 } from './crc32.ts';
import { ForwardReader } from './forward-reader.ts';

/**
 * A snapshot in a file, as it also goes to learners: a header, blocks of entries, an empty block.
 *
 *     header   4 magic "ZBS1" · 4 CRC-32 of the rest · 8 zxid · 8 time of the last txn (ms) · 16 digest, hex digits
 *     block    4 bytes of the entries · 4 CRC-32 of length and entries, seeded with the CRC before it · the entries
 *     entry    4 bytes · a zabra.v1.SnapshotEntry
 *
 * Little endian. The seeds chain the blocks, so that none can be missing, moved or of another snapshot; the last one is
 * the block without entries. What was read must also have the digest of the header.
 */
const MAGIC = 0x3153425a;
const HEADER_BYTES = 40;
const DIGEST_LENGTH = 16;
const BLOCK_HEADER_BYTES = 8;
/** A block is closed when it has grown beyond this. */
const BLOCK_BYTES = 256 * 1024;
/** Entries taken from the cursor at a time: few enough that large nodes do not make a block enormous. */
const ENTRIES_AT_A_TIME = 16;
const TWO_POW_32 = 2 ** 32;

/** Not a snapshot, or not the one that was written. */
export class SnapshotFault extends Error {
  override readonly name = 'SnapshotFault';
}

export interface SnapshotWriteOptions {
  readonly sliceEntries: number;
  readonly syncBytes: number;
  readonly preImageBytesMax: number;
  /** Lets others run before the next slice. */
  readonly pause: () => Promise<void>;
  readonly isCancelled: () => boolean;
}

/**
 * Writes what the cursor hands out, in slices, and fsyncs as it goes, so that no large fsync ever competes with the log's.
 * Answers the bytes, all of them synced; undefined when it was cancelled or what the cursor keeps outgrew its bound.
 * The cursor is done with in either case.
 */
export async function writeSnapshot(
  file: DiskFile,
  cursor: SnapshotCursor,
  options: SnapshotWriteOptions,
): Promise<number | undefined> {
  const header = encodeHeader(cursor);
  await file.write(0, [header]);
  let offset = HEADER_BYTES;
  let synced = 0;
  let crc = crc32(header);
  for (let isLast = false; !isLast; ) {
    await options.pause();
    if (options.isCancelled() || cursor.preImageBytes > options.preImageBytesMax) {
      cursor.abandon();
      return undefined;
    }
    const block = nextBlock(cursor, options.sliceEntries, crc);
    isLast = block.isEmpty;
    crc = block.crc;
    await file.write(offset, block.parts);
    offset += block.bytes;
    if (isLast || offset - synced >= options.syncBytes) {
      await file.sync();
      synced = offset;
    }
  }
  return offset;
}

/**
 * The tree that the file's first `bytes` bytes hold. Throws SnapshotFault when any of it is not what was written, or when it
 * is not of `zxid`.
 */
export async function readSnapshot(
  file: DiskFile,
  bytes: number,
  zxid: Zxid,
  treeOptions: Partial<TreeOptions>,
): Promise<Tree> {
  const reader = new ForwardReader(file);
  const headerBytes = await reader.read(0, HEADER_BYTES);
  const header = decodeHeader(headerBytes);
  if (header.zxid !== zxid) throw new SnapshotFault('it is of another zxid');
  const restorer = Tree.restore(zxid, header.lastTimeMs, treeOptions);
  let crc = crc32(headerBytes);
  let offset = HEADER_BYTES;
  for (let isLast = false; !isLast; ) {
    const blockHeader = await reader.read(offset, BLOCK_HEADER_BYTES);
    if (blockHeader.length < BLOCK_HEADER_BYTES) throw new SnapshotFault(`it ends early, at ${offset}`);
    const length = viewOf(blockHeader).getUint32(0, true);
    if (offset + BLOCK_HEADER_BYTES + length > bytes)
      throw new SnapshotFault(`the block at ${offset} does not end`);
    const block = await reader.read(offset, BLOCK_HEADER_BYTES + length);
    const entries = block.subarray(BLOCK_HEADER_BYTES);
    crc = blockCrc(length, [entries], crc);
    if (block.length < BLOCK_HEADER_BYTES + length || crc !== viewOf(block).getUint32(4, true)) {
      throw new SnapshotFault(`the block at ${offset} is not what was written`);
    }
    const view = viewOf(entries);
    for (let at = 0; at < length; ) {
      const entryBytes = view.getUint32(at, true);
      restorer.add(decodeSnapshotEntry(entries.subarray(at + 4, at + 4 + entryBytes)));
      at += 4 + entryBytes;
    }
    offset += BLOCK_HEADER_BYTES + length;
    isLast = length === 0;
  }
  if (offset !== bytes) throw new SnapshotFault(`it ends at ${offset}, not at ${bytes}`);
  const tree = restorer.finish();
  if (tree.digest() !== header.digest) {
    throw new SnapshotFault(`it makes a tree of digest ${tree.digest()}, not ${header.digest}`);
  }
  return tree;
}

interface Block {
  readonly isEmpty: boolean;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly crc: number;
}

function nextBlock(cursor: SnapshotCursor, entriesMax: number, seed: number): Block {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let count = 0; count < entriesMax && length < BLOCK_BYTES; ) {
    const entries = cursor.next(Math.min(ENTRIES_AT_A_TIME, entriesMax - count));
    if (entries.length === 0) break;
    count += entries.length;
    for (const entry of entries) {
      const bytes = encodeSnapshotEntry(entry);
      const size = new Uint8Array(4);
      viewOf(size).setUint32(0, bytes.length, true);
      parts.push(size, bytes);
      length += 4 + bytes.length;
    }
  }
  const crc = blockCrc(length, parts, seed);
  const header = new Uint8Array(BLOCK_HEADER_BYTES);
  viewOf(header).setUint32(0, length, true);
  viewOf(header).setUint32(4, crc, true);
  return { isEmpty: length === 0, parts: [header, ...parts], bytes: BLOCK_HEADER_BYTES + length, crc };
}

function blockCrc(length: number, parts: readonly Uint8Array[], seed: number): number {
  const size = new Uint8Array(4);
  viewOf(size).setUint32(0, length, true);
  return parts.reduce((crc, part) => crc32(part, 0, part.length, crc), crc32(size, 0, size.length, seed));
}

function encodeHeader(cursor: SnapshotCursor): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  setUint53(view, 8, cursor.zxid);
  setUint53(view, 16, cursor.lastTimeMs);
  bytes.set(new TextEncoder().encode(cursor.digest), HEADER_BYTES - DIGEST_LENGTH);
  view.setUint32(4, crc32(bytes, 8), true);
  return bytes;
}

function decodeHeader(bytes: Uint8Array): {
  readonly zxid: Zxid;
  readonly lastTimeMs: number;
  readonly digest: string;
} {
  const view = viewOf(bytes);
  if (
    bytes.length < HEADER_BYTES ||
    view.getUint32(0, true) !== MAGIC ||
    view.getUint32(4, true) !== crc32(bytes, 8)
  ) {
    throw new SnapshotFault('its header is not what was written');
  }
  return {
    zxid: asZxid(getUint53(view, 8)),
    lastTimeMs: getUint53(view, 16),
    digest: new TextDecoder().decode(bytes.subarray(HEADER_BYTES - DIGEST_LENGTH)),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / TWO_POW_32), true);
}

function getUint53(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_POW_32 + view.getUint32(at, true);
}
