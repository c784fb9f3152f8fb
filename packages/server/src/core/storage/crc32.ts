/** 16 tables: 16 bytes a step. What the table for n zero bytes behind does to each value of a byte. */
const STEP = 16;
const TABLES: Uint32Array = makeTables();

/** CRC-32 (IEEE 802.3) of bytes [start, end), going on from the CRC `seed` of what came before. */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  const t = TABLES;
  let crc = ~seed;
  let at = start;
  for (const last = end - STEP; at <= last; at += STEP) {
    // A closed loop over constants: `at + n` is within the bytes, so no lookup is absent.
    const a = crc ^ word(bytes, at);
    crc =
      lookup(t, 15, a & 255) ^
      lookup(t, 14, (a >>> 8) & 255) ^
      lookup(t, 13, (a >>> 16) & 255) ^
      lookup(t, 12, a >>> 24) ^
      lookup(t, 11, bytes[at + 4] as number) ^
      lookup(t, 10, bytes[at + 5] as number) ^
      lookup(t, 9, bytes[at + 6] as number) ^
      lookup(t, 8, bytes[at + 7] as number) ^
      lookup(t, 7, bytes[at + 8] as number) ^
      lookup(t, 6, bytes[at + 9] as number) ^
      lookup(t, 5, bytes[at + 10] as number) ^
      lookup(t, 4, bytes[at + 11] as number) ^
      lookup(t, 3, bytes[at + 12] as number) ^
      lookup(t, 2, bytes[at + 13] as number) ^
      lookup(t, 1, bytes[at + 14] as number) ^
      lookup(t, 0, bytes[at + 15] as number);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ lookup(t, 0, (crc ^ (bytes[at] as number)) & 255);
  return ~crc >>> 0;
}

function lookup(tables: Uint32Array, table: number, byte: number): number {
  return tables[(table << 8) | byte] as number;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function makeTables(): Uint32Array {
  const tables = new Uint32Array(STEP * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256] as number;
    tables[index] = (before >>> 8) ^ (tables[before & 255] as number);
  }
  return tables;
}
