import { pathFault, type Refusal, refusal, type Zxid } from '@zabra/model';
import type { Limits } from '../options.ts';
import type { ArmedWatch, ClientWord, PersistentWatch } from './client-codec.ts';
import { tooManyWatches } from './session-queries.ts';
import type { SessionWatches } from './session-watches.ts';

type Part = Extract<ClientWord, { kind: 'rearm' }>;

/** The watches that a client had on the stream before, as far as it has named them. */
export class Rearming {
  readonly armed: ArmedWatch[] = [];
  readonly standing: PersistentWatch[] = [];
  readonly fromZxid: Zxid;
  readonly standingFromNow: boolean;
  readonly #ids = new Set<number>();

  constructor({ fromZxid, standingFromNow }: Part) {
    this.fromZxid = fromZxid;
    this.standingFromNow = standingFromNow === true;
  }

  get isEmpty(): boolean {
    return this.armed.length + this.standing.length === 0;
  }

  /** Takes one more part. What is wrong with it ends the stream: there is no answer that could say so. */
  add(part: Part, watches: SessionWatches, limits: Limits): Refusal | undefined {
    if (part.fromZxid !== this.fromZxid)
      return refusal('MARSHALLING', 'the parts of a Rearm have one from_zxid');
    const named = [...part.watches, ...part.persistent];
    const count = watches.count + this.armed.length + this.standing.length + named.length;
    if (count > limits.watchesPerSessionMax) return tooManyWatches(count, limits);
    for (const { path } of named) {
      if (pathFault(path) !== undefined)
        return refusal('INVALID_PATH', `${path.slice(0, 200)} cannot be watched`);
    }
    for (const { id } of part.persistent) {
      if (id === 0 || this.#ids.has(id) || watches.has(id))
        return refusal('BAD_ARGUMENTS', 'each watch that stays has a number of its own, from 1');
      this.#ids.add(id);
    }
    for (const watch of part.watches) this.armed.push(watch);
    for (const watch of part.persistent) this.standing.push(watch);
    return undefined;
  }
}
