import type { PeerId } from '@zabra/model';
import type { Effect, Input } from '@zabra/zab';

export type TallyGroup = 'faults' | 'syncs' | 'counts';

/** Counts of what happened, by kind: so that a run, or a thousand, can show that it tested something. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(group: TallyGroup, kind: string, count = 1): void {
    const key = `${group}/${kind}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  get(group: TallyGroup, kind: string): number {
    return this.#counts.get(`${group}/${kind}`) ?? 0;
  }

  addAll(counts: Readonly<Record<string, number>>): void {
    for (const [key, count] of Object.entries(counts)) {
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    }
  }

  /** For another process. */
  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

export const SYNC_KINDS: readonly string[] = ['DIFF from memory', 'DIFF from disk', 'TRUNC', 'SNAP'];

/** Sees by its effects how each learner was brought up to date. */
export class SyncCounter {
  readonly #tally: Tally;
  readonly #plans = new Map<string, { mode: 'diff' | 'trunc' | 'snap' | undefined; isFromDisk: boolean }>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  step(id: PeerId, input: Input, effects: readonly Effect[]): void {
    if (input.kind === 'learnerUp') {
      this.#plans.set(`${id} ${input.link}`, { mode: undefined, isFromDisk: false });
    }
    for (const effect of effects) {
      if (effect.kind !== 'readLog' && effect.kind !== 'toLearner') continue;
      const plan = this.#plans.get(`${id} ${effect.link}`);
      if (plan === undefined) continue;
      if (effect.kind === 'readLog') plan.isFromDisk = true;
      else if (effect.message.kind === 'syncPlan') plan.mode = effect.message.mode;
      else if (effect.message.kind === 'newLeader') {
        this.#count(plan.mode, plan.isFromDisk);
        this.#plans.delete(`${id} ${effect.link}`);
      }
    }
  }

  #count(mode: 'diff' | 'trunc' | 'snap' | undefined, isFromDisk: boolean): void {
    if (mode === 'trunc') this.#tally.add('syncs', 'TRUNC');
    if (mode === 'snap') this.#tally.add('syncs', 'SNAP');
    else this.#tally.add('syncs', isFromDisk ? 'DIFF from disk' : 'DIFF from memory');
  }
}
