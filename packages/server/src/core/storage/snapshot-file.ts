import { asZxid, type Zxid } from '@zabra/model';
import { type SnapshotCursor, Tree, type TreeOptions, type TreeRestorer } from '@zabra/tree';
import type { DiskFile } from '../env.ts';
import { encodeSnapshotEntry, SnapshotEntryReader } from '../snapshot-codec.ts';
import { crc32 } from './crc32.ts';

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
/** Read at a time, and once more ahead of what is being decoded. */
const WINDOW_BYTES = 1024 * 1024;
/** Of each entry, before it. */
const ENTRY_HEADER_BYTES = 4;
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
  const blocks = new BlockWriter();
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
    const block = blocks.next(cursor, options.sliceEntries, crc);
    isLast = block.isEmpty;
    crc = block.crc;
    await file.write(offset, [block.bytes]);
    offset += block.bytes.length;
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
  const headerBytes = await file.read(0, HEADER_BYTES);
  const header = decodeHeader(headerBytes);
  if (header.zxid !== zxid) throw new SnapshotFault('it is of another zxid');
  let restorer: TreeRestorer | undefined;
  let crc = crc32(headerBytes);
  let offset = HEADER_BYTES;
  let isLast = false;
  for await (const blocks of wholeBlocks(file, HEADER_BYTES, bytes)) {
    const view = viewOf(blocks);
    const entries = new SnapshotEntryReader(blocks);
    for (let at = 0; at < blocks.length && !isLast; ) {
      const length = view.getUint32(at, true);
      const start = at + BLOCK_HEADER_BYTES;
      crc = crc32(blocks, start, start + length, crc32(blocks, at, at + 4, crc));
      if (crc !== view.getUint32(at + 4, true)) {
        throw new SnapshotFault(`the block at ${offset} is not what was written`);
      }
      restorer ??= Tree.restore(
        zxid,
        header.lastTimeMs,
        treeOptions,
        entriesExpected(view, { start, length, bytes }),
      );
      restoreBlock(restorer, entries, view, { start, end: start + length });
      isLast = length === 0;
      at = start + length;
      offset += BLOCK_HEADER_BYTES + length;
    }
    if (isLast) break;
  }
  if (!isLast || restorer === undefined) throw new SnapshotFault(`it ends early, at ${offset}`);
  if (offset !== bytes) throw new SnapshotFault(`it ends at ${offset}, not at ${bytes}`);
  const tree = restorer.finish();
  if (tree.digest() !== header.digest) {
    throw new SnapshotFault(`it makes a tree of digest ${tree.digest()}, not ${header.digest}`);
  }
  return tree;
}

/**
 * The blocks from `from` up to `end`, as many at a time as a window holds whole. What is handed out is being decoded while
 * the next window is read. Lengths are believed here: whoever takes the blocks checks them.
 */
async function* wholeBlocks(file: DiskFile, from: number, end: number): AsyncGenerator<Uint8Array> {
  let offset = from;
  let ahead = readAhead(file, offset, end);
  try {
    while (offset < end) {
      let window = await ahead;
      let length = wholeLength(window);
      if (length === 0) {
        // One block that is longer than a window, or that does not end.
        if (window.length < BLOCK_HEADER_BYTES) throw new SnapshotFault(`it ends early, at ${offset}`);
        length = BLOCK_HEADER_BYTES + viewOf(window).getUint32(0, true);
        if (length <= end - offset) window = await file.read(offset, length);
        if (length > window.length) throw new SnapshotFault(`the block at ${offset} does not end`);
      }
      offset += length;
      ahead = readAhead(file, offset, end);
      yield window.subarray(0, length);
    }
  } finally {
    // So that nobody closes the file while it is being read.
    await ahead.catch(() => undefined);
  }
}

function readAhead(file: DiskFile, offset: number, end: number): Promise<Uint8Array> {
  const read = file.read(offset, Math.min(WINDOW_BYTES, end - offset));
  // Heard when its turn comes; until then nobody waits for it.
  read.catch(() => undefined);
  return read;
}

function wholeLength(window: Uint8Array): number {
  const view = viewOf(window);
  let at = 0;
  while (at + BLOCK_HEADER_BYTES <= window.length) {
    const next = at + BLOCK_HEADER_BYTES + view.getUint32(at, true);
    if (next > window.length) break;
    at = next;
  }
  return at;
}

/** The first block, beside the bytes of all. */
function entriesExpected(
  view: DataView,
  { start, length, bytes }: { readonly start: number; readonly length: number; readonly bytes: number },
): number {
  let count = 0;
  for (let at = start; at < start + length; count++) at += ENTRY_HEADER_BYTES + view.getUint32(at, true);
  return length === 0 ? 0 : Math.ceil((bytes / length) * count);
}

function restoreBlock(
  restorer: TreeRestorer,
  entries: SnapshotEntryReader,
  view: DataView,
  { start, end }: { readonly start: number; readonly end: number },
): void {
  for (let at = start; at < end; ) {
    const entryStart = at + ENTRY_HEADER_BYTES;
    at = entryStart + view.getUint32(at, true);
    restorer.add(entries.read(entryStart, at));
  }
}

interface Block {
  readonly isEmpty: boolean;
  /** Valid until the next block is made. */
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** Makes one block after the other in the same memory. */
class BlockWriter {
  #memory = new Uint8Array(2 * BLOCK_BYTES);
  #view = viewOf(this.#memory);

  next(cursor: SnapshotCursor, entriesMax: number, seed: number): Block {
    let end = BLOCK_HEADER_BYTES;
    for (let count = 0; count < entriesMax && end < BLOCK_BYTES; ) {
      const entries = cursor.next(Math.min(ENTRIES_AT_A_TIME, entriesMax - count));
      if (entries.length === 0) break;
      count += entries.length;
      for (const entry of entries) {
        const bytes = encodeSnapshotEntry(entry);
        this.#ensure(end, ENTRY_HEADER_BYTES + bytes.length);
        this.#view.setUint32(end, bytes.length, true);
        this.#memory.set(bytes, end + ENTRY_HEADER_BYTES);
        end += ENTRY_HEADER_BYTES + bytes.length;
      }
    }
    const memory = this.#memory;
    this.#view.setUint32(0, end - BLOCK_HEADER_BYTES, true);
    const crc = crc32(memory, BLOCK_HEADER_BYTES, end, crc32(memory, 0, 4, seed));
    this.#view.setUint32(4, crc, true);
    return { isEmpty: end === BLOCK_HEADER_BYTES, bytes: memory.subarray(0, end), crc };
  }

  #ensure(used: number, more: number): void {
    if (used + more <= this.#memory.length) return;
    const larger = new Uint8Array(2 * (used + more));
    larger.set(this.#memory.subarray(0, used));
    this.#memory = larger;
    this.#view = viewOf(larger);
  }
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
