import { demand } from './violation.ts';

/** What is looked at of a lease. To look changes nothing, whereas asking for its `state` may end it. */
export interface Holding {
  readonly fencingToken: bigint;
  /** By its client's clock; 0 once it is lost or let go. */
  readonly remainingMs: number;
  readonly signal: AbortSignal;
}

/**
 * Holds the mutex to its promise: at no moment do two leases of one lock believe in themselves, each by its own
 * client's clock, and fencing tokens grow in the order in which leases are had. A client that is paused or dead runs
 * nothing that could end its lease, but its deadline passes all the same.
 */
export class LockChecker {
  readonly #locks = new Map<string, { lastToken: bigint; readonly holdings: Set<Holding> }>();
  #taken = 0;
  #lost = 0;

  /** Leases that were had. */
  get taken(): number {
    return this.#taken;
  }

  /** Those whose end came before their holder let go. */
  get lost(): number {
    return this.#lost;
  }

  acquired(path: string, holding: Holding): void {
    const { fencingToken: token } = holding;
    let lock = this.#locks.get(path);
    if (lock === undefined) {
      lock = { lastToken: 0n, holdings: new Set() };
      this.#locks.set(path, lock);
    }
    demand(token > lock.lastToken, 'fencing tokens grow', { path, token, last: lock.lastToken });
    lock.lastToken = token;
    lock.holdings.add(holding);
    this.#taken++;
    this.check();
  }

  /** Its holder is about to let it go, or has learnt that it is lost. Never called for a client that died. */
  ending(path: string, holding: Holding): void {
    if (holding.remainingMs <= 0) this.#lost++;
    this.#locks.get(path)?.holdings.delete(holding);
  }

  /** After every event, for a lease that had run out must not come back either. */
  check(): void {
    for (const [path, { holdings }] of this.#locks) {
      if (holdings.size < 2) continue;
      const alive = [...holdings].filter(believesInItself);
      demand(alive.length < 2, 'a lock has one holder', {
        path,
        tokens: alive.map(({ fencingToken }) => `0x${fencingToken.toString(16)}`).join(' '),
        remainingMs: alive.map(({ remainingMs }) => remainingMs.toFixed(3)).join(' '),
      });
    }
  }
}

function believesInItself({ remainingMs, signal }: Holding): boolean {
  return remainingMs > 0 && !signal.aborted;
}
