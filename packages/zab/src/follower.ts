import {
  assert,
  counterOf,
  EPOCH_MAX,
  type Epoch,
  epochOf,
  type PeerId,
  unreachable,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import type { DurableZxid } from './log.ts';
import type { AdoptedEpoch } from './manifest.ts';
import type { LeaderMessage, LearnerMessage, Standing } from './message.ts';
import type { LogRecord } from './record.ts';
import type { LinkId } from './step.ts';
import type { Tenure } from './tenure.ts';

/** How far this server has come as a learner. */
export type FollowerStage =
  | { readonly kind: 'connecting' }
  /** FOLLOWERINFO is out. */
  | { readonly kind: 'introduced' }
  /** The promise is on its way to the disk. */
  | { readonly kind: 'promising'; readonly epoch: Epoch }
  /** ACKEPOCH is out; waits for the sync plan. */
  | { readonly kind: 'promised'; readonly epoch: Epoch }
  /** Chunks of a snapshot come in, one at a time; `isWriting`: one is on its way to the disk. */
  | {
      readonly kind: 'receiving';
      readonly epoch: Epoch;
      readonly zxid: Zxid;
      readonly bytes: number;
      readonly offset: number;
      readonly isWriting: boolean;
    }
  | { readonly kind: 'installing'; readonly epoch: Epoch; readonly zxid: Zxid; readonly bytes: number }
  /** Records come in; NEWLEADER did not yet. */
  | { readonly kind: 'streaming'; readonly epoch: Epoch }
  /** NEWLEADER is in: first the log is to be durable up to it, then the epoch (`isSaving`), then it is acknowledged. */
  | { readonly kind: 'adopting'; readonly epoch: Epoch; readonly start: Zxid; readonly isSaving: boolean }
  /** ACK(NEWLEADER) is out. Serves once the leader's initial history is delivered here. */
  | { readonly kind: 'adopted'; readonly epoch: Epoch; readonly start: Zxid };

/** Questions of this server's replica that wait for the leader. */
const READS_MAX = 65_536;

/** The learner's part of discovery, synchronization and broadcast. */
export class Follower {
  readonly #tenure: Tenure;
  readonly #link: LinkId;
  readonly #standing: Standing;
  readonly leader: PeerId;
  #stage: FollowerStage = { kind: 'connecting' };
  #heardMs: number;
  /** When this server's own log was last seen to be whole on disk, or to grow. */
  #loggedMs: number;
  readonly #reads = new Set<number>();
  #isLinkUp = true;

  constructor(
    tenure: Tenure,
    options: { readonly link: LinkId; readonly leader: PeerId; readonly standing: Standing },
  ) {
    this.#tenure = tenure;
    this.#link = options.link;
    this.leader = options.leader;
    this.#standing = options.standing;
    this.#heardMs = tenure.clock.nowMs;
    this.#loggedMs = tenure.clock.nowMs;
    tenure.emit({ kind: 'connect', link: this.#link, to: this.leader });
  }

  get stage(): FollowerStage {
    return this.#stage;
  }

  get isServing(): boolean {
    return this.#stage.kind === 'adopted' && this.#tenure.log.deliveredZxid >= this.#stage.start;
  }

  get epoch(): Epoch {
    return 'epoch' in this.#stage ? this.#stage.epoch : this.#tenure.manifest.currentEpoch;
  }

  close(): void {
    if (this.#isLinkUp) {
      this.#tenure.emit({ kind: 'disconnect', link: this.#link, reason: 'it looks for a leader again' });
    }
    for (const id of this.#reads) this.#tenure.emit({ kind: 'readIndexed', id, zxid: undefined });
    this.#reads.clear();
  }

  // --- The stream.

  connected(link: LinkId): void {
    if (link !== this.#link || this.#stage.kind !== 'connecting') return;
    this.#heardMs = this.#tenure.clock.nowMs;
    this.#stage = { kind: 'introduced' };
    // Discovery, step f.1.1.
    this.#send({
      kind: 'followerInfo',
      acceptedEpoch: this.#tenure.manifest.acceptedEpoch,
      standing: this.#standing,
    });
  }

  linkDown(link: LinkId): void {
    if (link !== this.#link) return;
    this.#isLinkUp = false;
    this.#tenure.leave('the stream to the leader ended');
  }

  fromLeader(link: LinkId, message: LeaderMessage): void {
    if (link !== this.#link) return;
    this.#heardMs = this.#tenure.clock.nowMs;
    const fault = this.#hear(message);
    if (fault !== undefined) this.#tenure.leave(`the leader ${fault}`);
  }

  /** Returns what the leader did against the protocol, if it did. */
  #hear(message: LeaderMessage): string | undefined {
    switch (message.kind) {
      case 'leaderInfo':
        return this.#invited(message.epoch, message.clusterId);
      case 'syncPlan':
        return this.#planned(message);
      case 'snapshotChunk':
        return this.#received(message);
      case 'proposals':
        return this.#proposed(message.records, message.commit);
      case 'newLeader':
        return this.#newLeader(message.epoch, message.zxid);
      case 'commit':
        if (!this.#isStreaming()) return 'sent a commit before it sent a plan';
        this.#committed(message.zxid);
        return undefined;
      case 'ping':
        this.#send({ kind: 'pong', round: message.round });
        return undefined;
      case 'answer':
        this.#tenure.emit({ kind: 'answered', payload: message.payload });
        return undefined;
      case 'readIndexed':
        if (this.#reads.delete(message.id)) {
          this.#tenure.emit({ kind: 'readIndexed', id: message.id, zxid: message.zxid });
        }
        return undefined;
      default:
        return unreachable(message);
    }
  }

  // --- Discovery.

  #invited(epoch: Epoch, clusterId: string): string | undefined {
    const { isEmpty, manifest } = this.#tenure;
    if (this.#stage.kind !== 'introduced') return 'sent its epoch out of turn';
    if (manifest.clusterId !== undefined && manifest.clusterId !== clusterId && !isEmpty) {
      return `is of cluster ${clusterId}, this server of ${manifest.clusterId}`;
    }
    // Who never promised anything has nothing to compare with.
    const epochMax = manifest.acceptedEpoch === 0 ? EPOCH_MAX : manifest.promiseMax;
    if (epoch > epochMax) return `has epoch ${epoch}, too far beyond the one promised last`;
    // Discovery, step f.1.2: promised durably before it is acknowledged, and no earlier epoch any more.
    if (epoch < manifest.acceptedEpoch) return `has epoch ${epoch}, older than the one promised last`;
    if (epoch === manifest.acceptedEpoch) {
      // Promised before, perhaps to another: it may follow, but this does not count as a promise.
      this.#promise(epoch, false);
      return undefined;
    }
    this.#stage = { kind: 'promising', epoch };
    const standing = this.#standing === 'refill' ? 'refill' : 'voter';
    this.#tenure.saveManifest(manifest.promise(epoch, { id: clusterId, standing }));
    return undefined;
  }

  /** Discovery, step f.1.2, the acknowledgement: the promise is durable; the leader learns what this server has. */
  #promise(epoch: Epoch, promised: boolean): void {
    const { electedEpoch, electedZxid, log } = this.#tenure;
    this.#stage = { kind: 'promised', epoch };
    this.#send({
      kind: 'ackEpoch',
      epoch,
      promised,
      currentEpoch: electedEpoch,
      lastZxid: electedZxid,
      history: log.epochs.ends,
    });
  }

  manifestSaved(): void {
    const { log, manifest } = this.#tenure;
    if (this.#stage.kind === 'promising') this.#promise(this.#stage.epoch, true);
    else if (this.#stage.kind === 'adopting') this.#ackNewLeader(manifest.currentEpoch, log.durableZxid);
  }

  // --- Synchronization.

  #planned(plan: LeaderMessage & { readonly kind: 'syncPlan' }): string | undefined {
    const { incarnation, log, manifest } = this.#tenure;
    if (this.#stage.kind !== 'promised') return 'sent a plan out of turn';
    const { epoch } = this.#stage;
    if (plan.mode === 'snap') {
      if (plan.zxid < log.deliveredZxid) return 'would take the tree back by a snapshot';
      if (epochOf(plan.zxid) > epoch) return 'has a snapshot of a later epoch than its own';
      const { zxid, snapshotBytes: bytes } = plan;
      this.#stage = { kind: 'receiving', epoch, zxid, bytes, offset: 0, isWriting: false };
      this.#tenure.emit({ kind: 'beginSnapshot', incarnation, zxid, bytes });
      return undefined;
    }
    this.#stage = { kind: 'streaming', epoch };
    if (globalThis.__ZABRA_MUTANT__ === 'epoch-saved-before-log' && manifest.currentEpoch < epoch)
      this.#tenure.saveManifest(manifest.adopt(epoch, log.durableZxid));
    if (plan.mode === 'diff') {
      return plan.zxid === log.lastZxid ? undefined : 'begins where this log does not end';
    }
    if (plan.zxid !== ZXID_NONE && !log.epochs.has(plan.zxid)) return 'would cut where there is no record';
    if (globalThis.__ZABRA_MUTANT__ === 'sync-skips-trunc') return undefined;
    log.truncateAfter(plan.zxid);
    this.#tenure.emit({ kind: 'truncate', incarnation, after: plan.zxid });
    return undefined;
  }

  truncated(): void {
    this.#tenure.log.truncated();
    this.#maybeAdopt();
  }

  #received(chunk: LeaderMessage & { readonly kind: 'snapshotChunk' }): string | undefined {
    const stage = this.#stage;
    if (stage.kind !== 'receiving' || stage.isWriting || chunk.offset !== stage.offset) {
      return 'sent a piece of a snapshot out of turn';
    }
    const offset = stage.offset + chunk.data.length;
    if (offset > stage.bytes || chunk.last !== (offset === stage.bytes))
      return 'sent a snapshot of another size';
    this.#stage = { ...stage, offset, isWriting: true };
    const { incarnation } = this.#tenure;
    this.#tenure.emit({ kind: 'writeSnapshot', incarnation, offset: chunk.offset, data: chunk.data });
    return undefined;
  }

  snapshotWritten(): void {
    const stage = this.#stage;
    if (stage.kind !== 'receiving' || !stage.isWriting) return;
    const { epoch, zxid, bytes, offset } = stage;
    if (offset < bytes) {
      this.#stage = { ...stage, isWriting: false };
      this.#send({ kind: 'snapshotProgress', offset });
      return;
    }
    this.#stage = { kind: 'installing', epoch, zxid, bytes };
    this.#tenure.emit({ kind: 'installSnapshot', incarnation: this.#tenure.incarnation, zxid });
  }

  snapshotInstalled(zxid: Zxid): void {
    if (this.#stage.kind !== 'installing') return;
    const { epoch, bytes } = this.#stage;
    assert(zxid === this.#stage.zxid, 'the snapshot that was received is installed', { zxid });
    this.#tenure.log.installed(zxid);
    this.#stage = { kind: 'streaming', epoch };
    this.#send({ kind: 'snapshotProgress', offset: bytes });
  }

  #newLeader(epoch: Epoch, zxid: Zxid): string | undefined {
    const { log, manifest } = this.#tenure;
    if (this.#stage.kind !== 'streaming') return 'sent NEWLEADER out of turn';
    if (epoch !== this.#stage.epoch || epochOf(zxid) !== epoch) return 'sent NEWLEADER of another epoch';
    if (!log.epochs.has(zxid)) return 'sent NEWLEADER ahead of its history';
    this.#stage = { kind: 'adopting', epoch, start: zxid, isSaving: manifest.isWriting };
    this.#maybeAdopt();
    return undefined;
  }

  /**
   * Synchronization, step f.2.1: the history is accepted durably before the epoch is. In the other order a crash between
   * them leaves a server that wins elections by its epoch with a history that it lacks (ZOOKEEPER-4643).
   */
  #maybeAdopt(): void {
    const { log, manifest } = this.#tenure;
    const stage = this.#stage;
    if (stage.kind !== 'adopting' || stage.isSaving) return;
    const isDurable = log.durableZxid >= stage.start && !log.isTruncating;
    if (!isDurable && globalThis.__ZABRA_MUTANT__ !== 'epoch-saved-before-log') return;
    if (manifest.currentEpoch === stage.epoch) {
      // It had adopted this epoch before its stream broke.
      this.#ackNewLeader(manifest.currentEpoch, log.durableZxid);
      return;
    }
    this.#stage = { ...stage, isSaving: true };
    this.#tenure.saveManifest(manifest.adopt(stage.epoch, log.durableZxid));
  }

  /** Synchronization, step f.2.1, the acknowledgement: log durable, then epoch durable, then this. */
  #ackNewLeader(epoch: AdoptedEpoch, durable: DurableZxid): void {
    assert(this.#stage.kind === 'adopting', 'NEWLEADER is acknowledged once');
    const { start } = this.#stage;
    assert(epoch === this.#stage.epoch, 'the epoch adopted is the leader’s', { epoch });
    this.#stage = { kind: 'adopted', epoch, start };
    this.#send({ kind: 'ackNewLeader', epoch });
    if (durable > start) this.#ack(durable);
  }

  // --- Broadcast.

  #proposed(records: readonly LogRecord[], commit: Zxid): string | undefined {
    const { log } = this.#tenure;
    if (!this.#isStreaming()) return 'sent proposals before it sent a plan';
    const fresh: LogRecord[] = [];
    let last = log.lastZxid;
    for (const record of records) {
      // What is held already is dropped (it comes twice when a proposal overtakes its own history); a hole ends the stream.
      if (record.zxid <= last && log.epochs.has(record.zxid)) continue;
      const follows = record.previous === last && record.zxid > last;
      if (!follows && globalThis.__ZABRA_MUTANT__ !== 'sync-skips-trunc') return 'left a hole in the history';
      if (epochOf(record.zxid) > this.epoch) return 'proposed in a later epoch than its own';
      if ((record.kind === 'epoch-start') !== (counterOf(record.zxid) === 0))
        return 'sent a record of the wrong kind';
      fresh.push(record);
      last = record.zxid;
    }
    // Broadcast, step f.3.2: accepted in the order of the leader's stream.
    if (fresh.length > 0) {
      this.#tenure.append(fresh);
      if (globalThis.__ZABRA_MUTANT__ === 'ack-before-fsync') this.#ack(last as DurableZxid);
    }
    this.#committed(commit);
    return undefined;
  }

  appended(): void {
    this.#loggedMs = this.#tenure.clock.nowMs;
    this.#tenure.deliver();
    this.#maybeAdopt();
    // Before ACK(NEWLEADER) this only opens the leader's window; after it, it counts.
    if (this.#isStreaming()) this.#ack(this.#tenure.log.durableZxid);
  }

  /** Broadcast, step f.3.2, the acknowledgement: the disk confirmed this position; nothing else can make its type. */
  #ack(zxid: DurableZxid): void {
    this.#send({ kind: 'ack', zxid });
  }

  /** Synchronization, step f.2.2, and broadcast, step f.3.3: delivered when committed, and durable here. */
  #committed(zxid: Zxid): void {
    this.#tenure.log.commitTo(zxid);
    this.#tenure.deliver();
  }

  forward(payload: Uint8Array): void {
    assert(this.isServing, 'a follower forwards once it is synchronized', { stage: this.#stage.kind });
    this.#send({ kind: 'forward', payload });
  }

  readIndex(id: number): void {
    if (!this.isServing || this.#reads.size >= READS_MAX) {
      this.#tenure.emit({ kind: 'readIndexed', id, zxid: undefined });
      return;
    }
    this.#reads.add(id);
    this.#send({ kind: 'readIndex', id });
  }

  tick(): void {
    const { clock, log, options } = this.#tenure;
    // Its clients' writes wait for its own log. Elsewhere they are answered, and the leader may find another quorum.
    if (log.durableZxid === log.lastZxid) this.#loggedMs = clock.nowMs;
    if (clock.isSilent(this.#loggedMs, options.syncLimitMs))
      this.#tenure.leave('its own log makes no progress');
    // The leader may still be deciding that it is one.
    const isWaiting = this.#stage.kind === 'connecting' || this.#stage.kind === 'introduced';
    const limitMs = isWaiting ? 2 * options.silenceMs : options.silenceMs;
    if (clock.isSilent(this.#heardMs, limitMs)) this.#tenure.leave('the leader is silent');
  }

  #isStreaming(): boolean {
    const { kind } = this.#stage;
    return kind === 'streaming' || kind === 'adopting' || kind === 'adopted';
  }

  #send(message: LearnerMessage): void {
    this.#tenure.emit({ kind: 'toLeader', link: this.#link, message });
  }
}
