/** What is left of a process that ended itself: thrown by `fatal`, so that nothing after the call runs. */
export class ProcessEnded extends Error {
  override readonly name = 'ProcessEnded';
}

/**
 * One life of a program in the simulated world: a server from its start to its crash, or a client. It lives, may be
 * paused (nothing reaches it; then all at once), and dies once. Everything it does to the world passes `effect`, and
 * everything that reaches it passes `deliver`; so from its death on nothing of it has any effect, whatever promises
 * and timers its code still holds.
 */
export class Process {
  readonly name: string;
  readonly #onStep: () => void;
  #alive = true;
  #paused = false;
  /** Goes on after a pause, and has not yet had all that gathered. */
  #catchesUp = false;
  #backlog: (() => void)[] = [];
  #crash: { effectsLeft: number; readonly work: () => void } | undefined;

  /** `onStep` hears that something was delivered: whoever checks this process has something to look at. */
  constructor(name: string, onStep: () => void) {
    this.name = name;
    this.#onStep = onStep;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** True when the process may do this to the world. The crash that was set for this effect happens before it. */
  effect(): boolean {
    if (!this.#alive) return false;
    if (this.#crash === undefined || this.#crash.effectsLeft-- > 0) return true;
    this.#crash.work();
    return false;
  }

  /** After `count` more effects, `crash` runs instead of the next one; it is to call `kill`. */
  crashAfterEffects(count: number, crash: () => void): void {
    this.#crash = { effectsLeft: count, work: crash };
  }

  /** Something reaches the process; later if it is paused, never if it is dead. */
  deliver(work: () => void): void {
    if (!this.#alive) return;
    if (this.#paused || this.#catchesUp) this.#backlog.push(work);
    else this.#reach(work);
  }

  kill(): void {
    this.#alive = false;
    this.#backlog = [];
  }

  pause(): void {
    this.#paused = true;
  }

  /** What had gathered arrives as a burst, in order and before what comes later; `later` makes an event of each. */
  resume(later: (work: () => void) => void): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#catchesUp = true;
    this.#catchUp(later);
  }

  #catchUp(later: (work: () => void) => void): void {
    later(() => {
      if (this.#paused) return;
      const work = this.#backlog.shift();
      if (work === undefined) {
        this.#catchesUp = false;
        return;
      }
      this.#reach(work);
      this.#catchUp(later);
    });
  }

  #reach(work: () => void): void {
    this.#onStep();
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
    }
  }
}
