/**
 * One client instance: its session of now, its connection of now, and every request that is not answered.
 *
 *            first call           dialled             attached
 *   idle ───────────────▶ attaching ───────────────────────────▶ attached
 *                          ▲      │ refused, silent, unreachable     │ lost
 *                          │      ▼                                  │
 *                          └─── backoff ◀────────────────────────────┘
 *
 * Happy path: dial a server, attach, send what waits, in order. A lost connection puts what was unanswered back
 * in front of what waits, in its old order; writes keep their numbers, so the ensemble does each once. When the
 * session is lost (a goodbye, or the local deadline), its leases hear of it first, then its watches and calls;
 * what surely was not applied and is not bound to the session goes on in the next one. Every call ends by its
 * budget in any case.
 */
import { assert } from '@zabra/model';
import { Aborts } from './aborts.ts';
import type { Answer, AnswerTo, Ask } from './ask.ts';
import type { CallOptions } from './call-options.ts';
import { Connection, type ConnectionEnd, type ConnectionOwner } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import type { ClientEnv } from './env.ts';
import { ZkError, type ZkErrorCode } from './errors.ts';
import { guidOf } from './guid.ts';
import type { Moment } from './moment.ts';
import { refusalError } from './refusal.ts';
import { Request, type RequestTerms } from './request.ts';
import { RequestList } from './request-list.ts';
import { Rotation } from './servers.ts';
import { SessionRecord } from './session.ts';
import { SessionEvents } from './session-events.ts';
import type { Settings } from './settings.ts';
import type { Granted } from './stream-codec.ts';
import { SILENT, type Surroundings } from './surroundings.ts';
import { Wait } from './waiter.ts';
import { type ServerEvent, Watches } from './watches.ts';

/** A frame of one request may not be larger: servers refuse it. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
const REQUEST_NO_MAX = 2 ** 32 - 1;
/** How long the last word of a server is waited for. */
const GOODBYE_MS = 2_000;

type Link =
  | { readonly kind: 'idle' }
  | { readonly kind: 'backoff'; readonly cancel: () => void }
  | {
      readonly kind: 'attaching';
      readonly address: string;
      readonly connection: Connection;
      readonly cancel: () => void;
    }
  | { readonly kind: 'attached'; readonly address: string; readonly connection: Connection }
  | { readonly kind: 'down' };

interface Closing {
  readonly done: Wait<void>;
  cancelTimer: () => void;
  /** The session's end was asked for over the connection of now. */
  asked: boolean;
}

