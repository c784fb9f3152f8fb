import { JuteError } from './jute-error.ts';

const TWO_POW_32 = 2 ** 32;
/** Up to this length a loop over the bytes beats the call into the runtime. */
const SHORT_STRING_BYTES = 24;

/**
 * Reads jute's primitives one after the other. Byte fields are views into the input: no copy. Nothing is allocated for a
 * length or count that the input does not have, so what a frame costs is bounded by its size.
 *
 * `where` names what is read, for {@link JuteError}. Null (a length of -1) is undefined.
 */
export class JuteReader {
  readonly #bytes: Buffer;
  #position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = position;
  }

  /** Bytes that are not read yet. */
  get rest(): number {
    return this.#bytes.length - this.#position;
  }

  /** Of the next byte. */
  get position(): number {
    return this.#position;
  }

  byte(where: string): number {
    return this.#bytes.readUInt8(this.#advance(1, where));
  }

  /** Any byte but 0 is true. */
  bool(where: string): boolean {
    return this.byte(where) !== 0;
  }

  int(where: string): number {
    return this.#bytes.readInt32BE(this.#advance(4, where));
  }

  /** A zxid, a time, a TTL: exact, or OUT_OF_RANGE. */
  long(where: string): number {
    const at = this.#advance(8, where);
    const value = this.#bytes.readInt32BE(at) * TWO_POW_32 + this.#bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value))
      throw new JuteError('OUT_OF_RANGE', `${where}: a number is beyond 2^53 - 1`);
    return value;
  }

  /** A session's id: all 64 bits, signed. */
  wideLong(where: string): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8, where));
  }

  buffer(where: string): Uint8Array | undefined {
    const length = this.#length(where);
    if (length === undefined) return undefined;
    const at = this.#advance(length, where);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /** What is no UTF-8 is read as U+FFFD, as ZooKeeper reads it: no legal path has one. */
  ustring(where: string): string | undefined {
    const length = this.#length(where);
    if (length === undefined) return undefined;
    const at = this.#advance(length, where);
    return length <= SHORT_STRING_BYTES ? this.#shortString(at, length) : this.#text(at, length);
  }

  /** `element` takes bytes for each, so that a count beyond the input ends at its end. */
  vector<T>(where: string, element: (reader: JuteReader, where: string) => T): T[] | undefined {
    const count = this.#length(where);
    if (count === undefined) return undefined;
    const elements: T[] = [];
    for (let index = 0; index < count; index++) elements.push(element(this, where));
    return elements;
  }

  #shortString(at: number, length: number): string {
    const bytes = this.#bytes;
    let text = '';
    for (let index = at; index < at + length; index++) {
      const byte = bytes[index] as number;
      if (byte >= 0x80) return this.#text(at, length);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #text(at: number, length: number): string {
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** undefined: null. */
  #length(where: string): number | undefined {
    const length = this.int(where);
    if (length >= 0) return length;
    if (length === -1) return undefined;
    throw new JuteError(
      'NEGATIVE_LENGTH',
      `${where}: a length of ${length} is neither a length nor null (-1)`,
    );
  }

  #advance(bytes: number, where: string): number {
    const at = this.#position;
    if (bytes > this.#bytes.length - at)
      throw new JuteError(
        'TRUNCATED',
        `${where}: ${bytes} bytes are due and ${this.#bytes.length - at} are left`,
      );
    this.#position = at + bytes;
    return at;
  }
}
