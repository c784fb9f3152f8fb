import type { Socket } from 'node:net';
import { assert, type Identity } from '@zabra/model';
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

/** Whoever holds bytes that are no whole frame yet, or that a pause holds back. */
interface Holder {
  readonly unfinishedBytes: number;
  /** Gives them back, by ending its connection. */
  giveWay(): void;
}

/**
 * A budget that the connections of a listener share: frames are kept until they are whole. Beyond it those go that hold the
 * most, one after the other, so that nobody goes for what others hold: a client that has sent nothing but whole frames
 * holds nothing.
 */
export class UnfinishedFrames {
  readonly #bytesMax: number;
  readonly #holders = new Set<Holder>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(holder: Holder, bytes: number): void {
    this.#bytes += bytes;
    this.#holders.add(holder);
  }

  /** `holder` has so many bytes less, and after that none if `holdsNone`. */
  remove(holder: Holder, bytes: number, holdsNone: boolean): void {
    this.#bytes -= bytes;
    if (holdsNone) this.#holders.delete(holder);
  }

  makeRoom(): void {
    while (this.#bytes > this.#bytesMax) {
      let largest: Holder | undefined;
      for (const holder of this.#holders)
        if (largest === undefined || holder.unfinishedBytes > largest.unfinishedBytes) largest = holder;
      assert(largest !== undefined, 'bytes that are kept are of a connection', { bytes: this.#bytes });
      largest.giveWay();
    }
  }
}

/**
 * A TCP connection as a stream of frames, each of which is a length in four bytes and as many bytes.
 *
 * What arrives is cut into frames and handed on at once; a pause holds the rest of the same chunk, too. Memory is taken for
 * what has arrived, never for what a length announces. What is sent goes out as it is: frames are made by the codec.
 */
export class ZooKeeperStream implements FrameStream, Holder {
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
  /** The client says no more. */
  #hasSaidAll = false;
  #ended = false;

  constructor(socket: Socket, options: ZooKeeperStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    this.remote = options.remote;
    this.identities = options.identities;
  }

  get unfinishedBytes(): number {
    return this.#arrived.length;
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
    this.#options.unfinished.add(this, chunk.length);
    this.#cut();
    this.#options.unfinished.makeRoom();
  }

  giveWay(): void {
    this.#refuse({ kind: 'no room', bytes: this.#arrived.length });
  }

  /** The socket is over. */
  over(error: Error | undefined): void {
    if (this.#ended) return;
    this.#end();
    this.#handlers?.closed(error);
  }

  /**
   * The client says no more. It is gone then, as for ZooKeeper, once what it said was heard: that is done, and answered as
   * far as the answer is there at once.
   */
  saidAll(): void {
    this.#hasSaidAll = true;
    if (this.#isPaused || this.#isCutting) return;
    // Later: at the end of this turn what is there is said.
    setImmediate(() => {
      if (!this.#ended) this.#handlers?.closed(undefined);
      this.close();
      this.#socket.end();
    });
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
    this.#options.unfinished.remove(this, this.#arrived.length, true);
    this.#arrived.clear();
  }

  #cut(): void {
    // A handler may resume what it paused.
    if (this.#isCutting) return;
    this.#isCutting = true;
    try {
      while (!this.#isPaused && !this.#ended) {
        // The first one by itself: what is behind it waits for its answer.
        const framesMax = this.#isFirst ? 1 : FRAMES_TOGETHER_MAX;
        const frames: Buffer[] = [];
        // What is whole and in order is handed on before what is wrong behind it ends the connection.
        while (frames.length < framesMax && (frames.length === 0 || !this.#isFaultNext())) {
          const frame = this.#takeFrame();
          if (frame === undefined) break;
          frames.push(frame);
        }
        if (frames.length === 0) break;
        this.#handOn(frames);
      }
    } finally {
      this.#isCutting = false;
    }
    this.#arrived.letGo();
    if (this.#hasSaidAll) this.saidAll();
  }

  #isFaultNext(): boolean {
    return this.#arrived.length >= LENGTH_BYTES && this.#faultOf(this.#arrived.peekInt32()) !== undefined;
  }

  #handOn(frames: readonly Buffer[]): void {
    const handlers = this.#handlers;
    if (handlers?.frames !== undefined) handlers.frames(frames);
    else for (const frame of frames) handlers?.frame(frame);
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
    this.#isFirst = false;
    const frame = this.#arrived.take(LENGTH_BYTES, bytes);
    this.#options.unfinished.remove(this, LENGTH_BYTES + bytes, this.#arrived.length === 0);
    return frame;
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
/** So many may come after a pause was asked for; well below what may be unanswered. */
const FRAMES_TOGETHER_MAX = 64;
/** A client's first frame asks for a session: 45 bytes. Nobody has shown who it is by then. */
const FIRST_FRAME_BYTES_MAX = 1024;
/** How long the last words on a stream may wait for the other side to read them. */
const LINGER_MS = 2000;
