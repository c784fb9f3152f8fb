import type { Zxid } from '@zabra/model';
import type { LinkId } from './step.ts';

/** Who asked: this server's own replica, or a learner over its link. */
export type Asker = 'self' | LinkId;

export interface Confirmation {
  readonly asker: Asker;
  readonly id: number;
  readonly zxid: Zxid;
}

/**
 * Questions for a zxid at or above all that was committed before they were asked. Each notes the leader's commit index
 * at arrival and is answered when a quorum has echoed a round that began after it: whoever could have committed more
 * under a later leader would need one of those echoes. One round serves all that came while the round before it ran.
 */
export class ReadIndexQueue {
  #round = 0;
  #confirmed = 0;
  #open: (Confirmation & { readonly round: number })[] = [];

  /** The newest round begun. */
  get round(): number {
    return this.#round;
  }

  get count(): number {
    return this.#open.length;
  }

  ask(question: Confirmation): void {
    this.#open.push({ ...question, round: this.#round + 1 });
  }

  /** Whether questions wait for a round that has not begun, and none is under way. */
  get needsRound(): boolean {
    return this.#confirmed === this.#round && this.#open.some((question) => question.round > this.#round);
  }

  beginRound(): number {
    return ++this.#round;
  }

  /** A quorum has echoed `round`: answers what was asked before it began. */
  confirm(round: number): readonly Confirmation[] {
    if (round <= this.#confirmed) return [];
    this.#confirmed = round;
    const answered = this.#open.filter((question) => question.round <= round);
    if (answered.length > 0) this.#open = this.#open.filter((question) => question.round > round);
    return answered;
  }

  /** Nobody will answer these. */
  drop(asker: Asker): readonly Confirmation[] {
    const dropped = this.#open.filter((question) => question.asker === asker);
    this.#open = this.#open.filter((question) => question.asker !== asker);
    return dropped;
  }
}
