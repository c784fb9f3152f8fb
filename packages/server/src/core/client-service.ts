import {
  type Epoch,
  type ErrorCode,
  epochOf,
  type Refusal,
  refusal,
  SESSION_ID_MAX,
  type SessionId,
  type Txn,
  unreachable,
  type WriteRequest,
  type Zxid,
} from '@zabra/model';
import type { Applied, Tree } from '@zabra/tree';
import { type AttachWord, CLIENT_PROTOCOL, decodeClientWords, encodeServerWords } from './client-codec.ts';
import { ClientConnection, type ConnectionHost } from './client-connection.ts';
import type { Env, FrameStream } from './env.ts';
import type { Answered, Claim, Forwarded } from './forward-codec.ts';
import type { CoreOptions, Limits } from './options.ts';
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
  readonly arrivedMs: number;
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
}

/** The last heartbeat of each connection; its acknowledgement stands for those before it. */
type Heard = ReadonlyMap<ClientConnection, number>;

/**
 * The clients of this server: streams come, become sessions' connections, and go.
 *
 * A new session is a txn; a session that comes back is confirmed by the leader, which alone knows whether it lives and who
 * has it. Streams outlive a change of leader: each session is confirmed by the new one, then what is unanswered is passed on
 * again. Without a leader for longer than a moment they are ended, so that clients look elsewhere.
 */
export class ClientService implements ConnectionHost {
  readonly watches: Watches = new Watches();
  readonly limits: Limits;
  outstanding = 0;
  outstandingBytes = 0;

  readonly #env: Env;
  readonly #options: CoreOptions;
  readonly #backend: ClientBackend;
  readonly #connections = new Map<SessionId, ClientConnection>();
  readonly #arrivals = new Set<Arrival>();
  /** Those of them that ask for a session, by its id. */
  readonly #wishing = new Map<SessionId, Arrival>();
  readonly #dirty: ClientConnection[] = [];
  readonly #waiting = new Set<ClientConnection>();
  #waits: { readonly zxid: Zxid; readonly work: () => void }[] = [];
  #heartbeats = new Map<ClientConnection, number>();
  #touching: { readonly number: number; readonly heard: Heard } | undefined;
  #touchNumber = 0;
  #touchedMs = Number.NEGATIVE_INFINITY;
  #leaderlessSinceMs: number;
  #closed = false;

  constructor(env: Env, options: CoreOptions, backend: ClientBackend) {
    this.#env = env;
    this.#options = options;
    this.#backend = backend;
    this.limits = options.limits;
    this.#leaderlessSinceMs = env.clock.monotonicMs();
  }

  get tree(): Tree {
    return this.#backend.tree;
  }

  get serving(): boolean {
    return this.#backend.serving;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  nowMs(): number {
    return this.#env.clock.monotonicMs();
  }

  submit(request: WriteRequest): void {
    this.#backend.request(request);
  }

  submitClose(sessionId: SessionId): void {
    this.#backend.request({ kind: 'closeSession', sessionId });
  }

  readIndex(answer: (zxid: Zxid | undefined) => void): void {
    this.#backend.readIndex(answer);
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

  accept(stream: FrameStream): void {
    if (this.#closed) {
      stream.close();
      return;
    }
    const arrival: Arrival = { stream, arrivedMs: this.nowMs(), wish: undefined, connection: undefined };
    if (this.#arrivals.size + this.#connections.size >= this.limits.connectionsMax) {
      this.#refuse(
        arrival,
        'LIMIT',
        `connectionsMax: this server has ${this.limits.connectionsMax} clients; try another server`,
      );
      return;
    }
    this.#arrivals.add(arrival);
    stream.receive({
      frame: (frame) => this.#hear(arrival, frame),
      closed: () => {
        this.#leave(arrival);
        arrival.connection?.lost();
      },
    });
  }

