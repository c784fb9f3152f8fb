import type { DiskFile } from '../env.ts';

const WINDOW_BYTES = 1024 * 1024;

/** Reads a file from front to back in large pieces. */
export class ForwardReader {
  readonly #file: DiskFile;
  #window: Uint8Array = new Uint8Array(0);
  #windowOffset = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** `length` bytes from `offset`, or fewer at the end of the file: a view that stays as it is. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const start = offset - this.#windowOffset;
    if (start < 0 || start + length > this.#window.length) {
      this.#window = await this.#file.read(offset, Math.max(length, WINDOW_BYTES));
      this.#windowOffset = offset;
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(start, start + length);
  }
}
