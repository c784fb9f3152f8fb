import { connect as connectTcp, type Socket } from 'node:net';

/** What a server said on a connection: a frame without its length, or that it ended it. */
export type Heard = Uint8Array | 'closed';

/** A connection to a server, as bytes: frames come one after the other, and at last its end. */
export class Line {
  readonly #socket: Socket;
  readonly #heard: Heard[] = [];
  #received: Buffer = Buffer.alloc(0);
  #isOver = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // Whatever ends it: that it is over is what was heard.
    socket.on('error', () => this.#over());
    socket.on('end', () => this.#over());
    socket.on('close', () => this.#over());
  }

  /** `address` is `host:port`. Rejects where nobody listens. */
  static open(address: string): Promise<Line> {
    const [host = '', port = ''] = address.split(':');
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ host, port: Number(port) });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Line(socket));
      });
    });
  }

  send(bytes: Uint8Array): void {
    if (!this.#isOver) this.#socket.write(bytes);
  }

  /** The next of what the server says; once it has ended the connection, only that. undefined: nothing in this time. */
  async next(patienceMs: number): Promise<Heard | undefined> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const heard = this.#heard.shift();
      if (heard !== undefined) return heard;
      if (this.#isOver) return 'closed';
      const restMs = deadline - performance.now();
      if (restMs <= 0) return undefined;
      await this.#anything(restMs);
    }
  }

  /** Leaves without a word to the server. */
  leave(): void {
    this.#socket.destroy();
  }

  async #anything(patienceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#received.readInt32BE(0);
      if (end > this.#received.length) break;
      this.#heard.push(this.#received.subarray(LENGTH_BYTES, end));
      this.#received = this.#received.subarray(end);
    }
    this.#wake?.();
  }

  #over(): void {
    this.#isOver = true;
    this.#wake?.();
  }
}

/** With its length in front. */
export function framed(body: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

const LENGTH_BYTES = 4;
