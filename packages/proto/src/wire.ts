/**
 * The two ends of the wire: {@link Writer} and {@link Reader} for the part of protobuf that our protos use.
 *
 * Every request, reply, proposal and log record passes here, so this is the hottest code of a server. protobufjs's
 * own runtime hands out a Long object for each 64-bit field and is two to three times slower; here a 64-bit field is
 * one JavaScript number, exact below 2^53 (docs/adr/0001-our-generator-writes-the-codecs.md).
 *
 * The writer goes from the last byte to the first: when the length of a nested message is due, its content is
 * already there and can be counted, so that nothing is measured ahead and nothing is moved afterwards.
 */
import { isUtf8 } from 'node:buffer';
import { assert } from '@zabra/model';

/** The bytes are not a message of the expected type. `message` begins with the full name of message and field. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** The value of an absent `bytes` field. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

const SLAB_BYTES = 16 * 1024;
/** Up to this length a loop over the characters beats the call into the runtime. */
const SHORT_STRING_LENGTH = 64;
const TWO_POW_32 = 2 ** 32;
/** The largest upper half of a safe integer. */
const HIGH_MAX = 2 ** 21 - 1;

/**
 * Writes fields, tag included, in front of what was written before: callers go from the last field to the first.
 * Numbers out of range are a broken invariant.
 */
export class Writer {
  #slab: Buffer = Buffer.alloc(0);
  #view: DataView = viewOf(this.#slab);
  /** Index of the first byte of the message so far. */
  #position = 0;
  /** Index after its last byte. What lies behind belongs to messages that were handed out. */
  #end = 0;

  /** A writer for one message. It comes back by {@link finish}; one whose message failed is simply dropped. */
  static start(): Writer {
    const writer = idle ?? new Writer();
    idle = undefined;
    return writer;
  }

  /**
   * The message: exactly its bytes, never written to again. It shares a slab of about 16 KiB with its neighbours in
   * time: what keeps a few small ones for long (the tree, not the log) takes copies.
   */
  finish(): Uint8Array {
    const slab = this.#slab;
    const message = new Uint8Array(slab.buffer, slab.byteOffset + this.#position, this.#end - this.#position);
    this.#end = this.#position;
    idle = this;
    return message;
  }

  /** Bytes of the message so far; taken before a nested message and given to {@link envelope} after it. */
  get size(): number {
    return this.#end - this.#position;
  }

  /** Makes what was written since `size` a length-delimited field. */
  envelope(tag: number, size: number): void {
    this.varint(this.size - size);
    this.varint(tag);
  }

  uint32(tag: number, value: number): void {
    this.varint(value);
    this.varint(tag);
  }

  fixed32(tag: number, value: number): void {
    if (value >>> 0 !== value) outOfRange('fixed32', value);
    this.#reserve(4);
    this.#view.setUint32(this.#position, value, true);
    this.varint(tag);
  }

  fixed64(tag: number, value: number): void {
    this.bareFixed64(value);
    this.varint(tag);
  }

  double(tag: number, value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#position, value, true);
    this.varint(tag);
  }

  /** Lone surrogates are written as U+FFFD, as everywhere in the platform. */
  string(tag: number, value: string): void {
    const { length } = value;
    if (length > SHORT_STRING_LENGTH || !this.#ascii(value)) {
      const bytes = Buffer.byteLength(value, 'utf8');
      this.#reserve(bytes);
      this.#slab.write(value, this.#position, bytes, 'utf8');
      this.varint(bytes);
    } else {
      this.varint(length);
    }
    this.varint(tag);
  }

  bytes(tag: number, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#slab.set(value, this.#position);
    this.varint(value.length);
    this.varint(tag);
  }

  /** Element of a packed field. */
  bareFixed64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) outOfRange('fixed64', value);
    this.#reserve(8);
    const low = value >>> 0;
    this.#view.setUint32(this.#position, low, true);
    this.#view.setUint32(this.#position + 4, (value - low) / TWO_POW_32, true);
  }

  /** Element of a packed field, a length, a tag. */
  varint(value: number): void {
    if (value >>> 0 !== value) outOfRange('uint32', value);
    const bytes = value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
    this.#reserve(bytes);
    const slab = this.#slab;
    let at = this.#position;
    let rest = value;
    while (rest >= 0x80) {
      slab[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    slab[at] = rest;
  }

  /** Writes a string of plain ASCII; takes back what it wrote and answers false when it is not. */
  #ascii(value: string): boolean {
    const { length } = value;
    this.#reserve(length);
    const slab = this.#slab;
    const start = this.#position;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        this.#position += length;
        return false;
      }
      slab[start + index] = code;
    }
    return true;
  }

  /** Moves the position forward by so many bytes towards the front of the slab. */
  #reserve(bytes: number): void {
    if (this.#position < bytes) this.#grow(bytes);
    this.#position -= bytes;
  }

  /** A fresh slab with the message so far at its end; twice that size, so that growing costs what writing costs. */
  #grow(bytes: number): void {
    const { size } = this;
    const slab = Buffer.allocUnsafeSlow(SLAB_BYTES + 2 * size + bytes);
    slab.set(this.#slab.subarray(this.#position, this.#end), slab.length - size);
    this.#slab = slab;
    this.#view = viewOf(slab);
    this.#end = slab.length;
    this.#position = slab.length - size;
  }
}

