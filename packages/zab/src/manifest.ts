import { assert, type Epoch } from '@zabra/model';
import type { DurableZxid } from './log.ts';
import type { Standing } from './message.ts';
import type { DurableState } from './step.ts';

declare const adopted: unique symbol;

/**
 * An epoch whose leader's history this server adopted, durably: first its log, then this number. Only {@link Manifest}
 * makes one, from what the disk said; ACK(NEWLEADER) takes it.
 */
export type AdoptedEpoch = Epoch & { readonly [adopted]: true };

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
    const { acceptedEpoch, currentEpoch } = state;
    assert(currentEpoch <= acceptedEpoch, 'an epoch is promised before it is adopted', {
      currentEpoch,
      acceptedEpoch,
    });
    this.#standing = state.standing;
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

  /** Promises to follow no leader of an earlier epoch. */
  promise(
    epoch: Epoch,
    cluster: { readonly id: string; readonly standing: 'voter' | 'refill' },
  ): ManifestDraft {
    assert(epoch > this.#acceptedEpoch, 'a promise is made once', {
      epoch,
      acceptedEpoch: this.#acceptedEpoch,
    });
    return this.#write({
      acceptedEpoch: epoch,
      currentEpoch: this.#currentEpoch,
      clusterId: cluster.id,
      standing: cluster.standing,
    });
  }

  /** Adopts the epoch promised last; `proof`: the log is durable through that epoch's start, so the epoch may follow. */
  adopt(epoch: Epoch, proof: DurableZxid): ManifestDraft {
    assert(epoch === this.#acceptedEpoch, 'only the epoch promised last is adopted', { epoch, proof });
    assert(this.#clusterId !== undefined, 'a cluster id comes with the promise');
    assert(this.#standing === 'voter', 'a server adopts an epoch once it is whole', {
      standing: this.#standing,
    });
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

  /** The manifest that named the leader's snapshot as base cleared the refill mark. */
  refilled(): void {
    this.#standing = 'voter';
  }

  #write(draft: ManifestDraft): ManifestDraft {
    assert(this.#draft === undefined, 'one manifest is written at a time', { draft });
    this.#draft = draft;
    return draft;
  }
}
