import type { PeerId } from '@zabra/model';
import type { Notification, Standing, Vote } from './message.ts';
import { isQuorum } from './quorum.ts';
import type { Tenure } from './tenure.ts';
import { compareVotes, isEmptyVote } from './vote.ts';

/** How an election ended for this server. */
export interface Decision {
  readonly leader: PeerId;
  /** As what this server joins. */
  readonly standing: Standing;
  /** Every member was heard and none had stored anything: blank servers were counted as voters. */
  readonly founding: boolean;
}

/** Rounds above this are nonsense: nobody can get there one by one. */
const ROUND_MAX = 2 ** 52;
/** Repeated notes slow down to this many times the first pause. */
const NOTIFY_BACKOFF_MAX = 10;

/**
 * Finds out whom to follow. As ZooKeeper's fast leader election, with three differences:
 *
 * - A candidate stands for itself: only a server whose own newest note votes for itself is chosen, so that what third
 *   parties remember of a dead or changed server elects nobody.
 * - No fixed wait: it decides at once when every reachable voter agrees. A wrong choice costs time, not safety, since
 *   discovery compares histories again.
 * - Blank servers count only when every member has stored nothing; damaged ones (refill) never.
 *
 * A server whose notes say that it follows or leads is settled: a quorum of them that names one leader, who says so
 * itself, is joined whatever the round.
 */
export class Election {
  readonly #tenure: Tenure;
  readonly #reachable: ReadonlySet<PeerId>;
  readonly #own: Vote;
  /** No decision before this: a server whose last attempts failed lets others try. */
  readonly #holdUntilMs: number;
  readonly #notes = new Map<PeerId, Notification>();
  #round: number;
  #vote: Vote;
  #agreedMs: number | undefined;
  #notifyMs = 0;
  #intervalMs: number;
  #decision: Decision | undefined;

  constructor(
    tenure: Tenure,
    options: {
      readonly reachable: ReadonlySet<PeerId>;
      readonly round: number;
      readonly holdUntilMs: number;
    },
  ) {
    this.#tenure = tenure;
    this.#reachable = options.reachable;
    this.#round = options.round;
    this.#holdUntilMs = options.holdUntilMs;
    // Only durable state is voted with: the tenure began with it and appends nothing before a role.
    this.#own = { leader: tenure.id, epoch: tenure.electedEpoch, zxid: tenure.electedZxid };
    this.#vote = this.#own;
    this.#intervalMs = tenure.options.notifyIntervalMs;
  }

  get round(): number {
    return this.#round;
  }

  get decision(): Decision | undefined {
    return this.#decision;
  }

  /** Begins with the notes that came while the disk was read. */
  open(notes: ReadonlyMap<PeerId, Notification>): void {
    this.#consider(true);
    for (const [peer, note] of notes) this.notification(peer, note);
  }

