import { assert, type Epoch, type PeerId, unreachable, ZXID_NONE, type Zxid } from '@zabra/model';
import { Clock } from './clock.ts';
import { Election } from './election.ts';
import { Follower } from './follower.ts';
import { Leader } from './leader.ts';
import type { LearnerMessage, Notification } from './message.ts';
import { Configuration } from './quorum.ts';
import type { DurableState, Effect, Incarnation, Input, LinkId, Transition, ZabOptions } from './step.ts';
import { Tenure } from './tenure.ts';

/*
 *              drained                 decided: another
 *   recovery ──────────► election ───────────────────────────► following
 *      ▲                    │                                   discovery        FOLLOWERINFO, LEADERINFO, ACKEPOCH
 *      │                    │ decided: this server              synchronization  plan, history, NEWLEADER and its ack
 *      │                    ▼                                   broadcast        proposals, acks, commits
 *      │                 leading                                    │
 *      │                 discovery, synchronization, broadcast      │
 *      │                    │                                       │
 *      └────────────────────┴───────────────────────────────────────┘
 *         a lost stream, silence, a breach of the protocol, a better history, a later promise, a lost quorum,
 *         a log that stands still, a full epoch
 *
 * The happy path: the disk is read (recovery), the servers agree whom to follow (election), the leader gets a quorum to
 * promise a new epoch and learns that none has more history (discovery), makes their logs equal to its own and has them
 * adopt the epoch (synchronization), and orders what it is given (broadcast).
 *
 * Failures all end alike: the role is dropped whole, with its streams and open questions; the incarnation goes up, so that
 * what the disk still answers to the former role is void; the disk is drained and read again; a new election begins.
 * - The learner: its stream ends; its leader is silent or breaks the protocol, or has an epoch older than one promised, or a
 *   forged one; its own log stands still.
 * - The leader: no quorum comes, promises or adopts in time; a learner has more history, or has promised a later epoch; too
 *   few voters are heard; its own log stands still; the epoch's zxids are used up.
 * Whoever failed before it served holds back a little in the next election, longer each time.
 */

type Role =
  | { readonly kind: 'recovering'; readonly notes: Map<PeerId, Notification> }
  | { readonly kind: 'electing'; readonly tenure: Tenure; readonly election: Election }
  | { readonly kind: 'following'; readonly tenure: Tenure; readonly follower: Follower }
  | { readonly kind: 'leading'; readonly tenure: Tenure; readonly leader: Leader };

type DiskInput = Extract<Input, { readonly incarnation: Incarnation }>;

/** A learner that came before this server knew whether it leads. */
interface EarlyLearner {
  readonly peer: PeerId;
  message: LearnerMessage | undefined;
}

/** The pause before another attempt doubles up to this many times. */
const SETBACKS_MAX = 4;

/** One server's part of the protocol. Synchronous and deterministic: what it does follows from its inputs alone. */
export class Zab {
  readonly options: ZabOptions;
  readonly #configuration: Configuration;
  readonly #clock: Clock;
  #effects: Effect[] = [];
  #role: Role;
  #incarnation: Incarnation = 0;
  #round = 0;
  /** Servers that notes can be sent to. */
  readonly #reachable = new Set<PeerId>();
  readonly #early = new Map<LinkId, EarlyLearner>();
  #linkLast: LinkId = 0;
  /** Attempts since this server last served that failed. */
  #setbacks = 0;
  #hasServed = false;
  #transition: Transition;
  /** What the former role knew, for those who ask while the disk is read. */
  #former: Tenure | undefined;

