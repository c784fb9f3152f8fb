import { type ChangeResult, NULL_DATA, type Stat, unreachable, type WriteResult } from '@zabra/model';
import { Hasher } from './hash.ts';
import type { Slot } from './node-records.ts';
import type { NodeStore } from './node-store.ts';
import { hashAcl } from './operation-hash.ts';
import type { Session, StoredResult } from './session.ts';

/**
 * The sum of the hashes of all nodes, sessions and stored results: equal on all servers at one zxid, whatever the order
 * in which they came. Two lanes, each a sum modulo 2^32 of its own; nothing is carried between them. What changes is
 * subtracted as it was and added as it is, so the cost of a change does not depend on the size of the tree. Which
 * children a node has is not hashed with it: each child is in the sum with its whole path.
 */
export class Digest {
  #a = 0;
  #b = 0;
  readonly #hasher = new Hasher();

  /** 16 hex digits. */
  toString(): string {
    return hex(this.#a) + hex(this.#b);
  }

  addNode(nodes: NodeStore, slot: Slot): void {
    const { a, b } = hashNode(this.#hasher, nodes, slot);
    this.#add(a, b);
  }

  removeNode(nodes: NodeStore, slot: Slot): void {
    const { a, b } = hashNode(this.#hasher, nodes, slot);
    this.#add(-a, -b);
  }

  addSession(session: Session): void {
    const { a, b } = hashSession(this.#hasher, session);
    this.#add(a, b);
  }

  removeSession(session: Session): void {
    const { a, b } = hashSession(this.#hasher, session);
    this.#add(-a, -b);
  }

  addHash(a: number, b: number): void {
    this.#add(a, b);
  }

  removeHash(a: number, b: number): void {
    this.#add(-a, -b);
  }

  /**
   * To be called whenever path, data, ACL or TTL of the node are new, or that it is a container. `path` and `data` are the
   * node's: whoever changes it has them at hand.
   */
  hashContent(nodes: NodeStore, slot: Slot, path: string, data: Uint8Array): void {
    const hasher = this.#hasher.begin(KIND_NODE_CONTENT).string(path).bytes(data);
    hashAcl(hasher, nodes.acl(slot));
    const { container, ttlMs } = nodes.lifetime(slot);
    if (container) hasher.word(CONTAINER);
    if (data === NULL_DATA) hasher.word(NULL);
    if (ttlMs > 0) hasher.integer(ttlMs);
    nodes.setContent(slot, hasher.end());
  }

  /** To be called whenever the session is new or has a new nonce. */
  hashIdentity(session: Session): void {
    const hasher = this.#hasher.begin(KIND_SESSION_CONTENT).integer(session.id).word(session.timeoutMs);
    hasher.bytes(session.passwordHash).string(session.nonce).end();
    session.contentA = hasher.a;
    session.contentB = hasher.b;
  }

  /** The answer is valid until the next call. */
  hashResult(sessionId: number, stored: StoredResult): { readonly a: number; readonly b: number } {
    const hasher = this.#hasher.begin(KIND_RESULT).integer(sessionId);
    hasher.word(stored.requestNo).word(stored.requestHash);
    hashWriteResult(hasher, stored.result);
    return hasher.end();
  }

  #add(a: number, b: number): void {
    this.#a = (this.#a + a) | 0;
    this.#b = (this.#b + b) | 0;
  }
}

const KIND_NODE = 1;
const KIND_NODE_CONTENT = 2;
const KIND_SESSION = 3;
const KIND_SESSION_CONTENT = 4;
const KIND_RESULT = 5;
const CONTAINER = 1;
const NULL = 2;

function hashNode(hasher: Hasher, nodes: NodeStore, slot: Slot): Hasher {
  nodes.hashInto(hasher.begin(KIND_NODE), slot);
  return hasher.end();
}

function hashSession(hasher: Hasher, session: Session): Hasher {
  return hasher
    .begin(KIND_SESSION)
    .word(session.contentA)
    .word(session.contentB)
    .word(session.answeredThrough)
    .end();
}

function hashWriteResult(hasher: Hasher, result: WriteResult): void {
  hasher.integer(result.zxid);
  switch (result.kind) {
    case 'done':
      hasher.word(1).word(result.results.length);
      for (const change of result.results) hashChangeResult(hasher, change);
      return;
    case 'refused':
      hasher.word(2).string(result.refusal.code).string(result.refusal.message).word(result.failedIndex);
      hasher.word(result.codes.length);
      for (const code of result.codes) hasher.string(code);
      return;
    default:
      unreachable(result);
  }
}

function hashChangeResult(hasher: Hasher, change: ChangeResult): void {
  hasher.string(change.kind).string(change.path);
  switch (change.kind) {
    case 'create':
    case 'set':
    case 'setAcl':
      hashStat(hasher, change.stat);
      return;
    case 'deleteTree':
      hasher.word(change.deleted).word(Number(change.done));
      return;
    case 'delete':
    case 'check':
    case 'checkAbsent':
    case 'checkOwner':
    case 'touch':
      return;
    default:
      unreachable(change);
  }
}

function hashStat(hasher: Hasher, stat: Stat): void {
  hasher
    .integer(stat.czxid)
    .integer(stat.mzxid)
    .integer(stat.pzxid)
    .integer(stat.ctimeMs)
    .integer(stat.mtimeMs)
    .word(stat.version)
    .word(stat.cversion)
    .word(stat.aversion)
    .integer(stat.ephemeralOwner)
    .word(stat.dataLength)
    .word(stat.numChildren);
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0');
}
