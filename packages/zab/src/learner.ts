import { assert, type Epoch, type PeerId, ZXID_NONE, type Zxid } from '@zabra/model';
import { recordBytes } from './history.ts';
import type { LeaderMessage, Standing } from './message.ts';
import type { LogRecord } from './record.ts';
import type { LinkId } from './step.ts';
import { type LogOutline, planSync } from './sync-plan.ts';
import type { Tenure } from './tenure.ts';

/** How far one learner has come, as its leader sees it. */
export type LearnerStage =
  | { readonly kind: 'connected' }
  /** FOLLOWERINFO is in. */
  | { readonly kind: 'introduced' }
  /** LEADERINFO is out. */
  | { readonly kind: 'invited' }
  /** ACKEPOCH is in: waits for its sync plan. */
  | { readonly kind: 'promised'; readonly outline: LogOutline }
  /** A snapshot is being found for it. */
  | { readonly kind: 'opening' }
  /** The chunk that ends at `offset` was sent, or is being read (`undefined`). */
  | {
      readonly kind: 'snapshot';
      readonly zxid: Zxid;
      readonly bytes: number;
      readonly sentTo: number | undefined;
      readonly isLast: boolean;
    }
  /** Gets the records after `sentTo` in order. */
  | { readonly kind: 'streaming' };

/** The start of the leader's own epoch: where NEWLEADER stands in the stream. */
export interface EpochStart {
  readonly epoch: Epoch;
  readonly zxid: Zxid;
}

/**
 * One learner's stream. What it is to be sent is a cursor into the log, never a queue of its own: records come from
 * memory, or from the disk where memory does not reach back, at most `learnerWindowBytesMax` ahead of its acks.
 */
export class Learner {
  readonly link: LinkId;
  readonly peer: PeerId;
  readonly #tenure: Tenure;
  standing: Standing = 'refill';
  stage: LearnerStage = { kind: 'connected' };
  /** When it was last heard at all. */
  heardMs: number;
  /** The highest confirmation round it echoed. */
  echoedRound = 0;
  #sentTo: Zxid = ZXID_NONE;
  #commitSent: Zxid = ZXID_NONE;
  #isReading = false;
  #newLeader: 'due' | 'sent' | 'acknowledged' = 'due';
  /** What it must hold before it counts: NEWLEADER's zxid. */
  #newLeaderZxid: Zxid = ZXID_NONE;
  /** What counts towards a quorum: nothing until it acknowledged NEWLEADER. */
  #ackedZxid: Zxid = ZXID_NONE;
  /** Messages sent and not acknowledged: where each ends, and its weight. */
  readonly #unacked: { readonly end: Zxid; readonly bytes: number }[] = [];
  #unackedBytes = 0;

  constructor(tenure: Tenure, link: LinkId, peer: PeerId) {
    this.#tenure = tenure;
    this.link = link;
    this.peer = peer;
    this.heardMs = tenure.clock.nowMs;
  }

  get sentTo(): Zxid {
    return this.#sentTo;
  }

  get unackedBytes(): number {
    return this.#unackedBytes;
  }

  /** Its acks count: the history is durable there, and the epoch adopted. */
  get hasAdopted(): boolean {
    return this.#newLeader === 'acknowledged';
  }

  /** Durable there, as far as it counts. */
  get ackedZxid(): Zxid {
    return this.#ackedZxid;
  }

  send(message: LeaderMessage): void {
    this.#tenure.emit({ kind: 'toLearner', link: this.link, message });
  }

  /**
   * Synchronization, step l.2.1: begins to make its log a prefix of this leader's.
   *
   * A learner that is to be refilled may have acknowledged records of this very epoch before it lost its data, and they may
   * be committed by that. All of them had been proposed by now, on streams that are void: it counts once it holds as much.
   */
  synchronize(outline: LogOutline, start: EpochStart): void {
    const { log } = this.#tenure;
    this.#newLeaderZxid = this.standing === 'voter' ? start.zxid : log.lastZxid;
    const { lastZxid, baseZxid } = log;
    const plan = planSync({ ends: log.epochs.ends, lastZxid, baseZxid }, outline);
    if (plan.mode === 'snap') {
      this.#openSnapshot(baseZxid);
      return;
    }
    this.send({ kind: 'syncPlan', mode: plan.mode, zxid: plan.zxid });
    this.#stream(plan.zxid, start);
  }

