const MODULUS = 65_521;
/** So many bytes can't make a sum overflow 32 bits. */
const RUN_BYTES = 5552;

/** Adler-32 (RFC 1950) over `bytes` from `start` to `end`; `seed` is what it was for all before: 1 at the beginning. */
export function adler32(bytes: Uint8Array, seed = 1, start = 0, end: number = bytes.length): number {
  let a = seed & 0xffff;
  let b = seed >>> 16;
  for (let at = start; at < end; ) {
    const stop = Math.min(at + RUN_BYTES, end);
    for (; at < stop; at++) {
      a += bytes[at] as number;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}
