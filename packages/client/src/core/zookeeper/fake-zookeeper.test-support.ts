import {
  decodeConnectRequest,
  type EventType,
  JuteReader,
  type JuteRequest,
  type JuteStat,
  JuteWriter,
  type ReadConnectRequest,
  type ReplyBody,
  readRequest,
  readRequestHeader,
  writeConnectResponse,
  writeNotification,
  writeReply,
} from '@zabra/jute';
import { FrameReader } from '../../tcp-env.ts';
import type { ConnectOptions } from '../connect-options.ts';
import { connectOn } from '../create-client.ts';
import type { ClientChannel } from '../env.ts';
import { FakeWorld, held, settled } from '../fake-network.test-support.ts';
import type { ZooKeeper } from '../zookeeper.ts';

type Handlers = Parameters<ClientChannel['receive']>[0];

export interface Sent {
  readonly xid: number;
  readonly request: JuteRequest;
}

/** One connection as its server sees it: what the client said, and what the test lets the server say. */
export class ZooKeeperStream implements ClientChannel {
  readonly address: string;
  /** In the order in which it came, pings and the rest included. */
  readonly sent: Sent[] = [];
  connect: ReadConnectRequest | undefined;
  isClosed = false;
  readonly #frames = new FrameReader();
  #handlers: Handlers | undefined;

  constructor(address: string) {
    this.address = address;
  }

  send(bytes: Uint8Array): void {
    this.#frames.read(bytes.slice(), (frame) => {
      if (this.connect === undefined) {
        this.connect = decodeConnectRequest(frame);
        return;
      }
      const reader = new JuteReader(frame);
      const { xid, opcode } = readRequestHeader(reader);
      const request = readRequest(reader, opcode);
      if (request === undefined) throw new Error(`operation ${opcode} is unknown`);
      this.sent.push({ xid, request });
    });
  }

  close(): void {
    this.isClosed = true;
  }

  receive(handlers: Handlers): void {
    this.#handlers = handlers;
  }

  /** Of the user's calls and what they need: those with a number, without what keeps the session alive. */
  get asked(): readonly Sent[] {
    const beats = new Set<Sent>();
    this.sent.forEach((each, index) => {
      const next = this.sent[index + 1];
      if (each.request.kind === 'ping' && next?.request.kind === 'sync') beats.add(next);
    });
    return this.sent.filter((each) => each.xid > 0 && !beats.has(each));
  }

  get kinds(): readonly string[] {
    return this.sent.map(({ request }) => request.kind);
  }

  async accept(granted: { sessionId?: bigint; timeoutMs?: number; readOnly?: boolean } = {}): Promise<void> {
    const { sessionId = SESSION, timeoutMs = 8_000, readOnly = false } = granted;
    const password = new Uint8Array(16).fill(sessionId === 0n ? 0 : 9);
    const writer = new JuteWriter();
    writeConnectResponse(writer, { protocolVersion: 0, timeoutMs, sessionId, password, readOnly });
    await this.#say(writer);
  }

  async reply(xid: number, body?: ReplyBody, zxid = 101, error = 0): Promise<void> {
    const writer = new JuteWriter();
    writeReply(writer, { xid, zxid, error }, body);
    await this.#say(writer);
  }

  async event(type: EventType, path: string, zxid = -1): Promise<void> {
    const writer = new JuteWriter();
    writeNotification(writer, { type, path, zxid });
    await this.#say(writer);
  }

  /** Answers the latest ping, and unless told otherwise the sync behind it. */
  async beat(withSync = true): Promise<void> {
    const index = this.sent.findLastIndex(({ request }) => request.kind === 'ping');
    await this.reply(-2, { kind: 'nothing' });
    const sync = this.sent[index + 1];
    if (withSync && sync !== undefined) await this.reply(sync.xid, { kind: 'path', path: '/' }, 100);
  }

  /** One frame, whatever is in it. */
  sayBytes(frame: Uint8Array): void {
    this.#handlers?.frame(frame);
  }

  async breakOff(error: Error | undefined = new Error('connection reset')): Promise<void> {
    this.#handlers?.closed(error);
    await settled();
  }

  async #say(writer: JuteWriter): Promise<void> {
    const frames = new FrameReader();
    for (const piece of writer.take()) frames.read(piece, (frame) => this.#handlers?.frame(frame));
    await settled();
  }
}

export class ZooKeeperWorld extends FakeWorld {
  readonly servers: ZooKeeperStream[] = [];

  override dial(address: string): ClientChannel {
    const stream = new ZooKeeperStream(address);
    this.servers.push(stream);
    return stream;
  }

  get server(): ZooKeeperStream {
    const server = this.servers.at(-1);
    if (server === undefined) throw new Error('nothing was dialled');
    return server;
  }

  /** The server that is tried after a loss takes the client. */
  async reconnect(granted: Parameters<ZooKeeperStream['accept']>[0] = {}): Promise<ZooKeeperStream> {
    const before = this.servers.length;
    while (this.servers.length === before) await this.advance(10);
    const { server } = this;
    await server.accept(granted);
    await this.turn();
    return server;
  }
}

/** With the sign bit set, as of a server whose id is above 127. */
export const SESSION = -0x7edc_ba98_7654_3210n;

/** A client with a session of 8 s whose first beat was answered. */
export async function connected(
  options: Partial<ConnectOptions> = {},
): Promise<{ world: ZooKeeperWorld; zk: ZooKeeper; server: ZooKeeperStream }> {
  const world = new ZooKeeperWorld();
  const connecting = held(
    connectOn(world, { servers: 'zookeeper://h1:1', sessionTimeoutMs: 8_000, ...options }),
  );
  const { server } = world;
  await server.accept();
  await world.turn();
  await server.beat();
  await world.turn();
  return { world, zk: await connecting, server };
}

export function statAt(zxid: number, more: Partial<JuteStat> = {}): JuteStat {
  return {
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctimeMs: 5,
    mtimeMs: 6,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0,
    dataLength: 0,
    numChildren: 0,
    ...more,
  };
}
