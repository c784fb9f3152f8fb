/**
 * One client instance: its session of now, its connection of now, and what becomes of its calls and watches as these
 * come and go.
 *
 *            first call           dialled             attached
 *   idle ───────────────▶ attaching ───────────────────────────▶ attached
 *                          ▲      │ refused, silent, unreachable     │ lost
 *                          │      ▼                                  │
 *                          └─── backoff ◀────────────────────────────┘
 *
 * Happy path: dial a server, attach, prove who asks, name the watches that are held, send what waits, in order. A lost
 * connection puts what was unanswered back in front of what waits, in its old order; writes keep their numbers, so the
 * ensemble does each once. When the session is lost (a goodbye, or the local deadline), its leases hear of it first,
 * then its watches and calls; what surely was not applied and is not bound to the session goes on in the next one.
 * Every call ends by its budget in any case.
 *
 * `preparing` comes before attaching where credentials are to be asked for. Credentials that a later connection refuses
 * end the client. Calls wait in calls.ts, watches in watches.ts (they fire once) and standing-watches.ts (they stay).
 */
import { assert, type PersistentWatchKind, type WatchKind } from '@zabra/model';
import { Aborts } from './aborts.ts';
import { type Answer, type AnswerTo, type Ask, answerKindOf } from './ask.ts';
import type { CallOptions } from './call-options.ts';
import { Calls } from './calls.ts';
import { ConnectedWaits } from './connected-waits.ts';
import type { ClientEnv } from './env.ts';
import { ZkError } from './errors.ts';
import { guidOf } from './guid.ts';
import { Horizon } from './horizon.ts';
import { Identities, type Proof } from './identities.ts';
import { Instruments } from './instrumentation.ts';
import type { Moment } from './moment.ts';
import { ReadOnlyStay } from './read-only-stay.ts';
import { refusalError } from './refusal.ts';
import { Request, type RequestTerms } from './request.ts';
import { retry } from './retry.ts';
import { Search } from './search.ts';
import { SessionRecord } from './session.ts';
import { SessionEvents } from './session-events.ts';
import type { Settings } from './settings.ts';
import {
  endedWatcher,
  type StandingWatch,
  StandingWatches,
  type StandingWatchTerms,
} from './standing-watches.ts';
import { SILENT, type Surroundings } from './surroundings.ts';
import { Wait, type Waiter } from './waiter.ts';
import type { OneShot, WatchEvent, Watcher } from './watch-event.ts';
import { type ServerEvent, Watches } from './watches.ts';
import type { Connection, ConnectionEnd, ConnectionOwner, Granted, Wire } from './wire.ts';
import { wireOf } from './wires.ts';

const REQUEST_NO_MAX = 2 ** 32 - 1;
/** How long the last word of a server is waited for. */
const GOODBYE_MS = 2_000;

