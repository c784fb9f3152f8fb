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
    let x = Math.imul(value, 0xcc9e2d51);
    x = (x << 15) | (x >>> 17);
    let a = this.a ^ Math.imul(x, 0x1b873593);
    a = (a << 13) | (a >>> 19);
    this.a = (Math.imul(a, 5) + 0xe6546b64) | 0;

    let y = Math.imul(value, 0xab0e9789);
    y = (y << 16) | (y >>> 16);
    let b = this.b ^ Math.imul(y, 0x38b34ae5);
    b = (b << 17) | (b >>> 15);
    this.b = (Math.imul(b, 5) + 0x561ccd1b) | 0;

    this.#words++;
    return this;
  }

  /** A safe integer: zxids, session ids, times, counters. */
  integer(value: number): this {
    return this.word(Math.floor(value / 2 ** 32)).word(value | 0);
  }

  /** Length first, so that no two lists of strings run together to the same words. */
  string(value: string): this {
    const length = value.length;
    this.word(length);
    let index = 0;
    for (; index + 1 < length; index += 2) {
      this.word(value.charCodeAt(index) | (value.charCodeAt(index + 1) << 16));
    }
    if (index < length) this.word(value.charCodeAt(index));
    return this;
  }

  bytes(value: Uint8Array): this {
    const length = value.length;
    this.word(length);
    let index = 0;
    for (; index + 3 < length; index += 4) {
      this.word(
        byte(value, index) |
          (byte(value, index + 1) << 8) |
          (byte(value, index + 2) << 16) |
          (byte(value, index + 3) << 24),
      );
    }
    for (; index < length; index++) this.word(byte(value, index));
    return this;
  }

  /** Spreads the last words over all bits. */
  end(): this {
    this.a = avalanche(this.a ^ this.#words);
    this.b = avalanche(this.b ^ this.#words);
    return this;
  }
}

function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function avalanche(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
