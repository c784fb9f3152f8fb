import {
  decodeConnectResponse,
  JuteError,
  JuteReader,
  type JuteRequest,
  JuteWriter,
  OPCODE,
  opcodeOf,
  type ReadConnectResponse,
  type ReadStat,
  type ReplyBody,
  readReplyBody,
  readReplyHeader,
  writeConnectRequest,
  writeRequest,
  XID,
} from '@zabra/jute';
import { framed, type Heard, Line } from './conversation-line.test-support.ts';
import { textOf } from './conversation-requests.test-support.ts';
import type { Servers } from './servers.ts';

/** Something that came from a server, as it came. */
export type Frame =
  | ({ readonly frame: 'connected' } & ReadConnectResponse)
  | {
      readonly frame: 'event';
      readonly zxid: number;
      readonly error: number;
      readonly type: number;
      readonly state: number;
      readonly path: string | undefined;
    }
  | {
      readonly frame: 'reply';
      readonly opcode: number;
      readonly xid: number;
      readonly zxid: number;
      readonly error: number;
      /** undefined where the header has an error. */
      readonly body: ReplyBody<ReadStat> | undefined;
      /** Behind the body. */
      readonly restBytes: number;
    }
  /** No answer to anything that was asked. */
  | { readonly frame: 'stray'; readonly bytes: number }
  | { readonly frame: 'closed' };

/** A request, and all that its connection heard from then until its answer: events, the answer, or the end. */
export interface Exchange {
  /** From 1. */
  readonly number: number;
  /** Name of the connection. */
  readonly on: string;
  readonly kind: 'request' | 'connect' | 'listen';
  readonly said: string;
  readonly got: readonly Frame[];
}

export interface AskOptions {
  /** Otherwise the next one, or the one that is usual for such a request. */
  readonly xid?: number;
  /** Which xid the answer has, where it is another. */
  readonly answeredWith?: number;
  /** There may be no answer; it is not waited for longer. */
  readonly quietMs?: number;
  /** What the request's own text does not say. */
  readonly note?: string;
}

export interface ConnectOptions {
  /** A server's id. Default 1. */
  readonly to?: number;
  readonly protocolVersion?: number;
  readonly lastZxidSeen?: number;
  readonly timeoutMs?: number;
  /** Default: a new one. */
  readonly sessionId?: bigint;
  readonly password?: Uint8Array | undefined;
  /** undefined: not said at all. Default false. */
  readonly readOnly?: boolean | undefined;
  /** Instead of the record. */
  readonly bytes?: Uint8Array;
  readonly note?: string;
}

/**
 * A conversation with the servers of one ensemble, over several connections that have names, and its record. One thing is
 * said at a time, so that two servers that answer alike make the same record.
 */
export class Conversation {
  readonly servers: Servers;
  readonly #exchanges: Exchange[] = [];
  readonly #speakers = new Set<Speaker>();

  constructor(servers: Servers) {
    this.servers = servers;
  }

  get exchanges(): readonly Exchange[] {
    return this.#exchanges;
  }

  /** A new connection, with its first frame said and answered. */
  async connect(name: string, options: ConnectOptions = {}): Promise<Speaker> {
    const line = await Line.open(this.servers.addressOf(options.to ?? 1));
    const speaker = new Speaker(name, line, (exchange) => {
      this.#exchanges.push({ ...exchange, number: this.#exchanges.length + 1, on: name });
    });
    this.#speakers.add(speaker);
    await speaker.greet(options);
    return speaker;
  }

