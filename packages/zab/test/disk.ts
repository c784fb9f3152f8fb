import { asZxid, counterOf, epochOf, ZXID_NONE, type Zxid } from '@zabra/model';
import type { DurableState, Effect, EpochEnd, LogRecord, Standing } from '../src/index.ts';

export type DiskEffect = Extract<
  Effect,
  { kind: 'append' | 'truncate' | 'saveManifest' | 'installSnapshot' }
>;

/** Two resources: each keeps its order, neither waits for the other. */
export type Lane = 'log' | 'manifest';

/** What one server's disk would hold after a crash now, and what is still on its way there. */
export class Disk {
  clusterId: string | undefined;
  standing: Standing;
  acceptedEpoch = 0;
  currentEpoch = 0;
  commitZxid: Zxid = ZXID_NONE;
  /** What the base snapshot holds, as zxids in order; the log goes on from there. */
  base: readonly Zxid[] = [];
  baseEnds: readonly EpochEnd[] = [];
  log: LogRecord[] = [];
  /** What the tree holds, in memory: gone with a crash. */
  applied: Zxid[] = [];
  received: number[] = [];
  readonly pending: Readonly<Record<Lane, DiskEffect[]>> = { log: [], manifest: [] };

  constructor(standing: Standing, clusterId: string | undefined) {
    this.standing = standing;
    this.clusterId = clusterId;
  }

  get baseZxid(): Zxid {
    return this.base.at(-1) ?? ZXID_NONE;
  }

  get lastZxid(): Zxid {
    return this.log.at(-1)?.zxid ?? this.baseZxid;
  }

  get appliedZxid(): Zxid {
    return this.applied.at(-1) ?? ZXID_NONE;
  }

  holds(zxid: Zxid): boolean {
    return this.base.includes(zxid) || this.log.some((record) => record.zxid === zxid);
  }

  perform(effect: DiskEffect): void {
    switch (effect.kind) {
      case 'append': {
        const [first] = effect.records;
        if (first?.previous !== this.lastZxid) throw new Error(`a hole in the log after ${this.lastZxid}`);
        this.log.push(...effect.records);
        this.commitZxid = asZxid(Math.max(this.commitZxid, Math.min(effect.commit, this.lastZxid)));
        return;
      }
      case 'truncate':
        this.log = this.log.filter((record) => record.zxid <= effect.after);
        return;
      case 'saveManifest':
        if (effect.acceptedEpoch < this.acceptedEpoch) throw new Error('the accepted epoch went down');
        if (effect.currentEpoch < this.currentEpoch) throw new Error('the current epoch went down');
        if (
          this.standing === 'refill' &&
          effect.standing !== 'refill' &&
          effect.currentEpoch <= this.currentEpoch
        )
          throw new Error('the refill mark was cleared without an epoch');
        this.acceptedEpoch = effect.acceptedEpoch;
        this.currentEpoch = effect.currentEpoch;
        this.clusterId = effect.clusterId;
        this.standing = effect.standing;
        return;
      case 'installSnapshot': {
        const zxids = [...new Float64Array(Uint8Array.from(this.received).buffer)].map(asZxid);
        if (zxids.at(-1) !== effect.zxid) throw new Error('the snapshot is not the one announced');
        this.base = zxids;
        this.baseEnds = [{ epoch: epochOf(effect.zxid), counter: counterOf(effect.zxid) }];
        this.log = [];
        this.commitZxid = effect.zxid;
        this.applied = [...zxids];
        return;
      }
      default:
        throw effect satisfies never;
    }
  }

  /** The process ends: of what was on its way a prefix may have arrived, in each lane. */
  crash(arrived: (pending: number) => number): void {
    for (const lane of [this.pending.log, this.pending.manifest]) {
      const count = arrived(lane.length);
      for (const effect of lane.splice(0).slice(0, count)) this.perform(effect);
    }
    this.received = [];
    const recovered = this.log
      .filter((record) => record.zxid <= this.commitZxid)
      .map((record) => record.zxid);
    this.applied = [...this.base, ...recovered];
  }

  /** What `zabra server --refill` leaves. */
  damage(): void {
    this.standing = 'refill';
    this.currentEpoch = 0;
    this.commitZxid = ZXID_NONE;
    this.base = [];
    this.baseEnds = [];
    this.log = [];
    this.applied = [];
  }

  /** Makes what the tree holds the base, and drops the log below it. */
  snapshot(): void {
    const ends = this.ends().filter((end) => end.epoch <= epochOf(this.appliedZxid));
    this.baseEnds = ends.slice(-1).map((end) => ({ ...end, counter: counterOf(this.appliedZxid) }));
    this.base = [...this.applied];
    this.commitZxid = asZxid(Math.max(this.commitZxid, this.appliedZxid));
    this.log = this.log.filter((record) => record.zxid > this.baseZxid);
  }

  ends(): readonly EpochEnd[] {
    const ends = new Map<number, EpochEnd>();
    for (const end of this.baseEnds) ends.set(end.epoch, end);
    for (const { zxid } of this.log)
      ends.set(epochOf(zxid), { epoch: epochOf(zxid), counter: counterOf(zxid) });
    return [...ends.values()];
  }

  state(): DurableState {
    return {
      clusterId: this.clusterId,
      standing: this.standing,
      acceptedEpoch: this.acceptedEpoch,
      currentEpoch: this.currentEpoch,
      lastZxid: this.lastZxid,
      history: this.ends(),
      baseZxid: this.baseZxid,
      commitZxid: asZxid(Math.max(this.commitZxid, this.appliedZxid)),
      appliedZxid: this.appliedZxid,
      tail: this.log.filter((record) => record.zxid > this.appliedZxid),
    };
  }
}
