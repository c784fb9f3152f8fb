import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from './copy-nodes.ts';

/**
 * Paths that wait to be looked at, and some that are being looked at: never the same twice at once. What comes last is
 * taken first, so that a tree is gone through downwards and what waits stays small.
 */
export class PathWork {
  readonly #work: (path: string, isDeep: boolean) => Promise<void>;
  readonly #lanesMax: number;
  /** By path: all below it, too. */
  readonly #waiting = new Map<string, boolean>();
  #stack: string[] = [];
  readonly #busy = new Set<string>();
  #hasFailed = false;
  #fail: (error: unknown) => void = () => {};
  /** Never resolves; rejects with what made the work fail: nothing is done any more then. */
  readonly failed: Promise<never> = new Promise((_, reject) => {
    this.#fail = reject;
  });
  #settled: (() => void)[] = [];

  constructor(lanesMax: number, work: (path: string, isDeep: boolean) => Promise<void>) {
    this.#lanesMax = lanesMax;
    this.#work = work;
    // Heard by whoever waits; there may be nobody just now.
    this.failed.catch(() => undefined);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  add(path: string, isDeep: boolean): void {
    const known = this.#waiting.get(path);
    this.#waiting.set(path, isDeep || known === true);
    if (known === undefined) this.#stack.push(path);
    this.#fillLanes();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting.clear();
    this.#stack = [];
  }

  /** Resolves when nothing waits and nothing is being done; rejects as {@link failed}. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    const settled = new Promise<void>((resolve) => {
      this.#settled.push(resolve);
    });
    return Promise.race([settled, this.failed]);
  }

  get #isIdle(): boolean {
    return !this.#hasFailed && this.#busy.size === 0 && this.#waiting.size === 0;
  }

  #fillLanes(): void {
    const held: string[] = [];
    while (this.#busy.size < this.#lanesMax && !this.#hasFailed) {
      const path = this.#stack.pop();
      if (path === undefined) break;
      const isDeep = this.#waiting.get(path);
      if (isDeep === undefined) continue;
      if (this.#busy.has(path)) {
        held.push(path);
        continue;
      }
      this.#waiting.delete(path);
      this.#busy.add(path);
      void this.#do(path, isDeep);
    }
    this.#stack.push(...held);
  }

  async #do(path: string, isDeep: boolean): Promise<void> {
    try {
      await this.#work(path, isDeep);
    } catch (error) {
      if (PASSING.has(String(codeOf(error)))) {
        // The client itself has tried for as long as a call may take; an ensemble may be away for longer.
        await sleep(PAUSE_MS);
        this.add(path, isDeep);
      } else {
        this.#hasFailed = true;
        this.#fail(error);
      }
    }
    this.#busy.delete(path);
    this.#fillLanes();
    if (!this.#isIdle) return;
    const settled = this.#settled;
    this.#settled = [];
    for (const resolve of settled) resolve();
  }
}

const PAUSE_MS = 500;
/** What goes by itself, or when the other side is back. */
const PASSING: ReadonlySet<string> = new Set([
  'CONNECTION_LOSS',
  'REQUEST_TIMEOUT',
  'SESSION_EXPIRED',
  'SESSION_MOVED',
  'UNREACHABLE',
  'THROTTLED',
  'BEHIND',
  'NOT_READ_ONLY',
]);
