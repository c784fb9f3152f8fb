import { crc32 as crc32OfZlib } from 'node:zlib';

/** CRC-32 (IEEE 802.3) of bytes [start, end), going on from the CRC `seed` of what came before. */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  return crc32OfZlib(bytes.subarray(start, end), seed);
}
