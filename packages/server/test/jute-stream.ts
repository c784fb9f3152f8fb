import {
  decodeConnectResponse,
  JuteReader,
  type JuteRequest,
  type Notification,
  OPCODE,
  opcodeOf,
  type ReadConnectResponse,
  type ReadStat,
  type ReplyBody,
  readNotification,
  readReplyBody,
  readReplyHeader,
  XID,
} from '@zabra/jute';
import type { Identity } from '@zabra/model';
import type { FrameStream, StreamHandlers } from '../src/core/env.ts';
import { connectFrame, requestFrame } from './fuzz/seed-frames.ts';

/** What a client of ZooKeeper's wire hears. */
export type JuteWord =
  | { readonly kind: 'greeting'; readonly greeting: ReadConnectResponse }
  | {
      readonly kind: 'reply';
      readonly xid: number;
      readonly zxid: number;
      readonly error: number;
      readonly body: ReplyBody<ReadStat> | undefined;
    }
  | ({ readonly kind: 'event' } & Notification);

/** A client's end of a stream without a network. What is said while it is paused arrives when it goes on. */
export class JuteStream implements FrameStream {
  readonly remote = 'a test';
  readonly identities: readonly Identity[];
  queuedBytes = 0;
  closed = false;
  paused = false;
  #handlers: StreamHandlers | undefined;
  #waiting: Buffer[] = [];
  #came: Uint8Array[] = [];
  #isGreeted = false;
  readonly #opcodes = new Map<number, number>();

  constructor(address = '10.0.0.1') {
    this.identities = [{ scheme: 'ip', id: address }];
  }

  connect(terms: Parameters<typeof connectFrame>[0] = {}): void {
    this.raw(connectFrame(terms));
  }

  /** Each with a number of its own. */
  ask(xid: number, request: JuteRequest): void {
    this.#opcodes.set(xid, opcodeOf(request));
    this.raw(requestFrame(xid, request));
  }

  /** A whole frame, whatever it holds. */
  raw(frame: Buffer): void {
    this.#waiting.push(frame.subarray(4));
    this.goOn();
  }

  goOn(): void {
    while (!this.paused && !this.closed) {
      const body = this.#waiting.shift();
      if (body === undefined) return;
      this.#handlers?.frame(body);
    }
  }

  /** What came since it was called last. */
  heard(): readonly JuteWord[] {
    const bytes = Buffer.concat(this.#came.splice(0));
    const words: JuteWord[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readInt32BE(at);
      words.push(this.#word(bytes.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    return words;
  }

  #word(frame: Buffer): JuteWord {
    if (!this.#isGreeted) {
      this.#isGreeted = true;
      return { kind: 'greeting', greeting: decodeConnectResponse(frame) };
    }
    const reader = new JuteReader(frame);
    const header = readReplyHeader(reader);
    if (header.xid === XID.notification) return { kind: 'event', ...readNotification(reader, header) };
    const opcode = header.xid === XID.ping ? OPCODE.ping : this.#opcodes.get(header.xid);
    if (opcode === undefined) throw new Error(`nobody asked ${header.xid}`);
    const body = header.error === 0 ? readReplyBody(reader, opcode) : undefined;
    if (reader.rest > 0) throw new Error(`${reader.rest} bytes behind the answer to ${header.xid}`);
    return { kind: 'reply', ...header, body };
  }

  send(piece: Uint8Array): void {
    this.#came.push(Uint8Array.from(piece));
  }
  close(): void {
    this.closed = true;
  }
  receive(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  hangUp(): void {
    this.closed = true;
    this.#handlers?.closed(undefined);
  }
}
