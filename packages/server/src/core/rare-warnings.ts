/** Lets a warning pass once in a while: what is true of every write would fill the log. */
export class RareWarnings {
  readonly #intervalMs: number;
  readonly #keysMax: number;
  /** When each was said last, the longest ago first. */
  readonly #saidMs = new Map<string, number>();

  constructor({ intervalMs, keysMax }: { readonly intervalMs: number; readonly keysMax: number }) {
    this.#intervalMs = intervalMs;
    this.#keysMax = keysMax;
  }

  /** Whether what `key` stands for is to be said now; then it is taken as said. */
  isDue(key: string, nowMs: number): boolean {
    const saidMs = this.#saidMs.get(key);
    if (saidMs !== undefined && nowMs - saidMs < this.#intervalMs) return false;
    this.#saidMs.delete(key);
    this.#saidMs.set(key, nowMs);
    if (this.#saidMs.size > this.#keysMax) {
      const [oldest] = this.#saidMs.keys();
      // There are more than `keysMax`, hence a first.
      this.#saidMs.delete(oldest as string);
    }
    return true;
  }
}
