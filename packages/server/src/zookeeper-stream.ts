import type { Socket } from 'node:net';
import type { Identity } from '@zabra/model';
import { ArrivedBytes } from './arrived-bytes.ts';
import type { FrameStream, StreamHandlers } from './core/env.ts';

export interface ZooKeeperStreamOptions {
  readonly remote: string;
  readonly identities: readonly Identity[];
  readonly frameBytesMax: number;
  /** Memory that unfinished frames of all connections have together. */
  readonly unfinished: UnfinishedFrames;
  /** The client sent what is no frame, or more than there is room for; the connection is ended. */
  readonly refused: (reason: FrameFault) => void;
}

export type FrameFault =
  | { readonly kind: 'negative length'; readonly bytes: number }
  | { readonly kind: 'too large'; readonly bytes: number; readonly bytesMax: number }
  | { readonly kind: 'no room'; readonly bytes: number };

/** A budget that the connections of a listener share: frames are kept until they are whole. */
export class UnfinishedFrames {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/**
 * A TCP connection as a stream of frames, each of which is a length in four bytes and as many bytes.
 *
 * What arrives is cut into frames and handed on at once; a pause holds the rest of the same chunk, too. Memory is taken for
 * what has arrived, never for what a length announces. What is sent goes out as it is: frames are made by the codec.
 */
export class ZooKeeperStream implements FrameStream {
  readonly remote: string;
  readonly identities: readonly Identity[];
  readonly #socket: Socket;
  readonly #options: ZooKeeperStreamOptions;
  #handlers: StreamHandlers | undefined;
  /** Not handed on: of an unfinished frame, or held by a pause. */
  readonly #arrived = new ArrivedBytes();
  #isPaused = false;
  #isCutting = false;
  #isFirst = true;
  #ended = false;

  constructor(socket: Socket, options: ZooKeeperStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    this.remote = options.remote;
    this.identities = options.identities;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  send(frame: Uint8Array): void {
    if (!this.#ended) this.#socket.write(frame);
  }

  receive(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }

  /** What the socket brought. */
  arrived(chunk: Buffer): void {
    if (this.#ended) return;
    this.#arrived.append(chunk);
    this.#options.unfinished.add(chunk.length);
    this.#cut();
  }

  /** The socket is over. */
  over(error: Error | undefined): void {
    if (this.#ended) return;
    this.#end();
    this.#handlers?.closed(error);
  }

  close(): void {
    if (this.#ended) return;
    this.#end();
    this.#socket.end();
    // Who does not read what was said to it does not have it kept here for ever.
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    linger.unref();
    this.#socket.once('close', () => clearTimeout(linger));
    this.#socket.resume();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#ended) return;
    // Later: whoever resumes is in the middle of something.
    setImmediate(() => {
      if (this.#isPaused || this.#ended) return;
      this.#socket.resume();
      this.#cut();
    });
  }

  #end(): void {
    this.#ended = true;
    this.#options.unfinished.remove(this.#arrived.length);
    this.#arrived.clear();
  }

  #cut(): void {
    // A handler may resume what it paused.
    if (this.#isCutting) return;
    this.#isCutting = true;
    try {
      while (!this.#isPaused && !this.#ended) {
        const frame = this.#takeFrame();
        if (frame === undefined) break;
        this.#handlers?.frame(frame);
      }
    } finally {
      this.#isCutting = false;
    }
    // Whoever finds no room goes, be it by others' doing: a client comes back, and a server without memory does not.
    if (!this.#ended && this.#options.unfinished.isFull)
      this.#refuse({ kind: 'no room', bytes: this.#arrived.length });
  }

  /** undefined: it is not whole yet, or will never be. */
  #takeFrame(): Buffer | undefined {
    if (this.#arrived.length < LENGTH_BYTES) return undefined;
    const bytes = this.#arrived.peekInt32();
    const fault = this.#faultOf(bytes);
    if (fault !== undefined) {
      this.#refuse(fault);
      return undefined;
    }
    if (this.#arrived.length < LENGTH_BYTES + bytes) return undefined;
    this.#options.unfinished.remove(LENGTH_BYTES + bytes);
    this.#isFirst = false;
    return this.#arrived.take(LENGTH_BYTES, bytes);
  }

  #faultOf(bytes: number): FrameFault | undefined {
    if (bytes < 0) return { kind: 'negative length', bytes };
    const bytesMax = this.#isFirst ? FIRST_FRAME_BYTES_MAX : this.#options.frameBytesMax;
    return bytes > bytesMax ? { kind: 'too large', bytes, bytesMax } : undefined;
  }

  #refuse(fault: FrameFault): void {
    this.#options.refused(fault);
    this.#end();
    this.#handlers?.closed(new Error(fault.kind));
    this.#socket.destroy();
  }
}

const LENGTH_BYTES = 4;
/** A client's first frame asks for a session: 45 bytes. Nobody has shown who it is by then. */
const FIRST_FRAME_BYTES_MAX = 1024;
/** How long the last words on a stream may wait for the other side to read them. */
const LINGER_MS = 2000;
