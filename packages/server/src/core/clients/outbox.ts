import type { FrameStream } from '../env.ts';
import type { ServeStatistics } from '../zookeeper/serve-statistics.ts';
import { type ServerWord, sizeOf } from './client-codec.ts';
import type { ClientWire } from './client-wire.ts';

/**
 * What is to be said to one client, gathered into frames.
 *
 * All events of one zxid go out in one frame: so the highest zxid of whatever arrived is the position up to which the client
 * was told everything, and its watches resume from there.
 */
export class Outbox {
  readonly #stream: FrameStream;
  readonly #wire: ClientWire;
  readonly #statistics: ServeStatistics;
  #words: ServerWord[] = [];
  #bytes = 0;

  constructor(stream: FrameStream, wire: ClientWire, statistics: ServeStatistics) {
    this.#stream = stream;
    this.#wire = wire;
    this.#statistics = statistics;
  }

  get isEmpty(): boolean {
    return this.#words.length === 0;
  }

  /** Said and not taken by the network, about. */
  get bytes(): number {
    return this.#bytes + this.#stream.queuedBytes;
  }

  /** The frame has its size, and may end in front of this word. */
  isFullBefore(word: ServerWord): boolean {
    if (this.#bytes <= FRAME_BYTES) return false;
    const last = this.#words.at(-1);
    return !(last?.kind === 'event' && word.kind === 'event' && last.zxid === word.zxid);
  }

  add(word: ServerWord): void {
    this.#words.push(word);
    this.#bytes += sizeOf(word);
  }

  /** Hands the frame to the network. */
  send(): void {
    if (this.isEmpty) return;
    const words = this.#words;
    this.#words = [];
    this.#bytes = 0;
    let bytes = 0;
    for (const piece of this.#wire.encode(words)) {
      bytes += piece.length;
      this.#stream.send(piece);
    }
    // Where nothing has to be said, nothing goes out.
    if (bytes > 0) this.#statistics.responded(bytes);
  }
}

/** A frame is sent when it has grown to about this. */
const FRAME_BYTES = 256 * 1024;
