/**
 * One connection to one ZooKeeper server, in its own words.
 *
 *   dialled ──▶ ConnectRequest ──▶ ConnectResponse ──▶ auth… ──▶ setWatches… ──▶ requests, pings ──▶ closeSession
 *
 * Happy path: replies come in the order of the requests, what a reply shows was told by events before it. Pings, auth
 * and setWatches are numbered apart (-2, -4, -8) and answered in their own order. A server says little when it does
 * not like something: it hangs up. A session that is over is a ConnectResponse with zeros.
 *
 * Some of what is asked for takes two requests here: a read that a quorum is to confirm has a sync in front, and a
 * heartbeat is a ping with a sync behind. Some takes none: see watch-board.ts.
 *
 * A ping alone proves little: any server answers it by itself, for seconds after it lost its leader. The sync behind it
 * is answered by the leader (or whoever held itself to be it), and servers tell the leader every half tick which
 * sessions they heard of. So an answered sync proves the beat before: its ping reached the leader's clock. Beats are a
 * quarter of the timeout apart, which is half a tick or more, since no timeout is below two ticks. What this leaves
 * open is in docs/zookeeper-servers.md.
 */
import {
  ADD_WATCH_MODE,
  decodeConnectResponse,
  JuteError,
  JuteReader,
  type JuteRequest,
  JuteWriter,
  type Notification,
  opcodeOf,
  type ReplyHeader,
  readNotification,
  readReplyBody,
  readReplyHeader,
  type SetWatchesRequest,
  WATCHER_TYPE,
  writeConnectRequest,
  writeRequest,
  XID,
} from '@zabra/jute';
import { assert, type PersistentWatchKind, type WatchKind } from '@zabra/model';
import type { Answer, Ask, ReadTerms } from '../ask.ts';
import type { ClientChannel, ClientEnv } from '../env.ts';
import { isZkError, ZkError } from '../errors.ts';
import { type Moment, momentNow } from '../moment.ts';
import { Pulse } from '../pulse.ts';
import type { Request } from '../request.ts';
import { RequestList } from '../request-list.ts';
import type { WatchTable } from '../watches.ts';
import type { AttachTerms, Connection, ConnectionEnd, ConnectionOwner, Rearmed } from '../wire.ts';
import { answerOfBody, answerOfError, behind, sessionIdOf } from './answer-codec.ts';
import { juteRequest } from './ask-codec.ts';
import { refusalOf } from './error-numbers.ts';
import { WatchBoard } from './watch-board.ts';

/** Above this what was gathered is sent without waiting for the turn's end. */
const GATHERED_BYTES = 256 * 1024;
/** Of paths in one setWatches: servers take 1 MiB by default. */
const REARMED_BYTES = 120 * 1024;
/** The last number a connection's requests can have. */
const XID_MAX = 2 ** 31 - 1;
const BEATS_PER_TIMEOUT = 4;

/** An answer that the server owes, in the order of its number. */
interface Due {
  readonly xid: number;
  readonly opcode: number;
  /** Whom it answers; undefined: it is the connection's own. */
  readonly request: Request | undefined;
  /** Of the connection's own: what its answer means. */
  readonly heard: ((header: ReplyHeader) => void) | undefined;
  /** The sync in front of it failed so. */
  syncError: number;
}

export class ZooKeeperConnection implements Connection {
  readonly #env: ClientEnv;
  readonly #owner: ConnectionOwner;
  readonly #attach: AttachTerms;
  readonly #pulse: Pulse;
  readonly #board = new WatchBoard();
  readonly #writer = new JuteWriter();
  #channel: ClientChannel | undefined;
  #attachSentAt: Moment;
  #open = true;
  #attached = false;
  #readOnly = false;
  /** Sent and unanswered, in the order in which they were sent. */
  readonly #unanswered = new RequestList();
  readonly #dues: Due[] = [];
  readonly #auths: Request[] = [];
  /** What each answer to a setWatches means. */
  readonly #rearmings: ((header: ReplyHeader) => void)[] = [];
  #nextXid = 1;
  /** Requests up to this number were given to the channel. */
  #flushedXid = 0;
  #flushDue = false;
  /** The highest zxid that the server surely has. */
  #seenZxid: number;
  /** Every event up to it was told. */
  #toldZxid = 0;
  /** When the beat before the next one was sent; attaching is the first, since the leader hears of it at once. */
  #lastBeat: Moment;

