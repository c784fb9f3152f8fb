import { crc32 } from 'node:zlib';
import type { SnapshotNode } from '@zabra/jute';
import { ACL_OPEN, type Acl, parentOf, TTL_MS_MAX } from '@zabra/model';

/** What ends a node beside a delete. Nodes of one kind share one record. */
export type Lifetime =
  | { readonly kind: 'persistent'; readonly owner: bigint }
  | { readonly kind: 'ephemeral'; readonly owner: bigint }
  | { readonly kind: 'container'; readonly owner: bigint }
  | { readonly kind: 'ttl'; readonly owner: bigint; readonly ttlMs: number };

/** A node as ZooKeeper keeps it. */
export interface TableNode {
  data: Uint8Array | undefined;
  /** Undefined: the snapshot's table lacks it, because it came while the snapshot was being written. */
  acl: readonly Acl[] | undefined;
  readonly lifetime: Lifetime;
  readonly czxid: number;
  mzxid: number;
  pzxid: number;
  readonly ctimeMs: number;
  mtimeMs: number;
  /** Versions are signed. */
  version: number;
  /** Children ever created. */
  cversion: number;
  aversion: number;
}

/** ZooKeeper's tree while it is brought together: nodes by path, and the sessions that own some of them. */
export class NodeTable {
  readonly #nodes = new Map<string, TableNode>();
  /** Timeout in ms, by id. */
  readonly #sessions = new Map<bigint, number>();
  /** Sessions that ever were: an owner among them is no TTL. */
  readonly #sessionIds = new Set<bigint>();
  readonly #ephemerals = new Map<bigint, Set<string>>();
  readonly #lifetimes = new Map<bigint, Lifetime>([[0n, PERSISTENT]]);
  readonly #acls = new Map<string, readonly Acl[]>();
  #pool: Uint8Array = new Uint8Array(0);
  #pooled = 0;

  get size(): number {
    return this.#nodes.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Parents need not come first. */
  entries(): IterableIterator<[string, TableNode]> {
    return this.#nodes.entries();
  }

  /** As {@link entries}, and lets go of each: a tree that is made of them need not be there twice. */
  *drain(): Generator<[string, TableNode]> {
    for (const entry of this.#nodes) {
      this.#nodes.delete(entry[0]);
      yield entry;
    }
  }

  get(path: string): TableNode | undefined {
    return this.#nodes.get(path);
  }

  openSession(id: bigint, timeoutMs: number): void {
    this.#sessions.set(id, timeoutMs);
    this.#sessionIds.add(id);
  }

  /** Answers the paths of its ephemerals, which stay. */
  closeSession(id: bigint): readonly string[] {
    this.#sessions.delete(id);
    return [...(this.#ephemerals.get(id) ?? [])];
  }

  /** `acl`: {@link TableNode.acl}. */
  addLoaded(path: string, node: SnapshotNode, acl: readonly Acl[] | undefined): void {
    const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, cversion, aversion } = node;
    this.#add(path, {
      data: this.#ownBytes(node.data),
      acl,
      lifetime: this.#lifetimeOf(node.ephemeralOwner),
      czxid,
      mzxid,
      pzxid,
      ctimeMs,
      mtimeMs,
      version,
      cversion,
      aversion,
    });
  }

