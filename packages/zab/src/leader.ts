import {
  assert,
  counterOf,
  EPOCH_MAX,
  type Epoch,
  makeZxid,
  type PeerId,
  unreachable,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import { type EpochStart, Learner } from './learner.ts';
import type { LearnerMessage } from './message.ts';
import { isQuorum, type QuorumSystem, reachedByQuorum } from './quorum.ts';
import { type Confirmation, ReadIndexQueue } from './read-index.ts';
import type { LogRecord } from './record.ts';
import type { Input, LinkId } from './step.ts';
import type { Tenure } from './tenure.ts';
import { compareVotes } from './vote.ts';

/** How far a leadership has come. `start` is its epoch-start record, the last of its initial history. */
export type LeaderStage =
  /** Waits for FOLLOWERINFO of a quorum. */
  | { readonly kind: 'gathering' }
  /** The new epoch is on its way to this server's own disk. */
  | { readonly kind: 'promising'; readonly epoch: Epoch }
  /** LEADERINFO is out; waits for ACKEPOCH of a quorum. */
  | { readonly kind: 'inviting'; readonly epoch: Epoch }
  /** The initial history is fixed; waits for ACK(NEWLEADER) of a quorum, its own by the same steps. */
  | {
      readonly kind: 'synchronizing';
      readonly start: EpochStart;
      readonly own: 'logging' | 'saving' | 'adopted';
    }
  | { readonly kind: 'serving'; readonly start: EpochStart };

/** Questions of this server's own replica that wait for a quorum. */
const READS_MAX = 65_536;
/** Loading a snapshot may keep a learner from answering for this many times the sync limit. */
const INSTALL_PATIENCE = 12;
const EMPTY = new Uint8Array(0);

/** The leader's part of discovery, synchronization and broadcast. */
export class Leader {
  readonly #tenure: Tenure;
  /** Blank learners count: every member was heard to be empty. */
  readonly #isFounding: boolean;
  readonly #clusterId: string;
  readonly #learners = new Map<LinkId, Learner>();
  /** The newest stream of each peer. */
  readonly #byPeer = new Map<PeerId, Learner>();
  /** When each voter was last in contact, also while it reconnects. */
  readonly #contactMs = new Map<PeerId, number>();
  /** Voters that promised this leader's epoch, to this leader. The promise outlives the stream. */
  readonly #promisers = new Set<PeerId>();
  readonly #reads = new ReadIndexQueue();
  #stage: LeaderStage = { kind: 'gathering' };
  #progressMs: number;
  /** When this server's own log was last seen to be whole on disk, or to grow. */
  #loggedMs: number;
  #pingMs: number;

  constructor(tenure: Tenure, isFounding: boolean) {
    this.#tenure = tenure;
    this.#isFounding = isFounding;
    this.#clusterId = tenure.manifest.clusterId ?? tenure.options.newClusterId;
    this.#progressMs = tenure.clock.nowMs;
    this.#loggedMs = tenure.clock.nowMs;
    this.#pingMs = tenure.clock.nowMs;
    this.#maybeChooseEpoch();
  }

  get stage(): LeaderStage {
    return this.#stage;
  }

  get learners(): ReadonlyMap<LinkId, Learner> {
    return this.#learners;
  }

  get isServing(): boolean {
    return this.#stage.kind === 'serving';
  }

  get epoch(): Epoch {
    switch (this.#stage.kind) {
      case 'gathering':
        return this.#tenure.manifest.currentEpoch;
      case 'promising':
      case 'inviting':
        return this.#stage.epoch;
      case 'synchronizing':
      case 'serving':
        return this.#stage.start.epoch;
      default:
        return unreachable(this.#stage);
    }
  }

  /** Proposed and not committed. */
  get outstandingProposals(): number {
    const { log } = this.#tenure;
    if (this.#stage.kind !== 'serving') return 0;
    return counterOf(log.lastZxid) - counterOf(log.commitZxid);
  }

  close(): void {
    for (const learner of this.#learners.values()) {
      learner.closeSnapshot();
      this.#tenure.emit({ kind: 'disconnect', link: learner.link, reason: 'the leader steps down' });
    }
    for (const read of this.#reads.drop('self')) this.#answerRead(read, undefined);
  }

  // --- Streams.

  learnerUp(link: LinkId, peer: PeerId): void {
    const former = this.#byPeer.get(peer);
    if (former !== undefined) this.#dismiss(former, 'a newer stream of the same server came');
    const learner = new Learner(this.#tenure, link, peer);
    this.#learners.set(link, learner);
    this.#byPeer.set(peer, learner);
  }

  linkDown(link: LinkId): void {
    const learner = this.#learners.get(link);
    if (learner !== undefined) this.#forget(learner);
  }

  fromLearner(link: LinkId, message: LearnerMessage): void {
    const learner = this.#learners.get(link);
    if (learner === undefined) return;
    learner.heardMs = this.#tenure.clock.nowMs;
    if (this.#isVoter(learner)) this.#contactMs.set(learner.peer, learner.heardMs);
    const fault = this.#hear(learner, message);
    if (fault !== undefined) this.#dismiss(learner, fault);
  }

  /** Returns what is wrong with the message, if anything is. */
  #hear(learner: Learner, message: LearnerMessage): string | undefined {
    switch (message.kind) {
      case 'followerInfo':
        return this.#introduced(learner, message);
      case 'ackEpoch':
        return this.#promised(learner, message);
      case 'ackNewLeader':
        return this.#adopted(learner, message.epoch);
      case 'ack':
        if (message.zxid > learner.sentTo) return 'it acknowledged what it was not sent';
        this.#progressMs = this.#tenure.clock.nowMs;
        learner.acknowledged(message.zxid);
        this.#maybeCommit();
        this.#pump(learner);
        return undefined;
      case 'snapshotProgress': {
        const start = this.#start();
        this.#progressMs = this.#tenure.clock.nowMs;
        return start !== undefined && learner.snapshotProgress(message.offset, start)
          ? undefined
          : 'it acknowledged a piece of a snapshot that it was not sent';
      }
      case 'forward':
        if (!this.isServing || !learner.hasAdopted)
          return 'it forwarded a request before it was synchronized';
        this.#tenure.emit({ kind: 'forwarded', from: learner.peer, payload: message.payload });
        return undefined;
      case 'pong':
        learner.echoedRound = Math.max(learner.echoedRound, Math.min(message.round, this.#reads.round));
        this.#maybeConfirmReads();
        return undefined;
      case 'readIndex':
        if (!this.isServing || !learner.hasAdopted)
          return 'it asked for a read index before it was synchronized';
        this.#askRead({ asker: learner.link, id: message.id, zxid: this.#tenure.log.commitZxid });
        return undefined;
      default:
        return unreachable(message);
    }
  }

  // --- Discovery.

  #introduced(
    learner: Learner,
    message: LearnerMessage & { readonly kind: 'followerInfo' },
  ): string | undefined {
    if (learner.stage.kind !== 'connected') return 'it introduced itself twice';
    if (message.acceptedEpoch > this.#tenure.manifest.promiseMax) {
      return `it claims to have promised epoch ${message.acceptedEpoch}, too far beyond this leader's`;
    }
    const isVoter = message.standing === 'voter' || (message.standing === 'blank' && this.#isFounding);
    learner.standing = isVoter ? 'voter' : 'refill';
    this.#tenure.hearPromise(message.acceptedEpoch);
    learner.stage = { kind: 'introduced' };
    if (isVoter) this.#contactMs.set(learner.peer, learner.heardMs);
    else this.#forgetVoter(learner.peer);
    this.#progressMs = this.#tenure.clock.nowMs;
    if (this.#stage.kind !== 'gathering' && message.acceptedEpoch > this.epoch) {
      // It would refuse this epoch for ever, and be missing when another server fails. The next epoch that this server
      // chooses is above the promise it heard.
      this.#tenure.leave(`server ${learner.peer} has promised epoch ${message.acceptedEpoch}`);
      return undefined;
    }
    this.#maybeChooseEpoch();
    this.#maybeInvite(learner);
    return undefined;
  }

  /** Discovery, step l.1.1: FOLLOWERINFO of a quorum gives an epoch above all that they promised. */
  #maybeChooseEpoch(): void {
    const { manifest, options, promiseHeard } = this.#tenure;
    if (this.#stage.kind !== 'gathering') return;
    if (!this.#haveQuorum((learner) => learner.stage.kind === 'introduced')) return;
    const epoch = promiseHeard + 1;
    assert(epoch <= EPOCH_MAX, 'an epoch fits in 21 bits', { epoch, server: options.id });
    this.#stage = { kind: 'promising', epoch };
    this.#tenure.saveManifest(manifest.promise(epoch, { id: this.#clusterId, standing: 'voter' }));
  }

  /** Discovery, step l.1.1: NEWEPOCH goes out. Broadcast, step l.3.3: to those who come later as well. */
  #maybeInvite(learner: Learner): void {
    if (this.#stage.kind === 'gathering' || this.#stage.kind === 'promising') return;
    if (learner.stage.kind !== 'introduced') return;
    learner.stage = { kind: 'invited' };
    learner.send({ kind: 'leaderInfo', epoch: this.epoch, clusterId: this.#clusterId });
  }

  #promised(learner: Learner, message: LearnerMessage & { readonly kind: 'ackEpoch' }): string | undefined {
    const { electedEpoch, electedZxid, id } = this.#tenure;
    if (learner.stage.kind !== 'invited') return 'it promised an epoch that it was not asked for';
    if (message.epoch !== this.epoch) return 'it promised another epoch';
    const { currentEpoch, lastZxid } = message;
    if (this.#stage.kind !== 'serving' && learner.standing === 'voter' && currentEpoch < message.epoch) {
      // Only the server with the most recent history may lead. The paper's leader would take over the better history in
      // step l.1.2; this one leaves the epoch to the server that has it. Who adopted this very epoch has it from here.
      const theirs = { leader: id, epoch: currentEpoch, zxid: lastZxid };
      if (compareVotes(theirs, { leader: id, epoch: electedEpoch, zxid: electedZxid }) > 0) {
        this.#tenure.leave(`server ${learner.peer} has more history`);
        return undefined;
      }
    }
    learner.stage = { kind: 'promised', outline: { ends: message.history, lastZxid } };
    if (message.promised && learner.standing === 'voter') this.#promisers.add(learner.peer);
    this.#progressMs = this.#tenure.clock.nowMs;
    this.#maybeFixHistory();
    this.#maybeSynchronize(learner);
    return undefined;
  }

  /** Discovery, step l.1.2: with ACKEPOCH of a quorum, its own included, this server's history is the epoch's. */
  #maybeFixHistory(): void {
    const { log, id } = this.#tenure;
    if (this.#stage.kind !== 'inviting') return;
    if (!isQuorum(this.#systems(), (peer) => peer === id || this.#promisers.has(peer))) return;
    const { epoch } = this.#stage;
    const start = { epoch, zxid: makeZxid(epoch, 0) };
    this.#stage = { kind: 'synchronizing', start, own: 'logging' };
    this.#tenure.append([{ zxid: start.zxid, previous: log.lastZxid, kind: 'epoch-start', payload: EMPTY }]);
    for (const learner of this.#learners.values()) this.#maybeSynchronize(learner);
  }

  // --- Synchronization.

  /**
   * Synchronization, step l.2.1: NEWLEADER with the initial history, of which the learner gets the part that it lacks.
   * Broadcast, step l.3.3: those who come later get what was proposed since with it.
   */
  #maybeSynchronize(learner: Learner): void {
    const start = this.#start();
    if (start === undefined || learner.stage.kind !== 'promised') return;
    // A server that is to be refilled has no part in establishing the epoch that refills it.
    if (learner.standing !== 'voter' && !this.isServing) return;
    learner.synchronize(learner.stage.outline, start);
  }

  /** Broadcast, step l.3.4: whoever acknowledged NEWLEADER belongs to those whose acks count. */
  #adopted(learner: Learner, epoch: Epoch): string | undefined {
    const start = this.#start();
    if (start === undefined || epoch !== start.epoch || !learner.acknowledgedNewLeader()) {
      return 'it acknowledged a NEWLEADER that it was not sent';
    }
    this.#progressMs = this.#tenure.clock.nowMs;
    this.#contactMs.set(learner.peer, learner.heardMs);
    this.#maybeCommit();
    this.#pump(learner);
    return undefined;
  }

  manifestSaved(): void {
    const { manifest } = this.#tenure;
    this.#progressMs = this.#tenure.clock.nowMs;
    if (this.#stage.kind === 'promising') {
      // Its own promise counts from here on; only now may others hear of the epoch.
      this.#stage = { kind: 'inviting', epoch: this.#stage.epoch };
      for (const learner of this.#learners.values()) this.#maybeInvite(learner);
      this.#maybeFixHistory();
    } else if (this.#stage.kind === 'synchronizing' && this.#stage.own === 'saving') {
      assert(manifest.currentEpoch === this.#stage.start.epoch, 'the epoch of this leadership was adopted');
      this.#stage = { ...this.#stage, own: 'adopted' };
      this.#maybeCommit();
    }
  }

  appended(): void {
    const { log, manifest } = this.#tenure;
    this.#loggedMs = this.#tenure.clock.nowMs;
    if (this.#stage.kind === 'synchronizing' && this.#stage.own === 'logging') {
      const { start } = this.#stage;
      const durable = log.durableZxid;
      this.#progressMs = this.#tenure.clock.nowMs;
      if (durable < start.zxid) return;
      // Synchronization, step f.2.1, of this server as its own follower: the log is durable, now the epoch.
      this.#stage = { ...this.#stage, own: 'saving' };
      this.#tenure.saveManifest(manifest.adopt(start.epoch, durable));
      return;
    }
    this.#maybeCommit();
    this.#tenure.deliver();
    this.#maybeServe();
  }

  logRead(input: Input & { readonly kind: 'logRead' }): void {
    const learner = this.#learners.get(input.link);
    const start = this.#start();
    if (learner === undefined || start === undefined) return;
    const fault = learner.logRead(input, start);
    if (fault !== undefined) this.#dismiss(learner, fault);
  }

  snapshotOpened(input: Input & { readonly kind: 'snapshotOpened' }): void {
    const learner = this.#learners.get(input.link);
    if (learner !== undefined) learner.snapshotOpened(input.zxid, input.bytes);
    // The stream ended while the snapshot was being found.
    else this.#tenure.emit({ kind: 'closeSnapshot', link: input.link });
  }

  snapshotRead(input: Input & { readonly kind: 'snapshotRead' }): void {
    this.#learners.get(input.link)?.snapshotRead(input);
  }

  // --- Broadcast.

  propose(payloads: readonly Uint8Array[]): void {
    const { log, options } = this.#tenure;
    assert(this.#stage.kind === 'serving', 'a leader proposes once its initial history is committed');
    assert(this.outstandingProposals < options.outstandingProposalsMax, 'outstanding proposals are bounded', {
      outstanding: this.outstandingProposals,
    });
    if (payloads.length === 0) return;
    const { epoch } = this.#stage.start;
    let counter = counterOf(log.lastZxid);
    if (counter + payloads.length > options.counterMax) {
      this.#tenure.leave('the epoch has no more zxids');
      return;
    }
    let previous = log.lastZxid;
    const records: LogRecord[] = [];
    for (const payload of payloads) {
      counter++;
      const zxid = makeZxid(epoch, counter);
      records.push({ zxid, previous, kind: 'txn', payload });
      previous = zxid;
    }
    if (log.durableZxid === log.lastZxid) this.#loggedMs = this.#tenure.clock.nowMs;
    // Broadcast, step l.3.1: to every learner, and to its own log.
    this.#tenure.append(records);
    for (const learner of this.#learners.values()) this.#pump(learner);
  }

  answer(to: PeerId, payload: Uint8Array): void {
    const learner = this.#byPeer.get(to);
    if (learner?.hasAdopted === true) learner.send({ kind: 'answer', payload });
  }

  /**
   * Broadcast, step l.3.2: the commit index is the highest position of this epoch that a quorum has durably, this server
   * included as soon as its own disk says so.
   * Synchronization, step l.2.2: what came before the epoch is committed with its first record, never by counting.
   */
  #maybeCommit(): void {
    const { log } = this.#tenure;
    const start = this.#start();
    if (start === undefined || !this.#hasAdopted()) return;
    const reached =
      globalThis.__ZABRA_MUTANT__ === 'commit-without-quorum'
        ? log.durableZxid
        : (reachedByQuorum(this.#systems(), (peer) => this.#positionOf(peer)) as Zxid);
    if (reached < start.zxid || reached <= log.commitZxid) return;
    assert(reached <= log.lastZxid, 'only what was proposed is committed', { reached, last: log.lastZxid });
    log.commitTo(reached);
    this.#tenure.deliver();
    this.#maybeServe();
    for (const learner of this.#learners.values()) learner.sendCommit(reached);
    const { counterMax } = this.#tenure.options;
    if (reached === log.lastZxid && counterOf(reached) >= counterMax) {
      this.#tenure.leave('the epoch has no more zxids');
    }
  }

  /** Broadcast, step f.3.1: ready, once its initial history is committed, and delivered here. */
  #maybeServe(): void {
    if (this.#stage.kind !== 'synchronizing' || this.#stage.own !== 'adopted') return;
    const { start } = this.#stage;
    if (this.#tenure.log.deliveredZxid < start.zxid) return;
    this.#stage = { kind: 'serving', start };
    for (const learner of this.#learners.values()) {
      if (this.#isVoter(learner)) this.#contactMs.set(learner.peer, this.#tenure.clock.nowMs);
      this.#maybeSynchronize(learner);
    }
  }

  #positionOf(peer: PeerId): Zxid {
    if (peer === this.#tenure.id) return this.#tenure.log.durableZxid;
    return this.#byPeer.get(peer)?.ackedZxid ?? ZXID_NONE;
  }

  // --- Reads.

  /** Answers with `readIndexed`, now or later. */
  readIndex(id: number): void {
    const read: Confirmation = { asker: 'self', id, zxid: this.#tenure.log.commitZxid };
    if (!this.isServing || this.#reads.count >= READS_MAX) this.#answerRead(read, undefined);
    else this.#askRead(read);
  }

  #askRead(read: Confirmation): void {
    this.#reads.ask(read);
    if (this.#reads.needsRound) this.#beginRound();
  }

  #beginRound(): void {
    const round = this.#reads.beginRound();
    for (const learner of this.#learners.values()) {
      if (learner.stage.kind !== 'connected') learner.send({ kind: 'ping', round });
    }
    this.#maybeConfirmReads();
  }

  #maybeConfirmReads(): void {
    const { id } = this.#tenure;
    const round = reachedByQuorum(this.#systems(), (peer) => {
      if (peer === id) return this.#reads.round;
      const learner = this.#byPeer.get(peer);
      return learner?.hasAdopted === true ? learner.echoedRound : 0;
    });
    for (const read of this.#reads.confirm(round)) this.#answerRead(read, read.zxid);
    if (this.#reads.needsRound) this.#beginRound();
  }

  #answerRead(read: Confirmation, zxid: Zxid | undefined): void {
    if (read.asker === 'self') this.#tenure.emit({ kind: 'readIndexed', id: read.id, zxid });
    else if (zxid !== undefined)
      this.#learners.get(read.asker)?.send({ kind: 'readIndexed', id: read.id, zxid });
  }

  // --- Time.

  tick(): void {
    const { clock, log, options } = this.#tenure;
    for (const learner of this.#learners.values()) this.#maybeDismissSilent(learner);
    if (clock.nowMs >= this.#pingMs) {
      this.#pingMs = clock.nowMs + options.heartbeatMs;
      this.#beginRound();
    }
    if (log.durableZxid === log.lastZxid) this.#loggedMs = clock.nowMs;
    if (clock.isSilent(this.#loggedMs, options.syncLimitMs))
      this.#tenure.leave('its own log makes no progress');
    if (this.#stage.kind === 'gathering') {
      if (clock.isSilent(this.#progressMs, 2 * options.silenceMs))
        this.#tenure.leave('no quorum came to follow');
      return;
    }
    if (!this.isServing && clock.isSilent(this.#progressMs, options.syncLimitMs)) {
      this.#tenure.leave('no quorum was synchronized in time');
    }
    if (!isQuorum(this.#systems(), (peer) => this.#isInContact(peer))) {
      this.#tenure.leave('no quorum of voters is in contact');
    }
  }

  /** Before the leader serves, a voter may be busy with its disk for long: its stream stands for it. */
  #isInContact(peer: PeerId): boolean {
    const { clock, options } = this.#tenure;
    if (peer === options.id) return true;
    const learner = this.#byPeer.get(peer);
    if (!this.isServing && learner !== undefined && this.#isVoter(learner)) return true;
    const contactMs = this.#contactMs.get(peer);
    return contactMs !== undefined && !clock.isSilent(contactMs, options.silenceMs);
  }

  #maybeDismissSilent(learner: Learner): void {
    const { clock, options } = this.#tenure;
    let limitMs = learner.hasAdopted ? options.silenceMs : options.syncLimitMs;
    if (learner.isInstalling) limitMs *= INSTALL_PATIENCE;
    if (clock.isSilent(learner.heardMs, limitMs)) this.#dismiss(learner, 'it is silent');
  }

  // --- Who counts.

  #systems(): readonly QuorumSystem[] {
    return this.#tenure.configuration.configsAt(this.#tenure.log.lastZxid);
  }

  #start(): EpochStart | undefined {
    return this.#stage.kind === 'synchronizing' || this.#stage.kind === 'serving'
      ? this.#stage.start
      : undefined;
  }

  #hasAdopted(): boolean {
    return (
      this.#stage.kind === 'serving' ||
      (this.#stage.kind === 'synchronizing' && this.#stage.own === 'adopted')
    );
  }

  #isVoter(learner: Learner): boolean {
    return learner.standing === 'voter' && learner.stage.kind !== 'connected';
  }

  /** Nothing counts any more of what it said before it lost its data. */
  #forgetVoter(peer: PeerId): void {
    this.#contactMs.delete(peer);
    this.#promisers.delete(peer);
  }

  #haveQuorum(has: (learner: Learner) => boolean): boolean {
    return isQuorum(this.#systems(), (peer) => {
      const learner = this.#byPeer.get(peer);
      return peer === this.#tenure.id || (learner !== undefined && this.#isVoter(learner) && has(learner));
    });
  }

  #pump(learner: Learner): void {
    const start = this.#start();
    if (start !== undefined) learner.pump(start);
  }

  #dismiss(learner: Learner, reason: string): void {
    this.#tenure.emit({ kind: 'disconnect', link: learner.link, reason });
    this.#forget(learner);
  }

  #forget(learner: Learner): void {
    learner.closeSnapshot();
    this.#reads.drop(learner.link);
    this.#learners.delete(learner.link);
    if (this.#byPeer.get(learner.peer) === learner) this.#byPeer.delete(learner.peer);
  }
}