/** The writer that nobody uses now: none while a message is being written, so that encoding may nest. */
let idle: Writer | undefined;

/**
 * Reads the fields of one message, nested ones in place. Each read checks against the end of the message it is in.
 * `where` names what is read, for {@link DecodeError}. Byte fields are views into the input: no copy.
 */
export class Reader {
  readonly #bytes: Buffer;
  #position = 0;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** True until the end of the message (or packed field) that the reader is in. */
  more(): boolean {
    return this.#position < this.#end;
  }

  /** Enters a length-delimited field; the answer goes to {@link leave} when {@link more} is false. */
  enter(where: string): number {
    const bytes = this.#length(where);
    const outer = this.#end;
    this.#end = this.#position + bytes;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  uint32(where: string): number {
    const bytes = this.#bytes;
    let at = this.#position;
    let value = 0;
    for (let shift = 0; at < this.#end; shift += 7) {
      const byte = bytes[at++] as number;
      if (shift === 28 && byte > 0x0f) throw new DecodeError(`${where}: a varint is longer than 32 bits`);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#position = at;
        return value >>> 0;
      }
    }
    throw truncated(where);
  }

  bool(where: string): boolean {
    return this.uint32(where) !== 0;
  }

  fixed32(where: string): number {
    const at = this.#advance(4, where);
    return this.#bytes.readUInt32LE(at);
  }

  fixed64(where: string): number {
    const at = this.#advance(8, where);
    const high = this.#bytes.readUInt32LE(at + 4);
    if (high > HIGH_MAX) throw new DecodeError(`${where}: a 64-bit number is above 2^53 - 1`);
    return high * TWO_POW_32 + this.#bytes.readUInt32LE(at);
  }

  double(where: string): number {
    const at = this.#advance(8, where);
    return this.#bytes.readDoubleLE(at);
  }

  string(where: string): string {
    const length = this.#length(where);
    const at = this.#advance(length, where);
    const text = this.#bytes.toString('utf8', at, at + length);
    // Only text with the replacement character can come from bytes that are no UTF-8.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(at, at + length))) {
      throw new DecodeError(`${where}: a string is not UTF-8`);
    }
    return text;
  }

  bytes(where: string): Uint8Array {
    const length = this.#length(where);
    if (length === 0) return NO_BYTES;
    const at = this.#advance(length, where);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /**
   * Passes over a field that `message` does not have: a newer peer may send it. `fields` holds the names of those
   * it has, by number; one of them gets here only with a wire type that is not its own.
   */
  skip(tag: number, message: string, fields: readonly (string | undefined)[]): void {
    const field = tag >>> 3;
    const wireType = tag & 7;
    const name = fields[field];
    if (name !== undefined)
      throw new DecodeError(`${message}.${name}: wire type ${wireType} is not the field's own`);
    const where = `${message} (field ${field})`;
    if (field === 0) throw new DecodeError(`${where}: 0 is no field number`);
    if (wireType === 0) this.#skipVarint(where);
    else if (wireType === 1) this.#advance(8, where);
    else if (wireType === 2) this.#advance(this.#length(where), where);
    else if (wireType === 5) this.#advance(4, where);
    else throw new DecodeError(`${where}: wire type ${wireType} is not known`);
  }

  #skipVarint(where: string): void {
    // An unknown field may hold a 64-bit varint: up to 10 bytes.
    for (let bytes = 0; bytes < 10; bytes++) {
      const at = this.#advance(1, where);
      if ((this.#bytes[at] ?? 0) < 0x80) return;
    }
    throw new DecodeError(`${where}: a varint is longer than 64 bits`);
  }

  #length(where: string): number {
    const length = this.uint32(where);
    if (length > this.#end - this.#position) {
      throw new DecodeError(
        `${where}: a length of ${length} goes beyond the end, ${this.#end - this.#position} bytes on`,
      );
    }
    return length;
  }

  #advance(bytes: number, where: string): number {
    const at = this.#position;
    if (bytes > this.#end - at) throw truncated(where);
    this.#position = at + bytes;
    return at;
  }
}

/** No variant of the `oneof` that this version knows; `field` is an unknown one that was there, 0 for none. */
export function noKind(message: string, field: number): DecodeError {
  return new DecodeError(`${message}: ${field === 0 ? 'kind is missing' : `unknown kind (field ${field})`}`);
}

/** An enum field that is absent, and whose 0 means nothing. */
export function unspecified(where: string): DecodeError {
  return new DecodeError(`${where} is missing`);
}

/** A number that the enum does not have. */
export function unknownValue(where: string, value: number): DecodeError {
  return value === 0 ? unspecified(where) : new DecodeError(`${where}: unknown value ${value}`);
}

function truncated(where: string): DecodeError {
  return new DecodeError(`${where}: the bytes end too early`);
}

function outOfRange(type: string, value: number): never {
  assert(false, `a ${type} is an integer in its range`, { value });
}

function viewOf(slab: Buffer): DataView {
  return new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
}
