/**
 * One stream to one server, in Zabra's own words: gathers what is said in a turn into frames, matches replies to requests, keeps the
 * stream alive, and tells its owner everything in the order in which the server said it.
 *
 * A lone request goes out at once. What follows in the same turn, or while others are unanswered, is gathered
 * until the turn's end.
 */
import { type Refusal, unreachable } from '@zabra/model';
import type { ClientChannel, ClientEnv } from './env.ts';
import { ZkError } from './errors.ts';
import { type Moment, momentNow } from './moment.ts';
import { Pulse } from './pulse.ts';
import type { Request } from './request.ts';
import { frameBytesOf, requestEntry } from './request-codec.ts';
import { RequestList } from './request-list.ts';
import type { SessionRecord } from './session.ts';
import {
  attachEntry,
  type ClientEntry,
  closeEntry,
  encodeEntries,
  heartbeatEntry,
  rearmEntries,
  type ServerWord,
  wordsOf,
} from './stream-codec.ts';
import type { AttachTerms, Connection, ConnectionEnd, ConnectionOwner, Rearmed, Wire } from './wire.ts';

/** Zabra's own, which lacks nothing. */
export const zabraWire: Wire = {
  name: 'zabra',
  connection: (env, owner, attach) => new StreamConnection(env, owner, attach),
  faultOf: (): Refusal | undefined => undefined,
  frameBytesOf,
  doesWritesOnce: true,
  checksOwners: true,
  deletesTrees: true,
  pagesChildren: true,
};

/** Above this a frame is sent without waiting for the turn's end. */
const FRAME_BYTES = 256 * 1024;
/** The last number a stream's requests can have. */
const XID_MAX = 2 ** 32 - 1;

class StreamConnection implements Connection {
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
  readonly #beats = new Map<number, Moment>();
  #lastBeat = 0;
  readonly #pulse: Pulse;
  /** The highest zxid in what was read of the frame of now. */
  #frameZxid = 0;

  constructor(env: ClientEnv, owner: ConnectionOwner, attach: AttachTerms) {
    this.#env = env;
    this.#owner = owner;
    this.#attach = attach;
    this.#attachSentAt = momentNow(env);
    this.#pulse = new Pulse(env, {
      beat: (now) => this.#sayHeartbeat(now),
      silent: (silentMs) => {
        this.#end({ kind: 'lost', error: new Error(`nothing was heard for ${Math.round(silentMs)} ms`) });
      },
    });
  }

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

  get unanswered(): number {
    return this.#unanswered.length;
  }

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

  rearm(watches: Rearmed): void {
    // A frame for each entry, since paths may be long.
    for (const entry of rearmEntries(watches, this.#frameBytesMax)) this.#say(entry, FRAME_BYTES, false);
  }

  sendClose(): void {
    this.#say(closeEntry(), 0, false);
    this.#flush();
  }

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
    this.#pulse.heard();
    // What the replies of this frame lead to goes out together.
    this.#flushAtTurnEnd();
    this.#frameZxid = 0;
    this.#owner.heard();
    for (const word of this.#wordsOf(frame)) {
      // A word may have ended the connection, or made the owner end it.
      if (!this.#open) return;
      this.#hear(word);
    }
    // Events of one zxid come in one frame.
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
        this.#owner.attached(word.granted, this.#attachSentAt);
        if (this.#open) this.#pulse.start(word.granted.timeoutMs, word.granted.timeoutMs / 3);
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

  #sayHeartbeat(now: Moment): void {
    this.#lastBeat++;
    this.#beats.set(this.#lastBeat, now);
    this.#say(heartbeatEntry(this.#lastBeat), 0, false);
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
    this.#gathered = [];
  }
}