  constructor(options: ZabOptions, nowMs: number) {
    this.options = options;
    this.#configuration = new Configuration(options.members);
    assert(this.#configuration.has(options.id), 'a server is a member of its ensemble', { id: options.id });
    this.#clock = new Clock(nowMs, options.heartbeatMs);
    this.#role = { kind: 'recovering', notes: new Map() };
    this.#transition = this.#facts('started');
    this.#effects.push({ kind: 'transition', to: this.#transition });
    this.#drain();
  }

  // --- What the replica may look at.

  get role(): Transition['role'] {
    return this.#transition.role;
  }

  get phase(): Transition['phase'] {
    return this.#transition.phase;
  }

  get epoch(): Epoch {
    return this.#transition.epoch;
  }

  get leader(): PeerId | undefined {
    return this.#transition.leader;
  }

  get serving(): boolean {
    return this.#transition.serving;
  }

  get incarnation(): Incarnation {
    return this.#incarnation;
  }

  /** The last record of the log, durable or not. */
  get lastZxid(): Zxid {
    return this.#former?.log.lastZxid ?? ZXID_NONE;
  }

  get durableZxid(): Zxid {
    return this.#former?.log.durableZxid ?? ZXID_NONE;
  }

  get commitZxid(): Zxid {
    return this.#former?.log.commitZxid ?? ZXID_NONE;
  }

  get deliveredZxid(): Zxid {
    return this.#former?.log.deliveredZxid ?? ZXID_NONE;
  }

  /** Leader: proposed and not committed. The replica prepares nothing at `outstandingProposalsMax`. */
  get outstandingProposals(): number {
    return this.#role.kind === 'leading' ? this.#role.leader.outstandingProposals : 0;
  }

  /** For checks: this server's disk as this role knows it; in recovery, as the former role did. */
  get tenure(): Tenure | undefined {
    return this.#former;
  }

  /** For checks. */
  get leading(): Leader | undefined {
    return this.#role.kind === 'leading' ? this.#role.leader : undefined;
  }

  /** For checks. */
  get following(): Follower | undefined {
    return this.#role.kind === 'following' ? this.#role.follower : undefined;
  }

  /** The first effects. They also come with the first step, if this is not called. */
  start(): readonly Effect[] {
    return this.#takeEffects();
  }

  step(input: Input): readonly Effect[] {
    this.#dispatch(input);
    this.#settle();
    return this.#takeEffects();
  }

  #dispatch(input: Input): void {
    switch (input.kind) {
      case 'tick':
        this.#clock.tick(input.nowMs);
        this.#tick();
        return;
      case 'electUp':
        this.#electUp(input.peer);
        return;
      case 'electDown':
        this.#reachable.delete(input.peer);
        if (this.#role.kind === 'electing') this.#role.election.electDown(input.peer);
        if (this.#role.kind === 'recovering') this.#role.notes.delete(input.peer);
        return;
      case 'notification':
        this.#notification(input.from, input.notification);
        return;
      case 'connected':
        if (this.#role.kind === 'following') this.#role.follower.connected(input.link);
        return;
      case 'fromLeader':
        if (this.#role.kind === 'following') this.#role.follower.fromLeader(input.link, input.message);
        return;
      case 'learnerUp':
        this.#learnerUp(input.link, input.peer);
        return;
      case 'fromLearner':
        this.#fromLearner(input.link, input.message);
        return;
      case 'linkDown':
        this.#early.delete(input.link);
        if (this.#role.kind === 'following') this.#role.follower.linkDown(input.link);
        if (this.#role.kind === 'leading') this.#role.leader.linkDown(input.link);
        return;
      case 'drained':
      case 'appended':
      case 'truncated':
      case 'manifestSaved':
      case 'logRead':
      case 'snapshotOpened':
      case 'snapshotRead':
      case 'snapshotWritten':
      case 'snapshotInstalled':
        // What a former role asked for is done, but nobody may build on it: it is read back with the drain.
        if (input.incarnation === this.#incarnation) this.#disk(input);
        return;
      case 'propose':
        assert(this.#role.kind === 'leading', 'a leader proposes', { role: this.#role.kind });
        this.#role.leader.propose(input.payloads);
        return;
      case 'forward':
        assert(this.#role.kind === 'following', 'a follower forwards', { role: this.#role.kind });
        this.#role.follower.forward(input.payload);
        return;
      case 'answer':
        if (this.#role.kind === 'leading') this.#role.leader.answer(input.to, input.payload);
        return;
      case 'readIndex':
        this.#readIndex(input.id);
        return;
      default:
        unreachable(input);
    }
  }

  #tick(): void {
    switch (this.#role.kind) {
      case 'recovering':
        return;
      case 'electing':
        this.#role.election.tick();
        return;
      case 'following':
        this.#role.follower.tick();
        return;
      case 'leading':
        this.#role.leader.tick();
        return;
      default:
        unreachable(this.#role);
    }
  }

  #readIndex(id: number): void {
    if (this.#role.kind === 'leading') this.#role.leader.readIndex(id);
    else if (this.#role.kind === 'following') this.#role.follower.readIndex(id);
    else this.#emit({ kind: 'readIndexed', id, zxid: undefined });
  }

  // --- The disk.

  #disk(input: DiskInput): void {
    if (input.kind === 'drained') {
      assert(this.#role.kind === 'recovering', 'the disk is drained between roles', {
        role: this.#role.kind,
      });
      this.#elect(input.state, this.#role.notes);
      return;
    }
    assert(this.#role.kind !== 'recovering' && this.#role.kind !== 'electing', 'only a role uses the disk', {
      input: input.kind,
    });
    const { log, manifest } = this.#role.tenure;
    const follower = this.#role.kind === 'following' ? this.#role.follower : undefined;
    const leader = this.#role.kind === 'leading' ? this.#role.leader : undefined;
    switch (input.kind) {
      case 'appended':
        log.appendedTo(input.zxid);
        follower?.appended();
        leader?.appended();
        return;
      case 'manifestSaved':
        manifest.saved(input);
        follower?.manifestSaved();
        leader?.manifestSaved();
        return;
      case 'truncated':
        follower?.truncated();
        return;
      case 'snapshotWritten':
        follower?.snapshotWritten();
        return;
      case 'snapshotInstalled':
        follower?.snapshotInstalled(input.zxid);
        return;
      case 'logRead':
        leader?.logRead(input);
        return;
      case 'snapshotOpened':
        leader?.snapshotOpened(input);
        return;
      case 'snapshotRead':
        leader?.snapshotRead(input);
        return;
      default:
        unreachable(input);
    }
  }

  // --- Elections.

  #electUp(peer: PeerId): void {
    if (!this.#configuration.has(peer) || peer === this.options.id) return;
    this.#reachable.add(peer);
    if (this.#role.kind === 'electing') this.#role.election.electUp(peer);
    else this.#notifySettled(peer);
  }

  #notification(from: PeerId, notification: Notification): void {
    if (!this.#configuration.has(from) || from === this.options.id) return;
    if (this.#role.kind === 'recovering') this.#role.notes.set(from, notification);
    else if (this.#role.kind === 'electing') this.#role.election.notification(from, notification);
    else if (notification.state === 'looking') this.#notifySettled(from);
  }

  /** Tells whom this server follows or leads, if it does. */
  #notifySettled(to: PeerId): void {
    const role = this.#role;
    if (role.kind === 'recovering' || role.kind === 'electing' || !this.#reachable.has(to)) return;
    const { log, manifest } = role.tenure;
    const notification: Notification = {
      state: role.kind,
      standing: manifest.standing,
      round: this.#round,
      vote: {
        leader: role.kind === 'leading' ? this.options.id : role.follower.leader,
        epoch: manifest.currentEpoch,
        zxid: log.durableZxid,
      },
    };
    this.#emit({ kind: 'notify', to, notification });
  }

  // --- Streams of learners.

  #learnerUp(link: LinkId, peer: PeerId): void {
    assert(link > 0, 'learners’ streams are numbered upwards', { link });
    if (this.#role.kind === 'leading') {
      this.#role.leader.learnerUp(link, peer);
    } else if (this.#role.kind === 'following') {
      this.#emit({ kind: 'disconnect', link, reason: 'this server does not lead' });
    } else {
      for (const [former, early] of this.#early) if (early.peer === peer) this.#turnAway(former);
      this.#early.set(link, { peer, message: undefined });
    }
  }

  #fromLearner(link: LinkId, message: LearnerMessage): void {
    const early = this.#early.get(link);
    if (this.#role.kind === 'leading') this.#role.leader.fromLearner(link, message);
    else if (early !== undefined) early.message ??= message;
  }

  #turnAway(link: LinkId): void {
    this.#early.delete(link);
    this.#emit({ kind: 'disconnect', link, reason: 'this server does not lead' });
  }

  // --- Roles. Each ends at the end of a step, so that no handler runs on in a role that was left.

  #settle(): void {
    if (this.#role.kind === 'electing' && this.#role.election.decision !== undefined) this.#decided();
    const reason =
      this.#role.kind === 'following' || this.#role.kind === 'leading'
        ? this.#role.tenure.leaving
        : undefined;
    if (reason !== undefined) this.#lookAgain(reason);
    const next = this.#facts(reason ?? REASONS[this.#phaseNow()]);
    if (next.serving) {
      this.#hasServed = true;
      this.#setbacks = 0;
    }
    if (isSame(next, this.#transition)) return;
    this.#transition = next;
    this.#emit({ kind: 'transition', to: next });
  }

  #elect(state: DurableState, notes: ReadonlyMap<PeerId, Notification>): void {
    this.#assertNothingLost(state);
    const setting = {
      options: this.options,
      configuration: this.#configuration,
      clock: this.#clock,
      emit: (effect: Effect): void => this.#emit(effect),
    };
    const tenure = new Tenure(setting, this.#incarnation, state, this.#former?.promiseHeard ?? 0);
    this.#former = tenure;
    this.#round++;
    const holdMs = this.#holdMs();
    const election = new Election(tenure, {
      reachable: this.#reachable,
      round: this.#round,
      holdUntilMs: holdMs === 0 ? 0 : this.#clock.nowMs + holdMs,
    });
    this.#role = { kind: 'electing', tenure, election };
    tenure.deliver();
    election.open(notes);
  }

  #decided(): void {
    assert(this.#role.kind === 'electing', 'an election ends once');
    const { tenure, election } = this.#role;
    const { decision } = election;
    assert(decision !== undefined, 'an election ends with a decision');
    this.#round = election.round;
    this.#hasServed = false;
    const early = [...this.#early];
    if (decision.leader === this.options.id) {
      const leader = new Leader(tenure, decision.founding);
      this.#role = { kind: 'leading', tenure, leader };
      this.#early.clear();
      for (const [link, { peer, message }] of early) {
        leader.learnerUp(link, peer);
        if (message !== undefined) leader.fromLearner(link, message);
      }
    } else {
      for (const [link] of early) this.#turnAway(link);
      const follower = new Follower(tenure, { link: --this.#linkLast, ...decision });
      this.#role = { kind: 'following', tenure, follower };
    }
    for (const peer of this.#configuration.members) this.#notifySettled(peer);
  }

  /** Back to phase 0: leaves the role, whole. */
  #lookAgain(reason: string): void {
    const role = this.#role;
    assert(role.kind === 'following' || role.kind === 'leading', 'a role is left', {
      role: role.kind,
      reason,
    });
    if (role.kind === 'following') role.follower.close();
    else role.leader.close();
    if (!this.#hasServed) this.#setbacks++;
    this.#role = { kind: 'recovering', notes: new Map() };
    this.#incarnation++;
    if (globalThis.__ZABRA_MUTANT__ === 'vote-with-unsynced-history')
      this.#elect(remembered(role.tenure), new Map());
    else this.#drain();
  }

  #drain(): void {
    this.#emit({ kind: 'drain', incarnation: this.#incarnation });
  }

  /** Servers fail at the same time more often than not: each holds back for a while of its own. */
  #holdMs(): number {
    if (this.#setbacks === 0) return 0;
    const doublings = Math.min(this.#setbacks, SETBACKS_MAX) - 1;
    return this.options.notifyIntervalMs * 2 ** doublings * (1 + (this.options.id % 8) / 8);
  }

  /** The disk holds at least what it said it holds. */
  #assertNothingLost(state: DurableState): void {
    if (this.#former === undefined) return;
    const { log, manifest } = this.#former;
    const facts = { last: state.lastZxid, durable: log.durableZxid, applied: state.appliedZxid };
    assert(state.lastZxid >= log.durableZxid, 'what was durable is still there', facts);
    assert(state.appliedZxid >= log.deliveredZxid, 'what was delivered is applied', facts);
    assert(state.acceptedEpoch >= manifest.acceptedEpoch, 'a promise is kept', {
      accepted: state.acceptedEpoch,
    });
    assert(state.currentEpoch >= manifest.currentEpoch, 'an adopted epoch is kept', {
      current: state.currentEpoch,
    });
  }

  // --- Facts.

  #phaseNow(): Transition['phase'] {
    switch (this.#role.kind) {
      case 'recovering':
        return 'recovery';
      case 'electing':
        return 'election';
      case 'following':
        return followerPhase(this.#role.follower);
      case 'leading':
        return leaderPhase(this.#role.leader);
      default:
        return unreachable(this.#role);
    }
  }

  #facts(reason: string): Transition {
    const role = this.#role;
    const phase = this.#phaseNow();
    const serving = phase === 'broadcast';
    switch (role.kind) {
      case 'recovering':
      case 'electing': {
        const epoch = this.#former?.manifest.currentEpoch ?? 0;
        return { role: 'looking', phase, epoch, leader: undefined, serving, reason };
      }
      case 'following': {
        const { epoch, leader } = role.follower;
        return { role: 'following', phase, epoch, leader, serving, reason };
      }
      case 'leading':
        return { role: 'leading', phase, epoch: role.leader.epoch, leader: this.options.id, serving, reason };
      default:
        return unreachable(role);
    }
  }

  #emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  #takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

const REASONS: Readonly<Record<Transition['phase'], string>> = {
  recovery: 'the disk is read',
  election: 'the disk was read',
  discovery: 'an election ended',
  synchronization: 'a quorum promised the epoch',
  broadcast: 'the initial history is committed',
};

function followerPhase(follower: Follower): Transition['phase'] {
  switch (follower.stage.kind) {
    case 'connecting':
    case 'introduced':
    case 'promising':
    case 'promised':
      return 'discovery';
    case 'receiving':
    case 'installing':
    case 'streaming':
    case 'adopting':
      return 'synchronization';
    case 'adopted':
      return follower.isServing ? 'broadcast' : 'synchronization';
    default:
      return unreachable(follower.stage);
  }
}

function leaderPhase(leader: Leader): Transition['phase'] {
  switch (leader.stage.kind) {
    case 'gathering':
    case 'promising':
    case 'inviting':
      return 'discovery';
    case 'synchronizing':
      return 'synchronization';
    case 'serving':
      return 'broadcast';
    default:
      return unreachable(leader.stage);
  }
}

function isSame(left: Transition, right: Transition): boolean {
  return (
    left.role === right.role &&
    left.phase === right.phase &&
    left.epoch === right.epoch &&
    left.leader === right.leader &&
    left.serving === right.serving
  );
}

/** What a server that trusts its memory would take for its disk: only for the flaw that does so. */
function remembered({ log, manifest }: Tenure): DurableState {
  return {
    clusterId: manifest.clusterId,
    standing: manifest.standing,
    acceptedEpoch: manifest.acceptedEpoch,
    currentEpoch: manifest.currentEpoch,
    lastZxid: log.lastZxid,
    history: log.epochs.ends,
    baseZxid: log.baseZxid,
    commitZxid: log.commitZxid,
    appliedZxid: log.deliveredZxid,
    tail: log.history.after(log.deliveredZxid, { through: log.lastZxid, bytesMax: Number.POSITIVE_INFINITY }),
  };
}