  notification(from: PeerId, note: Notification): void {
    if (note.round > ROUND_MAX) return;
    const before = this.#notes.get(from);
    this.#notes.set(from, note);
    if (note.state === 'looking' && note.standing !== 'refill' && note.round > this.#round) {
      this.#round = note.round;
      this.#agreedMs = undefined;
      this.#consider(true);
      return;
    }
    // Whoever is behind, or has just come into this round, may not have heard this server.
    if (note.state === 'looking' && (note.round < this.#round || before?.round !== note.round)) {
      this.#notify(from);
    }
    this.#consider();
  }

  electUp(peer: PeerId): void {
    this.#notify(peer);
    this.#consider();
  }

  electDown(peer: PeerId): void {
    this.#notes.delete(peer);
    this.#consider();
  }

  tick(): void {
    const { nowMs } = this.#tenure.clock;
    if (nowMs >= this.#notifyMs) {
      const intervalMsMax = this.#tenure.options.notifyIntervalMs * NOTIFY_BACKOFF_MAX;
      this.#broadcast();
      this.#intervalMs = Math.min(this.#intervalMs * 2, intervalMsMax);
      this.#notifyMs = nowMs + this.#intervalMs;
    }
    this.#consider();
  }

  /** Draws the conclusions from the notes; tells the others when they change this server's note, or it `hasChanged`. */
  #consider(hasChanged = false): void {
    const vote = this.#best();
    const revotes = compareVotes(vote, this.#vote) !== 0;
    if (revotes) {
      this.#vote = vote;
      this.#agreedMs = undefined;
    }
    if (revotes || hasChanged) {
      this.#broadcast();
      this.#intervalMs = this.#tenure.options.notifyIntervalMs;
      this.#notifyMs = this.#tenure.clock.nowMs + this.#intervalMs;
    }
    if (this.#tenure.clock.nowMs < this.#holdUntilMs) return;
    const leader = this.#settledLeader() ?? this.#agreedLeader();
    if (leader === undefined) return;
    const founding = this.#isFounding();
    const { standing } = this.#tenure.manifest;
    this.#decision = {
      leader,
      founding,
      standing: standing === 'blank' && !founding ? 'refill' : standing,
    };
  }

  /** Phase 0: the best of those who stand for election in this round. */
  #best(): Vote {
    let best = this.#own;
    if (!this.#mayVote()) return best;
    for (const [peer, note] of this.#notes) {
      const stands = note.vote.leader === peer && note.round === this.#round && this.#counts(peer);
      if (stands && compareVotes(note.vote, best) > 0) best = note.vote;
    }
    return best;
  }

  /** Phase 0, for those who come later: the leader that settled servers have, or have once this server joins. */
  #settledLeader(): PeerId | undefined {
    const { configuration, id, log } = this.#tenure;
    const systems = configuration.configsAt(log.lastZxid);
    for (const [leader, note] of this.#notes) {
      if (note.state !== 'leading' || note.standing === 'refill') continue;
      const follows = (peer: PeerId): boolean => {
        const other = this.#notes.get(peer);
        return (
          other !== undefined &&
          other.state !== 'looking' &&
          other.standing !== 'refill' &&
          other.vote.leader === leader
        );
      };
      if (isQuorum(systems, follows)) return leader;
      // A leadership that this server would only end, having more history, is left to end by itself.
      const joins = this.#mayVote() && compareVotes({ ...note.vote, leader: id }, this.#own) >= 0;
      if (joins && isQuorum(systems, (peer) => peer === id || follows(peer))) return leader;
    }
    return undefined;
  }

  /** Phase 0: a quorum, the candidate in it, votes for one server. */
  #agreedLeader(): PeerId | undefined {
    const { clock, configuration, id, log, options } = this.#tenure;
    if (!this.#mayVote()) return undefined;
    const { leader } = this.#vote;
    const agrees = (peer: PeerId): boolean => {
      if (peer === id) return true;
      const note = this.#notes.get(peer);
      return (
        note !== undefined && note.round === this.#round && note.vote.leader === leader && this.#counts(peer)
      );
    };
    if (!isQuorum(configuration.configsAt(log.lastZxid), agrees) || !agrees(leader)) {
      this.#agreedMs = undefined;
      return undefined;
    }
    this.#agreedMs ??= clock.nowMs;
    const unanimous = configuration.members.every(
      (peer) => agrees(peer) || !this.#reachable.has(peer) || this.#isKnownNotToCount(peer),
    );
    const hasBegun = this.#notes.get(leader)?.state === 'leading';
    const patient = clock.nowMs - this.#agreedMs < options.electionPatienceMs;
    return unanimous || hasBegun || !patient ? leader : undefined;
  }

  #mayVote(): boolean {
    const { standing } = this.#tenure.manifest;
    return standing === 'voter' || (standing === 'blank' && this.#isFounding());
  }

  /** Whether this peer was heard and its vote counts. */
  #counts(peer: PeerId): boolean {
    const standing = this.#notes.get(peer)?.standing;
    return standing === 'voter' || (standing === 'blank' && this.#isFounding());
  }

  #isKnownNotToCount(peer: PeerId): boolean {
    return this.#notes.has(peer) && !this.#counts(peer);
  }

  /**
   * Every member is heard and has stored nothing, so nothing was ever committed, unless more servers were emptied than
   * may be lost at once: then, and only then, a blank server's vote is as good as any.
   */
  #isFounding(): boolean {
    const { configuration, id, isEmpty, manifest } = this.#tenure;
    if (!isEmpty || manifest.standing === 'refill') return false;
    return configuration.members.every((peer) => {
      const note = this.#notes.get(peer);
      return peer === id || (note !== undefined && note.standing !== 'refill' && isEmptyVote(note));
    });
  }

  #broadcast(): void {
    for (const peer of this.#tenure.configuration.members) this.#notify(peer);
  }

  #notify(to: PeerId): void {
    if (to === this.#tenure.id || !this.#reachable.has(to)) return;
    const notification: Notification = {
      state: 'looking',
      standing: this.#tenure.manifest.standing,
      round: this.#round,
      vote: this.#vote,
    };
    this.#tenure.emit({ kind: 'notify', to, notification });
  }
}