  snapshotOpened(zxid: Zxid, bytes: number): void {
    if (this.stage.kind !== 'opening') return;
    assert(zxid <= this.#tenure.log.deliveredZxid, 'a snapshot holds what was delivered', { zxid });
    this.stage = { kind: 'snapshot', zxid, bytes, sentTo: undefined, isLast: false };
    this.send({ kind: 'syncPlan', mode: 'snap', zxid, snapshotBytes: bytes });
    this.#readSnapshot(0);
  }

  snapshotRead(chunk: { readonly offset: number; readonly data: Uint8Array; readonly last: boolean }): void {
    if (this.stage.kind !== 'snapshot' || this.stage.sentTo !== undefined) return;
    this.stage = { ...this.stage, sentTo: chunk.offset + chunk.data.length, isLast: chunk.last };
    this.send({ kind: 'snapshotChunk', offset: chunk.offset, data: chunk.data, last: chunk.last });
  }

  /** False when this is not what was sent. The last chunk is acknowledged once the whole is installed. */
  snapshotProgress(offset: number, start: EpochStart): boolean {
    if (this.stage.kind !== 'snapshot' || this.stage.sentTo !== offset) return false;
    if (!this.stage.isLast) {
      this.stage = { ...this.stage, sentTo: undefined };
      this.#readSnapshot(offset);
      return true;
    }
    this.closeSnapshot();
    this.#stream(this.stage.zxid, start);
    return true;
  }

  /** Waits for its own disk, which may take as long as the snapshot is large. */
  get isInstalling(): boolean {
    return this.stage.kind === 'snapshot' && this.stage.isLast;
  }

  closeSnapshot(): void {
    if (this.stage.kind === 'opening' || this.stage.kind === 'snapshot') {
      this.#tenure.emit({ kind: 'closeSnapshot', link: this.link });
    }
  }

  /** Records that memory no longer holds, from the disk. Returns why the stream cannot go on, if so. */
  logRead(
    read: { readonly after: Zxid; readonly records: readonly LogRecord[]; readonly purged: boolean },
    start: EpochStart,
  ): string | undefined {
    if (!this.#isReading || read.after !== this.#sentTo) return undefined;
    this.#isReading = false;
    const first = read.records[0];
    if (read.purged || first === undefined) {
      this.#tenure.log.purged();
      return 'the log was purged up to where it stands: it needs a snapshot';
    }
    assert(first.previous === this.#sentTo, 'what is read follows what was sent', { first: first.zxid });
    this.#propose(read.records);
    this.pump(start);
    return undefined;
  }

  /** The learner's log is durable up to here. Counts towards the window always, towards a quorum after NEWLEADER only. */
  acknowledged(zxid: Zxid): void {
    let released = 0;
    for (const message of this.#unacked) {
      if (message.end > zxid) break;
      this.#unackedBytes -= message.bytes;
      released++;
    }
    if (released > 0) this.#unacked.splice(0, released);
    // The first ack that counts is ACK(NEWLEADER): before it the learner holds records, but not this epoch.
    if (this.#newLeader === 'acknowledged' && zxid > this.#ackedZxid) this.#ackedZxid = zxid;
  }

  /** False when NEWLEADER was not sent or is acknowledged already. */
  acknowledgedNewLeader(): boolean {
    if (this.#newLeader !== 'sent') return false;
    this.#newLeader = 'acknowledged';
    this.standing = 'voter';
    this.acknowledged(this.#newLeaderZxid);
    return true;
  }

  /** Sends what the window has room for, each commit position with it. */
  pump(start: EpochStart): void {
    const { log, options, incarnation } = this.#tenure;
    if (this.stage.kind !== 'streaming' || this.#isReading) return;
    for (;;) {
      // Synchronization, step l.2.1: NEWLEADER comes right after the record it names, or after what already holds that.
      if (this.#newLeader === 'due' && this.#sentTo >= this.#newLeaderZxid) {
        this.#newLeader = 'sent';
        this.send({ kind: 'newLeader', epoch: start.epoch, zxid: this.#newLeaderZxid });
      }
      if (this.#sentTo === log.lastZxid || this.#unackedBytes >= options.learnerWindowBytesMax) return;
      const through = this.#newLeader === 'due' ? this.#newLeaderZxid : log.lastZxid;
      const bytesMax = options.proposalsBytesMax;
      if (this.#sentTo < log.history.floor) {
        this.#isReading = true;
        this.#tenure.emit({
          kind: 'readLog',
          incarnation,
          link: this.link,
          after: this.#sentTo,
          through: Math.min(through, log.history.floor) as Zxid,
          bytesMax,
        });
        return;
      }
      this.#propose(log.history.after(this.#sentTo, { through, bytesMax }));
    }
  }

  /** Broadcast, step l.3.2, and step l.3.4 for those who come later: tells the commit index, unless a proposal did. */
  sendCommit(commit: Zxid): void {
    if (this.stage.kind !== 'streaming' || commit <= this.#commitSent) return;
    this.#commitSent = commit;
    this.send({ kind: 'commit', zxid: commit });
  }

  #propose(records: readonly LogRecord[]): void {
    const last = records.at(-1);
    assert(last !== undefined, 'a proposal has records');
    let bytes = 0;
    for (const record of records) bytes += recordBytes(record);
    this.#unacked.push({ end: last.zxid, bytes });
    this.#unackedBytes += bytes;
    this.#sentTo = last.zxid;
    this.#commitSent = this.#tenure.log.commitZxid;
    this.send({ kind: 'proposals', records, commit: this.#commitSent });
  }

  #stream(from: Zxid, start: EpochStart): void {
    this.stage = { kind: 'streaming' };
    this.#sentTo = from;
    this.pump(start);
    this.sendCommit(this.#tenure.log.commitZxid);
  }

  #openSnapshot(atLeast: Zxid): void {
    this.stage = { kind: 'opening' };
    const { incarnation } = this.#tenure;
    this.#tenure.emit({ kind: 'openSnapshot', incarnation, link: this.link, atLeast });
  }

  #readSnapshot(offset: number): void {
    const { incarnation } = this.#tenure;
    this.#tenure.emit({ kind: 'readSnapshot', incarnation, link: this.link, offset });
  }
}
