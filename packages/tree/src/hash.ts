/**
 * A 64-bit hash in two lanes of 32 bits, for comparing replicas; not cryptographic. Both lanes see the same
 * words; each mixes them as MurmurHash3 does, with constants and rotations of its own.
 *
 * One instance is used again and again, so that hashing on the way of a write allocates nothing:
 * `begin`, then what is to be hashed, then `end`; the answer is in `a` and `b` (signed 32-bit integers).
 */
export class Hasher {
  a = 0;
  b = 0;
  #words = 0;

  /** `kind` keeps hashes of different things apart. */
  begin(kind: number): this {
    this.a = 0x2f0b4a27 ^ kind;
    this.b = 0x51ed270b ^ kind;
    this.#words = 0;
    return this;
  }

  /** 32 bits. */
  word(value: number): this {
    this.a = mixA(this.a, value);
    this.b = mixB(this.b, value);
    this.#words++;
    return this;
  }

  /** A safe integer: zxids, session ids, times, counters. */
  integer(value: number): this {
    const high = Math.floor(value / 2 ** 32);
    const low = value | 0;
    this.a = mixA(mixA(this.a, high), low);
    this.b = mixB(mixB(this.b, high), low);
    this.#words += 2;
    return this;
  }

  /** Length first, so that no two lists of strings run together to the same words. */
  string(value: string): this {
    const length = value.length;
    this.word(length);
    // The lanes as variables: as fields they would be written to memory at each step.
    let { a, b } = this;
    let index = 0;
    for (; index + 1 < length; index += 2) {
      const word = value.charCodeAt(index) | (value.charCodeAt(index + 1) << 16);
      a = mixA(a, word);
      b = mixB(b, word);
    }
    if (index < length) {
      const word = value.charCodeAt(index);
      a = mixA(a, word);
      b = mixB(b, word);
    }
    this.a = a;
    this.b = b;
    this.#words += (length + 1) >> 1;
    return this;
  }

  bytes(value: Uint8Array): this {
    const length = value.length;
    this.word(length);
    let { a, b } = this;
    let index = 0;
    if (length >= VIEW_BYTES) {
      const view = new DataView(value.buffer, value.byteOffset, length);
      for (; index + 3 < length; index += 4) {
        const word = view.getInt32(index, true);
        a = mixA(a, word);
        b = mixB(b, word);
      }
    }
    for (; index + 3 < length; index += 4) {
      const word =
        byte(value, index) |
        (byte(value, index + 1) << 8) |
        (byte(value, index + 2) << 16) |
        (byte(value, index + 3) << 24);
      a = mixA(a, word);
      b = mixB(b, word);
    }
    for (; index < length; index++) {
      a = mixA(a, byte(value, index));
      b = mixB(b, byte(value, index));
    }
    this.a = a;
    this.b = b;
    this.#words += (length >> 2) + (length & 3);
    return this;
  }

  /** Spreads the last words over all bits. */
  end(): this {
    this.a = avalanche(this.a ^ this.#words);
    this.b = avalanche(this.b ^ this.#words);
    return this;
  }
}

/** From here on it pays to make a view, which reads a word at a time. */
const VIEW_BYTES = 512;

function mixA(lane: number, value: number): number {
  let x = Math.imul(value, 0xcc9e2d51);
  x = (x << 15) | (x >>> 17);
  let a = lane ^ Math.imul(x, 0x1b873593);
  a = (a << 13) | (a >>> 19);
  return (Math.imul(a, 5) + 0xe6546b64) | 0;
}

function mixB(lane: number, value: number): number {
  let y = Math.imul(value, 0xab0e9789);
  y = (y << 16) | (y >>> 16);
  let b = lane ^ Math.imul(y, 0x38b34ae5);
  b = (b << 17) | (b >>> 15);
  return (Math.imul(b, 5) + 0x561ccd1b) | 0;
}

function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function avalanche(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
