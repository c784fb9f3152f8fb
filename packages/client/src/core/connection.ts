/**
 * One stream to one server: gathers what is said in a turn into frames, matches replies to requests, keeps the
 * stream alive, and tells its owner everything in the order in which the server said it.
 *
 * A lone request goes out at once. What follows in the same turn, or while others are unanswered, is gathered
 * until the turn's end.
 */
import { unreachable } from '@zabra/model';
import type { Answer } from './ask.ts';
import type { ClientChannel, ClientEnv } from './env.ts';
import { ZkError, type ZkErrorCode } from './errors.ts';
import { type Moment, momentNow } from './moment.ts';
import type { Request } from './request.ts';
import { requestEntry } from './request-codec.ts';
import { RequestList } from './request-list.ts';
import type { SessionRecord } from './session.ts';
import {
  type AttachTerms,
  attachEntry,
  type ClientEntry,
  closeEntry,
  encodeEntries,
  type Granted,
  heartbeatEntry,
  type Rearmed,
  rearmEntries,
  type ServerWord,
  wordsOf,
} from './stream-codec.ts';
import type { ServerEvent } from './watches.ts';

/** What the owner of a connection is told; `ended` at most once, and nothing after it. */
export interface ConnectionOwner {
  /** A frame came; what it says follows. */
  heard(): void;
  attached(granted: Granted, sentAt: Moment): void;
  answered(request: Request, answer: Answer): void;
  event(event: ServerEvent): void;
  heartbeatAcknowledged(sentAt: Moment, zxid: number): void;
  /** A frame was told whole: so was every event up to this zxid, since those of one zxid come in one frame. */
  delivered(zxid: number): void;
  ended(end: ConnectionEnd): void;
}

export type ConnectionEnd =
  | { readonly kind: 'goodbye'; readonly code: ZkErrorCode | 'OK'; readonly message: string }
  | { readonly kind: 'lost'; readonly error: Error };

/** Above this a frame is sent without waiting for the turn's end. */
const FRAME_BYTES = 256 * 1024;
/** The last number a stream's requests can have. */
const XID_MAX = 2 ** 32 - 1;

