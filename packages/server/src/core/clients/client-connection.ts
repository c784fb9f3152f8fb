import {
  asZxid,
  type ErrorCode,
  type Identity,
  NO_SESSION,
  type Refusal,
  refusal,
  type SessionId,
  type WriteRequest,
  type WriteResult,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import type { Tree } from '@zabra/tree';
import type { FrameStream, Proved } from '../env.ts';
import type { Limits } from '../options.ts';
import { ConnectionStatistics, type ServeStatistics, XID_HEARTBEAT } from '../zookeeper/serve-statistics.ts';
import type { ClientWord, Query, QueryResult, ServerWord } from './client-codec.ts';
import { type ClientWire, zabraWire } from './client-wire.ts';
import type { EventHistory } from './event-history.ts';
import { type HeldWord, HeldWords } from './held-words.ts';
import type { Identities } from './identities.ts';
import { mnemonicOf } from './mnemonic.ts';
import { Outbox } from './outbox.ts';
import { mayBeLong } from './read-turns.ts';
import { queryFault } from './reads.ts';
import { Rearming } from './rearming.ts';
import { SessionQueries } from './session-queries.ts';
import { SessionWatches } from './session-watches.ts';
import {
  type RequestLoad,
  type Unanswered,
  type UnansweredAuth,
  type UnansweredRead,
  UnansweredRequests,
} from './unanswered-requests.ts';
import type { Watches } from './watches.ts';
import { bytesOfQuery, bytesOfWord, bytesOfWrite } from './word-size.ts';
import { writeFault } from './write-faults.ts';

/** What a connection needs of the server around it. The host counts the load of all connections, each reports its own. */
export interface ConnectionHost extends RequestLoad {
  readonly limits: Limits;
  readonly tree: Tree;
  readonly watches: Watches;
  readonly history: EventHistory;
  readonly statistics: ServeStatistics;
  /** Only then are writes passed on, and the reads of sessions answered. */
  readonly serving: boolean;
  submit(request: WriteRequest): void;
  submitClose(sessionId: SessionId): void;
  /** The client of a session is someone more now: stands for the writes that are submitted from here on. */
  identified(session: AttachedSession, identities: readonly Identity[]): void;
  /** Whom credentials prove; answers once, later. */
  prove(scheme: string, credentials: Uint8Array, answer: (proved: Proved) => void): void;
  /** A zxid at or above everything committed before now; undefined when no leader could say. */
  readIndex(answer: (zxid: Zxid | undefined) => void): void;
  heartbeat(connection: ClientConnection, number: number): void;
  /** It said something, and clients of its wire live by that. Once, until its `lived` is called. */
  markHeard(connection: ClientConnection): void;
  /** Calls its `resumeWatches` when its turn has come. */
  queueResumption(connection: ClientConnection): void;
  /** Whether there is time in this turn to answer this read; otherwise calls `readOn` in a later one. */
  hasTimeFor(connection: ClientConnection, query: Query): boolean;
  /** There is something to flush at the end of this turn. */
  markDirty(connection: ClientConnection): void;
  /** Look again once more is applied, or the client has taken what is queued. */
  markWaiting(connection: ClientConnection): void;
  /** It is ended from here, for this reason. */
  ending(connection: ClientConnection, code: ErrorCode | 'OK', message: string): void;
  /** It is over, whoever ended it. */
  ended(connection: ClientConnection): void;
  nowMs(): number;
  wallMs(): number;
}

export interface AttachedSession {
  /** 0 when it is read-only. */
  readonly id: SessionId;
  readonly nonce: string;
  readonly attempt: number;
}

/**
 * One attached client: its requests in the order in which they came, and what goes back to it.
 *
 * Answers leave in the order of the requests. A write is passed on at once and answered when it is applied here; a read
 * waits for the writes before it and is then done against this server's tree. Events are put on the same stream by the
 * very apply that causes them, hence before any answer that shows the change.
 *
 * Two words make what is behind them wait unseen: AddAuth until it is answered, so that everything is judged by whom the
 * client had proved to be when it said it, and Rearm until the watches are resumed, so that no answer overtakes a missed
 * event. Heartbeats alone pass, since a session lives by them.
 *
 * A client without a session (`isReadOnly`) is served reads of what this server has, for as long as it has no quorum.
 */
export class ClientConnection {
  readonly session: AttachedSession;
  readonly stream: FrameStream;
  readonly statistics: ConnectionStatistics;
  readonly #host: ConnectionHost;
  readonly #identities: Identities;
  readonly #watches: SessionWatches;
  readonly #queries: SessionQueries;
  readonly #requests: UnansweredRequests;
  readonly #outbox: Outbox;
  readonly #held: HeldWords;
  readonly #wire: ClientWire;
  #heardMs: number;
  /** The host knows that it said something. */
  #isMarkedHeard = false;
  /** An AddAuth or a Rearm is not done: what comes is held. */
  #isHolding = false;
  #rearming: Rearming | undefined;
  #isPaused = false;
  /** The oldest request is a read for which there was no time, or no room. */
  #isPutOff = false;
  /** What was put off has to be answered now. */
  #isCatchingUp = false;
  /** Unanswered reads that hold back what is written behind them. */
  #slowReads = 0;
  #isClosing = false;
  /** The wish to close is done. */
  #isClosed = false;
  #ended = false;
  /** False from the loss of the leader until the new one has confirmed the session. */
  #claimed = true;

  constructor(
    stream: FrameStream,
    host: ConnectionHost,
    session: AttachedSession,
    identities: Identities,
    wire: ClientWire = zabraWire,
  ) {
    this.stream = stream;
    this.#wire = wire;
    this.#host = host;
    this.statistics = new ConnectionStatistics(host.statistics, host.wallMs());
    this.#heardMs = host.nowMs();
    this.session = session;
    this.#identities = identities;
    this.#requests = new UnansweredRequests(host, host.limits);
    this.#held = new HeldWords(host, host.limits);
    this.#outbox = new Outbox(stream, wire, host.statistics);
    this.#watches = new SessionWatches({
      watches: host.watches,
      history: host.history,
      say: (word) => this.say(word),
      identities: () => identities.all,
      resumedBytesMax: host.limits.clientQueueBytesMax / 2,
    });
    this.#queries = new SessionQueries({
      sessionId: session.id,
      identities: () => identities.all,
      watches: this.#watches,
      limits: host.limits,
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  get isReadOnly(): boolean {
    return this.session.id === NO_SESSION;
  }

  get identities(): readonly Identity[] {
    return this.#identities.all;
  }

  /** One for each of its watches. */
  watchedPaths(): Iterable<string> {
    return this.#watches.paths();
  }

  /** When it last said something. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Its last request is the wish to close. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Requests that are not answered, looked at or not. */
  get unanswered(): number {
    return this.#requests.count + this.#held.count;
  }

  /** Every event up to it was said. 0 while that cannot be told: the client's watches are not all resumed. */
  get bookmark(): Zxid {
    return this.#isHolding || this.#rearming !== undefined ? ZXID_NONE : this.#host.tree.appliedZxid;
  }

  hear(word: ClientWord): void {
    if (this.#ended) return;
    this.#heardMs = this.#host.nowMs();
    this.statistics.heard();
    if (word.kind === 'heartbeat') {
      this.#host.heartbeat(this, word.number);
      return;
    }
    if (this.#wire.rules.livesByWords && !this.#isMarkedHeard) {
      this.#isMarkedHeard = true;
      this.#host.markHeard(this);
    }
    if (this.#isHolding) this.#hold(word);
    else this.#take({ kind: 'word', word });
    if (this.#wire.rules.waitsForRoom) this.#maybePause();
  }

  /** The host has passed on that it lives; what comes from now on shows it anew. */
  lived(): void {
    this.#isMarkedHeard = false;
  }

  #hold(word: ClientWord): void {
    if (!this.#held.hold(word)) {
      const { requestsBytesMax } = this.#host.limits;
      this.end(
        'LIMIT',
        `requestsBytesMax: this server holds ${requestsBytesMax} bytes of requests; try another`,
      );
      return;
    }
    this.#checkCount();
  }

  #release(): void {
    this.#isHolding = false;
    while (!this.#isHolding && !this.#ended) {
      const held = this.#held.take();
      if (held === undefined) return;
      this.#take(held);
    }
  }

  #take(held: HeldWord): void {
    if (held.kind === 'refused') {
      if (held.request === 'write') this.#refuseWrite(held.xid, held.refusal);
      else this.#enqueue(this.#readOf(held.xid, { kind: 'illegal', refusal: held.refusal }, held.refusal));
      return;
    }
    const { word } = held;
    if (this.#rearming !== undefined && word.kind !== 'rearm' && word.kind !== 'close') {
      this.end('MARSHALLING', 'the parts of a Rearm come one after the other');
      return;
    }
    switch (word.kind) {
      case 'attach':
        this.end('MARSHALLING', 'a stream has one Attach');
        return;
      case 'heartbeat':
        return;
      case 'rearm':
        this.#takeRearm(word);
        return;
      case 'close':
        this.#takeClose();
        return;
      case 'addAuth':
      case 'write':
      case 'read':
        if (this.#isClosing) this.end('MARSHALLING', 'no request comes after Close');
        else if (word.kind === 'write') this.#takeWrite(word);
        else if (word.kind === 'read') this.#takeRead(word);
        else this.#takeAuth(word);
        return;
    }
  }

  #takeClose(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.isReadOnly) this.closed();
    else this.#maybeSubmitClose();
  }

  #maybeSubmitClose(): void {
    if (this.#isClosing && this.#slowReads === 0 && this.#claimed && this.#host.serving)
      this.#host.submitClose(this.session.id);
  }

  #takeWrite(word: Extract<ClientWord, { kind: 'write' }>): void {
    const { xid, requestNo } = word;
    const operation = this.#wire.meant(word.operation, this.identities);
    if (this.#requests.write(requestNo) !== undefined) {
      this.end('MARSHALLING', `write ${requestNo} is not answered yet; each write has a number of its own`);
      return;
    }
    const bytes = bytesOfWrite(operation);
    const fault =
      this.#requests.overLimit(bytes) ??
      (this.isReadOnly ? notReadOnly('a write') : undefined) ??
      writeFault(requestNo, operation, this.#host.limits);
    if (fault !== undefined) {
      this.#refuseWrite(xid, fault);
      return;
    }
    const { id, nonce } = this.session;
    const { answeredThrough } = word;
    const request: WriteRequest = {
      kind: 'write',
      sessionId: id,
      nonce,
      requestNo,
      answeredThrough,
      operation,
    };
    const isHeldBack = this.#slowReads > 0;
    this.#enqueue({
      kind: 'write',
      xid,
      bytes,
      arrivedMs: this.#heardMs,
      request,
      isHeldBack,
      result: undefined,
    });
    if (!isHeldBack && this.#claimed && this.#host.serving && !this.#ended) this.#host.submit(request);
  }

  /** A slow read is answered: what was written behind it goes on, up to the next one. */
  #passOnHeldBack(): void {
    for (const request of this.#requests) {
      if (request.kind === 'read' && request.isSlow) return;
      if (request.kind !== 'write' || !request.isHeldBack) continue;
      request.isHeldBack = false;
      if (request.request !== undefined && this.#claimed && this.#host.serving)
        this.#host.submit(request.request);
    }
    this.#maybeSubmitClose();
  }

  #refuseWrite(xid: number, reason: Refusal): void {
    const result = refusedWrite(reason);
    const arrivedMs = this.#heardMs;
    this.#enqueue({
      kind: 'write',
      xid,
      bytes: 0,
      arrivedMs,
      request: undefined,
      isHeldBack: false,
      result,
    });
  }

  #takeRead(word: Extract<ClientWord, { kind: 'read' }>): void {
    const { xid, query, minZxid } = word;
    const isConfirmed = word.linearizable || query.kind === 'sync';
    const fault =
      this.#requests.overLimit(bytesOfQuery(query)) ??
      queryFault(query, this.#host.limits) ??
      (this.isReadOnly && isConfirmed ? notReadOnly('a linearizable read or a sync') : undefined);
    // A watch cannot go on from where this server has not come to.
    const seen = query.kind === 'addWatch' ? (query.fromZxid ?? ZXID_NONE) : ZXID_NONE;
    const read = this.#readOf(xid, query, fault, asZxid(Math.max(seen, minZxid)));
    if (isConfirmed && fault === undefined) read.floor = undefined;
    if (fault === undefined && this.#isSlow(read)) {
      read.isSlow = true;
      this.#slowReads++;
    }
    this.#confirm(read);
    this.#enqueue(read);
  }

  #readOf(xid: number, query: Query, fault: Refusal | undefined, minZxid: Zxid = ZXID_NONE): UnansweredRead {
    return {
      kind: 'read',
      xid,
      bytes: bytesOfQuery(query),
      query,
      arrivedMs: this.#heardMs,
      floor: minZxid,
      minZxid,
      asked: false,
      refusal: fault,
      isSlow: false,
    };
  }

  /**
   * Whether its answer may take so long that what the client writes behind it is done before. Whatever else it asks is
   * answered by then in any case (see `catchUp`); a sync says nothing of the tree.
   */
  #isSlow({ query, floor }: UnansweredRead): boolean {
    const { tree } = this.#host;
    if (query.kind === 'sync') return false;
    if (floor === undefined || floor > tree.appliedZxid) return true;
    // Most lists are short: they must not make a client wait that writes and lists in turns.
    if (query.kind === 'children') return (tree.stat(query.path)?.numChildren ?? 0) > SHORT_LIST_MAX;
    return mayBeLong(query);
  }

  /** Asks for the zxid to wait for; asked again when the leader was lost meanwhile. */
  #confirm(read: UnansweredRead): void {
    if (read.floor !== undefined || read.asked || !this.#host.serving) return;
    read.asked = true;
    this.#host.readIndex((zxid) => {
      read.asked = false;
      if (this.#ended) return;
      if (zxid === undefined) {
        this.#host.markWaiting(this);
        return;
      }
      read.floor = asZxid(Math.max(zxid, read.minZxid));
      this.advance();
    });
  }

  #takeAuth(word: Extract<ClientWord, { kind: 'addAuth' }>): void {
    const { xid, scheme, credentials } = word;
    const bytes = bytesOfWord(word);
    const fault = this.#requests.overLimit(bytes) ?? authFault(word, this.identities.length);
    const arrivedMs = this.#heardMs;
    const request: UnansweredAuth = {
      kind: 'auth',
      xid,
      bytes,
      arrivedMs,
      scheme,
      refusal: fault,
      proved: undefined,
    };
    if (fault === undefined) {
      this.#isHolding = true;
      this.#host.prove(scheme, credentials, (proved) => {
        request.proved = proved;
        this.advance();
      });
    }
    this.#enqueue(request);
  }

  /** The watches that the client had on the stream before, in parts; they are resumed together when all are named. */
  #takeRearm(part: Extract<ClientWord, { kind: 'rearm' }>): void {
    this.#rearming ??= new Rearming(part);
    const fault = this.#rearming.add(part, this.#watches, this.#host.limits);
    if (fault !== undefined) {
      this.end(fault.code, fault.message);
    } else if (!part.more && this.#rearming.isEmpty) {
      this.#rearming = undefined;
    } else if (!part.more) {
      this.#isHolding = true;
      this.#host.queueResumption(this);
    }
  }

  /** Its turn has come: what the client missed is said, in order, and what is behind the Rearm goes on. */
  resumeWatches(): void {
    if (this.#ended || this.#rearming === undefined) return;
    const { armed, standing, fromZxid, standingFromNow } = this.#rearming;
    this.#rearming = undefined;
    this.#watches.resume(armed, standing, fromZxid, this.#host.tree, standingFromNow);
    this.#release();
  }

  #enqueue(request: Unanswered): void {
    this.#requests.add(request);
    this.#checkCount();
    this.advance();
  }

  /** Who sends without waiting for answers is not read for a while (see `flush`); what is on its way has a bound too. */
  #checkCount(): void {
    const { requestsPerSessionMax } = this.#host.limits;
    if (this.#ended || this.unanswered <= 2 * requestsPerSessionMax) {
      if (this.unanswered >= requestsPerSessionMax) this.#host.markDirty(this);
      return;
    }
    this.end(
      'LIMIT',
      `requestsPerSessionMax: this session has ${this.unanswered} unanswered requests of at most ${requestsPerSessionMax}; wait for answers`,
    );
  }

  /** A txn of this session was applied here, or its stored result found. */
  complete(requestNo: number, result: WriteResult): void {
    const write = this.#requests.write(requestNo);
    if (write === undefined || write.result !== undefined) return;
    write.result = result;
    this.advance();
  }

  /** The leader refused a write before it was ordered. */
  refuse(requestNo: number, reason: Refusal): void {
    this.complete(requestNo, refusedWrite(reason));
  }

  /** The leader is gone: what is unanswered waits for the next one. */
  suspend(): void {
    this.#claimed = false;
  }

  /** The new leader confirmed the session: everything unanswered is passed on again; a write done already is found stored. */
  resume(): void {
    if (this.#claimed) return;
    this.#claimed = true;
    for (const request of this.#requests) {
      if (request.kind === 'write' && request.request !== undefined && request.result === undefined) {
        if (!request.isHeldBack) this.#host.submit(request.request);
      } else if (request.kind === 'read') {
        this.#confirm(request);
      }
    }
    this.#maybeSubmitClose();
    this.advance();
  }

  /** Answers what can be answered, oldest first. */
  advance(): void {
    for (;;) {
      const { oldest } = this.#requests;
      if (this.#ended || oldest === undefined) return;
      const word = this.#replyTo(oldest);
      if (word === undefined) return;
      // Counted first: to say it may end the connection.
      this.#requests.settleOldest();
      this.statistics.answered(oldest.kind === 'write', oldest.arrivedMs, this.#host.nowMs());
      this.statistics.did(mnemonicOf(oldest), oldest.xid, this.#host.tree.appliedZxid);
      this.say(word);
      if (oldest.kind === 'read' && oldest.isSlow) {
        this.#slowReads--;
        this.#passOnHeldBack();
      }
      if (oldest.kind === 'auth' && oldest.refusal === undefined) this.#release();
    }
  }

  /** undefined: not yet. */
  #replyTo(request: Unanswered): ServerWord | undefined {
    const { xid } = request;
    const zxid = this.#host.tree.appliedZxid;
    if (request.kind === 'write') {
      const { result } = request;
      return result && { kind: 'written', xid, zxid, result };
    }
    const result = request.kind === 'read' ? this.#answer(request) : this.#authResult(request);
    return result && { kind: 'read', xid, zxid, result };
  }

  #answer(read: UnansweredRead): QueryResult | undefined {
    if (read.refusal !== undefined) return refused(read.refusal);
    const { serving, tree, limits } = this.#host;
    if (!serving && !this.isReadOnly) return undefined;
    if (read.floor === undefined) {
      this.#confirm(read);
      return undefined;
    }
    if (read.floor > tree.appliedZxid) {
      // Without a quorum nothing comes that could be waited for.
      if (this.isReadOnly || this.#host.nowMs() - read.arrivedMs > BEHIND_AFTER_MS) {
        return refused(
          refusal('BEHIND', 'this server has not applied the zxid asked for; ask another server or later'),
        );
      }
      this.#host.markWaiting(this);
      return undefined;
    }
    if (this.#isCatchingUp) return this.#queries.answer(read.query, tree);
    const isFull = this.#outbox.bytes > limits.clientQueueBytesMax / 2;
    if (isFull) this.#host.markWaiting(this);
    this.#isPutOff = isFull || !this.#host.hasTimeFor(this, read.query);
    return this.#isPutOff ? undefined : this.#queries.answer(read.query, tree);
  }

  /**
   * A change of this session is about to be applied. What it read before it must not show it, and is answered now, though
   * there was no time or room: a client's requests are done in the order in which it made them.
   */
  catchUp(): void {
    if (!this.#isPutOff || this.#ended) return;
    this.#isCatchingUp = true;
    try {
      this.advance();
    } finally {
      this.#isCatchingUp = false;
      this.#isPutOff = false;
    }
  }

  /** Whom the client proved to be counts from its answer on: what was asked before it is answered to whom it was then. */
  #authResult({ scheme, refusal: fault, proved }: UnansweredAuth): QueryResult | undefined {
    if (fault !== undefined) return refused(fault);
    if (proved === undefined) return undefined;
    // Not AUTH_FAILED: a client whose credentials were good before would take that for final.
    if (proved === 'busy')
      return refused(
        refusal('LIMIT', 'too many passwords wait to be looked at; try again later or elsewhere'),
      );
    if (proved.length === 0) {
      this.#host.statistics.authFailures++;
      return refused(
        refusal(
          'AUTH_FAILED',
          `the credentials prove nobody of scheme ${scheme}; the session goes on without`,
        ),
      );
    }
    this.#identities.add(proved);
    if (!this.isReadOnly) this.#host.identified(this.session, this.identities);
    return { kind: 'addAuth' };
  }

  say(word: ServerWord): void {
    if (this.#ended) return;
    if (this.#outbox.isFullBefore(word)) this.flush();
    if (this.#ended) return;
    if (this.#outbox.isEmpty) this.#host.markDirty(this);
    this.statistics.told();
    if (word.kind === 'attached') this.statistics.did('SESS', 0, word.zxid);
    else if (word.kind === 'heartbeatAck') this.statistics.did('PING', XID_HEARTBEAT, word.zxid);
    this.#outbox.add(word);
  }

  flush(): void {
    if (this.#ended) return;
    this.#outbox.send();
    const { over } = this.#wire;
    if (over !== undefined) {
      this.#host.ending(this, over.code, over.message);
      this.abandon();
      return;
    }
    const { clientQueueBytesMax } = this.#host.limits;
    const { queuedBytes } = this.stream;
    if (queuedBytes > clientQueueBytesMax) {
      this.end(
        'LIMIT',
        `clientQueueBytesMax: ${queuedBytes} bytes wait for this client, more than ${clientQueueBytesMax}; read faster`,
      );
    } else {
      this.#maybePause();
    }
  }

  /** It is not read for a while, until there is room again. */
  #maybePause(): void {
    if (this.#ended || this.#isPaused || !this.#isFull()) return;
    this.#isPaused = true;
    this.stream.pause();
    this.#host.markWaiting(this);
  }

  /** Where a client cannot be told that there is no room, it is read no further well before there is none. */
  #isFull(): boolean {
    const { requestsPerSessionMax, requestsMax, requestsBytesMax } = this.#host.limits;
    const { unanswered } = this;
    if (!this.#wire.rules.waitsForRoom) return unanswered >= requestsPerSessionMax;
    // Whoever waits for nothing has no part in what there is too much of, and its pings must be heard.
    if (unanswered === 0) return false;
    return (
      unanswered >= requestsPerSessionMax / 2 ||
      this.#host.outstanding >= requestsMax / 2 ||
      this.#host.outstandingBytes >= requestsBytesMax / 2
    );
  }

  /** Called again and again while marked as waiting; true when there is nothing to wait for any more. */
  retry(): boolean {
    if (this.#ended) return true;
    this.advance();
    if (this.#isPaused && !this.#isFull()) {
      this.#isPaused = false;
      this.stream.resume();
    }
    if (this.#isClosed) this.closed();
    return this.#ended || (!this.#isPaused && this.#requests.count === 0);
  }

  /** There is time for the read that was put off. */
  readOn(): void {
    this.#isPutOff = false;
    this.retry();
  }

  /** The wish to close is done. What was asked before it is answered first, also where it was put off. */
  closed(): void {
    this.#isClosed = true;
    if (!this.#isPutOff) this.end('OK', 'closed');
  }

  /** The last word on this stream. `OK`: the session is closed as asked. */
  end(code: ErrorCode | 'OK', message: string): void {
    if (this.#ended) return;
    this.#host.ending(this, code, message);
    this.#outbox.add({ kind: 'goodbye', code, message });
    this.#outbox.send();
    this.lost();
    this.stream.close();
  }

  /** Ends the stream without a word. */
  abandon(): void {
    this.lost();
    this.stream.close();
  }

  /** The stream is over; nothing more goes out. */
  lost(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#host.statistics.staleRequests += this.unanswered;
    this.#requests.drop();
    this.#held.drop();
    this.#rearming = undefined;
    this.#watches.forget();
    this.#host.ended(this);
  }
}

/** A list of so many children is read in a tenth of a millisecond. */
const SHORT_LIST_MAX = 1000;
/** How long a read may wait for a zxid that this server has not applied. */
const BEHIND_AFTER_MS = 1000;
/** Of a name of a scheme, and of what proves somebody: those that are known have tens. */
const SCHEME_LENGTH_MAX = 64;
const CREDENTIALS_BYTES_MAX = 4096;
/** They go to the leader with the session, and each ACL is held against all of them. */
const IDENTITIES_MAX = 64;

function authFault(
  { scheme, credentials }: Extract<ClientWord, { kind: 'addAuth' }>,
  identities: number,
): Refusal | undefined {
  if (scheme.length === 0 || scheme.length > SCHEME_LENGTH_MAX)
    return refusal('BAD_ARGUMENTS', `the name of a scheme has 1 to ${SCHEME_LENGTH_MAX} characters`);
  if (credentials.length > CREDENTIALS_BYTES_MAX)
    return refusal('BAD_ARGUMENTS', `credentials have at most ${CREDENTIALS_BYTES_MAX} bytes`);
  if (identities >= IDENTITIES_MAX) {
    return refusal(
      'LIMIT',
      `a client has at most ${IDENTITIES_MAX} identities, this one ${identities}; open another one for more`,
    );
  }
  return undefined;
}

function notReadOnly(what: string): Refusal {
  return refusal(
    'NOT_READ_ONLY',
    `${what} needs a quorum, and this server has none; it answers plain reads until it has`,
  );
}

function refused(reason: Refusal): QueryResult {
  return { kind: 'refused', refusal: reason };
}

function refusedWrite(reason: Refusal): WriteResult {
  return { kind: 'refused', zxid: ZXID_NONE, refusal: reason, failedIndex: -1, codes: [] };
}
