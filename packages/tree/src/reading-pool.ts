import { NO_DATA } from './node.ts';

/**
 * Room for copies of what is read, carved one after the other from larger pieces: an ArrayBuffer of its own for each
 * would cost more than the copying. A piece lives as long as any copy in it, so copies that are kept long should come from
 * a pool of their own.
 */
export class ReadingPool {
  #words = new Int32Array(0);
  #usedWords = 0;

  /** `length` bytes that begin at a multiple of four in `source`. */
  copy(source: Int32Array, at: number, length: number): Uint8Array {
    if (length === 0) return NO_DATA;
    const words = (length + 3) >> 2;
    const from = at >> 2;
    if (words > OWN_WORDS_MIN) return new Uint8Array(source.slice(from, from + words).buffer, 0, length);
    if (this.#usedWords + words > this.#words.length) this.#renew(words);
    const target = this.#words;
    const to = this.#usedWords;
    for (let index = 0; index < words; index++) target[to + index] = source[from + index] as number;
    this.#usedWords = to + words;
    return new Uint8Array(target.buffer, to << 2, length);
  }

  /** Begins small, since most pools are those of small trees. */
  #renew(words: number): void {
    const wanted = Math.min(this.#words.length * 2, PIECE_WORDS_MAX);
    this.#words = new Int32Array(Math.max(wanted, PIECE_WORDS_MIN, words));
    this.#usedWords = 0;
  }
}

const PIECE_WORDS_MIN = 256;
const PIECE_WORDS_MAX = 16_384;
/** What is longer gets a buffer of its own: it would soon fill a piece. */
const OWN_WORDS_MIN = 1024;