export class Connection {
  readonly #env: ClientEnv;
  readonly #attach: AttachTerms;
  #channel: ClientChannel | undefined;
  readonly #owner: ConnectionOwner;
  #attachSentAt: Moment;
  /** Sent and unanswered, in the order of their xids; the first one's is `#firstXid`. */
  readonly #unanswered = new RequestList();
  #nextXid = 1;
  #firstXid = 1;
  #gathered: ClientEntry[] = [];
  #gatheredBytes = 0;
  #flushDue = false;
  #open = true;
  #attached = false;
  /** What the server takes in one frame; the first one of ours is short. */
  #frameBytesMax = FRAME_BYTES;
  #timeoutMs: number;
  readonly #beats = new Map<number, Moment>();
  #lastBeat = 0;
  #lastBeatMs: number;
  #lastHeardMs: number;
  /** The highest zxid in what was read of the frame of now. */
  #frameZxid = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(env: ClientEnv, owner: ConnectionOwner, attach: AttachTerms) {
    this.#env = env;
    this.#owner = owner;
    this.#attach = attach;
    this.#timeoutMs = attach.timeoutMs;
    this.#attachSentAt = momentNow(env);
    this.#lastBeatMs = this.#attachSentAt.monotonicMs;
    this.#lastHeardMs = this.#attachSentAt.monotonicMs;
  }

  /** Dials and asks for the session. The owner may be told at once that this was in vain. */
  open(address: string): void {
    this.#attachSentAt = momentNow(this.#env);
    this.#channel = this.#env.dial(address);
    this.#channel.receive({
      frame: (frame) => this.#receive(frame),
      closed: (error) =>
        this.#end({ kind: 'lost', error: error ?? new Error('the server closed the stream') }),
    });
    if (this.#open) this.#channel.send(encodeEntries([attachEntry(this.#attach)]));
  }

  /** Sent and unanswered. */
  get unanswered(): number {
    return this.#unanswered.length;
  }

  /** Only when attached. */
  send(request: Request, session: SessionRecord): void {
    if (this.#nextXid > XID_MAX) {
      // It goes on over the next stream, which counts anew; what is being read is read to its end before.
      this.#unanswered.push(request);
      this.#env.atTurnEnd(() =>
        this.#end({ kind: 'lost', error: new Error('the stream has used all its request numbers') }),
      );
      return;
    }
    const isLone = this.#unanswered.length === 0;
    this.#unanswered.push(request);
    request.sent = true;
    const xid = this.#nextXid++;
    const { requestNo } = request;
    const answeredThrough = request.isWrite ? session.answeredThrough : 0;
    this.#say(requestEntry(request.ask, { xid, requestNo, answeredThrough }), request.bytesMax, isLone);
  }

  /** Arms what another server held; before any request but those that prove who asks. */
  rearm(watches: Rearmed): void {
    // A frame for each entry, since paths may be long.
    for (const entry of rearmEntries(watches, this.#frameBytesMax)) this.#say(entry, FRAME_BYTES, false);
  }

  /** Asks for the end of the session, after all that was sent before; the answer is a goodbye. */
  sendClose(): void {
    this.#say(closeEntry(), 0, false);
    this.#flush();
  }

  /** Hangs up; the owner is not told. Answers what is unanswered, in order. */
  close(): readonly Request[] {
    if (this.#open) {
      this.#stop();
      this.#channel?.close();
    }
    return this.#unanswered.takeAll();
  }

  #say(entry: ClientEntry, bytesMax: number, atOnce: boolean): void {
    const frameBytes = Math.min(FRAME_BYTES, this.#frameBytesMax);
    if (this.#gatheredBytes + bytesMax > frameBytes) this.#flush();
    this.#gathered.push(entry);
    this.#gatheredBytes += bytesMax;
    if (this.#gatheredBytes >= frameBytes || (atOnce && !this.#flushDue)) this.#flush();
    else this.#flushAtTurnEnd();
  }

  #flushAtTurnEnd(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.#env.atTurnEnd(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#open || this.#gathered.length === 0) return;
    const entries = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#channel?.send(encodeEntries(entries));
  }

  #receive(frame: Uint8Array): void {
    if (!this.#open) return;
    this.#lastHeardMs = this.#env.monotonicMs();
    // What the replies of this frame lead to goes out together.
    this.#flushAtTurnEnd();
    this.#frameZxid = 0;
    this.#owner.heard();
    for (const word of this.#wordsOf(frame)) {
      // A word may have ended the connection, or made the owner end it.
      if (!this.#open) return;
      this.#hear(word);
    }
    if (this.#open) this.#owner.delivered(this.#frameZxid);
  }

  #sawZxid(zxid: number): void {
    if (zxid > this.#frameZxid) this.#frameZxid = zxid;
  }

  #wordsOf(frame: Uint8Array): readonly ServerWord[] {
    try {
      return wordsOf(frame);
    } catch (cause) {
      this.#misunderstood(cause instanceof Error ? cause.message : String(cause), cause);
      return [];
    }
  }

  #misunderstood(message: string, cause?: unknown): void {
    const error = new ZkError('MARSHALLING', { message: `the server is not understood: ${message}`, cause });
    this.#end({ kind: 'lost', error });
  }

  #hear(word: ServerWord): void {
    switch (word.kind) {
      case 'attached':
        if (this.#attached) {
          this.#misunderstood('it attached the session twice');
          return;
        }
        this.#attached = true;
        this.#frameBytesMax = word.granted.frameBytesMax;
        this.#timeoutMs = word.granted.timeoutMs;
        this.#owner.attached(word.granted, this.#attachSentAt);
        if (this.#open) this.#keepAlive();
        return;
      case 'reply': {
        const request = this.#unanswered.first;
        if (request === undefined || word.xid !== this.#firstXid) {
          this.#misunderstood(
            `reply ${word.xid} came where ${this.#firstXid} of ${this.#unanswered.length} was due`,
          );
          return;
        }
        this.#unanswered.remove(request);
        this.#firstXid++;
        // Credentials are proved before the server tells what was missed.
        if (request.ask.kind !== 'addAuth') this.#sawZxid(word.answer.zxid);
        this.#owner.answered(request, word.answer);
        return;
      }
      case 'event':
        this.#sawZxid(word.event.zxid);
        this.#owner.event(word.event);
        return;
      case 'heartbeatAck': {
        const sentAt = this.#beats.get(word.number);
        if (sentAt === undefined) {
          this.#misunderstood(`it acknowledged heartbeat ${word.number}, which it was not sent`);
          return;
        }
        for (const number of this.#beats.keys()) if (number <= word.number) this.#beats.delete(number);
        this.#sawZxid(word.zxid);
        this.#owner.heartbeatAcknowledged(sentAt, word.zxid);
        return;
      }
      case 'goodbye':
        // The server's last word: what it told before is told whole.
        this.#owner.delivered(this.#frameZxid);
        this.#end(word);
        return;
      default:
        unreachable(word);
    }
  }

  /** A heartbeat at once, since only it proves that the ensemble knows of us; then every third of the timeout. */
  #keepAlive(): void {
    const now = momentNow(this.#env);
    this.#lastBeat++;
    this.#beats.set(this.#lastBeat, now);
    this.#lastBeatMs = now.monotonicMs;
    this.#say(heartbeatEntry(this.#lastBeat), 0, false);
    this.#awaitNext();
  }

  #awaitNext(): void {
    const nextMs = Math.min(
      this.#lastBeatMs + this.#timeoutMs / 3,
      this.#lastHeardMs + (this.#timeoutMs * 2) / 3,
    );
    this.#cancelTimer = this.#env.after(Math.max(1, nextMs - this.#env.monotonicMs()), () => {
      // At the turn's end, so that what arrived while this process was busy is read before silence is judged.
      this.#env.atTurnEnd(() => this.#check());
    });
  }

  #check(): void {
    if (!this.#open) return;
    const now = this.#env.monotonicMs();
    const silentMs = now - this.#lastHeardMs;
    if (silentMs >= (this.#timeoutMs * 2) / 3) {
      this.#end({ kind: 'lost', error: new Error(`nothing was heard for ${Math.round(silentMs)} ms`) });
    } else if (now - this.#lastBeatMs >= this.#timeoutMs / 3) {
      this.#keepAlive();
    } else {
      this.#awaitNext();
    }
  }

  #end(end: ConnectionEnd): void {
    if (!this.#open) return;
    this.#stop();
    this.#channel?.close();
    this.#owner.ended(end);
  }

  #stop(): void {
    this.#open = false;
    this.#cancelTimer?.();
    this.#gathered = [];
  }
}
