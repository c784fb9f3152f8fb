import { assert, EPOCH_MAX, type Epoch } from '@zabra/model';
import type { DurableZxid } from './log.ts';
import type { Standing } from './message.ts';
import type { DurableState } from './step.ts';

declare const adopted: unique symbol;

/**
 * An epoch whose leader's history this server adopted, durably: first its log, then this number. Only {@link Manifest}
 * makes one, from what the disk said; ACK(NEWLEADER) takes it.
 */
export type AdoptedEpoch = Epoch & { readonly [adopted]: true };

/** No server promises that many epochs while another one is away. */
const EPOCH_STEP_MAX = 2 ** 16;

/** What one write of the manifest makes durable. */
export interface ManifestDraft {
  readonly acceptedEpoch: Epoch;
  readonly currentEpoch: Epoch;
  readonly clusterId: string;
  readonly standing: 'voter' | 'refill';
}

/**
 * The promises on this server's disk (f.p and f.a of the paper: acceptedEpoch and currentEpoch). Getters tell what is
 * durable, never what is being written.
 */
export class Manifest {
  #standing: Standing;
  #clusterId: string | undefined;
  #acceptedEpoch: Epoch;
  #currentEpoch: AdoptedEpoch;
  #draft: ManifestDraft | undefined;

  constructor(state: DurableState) {
    const { acceptedEpoch, currentEpoch, standing } = state;
    assert(currentEpoch <= acceptedEpoch, 'an epoch is promised before it is adopted', {
      currentEpoch,
      acceptedEpoch,
    });
    assert(
      standing !== 'refill' || currentEpoch === 0,
      'a refilled server counts from the epoch that it adopts',
      {
        currentEpoch,
      },
    );
    this.#standing = standing;
    this.#clusterId = state.clusterId;
    this.#acceptedEpoch = acceptedEpoch;
    this.#currentEpoch = currentEpoch as AdoptedEpoch;
  }

  get standing(): Standing {
    return this.#standing;
  }

  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  get acceptedEpoch(): Epoch {
    return this.#acceptedEpoch;
  }

  get currentEpoch(): AdoptedEpoch {
    return this.#currentEpoch;
  }

  /** A write was asked for and is not done. */
  get isWriting(): boolean {
    return this.#draft !== undefined;
  }

  /** A promise above this is a forgery: believed, it would burn the epochs there are. */
  get promiseMax(): Epoch {
    return Math.min(this.#acceptedEpoch + EPOCH_STEP_MAX, EPOCH_MAX);
  }

  /** Promises to follow no leader of an earlier epoch. */
  promise(
    epoch: Epoch,
    cluster: { readonly id: string; readonly standing: 'voter' | 'refill' },
  ): ManifestDraft {
    assert(epoch > this.#acceptedEpoch, 'a promise is made once', {
      epoch,
      acceptedEpoch: this.#acceptedEpoch,
    });
    assert(this.#standing !== 'refill' || cluster.standing === 'refill', 'no promise makes a server whole', {
      epoch,
    });
    return this.#write({
      acceptedEpoch: epoch,
      currentEpoch: this.#currentEpoch,
      clusterId: cluster.id,
      standing: cluster.standing,
    });
  }

  /**
   * Adopts the epoch promised last; `proof`: the log is durable through NEWLEADER's zxid, so the epoch may follow. A server
   * that was to be refilled is whole with it, by the same write: it holds all that it can have acknowledged before.
   */
  adopt(epoch: Epoch, proof: DurableZxid): ManifestDraft {
    assert(epoch === this.#acceptedEpoch, 'only the epoch promised last is adopted', { epoch, proof });
    assert(this.#clusterId !== undefined, 'a cluster id comes with the promise');
    return this.#write({
      acceptedEpoch: epoch,
      currentEpoch: epoch,
      clusterId: this.#clusterId,
      standing: 'voter',
    });
  }

  saved(epochs: { readonly acceptedEpoch: Epoch; readonly currentEpoch: Epoch }): void {
    const draft = this.#draft;
    assert(draft !== undefined, 'a save was asked for', { ...epochs });
    assert(draft.acceptedEpoch === epochs.acceptedEpoch, 'what was asked for was saved', { draft, epochs });
    assert(draft.currentEpoch === epochs.currentEpoch, 'what was asked for was saved', { draft, epochs });
    this.#draft = undefined;
    this.#acceptedEpoch = draft.acceptedEpoch;
    this.#currentEpoch = draft.currentEpoch as AdoptedEpoch;
    this.#clusterId = draft.clusterId;
    this.#standing = draft.standing;
  }

  #write(draft: ManifestDraft): ManifestDraft {
    assert(this.#draft === undefined, 'one manifest is written at a time', { draft });
    this.#draft = draft;
    return draft;
  }
}
