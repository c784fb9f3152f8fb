import {
  counterOf,
  type Epoch,
  type Identity,
  makeZxid,
  type PeerId,
  type Refusal,
  type Request,
  refusal,
  type SessionId,
  type Txn,
  unreachable,
  type WriteRequest,
  type Zxid,
} from '@zabra/model';
import type { Applied, Prepared, Tree } from '@zabra/tree';
import type { Env } from '../env.ts';
import type { CoreOptions } from '../options.ts';
import type { Answered, Claim, Forwarded } from '../peers/forward-codec.ts';
import { RareWarnings } from '../rare-warnings.ts';
import { encodeTxn } from '../txn-codec.ts';
import { AttendedTime } from './attended-time.ts';
import { LeaderSessions } from './leader-sessions.ts';
import { Reaper } from './reaper.ts';

/** What the desk needs of the server that leads. */
export interface LeaderHost {
  readonly serving: boolean;
  readonly epoch: Epoch;
  /** The last record proposed, and how many no quorum has acknowledged yet. */
  readonly lastZxid: Zxid;
  readonly outstandingProposals: number;
  /** To the server that asked, be it this one or another. */
  answer(to: PeerId, answer: Answered): void;
  readIndex(answer: (zxid: Zxid | undefined) => void): void;
}

/**
 * Where a leader judges: what the clients of all servers ask for, the sessions whose time is over, the nodes that are to
 * be reaped. Each request is prepared against the tree and what is pending; what comes out is gathered until the replica
 * proposes it. Made when a leader begins to serve and dropped with the role.
 *
 * ```
 * request ── refused: answered at once, leaves no trace
 *         └─ prepared ── gathered ── proposed by the replica ── applied: its result is the answer
 * ```
 */
export class LeaderDesk {
  readonly #env: Pick<Env, 'clock' | 'log'>;
  readonly #options: CoreOptions;
  readonly #tree: Tree;
  readonly #host: LeaderHost;
  readonly #time: AttendedTime;
  readonly #sessions: LeaderSessions;
  readonly #reaper: Reaper;
  readonly #warnings = new RareWarnings({ intervalMs: WARNING_INTERVAL_MS, keysMax: WARNINGS_MAX });
  /** Prepared in this turn, to be proposed together. */
  #gathered: Uint8Array[] = [];
  /** What was prepared here need not be decoded when it is delivered. */
  readonly #prepared = new Map<Zxid, Txn>();
  /** Sessions that end, their txn not prepared yet. */
  readonly #closing: SessionId[] = [];
  /** Their ephemeral nodes, since the last tick. */
  #nodesClosed = 0;
  #reaped = 0;

  constructor(env: Pick<Env, 'clock' | 'log'>, options: CoreOptions, tree: Tree, host: LeaderHost) {
    this.#env = env;
    this.#options = options;
    this.#tree = tree;
    this.#host = host;
    this.#time = new AttendedTime(env.clock.monotonicMs(), options.timing.tickMs);
    this.#sessions = new LeaderSessions(this.#time);
    for (const { id, timeoutMs } of tree.sessions()) this.#sessions.add(id, timeoutMs);
    this.#reaper = new Reaper(tree, { ...options.timing, ...options.limits }, this.#time);
  }

  /** Nodes that the reaper's proposals remove. */
  get reaped(): number {
    return this.#reaped;
  }

