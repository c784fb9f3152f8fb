import { type PeerId, ZXID_NONE, type Zxid } from '@zabra/model';
import {
  checkInvariants,
  type DurableState,
  type Effect,
  type Input,
  type LeaderMessage,
  type LearnerMessage,
  type Notification,
  Zab,
  type ZabOptions,
} from '../src/index.ts';
import { OPTIONS } from './ensemble.ts';
import { endsOf, recordsAt } from './histories.ts';

/** One server, hand-fed: what the others and its disk say is what the test says. Server 1 of 1, 2, 3. */
export class Solo {
  readonly zab: Zab;
  nowMs: number = 0;
  #link = 0;

  constructor(options: Partial<ZabOptions> = {}) {
    this.zab = new Zab({ ...OPTIONS, id: 1, members: [1, 2, 3], ...options }, 0);
    this.zab.start();
  }

  step(input: Input): readonly Effect[] {
    const effects = this.zab.step(input);
    checkInvariants(this.zab);
    return effects;
  }

  /** The disk is at rest and holds these records. */
  drained(log: readonly Zxid[] = [], state: Partial<DurableState> = {}): readonly Effect[] {
    const epoch = endsOf(log).at(-1)?.epoch ?? 0;
    const applied = state.appliedZxid ?? ZXID_NONE;
    return this.step({
      kind: 'drained',
      incarnation: this.zab.incarnation,
      state: {
        clusterId: 'test',
        standing: 'voter',
        acceptedEpoch: epoch,
        currentEpoch: epoch,
        lastZxid: log.at(-1) ?? ZXID_NONE,
        history: endsOf(log),
        baseZxid: ZXID_NONE,
        commitZxid: ZXID_NONE,
        appliedZxid: ZXID_NONE,
        tail: recordsAt(log).filter((record) => record.zxid > applied),
        ...state,
      },
    });
  }

  /** Time goes by in small ticks; returns all that was done meanwhile. */
  wait(forMs: number): readonly Effect[] {
    const effects: Effect[] = [];
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; ) {
      this.nowMs += 50;
      effects.push(...this.step({ kind: 'tick', nowMs: this.nowMs }));
    }
    return effects;
  }

  up(...peers: readonly PeerId[]): void {
    for (const peer of peers) this.step({ kind: 'electUp', peer });
  }

  hear(from: PeerId, note: Partial<Notification>): readonly Effect[] {
    const vote = { leader: from, epoch: 0, zxid: ZXID_NONE };
    const notification: Notification = { state: 'looking', standing: 'voter', round: 1, vote, ...note };
    return this.step({ kind: 'notification', from, notification });
  }

  appended(zxid: Zxid): readonly Effect[] {
    return this.step({ kind: 'appended', incarnation: this.zab.incarnation, zxid });
  }

  saved(acceptedEpoch: number, currentEpoch: number): readonly Effect[] {
    return this.step({
      kind: 'manifestSaved',
      incarnation: this.zab.incarnation,
      acceptedEpoch,
      currentEpoch,
    });
  }

  /** As leader: a stream of this learner. Returns its number. */
  learner(peer: PeerId): number {
    this.#link++;
    this.step({ kind: 'learnerUp', link: this.#link, peer });
    return this.#link;
  }

  fromLearner(link: number, message: LearnerMessage): readonly Effect[] {
    return this.step({ kind: 'fromLearner', link, message });
  }

  /** As follower, on its first stream. */
  fromLeader(message: LeaderMessage): readonly Effect[] {
    return this.step({ kind: 'fromLeader', link: -1, message });
  }

  /** Follows server 3, which has sent nothing yet. */
  follow(log: readonly Zxid[] = [], state: Partial<DurableState> = {}): void {
    this.drained(log, state);
    this.up(2, 3);
    const vote = { leader: 3, epoch: 9, zxid: ZXID_NONE };
    this.hear(3, { state: 'leading', vote });
    this.hear(2, { state: 'following', vote });
    this.step({ kind: 'connected', link: -1 });
  }

  /** Leads, elected by server 2, which has introduced itself; its own promise is on its way to the disk. */
  lead(log: readonly Zxid[] = []): number {
    this.drained(log);
    this.up(2);
    this.hear(2, { vote: { leader: 1, epoch: 0, zxid: ZXID_NONE } });
    const link = this.learner(2);
    this.fromLearner(link, { kind: 'followerInfo', acceptedEpoch: 0, standing: 'voter' });
    return link;
  }
}

/** Of these effects those of one kind. */
export function of<K extends Effect['kind']>(
  kind: K,
  effects: readonly Effect[],
): readonly Extract<Effect, { readonly kind: K }>[] {
  return effects.filter((effect): effect is Extract<Effect, { readonly kind: K }> => effect.kind === kind);
}

/** What was said on streams, by kind of message. */
export function said(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) =>
    effect.kind === 'toLeader' || effect.kind === 'toLearner' ? [effect.message.kind] : [],
  );
}
