/**
 * Bytes that arrived and wait to be taken, in order. A chunk that nothing waits in front of is kept as it is; what is taken
 * is a view, and is never written into again. Memory is taken for what has arrived, twice as much at most, however small
 * the pieces in which it comes.
 */
export class ArrivedBytes {
  #buffer: Buffer = NONE;
  #start = 0;
  #end = 0;
  /** Behind `#end` there is room that is ours. */
  #isOwned = false;

  get length(): number {
    return this.#end - this.#start;
  }

  append(chunk: Buffer): void {
    if (this.length === 0) {
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#isOwned = false;
      return;
    }
    if (!this.#isOwned || this.#buffer.length - this.#end < chunk.length) this.#grow(chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /** The first four bytes as a signed number. There must be four. */
  peekInt32(): number {
    return this.#buffer.readInt32BE(this.#start);
  }

  /** Takes so many bytes away, behind so many that are skipped. There must be as many. */
  take(skipped: number, bytes: number): Buffer {
    const from = this.#start + skipped;
    this.#start = from + bytes;
    return this.#buffer.subarray(from, this.#start);
  }

  /** What waits is small beside the memory that it keeps from being freed: it is moved. */
  letGo(): void {
    const { length } = this;
    if (length === 0) this.clear();
    else if (this.#buffer.length > SPARE_BYTES && this.#buffer.length > 4 * length) this.#grow(0);
  }

  clear(): void {
    this.#buffer = NONE;
    this.#start = 0;
    this.#end = 0;
    this.#isOwned = false;
  }

  #grow(bytes: number): void {
    const { length } = this;
    const larger = Buffer.allocUnsafeSlow(2 * (length + bytes));
    this.#buffer.copy(larger, 0, this.#start, this.#end);
    this.#buffer = larger;
    this.#start = 0;
    this.#end = length;
    this.#isOwned = true;
  }
}

const NONE = Buffer.alloc(0);
/** Not worth moving anything for. */
const SPARE_BYTES = 1024;
