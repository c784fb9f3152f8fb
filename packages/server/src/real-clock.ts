import { createHash, randomBytes } from 'node:crypto';
import type { Clock, Random } from './core/env.ts';

/** Node's clocks and timers. What is put off to the end of a turn shares one `setImmediate`. */
export class RealClock implements Clock {
  #atTurnEnd: (() => void)[] = [];

  monotonicMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  }

  atTurnEnd(work: () => void): void {
    if (this.#atTurnEnd.length === 0) setImmediate(() => this.#endTurn());
    this.#atTurnEnd.push(work);
  }

  #endTurn(): void {
    const works = this.#atTurnEnd;
    this.#atTurnEnd = [];
    for (const work of works) work();
  }
}

export const realRandom: Random = {
  bytes: (count) => randomBytes(count),
  sha256: (data) => createHash('sha256').update(data).digest(),
};
