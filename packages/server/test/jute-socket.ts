import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import {
  type ConnectRequest,
  decodeConnectResponse,
  JuteReader,
  type JuteRequest,
  opcodeOf,
  type ReadConnectResponse,
  type ReadStat,
  type ReplyBody,
  type ReplyHeader,
  readReplyBody,
  readReplyHeader,
} from '@zabra/jute';
import { ArrivedBytes } from '../src/arrived-bytes.ts';
import { connectFrame, requestFrame } from './fuzz/seed-frames.ts';

export interface JuteReply extends ReplyHeader {
  readonly body: ReplyBody<ReadStat> | undefined;
}

/** A socket that speaks ZooKeeper's wire, well or not, as a test wants. */
export class JuteSocket implements Disposable {
  readonly #socket: Socket;
  readonly #arrived = new ArrivedBytes();
  readonly #frames: Buffer[] = [];
  #isOver = false;
  #changed: () => void = () => {};
  #xid = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    // What ends it shows as its end.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isOver = true;
      this.#changed();
    });
    socket.on('data', (chunk: Buffer) => this.#cut(chunk));
  }

  static async open(address: string, tls?: ConnectionOptions): Promise<JuteSocket> {
    const { hostname: host, port } = new URL(`tcp://${address}`);
    const to = { host, port: Number(port) };
    const socket = tls === undefined ? connectPlain(to) : connectTls({ ...to, ...tls });
    const opened = tls === undefined ? 'connect' : 'secureConnect';
    await new Promise<void>((resolve, reject) => {
      socket.once(opened, resolve);
      socket.once('error', reject);
    });
    return new JuteSocket(socket);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get socket(): Socket {
    return this.#socket;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The body of the next frame; undefined: the server has ended the connection. */
  async frame(): Promise<Buffer | undefined> {
    while (this.#frames.length === 0 && !this.#isOver)
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    return this.#frames.shift();
  }

  /** Resolves when the server has ended the connection, with the frames that came. */
  async end(): Promise<readonly Buffer[]> {
    const frames: Buffer[] = [];
    for (let frame = await this.frame(); frame !== undefined; frame = await this.frame()) frames.push(frame);
    return frames;
  }

  async attach(terms: Partial<ConnectRequest> = {}): Promise<ReadConnectResponse> {
    this.send(connectFrame(terms));
    return decodeConnectResponse(await this.#due());
  }

  async ask(request: JuteRequest): Promise<JuteReply> {
    this.#xid++;
    this.send(requestFrame(this.#xid, request));
    return await this.reply(opcodeOf(request));
  }

  /** The next frame, as the answer to such a request. */
  async reply(opcode: number): Promise<JuteReply> {
    const reader = new JuteReader(await this.#due());
    const header = readReplyHeader(reader);
    return { ...header, body: header.error === 0 ? readReplyBody(reader, opcode) : undefined };
  }

  async #due(): Promise<Buffer> {
    const frame = await this.frame();
    if (frame === undefined) throw new Error('the server has ended the connection');
    return frame;
  }

  #cut(chunk: Buffer): void {
    this.#arrived.append(chunk);
    while (this.#arrived.length >= 4 && this.#arrived.length >= 4 + this.#arrived.peekInt32())
      this.#frames.push(this.#arrived.take(4, this.#arrived.peekInt32()));
    this.#changed();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
