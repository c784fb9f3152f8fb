import { assert } from '@zabra/model';

const SLAB_BYTES = 64 * 1024;
/** Payloads from this size on are handed on as they are; smaller ones are cheaper to copy than to keep apart. */
const APART_BYTES = 8 * 1024;
/** Up to this length a loop over the characters beats the call into the runtime. */
const SHORT_STRING_LENGTH = 48;
const TWO_POW_32 = 2 ** 32;

/**
 * Writes frames of jute's primitives one after the other; {@link take} hands them out as pieces that follow each other on
 * the wire. A large payload is a piece of its own, not copied: it must not change until it is sent.
 */
export class JuteWriter {
  #slab: Buffer = Buffer.alloc(0);
  /** Index after the last byte written; what lies before `#start` was handed out. */
  #position = 0;
  #start = 0;
  #pieces: Uint8Array[] = [];
  /** Of the pieces. */
  #pieceBytes = 0;
  /** Where the length of the open frame goes, and what was there before it. */
  #lengthSlab: Buffer = this.#slab;
  #lengthAt = -1;
  #bytesBefore = 0;

  /** Written and not taken. */
  get size(): number {
    return this.#pieceBytes + this.#position - this.#start;
  }

  beginFrame(): void {
    assert(this.#lengthAt === -1, 'a frame ends before the next begins');
    this.#lengthAt = this.#reserve(4);
    this.#lengthSlab = this.#slab;
    this.#bytesBefore = this.size;
  }

  endFrame(): void {
    assert(this.#lengthAt !== -1, 'a frame begins before it ends');
    this.#lengthSlab.writeInt32BE(this.size - this.#bytesBefore, this.#lengthAt);
    this.#lengthAt = -1;
  }

  /** All that was written since the last time, in order. */
  take(): Uint8Array[] {
    assert(this.#lengthAt === -1, 'only whole frames are taken');
    this.#seal();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#pieceBytes = 0;
    return pieces;
  }

  bool(value: boolean): void {
    const at = this.#reserve(1);
    this.#slab[at] = value ? 1 : 0;
  }

  /** The low 32 bits: an unsigned number takes the place of the signed one with the same bits. */
  int(value: number): void {
    const at = this.#reserve(4);
    this.#slab.writeInt32BE(value | 0, at);
  }

  long(value: number | bigint): void {
    const at = this.#reserve(8);
    if (typeof value === 'bigint') {
      this.#slab.writeBigInt64BE(BigInt.asIntN(64, value), at);
      return;
    }
    assert(Number.isSafeInteger(value), 'a long is a safe integer', { value });
    const low = value >>> 0;
    this.#slab.writeInt32BE((value - low) / TWO_POW_32, at);
    this.#slab.writeUInt32BE(low, at + 4);
  }

  buffer(value: Uint8Array | undefined): void {
    if (value === undefined) {
      this.int(-1);
      return;
    }
    this.int(value.length);
    if (value.length >= APART_BYTES) {
      this.#seal();
      this.#pieces.push(value);
      this.#pieceBytes += value.length;
      return;
    }
    const at = this.#reserve(value.length);
    this.#slab.set(value, at);
  }

  /** Lone surrogates are written as U+FFFD, as everywhere in the platform. */
  ustring(value: string | undefined): void {
    if (value === undefined) {
      this.int(-1);
      return;
    }
    if (value.length <= SHORT_STRING_LENGTH && this.#ascii(value)) return;
    const bytes = Buffer.byteLength(value, 'utf8');
    this.int(bytes);
    const at = this.#reserve(bytes);
    this.#slab.write(value, at, bytes, 'utf8');
  }

  vector<T>(elements: readonly T[] | undefined, element: (writer: JuteWriter, value: T) => void): void {
    if (elements === undefined) {
      this.int(-1);
      return;
    }
    this.int(elements.length);
    for (const each of elements) element(this, each);
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#slab.set(value, at);
  }

  /** Length and text; takes back what it wrote and answers false when it is not plain ASCII. */
  #ascii(value: string): boolean {
    const { length } = value;
    const at = this.#reserve(4 + length);
    const slab = this.#slab;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        this.#position = at;
        return false;
      }
      slab[at + 4 + index] = code;
    }
    slab.writeInt32BE(length, at);
    return true;
  }

  /** What the slab holds of this becomes a piece. */
  #seal(): void {
    if (this.#position === this.#start) return;
    this.#pieces.push(this.#slab.subarray(this.#start, this.#position));
    this.#pieceBytes += this.#position - this.#start;
    this.#start = this.#position;
  }

  #reserve(bytes: number): number {
    if (this.#slab.length - this.#position < bytes) {
      this.#seal();
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
      this.#position = 0;
      this.#start = 0;
    }
    const at = this.#position;
    this.#position += bytes;
    return at;
  }
}