export class Client {
  readonly surroundings: Surroundings;
  readonly #env: ClientEnv;
  readonly #settings: Settings;
  readonly #events: SessionEvents;
  readonly #nonce: string;
  readonly #rotation: Rotation;
  readonly #deadlines: Deadlines<Request | Wait<void>>;
  readonly #aborts: Aborts<Request | Wait<void>>;
  readonly #watches = new Watches();
  /** In the order in which they will be sent. */
  readonly #waiting = new RequestList();
  readonly #backingOff = new Map<Request, () => void>();
  readonly #connectedWaits = new Map<Wait<void>, SessionRecord>();
  /** Why each server did not take us, since the last one that did. */
  readonly #causes = new Map<string, Error>();
  #session: SessionRecord;
  #link: Link = { kind: 'idle' };
  #closing: Closing | undefined;
  #guaranteedPending = 0;
  #cancelDeadline: (() => void) | undefined;
  #streams = 0;
  #failures = 0;
  #failingSinceMs = 0;
  #lastZxid = 0;
  #clusterId = '';
  #lostBefore: SessionRecord | undefined;
  /** A connection that was closed tells nothing, so what it hears is of the one of now. */
  readonly #owner: ConnectionOwner = {
    heard: () => this.#expireIfOver(),
    attached: (granted, sentAt) => this.#attached(granted, sentAt),
    answered: (request, answer) => this.#answered(request, answer),
    event: (event) => this.#event(event),
    heartbeatAcknowledged: (sentAt, zxid) => {
      this.#session.heartbeatAcknowledged(sentAt);
      this.#sawZxid(zxid);
      // Only now the ensemble is known to be healthy again.
      this.#failures = 0;
    },
    ended: (end) => this.#ended(end),
  };

  constructor(env: ClientEnv, settings: Settings) {
    this.#env = env;
    this.#settings = settings;
    this.#events = new SessionEvents(settings.logger);
    this.#nonce = Array.from(env.randomBytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
    this.#rotation = new Rotation(settings.addresses, env.randomBytes(settings.addresses.length));
    this.#deadlines = new Deadlines(env, (waiter) => this.#late(waiter));
    this.#aborts = new Aborts((waiter, reason) => this.#giveUp(waiter, reason));
    this.#session = this.#newSession();
    this.surroundings = {
      wallMs: () => env.wallMs(),
      after: (delayMs, work) => env.after(delayMs, work),
      newGuid: () => guidOf(env.randomBytes(16)),
      logger: settings.logger ?? SILENT,
    };
  }

  get session(): SessionRecord {
    return this.#session;
  }

  get settings(): Settings {
    return this.#settings;
  }

  monotonicMs(): number {
    return this.#env.monotonicMs();
  }

  /** For leak tests: what is kept for calls that have not ended, and for watches. */
  get retained(): Readonly<
    Record<'requests' | 'deadlines' | 'signals' | 'waits' | 'watches' | 'listeners', number>
  > {
    const unanswered = this.#link.kind === 'attached' ? this.#link.connection.unanswered : 0;
    return {
      requests: this.#waiting.length + this.#backingOff.size + unanswered,
      deadlines: this.#deadlines.size,
      signals: this.#aborts.size,
      waits: this.#connectedWaits.size,
      watches: this.#watches.size,
      listeners: this.#events.listeners,
    };
  }

  /** Dials, unless it did. */
  start(): void {
    if (this.#link.kind === 'idle') this.#dial();
  }

  /** Resolves when connected; else rejects with UNREACHABLE, BEHIND, PROTOCOL_VERSION or the signal's reason. */
  ready(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.start();
    return this.#awaitConnected(this.#session, {
      signal,
      timeoutMs,
      lateness: () => this.#unreachable(timeoutMs),
    });
  }

  /** What a call with these options is bound to. Throws SESSION_EXPIRED when that session is not the one of now. */
  binding(op: string, options: CallOptions): SessionRecord | undefined {
    if (options.session === undefined) return undefined;
    if (options.session !== this.#session.id || !this.#session.isOpen) {
      throw new ZkError('SESSION_EXPIRED', {
        op,
        message: `the client has moved on from session ${hex(options.session)}`,
      });
    }
    return this.#session;
  }

  /** Makes one request. Never throws; the promise always settles. */
  async submit<K extends Ask['kind']>(
    ask: Ask & { readonly kind: K },
    terms: RequestTerms,
  ): Promise<AnswerTo<K>> {
    const request = new Request(ask, terms, this.#env.monotonicMs());
    this.#take(request);
    // #answered lets no other kind of answer through.
    return (await request.promise) as AnswerTo<K>;
  }

  /** As `work` settles, unless its caller gives up before; the work goes on. */
  async within<T>(
    work: Promise<T>,
    terms: {
      readonly signal: AbortSignal | undefined;
      readonly timeoutMs: number;
      readonly lateness: () => Error;
    },
  ): Promise<T> {
    const wait = new Wait<void>(terms);
    this.#deadlines.add(wait, terms.timeoutMs);
    if (terms.signal?.aborted) this.#giveUp(wait, terms.signal.reason);
    else this.#aborts.add(wait);
    const end = () => this.#endWait(wait);
    work.then(end, end);
    await wait.promise;
    return work;
  }

  /**
   * Ends the session, so that its ephemeral nodes vanish now, after pending guaranteed deletes (at most `graceMs`).
   * Idempotent; never rejects.
   */
  close(graceMs: number): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.done.promise;
    const done = new Wait<void>({ signal: undefined, lateness: () => new ZkError('CLIENT_CLOSED') });
    const cancelTimer = this.#env.after(graceMs, () => this.#graceOver());
    this.#closing = { done, cancelTimer, asked: false };
    // A session that was never made has nothing to end.
    if (this.#session.number === 0 || !this.#session.isOpen) this.shutDown(closedError());
    else this.#maybeEndSession();
    return done.promise;
  }

  /** Ends everything at once; calls that are pending end with `cause`'s code. */
  shutDown(cause: ZkError): void {
    if (this.#link.kind === 'down') return;
    this.#putBack(this.#hangUp());
    this.#link = { kind: 'down' };
    this.#cancelDeadline?.();
    this.#session.becomeLost('closed', cause);
    this.#watches.dropAll(this.#lastZxid);
    for (const request of [...this.#waiting.takeAll(), ...this.#backingOff.keys()]) {
      this.#fail(request, cause.code, cause.message, cause);
    }
    for (const wait of [...this.#connectedWaits.keys()]) this.#endWait(wait, cause);
    this.#events.emit({ type: 'closed' });
    this.#closing?.cancelTimer();
    this.#closing?.done.resolve();
  }

  // Requests: taken, sent, answered, given up.

  #take(request: Request): void {
    const { signal, boundTo, guaranteed, timeoutMs } = request.terms;
    if (signal?.aborted) {
      request.reject(signal.reason);
      return;
    }
    const isClosed = this.#closing !== undefined && (!guaranteed || this.#closing.asked);
    if (this.#link.kind === 'down' || isClosed) {
      request.reject(request.error('CLIENT_CLOSED', 'the client is closed'));
      return;
    }
    if (boundTo !== undefined && boundTo !== this.#session) {
      request.reject(this.#boundLost(request));
      return;
    }
    if (request.bytesMax > FRAME_BYTES_MAX) {
      const message = `${request.bytesMax} bytes are more than a request may have (${FRAME_BYTES_MAX})`;
      request.reject(request.error('DATA_TOO_LARGE', message));
      return;
    }
    const { requestsWaitingMax } = this.#settings;
    if (!guaranteed && this.#waiting.length + this.#backingOff.size >= requestsWaitingMax) {
      const message = `${requestsWaitingMax} requests wait already (requestsWaitingMax): wait for answers`;
      request.reject(request.error('LIMIT', message));
      return;
    }
    if (guaranteed) this.#guaranteedPending++;
    this.#deadlines.add(request, timeoutMs);
    this.#aborts.add(request);
    this.#enqueue(request);
    this.start();
  }

  #enqueue(request: Request): void {
    request.place = 'waiting';
    this.#waiting.push(request);
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    // Behind the end of the session nothing is sent.
    while (this.#link.kind === 'attached' && this.#closing?.asked !== true) {
      const { connection } = this.#link;
      const request = this.#waiting.first;
      if (request === undefined || connection.unanswered >= this.#settings.requestsOutstandingMax) return;
      this.#waiting.remove(request);
      this.#send(request, connection);
    }
  }

  #send(request: Request, connection: Connection): void {
    if (request.isWrite && request.requestNo === 0) {
      if (this.#session.lastRequestNo === REQUEST_NO_MAX) {
        this.#fail(request, 'LIMIT', 'the session has used all its write numbers: make a new client');
        return;
      }
      request.requestNo = ++this.#session.lastRequestNo;
    }
    request.place = 'sent';
    connection.send(request, this.#session);
  }

  #answered(request: Request, answer: Answer): void {
    request.place = 'nowhere';
    this.#sawZxid(answer.zxid);
    // Replies come in order: whatever has a lower number is answered too.
    if (request.isWrite) this.#session.answeredThrough = request.requestNo;
    if (!request.settled) {
      if (answer.kind === 'refused') this.#refused(request, refusalError(request, answer));
      else if (answer.kind !== (request.isWrite ? 'write' : request.ask.kind)) {
        this.#fail(request, 'MARSHALLING', `the server answered with ${answer.kind}`);
      } else {
        this.#finish(request);
        request.resolve(this.#withWatch(request, answer));
      }
    }
    this.#sendWaiting();
  }

  #withWatch(request: Request, answer: Answer): Answer {
    const { ask, terms } = request;
    if (!('read' in ask) || !ask.read.watch) return answer;
    const { path } = ask;
    const { zxid } = answer;
    switch (answer.kind) {
      case 'get':
        return { ...answer, watch: this.#watches.arm({ kind: 'data', path, zxid }, terms.root) };
      case 'exists': {
        const kind = answer.stat === undefined ? 'exist' : 'data';
        return { ...answer, watch: this.#watches.arm({ kind, path, zxid }, terms.root) };
      }
      case 'children':
        return { ...answer, watch: this.#watches.arm({ kind: 'child', path, zxid }, terms.root) };
      default:
        return answer;
    }
  }

  #refused(request: Request, error: ZkError): void {
    const isPassing = error.retryable || (request.terms.guaranteed && error.code === 'LIMIT');
    const delayMs = isPassing ? this.#nextDelay(request, error) : null;
    if (delayMs === null) {
      this.#finish(request);
      request.reject(error);
      return;
    }
    // It was surely not applied, so it is a new request: another number, and behind what waits.
    request.sent = false;
    request.requestNo = 0;
    request.place = 'backing-off';
    const cancel = this.#env.after(delayMs, () => {
      this.#backingOff.delete(request);
      this.#enqueue(request);
    });
    this.#backingOff.set(request, cancel);
  }

  /** In [0, 1), of 32 random bits. */
  #fraction(): number {
    return this.#env.randomBytes(4).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 32;
  }

  /** Counts an attempt without an answer; null when the policy gives up. */
  #nextDelay(request: Request, error: ZkError): number | null {
    request.attempts++;
    const { retry } = request.terms;
    if (retry === false) return null;
    const elapsedMs = this.#env.monotonicMs() - request.startedMs;
    return retry({ attempt: request.attempts, elapsedMs, error, random: this.#fraction() });
  }

  /** Its caller is told; a numbered write goes on without it. */
  #fail(request: Request, code: ZkErrorCode, message: string, cause?: unknown): void {
    if (request.settled) return;
    this.#finish(request);
    request.reject(request.error(code, message, cause));
  }

  #finish(request: Request): void {
    this.#deadlines.remove(request);
    this.#aborts.remove(request);
    this.#backingOff.get(request)?.();
    this.#backingOff.delete(request);
    if (request.terms.guaranteed) {
      this.#guaranteedPending--;
      this.#maybeEndSession();
    }
  }

  #late(waiter: Request | Wait<void>): void {
    if (waiter.kind === 'wait') {
      this.#giveUp(waiter, waiter.lateness());
      return;
    }
    const cause = this.#link.kind === 'attached' ? undefined : [...this.#causes.values()].at(-1);
    const message = `no answer within ${waiter.terms.timeoutMs} ms (the session is ${this.#session.state})`;
    this.#giveUp(waiter, waiter.error('REQUEST_TIMEOUT', message, cause));
  }

  #giveUp(waiter: Request | Wait<void>, reason: unknown): void {
    if (waiter.kind === 'wait') {
      this.#endWait(waiter, reason);
      return;
    }
    this.#finish(waiter);
    // A write that was sent keeps its place, so that its number does not become a gap.
    if (waiter.place === 'waiting' && waiter.requestNo === 0) {
      this.#waiting.remove(waiter);
      waiter.place = 'nowhere';
    }
    waiter.reject(reason);
  }

  #boundLost(request: Request): ZkError {
    return request.error('SESSION_EXPIRED', 'the session that this call was bound to is gone');
  }

  // The connection: dialled, attached, lost.

  #dial(): void {
    const address = this.#rotation.next();
    const session = this.#session;
    const connection = new Connection(this.#env, this.#owner, {
      sessionId: session.number,
      password: session.password,
      nonce: this.#nonce,
      timeoutMs: this.#settings.sessionTimeoutMs,
      lastZxid: this.#lastZxid,
      clusterId: this.#clusterId,
      attempt: ++this.#streams,
    });
    // A server that takes the stream and says nothing must not take the time of the others.
    const attemptMs = Math.max(
      250,
      Math.min(session.timeoutMs / 3, this.#settings.connectTimeoutMs / this.#rotation.length),
    );
    const cancel = this.#env.after(attemptMs, () => {
      this.#ended({ kind: 'lost', error: new Error(`no answer within ${Math.round(attemptMs)} ms`) });
    });
    this.#link = { kind: 'attaching', address, connection, cancel };
    connection.open(address);
  }

  #attached(granted: Granted, sentAt: Moment): void {
    const link = this.#link;
    assert(link.kind === 'attaching', 'a stream attaches once', { link: link.kind });
    const session = this.#session;
    const isReconnected = session.number !== 0;
    if (isReconnected && granted.sessionId !== session.number) {
      const error = new ZkError('MARSHALLING', {
        message: 'the server attached another session than was asked for',
      });
      this.#ended({ kind: 'lost', error });
      return;
    }
    link.cancel();
    const { address, connection } = link;
    this.#link = { kind: 'attached', address, connection };
    this.#causes.clear();
    if (granted.clusterId !== this.#clusterId) {
      // Zxids of another cluster say nothing about this one.
      this.#clusterId = granted.clusterId;
      this.#lastZxid = 0;
    }
    this.#sawZxid(granted.zxid);
    session.becomeConnected({ ...granted, attachSentAt: sentAt });
    connection.rearm(this.#watches.armed());
    this.#watchDeadline();
    this.#settings.logger?.info('connected', {
      server: address,
      session: hex(session.id),
      reconnected: isReconnected,
    });
    this.#events.emit({
      type: 'connected',
      server: address,
      sessionId: session.id,
      reconnected: isReconnected,
    });
    if (this.#lostBefore !== undefined) {
      this.#events.emit({ type: 'renewed', previous: this.#lostBefore.id, sessionId: session.id });
      this.#lostBefore = undefined;
    }
    for (const wait of [...this.#connectedWaits.keys()]) this.#endWait(wait);
    this.#sendWaiting();
    this.#maybeEndSession();
  }

  #event(event: ServerEvent): void {
    this.#sawZxid(event.zxid);
    this.#watches.fire(event);
  }

  #ended(end: ConnectionEnd): void {
    const link = this.#link;
    assert(link.kind === 'attaching' || link.kind === 'attached', 'a connection ends once', {
      link: link.kind,
    });
    const cause = end.kind === 'lost' ? end.error : goodbyeError(end);
    this.#causes.set(link.address, cause);
    const unanswered = this.#hangUp();
    if (this.#closing !== undefined) this.#closing.asked = false;
    const code = end.kind === 'goodbye' ? end.code : undefined;
    if (code === 'OK' && this.#closing !== undefined) {
      this.#putBack(unanswered);
      this.shutDown(closedError());
      return;
    }
    if ((code === 'SESSION_EXPIRED' || code === 'SESSION_MOVED') && this.#session.number !== 0) {
      this.#putBack(unanswered);
      this.#expire('server', new ZkError(code, { message: cause.message, cause }));
      return;
    }
    if (code === 'PROTOCOL_VERSION' && this.#session.number === 0 && cause instanceof ZkError) {
      this.shutDown(cause);
      return;
    }
    this.#requeue(unanswered, cause);
    if (link.kind === 'attached') {
      this.#session.becomeSuspended();
      const expiresInMs = this.#session.remainingMs;
      this.#settings.logger?.warn('the connection is lost', {
        server: link.address,
        expiresInMs,
        cause: cause.message,
      });
      this.#events.emit({ type: 'suspended', cause, expiresInMs });
    }
    this.#redial(cause);
  }

  /** Hangs up, or stops trying to. Answers what was sent and is not answered. */
  #hangUp(): readonly Request[] {
    const link = this.#link;
    this.#link = { kind: 'idle' };
    switch (link.kind) {
      case 'attaching':
        link.cancel();
        return link.connection.close();
      case 'attached':
        return link.connection.close();
      case 'backoff':
        link.cancel();
        return [];
      default:
        return [];
    }
  }

  /** Those whose policy gives up end; the others wait for the next connection. */
  #requeue(unanswered: readonly Request[], cause: Error): void {
    for (const request of unanswered) {
      if (request.settled) continue;
      const error = request.error('CONNECTION_LOSS', cause.message, cause);
      if (this.#nextDelay(request, error) === null)
        this.#fail(request, 'CONNECTION_LOSS', cause.message, cause);
    }
    this.#putBack(unanswered);
  }

  /** In front of what waits, in the old order. */
  #putBack(unanswered: readonly Request[]): void {
    const waiting = this.#waiting.takeAll();
    for (const request of unanswered) {
      request.place = 'nowhere';
      // A write whose caller is gone goes on, since its number was sent.
      if (request.settled && !request.isWrite) continue;
      request.place = 'waiting';
      this.#waiting.push(request);
    }
    for (const request of waiting) this.#waiting.push(request);
  }

  #redial(cause: Error): void {
    if (this.#failures === 0) this.#failingSinceMs = this.#env.monotonicMs();
    // Each server is tried once before the delay grows.
    const attempt = 1 + Math.floor(this.#failures / this.#rotation.length);
    this.#failures++;
    const error =
      cause instanceof ZkError ? cause : new ZkError('CONNECTION_LOSS', { message: cause.message, cause });
    const elapsedMs = this.#env.monotonicMs() - this.#failingSinceMs;
    const delayMs = this.#settings.reconnect({ attempt, elapsedMs, error, random: this.#fraction() });
    if (delayMs === null) {
      this.shutDown(error);
      return;
    }
    this.#link = { kind: 'backoff', cancel: this.#env.after(delayMs, () => this.#dial()) };
  }

  #unreachable(timeoutMs: number): ZkError {
    const causes = [...this.#causes];
    const isBehind =
      causes.length === this.#rotation.length && causes.every(([, error]) => codeOf(error) === 'BEHIND');
    const listed = this.#settings.addresses.map((address) => {
      return `${address} (${this.#causes.get(address)?.message ?? 'not tried to the end'})`;
    });
    return new ZkError(isBehind ? 'BEHIND' : 'UNREACHABLE', {
      message: `no server took this client within ${timeoutMs} ms: ${listed.join(', ')}`,
      cause: causes.at(-1)?.[1],
    });
  }

  // The session: made, waited for, lost, closed.

  #newSession(): SessionRecord {
    return new SessionRecord({
      env: this.#env,
      events: this.#events,
      timeoutMs: this.#settings.sessionTimeoutMs,
      whenConnected: (session, options) => this.#whenConnected(session, options),
    });
  }

  async #whenConnected(session: SessionRecord, options: CallOptions): Promise<void> {
    const { signal, timeoutMs = this.#settings.requestTimeoutMs } = options;
    options.signal?.throwIfAborted();
    if (this.#link.kind === 'down' || session.state === 'closed') throw closedError();
    if (session !== this.#session) throw new ZkError('SESSION_EXPIRED', { message: 'the session is gone' });
    if (session.state === 'connected') return;
    this.start();
    await this.#awaitConnected(session, {
      signal,
      timeoutMs,
      lateness: () => new ZkError('REQUEST_TIMEOUT', { message: `not connected within ${timeoutMs} ms` }),
    });
  }

  async #awaitConnected(
    session: SessionRecord,
    terms: {
      readonly signal: AbortSignal | undefined;
      readonly timeoutMs: number;
      readonly lateness: () => Error;
    },
  ): Promise<void> {
    terms.signal?.throwIfAborted();
    const wait = new Wait<void>(terms);
    this.#connectedWaits.set(wait, session);
    this.#deadlines.add(wait, terms.timeoutMs);
    this.#aborts.add(wait);
    await wait.promise;
  }

  /** With a reason: it rejects. */
  #endWait(wait: Wait<void>, ...reason: readonly [] | readonly [unknown]): void {
    this.#connectedWaits.delete(wait);
    this.#deadlines.remove(wait);
    this.#aborts.remove(wait);
    if (reason.length === 0) wait.resolve();
    else wait.reject(reason[0]);
  }

  #watchDeadline(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = this.#env.after(Math.max(1, this.#session.remainingMs), () => {
      this.#cancelDeadline = undefined;
      this.#expireIfOver();
      if (this.#session.number !== 0 && this.#session.isOpen) this.#watchDeadline();
    });
  }

  #expireIfOver(): void {
    const session = this.#session;
    if (session.number === 0 || !session.isOpen || session.remainingMs > 0) return;
    const message = `no heartbeat of session ${hex(session.id)} was acknowledged for almost ${session.timeoutMs} ms`;
    this.#expire('local-deadline', new ZkError('SESSION_EXPIRED', { message }));
  }

  #expire(by: 'server' | 'local-deadline', reason: ZkError): void {
    const session = this.#session;
    this.#putBack(this.#hangUp());
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
    // Leases first.
    session.becomeLost('expired', reason);
    this.#settings.logger?.warn('the session is lost', {
      session: hex(session.id),
      by,
      cause: reason.message,
    });
    this.#events.emit({ type: 'expired', sessionId: session.id, by });
    this.#watches.dropAll(this.#lastZxid);
    if (this.#closing !== undefined || this.#settings.onSessionExpired === 'close') {
      this.shutDown(reason);
      return;
    }
    this.#session = this.#newSession();
    this.#lostBefore = session;
    this.#carryOver(session, reason);
    this.#redial(reason);
  }

  /** What surely was not applied and is not bound to the lost session goes on in the next one. */
  #carryOver(lost: SessionRecord, reason: ZkError): void {
    for (const [wait, session] of [...this.#connectedWaits])
      if (session === lost) this.#endWait(wait, reason);
    for (const request of [...this.#backingOff.keys()]) {
      if (request.terms.boundTo === lost) this.#fail(request, reason.code, reason.message, reason);
    }
    for (const request of this.#waiting.takeAll()) {
      const isOver = request.terms.boundTo === lost || (request.isWrite && request.sent);
      if (isOver) this.#fail(request, reason.code, reason.message, reason);
      request.place = 'nowhere';
      if (request.settled) continue;
      request.sent = false;
      request.place = 'waiting';
      this.#waiting.push(request);
    }
  }

  #graceOver(): void {
    const closing = this.#closing;
    assert(closing !== undefined, 'the grace of a close ends', {});
    if (!closing.asked && this.#link.kind === 'attached') this.#endSession(closing, this.#link.connection);
    else if (!closing.asked) {
      this.shutDown(closedError());
      return;
    }
    closing.cancelTimer = this.#env.after(GOODBYE_MS, () => this.shutDown(closedError()));
  }

  #maybeEndSession(): void {
    const closing = this.#closing;
    if (closing === undefined || closing.asked || this.#guaranteedPending > 0) return;
    if (this.#link.kind === 'attached') this.#endSession(closing, this.#link.connection);
  }

  /** What was sent is answered first, since the stream is in order; what was not will not be. */
  #endSession(closing: Closing, connection: Connection): void {
    closing.asked = true;
    this.#session.abort(closedError());
    for (const request of this.#waiting.takeAll())
      this.#fail(request, 'CLIENT_CLOSED', 'the client is closed');
    connection.sendClose();
  }

  #sawZxid(zxid: number): void {
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
  }
}

function goodbyeError({ code, message }: Extract<ConnectionEnd, { kind: 'goodbye' }>): Error {
  return code === 'OK' ? new Error('the server ended the session') : new ZkError(code, { message });
}

function codeOf(error: Error): ZkErrorCode | undefined {
  return error instanceof ZkError ? error.code : undefined;
}

function closedError(): ZkError {
  return new ZkError('CLIENT_CLOSED', { message: 'the client is closed' });
}

function hex(id: bigint): string {
  return `0x${id.toString(16)}`;
}