  /** As `connect`, as often as it takes until the server gives a session; only then it is in the record. */
  async connectWhenServed(name: string, options: ConnectOptions): Promise<Speaker> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const before = this.#exchanges.length;
      const speaker = await this.connect(name, options);
      if (this.#exchanges.at(-1)?.got.some(({ frame }) => frame === 'connected') === true) return speaker;
      if (performance.now() > deadline) throw new Error(`${name} waited ${PATIENCE_MS} ms for a session`);
      this.#exchanges.length = before;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }

  /**
   * Resolves once each server has applied every write that was answered. A real leader judges writes by the ACLs before a
   * setACL until it has applied that, be the client of a follower answered already.
   */
  async settle(): Promise<void> {
    const newest = Math.max(...[...this.#speakers].map(({ lastZxid }) => lastZxid));
    for (const id of this.servers.ids) {
      const line = await Line.open(this.servers.addressOf(id));
      const witness = new Speaker('witness', line, () => undefined);
      await witness.greet({});
      const deadline = performance.now() + PATIENCE_MS;
      while (witness.lastZxid < newest) {
        await witness.ask(ROOT);
        if (performance.now() > deadline) throw new Error(`server ${id} does not apply what others have`);
      }
      await witness.ask({ kind: 'closeSession' });
      witness.leave();
    }
  }

  /** Leaves all connections without a word. */
  leave(): void {
    for (const speaker of this.#speakers) speaker.leave();
  }
}

type Recorded = Omit<Exchange, 'number' | 'on'>;

/** One named connection of a conversation. */
export class Speaker {
  readonly name: string;
  readonly #line: Line;
  readonly #record: (exchange: Recorded) => void;
  #lastXid = 0;
  #lastZxid = 0;
  #session: ReadConnectResponse | undefined;

  constructor(name: string, line: Line, record: (exchange: Recorded) => void) {
    this.name = name;
    this.#line = line;
    this.#record = record;
  }

  /** What it was given when it connected. */
  get session(): { readonly sessionId: bigint; readonly password: Uint8Array } {
    if (this.#session === undefined) throw new Error(`${this.name} has no session`);
    return this.#session;
  }

  /** The largest zxid of its replies, as clients keep it. */
  get lastZxid(): number {
    return this.#lastZxid;
  }

  async greet(options: ConnectOptions): Promise<void> {
    this.#line.send(options.bytes ?? connectFrame(options));
    const got: Frame[] = [];
    const heard = await this.#line.next(PATIENCE_MS);
    if (heard instanceof Uint8Array) {
      this.#session = decodeConnectResponse(heard);
      got.push({ frame: 'connected', ...this.#session });
      if (this.#session.timeoutMs === 0) await this.#untilOver(got);
    } else if (heard === 'closed') got.push({ frame: 'closed' });
    const { note = '' } = options;
    this.#record({ kind: 'connect', said: `connect ${note}`.trim(), got });
  }

  /** Resolves to the body of the answer, undefined where there is none. */
  ask(request: JuteRequest, options: AskOptions = {}): Promise<ReplyBody<ReadStat> | undefined> {
    const xid = options.xid ?? USUAL_XIDS.get(request.kind) ?? ++this.#lastXid;
    const writer = new JuteWriter();
    writeRequest(writer, xid, request);
    const said = `${textOf(request)}${options.xid === undefined ? '' : ` with xid ${xid}`}`;
    return this.#say(Buffer.concat(writer.take()), said, { xid, opcode: opcodeOf(request) }, options);
  }

  /** A request whose record is just these bytes. */
  askRaw(opcode: number, body: Uint8Array, said: string, options: AskOptions = {}): Promise<unknown> {
    const xid = options.xid ?? ++this.#lastXid;
    const header = Buffer.alloc(8);
    header.writeInt32BE(xid, 0);
    header.writeInt32BE(opcode, 4);
    return this.#say(framed(Buffer.concat([header, body])), said, { xid, opcode }, options);
  }

  /** Bytes that are no request. Whatever comes until the connection ends, or for so long, is heard. */
  async sayBytes(bytes: Uint8Array, said: string, options: AskOptions = {}): Promise<void> {
    await this.#say(bytes, said, { xid: NO_XID, opcode: NO_XID }, options);
  }

  /** Hears without asking, until `count` frames have come, or the end. */
  async listen(said: string, count: number, options: AskOptions = {}): Promise<void> {
    const got: Frame[] = [];
    while (got.length < count) {
      const heard = await this.#line.next(options.quietMs ?? PATIENCE_MS);
      if (heard === undefined) break;
      got.push(this.#frameOf(heard, NO_XID, NO_XID));
      if (heard === 'closed') break;
    }
    this.#record({ kind: 'listen', said: `(${said})`, got });
  }

  leave(): void {
    this.#line.leave();
  }

  async #say(
    bytes: Uint8Array,
    said: string,
    { xid, opcode }: { readonly xid: number; readonly opcode: number },
    { answeredWith = xid, quietMs = PATIENCE_MS, note }: AskOptions,
  ): Promise<ReplyBody<ReadStat> | undefined> {
    this.#line.send(bytes);
    const got: Frame[] = [];
    let answer: Frame | undefined;
    while (answer === undefined) {
      const heard = await this.#line.next(quietMs);
      if (heard === undefined) break;
      const frame = this.#frameOf(heard, answeredWith, opcode);
      got.push(frame);
      if (frame.frame === 'reply' || frame.frame === 'closed') answer = frame;
    }
    const text = note === undefined ? said : `${said} (${note})`;
    this.#record({ kind: 'request', said: text, got });
    return answer?.frame === 'reply' ? answer.body : undefined;
  }

  async #untilOver(got: Frame[]): Promise<void> {
    for (;;) {
      const heard = await this.#line.next(PATIENCE_MS);
      if (heard === undefined) return;
      got.push(this.#frameOf(heard, NO_XID, NO_XID));
      if (heard === 'closed') return;
    }
  }

  #frameOf(heard: Heard, expectedXid: number, opcode: number): Frame {
    if (heard === 'closed') return { frame: 'closed' };
    const stray: Frame = { frame: 'stray', bytes: heard.length };
    try {
      const reader = new JuteReader(heard);
      const header = readReplyHeader(reader);
      if (header.xid === XID.notification && expectedXid !== XID.notification)
        return {
          frame: 'event',
          zxid: header.zxid,
          error: header.error,
          type: reader.int('type'),
          state: reader.int('state'),
          path: reader.ustring('path'),
        };
      if (header.xid !== expectedXid) return stray;
      this.#lastZxid = Math.max(this.#lastZxid, header.zxid);
      const body = header.error === 0 ? readReplyBody(reader, opcode) : undefined;
      return { frame: 'reply', opcode, ...header, body, restBytes: reader.rest };
    } catch (error) {
      if (error instanceof JuteError) return stray;
      throw error;
    }
  }
}

function connectFrame(options: ConnectOptions): Uint8Array {
  const writer = new JuteWriter();
  writeConnectRequest(writer, {
    protocolVersion: options.protocolVersion ?? 0,
    lastZxidSeen: options.lastZxidSeen ?? 0,
    timeoutMs: options.timeoutMs ?? 8000,
    sessionId: options.sessionId ?? 0n,
    password: options.password ?? NO_PASSWORD,
    readOnly: 'readOnly' in options ? options.readOnly : false,
  });
  return Buffer.concat(writer.take());
}

const ROOT: JuteRequest = { kind: 'exists', path: '/', watch: false };
const PATIENCE_MS = 15_000;
const ASK_AGAIN_MS = 100;
/** Of no reply. */
const NO_XID = Number.NaN;
const NO_PASSWORD = new Uint8Array(16);
const USUAL_XIDS: ReadonlyMap<JuteRequest['kind'], number> = new Map([
  ['ping', XID.ping],
  ['auth', XID.auth],
  ['setWatches', XID.setWatches],
  ['setWatches2', XID.setWatches],
]);
/** Numbers that are an operation to somebody, though no client sends them. */
export const NO_OPERATIONS: Readonly<Record<string, number>> = {
  none: 0,
  between: 10,
  far: 999,
  createSession: OPCODE.createSession,
};
