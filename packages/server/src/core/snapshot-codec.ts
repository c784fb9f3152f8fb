import {
  ACL_OPEN,
  type Acl,
  asZxid,
  NO_SESSION,
  NULL_DATA,
  unreachable,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import {
  decodeAcl,
  decodeSnapshotEntry as decodeShape,
  encodeSnapshotEntry as encodeShape,
  NO_BYTES,
} from '@zabra/proto';
import type { SnapshotEntry } from '@zabra/tree';
import { aclToModel, aclToShape, writeResultToModel, writeResultToShape } from './model-codec.ts';

/** One node or session of a snapshot, as kept in a snapshot file and sent to a learner. */
export function encodeSnapshotEntry(entry: SnapshotEntry): Uint8Array {
  switch (entry.kind) {
    case 'node': {
      // Field by field: an object made from another and then added to is of a slow kind, and there are a million of them.
      const node = {
        path: entry.path,
        data: entry.data,
        acl: aclToShape(entry.acl),
        czxid: entry.czxid,
        mzxid: entry.mzxid,
        pzxid: entry.pzxid,
        ctimeMs: entry.ctimeMs,
        mtimeMs: entry.mtimeMs,
        version: entry.version,
        aversion: entry.aversion,
        ephemeralOwner: entry.ephemeralOwner,
        sequence: entry.sequence,
        ttlMs: entry.ttlMs,
        container: entry.container,
        nullData: entry.data === NULL_DATA,
      };
      return encodeShape({ kind: 'node', node });
    }
    case 'session': {
      const { id, timeoutMs, passwordHash, nonce, answeredThrough } = entry;
      const results = entry.results.map(({ requestNo, requestHash, result }) => ({
        requestNo,
        requestHash,
        result: writeResultToShape(result),
      }));
      return encodeShape({
        kind: 'session',
        session: { sessionId: id, timeoutMs, passwordHash, nonce, answeredThrough, results },
      });
    }
    default:
      return unreachable(entry);
  }
}

/** Throws DecodeError when the bytes are not an entry. */
export function decodeSnapshotEntry(bytes: Uint8Array): SnapshotEntry {
  const shape = decodeShape(bytes);
  switch (shape.kind) {
    case 'node': {
      const { nullData, ...node } = shape.node;
      return {
        ...node,
        kind: 'node',
        data: nullData ? NULL_DATA : node.data,
        acl: aclToModel(node.acl),
        czxid: asZxid(node.czxid),
        mzxid: asZxid(node.mzxid),
        pzxid: asZxid(node.pzxid),
      };
    }
    case 'session': {
      const { sessionId, timeoutMs, passwordHash, nonce, answeredThrough, results } = shape.session;
      return {
        kind: 'session',
        id: sessionId,
        timeoutMs,
        passwordHash,
        nonce,
        answeredThrough,
        results: results.map(({ requestNo, requestHash, result }) => ({
          requestNo,
          requestHash,
          result: writeResultToModel(result, 'zabra.v1.StoredResult.result'),
        })),
      };
    }
    default:
      return unreachable(shape);
  }
}

/**
 * Reads entry after entry of one piece of memory. A restart waits for a million of them, so a node is read straight into
 * one record that serves for all: what was answered for a node is valid until the next call.
 *
 * Only what {@link encodeSnapshotEntry} writes for a node is read here. Whatever else it may be (a session, a field of a
 * later version, names beyond ASCII, no entry at all), {@link decodeSnapshotEntry} says.
 */
export class SnapshotEntryReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #node = new ReadNode();
  #at = 0;
  /** Of the message that is being read. */
  #end = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The entry that takes the bytes [start, end). Throws DecodeError when they are none. */
  read(start: number, end: number): SnapshotEntry {
    this.#at = start;
    this.#end = end;
    return this.#readNode() ? this.#node : decodeSnapshotEntry(this.#bytes.subarray(start, end));
  }

  /** False: it is something else; the record may be filled in part. */
  #readNode(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at++] !== TAG.node || this.#uint32() !== this.#end - this.#at) return false;
    const node = this.#node;
    node.clear();
    while (this.#at < this.#end) {
      switch (bytes[this.#at++]) {
        case TAG.path: {
          const path = this.#ascii();
          if (path === undefined) return false;
          node.path = path;
          break;
        }
        case TAG.data: {
          const length = this.#uint32();
          if (length > this.#end - this.#at) return false;
          node.data =
            length === 0 ? NO_BYTES : new Uint8Array(bytes.buffer, bytes.byteOffset + this.#at, length);
          this.#at += length;
          break;
        }
        case TAG.acl: {
          const length = this.#uint32();
          if (length > this.#end - this.#at) return false;
          const entry = decodeAcl(bytes.subarray(this.#at, this.#at + length));
          node.acl = node.acl === ACL_OPEN ? [entry] : [...node.acl, entry];
          this.#at += length;
          break;
        }
        case TAG.czxid:
          node.czxid = asZxid(this.#fixed64());
          break;
        case TAG.mzxid:
          node.mzxid = asZxid(this.#fixed64());
          break;
        case TAG.pzxid:
          node.pzxid = asZxid(this.#fixed64());
          break;
        case TAG.ctimeMs:
          node.ctimeMs = this.#fixed64();
          break;
        case TAG.mtimeMs:
          node.mtimeMs = this.#fixed64();
          break;
        case TAG.version:
          node.version = this.#uint32();
          break;
        case TAG.aversion:
          node.aversion = this.#uint32();
          break;
        case TAG.ephemeralOwner:
          node.ephemeralOwner = this.#fixed64();
          break;
        case TAG.sequence:
          node.sequence = this.#fixed64();
          break;
        case TAG.ttlMs:
          node.ttlMs = this.#fixed64();
          break;
        case TAG.container:
          node.container = this.#uint32() !== 0;
          break;
        case TAG.nullData:
          // Written only where it is so, and behind the data.
          if (this.#uint32() !== 0) node.data = NULL_DATA;
          break;
        default:
          return false;
      }
    }
    return this.#at === this.#end;
  }

  /** What is no 32-bit number ends the message, which then is found to be too short. */
  #uint32(): number {
    const bytes = this.#bytes;
    let value = 0;
    for (let shift = 0; shift < 32 && this.#at < this.#end; shift += 7) {
      const byte = bytes[this.#at++] as number;
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    this.#at = this.#end + 1;
    return 0;
  }

  #fixed64(): number {
    const at = this.#at;
    this.#at = at + 8;
    if (at + 8 > this.#end) return 0;
    const high = this.#view.getUint32(at + 4, true);
    if (high > HIGH_MAX) {
      // Beyond 2^53: this too is said by the other way.
      this.#at = this.#end + 1;
      return 0;
    }
    return high * TWO_POW_32 + this.#view.getUint32(at, true);
  }

  #ascii(): string | undefined {
    const bytes = this.#bytes;
    const length = this.#uint32();
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) return undefined;
    for (let at = start; at < end; at++) {
      if ((bytes[at] as number) >= 0x80) return undefined;
    }
    this.#at = end;
    return bytes.toString('latin1', start, end);
  }
}

/** A node as it is being read, of the same shape whatever it holds. */
class ReadNode {
  readonly kind = 'node';
  path = '';
  data: Uint8Array = NO_BYTES;
  acl: readonly Acl[] = ACL_OPEN;
  czxid: Zxid = ZXID_NONE;
  mzxid: Zxid = ZXID_NONE;
  pzxid: Zxid = ZXID_NONE;
  ctimeMs = 0;
  mtimeMs = 0;
  version = 0;
  aversion = 0;
  ephemeralOwner: number = NO_SESSION;
  sequence = 0;
  ttlMs = 0;
  container = false;

  /** Fields that are absent have these values. */
  clear(): void {
    this.path = '';
    this.data = NO_BYTES;
    this.acl = ACL_OPEN;
    this.czxid = ZXID_NONE;
    this.mzxid = ZXID_NONE;
    this.pzxid = ZXID_NONE;
    this.ctimeMs = 0;
    this.mtimeMs = 0;
    this.version = 0;
    this.aversion = 0;
    this.ephemeralOwner = NO_SESSION;
    this.sequence = 0;
    this.ttlMs = 0;
    this.container = false;
  }
}

/** Field number and wire type of SnapshotEntry.node and of the fields of SnapshotNode; one byte each. */
const TAG = {
  node: (1 << 3) | 2,
  path: (1 << 3) | 2,
  data: (2 << 3) | 2,
  acl: (3 << 3) | 2,
  czxid: (4 << 3) | 1,
  mzxid: (5 << 3) | 1,
  pzxid: (6 << 3) | 1,
  ctimeMs: (7 << 3) | 1,
  mtimeMs: (8 << 3) | 1,
  version: 9 << 3,
  aversion: 10 << 3,
  ephemeralOwner: (11 << 3) | 1,
  sequence: (12 << 3) | 1,
  ttlMs: (13 << 3) | 1,
  container: 14 << 3,
  nullData: 15 << 3,
} as const;
const TWO_POW_32 = 2 ** 32;
/** The largest upper half of a safe integer. */
const HIGH_MAX = 2 ** 21 - 1;
