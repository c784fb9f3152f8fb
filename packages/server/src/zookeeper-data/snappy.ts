/*
 * What snappy-java's SnappyOutputStream writes: a header, then blocks of Snappy's raw format, each behind its length.
 *
 *     header   8 magic · 4 version · 4 oldest version that can read it
 *     block    4 bytes of the block, big endian · the block
 *
 * Written here, since the block format is four kinds of element, and the kept libraries for it are native add-ons,
 * WebAssembly, or whole readers of other formats.
 */

/** A byte that is no ASCII, "SNAPPY", zero. */
const MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00);
const MAGIC_BEGINNING = 0x82534e41;
const HEADER_BYTES = 16;
/** Far above what SnappyOutputStream makes (32 KiB unless told otherwise), far below what would hurt. */
const BLOCK_BYTES_MAX = 64 * 1024 * 1024;

/** The bytes are not what SnappyOutputStream writes. */
export class SnappyFault extends Error {
  override readonly name = 'SnappyFault';
}

/** The content of such a stream, block by block. Throws {@link SnappyFault}; an end within a block is one, too. */
export async function* unframeSnappy(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0);
  let isBegun = false;
  for await (const chunk of chunks) {
    held = held.length === 0 ? chunk : joined(held, chunk);
    let at = 0;
    for (;;) {
      const size = sizeAt(held, at, isBegun);
      if (size === undefined || held.length - at < size.bytes) break;
      isBegun = true;
      if (size.kind === 'block') yield decodeSnappyBlock(held.subarray(at + 4, at + size.bytes));
      at += size.bytes;
    }
    held = held.subarray(at);
  }
  if (held.length > 0 || !isBegun) throw new SnappyFault('it ends within a block');
}

/** What begins here, once enough is there to tell. A header may come again where streams were joined. */
function sizeAt(
  bytes: Uint8Array,
  at: number,
  isBegun: boolean,
): { readonly kind: 'header' | 'block'; readonly bytes: number } | undefined {
  if (bytes.length - at < 4) return undefined;
  const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
  // The beginning of the magic, which is no length.
  if (number === MAGIC_BEGINNING) {
    if (bytes.length - at < MAGIC.length) return undefined;
    if (MAGIC.every((byte, index) => bytes[at + index] === byte))
      return { kind: 'header', bytes: HEADER_BYTES };
  }
  if (!isBegun) throw new SnappyFault('it does not begin as a stream of snappy-java');
  if (number > BLOCK_BYTES_MAX) throw new SnappyFault(`a block of ${number} bytes is none that was written`);
  return { kind: 'block', bytes: 4 + number };
}

/** One block of Snappy's raw format. Throws {@link SnappyFault}. */
export function decodeSnappyBlock(block: Uint8Array): Uint8Array {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = block[at++];
    if (byte === undefined || shift > 28) throw new SnappyFault('the length of a block is no number');
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (length > BLOCK_BYTES_MAX) throw new SnappyFault(`a block of ${length} bytes is none that was written`);
  const out = new Uint8Array(length);
  let filled = 0;
  while (at < block.length) {
    const tag = block[at++] as number;
    if ((tag & 3) === 0) {
      let count = tag >> 2;
      if (count >= LITERAL_LENGTH_APART) {
        const bytes = count - LITERAL_LENGTH_APART + 1;
        count = littleEndian(block, at, bytes);
        at += bytes;
      }
      count++;
      if (at + count > block.length || filled + count > length)
        throw new SnappyFault('a literal does not fit');
      out.set(block.subarray(at, at + count), filled);
      at += count;
      filled += count;
      continue;
    }
    const copy = copyOf(block, tag, at);
    at += copy.bytes;
    if (copy.offset === 0 || copy.offset > filled || filled + copy.length > length)
      throw new SnappyFault('a copy does not fit');
    // One by one: what is copied may be what this copy itself has just written.
    for (const end = filled + copy.length; filled < end; filled++)
      out[filled] = out[filled - copy.offset] as number;
  }
  if (filled !== length) throw new SnappyFault(`a block has ${filled} bytes and not ${length}`);
  return out;
}

/** From here on the length of a literal stands behind the tag, in 1 to 4 bytes. */
const LITERAL_LENGTH_APART = 60;

function copyOf(
  block: Uint8Array,
  tag: number,
  at: number,
): { readonly length: number; readonly offset: number; readonly bytes: number } {
  switch (tag & 3) {
    case 1:
      return {
        length: ((tag >> 2) & 7) + 4,
        offset: ((tag >> 5) << 8) + littleEndian(block, at, 1),
        bytes: 1,
      };
    case 2:
      return { length: (tag >> 2) + 1, offset: littleEndian(block, at, 2), bytes: 2 };
    default:
      return { length: (tag >> 2) + 1, offset: littleEndian(block, at, 4), bytes: 4 };
  }
}

function littleEndian(block: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let index = 0; index < bytes; index++) {
    const byte = block[at + index];
    if (byte === undefined) throw new SnappyFault('a block ends within an element');
    value += byte * 2 ** (8 * index);
  }
  return value;
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const whole = new Uint8Array(left.length + right.length);
  whole.set(left);
  whole.set(right, left.length);
  return whole;
}