  /** What is to be proposed now, in this order; the caller does so, or drops it. */
  takeGathered(): readonly Uint8Array[] {
    // Asked for after each input: mostly there is nothing.
    if (this.#gathered.length === 0) return this.#gathered;
    const gathered = this.#gathered;
    this.#gathered = [];
    return gathered;
  }

  /** What was prepared may never be committed, or come back from another leader. */
  dropPrepared(): void {
    this.#gathered = [];
    this.#prepared.clear();
    this.#tree.dropPending();
  }

  /** What was prepared here at this zxid, once: it is about to be applied. */
  takePrepared(zxid: Zxid): Txn | undefined {
    const txn = this.#prepared.get(zxid);
    this.#prepared.delete(zxid);
    return txn;
  }

  applied(txn: Txn, applied: Applied): void {
    if (txn.body.kind === 'createSession') this.#sessions.add(txn.body.sessionId, txn.body.timeoutMs);
    if (txn.body.kind === 'closeSession') this.#sessions.remove(txn.body.sessionId);
    this.#reaper.applied(applied);
  }

  tick(nowMs: number): void {
    this.#time.tick(nowMs);
    for (const id of this.#sessions.expire()) {
      this.#env.log.info('session expired', { session: `0x${id.toString(16)}` });
      this.#closing.push(id);
    }
    this.#nodesClosed = 0;
    this.#closeSessions();
    if (this.#host.serving) this.#reaper.tick(this.#roomForOwn(), (path) => this.#reap(path));
  }

  /** A request of this server's clients or of a follower's. */
  handle(from: PeerId, request: Forwarded): void {
    switch (request.kind) {
      case 'write':
        this.#write(from, request);
        return;
      case 'createSession':
        this.#createSession(from, request);
        return;
      case 'attach':
        this.#attachSession(from, request);
        return;
      case 'identities':
        this.#sessions.identify(request.sessionId, { ...request, server: from });
        return;
      case 'closeSession': {
        const { sessionId } = request;
        if (!this.#sessions.isOwner(sessionId, from) || !this.#sessions.isLive(sessionId)) return;
        this.#sessions.markClosing(sessionId);
        this.#closing.push(sessionId);
        this.#closeSessions();
        return;
      }
      case 'touches': {
        const { number } = request;
        const refused = request.sessionIds.filter(
          (id) => !(this.#sessions.isOwner(id, from) && this.#sessions.touch(id)),
        );
        this.#host.readIndex((zxid) => {
          // A leader that was lost leaves the question to the next one; one with too many reads acknowledges nobody this time.
          if (zxid !== undefined) this.#host.answer(from, { kind: 'touched', number, refused });
          else if (this.#host.serving) {
            this.#host.answer(from, { kind: 'touched', number, refused: request.sessionIds });
          }
        });
        return;
      }
      default:
        unreachable(request);
    }
  }

  #write(from: PeerId, request: Extract<Forwarded, { kind: 'write' }>): void {
    const { sessionId, requestNo } = request;
    const fault = this.#writeFault(request, from);
    if (fault !== undefined) {
      this.#host.answer(from, { kind: 'refused', sessionId, requestNo, refusal: fault });
      return;
    }
    this.#sessions.touch(sessionId);
    const prepared = this.#prepare(request, this.#sessions.identities(sessionId));
    if (prepared.kind === 'stored') {
      this.#host.answer(from, { kind: 'stored', sessionId, requestNo, zxid: prepared.zxid });
    } else if (prepared.kind === 'refused') {
      this.#host.answer(from, { kind: 'refused', sessionId, requestNo, refusal: prepared.refusal });
    }
  }

  #writeFault({ sessionId, nonce, requestNo }: WriteRequest, from: PeerId): Refusal | undefined {
    if (!this.#sessions.isLive(sessionId)) {
      return refusal('SESSION_EXPIRED', `session 0x${sessionId.toString(16)} is over`);
    }
    if (!this.#sessions.isOwner(sessionId, from)) {
      return refusal('SESSION_MOVED', `session 0x${sessionId.toString(16)} is attached at another server`);
    }
    // What is done already needs no room: it was sent again since its answer was lost.
    if (this.#room() > 0 || this.#tree.storedResult(sessionId, nonce, requestNo) !== undefined)
      return undefined;
    return this.#full();
  }

  #createSession(from: PeerId, request: Extract<Forwarded, { kind: 'createSession' }>): void {
    const { sessionId, timeoutMs, passwordHash, nonce, attempt, identities } = request;
    const { sessionsMax } = this.#options.limits;
    if (this.#sessions.count >= sessionsMax) {
      const full = refusal('LIMIT', `sessionsMax: the ensemble has ${sessionsMax} sessions; close some`);
      this.#refuseSession(from, request, full);
      return;
    }
    if (this.#room() === 0) {
      this.#refuseSession(from, request, this.#full());
      return;
    }
    const prepared = this.#prepare({
      kind: 'session',
      operation: { kind: 'createSession', sessionId, timeoutMs, passwordHash, nonce },
    });
    if (prepared.kind === 'refused') {
      this.#refuseSession(from, request, prepared.refusal);
      return;
    }
    this.#sessions.add(sessionId, timeoutMs);
    this.#sessions.claim(sessionId, { server: from, attempt, nonce, identities });
  }

  #attachSession(from: PeerId, request: Extract<Forwarded, { kind: 'attach' }>): void {
    const { sessionId, nonce, attempt, identities } = request;
    if (!this.#sessions.isLive(sessionId)) {
      const over = refusal('SESSION_EXPIRED', `session 0x${sessionId.toString(16)} is over`);
      this.#refuseSession(from, request, over);
      return;
    }
    if (this.#room() === 0) {
      this.#refuseSession(from, request, this.#full());
      return;
    }
    const claim = { server: from, attempt, nonce, identities };
    const { granted, former } = this.#sessions.claim(sessionId, claim);
    if (!granted) {
      const moved = refusal('SESSION_MOVED', 'a later stream of this client has the session');
      this.#refuseSession(from, request, moved);
      return;
    }
    const nextZxid = this.#nextZxid();
    const prepared = this.#prepare({
      kind: 'session',
      operation: { kind: 'attachSession', sessionId, nonce },
    });
    if (prepared.kind === 'refused') {
      this.#refuseSession(from, request, prepared.refusal);
      return;
    }
    if (former !== undefined) this.#host.answer(former, { kind: 'moved', sessionId });
    const zxid = prepared.kind === 'stored' ? prepared.zxid : nextZxid;
    this.#host.answer(from, { kind: 'attached', sessionId, nonce, attempt, zxid });
  }

  #refuseSession(from: PeerId, { sessionId, nonce, attempt }: Claim, reason: Refusal): void {
    this.#host.answer(from, { kind: 'sessionRefused', sessionId, nonce, attempt, refusal: reason });
  }

  /** A share of them, and as many as there is room for among the proposals; the others with the next tick. */
  #closeSessions(): void {
    if (!this.#host.serving) return;
    let count = Math.min(SESSIONS_CLOSED_AT_ONCE, this.#roomForOwn());
    for (; count > 0 && this.#nodesClosed < NODES_CLOSED_PER_TICK; count--) {
      const sessionId = this.#closing.shift();
      if (sessionId === undefined) return;
      this.#nodesClosed += this.#tree.session(sessionId)?.ephemerals ?? 0;
      this.#prepare({ kind: 'session', operation: { kind: 'closeSession', sessionId } });
    }
  }

  #reap(path: string): boolean {
    const prepared = this.#prepare({ kind: 'reap', path });
    if (prepared.kind !== 'txn') return false;
    this.#reaped++;
    this.#env.log.debug('node is reaped', { path });
    return true;
  }

  /** How many changes may still be proposed. */
  #room(): number {
    const { outstandingProposalsMax } = this.#options.limits;
    return Math.max(0, outstandingProposalsMax - this.#host.outstandingProposals - this.#gathered.length);
  }

  /**
   * For what this leader does of itself, which comes in heaps: one that is larger than what is left of the epoch would end
   * the epoch with nothing of it done, and the next leader would come to the same.
   */
  #roomForOwn(): number {
    const used = counterOf(this.#host.lastZxid) + this.#gathered.length;
    const left = this.#options.limits.counterMax - used;
    // Nothing left and nothing on its way: the one that does not fit ends the epoch.
    const atLeast = this.#gathered.length === 0 ? 1 : 0;
    return Math.min(this.#room(), Math.max(atLeast, left));
  }

  #full(): Refusal {
    const { outstandingProposalsMax } = this.#options.limits;
    return refusal(
      'LIMIT',
      `outstandingProposalsMax: ${outstandingProposalsMax} changes wait for a quorum; try again later`,
    );
  }

  #nextZxid(): Zxid {
    return makeZxid(this.#host.epoch, counterOf(this.#host.lastZxid) + this.#gathered.length + 1);
  }

  #prepare(request: Request, identities: readonly Identity[] = NOBODY): Prepared {
    const nextZxid = this.#nextZxid();
    const wallMs = this.#env.clock.wallMs();
    const prepared = this.#tree.prepare(request, { wallMs, nextZxid, identities });
    if (prepared.kind === 'txn') {
      this.#gathered.push(encodeTxn(prepared.txn));
      this.#prepared.set(nextZxid, prepared.txn);
      for (const warning of prepared.warnings) this.#warn(warning);
    }
    return prepared;
  }

  #warn(warning: string): void {
    // The use changes with each write; what is above which quota doesn't.
    const key = warning.slice(0, warning.lastIndexOf(' holds '));
    if (!this.#warnings.isDue(key, this.#time.nowMs)) return;
    this.#env.log.warn('a soft quota is passed', { warning });
  }
}

/** Of sessions that expire together: preparing one takes microseconds, and heartbeats must not wait for all of them. */
const SESSIONS_CLOSED_AT_ONCE = 500;
/** Of their ephemeral nodes, above which the other sessions wait: deleting one takes some microseconds, on every server. */
const NODES_CLOSED_PER_TICK = 10_000;

/** Between two warnings of one path. */
const WARNING_INTERVAL_MS = 60_000;
/** Paths whose last warning is remembered. */
const WARNINGS_MAX = 1000;

/** Nobody's permissions matter where the leader itself asks. */
const NOBODY: readonly Identity[] = [];