  addCreated(
    path: string,
    created: {
      readonly data: Uint8Array | undefined;
      readonly acl: readonly Acl[];
      readonly owner: bigint;
      readonly zxid: number;
      readonly timeMs: number;
    },
  ): void {
    const { zxid, timeMs } = created;
    this.#add(path, {
      data: this.#ownBytes(created.data),
      acl: this.shareAcl(created.acl),
      lifetime: this.#lifetimeOf(created.owner),
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctimeMs: timeMs,
      mtimeMs: timeMs,
      version: 0,
      cversion: 0,
      aversion: 0,
    });
  }

  setData(node: TableNode, data: Uint8Array | undefined): void {
    node.data = this.#ownBytes(data);
  }

  remove(path: string): void {
    const node = this.#nodes.get(path);
    if (node === undefined) return;
    this.#nodes.delete(path);
    const { kind, owner } = node.lifetime;
    if (kind === 'ephemeral') this.#ephemerals.get(owner)?.delete(path);
  }

  /** Equal lists become one. */
  shareAcl(acl: readonly Acl[]): readonly Acl[] {
    const key = JSON.stringify(acl.map(({ perms, scheme, id }) => [perms, scheme, id]));
    const known = this.#acls.get(key) ?? (key === OPEN_KEY ? ACL_OPEN : acl);
    this.#acls.set(key, known);
    return known;
  }

  /** Removes what hangs below no parent, and answers its paths. */
  removeStrays(): readonly string[] {
    const strays: string[] = [];
    // A child of a stray is one too, whichever comes first: once more, until none is found.
    for (let found = -1; found !== strays.length; ) {
      found = strays.length;
      for (const path of this.#nodes.keys()) {
        if (path !== '/' && !this.#nodes.has(parentOf(path))) {
          this.remove(path);
          strays.push(path);
        }
      }
    }
    return strays;
  }

  /**
   * ZooKeeper's digest of the tree (version 2): the sum over all nodes of a CRC-32 of path, data and Stat. What is below
   * `/zookeeper` is left out.
   */
  digest(): bigint {
    const stat = Buffer.alloc(STAT_BYTES);
    let sum = 0n;
    // Sums of 32-bit numbers, exact up to 2^21 of them.
    let part = 0;
    let parts = 0;
    for (const [path, node] of this.#nodes) {
      if (path.startsWith(OWN_PREFIX)) continue;
      writeStat(stat, node);
      const ofPath = crc32(path === '/' ? '' : path);
      part += crc32(stat, node.data === undefined ? ofPath : crc32(node.data, ofPath));
      if (++parts === 2 ** 20) {
        sum += BigInt(part);
        part = 0;
        parts = 0;
      }
    }
    return BigInt.asIntN(64, sum + BigInt(part));
  }

  #add(path: string, node: TableNode): void {
    this.#nodes.set(path, node);
    const { kind, owner } = node.lifetime;
    if (kind !== 'ephemeral') return;
    const paths = this.#ephemerals.get(owner) ?? new Set<string>();
    this.#ephemerals.set(owner, paths.add(path));
  }

  #lifetimeOf(owner: bigint): Lifetime {
    const known = this.#lifetimes.get(owner);
    if (known !== undefined) return known;
    const lifetime = this.#sessionIds.has(owner)
      ? { kind: 'ephemeral' as const, owner }
      : readLifetime(owner);
    this.#lifetimes.set(owner, lifetime);
    return lifetime;
  }

  /** A copy: the bytes are a view of all that was read with them. */
  #ownBytes(bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes === undefined) return undefined;
    if (bytes.length === 0) return NO_DATA;
    if (bytes.length > POOL_BYTES / 16) return new Uint8Array(bytes);
    if (this.#pooled + bytes.length > this.#pool.length) {
      this.#pool = new Uint8Array(POOL_BYTES);
      this.#pooled = 0;
    }
    const own = this.#pool.subarray(this.#pooled, this.#pooled + bytes.length);
    own.set(bytes);
    this.#pooled += bytes.length;
    return own;
  }
}

/** The owner that stands for a TTL. */
export function ttlOwner(ttlMs: number): bigint {
  return TTL_OWNER | BigInt(ttlMs);
}

/** The owner that stands for a container: the lowest number there is. */
export const CONTAINER_OWNER: bigint = -(2n ** 63n);

const NO_DATA = new Uint8Array(0);
const POOL_BYTES = 64 * 1024;
const PERSISTENT: Lifetime = { kind: 'persistent', owner: 0n };
const OWN_PREFIX = '/zookeeper/';
const OPEN_KEY = JSON.stringify(ACL_OPEN.map(({ perms, scheme, id }) => [perms, scheme, id]));
/** Highest byte 0xff, then two bytes 0 for "TTL", then the TTL. */
const TTL_OWNER = -(2n ** 56n);
const STAT_BYTES = 60;

/**
 * What an owner says that is no known session. Where TTLs were not switched on such a number is some session's that is gone:
 * but of a server of the number 255 and of a time that never was.
 */
function readLifetime(owner: bigint): Lifetime {
  if (owner === CONTAINER_OWNER) return { kind: 'container', owner };
  const ttlMs = owner - TTL_OWNER;
  if (ttlMs > 0n && ttlMs <= TTL_MS_MAX) return { kind: 'ttl', owner, ttlMs: Number(ttlMs) };
  return { kind: 'ephemeral', owner };
}

function writeStat(stat: Buffer, node: TableNode): void {
  writeLong(stat, 0, node.czxid);
  writeLong(stat, 8, node.mzxid);
  writeLong(stat, 16, node.pzxid);
  writeLong(stat, 24, node.ctimeMs);
  writeLong(stat, 32, node.mtimeMs);
  stat.writeInt32BE(node.version, 40);
  stat.writeInt32BE(node.cversion, 44);
  stat.writeInt32BE(node.aversion, 48);
  stat.writeBigInt64BE(node.lifetime.owner, 52);
}

function writeLong(bytes: Buffer, at: number, value: number): void {
  const low = value >>> 0;
  bytes.writeInt32BE((value - low) / 2 ** 32, at);
  bytes.writeUInt32BE(low, at + 4);
}
