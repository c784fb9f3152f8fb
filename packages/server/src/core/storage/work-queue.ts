/**
 * Runs one piece of work after the other. What fails is told to `onFailure`, and nothing runs after it: an error of the
 * disk is final.
 */
export class WorkQueue {
  readonly #onFailure: (error: unknown) => void;
  #pending = 0;
  #failed = false;
  #tail: Promise<void> = Promise.resolve();
  #idlers: (() => void)[] = [];

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** The answer of `work`. Never settles when it, or work before it, failed. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#pending++;
    return new Promise((resolve) => {
      this.#tail = this.#tail.then(async () => {
        if (this.#failed) return;
        try {
          resolve(await work());
        } catch (error) {
          this.#failed = true;
          this.#onFailure(error);
          return;
        }
        this.#pending--;
        if (this.#pending === 0) this.#wakeIdlers();
      });
    });
  }

  /** Once nothing is queued or running; at once when that is so now. */
  idle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idlers.push(resolve));
  }

  #wakeIdlers(): void {
    const idlers = this.#idlers;
    this.#idlers = [];
    for (const resolve of idlers) resolve();
  }
}
