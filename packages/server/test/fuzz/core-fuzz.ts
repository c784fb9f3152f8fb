import {
  decodeConnectResponse,
  JuteReader,
  OPCODE,
  type ReadConnectResponse,
  readNotification,
  readReplyBody,
  readReplyHeader,
  readRequestHeader,
  XID,
} from '@zabra/jute';
import { assert, type Identity } from '@zabra/model';
import type { FrameStream, StreamHandlers } from '../../src/core/env.ts';
import { OneServer } from '../model/one-server.ts';
import { Random } from '../model/random-operations.ts';
import { type Mutation, mutated } from './mutations.ts';
import { connectFrame, requestFrame, seedRequest } from './seed-frames.ts';

export interface CoreFuzzTally {
  readonly frames: Readonly<Record<string, number>>;
  readonly connections: number;
  /** Ended by the server. */
  readonly hungUp: number;
  readonly replies: number;
  readonly notifications: number;
}

/**
 * Mutated frames into a server's wire and core, in this process and without a socket. Throws where the server does: a broken
 * invariant, an error that is none of its own; and where an answer is no answer, is missing or is not in its turn.
 */
export function coreFuzz(seed: number, frames: number): CoreFuzzTally {
  return new CoreFuzz(seed).run(frames);
}

class CoreFuzz {
  readonly #random: Random;
  readonly #server = new OneServer({ sessionsMax: 1_000_000 });
  readonly #clients: FuzzClient[] = [];
  readonly #frames: Partial<Record<Mutation, number>> = {};
  readonly #greetings: ReadConnectResponse[] = [];
  #connections = 0;
  #hungUp = 0;
  #replies = 0;
  #notifications = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  run(frames: number): CoreFuzzTally {
    for (let sent = 0; sent < frames; sent++) {
      this.#say(this.#someClient());
      this.#happen();
    }
    // What waited behind a connect writes in turn.
    do {
      this.#server.deliver();
      this.#pump();
    } while (this.#server.proposed.length > 0);
    for (const client of this.#clients) client.settled();
    for (const client of this.#clients.splice(0)) client.hangUp();
    const { outstanding, outstandingBytes, connectionCount, watches } = this.#server.clients;
    const left = { outstanding, outstandingBytes, connectionCount, watches: watches.size };
    assert(
      Object.values(left).every((count) => count === 0),
      'nothing is left of clients that are gone',
      left,
    );
    return {
      frames: this.#frames,
      connections: this.#connections,
      hungUp: this.#hungUp,
      replies: this.#replies,
      notifications: this.#notifications,
    };
  }

  #someClient(): FuzzClient {
    const random = this.#random;
    if (this.#clients.length < CLIENTS || random.chance(1)) {
      if (this.#clients.length >= CLIENTS) this.#clients.splice(random.below(CLIENTS), 1)[0]?.hangUp();
      const client = new FuzzClient();
      this.#connections++;
      this.#clients.push(client);
      this.#server.clients.accept(client, 'zookeeper');
    }
    return random.pick(this.#clients);
  }

  #say(client: FuzzClient): void {
    const random = this.#random;
    const frame = client.isNew
      ? this.#connect()
      : requestFrame(1 + random.below(9), seedRequest(random, '/f'));
    const other = requestFrame(3, seedRequest(random, '/f'));
    // Most clients get in: behind the door there is more to break.
    const isKept = client.isNew && random.chance(90);
    const { mutation, bytes } = isKept
      ? { mutation: 'none' as const, bytes: frame }
      : mutated(random, frame, other, true);
    this.#frames[mutation] = (this.#frames[mutation] ?? 0) + 1;
    client.say(withPlainXid(bytes.subarray(4), client.isNew));
  }

  #connect(): Buffer {
    const random = this.#random;
    const former = random.chance(30) && this.#greetings.length > 0 ? random.pick(this.#greetings) : undefined;
    return connectFrame({
      readOnly: random.pick([undefined, true, false]),
      timeoutMs: random.pick([4000, 0, -1, 100_000]),
      ...(former !== undefined && {
        sessionId: former.sessionId,
        password: random.chance(80) ? former.password : new Uint8Array(16),
      }),
    });
  }

  /** What happens between two frames. */
  #happen(): void {
    const random = this.#random;
    const server = this.#server;
    if (random.chance(30)) server.deliver(random.below(20));
    if (random.below(2000) === 0) server.changeLeader();
    if (random.chance(5)) {
      server.timeMs += random.below(100);
      server.clients.tick();
    }
    server.deliver(0);
    this.#pump();
  }