type Link =
  | { readonly kind: 'idle' }
  | { readonly kind: 'backoff'; readonly cancel: () => void }
  /** Credentials are asked for. */
  | { readonly kind: 'preparing'; readonly address: string; readonly cancel: () => void }
  | {
      readonly kind: 'attaching';
      readonly address: string;
      readonly connection: Connection;
      readonly proofs: readonly Proof[];
      readonly cancel: () => void;
    }
  | { readonly kind: 'attached'; readonly address: string; readonly connection: Connection }
  | { readonly kind: 'down'; readonly cause: ZkError };

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
  readonly #wire: Wire;
  readonly #instruments: Instruments;
  readonly #events: SessionEvents;
  readonly #nonce: string;
  readonly #search: Search;
  readonly #stay: ReadOnlyStay;
  readonly #calls: Calls;
  readonly #identities: Identities;
  readonly #watches = new Watches((kind, path) => this.#removeWatch(kind, path, 0));
  readonly #standing = new StandingWatches(
    (signal, leave) => this.onAbort(signal, leave),
    (watch) => this.#leftWatch(watch),
  );
  /** Readers of watches under a signal. */
  readonly #leavers = new Aborts<Waiter & { readonly leave: () => void }>(({ leave }) => leave());
  readonly #connectedWaits: ConnectedWaits;
  readonly #horizon = new Horizon();
  #session: SessionRecord;
  #link: Link = { kind: 'idle' };
  #closing: Closing | undefined;
  #cancelDeadline: (() => void) | undefined;
  #streams = 0;
  /** What the server takes in one frame, or the one before it did; before the first one nobody knows. */
  #frameBytesMax = Number.POSITIVE_INFINITY;
  /** Proofs that the connection of now has not answered. */
  #unproven = 0;
  #lostBefore: SessionRecord | undefined;
  /** A connection that was closed tells nothing, so what it hears is of the one of now. */
  readonly #owner: ConnectionOwner = {
    heard: () => this.#expireIfOver(),
    attached: (granted, sentAt) => this.#attached(granted, sentAt),
    answered: (request, answer) => this.#answered(request, answer),
    event: (event) => this.#event(event),
    heartbeatAcknowledged: (sentAt, zxid) => {
      this.#session.heartbeatAcknowledged(sentAt);
      this.#horizon.sawZxid(zxid);
      // Only now the ensemble is known to be healthy again, unless it has yet to take what proves who asks.
      if (this.#unproven === 0) this.#search.well();
    },
    delivered: (zxid) => this.#horizon.toldThrough(zxid),
    awaits: (table, path) => this.#watches.awaits(table, path),
    ended: (end) => this.#ended(end),
  };

  constructor(env: ClientEnv, settings: Settings) {
    const { logger } = settings;
    this.#env = env;
    this.#settings = settings;
    this.#wire = wireOf(settings.wire);
    this.#instruments = new Instruments(settings.instrumentation, logger);
    this.#events = new SessionEvents(logger, (event) => this.#instruments.session(event));
    this.#nonce = Array.from(env.randomBytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
    this.#search = new Search(env, settings);
    this.#stay = new ReadOnlyStay(env, () => this.#leaveReadOnly());
    this.#identities = new Identities(settings.auth);
    const { doesWritesOnce } = this.#wire;
    this.#calls = new Calls(
      env,
      {
        waiting: () => this.#sendWaiting(),
        guaranteedEnded: () => this.#maybeEndSession(),
        lateness: (request) => this.#lateness(request),
      },
      doesWritesOnce,
    );
    this.#connectedWaits = new ConnectedWaits(this.#calls);
    this.#session = this.#newSession();
    this.surroundings = {
      wallMs: () => env.wallMs(),
      after: (delayMs, work) => env.after(delayMs, work),
      newGuid: () => guidOf(env.randomBytes(16)),
      logger: logger ?? SILENT,
      doesWritesOnce,
      recipe: (info) => this.#instruments.recipe(info),
    };
  }

  get session(): SessionRecord {
    return this.#session;
  }

  /** What can be asked of the servers, and what must be done in steps. */
  get wire(): Wire {
    return this.#wire;
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
      requests: this.#calls.unsent + unanswered,
      deadlines: this.#calls.deadlines,
      signals: this.#calls.signals + this.#leavers.size,
      waits: this.#connectedWaits.size,
      watches: this.#watches.size + this.#standing.size,
      listeners: this.#events.listeners,
    };
  }

  /** Dials, unless it did. */
  start(): void {
    if (this.#link.kind === 'idle') this.#dial();
  }

  /**
   * Resolves when connected and proven; else rejects with UNREACHABLE, BEHIND, PROTOCOL_VERSION, AUTH_FAILED or the
   * signal's reason.
   */
  ready(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.start();
    return this.#connectedWaits.wait(this.#session, {
      signal,
      timeoutMs,
      lateness: () => this.#search.unreachable(timeoutMs),
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
  submit<K extends Ask['kind']>(ask: Ask & { readonly kind: K }, terms: RequestTerms): Promise<AnswerTo<K>> {
    const request = new Request(ask, terms, this.#env.monotonicMs());
    this.#take(request);
    // #answered lets no other kind of answer through.
    return request.promise as Promise<AnswerTo<K>>;
  }

  /** Tells what happens from now on, or after a zxid. Throws CLIENT_CLOSED, or the error that closed the client. */
  watch(terms: StandingWatchTerms): Watcher<WatchEvent> {
    if (this.#link.kind === 'down') throw this.#link.cause;
    if (this.#closing !== undefined) throw closedError();
    if (terms.signal?.aborted) return endedWatcher();
    const watch = this.#standing.add(terms);
    this.#take(this.#watchRequest(watch));
    return watch.watcher();
  }

  /**
   * Calls once when the signal aborts, unless the answer was called before. It is not aborted yet; the caller looked.
   * One listener for each signal.
   */
  onAbort(signal: AbortSignal, leave: () => void): () => void {
    const leaver = { signal, leave, dueSlot: 0 };
    this.#leavers.add(leaver);
    return () => this.#leavers.remove(leaver);
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
    this.#calls.startWait(wait, terms.timeoutMs);
    const end = () => this.#calls.endWait(wait);
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
    const done = new Wait<void>({ signal: undefined, lateness: closedError });
    const cancelTimer = this.#env.after(graceMs, () => this.#graceOver());
    this.#closing = { done, cancelTimer, asked: false };
    if (this.#link.kind === 'down') {
      cancelTimer();
      done.resolve();
    }
    // A session that was never made has nothing to end.
    else if (!this.#session.isMade || !this.#session.isOpen) this.shutDown(closedError());
    else this.#maybeEndSession();
    return done.promise;
  }

  /** Ends everything at once; calls that are pending end with `cause`'s code. */
  shutDown(cause: ZkError): void {
    if (this.#link.kind === 'down') return;
    this.#calls.putBack(this.#hangUp());
    this.#link = { kind: 'down', cause: cause.code === 'AUTH_FAILED' ? cause : closedError() };
    this.#cancelDeadline?.();
    this.#session.becomeLost(cause.code === 'AUTH_FAILED' ? 'auth-failed' : 'closed', cause);
    this.#watches.dropAll(this.#horizon.seen);
    this.#calls.failAll(cause);
    const isWanted = cause.code === 'CLIENT_CLOSED' || this.#closing !== undefined;
    this.#standing.closeAll(isWanted ? {} : { error: cause });
    this.#connectedWaits.failAll(cause);
    this.#events.emit({ type: 'closed' });
    this.#closing?.cancelTimer();
    this.#closing?.done.resolve();
  }

  // Requests: taken, sent, answered.

  #take(request: Request): void {
    const { signal, boundTo, guaranteed } = request.terms;
    if (signal?.aborted) {
      request.reject(signal.reason);
      return;
    }
    if (this.#link.kind === 'down') {
      const { code, message } = this.#link.cause;
      request.reject(request.error(code, code === 'CLIENT_CLOSED' ? 'the client is closed' : message));
      return;
    }
    if (this.#closing !== undefined && (!guaranteed || this.#closing.asked)) {
      request.reject(request.error('CLIENT_CLOSED', 'the client is closed'));
      return;
    }
    if (boundTo !== undefined && boundTo !== this.#session) {
      request.reject(request.error('SESSION_EXPIRED', 'the session that this call was bound to is gone'));
      return;
    }
    const fault =
      this.#wireFault(request) ??
      this.#sizeFault(request) ??
      this.#calls.faultOf(request, this.#settings.requestsWaitingMax);
    if (fault !== undefined) {
      request.reject(fault);
      return;
    }
    this.#calls.add(request);
    this.start();
  }

  #sendWaiting(): void {
    // Behind the end of the session nothing is sent.
    while (this.#link.kind === 'attached' && this.#closing?.asked !== true) {
      const { connection } = this.#link;
      if (connection.unanswered >= this.#settings.requestsOutstandingMax) return;
      const request = this.#calls.shift();
      if (request === undefined) return;
      const fault = this.#sizeFault(request);
      if (fault === undefined) this.#send(request, connection);
      else {
        this.#calls.finish(request);
        request.reject(fault);
      }
    }
  }

  #wireFault(request: Request): ZkError | undefined {
    const fault = this.#wire.faultOf(request.ask);
    return fault === undefined ? undefined : request.error(fault.code, fault.message);
  }

  /** A larger frame would end the stream. */
  #sizeFault(request: Request): ZkError | undefined {
    const bytesMax = this.#frameBytesMax;
    if (request.bytesMax <= bytesMax) return undefined;
    const bytes = this.#wire.frameBytesOf(request.ask);
    if (bytes <= bytesMax) return undefined;
    const message = `frameBytesMax: a request has at most ${bytesMax} bytes, this one ${bytes}; split it`;
    return request.error('DATA_TOO_LARGE', message);
  }

  #send(request: Request, connection: Connection): void {
    if (request.isWrite && request.requestNo === 0) {
      if (this.#session.lastRequestNo === REQUEST_NO_MAX) {
        const message = 'the session has used all its write numbers: make a new client';
        this.#calls.fail(request, 'LIMIT', message);
        return;
      }
      request.requestNo = ++this.#session.lastRequestNo;
    }
    request.place = 'sent';
    request.isSentAgain = request.sent;
    if (this.#instruments.wantsRequests) {
      const info = { op: request.terms.op, ...request.subject, attempt: request.attempts + 1 };
      request.startSpan(this.#instruments.request(info), this.#env.monotonicMs());
    }
    this.#watches.sent(request.ask);
    connection.send(request, this.#session);
  }

  #answered(request: Request, answer: Answer): void {
    request.place = 'nowhere';
    request.endSpan(answer.kind === 'refused' ? answer.code : 'OK', this.#env.monotonicMs(), answer.zxid);
    this.#horizon.sawZxid(answer.zxid);
    // Replies come in order: whatever has a lower number is answered too.
    if (request.isWrite) this.#session.answeredThrough = request.requestNo;
    const { ask, terms } = request;
    const watch = this.#watches.answered(ask, answer, request.settled ? undefined : terms.root);
    if (ask.kind === 'addWatch' && answer.kind === 'watch') this.#standing.armed(ask.watch.id);
    if (ask.kind === 'addAuth') this.#provenOrNot(request, ask, answer);
    if (!request.settled) {
      if (answer.kind === 'refused') this.#calls.refused(request, refusalError(request, answer));
      else if (answer.kind !== answerKindOf(ask)) {
        this.#calls.fail(request, 'MARSHALLING', `the server answered with ${answer.kind}`);
      } else {
        this.#calls.finish(request);
        request.resolve(withWatch(answer, watch));
      }
    }
    this.#sendWaiting();
  }

  /** A request of the client itself, for the connection of now. */
  #ofStream(ask: Ask, op: string): Request {
    const request = new Request(
      ask,
      { ...this.#ownTerms(op), retry: false, ofStream: true },
      this.#env.monotonicMs(),
    );
    // Who asked is not waiting.
    request.promise.catch(() => undefined);
    return request;
  }

  #ownTerms(op: string): RequestTerms {
    return {
      op,
      root: '',
      signal: undefined,
      timeoutMs: Number.POSITIVE_INFINITY,
      retry: retry.forever(this.#settings.retry),
      boundTo: undefined,
      guaranteed: false,
      ofStream: false,
    };
  }

  #lateness(request: Request): ZkError {
    const cause = this.#link.kind === 'attached' ? undefined : this.#search.lastCause;
    const message = `no answer within ${request.terms.timeoutMs} ms (the session is ${this.#session.state})`;
    return request.error('REQUEST_TIMEOUT', message, cause);
  }

  // Watches: asked for, told, taken back.

  /** Asks for it until it is armed, refused, or left. */
  #watchRequest(watch: StandingWatch): Request {
    const terms = { ...this.#ownTerms('watch'), root: watch.terms.root };
    const request = new Request({ kind: 'addWatch', watch }, terms, this.#env.monotonicMs());
    watch.request = request;
    request.promise.catch((error: unknown) => this.#standing.refused(watch, error));
    return request;
  }

  /** Its reader has gone. A request that was not sent is taken back; the server is told to forget the rest. */
  #leftWatch(watch: StandingWatch): void {
    const { request } = watch;
    const isSent = request === undefined || request.place === 'sent';
    if (request !== undefined) this.#calls.giveUp(request, closedError());
    if (isSent) this.#removeWatch(watch.kind, watch.path, watch.id);
  }

  /** Ahead of what was not sent: it is about what the server holds already. A connection that is lost needs none. */
  #removeWatch(watchKind: WatchKind | PersistentWatchKind, path: string, id: number): void {
    if (this.#link.kind !== 'attached') return;
    this.#calls.addFirst([this.#ofStream({ kind: 'removeWatch', watchKind, path, id }, 'removeWatch')]);
  }

  #event(event: ServerEvent): void {
    this.#horizon.sawZxid(event.zxid);
    const { kind } = event;
    if (kind === 'persistent' || kind === 'persistentRecursive') this.#standing.hear(event);
    else this.#watches.fire(event, kind);
  }

  // The connection: dialled, attached, lost.

  #dial(): void {
    const address = this.#search.next();
    const proofs = this.#identities.proofs();
    if (!(proofs instanceof Promise)) {
      this.#open(address, proofs);
      return;
    }
    const attemptMs = this.#search.attemptMs(this.#session.timeoutMs);
    const cancel = this.#env.after(attemptMs, () => fail(new Error(`no credentials within ${attemptMs} ms`)));
    const preparing: Link = { kind: 'preparing', address, cancel };
    this.#link = preparing;
    const fail = (cause: Error) => {
      if (this.#link !== preparing) return;
      cancel();
      this.#settings.logger?.warn('the credentials of the client are missing', { cause: cause.message });
      this.#search.failedAt(address, cause);
      this.#link = { kind: 'idle' };
      this.#redial(cause);
    };
    proofs.then((ready) => {
      if (this.#link !== preparing) return;
      cancel();
      this.#open(address, ready);
    }, fail);
  }

  #open(address: string, proofs: readonly Proof[]): void {
    const session = this.#session;
    const connection = this.#wire.connection(this.#env, this.#owner, {
      sessionId: session.id,
      password: session.password,
      nonce: this.#nonce,
      timeoutMs: this.#settings.sessionTimeoutMs,
      lastZxid: this.#horizon.seen,
      clusterId: this.#horizon.clusterId,
      attempt: ++this.#streams,
      readOnly: this.#settings.readOnly,
      frameBytesMax: this.#settings.frameBytesMax,
    });
    const attemptMs = this.#search.attemptMs(this.#session.timeoutMs);
    const cancel = this.#env.after(attemptMs, () => {
      this.#ended({ kind: 'lost', error: new Error(`no answer within ${Math.round(attemptMs)} ms`) });
    });
    this.#link = { kind: 'attaching', address, connection, proofs, cancel };
    connection.open(address);
  }

  #attached(granted: Granted, sentAt: Moment): void {
    const link = this.#link;
    assert(link.kind === 'attaching', 'a stream attaches once', { link: link.kind });
    const fault = this.#faultOf(granted);
    if (fault !== undefined) {
      this.#ended({ kind: 'lost', error: new ZkError('MARSHALLING', { message: fault }) });
      return;
    }
    const session = this.#session;
    const isReconnected = session.isMade;
    link.cancel();
    const { address, connection, proofs } = link;
    this.#link = { kind: 'attached', address, connection };
    this.#search.found();
    this.#frameBytesMax = granted.frameBytesMax;
    if (this.#horizon.enter(granted.clusterId)) this.#standing.forgetPositions();
    this.#horizon.sawZxid(granted.zxid);
    if (granted.readOnly) session.becomeConnectedReadOnly();
    else session.becomeConnected({ ...granted, attachSentAt: sentAt });
    this.#prove(proofs, connection);
    connection.rearm({
      oneShots: this.#watches.armed(),
      standing: this.#standing.held(),
      fromZxid: this.#horizon.told,
    });
    if (granted.readOnly) this.#stay.begin();
    else this.#stay.over();
    if (session.isMade) this.#watchDeadline();
    this.#tellConnected(address, isReconnected);
    if (this.#unproven === 0) this.#connectedWaits.connected();
    this.#sendWaiting();
    this.#maybeEndSession();
  }

  #faultOf({ sessionId, readOnly }: Granted): string | undefined {
    if (readOnly) return this.#settings.readOnly ? undefined : 'it has no quorum, which was not asked for';
    const asked = this.#session.id;
    if (sessionId === 0n) return 'it attached no session';
    return asked === 0n || asked === sessionId ? undefined : 'it attached another session than was asked for';
  }

  /** Before all else on a connection, since what follows may need it. */
  #prove(proofs: readonly Proof[], connection: Connection): void {
    this.#unproven = proofs.length;
    for (const proof of proofs)
      this.#send(this.#ofStream({ kind: 'addAuth', ...proof }, 'addAuth'), connection);
  }

  /** One that a user's call asked for is kept for the next connection. One that was good before must stay so. */
  #provenOrNot(request: Request, proof: Proof, answer: Answer): void {
    if (!request.terms.ofStream) {
      if (answer.kind === 'addAuth') this.#identities.add(proof);
    } else if (answer.kind === 'addAuth') {
      this.#unproven--;
      if (this.#unproven === 0) this.#connectedWaits.connected();
    } else if (answer.kind !== 'refused' || answer.code !== 'AUTH_FAILED') {
      const how = answer.kind === 'refused' ? answer.code : answer.kind;
      this.#ended({ kind: 'lost', error: new Error(`the credentials were answered with ${how}`) });
    } else {
      const message = `the credentials for ${proof.scheme} are refused`;
      this.#settings.logger?.error('the client cannot prove who it is', { scheme: proof.scheme });
      this.shutDown(new ZkError('AUTH_FAILED', { message }));
    }
  }

  #tellConnected(server: string, reconnected: boolean): void {
    const session = this.#session;
    const readOnly = session.state === 'connected-read-only';
    this.#settings.logger?.info('connected', { server, session: hex(session.id), reconnected, readOnly });
    this.#events.emit({ type: 'connected', server, sessionId: session.id, reconnected });
    if (this.#lostBefore !== undefined && !readOnly) {
      this.#events.emit({ type: 'renewed', previous: this.#lostBefore.id, sessionId: session.id });
      this.#lostBefore = undefined;
    }
  }

  /** The others are asked in their turn. */
  #leaveReadOnly(): void {
    if (!this.#search.hasOthers) return;
    this.#ended({ kind: 'lost', error: new Error('the server has no quorum: others are tried') });
  }

  #ended(end: ConnectionEnd): void {
    const link = this.#link;
    assert(link.kind === 'attaching' || link.kind === 'attached', 'a connection ends once', {
      link: link.kind,
    });
    const cause = end.kind === 'lost' ? end.error : goodbyeError(end);
    this.#search.failedAt(link.address, cause);
    const unanswered = this.#hangUp();
    if (this.#closing !== undefined) this.#closing.asked = false;
    const code = end.kind === 'goodbye' ? end.code : undefined;
    if (code === 'OK' && this.#closing !== undefined) {
      this.#calls.putBack(unanswered);
      this.shutDown(closedError());
      return;
    }
    if ((code === 'SESSION_EXPIRED' || code === 'SESSION_MOVED') && this.#session.isMade) {
      this.#calls.putBack(unanswered);
      this.#expire('server', new ZkError(code, { message: cause.message, cause }));
      return;
    }
    if (code === 'PROTOCOL_VERSION' && !this.#session.isMade && cause instanceof ZkError) {
      this.shutDown(cause);
      return;
    }
    this.#calls.requeue(unanswered, cause);
    if (link.kind === 'attached') this.#suspend(link.address, cause);
    this.#redial(cause);
  }

  #suspend(server: string, cause: Error): void {
    this.#session.becomeSuspended();
    const expiresInMs = this.#session.remainingMs;
    this.#settings.logger?.warn('the connection is lost', { server, expiresInMs, cause: cause.message });
    this.#events.emit({ type: 'suspended', cause, expiresInMs });
  }

  /** Hangs up, or stops trying to. Answers what was sent and is not answered. */
  #hangUp(): readonly Request[] {
    const link = this.#link;
    this.#link = { kind: 'idle' };
    this.#stay.interrupt();
    this.#watches.connectionLost();
    switch (link.kind) {
      case 'attaching':
        link.cancel();
        return link.connection.close();
      case 'attached':
        return link.connection.close();
      case 'preparing':
      case 'backoff':
        link.cancel();
        return [];
      default:
        return [];
    }
  }

  #redial(cause: Error): void {
    const error =
      cause instanceof ZkError ? cause : new ZkError('CONNECTION_LOSS', { message: cause.message, cause });
    const delayMs = this.#search.delayMs(error);
    if (delayMs === null) {
      this.shutDown(error);
      return;
    }
    this.#link = { kind: 'backoff', cancel: this.#env.after(delayMs, () => this.#dial()) };
  }

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
    if (this.#link.kind === 'down') throw this.#link.cause;
    if (session.state === 'closed') throw closedError();
    if (session !== this.#session) throw new ZkError('SESSION_EXPIRED', { message: 'the session is gone' });
    if (session.isConnected) return;
    this.start();
    await this.#connectedWaits.wait(session, {
      signal,
      timeoutMs,
      lateness: () => new ZkError('REQUEST_TIMEOUT', { message: `not connected within ${timeoutMs} ms` }),
    });
  }

  #watchDeadline(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = this.#env.after(Math.max(1, this.#session.remainingMs), () => {
      this.#cancelDeadline = undefined;
      this.#expireIfOver();
      if (this.#session.isMade && this.#session.isOpen) this.#watchDeadline();
    });
  }

  #expireIfOver(): void {
    const session = this.#session;
    if (!session.isMade || !session.isOpen || session.remainingMs > 0) return;
    const message = `no heartbeat of session ${hex(session.id)} was acknowledged for almost ${session.timeoutMs} ms`;
    this.#expire('local-deadline', new ZkError('SESSION_EXPIRED', { message }));
  }

  #expire(by: 'server' | 'local-deadline', reason: ZkError): void {
    const session = this.#session;
    this.#calls.putBack(this.#hangUp());
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
    this.#watches.dropAll(this.#horizon.seen);
    if (this.#closing !== undefined || this.#settings.onSessionExpired === 'close') {
      this.shutDown(reason);
      return;
    }
    this.#session = this.#newSession();
    this.#lostBefore = session;
    this.#connectedWaits.lost(session, reason);
    this.#calls.carryOver(session, reason);
    const lost = this.#standing.sessionLost(this.#horizon.told);
    this.#calls.addFirst(lost.map((watch) => this.#watchRequest(watch)));
    this.#redial(reason);
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
    if (closing === undefined || closing.asked || this.#calls.guaranteed > 0) return;
    if (this.#link.kind === 'attached') this.#endSession(closing, this.#link.connection);
  }

  /** What was sent is answered first, since the stream is in order; what was not will not be. */
  #endSession(closing: Closing, connection: Connection): void {
    closing.asked = true;
    this.#session.abort(closedError());
    this.#calls.failWaiting('CLIENT_CLOSED', 'the client is closed');
    connection.sendClose();
  }
}

function withWatch(answer: Answer, watch: OneShot | undefined): Answer {
  switch (answer.kind) {
    case 'get':
    case 'exists':
    case 'children':
      return { ...answer, watch };
    default:
      return answer;
  }
}

function goodbyeError({ code, message }: Extract<ConnectionEnd, { kind: 'goodbye' }>): Error {
  return code === 'OK' ? new Error('the server ended the session') : new ZkError(code, { message });
}

function closedError(): ZkError {
  return new ZkError('CLIENT_CLOSED', { message: 'the client is closed' });
}

function hex(id: bigint): string {
  return `0x${id.toString(16)}`;
}
