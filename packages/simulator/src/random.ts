/**
 * The only source of chance in a run. One 64-bit seed gives an independent stream per purpose, so that drawing more of
 * one (another fault, another client) does not shift what the others draw.
 */
export interface Seed {
  readonly high: number;
  readonly low: number;
}

/** Decimal or 0x…, 0 to 2^64 − 1. Throws RangeError. */
export function parseSeed(text: string): Seed {
  if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) throw new RangeError(`a seed is a number, not "${text}"`);
  const value = BigInt(text);
  if (value >= 2n ** 64n) throw new RangeError(`a seed is below 2^64, not ${text}`);
  return { high: Number(value >> 32n), low: Number(value & 0xffffffffn) };
}

export function formatSeed(seed: Seed): string {
  return `0x${((BigInt(seed.high) << 32n) | BigInt(seed.low)).toString(16)}`;
}

/** The seed `count` after this one, around at 2^64. */
export function seedAfter(seed: Seed, count: number): Seed {
  const low = seed.low + count;
  return { high: (seed.high + Math.floor(low / 2 ** 32)) % 2 ** 32, low: low % 2 ** 32 };
}

/** xoshiro128** (Blackman and Vigna, 2018), its state filled by a 32-bit mixer from the seed and the purpose's name. */
export class RandomStream {
  readonly #seed: Seed;
  readonly #purpose: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: Seed, purpose: string) {
    this.#seed = seed;
    this.#purpose = purpose;
    let state = mix(seed.high ^ 0x9e3779b9);
    const next = (value: number): number => {
      state = mix((state ^ value) + 0x6d2b79f5);
      return state;
    };
    next(seed.low);
    for (let index = 0; index < purpose.length; index++) next(purpose.charCodeAt(index));
    this.#a = next(1);
    this.#b = next(2);
    this.#c = next(3);
    this.#d = next(4) | 1; // never all zero
  }

  /** A stream of its own, named below this one. */
  stream(purpose: string): RandomStream {
    return new RandomStream(this.#seed, `${this.#purpose}/${purpose}`);
  }

  /** 0 to 2^32 − 1. */
  uint32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  /** [0, 1). */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** An integer in [min, max]. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** Spread evenly over orders of magnitude: as often between 1 and 10 as between 10 and 100. */
  logBetween(min: number, max: number): number {
    return Math.round(min * (max / min) ** this.fraction());
  }

  exponential(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** The same members in any order. */
  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let index = result.length - 1; index > 0; index--) {
      const other = this.below(index + 1);
      const held = result[index] as T;
      result[index] = result[other] as T;
      result[other] = held;
    }
    return result;
  }

  bytes(count: number): Uint8Array {
    const result = new Uint8Array(count);
    for (let index = 0; index < count; index++) result[index] = this.uint32() >>> 24;
    return result;
  }
}

function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
