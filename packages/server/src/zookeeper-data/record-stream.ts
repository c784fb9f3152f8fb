import { JuteError, JuteReader } from '@zabra/jute';
import { adler32 } from './adler32.ts';

/** No record of ZooKeeper's is near it: a length beyond is none that was written, and must not fill the memory. */
const RECORD_BYTES_MAX = 256 * 1024 * 1024;

/** Records of jute out of a stream of bytes, and the checksum of all that was read so far. */
export class RecordStream {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes: Uint8Array = new Uint8Array(0);
  #reader = new JuteReader(this.#bytes);
  /** Of `#bytes`: what is in the checksum already. */
  #summed = 0;
  #sum = 1;
  /** Bytes before `#bytes`. */
  #before = 0;
  #isEnded = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** How many bytes were read. */
  get position(): number {
    return this.#before + this.#reader.position;
  }

  /** Adler-32 of them. */
  get checksum(): number {
    const { position } = this.#reader;
    this.#sum = adler32(this.#bytes, this.#sum, this.#summed, position);
    this.#summed = position;
    return this.#sum;
  }

  /** One record; undefined when not all of it is here yet: then {@link more} comes first. Other faults are thrown. */
  tryRead<T>(parse: (reader: JuteReader) => T): T | undefined {
    const start = this.#reader.position;
    try {
      return parse(this.#reader);
    } catch (error) {
      if (!(error instanceof JuteError) || error.code !== 'TRUNCATED') throw error;
      this.#reader = new JuteReader(this.#bytes, start);
      return undefined;
    }
  }

  /** As {@link tryRead}, and waits for what is missing; undefined when the stream ends before. */
  async read<T>(parse: (reader: JuteReader) => T): Promise<T | undefined> {
    for (;;) {
      const record = this.tryRead(parse);
      if (record !== undefined || !(await this.more())) return record;
    }
  }

  /** Waits for more bytes; false: there are none. Throws JuteError when a record grows beyond all bounds. */
  async more(): Promise<boolean> {
    if (this.#isEnded) return false;
    const { position } = this.#reader;
    const left = this.#bytes.length - position;
    if (left > RECORD_BYTES_MAX)
      throw new JuteError('MALFORMED', `a record of more than ${RECORD_BYTES_MAX} bytes is none`);
    const next = await this.#chunks.next();
    if (next.done === true) {
      this.#isEnded = true;
      return false;
    }
    this.#sum = this.checksum;
    const bytes = new Uint8Array(left + next.value.length);
    bytes.set(this.#bytes.subarray(position));
    bytes.set(next.value, left);
    this.#before += position;
    this.#bytes = bytes;
    this.#summed = 0;
    this.#reader = new JuteReader(bytes);
    return true;
  }

  /** Bytes up to the end of the stream, of which there may be few. */
  async rest(): Promise<number> {
    while (await this.more());
    return this.#reader.rest;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isEnded = true;
    await this.#chunks.return?.();
  }
}
