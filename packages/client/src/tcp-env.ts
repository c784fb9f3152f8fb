import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsOptions } from './core/connect-options.ts';
import type { ClientChannel, ClientEnv } from './core/env.ts';
import { nodeClocks } from './node-clocks.ts';

/** A list of children may be long; beyond this a server is not believed. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;
const LENGTH_BYTES = 4;

/** The real world of servers that speak ZooKeeper's wire: TCP and Node's clocks. `tls` undefined: plain text. */
export function tcpEnv(tls: TlsOptions | undefined): ClientEnv {
  return { ...nodeClocks, dial: (address) => new TcpChannel(socketTo(address, tls)) };
}

/** What is sent has its lengths in it already; what comes is cut into frames, without their lengths. */
class TcpChannel implements ClientChannel {
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  #isOpen = true;
  #isCorked = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
  }

  send(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      // The pieces of one turn leave in one packet.
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.destroy();
  }

  receive(handlers: { frame(frame: Uint8Array): void; closed(error: Error | undefined): void }): void {
    let failure: Error | undefined;
    const end = (error: Error | undefined): void => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      this.#socket.destroy();
      handlers.closed(error);
    };
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        this.#frames.read(chunk, (frame) => {
          if (this.#isOpen) handlers.frame(frame);
        });
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        end(error);
      }
    });
    this.#socket.on('error', (error) => {
      failure = error;
    });
    this.#socket.on('close', () => end(failure));
  }
}

/** Cuts a stream of bytes into the frames that it is made of: a length of four bytes, then as many. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  /** With fewer bytes there is no frame. */
  #due: number = LENGTH_BYTES;

  /** A frame is a view into the bytes that came. Throws RangeError for a length that no frame has. */
  read(chunk: Uint8Array, tell: (frame: Uint8Array) => void): void {
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#due) return;
    const whole = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#bytes);
    let at = 0;
    for (;;) {
      const left = whole.length - at;
      this.#due = left < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + lengthAt(whole, at);
      if (left < this.#due) break;
      tell(whole.subarray(at + LENGTH_BYTES, at + this.#due));
      at += this.#due;
    }
    const rest = whole.subarray(at);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(at);
  if (length < 0 || length > FRAME_BYTES_MAX) {
    throw new RangeError(
      `a frame of ${length} bytes: this is no ZooKeeper, or ${FRAME_BYTES_MAX} are too few`,
    );
  }
  return length;
}

function socketTo(address: string, tls: TlsOptions | undefined): Socket {
  const colon = address.lastIndexOf(':');
  // IPv6 addresses are in brackets.
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(colon + 1));
  if (tls === undefined) return connectTcp({ host, port });
  const { ca, cert, key, rejectUnauthorized, servername = isIP(host) === 0 ? host : '' } = tls;
  return connectTls({
    host,
    port,
    servername,
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  });
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
