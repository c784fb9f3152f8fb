import { connect as connectTcp, type Socket } from 'node:net';
import {
  decodeConnectResponse,
  JuteReader,
  type JuteRequest,
  JuteWriter,
  opcodeOf,
  type ReadStat,
  type ReplyBody,
  readReplyBody,
  readReplyHeader,
  writeConnectRequest,
  writeRequest,
} from '@zabra/jute';

/** What a server answered: a body, or the number of an error. */
export type WireReply =
  | { readonly error: 0; readonly body: ReplyBody<ReadStat> }
  | { readonly error: number; readonly body: undefined };

interface Waiting {
  readonly opcode: number;
  readonly resolve: (reply: WireReply) => void;
  readonly reject: (error: Error) => void;
}

/** One session on ZooKeeper's wire, without anything of a client: requests go out as they come, replies in their order. */
export class WireSession implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #writer = new JuteWriter();
  readonly #waiting: Waiting[] = [];
  #received: Buffer = Buffer.alloc(0);
  #xid = 0;
  #isFlushing = false;
  #isOpen: ((frame: Uint8Array) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => this.#fail(new Error('the server has closed the connection')));
    socket.on('error', (error) => this.#fail(error));
  }

  /** `address` is `host:port`. */
  static async open(address: string, timeoutMs = 10_000): Promise<WireSession> {
    const [host = '', port = ''] = address.split(':');
    const socket = connectTcp({ host, port: Number(port) });
    const session = new WireSession(socket);
    const answered = new Promise<Uint8Array>((resolve, reject) => {
      session.#isOpen = resolve;
      socket.once('error', reject);
    });
    writeConnectRequest(session.#writer, {
      protocolVersion: 0,
      lastZxidSeen: 0,
      timeoutMs,
      sessionId: 0,
      password: new Uint8Array(16),
      readOnly: false,
    });
    session.#flush();
    const { timeoutMs: granted } = decodeConnectResponse(await answered);
    if (granted === 0) throw new Error(`${address} gives no session`);
    return session;
  }

  request(request: JuteRequest): Promise<WireReply> {
    writeRequest(this.#writer, request.kind === 'auth' ? -4 : ++this.#xid, request);
    this.#flush();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ opcode: opcodeOf(request), resolve, reject });
    });
  }

  /** Rejects where the server refuses. */
  async ask(request: JuteRequest): Promise<ReplyBody<ReadStat>> {
    const { error, body } = await this.request(request);
    if (body === undefined) throw new Error(`error ${error} for ${JSON.stringify(request).slice(0, 200)}`);
    return body;
  }

  /** Ends the connection, not the session: its ephemerals stay until it expires. */
  abandon(): void {
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#socket.destroyed) await this.request({ kind: 'closeSession' });
    this.#socket.destroy();
  }

  /** What one turn brought goes out together. */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#socket.write(Buffer.concat(this.#writer.take()));
    });
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    let at = 0;
    while (this.#received.length - at >= 4) {
      const end = at + 4 + this.#received.readInt32BE(at);
      if (end > this.#received.length) break;
      this.#answer(this.#received.subarray(at + 4, end));
      at = end;
    }
    this.#received = this.#received.subarray(at);
  }

  #answer(frame: Uint8Array): void {
    if (this.#isOpen !== undefined) {
      this.#isOpen(frame);
      this.#isOpen = undefined;
      return;
    }
    const reader = new JuteReader(frame);
    const { error } = readReplyHeader(reader);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    if (error === 0) waiting.resolve({ error: 0, body: readReplyBody(reader, waiting.opcode) });
    else waiting.resolve({ error, body: undefined });
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
