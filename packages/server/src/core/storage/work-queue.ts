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
  #tellFailed: () => void = () => {};
  /** Resolves when something failed. */
  readonly failed: Promise<void> = new Promise((resolve) => {
    this.#tellFailed = resolve;
  });

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
          this.fail(error);
          return;
        }
        this.#pending--;
        if (this.#pending === 0) this.#wakeIdlers();
      });
    });
  }

  /** Work beside the queue failed: nothing of the queue is begun any more. The first failure counts. */
  fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFailure(error);
    this.#tellFailed();
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
