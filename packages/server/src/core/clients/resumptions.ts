import type { Clock } from '../env.ts';
import type { ClientConnection } from './client-connection.ts';

/**
 * The connections whose watches are to be resumed, some per turn: after a server was lost thousands of sessions come here at
 * once, and the heartbeats of the others must not wait until all of them were told what they missed.
 */
export class Resumptions {
  readonly #clock: Clock;
  #waiting: ClientConnection[] = [];
  #next = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(connection: ClientConnection): void {
    this.#waiting.push(connection);
    if (this.#waiting.length === 1) this.#goOn();
  }

  #goOn(): void {
    this.#clock.atTurnEnd(() => this.#resumeSome());
  }

  #resumeSome(): void {
    const beganMs = this.#clock.monotonicMs();
    for (let count = 0; count < SESSIONS_PER_TURN; count++) {
      const connection = this.#waiting[this.#next];
      if (connection === undefined) {
        this.#waiting = [];
        this.#next = 0;
        return;
      }
      this.#next++;
      connection.resumeWatches();
      if (this.#clock.monotonicMs() - beganMs > TURN_MS) break;
    }
    this.#goOn();
  }
}

const SESSIONS_PER_TURN = 100;
/** One session may take longer: its watches are resumed at one state of the tree. */
const TURN_MS = 4;
