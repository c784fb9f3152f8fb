import {
  type Epoch,
  type ErrorCode,
  epochOf,
  type Identity,
  NO_SESSION,
  type Refusal,
  refusal,
  SESSION_ID_MAX,
  type SessionId,
  type TreeEvent,
  type Txn,
  unreachable,
  type WriteRequest,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import type { Applied, Tree } from '@zabra/tree';
import type { ClientDialect, Env, FrameStream, Proved } from '../env.ts';
import type { CoreOptions, Limits } from '../options.ts';
import type { Answered, Claim, Forwarded } from '../peers/forward-codec.ts';
import { RareWarnings } from '../rare-warnings.ts';
import { ServeStatistics } from '../zookeeper/serve-statistics.ts';
import { ZooKeeperWire } from '../zookeeper/zookeeper-wire.ts';
import { AppliedWaits } from './applied-waits.ts';
import { attachFault, isSameHash } from './attach-rules.ts';
import type { AttachWord, Query } from './client-codec.ts';
import { type AttachedSession, ClientConnection, type ConnectionHost } from './client-connection.ts';
import { type ClientWire, zabraWire } from './client-wire.ts';
import { EventHistory } from './event-history.ts';
import { Heartbeats } from './heartbeats.ts';
import { Identities } from './identities.ts';
import { ReadTurns } from './read-turns.ts';
import { Resumptions } from './resumptions.ts';
import { StreamsPerAddress } from './streams-per-address.ts';
import { Watches } from './watches.ts';

/** What the client service needs of the replica. */
export interface ClientBackend {
  readonly tree: Tree;
  readonly serving: boolean;
  readonly clusterId: string | undefined;
  /** Of the leader that this server follows or is. */
  readonly epoch: Epoch;
  /** To the leader, be it this server or another; the answer, where there is one, comes through `answered`. */
  request(request: Forwarded): void;
  readIndex(answer: (zxid: Zxid | undefined) => void): void;
}

/** A stream, from its start until it is attached to a session. */
interface Arrival {
  readonly stream: FrameStream;
  readonly wire: ClientWire;
  readonly arrivedMs: number;
  readonly identities: Identities;
  /** Set once it said who it is and the leader is to be asked. */
  wish: Wish | undefined;
  /** Set once it is attached: what comes is for it. */
  connection: ClientConnection | undefined;
}

interface Wish {
  readonly kind: 'create' | 'attach';
  readonly sessionId: SessionId;
  readonly password: Uint8Array;
  readonly passwordHash: Uint8Array;
  readonly nonce: string;
  readonly attempt: number;
  readonly timeoutMs: number;
  /** The client would rather be served reads without a session than wait for a quorum. */
  readonly readOnly: boolean;
}

/**
 * The clients of this server: streams come, become sessions' connections, and go.
 *
 * A new session is a txn; a session that comes back is confirmed by the leader, which alone knows whether it lives and who
 * has it. Streams outlive a change of leader: each session is confirmed by the new one, then what is unanswered is passed on
 * again. Without a leader for longer than a moment they are ended, so that clients look elsewhere. Where the configuration
 * allows it, clients that agree are then served reads of what is here, without a session, until there is a leader again.
 */
export class ClientService implements ConnectionHost {
  readonly watches: Watches = new Watches();
  readonly history: EventHistory;
  readonly limits: Limits;
  /** Streams that were ended or refused from here, by why. */
  readonly endings: Map<ErrorCode | 'OK', number> = new Map();
  readonly statistics: ServeStatistics = new ServeStatistics();
  outstanding = 0;
  outstandingBytes = 0;

  readonly #env: Env;
  readonly #options: CoreOptions;
  readonly #backend: ClientBackend;
  readonly #connections = new Map<SessionId, ClientConnection>();
  /** Without a session, and how long each may be silent. */
  readonly #readers = new Map<ClientConnection, number>();
  readonly #arrivals = new Set<Arrival>();
  /** Those of them that ask for a session, by its id. */
  readonly #wishing = new Map<SessionId, Arrival>();
  readonly #dirty: ClientConnection[] = [];
  readonly #waiting = new Set<ClientConnection>();
  /** Whoever said something since the leader was last told who lives, of those who live by that. */
  readonly #heard = new Set<ClientConnection>();
  #toldWhoLivesMs = Number.NEGATIVE_INFINITY;
  readonly #warnings = new RareWarnings({ intervalMs: WARNING_MS, keysMax: WARNINGS_MAX });
  readonly #waits = new AppliedWaits();
  readonly #addresses = new StreamsPerAddress();
  readonly #heartbeats: Heartbeats;
  readonly #resumptions: Resumptions;
  readonly #readTurns: ReadTurns;
  #leaderlessSinceMs: number;
  #closed = false;

  constructor(env: Env, options: CoreOptions, backend: ClientBackend) {
    this.#env = env;
    this.#options = options;
    this.#backend = backend;
    this.limits = options.limits;
    this.history = new EventHistory(options.limits.eventHistoryMax);
    this.history.clear(backend.tree.appliedZxid);
    this.#heartbeats = new Heartbeats(env.clock, backend);
    this.#resumptions = new Resumptions(env.clock);
    this.#readTurns = new ReadTurns(env.clock);
    this.#leaderlessSinceMs = env.clock.monotonicMs();
  }

  get tree(): Tree {
    return this.#backend.tree;
  }

  get serving(): boolean {
    return this.#backend.serving;
  }

  get connectionCount(): number {
    return this.#connections.size + this.#readers.size;
  }

  nowMs(): number {
    return this.#env.clock.monotonicMs();
  }

  wallMs(): number {
    return this.#env.clock.wallMs();
  }

  /** All that are attached, those without a session too. */
  *connections(): Generator<ClientConnection> {
    yield* this.#connections.values();
    yield* this.#readers.keys();
  }

  submit(request: WriteRequest): void {
    this.#backend.request(request);
  }

  submitClose(sessionId: SessionId): void {
    this.#backend.request({ kind: 'closeSession', sessionId });
  }

  identified({ id, nonce, attempt }: AttachedSession, identities: readonly Identity[]): void {
    this.#backend.request({ kind: 'identities', sessionId: id, nonce, attempt, identities });
  }

  prove(scheme: string, credentials: Uint8Array, answer: (proved: Proved) => void): void {
    this.#env.credentials.prove(scheme, credentials, answer);
  }

  readIndex(answer: (zxid: Zxid | undefined) => void): void {
    this.#backend.readIndex(answer);
  }

  heartbeat(connection: ClientConnection, number: number): void {
    this.#heartbeats.hear(connection, number);
  }

  markHeard(connection: ClientConnection): void {
    this.#heard.add(connection);
  }

  /** Not for each word: a busy client says thousands in a second, and the leader is told of each once in a while. */
  #tellWhoLives(nowMs: number): void {
    if (this.#heard.size === 0 || nowMs - this.#toldWhoLivesMs < LIFE_SIGN_MS) return;
    this.#toldWhoLivesMs = nowMs;
    for (const connection of this.#heard) {
      connection.lived();
      this.#heartbeats.hear(connection, 0);
    }
    this.#heard.clear();
  }

  queueResumption(connection: ClientConnection): void {
    this.#resumptions.add(connection);
  }

  hasTimeFor(connection: ClientConnection, query: Query): boolean {
    return this.#readTurns.hasTimeFor(connection, query);
  }

  markDirty(connection: ClientConnection): void {
    if (this.#dirty.length === 0) this.#env.clock.atTurnEnd(() => this.#flush());
    this.#dirty.push(connection);
  }

  markWaiting(connection: ClientConnection): void {
    this.#waiting.add(connection);
  }

  #flush(): void {
    for (const connection of this.#dirty.splice(0)) connection.flush();
  }

  accept(stream: FrameStream, dialect: ClientDialect = 'zabra'): void {
    if (this.#closed) {
      stream.close();
      return;
    }
    const arrival: Arrival = {
      stream,
      wire: this.#wireOf(dialect),
      arrivedMs: this.nowMs(),
      identities: new Identities(stream.identities, this.#options.access.superUsers),
      wish: undefined,
      connection: undefined,
    };
    const full = this.#noRoomFor(stream);
    if (full !== undefined) {
      this.statistics.connectionsRejected++;
      this.#refuse(arrival, 'LIMIT', full);
      return;
    }
    this.#arrivals.add(arrival);
    this.#addresses.enter(stream);
    stream.receive({
      frame: (frame) => this.#hear(arrival, frame),
      closed: () => {
        if (this.#leave(arrival)) this.#addresses.leave(stream);
        arrival.connection?.lost();
      },
    });
  }

  #wireOf(dialect: ClientDialect): ClientWire {
    return dialect === 'zabra' ? zabraWire : new ZooKeeperWire(this.#env.random, () => this.tree.appliedZxid);
  }

  #noRoomFor(stream: FrameStream): string | undefined {
    const { connectionsMax, sessionsPerAddressMax } = this.limits;
    const streams = this.#arrivals.size + this.connectionCount;
    if (streams >= connectionsMax)
      return `connectionsMax: this server has ${streams} clients of at most ${connectionsMax}; try another server`;
    const fromThere = this.#addresses.count(stream);
    if (fromThere < sessionsPerAddressMax) return undefined;
    return `sessionsPerAddressMax: this server has ${fromThere} clients of ${StreamsPerAddress.addressOf(stream)}, of at most ${sessionsPerAddressMax}; close some or try another server`;
  }

  #hear(arrival: Arrival, frame: Uint8Array): void {
    const { frameBytesMax } = this.limits;
    this.statistics.bytesReceived += frame.length;
    if (frame.length > frameBytesMax) {
      this.statistics.largeRequestsRejected++;
      this.#end(
        arrival,
        'LIMIT',
        `frameBytesMax: a frame has at most ${frameBytesMax} bytes, this one ${frame.length}; split it`,
      );
      return;
    }
    try {
      for (const word of arrival.wire.decode(frame)) {
        if (arrival.connection !== undefined) arrival.connection.hear(word);
        else if (!this.#arrivals.has(arrival)) return;
        else if (word.kind === 'attach' && arrival.wish === undefined) {
          // What comes behind it waits for its answer, where clients don't.
          if (arrival.wire.rules.pipelinesAttach) arrival.stream.pause();
          this.#attach(arrival, word);
        } else {
          this.#refuse(arrival, 'MARSHALLING', 'a stream begins with Attach, and goes on once Attached came');
          return;
        }
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#end(arrival, 'MARSHALLING', error.message);
    }
  }

  #end(arrival: Arrival, code: ErrorCode, message: string): void {
    if (arrival.connection === undefined) this.#refuse(arrival, code, message);
    else arrival.connection.end(code, message);
  }

  #attach(arrival: Arrival, word: AttachWord): void {
    this.statistics.packetsReceived++;
    this.statistics.connectionRequests++;
    const fault = attachFault(word, {
      clusterId: this.#backend.clusterId,
      tree: this.tree,
      sha256: (data) => this.#env.random.sha256(data),
    });
    if (fault !== undefined) {
      this.#refuse(arrival, fault.code, fault.message);
      return;
    }
    const { sessionTimeoutMinMs, sessionTimeoutMaxMs } = this.#options.timing;
    const timeoutMs = Math.min(Math.max(word.timeoutMs, sessionTimeoutMinMs), sessionTimeoutMaxMs);
    // Of 0, and of 0 alone, there is none.
    const session = this.tree.session(word.sessionId);
    if (session === undefined) {
      this.#wishNew(arrival, word, timeoutMs);
      return;
    }
    const { sessionId, password, nonce, attempt, readOnly } = word;
    this.#wish(arrival, {
      kind: 'attach',
      sessionId,
      password,
      passwordHash: session.passwordHash,
      nonce,
      attempt,
      timeoutMs: session.timeoutMs,
      readOnly,
    });
  }

  #wishNew(
    arrival: Arrival,
    word: Pick<AttachWord, 'nonce' | 'attempt' | 'readOnly'>,
    timeoutMs: number,
  ): void {
    const password = this.#env.random.bytes(16);
    this.#wish(arrival, {
      kind: 'create',
      sessionId: this.#drawSessionId(),
      password,
      passwordHash: this.#env.random.sha256(password),
      nonce: word.nonce,
      attempt: word.attempt,
      timeoutMs,
      readOnly: word.readOnly,
    });
  }

  /** Of two streams that ask for one session here, the later has it: by the client's count, for streams overtake each other. */
  #wish(arrival: Arrival, wish: Wish): void {
    const former = this.#wishing.get(wish.sessionId);
    const holders = [former?.wish, this.#connections.get(wish.sessionId)?.session];
    if (holders.some((holder) => holder?.nonce === wish.nonce && holder.attempt > wish.attempt)) {
      this.#refuse(arrival, 'SESSION_MOVED', 'a later stream of this client has the session');
      return;
    }
    if (former !== undefined && former !== arrival) {
      this.#refuse(former, 'SESSION_MOVED', CAME_BACK);
    }
    if (arrival.wish !== undefined) this.#wishing.delete(arrival.wish.sessionId);
    arrival.wish = wish;
    this.#wishing.set(wish.sessionId, arrival);
    if (this.#servesReadOnly(wish)) {
      this.#attachedReadOnly(arrival, wish);
      return;
    }
    // From the attach on the leader takes the session for whom the new stream is: what still comes on the old one would be
    // judged by too little, and its refusal kept as the answer.
    const connection = this.#connections.get(wish.sessionId);
    if (connection?.session.nonce === wish.nonce) connection.end('SESSION_MOVED', CAME_BACK);
    this.#ask(arrival, wish);
  }

  /** Attached, refused or gone; false when it was so already. */
  #leave(arrival: Arrival): boolean {
    const { wish } = arrival;
    if (wish !== undefined && this.#wishing.get(wish.sessionId) === arrival)
      this.#wishing.delete(wish.sessionId);
    return this.#arrivals.delete(arrival);
  }

  #drawSessionId(): SessionId {
    for (;;) {
      const bytes = this.#env.random.bytes(7);
      const id = bytes.reduce((sum, byte) => sum * 256 + byte, 0) % SESSION_ID_MAX;
      if (id !== 0 && this.tree.session(id) === undefined) return id;
    }
  }

  #ask(arrival: Arrival, wish: Wish): void {
    if (!this.serving) return;
    const { sessionId, nonce } = wish;
    const identities = arrival.identities.all;
    this.#backend.request(
      wish.kind === 'create'
        ? {
            kind: 'createSession',
            sessionId,
            timeoutMs: wish.timeoutMs,
            passwordHash: wish.passwordHash,
            nonce,
            attempt: wish.attempt,
            identities,
          }
        : { kind: 'attach', sessionId, nonce, attempt: wish.attempt, identities },
    );
  }

  #attached(arrival: Arrival, wish: Wish): void {
    if (!this.#leave(arrival)) return;
    const { sessionId, nonce, attempt } = wish;
    this.#connections.get(sessionId)?.end('SESSION_MOVED', CAME_BACK);
    const connection = this.#connect(arrival, { id: sessionId, nonce, attempt });
    this.#connections.set(sessionId, connection);
    this.#greet(arrival, connection, wish);
    if (!this.serving) connection.suspend();
  }

  /** After the time in which a leader is usually found, and only with something to read. */
  #servesReadOnly(wish: Wish): boolean {
    return wish.readOnly && this.servesReadOnly;
  }

  /** Whether it serves, without a quorum, those who agree to it. */
  get servesReadOnly(): boolean {
    return (
      this.#options.readOnlyMode &&
      !this.serving &&
      this.tree.appliedZxid > ZXID_NONE &&
      this.nowMs() - this.#leaderlessSinceMs > this.#options.timing.silenceMs
    );
  }

  /** No session is made, and the one that the client has is not touched. */
  #attachedReadOnly(arrival: Arrival, wish: Wish): void {
    if (!this.#leave(arrival)) return;
    const { nonce, attempt } = wish;
    const connection = this.#connect(arrival, { id: NO_SESSION, nonce, attempt });
    this.#readers.set(connection, wish.timeoutMs);
    this.#greet(arrival, connection, {
      sessionId: NO_SESSION,
      password: new Uint8Array(0),
      timeoutMs: wish.timeoutMs,
    });
  }

  #connect(arrival: Arrival, session: AttachedSession): ClientConnection {
    const { stream, identities, wire } = arrival;
    const connection = new ClientConnection(stream, this, session, identities, wire);
    arrival.connection = connection;
    return connection;
  }

  #greet(
    { stream, wire }: Arrival,
    connection: ClientConnection,
    { sessionId, password, timeoutMs }: Pick<Wish, 'sessionId' | 'password' | 'timeoutMs'>,
  ): void {
    connection.say({
      kind: 'attached',
      sessionId,
      password,
      timeoutMs,
      serverId: this.#options.id,
      clusterId: this.#backend.clusterId ?? '',
      zxid: this.tree.appliedZxid,
      readOnly: connection.isReadOnly,
      frameBytesMax: this.limits.frameBytesMax,
    });
    if (wire.rules.pipelinesAttach) stream.resume();
  }

  ending(connection: ClientConnection, code: ErrorCode | 'OK', message: string): void {
    this.#tell('client ended', connection.stream, code, message);
  }

  /** A client of ZooKeeper's wire cannot be told why its connection ends: the operator can. */
  #tell(what: string, { remote }: FrameStream, code: ErrorCode | 'OK', message: string): void {
    this.endings.set(code, (this.endings.get(code) ?? 0) + 1);
    const isFault = code === 'LIMIT' || code === 'MARSHALLING' || code === 'BAD_ARGUMENTS';
    if (isFault && this.#warnings.isDue(code, this.nowMs()))
      this.#env.log.warn(what, { remote, code, message });
    else this.#env.log.debug(what, { remote, code, message });
  }

  ended(connection: ClientConnection): void {
    this.#heard.delete(connection);
    this.#addresses.leave(connection.stream);
    this.#waiting.delete(connection);
    this.#readTurns.forget(connection);
    this.#heartbeats.forget(connection);
    this.#readers.delete(connection);
    const { id } = connection.session;
    if (this.#connections.get(id) === connection) this.#connections.delete(id);
  }

  #refuse(arrival: Arrival, code: ErrorCode, message: string): void {
    if (this.#leave(arrival)) this.#addresses.leave(arrival.stream);
    this.#tell('client refused', arrival.stream, code, message);
    for (const piece of arrival.wire.encode([{ kind: 'goodbye', code, message }])) arrival.stream.send(piece);
    arrival.stream.close();
  }

  /** A txn is about to be applied: what its session read before it is answered by the state before it. */
  applying({ sessionId, body }: Txn): void {
    const id = body.kind === 'closeSession' ? body.sessionId : sessionId;
    if (id !== NO_SESSION) this.#connections.get(id)?.catchUp();
  }

  /** A txn was applied to the tree: its events go out, then its answer. */
  applied(txn: Txn, applied: Applied): void {
    this.statistics.commits++;
    for (const event of applied.events) this.watches.fire(event);
    this.history.record(applied.zxid, applied.events);
    switch (txn.body.kind) {
      case 'createSession': {
        const { sessionId, passwordHash } = txn.body;
        const arrival = this.#wishing.get(sessionId);
        const wish = arrival?.wish;
        if (arrival === undefined || wish === undefined || !isSameHash(wish.passwordHash, passwordHash))
          return;
        if (this.serving && epochOf(applied.zxid) === this.#backend.epoch) this.#attached(arrival, wish);
        else this.#claimCreated(arrival, wish);
        return;
      }
      case 'closeSession':
        this.#closedSession(txn.body.sessionId);
        return;
      case 'attachSession': {
        const connection = this.#connections.get(txn.body.sessionId);
        if (connection !== undefined && connection.session.nonce !== txn.body.nonce) {
          connection.end('SESSION_MOVED', 'another instance of the client has the session now');
        }
        return;
      }
      case 'change':
      case 'transaction':
      case 'error':
        if (txn.requestNo > 0) this.#connections.get(txn.sessionId)?.complete(txn.requestNo, applied.result);
        return;
      default:
        unreachable(txn.body);
    }
  }

  #closedSession(sessionId: SessionId): void {
    const arrival = this.#wishing.get(sessionId);
    if (arrival !== undefined) this.#refuse(arrival, 'SESSION_EXPIRED', 'the session is over');
    const connection = this.#connections.get(sessionId);
    if (connection === undefined) return;
    if (connection.isClosing) connection.closed();
    else connection.end('SESSION_EXPIRED', 'nothing was heard of the client for its session timeout');
  }

  /** After each batch of applied txns: what waited for a zxid goes on. */
  batchApplied(): void {
    this.#waits.applied(this.tree.appliedZxid);
    this.#retryWaiting();
  }

  #retryWaiting(): void {
    // Over a copy: a set that is added to while it is walked through never ends.
    for (const connection of [...this.#waiting]) {
      this.#waiting.delete(connection);
      if (!connection.retry()) this.#waiting.add(connection);
    }
  }

  #whenApplied(zxid: Zxid, work: () => void): void {
    if (zxid <= this.tree.appliedZxid) work();
    else this.#waits.add(zxid, work);
  }

  /** The leader's word. */
  answered(answer: Answered): void {
    switch (answer.kind) {
      case 'stored': {
        const { sessionId, requestNo } = answer;
        this.#whenApplied(answer.zxid, () => {
          const connection = this.#connections.get(sessionId);
          if (connection === undefined) return;
          const result = this.tree.storedResult(sessionId, connection.session.nonce, requestNo);
          if (result !== undefined) connection.complete(requestNo, result);
          else
            connection.refuse(
              requestNo,
              refusal('SYSTEM', `the result of write ${requestNo} is no longer kept`),
            );
        });
        return;
      }
      case 'refused':
        this.#connections.get(answer.sessionId)?.refuse(answer.requestNo, answer.refusal);
        return;
      case 'attached':
        this.statistics.revalidations++;
        this.#whenApplied(answer.zxid, () => this.#confirmed(answer));
        return;
      case 'sessionRefused':
        this.#refusedSession(answer, answer.refusal);
        return;
      case 'moved':
        this.#connections
          .get(answer.sessionId)
          ?.end('SESSION_MOVED', 'the client attached at another server');
        return;
      case 'touched':
        this.#heartbeats.touched(answer.number, answer.refused);
        return;
      default:
        unreachable(answer);
    }
  }

  #confirmed(claim: Claim): void {
    const { sessionId } = claim;
    if (this.tree.session(sessionId) === undefined) {
      this.#closedSession(sessionId);
      return;
    }
    const { arrival, connection } = this.#claimant(claim);
    if (arrival?.wish?.kind === 'attach') this.#attached(arrival, arrival.wish);
    else if (this.serving) connection?.resume();
  }

  #refusedSession(claim: Claim, { code, message }: Refusal): void {
    const { arrival, connection } = this.#claimant(claim);
    if (arrival?.wish === undefined) connection?.end(code, message);
    else if (arrival.wish.kind === 'create' && code === 'CONFLICT') this.#redraw(arrival, arrival.wish);
    else this.#refuse(arrival, code, message);
  }

  /** Who asked: an old and a new stream of one session may both be waiting for the leader's word. */
  #claimant({ sessionId, nonce, attempt }: Claim): { arrival?: Arrival; connection?: ClientConnection } {
    const arrival = this.#wishing.get(sessionId);
    if (arrival?.wish?.nonce === nonce && arrival.wish.attempt === attempt) return { arrival };
    const connection = this.#connections.get(sessionId);
    return connection?.session.nonce === nonce && connection.session.attempt === attempt
      ? { connection }
      : {};
  }

  /** The id is live: either this very request was ordered before, under the former leader, or the draw hit another session. */
  #redraw(arrival: Arrival, wish: Wish): void {
    const session = this.tree.session(wish.sessionId);
    if (session === undefined) return;
    if (isSameHash(session.passwordHash, wish.passwordHash)) this.#claimCreated(arrival, wish);
    else this.#wishNew(arrival, wish, wish.timeoutMs);
  }

  /** The session was made, but under a former leader: the present one must hear who has it. */
  #claimCreated(arrival: Arrival, wish: Wish): void {
    this.#wish(arrival, { ...wish, kind: 'attach' });
  }

  /** The leader came, or went. */
  servingChanged(): void {
    if (this.serving) {
      for (const reader of [...this.#readers.keys()])
        reader.end('UNREACHABLE', 'this server has a quorum again; attach anew to read and write');
      for (const arrival of this.#wishing.values())
        if (arrival.wish !== undefined) this.#ask(arrival, arrival.wish);
      for (const { session, identities } of this.#connections.values()) {
        this.#backend.request({
          kind: 'attach',
          sessionId: session.id,
          nonce: session.nonce,
          attempt: session.attempt,
          identities,
        });
      }
    } else {
      this.#leaderlessSinceMs = this.nowMs();
      // An answer belongs to the leader that gave it: what it promised may never come. All is asked again.
      this.#waits.drop();
      for (const connection of this.#connections.values()) connection.suspend();
      this.#heartbeats.leaderLost();
    }
  }

  /**
   * The tree came to be at `zxid` by a snapshot, not by its changes: what happened in between was not seen here. Streams
   * end, so that clients attach again and say what they watch; the history begins anew.
   */
  replaced(zxid: Zxid): void {
    this.endAll('this server was brought up to date from a snapshot; attach again');
    this.history.clear(zxid);
  }

  /** What a change did that was read from the log at start, in the order of the history. */
  feedHistory(zxid: Zxid, events: readonly TreeEvent[]): void {
    this.history.record(zxid, events);
  }

  tick(): void {
    const now = this.nowMs();
    this.watches.sweep();
    this.#tellWhoLives(now);
    this.#heartbeats.report();
    this.#retryWaiting();
    for (const arrival of this.#arrivals) {
      if (arrival.wish !== undefined && this.#servesReadOnly(arrival.wish))
        this.#attachedReadOnly(arrival, arrival.wish);
      else if (now - arrival.arrivedMs > ARRIVAL_MS) {
        this.statistics.sessionlessExpired++;
        this.#refuse(
          arrival,
          'UNREACHABLE',
          arrival.wish === undefined ? 'no Attach came' : 'no leader could be asked; try another server',
        );
      }
    }
    // No leader looks after them.
    for (const [reader, timeoutMs] of [...this.#readers]) {
      if (now - reader.heardMs > timeoutMs)
        reader.end('UNREACHABLE', `nothing was heard of the client for ${timeoutMs} ms`);
    }
    if (!this.serving && now - this.#leaderlessSinceMs > 2 * this.#options.timing.silenceMs)
      this.#endSessions('this server has no leader; try another server');
  }

  close(): void {
    this.#closed = true;
    this.endAll('this server is stopping; try another server');
    for (const arrival of this.#arrivals)
      this.#refuse(arrival, 'UNREACHABLE', 'this server is stopping; try another server');
  }

  /** Every stream ends without a word. */
  abandon(): void {
    this.#closed = true;
    for (const connection of [...this.#connections.values(), ...this.#readers.keys()]) connection.abandon();
    for (const { stream } of this.#arrivals) stream.close();
    this.#arrivals.clear();
    this.#wishing.clear();
  }

  /** Sessions live on; their clients look elsewhere, or come back. */
  endAll(message: string): void {
    this.#endSessions(message);
    for (const reader of [...this.#readers.keys()]) reader.end('UNREACHABLE', message);
  }

  #endSessions(message: string): void {
    for (const connection of [...this.#connections.values()]) connection.end('UNREACHABLE', message);
  }
}

/** Bytes that are no frame of the wire they came on: of Zabra's, or of ZooKeeper's. */
function isUnreadable(error: unknown): error is Error {
  return error instanceof Error && (error.name === 'DecodeError' || error.name === 'JuteError');
}

/** Far below the shortest timeout of a session. */
const LIFE_SIGN_MS = 200;
const WARNING_MS = 10_000;
const WARNINGS_MAX = 10;
const CAME_BACK = 'the client came back on another stream';
/** A stream that is not attached by then is ended. */
const ARRIVAL_MS = 5000;
