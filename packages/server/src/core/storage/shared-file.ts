import { assert } from '@zabra/model';
import type { DiskFile } from '../env.ts';

/** An open file that readers may still need when the directory no longer does: it goes with its last reader. */
export class SharedFile {
  readonly file: DiskFile;
  readonly #remove: (file: DiskFile) => void;
  #readers = 0;
  #isDropped = false;

  /** `remove` is called once, when the file is dropped and nobody reads it. */
  constructor(file: DiskFile, remove: (file: DiskFile) => void) {
    this.file = file;
    this.#remove = remove;
  }

  get name(): string {
    return this.file.name;
  }

  /** Keeps the file until the answer is called, once. */
  pin(): () => void {
    assert(!this.#isDropped, 'a dropped file gets no new reader', { file: this.name });
    this.#readers++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#readers--;
      this.#maybeRemove();
    };
  }

  /** The manifest names it no longer. */
  drop(): void {
    this.#isDropped = true;
    this.#maybeRemove();
  }

  #maybeRemove(): void {
    if (this.#isDropped && this.#readers === 0) this.#remove(this.file);
  }
}
