import { assert, type Epoch, type PeerId, ZXID_NONE } from '@zabra/model';
import type { Clock } from './clock.ts';
import { type DurableZxid, Log } from './log.ts';
import { Manifest, type ManifestDraft } from './manifest.ts';
import type { Configuration } from './quorum.ts';
import type { LogRecord } from './record.ts';
import type { DurableState, Effect, Incarnation, ZabOptions } from './step.ts';

/** What a tenure shares with those before and after it. */
export interface TenureSetting {
  readonly options: ZabOptions;
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly emit: (effect: Effect) => void;
}

/**
 * The time from one drain to the next, which has an election and then one role. What a role knows of this server's disk
 * it knows from here, and it goes with the role.
 */
export class Tenure {
  readonly options: ZabOptions;
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly emit: (effect: Effect) => void;
  readonly incarnation: Incarnation;
  readonly log: Log;
  readonly manifest: Manifest;
  /** The highest zxid at the start: what this server was elected with. */
  readonly electedZxid: DurableZxid;
  readonly electedEpoch: Epoch;
  /** The highest epoch that any server said it promised, in this tenure or one before: the next epoch is above it. */
  #promiseHeard: Epoch;
  #leaving: string | undefined;

  constructor(setting: TenureSetting, incarnation: Incarnation, state: DurableState, promiseHeard: Epoch) {
    this.options = setting.options;
    this.configuration = setting.configuration;
    this.clock = setting.clock;
    this.emit = setting.emit;
    this.incarnation = incarnation;
    this.log = new Log(state, setting.options);
    this.manifest = new Manifest(state);
    this.electedZxid = this.log.durableZxid;
    this.electedEpoch = this.manifest.currentEpoch;
    this.#promiseHeard = promiseHeard;
  }

  get promiseHeard(): Epoch {
    return Math.max(this.#promiseHeard, this.manifest.acceptedEpoch);
  }

  hearPromise(epoch: Epoch): void {
    this.#promiseHeard = Math.max(this.#promiseHeard, epoch);
  }

  get id(): PeerId {
    return this.options.id;
  }

  /** Why the role is to be left at the end of this step. */
  get leaving(): string | undefined {
    return this.#leaving;
  }

  leave(reason: string): void {
    this.#leaving ??= reason;
  }

  /** Nothing was ever stored here. */
  get isEmpty(): boolean {
    return this.manifest.currentEpoch === 0 && this.log.lastZxid === ZXID_NONE;
  }

  append(records: readonly LogRecord[]): void {
    assert(records.length > 0, 'an append has records');
    this.log.append(records);
    this.emit({ kind: 'append', incarnation: this.incarnation, records, commit: this.log.commitZxid });
  }

  /** Hands over what is committed and durable here and was not handed over yet. */
  deliver(): void {
    const records = this.log.takeDeliverable();
    if (records.length > 0) this.emit({ kind: 'deliver', records });
  }

  saveManifest(draft: ManifestDraft): void {
    this.emit({ kind: 'saveManifest', incarnation: this.incarnation, ...draft });
  }
}