  constructor(env: ClientEnv, owner: ConnectionOwner, attach: AttachTerms) {
    this.#env = env;
    this.#owner = owner;
    this.#attach = attach;
    this.#seenZxid = attach.lastZxid;
    this.#attachSentAt = momentNow(env);
    this.#lastBeat = this.#attachSentAt;
    this.#pulse = new Pulse(env, {
      beat: (now) => this.#sendBeat(now),
      silent: (silentMs) => this.#lose(new Error(`nothing was heard for ${Math.round(silentMs)} ms`)),
    });
  }

  open(address: string): void {
    this.#attachSentAt = momentNow(this.#env);
    this.#lastBeat = this.#attachSentAt;
    this.#channel = this.#env.dial(address);
    this.#channel.receive({
      frame: (frame) => this.#receive(frame),
      closed: (error) => this.#lose(error ?? new Error(this.#attached ? HUNG_UP : REFUSED_SILENTLY)),
    });
    if (!this.#open) return;
    const { sessionId, password, timeoutMs, lastZxid, readOnly } = this.#attach;
    writeConnectRequest(this.#writer, {
      protocolVersion: 0,
      lastZxidSeen: lastZxid,
      timeoutMs: Math.round(timeoutMs),
      sessionId,
      password: password.length === 0 ? NO_PASSWORD : password,
      readOnly,
    });
    this.#flush();
  }

  get unanswered(): number {
    return this.#unanswered.length;
  }

  send(request: Request): void {
    const isLone = this.#unanswered.length === 0;
    this.#unanswered.push(request);
    if (this.#nextXid >= XID_MAX) {
      // It goes on over the next connection, which counts anew; what is being read is read to its end before.
      this.#env.atTurnEnd(() => this.#lose(new Error('the connection has used all its request numbers')));
      return;
    }
    request.sent = true;
    this.#ask(request, request.ask);
    if (isLone && !this.#flushDue) this.#flush();
    else this.#flushSoon();
  }

  rearm({ oneShots, standing, fromZxid }: Rearmed): void {
    this.#toldZxid = Math.max(this.#toldZxid, fromZxid);
    for (const watch of standing) this.#board.add(watch);
    const places = this.#board.all;
    // Before 3.9 a recursive watch takes the place of one for children at its path, so that these follow it.
    const isEclipsed = ({ kind, path }: { readonly kind: WatchKind; readonly path: string }): boolean =>
      kind === 'child' && this.#board.kindAt(path) === 'persistentRecursive';
    const persistent = places.filter(({ kind }) => kind === 'persistent');
    const recursive = places.filter(({ kind }) => kind === 'persistentRecursive');
    this.#setWatches([...oneShots.filter((watch) => !isEclipsed(watch)), ...persistent, ...recursive]);
    this.#setWatches(oneShots.filter(isEclipsed));
  }

  sendClose(): void {
    this.#expect({ kind: 'closeSession' }, undefined, () => {
      this.#end({ kind: 'goodbye', code: 'OK', message: '' });
    });
    this.#flush();
  }

  close(): readonly Request[] {
    if (this.#open) {
      this.#stop();
      this.#channel?.close();
    }
    // What never left this process surely did not happen.
    for (const { xid, request } of this.#dues) {
      if (request !== undefined && xid > this.#flushedXid) request.sent = request.isSentAgain;
    }
    return this.#unanswered.takeAll();
  }

  // What is said.

  #ask(request: Request, ask: Ask): void {
    switch (ask.kind) {
      case 'addAuth':
        this.#auths.push(request);
        this.#write(XID.auth, { kind: 'auth', scheme: ask.scheme, credentials: ask.credentials });
        return;
      case 'addWatch':
        this.#addWatch(request, ask.watch);
        return;
      case 'removeWatch':
        this.#removeWatch(ask);
        // Nothing hangs on whether the server still had it.
        this.#env.atTurnEnd(() => this.#answerLocally(request, { kind: 'watch', zxid: this.#seenZxid }));
        return;
      case 'touch':
      case 'deleteTree':
        throw new Error(`faultOfAsk lets no ${ask.kind} through`);
      case 'get':
      case 'exists':
        this.#expectRead(request, ask.read, juteRequest(ask, this.#isToArm(ask.watch, 'data', ask.path)));
        return;
      case 'children':
        this.#expectRead(request, ask.read, juteRequest(ask, this.#isToArm(ask.watch, 'child', ask.path)));
        return;
      case 'getAcl':
      case 'descendants':
      case 'multiRead':
        this.#expectRead(request, ask.read, juteRequest(ask, false));
        return;
      default:
        this.#expect(juteRequest(ask, false), request);
    }
  }

  #isToArm(watch: boolean, table: WatchTable, path: string): boolean {
    return watch && !this.#board.covers(table, path);
  }

  #expectRead(request: Request, { linearizable, minZxid }: ReadTerms, jute: JuteRequest): void {
    if (!linearizable && minZxid <= this.#seenZxid) {
      this.#expect(jute, request);
      return;
    }
    this.#expect({ kind: 'sync', path: '/' }, undefined, ({ error }) => {
      // Replies are in order: the read's is the next one.
      const read = this.#dues[0];
      assert(read?.request === request, 'a read comes behind its sync');
      read.syncError = error;
    });
    this.#expect(jute, request);
  }

  #expect(
    jute: JuteRequest,
    request: Request | undefined,
    heard: ((header: ReplyHeader) => void) | undefined = undefined,
  ): void {
    const xid = this.#nextXid++;
    this.#dues.push({ xid, opcode: opcodeOf(jute), request, heard, syncError: 0 });
    this.#write(xid, jute);
  }

  #addWatch(request: Request, watch: Parameters<WatchBoard['add']>[0]): void {
    const { path } = watch;
    const before = this.#board.kindAt(path);
    const kind = this.#board.add(watch);
    this.#expect({ kind: 'addWatch', path, mode: ADD_WATCH_MODE[kind] }, request);
    const isEclipse = kind === 'persistentRecursive' && before !== kind;
    if (isEclipse && this.#owner.awaits('child', path)) this.#setWatches([{ kind: 'child', path }]);
  }

  #removeWatch({ watchKind, path, id }: Extract<Ask, { kind: 'removeWatch' }>): void {
    if (id === 0) {
      const table = watchKind === 'child' ? 'child' : 'data';
      const isNeeded = this.#board.covers(table, path) || this.#owner.awaits(table, path);
      const type = table === 'child' ? WATCHER_TYPE.children : WATCHER_TYPE.data;
      if (!isNeeded) this.#takeAway(path, type);
    } else {
      this.#board.leave(path, id);
    }
    this.#maybeForget(path);
  }

  #maybeForget(path: string): void {
    if (!this.#board.isLeftOver(path)) return;
    if (this.#owner.awaits('data', path) || this.#owner.awaits('child', path)) return;
    this.#board.forget(path);
    this.#takeAway(path, WATCHER_TYPE.any);
  }

  #takeAway(path: string, type: number): void {
    this.#expect({ kind: 'removeWatches', path, type }, undefined, () => undefined);
    this.#flushSoon();
  }

  /** In as many frames as it takes. The server tells at once what one-shots missed; the others are told to read again. */
  #setWatches(watches: readonly { readonly kind: keyof typeof LISTS; readonly path: string }[]): void {
    let frame: SetWatches | undefined;
    let bytes = 0;
    for (const { kind, path } of watches) {
      if (frame === undefined || bytes > REARMED_BYTES) {
        if (frame !== undefined) this.#sendWatches(frame);
        frame = { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] };
        bytes = 0;
      }
      frame[LISTS[kind]].push(path);
      bytes += 4 + 3 * path.length;
    }
    if (frame !== undefined) this.#sendWatches(frame);
  }

  #sendWatches(frame: SetWatches): void {
    const standing = [...frame.persistent, ...frame.persistentRecursive];
    this.#rearmings.push(({ zxid, error }) => {
      if (error !== 0) {
        const { code, message } = refusalOf(error);
        this.#lose(new ZkError(code, { message: `the watches were not set: ${message}` }));
        return;
      }
      for (const path of frame.persistent) this.#board.held(path, 'persistent');
      for (const path of frame.persistentRecursive) this.#board.held(path, 'persistentRecursive');
      for (const path of standing) this.#tellResync(path, zxid);
    });
    // Servers before 3.6 know only the old one.
    const kind = standing.length === 0 ? 'setWatches' : 'setWatches2';
    const request: SetWatchesRequest = { kind, relativeZxid: this.#toldZxid, ...frame };
    this.#write(XID.setWatches, request);
    this.#flushSoon();
  }

  #sendBeat(now: Moment): void {
    const before = this.#lastBeat;
    this.#lastBeat = now;
    this.#write(XID.ping, { kind: 'ping' });
    // A server without a quorum has nobody to ask.
    if (!this.#readOnly) {
      this.#expect({ kind: 'sync', path: '/' }, undefined, ({ zxid, error }) => {
        if (error === 0) this.#owner.heartbeatAcknowledged(before, zxid);
      });
    }
    this.#flushSoon();
  }

  #write(xid: number, request: JuteRequest): void {
    writeRequest(this.#writer, xid, request);
    if (this.#writer.size >= GATHERED_BYTES) this.#flush();
  }

  #flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.#env.atTurnEnd(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#open || this.#writer.size === 0) return;
    this.#flushedXid = this.#nextXid - 1;
    for (const piece of this.#writer.take()) this.#channel?.send(piece);
  }

  // What is heard.

  #receive(frame: Uint8Array): void {
    if (!this.#open) return;
    this.#pulse.heard();
    // What the replies of this turn lead to goes out together.
    this.#flushSoon();
    this.#owner.heard();
    if (!this.#open) return;
    try {
      if (this.#attached) this.#hear(new JuteReader(frame));
      else this.#hearConnected(frame);
    } catch (cause) {
      if (!(cause instanceof JuteError) && !isZkError(cause, 'MARSHALLING')) throw cause;
      const message = `the server is not understood: ${cause.message}`;
      this.#lose(new ZkError('MARSHALLING', { message, cause }));
    }
  }

  #hearConnected(frame: Uint8Array): void {
    if (frame.length === REPLY_HEADER_BYTES) {
      // A server in read-only mode answers so when it makes no sessions of its own (localSessionsEnabled).
      const { code, message } = refusalOf(readReplyHeader(new JuteReader(frame)).error);
      this.#lose(new ZkError(code, { message: `the server makes no session: ${message}` }));
      return;
    }
    const { timeoutMs, sessionId, password, readOnly = false } = decodeConnectResponse(frame);
    if (timeoutMs <= 0 || sessionId === 0n) {
      const message = 'the server does not know the session, or it has ended';
      this.#end({ kind: 'goodbye', code: 'SESSION_EXPIRED', message });
      return;
    }
    this.#attached = true;
    this.#readOnly = readOnly;
    const { frameBytesMax } = this.#attach;
    this.#owner.attached(
      {
        sessionId: sessionIdOf(sessionId),
        password,
        timeoutMs,
        clusterId: '',
        zxid: 0,
        readOnly,
        frameBytesMax,
      },
      this.#attachSentAt,
    );
    if (this.#open) this.#pulse.start(timeoutMs, timeoutMs / BEATS_PER_TIMEOUT);
  }

  #hear(reader: JuteReader): void {
    const header = readReplyHeader(reader);
    switch (header.xid) {
      case XID.notification:
        this.#hearEvent(readNotification(reader, header));
        return;
      case XID.ping:
        // Where there is no quorum nothing else shows that the server is well.
        if (this.#readOnly) this.#owner.heartbeatAcknowledged(this.#lastBeat, header.zxid);
        return;
      case XID.auth: {
        const request = this.#auths.shift();
        if (request === undefined) throw unexpected('an answer to credentials that it was not sent');
        this.#answer(request, this.#answerFor(request.ask, header, undefined));
        return;
      }
      case XID.setWatches: {
        const rearmed = this.#rearmings.shift();
        if (rearmed === undefined) throw unexpected('an answer to watches that it was not sent');
        rearmed(header);
        return;
      }
      default:
        this.#hearReply(header, reader);
    }
  }

  #hearReply(header: ReplyHeader, reader: JuteReader): void {
    const due = this.#dues[0];
    if (due === undefined || header.xid !== due.xid) {
      throw unexpected(`reply ${header.xid} where ${due?.xid ?? 'none'} was due`);
    }
    const { request, heard } = due;
    this.#dues.shift();
    if (header.zxid > this.#seenZxid) this.#seenZxid = header.zxid;
    if (request === undefined) {
      heard?.(header);
    } else {
      const error = due.syncError === 0 ? header.error : due.syncError;
      this.#hearAnswer(request, due, { ...header, error }, reader);
    }
    this.#delivered(header.zxid);
  }

  #hearAnswer(request: Request, { opcode }: Due, header: ReplyHeader, reader: JuteReader): void {
    const { ask } = request;
    const answer = this.#answerFor(ask, header, { reader, opcode });
    const isArmed = answer.kind === 'watch';
    if (ask.kind === 'addWatch' && isArmed) this.#armed(ask.watch);
    this.#answer(request, answer);
    if (ask.kind === 'addWatch' && !isArmed && this.#open) {
      // Reads behind it leant on it. What they wait for is armed on the next connection.
      const why = answer.kind === 'refused' ? answer.code : answer.kind;
      this.#lose(new Error(`the server did not take a watch that stays: ${why}`));
    }
  }

  #answerFor(
    ask: Ask,
    { error, zxid }: ReplyHeader,
    body: { readonly reader: JuteReader; readonly opcode: number } | undefined,
  ): Answer {
    // -1 of an operation that it does not know, 0 of credentials.
    const known = Math.max(0, zxid);
    if (error !== 0) return answerOfError(ask, known, error);
    if ('read' in ask && ask.read.minZxid > known) return behind(known, ask.read.minZxid);
    const read = body === undefined ? NO_BODY : readReplyBody(body.reader, body.opcode);
    return answerOfBody(ask, known, read);
  }

  #armed({ kind, path, fromZxid, id }: Extract<Ask, { kind: 'addWatch' }>['watch']): void {
    const held: PersistentWatchKind = this.#board.kindAt(path) ?? kind;
    this.#board.held(path, held);
    if (fromZxid === undefined) return;
    // What happened before is not told again.
    this.#owner.event({ type: 'resync', kind, path, zxid: this.#seenZxid, watchId: id });
  }

  #answer(request: Request, answer: Answer): void {
    this.#unanswered.remove(request);
    this.#owner.answered(request, answer);
  }

  #answerLocally(request: Request, answer: Answer): void {
    if (this.#open) this.#answer(request, answer);
  }

  #hearEvent({ type, path, zxid }: Notification): void {
    // Servers before 3.9 don't tell it.
    const known = Math.max(0, zxid);
    for (const kind of FIRED[type]) this.#owner.event({ type, kind, path, zxid: known, watchId: 0 });
    for (const event of this.#board.heard(type, path, known)) this.#owner.event(event);
    if (this.#open) this.#maybeForget(path);
  }

  #tellResync(path: string, zxid: number): void {
    for (const event of this.#board.resyncs(path, zxid)) this.#owner.event(event);
  }

  /** An event comes before any reply with its zxid, so that there are none left up to a reply's. */
  #delivered(zxid: number): void {
    if (zxid <= this.#toldZxid || !this.#open) return;
    this.#toldZxid = zxid;
    this.#owner.delivered(zxid);
  }

  #lose(error: Error): void {
    this.#end({ kind: 'lost', error });
  }

  #end(end: ConnectionEnd): void {
    if (!this.#open) return;
    this.#stop();
    this.#channel?.close();
    this.#owner.ended(end);
  }

  #stop(): void {
    this.#open = false;
    this.#pulse.stop();
  }
}

function unexpected(what: string): ZkError {
  return new ZkError('MARSHALLING', { message: `it sent ${what}` });
}

type SetWatches = Record<(typeof LISTS)[keyof typeof LISTS], string[]>;

/** The list of setWatches in which each kind is. */
const LISTS = {
  data: 'data',
  exist: 'exist',
  child: 'child',
  persistent: 'persistent',
  persistentRecursive: 'persistentRecursive',
} as const;

/** Shorter than any ConnectResponse. */
const REPLY_HEADER_BYTES = 16;

/** Which one-shot watches an event consumes. */
const FIRED: Readonly<Record<Notification['type'], readonly WatchKind[]>> = {
  created: ['exist', 'data'],
  changed: ['data', 'exist'],
  deleted: ['data', 'exist', 'child'],
  children: ['child'],
};

const NO_BODY = { kind: 'nothing' } as const;
const NO_PASSWORD: Uint8Array = new Uint8Array(16);
const HUNG_UP = 'the server hung up';
const REFUSED_SILENTLY =
  'the server hung up without an answer: it has no quorum, or it is behind what this client has seen';