  #hear(arrival: Arrival, frame: Uint8Array): void {
    const { frameBytesMax } = this.limits;
    if (frame.length > frameBytesMax) {
      this.#end(
        arrival,
        'LIMIT',
        `frameBytesMax: a frame has at most ${frameBytesMax} bytes, this one ${frame.length}; split it`,
      );
      return;
    }
    try {
      for (const word of decodeClientWords(frame)) {
        if (arrival.connection !== undefined) arrival.connection.hear(word);
        else if (!this.#arrivals.has(arrival)) return;
        else if (word.kind === 'attach' && arrival.wish === undefined) this.#attach(arrival, word);
        else {
          this.#refuse(arrival, 'MARSHALLING', 'a stream begins with Attach, and goes on once Attached came');
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'DecodeError') throw error;
      this.#env.log.warn('client sent a frame that cannot be read', {
        remote: arrival.stream.remote,
        reason: error.message,
      });
      this.#end(arrival, 'MARSHALLING', error.message);
    }
  }

  #end(arrival: Arrival, code: ErrorCode, message: string): void {
    if (arrival.connection === undefined) this.#refuse(arrival, code, message);
    else arrival.connection.end(code, message);
  }

  #attach(arrival: Arrival, word: AttachWord): void {
    if (word.protocolMin > CLIENT_PROTOCOL.max || word.protocolMax < CLIENT_PROTOCOL.min) {
      this.#refuse(
        arrival,
        'PROTOCOL_VERSION',
        `the client speaks protocol ${word.protocolMin} to ${word.protocolMax}, this server ${CLIENT_PROTOCOL.min} to ${CLIENT_PROTOCOL.max}; use a client and a server of releases that are next to each other`,
      );
      return;
    }
    if (
      new TextEncoder().encode(word.nonce).length > ATTACH_BYTES_MAX ||
      word.password.length > ATTACH_BYTES_MAX
    ) {
      this.#refuse(
        arrival,
        'BAD_ARGUMENTS',
        `nonce and password have at most ${ATTACH_BYTES_MAX} bytes each; they stay with the session`,
      );
      return;
    }
    const { sessionTimeoutMinMs, sessionTimeoutMaxMs } = this.#options.timing;
    const timeoutMs = Math.min(Math.max(word.timeoutMs, sessionTimeoutMinMs), sessionTimeoutMaxMs);
    if (word.sessionId === 0) {
      this.#wishNew(arrival, word, timeoutMs);
      return;
    }
    const expired = (why: string): void =>
      this.#refuse(arrival, 'SESSION_EXPIRED', `session 0x${word.sessionId.toString(16)} ${why}`);
    if (
      word.clusterId !== undefined &&
      this.#backend.clusterId !== undefined &&
      word.clusterId !== this.#backend.clusterId
    ) {
      expired(`is of cluster ${word.clusterId}, this server of ${this.#backend.clusterId}`);
      return;
    }
    const { tree } = this;
    if (word.lastZxid > tree.appliedZxid) {
      this.#refuse(
        arrival,
        'BEHIND',
        `this server has applied 0x${tree.appliedZxid.toString(16)}, the client has seen 0x${word.lastZxid.toString(16)}; try another server`,
      );
      return;
    }
    const session = tree.session(word.sessionId);
    const passwordHash = this.#env.random.sha256(word.password);
    // A wrong password disturbs nobody and learns nothing: it reads like a session that is gone.
    if (session === undefined || !isSame(session.passwordHash, passwordHash)) {
      expired('is over');
      return;
    }
    this.#wish(arrival, {
      kind: 'attach',
      sessionId: word.sessionId,
      password: word.password,
      passwordHash,
      nonce: word.nonce,
      attempt: word.attempt,
      timeoutMs: session.timeoutMs,
    });
  }

  #wishNew(arrival: Arrival, word: Pick<AttachWord, 'nonce' | 'attempt'>, timeoutMs: number): void {
    const password = this.#env.random.bytes(16);
    this.#wish(arrival, {
      kind: 'create',
      sessionId: this.#drawSessionId(),
      password,
      passwordHash: this.#env.random.sha256(password),
      nonce: word.nonce,
      attempt: word.attempt,
      timeoutMs,
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
      this.#refuse(former, 'SESSION_MOVED', 'the client came back on another stream');
    }
    if (arrival.wish !== undefined) this.#wishing.delete(arrival.wish.sessionId);
    arrival.wish = wish;
    this.#wishing.set(wish.sessionId, arrival);
    this.#ask(wish);
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

  #ask(wish: Wish): void {
    if (!this.serving) return;
    const { sessionId, nonce } = wish;
    this.#backend.request(
      wish.kind === 'create'
        ? {
            kind: 'createSession',
            sessionId,
            timeoutMs: wish.timeoutMs,
            passwordHash: wish.passwordHash,
            nonce,
            attempt: wish.attempt,
          }
        : { kind: 'attach', sessionId, nonce, attempt: wish.attempt },
    );
  }

  #attached(arrival: Arrival, wish: Wish): void {
    if (!this.#leave(arrival)) return;
    const { sessionId, nonce, attempt } = wish;
    this.#connections.get(sessionId)?.end('SESSION_MOVED', 'the client came back on another stream');
    const connection = new ClientConnection(arrival.stream, this, { id: sessionId, nonce, attempt });
    this.#connections.set(sessionId, connection);
    arrival.connection = connection;
    connection.say({
      kind: 'attached',
      sessionId,
      password: wish.password,
      timeoutMs: wish.timeoutMs,
      serverId: this.#options.id,
      clusterId: this.#backend.clusterId ?? '',
      zxid: this.tree.appliedZxid,
    });
    if (!this.serving) connection.suspend();
  }

  ended(connection: ClientConnection): void {
    this.watches.forget(connection);
    this.#waiting.delete(connection);
    this.#heartbeats.delete(connection);
    const { id } = connection.session;
    if (this.#connections.get(id) === connection) this.#connections.delete(id);
  }

  #refuse(arrival: Arrival, code: ErrorCode, message: string): void {
    this.#leave(arrival);
    this.#env.log.debug('client refused', { remote: arrival.stream.remote, code, message });
    arrival.stream.send(encodeServerWords([{ kind: 'goodbye', code, message }]));
    arrival.stream.close();
  }

  /** A txn was applied to the tree: its events go out, then its answer. */
  applied(txn: Txn, applied: Applied): void {
    for (const event of applied.events) this.watches.fire(event);
    switch (txn.body.kind) {
      case 'createSession': {
        const { sessionId, passwordHash } = txn.body;
        const arrival = this.#wishing.get(sessionId);
        const wish = arrival?.wish;
        if (arrival === undefined || wish === undefined || !isSame(wish.passwordHash, passwordHash)) return;
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
    if (connection.isClosing) connection.end('OK', 'closed');
    else connection.end('SESSION_EXPIRED', 'nothing was heard of the client for its session timeout');
  }

  /** After each batch of applied txns: what waited for a zxid goes on. */
  batchApplied(): void {
    const zxid = this.tree.appliedZxid;
    if (this.#waits.length > 0) {
      const due = this.#waits.filter((wait) => wait.zxid <= zxid);
      if (due.length > 0) this.#waits = this.#waits.filter((wait) => wait.zxid > zxid);
      for (const { work } of due) work();
    }
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
    else this.#waits.push({ zxid, work });
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
        this.#touched(answer.number, answer.refused);
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
    if (isSame(session.passwordHash, wish.passwordHash)) this.#claimCreated(arrival, wish);
    else this.#wishNew(arrival, wish, wish.timeoutMs);
  }

  /** The session was made, but under a former leader: the present one must hear who has it. */
  #claimCreated(arrival: Arrival, wish: Wish): void {
    this.#wish(arrival, { ...wish, kind: 'attach' });
  }

  /** The leader came, or went. */
  servingChanged(): void {
    if (this.serving) {
      for (const { wish } of this.#wishing.values()) if (wish !== undefined) this.#ask(wish);
      for (const { session } of this.#connections.values()) {
        this.#backend.request({
          kind: 'attach',
          sessionId: session.id,
          nonce: session.nonce,
          attempt: session.attempt,
        });
      }
    } else {
      this.#leaderlessSinceMs = this.nowMs();
      // An answer belongs to the leader that gave it: what it promised may never come. All is asked again.
      this.#waits = [];
      for (const connection of this.#connections.values()) connection.suspend();
      const unconfirmed = [...(this.#touching?.heard ?? []), ...this.#heartbeats];
      this.#heartbeats = new Map(unconfirmed.filter(([connection]) => !connection.ended));
      this.#touching = undefined;
    }
  }

  /** A heartbeat is acknowledged once the leader knows of it and is confirmed to lead. */
  heartbeat(connection: ClientConnection, number: number): void {
    if (this.#heartbeats.size === 0) this.#env.clock.atTurnEnd(() => this.#touch());
    this.#heartbeats.set(connection, number);
  }

  #touch(): void {
    const now = this.nowMs();
    if (this.#touching !== undefined || this.#heartbeats.size === 0 || !this.serving) return;
    if (now - this.#touchedMs < TOUCH_GAP_MS) return;
    const heard = this.#heartbeats;
    this.#heartbeats = new Map();
    this.#touchedMs = now;
    this.#touching = { number: ++this.#touchNumber, heard };
    this.#backend.request({
      kind: 'touches',
      number: this.#touchNumber,
      sessionIds: Array.from(heard.keys(), (connection) => connection.session.id),
    });
  }

  #touched(number: number, refused: readonly SessionId[]): void {
    if (this.#touching?.number !== number) return;
    const { heard } = this.#touching;
    this.#touching = undefined;
    const zxid = this.tree.appliedZxid;
    const serverTimeMs = this.#env.clock.wallMs();
    const silent = new Set(refused);
    for (const [connection, beat] of heard) {
      if (silent.has(connection.session.id)) continue;
      connection.say({ kind: 'heartbeatAck', number: beat, zxid, serverTimeMs });
    }
  }

  tick(): void {
    const now = this.nowMs();
    this.#touch();
    this.#retryWaiting();
    for (const arrival of this.#arrivals) {
      if (now - arrival.arrivedMs > ARRIVAL_MS) {
        this.#refuse(
          arrival,
          'UNREACHABLE',
          arrival.wish === undefined ? 'no Attach came' : 'no leader could be asked; try another server',
        );
      }
    }
    if (!this.serving && now - this.#leaderlessSinceMs > 2 * this.#options.timing.silenceMs)
      this.endAll('this server has no leader; try another server');
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
    for (const connection of this.#connections.values()) connection.abandon();
    for (const { stream } of this.#arrivals) stream.close();
    this.#arrivals.clear();
    this.#wishing.clear();
  }

  /** The sessions live on; their clients look elsewhere, or come back. */
  endAll(message: string): void {
    for (const connection of this.#connections.values()) connection.end('UNREACHABLE', message);
    this.#heartbeats.clear();
  }
}

/** Of a nonce, and of a password: the ones made here and by our client have 16 to 32. */
const ATTACH_BYTES_MAX = 64;
/** Heartbeats are gathered so that a leader is not asked to prove itself more often than this. */
const TOUCH_GAP_MS = 20;
/** A stream that is not attached by then is ended. */
const ARRIVAL_MS = 5000;

/** In a time that does not depend on where they differ. */
function isSame(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index++) difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  return difference === 0;
}