  #pump(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const client of this.#clients) if (client.goOn()) isBusy = true;
      this.#server.deliver(0);
    }
    for (const client of [...this.#clients]) {
      const { replies, notifications, greeting } = client.take();
      this.#replies += replies;
      this.#notifications += notifications;
      if (greeting !== undefined) this.#greeted(greeting);
      if (!client.ended) continue;
      this.#hungUp++;
      this.#clients.splice(this.#clients.indexOf(client), 1);
    }
  }

  #greeted(greeting: ReadConnectResponse): void {
    if (greeting.sessionId === 0n) return;
    this.#greetings.push(greeting);
    if (this.#greetings.length > 50) this.#greetings.shift();
  }
}

/** -1 and -2 as numbers of a request would be taken for a notification or a ping. */
function withPlainXid(body: Buffer, isConnect: boolean): Buffer {
  if (isConnect || body.length < 4) return body;
  const xid = body.readInt32BE(0);
  if (xid !== XID.notification && xid !== XID.ping) return body;
  const plain = Buffer.from(body);
  plain.writeInt32BE(7);
  return plain;
}

/** A client's end of a stream, which knows what it is owed. */
class FuzzClient implements FrameStream {
  readonly remote = 'a fuzzer';
  readonly identities: readonly Identity[] = [{ scheme: 'ip', id: '10.0.0.1' }];
  readonly queuedBytes = 0;
  ended = false;
  #handlers: StreamHandlers | undefined;
  #isPaused = false;
  #isNew = true;
  #isGreeted = false;
  #waiting: Buffer[] = [];
  #came: Uint8Array[] = [];
  /** Requests without an answer, in their order. */
  #owed: { readonly xid: number; readonly opcode: number }[] = [];
  #pings = 0;
  readonly #history: string[] = [];

  /** It has said nothing. */
  get isNew(): boolean {
    return this.#isNew;
  }

  say(body: Buffer): void {
    this.#isNew = false;
    this.#waiting.push(body);
    this.goOn();
  }

  /** True when something was passed on. */
  goOn(): boolean {
    let isBusy = false;
    while (!this.#isPaused && !this.ended) {
      const body = this.#waiting.shift();
      if (body === undefined) break;
      isBusy = true;
      this.#owe(body);
      this.#handlers?.frame(body);
    }
    return isBusy;
  }

  #owe(body: Buffer): void {
    this.#history.push(body.toString('hex').slice(0, 200));
    if (this.#history.length === 1 || body.length < 8) return;
    const { xid, opcode } = readRequestHeader(new JuteReader(body));
    if (opcode === OPCODE.ping) this.#pings++;
    else this.#owed.push({ xid, opcode });
  }

  send(piece: Uint8Array): void {
    this.#came.push(Uint8Array.from(piece));
  }

  close(): void {
    this.ended = true;
  }

  receive(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  hangUp(): void {
    this.ended = true;
    this.#handlers?.closed(undefined);
  }

  /** Reads what came. */
  take(): { replies: number; notifications: number; greeting: ReadConnectResponse | undefined } {
    const seen = { replies: 0, notifications: 0, greeting: undefined as ReadConnectResponse | undefined };
    for (const frame of cut(Buffer.concat(this.#came.splice(0)))) {
      if (!this.#isGreeted) {
        this.#isGreeted = true;
        seen.greeting = decodeConnectResponse(frame);
      } else if (this.#hear(frame)) seen.notifications++;
      else seen.replies++;
    }
    return seen;
  }

  /** Whether it is a notification. */
  #hear(frame: Buffer): boolean {
    const reader = new JuteReader(frame);
    const header = readReplyHeader(reader);
    if (header.xid === XID.notification) {
      readNotification(reader, header);
      this.#check(reader.rest === 0, 'a notification has nothing behind it');
      return true;
    }
    if (header.xid === XID.ping) {
      this.#pings--;
      this.#check(this.#pings >= 0, 'a ping is answered once');
      return false;
    }
    const due = this.#owed.shift();
    this.#check(due?.xid === header.xid, `answers come in the order of the requests: ${header.xid}`);
    if (header.error === 0) readReplyBody(reader, due?.opcode ?? 0);
    this.#check(reader.rest === 0, 'an answer has nothing behind it');
    return false;
  }

  /** All is answered that can be. */
  settled(): void {
    if (this.#isPaused || !this.#isGreeted) return;
    this.#check(this.#owed.length === 0, `every request is answered: ${JSON.stringify(this.#owed)}`);
  }

  #check(holds: boolean, rule: string): void {
    assert(holds, rule, { history: this.#history.slice(-8) });
  }
}

function cut(bytes: Buffer): readonly Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readInt32BE(at);
    frames.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return frames;
}

const CLIENTS = 12;
