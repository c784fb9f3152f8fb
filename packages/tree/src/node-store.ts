import {
  ACL_OPEN,
  type Acl,
  assert,
  asZxid,
  NO_SESSION,
  type SessionId,
  type Stat,
  type Zxid,
} from '@zabra/model';
import { ChildOrder, type CompareName, type CompareSlots } from './child-order.ts';
import type { Hasher } from './hash.ts';
import { Interned } from './interned.ts';
import { NameIndex } from './name-index.ts';
import { cversionOf, NO_DATA } from './node.ts';
import { NodeContents } from './node-contents.ts';
import { NO_SLOT, NodeRecords, type RecordTimes, type Slot } from './node-records.ts';
import type { ReadingPool } from './reading-pool.ts';

/** What ends a node beside a delete: its session, its time without a write, the loss of its last child. */
export interface Lifetime {
  /** {@link NO_SESSION} unless the node is ephemeral. */
  readonly ephemeralOwner: SessionId;
  /** 0 when the node has none. */
  readonly ttlMs: number;
  readonly container: boolean;
}

export const LIFETIME_UNLIMITED: Lifetime = { ephemeralOwner: NO_SESSION, ttlMs: 0, container: false };

/** A node to be added. What is not named here is 0 until it is set. */
export interface NewNode {
  readonly data: Uint8Array;
  readonly acl: readonly Acl[];
  readonly lifetime: Lifetime;
  readonly czxid: Zxid;
  readonly ctimeMs: number;
}

/**
 * All znodes, without an object for any one of them: a million objects would take twice the memory and make the garbage
 * collector stop the world for a third of a second.
 *
 * ```
 * path ── NameIndex ──▶ slot ── NodeRecords ──▶ zxids, times, versions, parent, …       64 or 96 bytes
 *                         └──── NodeContents ─▶ data and name, in a cell of their size
 *                         └──── InnerNode ────▶ of those that had a child: order, counts
 * ```
 *
 * A node is a {@link Slot}, valid until the node is removed. The root is {@link ROOT}; it always exists. Only keeps what
 * it is told: digest, snapshots and the rules of the tree are State's. Names come from legal paths.
 */
export class NodeStore {
  readonly #records = new NodeRecords();
  readonly #contents = new NodeContents(this.#records);
  readonly #index: NameIndex;
  readonly #acls = new Interned<readonly Acl[]>(ACL_OPEN, aclKey);
  readonly #lifetimes = new Interned<Lifetime>(LIFETIME_UNLIMITED, lifetimeKey);
  /** By the number in the node's record. Number 0 is nobody's. */
  readonly #inner: (InnerNode | undefined)[] = [undefined];
  readonly #freeInner: number[] = [];
  /** Nodes from this slot on that were added by {@link addUnordered} are not in the index yet. */
  #unindexed: Slot = ROOT + 1;
  readonly #compareName: CompareName = (slot, name) => this.#contents.compareName(slot, name);
  readonly #compareSlots: CompareSlots = (left, right) => this.#contents.compareNames(left, right);

  /**
   * `hashSeed` may differ from server to server: nothing that can be seen depends on it. `expectedNodes`, when it is known
   * (from a snapshot), saves a third of the time that adding them takes.
   */
  constructor(options: { readonly hashSeed?: number; readonly expectedNodes?: number } = {}) {
    const { hashSeed = 0, expectedNodes = 0 } = options;
    this.#index = new NameIndex(this.#records, this.#contents, { seed: hashSeed, expectedNodes });
    const root = this.#records.allocate();
    assert(root === ROOT, 'the root comes first', { root });
    this.#contents.put(root, '', 0, 0, NO_DATA);
  }

  /** The root included. */
  get size(): number {
    return this.#records.size;
  }

  /** Memory outside of the garbage collector's heap, apart from the order of children; `used` is without spare room. */
  memoryBytes(): { readonly reserved: number; readonly used: number } {
    const index = this.#index.reservedBytes;
    return {
      reserved: this.#records.reservedBytes + index + this.#contents.reservedBytes,
      used: this.#records.usedBytes + index + this.#contents.usedBytes,
    };
  }

  /** {@link NO_SLOT} when there is none, as for what is no path. */
  find(path: string): Slot {
    return path === '/' ? ROOT : this.#findUntil(path, path.length);
  }

  /** The parent of the node that has this path, or would have it. */
  findParent(path: string): Slot {
    const end = path.lastIndexOf('/');
    return end === 0 ? ROOT : this.#findUntil(path, end);
  }

  child(parent: Slot, name: string): Slot {
    return this.#index.find(parent, name, 0, name.length);
  }

  /** Counts in the parent's children and its ancestors' usage; the parent's `sequence` and zxid stay as they are. */
  add(parent: Slot, name: string, node: NewNode): Slot {
    return this.addAt(parent, name, 0, node);
  }

  /** As {@link add}, by the name that is the rest of the path from `nameAt` on: reading it there saves time. */
  addAt(parent: Slot, path: string, nameAt: number, node: NewNode): Slot {
    const hash = this.#index.hash(parent, path, nameAt, path.length);
    const twin = this.#index.findHashed(hash, parent, path, nameAt, path.length);
    assert(twin === NO_SLOT, 'a tree holds each node once', { parent, path });
    const slot = this.#enter(hash, parent, path, nameAt, node);
    this.#index.add(slot);
    this.#childrenOf(parent).insert(slot, path.slice(nameAt), this.#compareName);
    return slot;
  }

  /**
   * As {@link addAt}, for many nodes: their place among their siblings is found for all together by {@link orderChildren},
   * which must come before children are listed, inserted or removed; it also finds out whether one was added twice. And they
   * are not found by their path before {@link indexUnordered}. Nothing is removed meanwhile.
   */
  addUnordered(parent: Slot, path: string, nameAt: number, node: NewNode): Slot {
    const hash = this.#index.hash(parent, path, nameAt, path.length);
    const slot = this.#enter(hash, parent, path, nameAt, node);
    this.#childrenOf(parent).append(slot, this.#compareSlots);
    return slot;
  }

  /** All at once costs a third of one by one: the processor fetches the memory for several while it waits for the first. */
  indexUnordered(): void {
    const records = this.#records;
    let slot = records.liveFrom(this.#unindexed);
    for (; slot !== NO_SLOT; slot = records.liveFrom(slot + 1)) {
      this.#index.add(slot);
      this.#unindexed = slot + 1;
    }
  }

  /** Every node was added by {@link addUnordered}. */
  orderChildren(): void {
    this.indexUnordered();
    const compare: CompareSlots = (left, right) => {
      const difference = this.#compareSlots(left, right);
      // Neighbours in the order cannot but be compared with each other.
      if (difference === 0) assert(left === right, 'a tree holds each node once', { path: this.path(left) });
      return difference;
    };
    for (const inner of this.#inner) inner?.children?.order(compare);
  }

  /** All but its places in the index and among its siblings. */
  #enter(hash: number, parent: Slot, path: string, nameAt: number, node: NewNode): Slot {
    const slot = this.#records.allocate();
    this.#contents.put(slot, path, nameAt, path.length, node.data);
    this.#records.fill(slot, {
      parent,
      hash,
      aclId: this.#acls.take(node.acl),
      lifetimeId: this.#lifetimes.take(node.lifetime),
      czxid: node.czxid,
      ctimeMs: node.ctimeMs,
    });
    this.#countBelow(parent, 1, node.data.length);
    return slot;
  }

  #childrenOf(slot: Slot): ChildOrder {
    const inner = this.#innerOf(slot);
    inner.children ??= new ChildOrder();
    return inner.children;
  }

  /** A node without children. Its slot may be another's at once. */
  remove(slot: Slot): void {
    const records = this.#records;
    assert(slot !== ROOT && records.isLive(slot), 'a node that goes exists and is not the root', { slot });
    assert(this.childCount(slot) === 0, 'a node that goes has no children', { slot });
    const parent = records.parent(slot);
    const inner = this.#innerOf(parent);
    inner.children?.remove(slot, this.#contents.name(slot), this.#compareName);
    if (inner.children?.size === 0) inner.children = undefined;
    this.#countBelow(parent, -1, -records.dataLength(slot));

    this.#index.remove(slot);
    this.#acls.release(records.aclId(slot));
    this.#lifetimes.release(records.lifetimeId(slot));
    this.#dropInner(slot);
    this.#contents.drop(slot);
    records.release(slot);
  }

  name(slot: Slot): string {
    return this.#contents.name(slot);
  }

  parent(slot: Slot): Slot {
    return this.#records.parent(slot);
  }

  path(slot: Slot): string {
    if (slot === ROOT) return '/';
    let path = '';
    for (let at = slot; at !== ROOT; at = this.#records.parent(at))
      path = `/${this.#contents.name(at)}${path}`;
    return path;
  }

  /** In UTF-8 byte order of their names: at most `limit`, the first ones or those after the name `after`. */
  children(
    slot: Slot,
    page: { readonly after?: string | undefined; readonly limit?: number } = {},
  ): readonly Slot[] {
    const children = this.#inner[this.#records.innerId(slot)]?.children;
    return children?.page(page.after, page.limit ?? Number.POSITIVE_INFINITY, this.#compareName) ?? [];
  }

  childCount(slot: Slot): number {
    return this.#inner[this.#records.innerId(slot)]?.children?.size ?? 0;
  }

  /** Children ever created: the number of the next sequential one. Stays when the last child goes. */
  sequence(slot: Slot): number {
    return this.#inner[this.#records.innerId(slot)]?.sequence ?? 0;
  }

  setSequence(slot: Slot, sequence: number): void {
    if (sequence !== this.sequence(slot)) this.#innerOf(slot).sequence = sequence;
  }

  /** Nodes below this one, itself not counted. */
  descendants(slot: Slot): number {
    return this.#inner[this.#records.innerId(slot)]?.descendants ?? 0;
  }

  /** Data bytes of the nodes below this one, its own not counted. */
  bytesBelow(slot: Slot): number {
    return this.#inner[this.#records.innerId(slot)]?.bytesBelow ?? 0;
  }

  /**
   * Bytes that are never written into afterwards. Small ones are a copy, out of `pool` when it is given: who keeps many
   * copies should have a pool of his own, since a few that lie among others' keep those in memory.
   */
  data(slot: Slot, pool?: ReadingPool): Uint8Array {
    return this.#contents.data(slot, pool);
  }

  dataLength(slot: Slot): number {
    return this.#records.dataLength(slot);
  }

  /** Small data is copied; what is larger is kept, and must not be written into any more. */
  setData(slot: Slot, data: Uint8Array): void {
    const more = data.length - this.#records.dataLength(slot);
    this.#contents.setData(slot, data);
    if (slot !== ROOT && more !== 0) this.#countBelow(this.#records.parent(slot), 0, more);
  }

  acl(slot: Slot): readonly Acl[] {
    return this.#acls.value(this.#records.aclId(slot));
  }

  setAcl(slot: Slot, acl: readonly Acl[]): void {
    // Taken before the other is released: it may be the same.
    const id = this.#acls.take(acl);
    this.#acls.release(this.#records.aclId(slot));
    this.#records.setAclId(slot, id);
  }

  lifetime(slot: Slot): Lifetime {
    return this.#lifetimes.value(this.#records.lifetimeId(slot));
  }

  setLifetime(slot: Slot, lifetime: Lifetime): void {
    const id = this.#lifetimes.take(lifetime);
    this.#lifetimes.release(this.#records.lifetimeId(slot));
    this.#records.setLifetimeId(slot, id);
  }

  /** Zxids, times and versions, all at once. */
  setTimes(slot: Slot, times: RecordTimes): void {
    this.#records.setTimes(slot, times);
  }

  czxid(slot: Slot): Zxid {
    return asZxid(this.#records.czxid(slot));
  }

  setCzxid(slot: Slot, zxid: Zxid): void {
    this.#records.setCzxid(slot, zxid);
  }

  mzxid(slot: Slot): Zxid {
    return asZxid(this.#records.mzxid(slot));
  }

  setMzxid(slot: Slot, zxid: Zxid): void {
    this.#records.setMzxid(slot, zxid);
  }

  pzxid(slot: Slot): Zxid {
    return asZxid(this.#records.pzxid(slot));
  }

  setPzxid(slot: Slot, zxid: Zxid): void {
    this.#records.setPzxid(slot, zxid);
  }

  ctimeMs(slot: Slot): number {
    return this.#records.ctimeMs(slot);
  }

  setCtimeMs(slot: Slot, timeMs: number): void {
    this.#records.setCtimeMs(slot, timeMs);
  }

  mtimeMs(slot: Slot): number {
    return this.#records.mtimeMs(slot);
  }

  setMtimeMs(slot: Slot, timeMs: number): void {
    this.#records.setMtimeMs(slot, timeMs);
  }

  version(slot: Slot): number {
    return this.#records.version(slot);
  }

  setVersion(slot: Slot, version: number): void {
    this.#records.setVersion(slot, version);
  }

  aversion(slot: Slot): number {
    return this.#records.aversion(slot);
  }

  setAversion(slot: Slot, aversion: number): void {
    this.#records.setAversion(slot, aversion);
  }

  /** Hash of path, data and ACL in two lanes, signed 32-bit integers; kept for the digest. */
  contentA(slot: Slot): number {
    return this.#records.contentA(slot);
  }

  contentB(slot: Slot): number {
    return this.#records.contentB(slot);
  }

  setContent(slot: Slot, hash: { readonly a: number; readonly b: number }): void {
    this.#records.setContent(slot, hash.a, hash.b);
  }

  /** All of the node that is in the digest, its content as the hash that was set. */
  hashInto(hasher: Hasher, slot: Slot): void {
    this.#records.hashInto(hasher, slot);
    hasher.integer(this.lifetime(slot).ephemeralOwner).integer(this.sequence(slot));
  }

  /** The snapshot that is being taken has this node already, or must not have it. */
  isMarked(slot: Slot): boolean {
    return this.#records.isMarked(slot);
  }

  mark(slot: Slot): void {
    this.#records.mark(slot);
  }

  /** Of all nodes: a snapshot begins. */
  wipeMarks(): void {
    this.#records.wipeMarks();
  }

  stat(slot: Slot): Stat {
    const inner = this.#inner[this.#records.innerId(slot)];
    const childCount = inner?.children?.size ?? 0;
    const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, aversion } = this.#records.times(slot);
    return {
      czxid: asZxid(czxid),
      mzxid: asZxid(mzxid),
      pzxid: asZxid(pzxid),
      ctimeMs,
      mtimeMs,
      version,
      cversion: cversionOf(inner?.sequence ?? 0, childCount),
      aversion,
      ephemeralOwner: this.lifetime(slot).ephemeralOwner,
      dataLength: this.dataLength(slot),
      numChildren: childCount,
    };
  }

  #findUntil(path: string, end: number): Slot {
    let slot: Slot = ROOT;
    for (let start = 1; ; ) {
      const slash = path.indexOf('/', start);
      const stop = slash === -1 || slash > end ? end : slash;
      slot = this.#index.find(slot, path, start, stop);
      if (slot === NO_SLOT || stop === end) return slot;
      start = stop + 1;
    }
  }

  #innerOf(slot: Slot): InnerNode {
    const known = this.#inner[this.#records.innerId(slot)];
    if (known !== undefined) return known;
    const id = this.#freeInner.pop() ?? this.#inner.length;
    const inner = new InnerNode();
    this.#inner[id] = inner;
    this.#records.setInnerId(slot, id);
    return inner;
  }

  #dropInner(slot: Slot): void {
    const id = this.#records.innerId(slot);
    if (id === 0) return;
    this.#inner[id] = undefined;
    this.#freeInner.push(id);
  }

  /** `slot` is the parent of what changed: it and all its ancestors have that below them. */
  #countBelow(slot: Slot, nodes: number, bytes: number): void {
    for (let at = slot; ; at = this.#records.parent(at)) {
      const inner = this.#innerOf(at);
      inner.descendants += nodes;
      inner.bytesBelow += bytes;
      if (at === ROOT) return;
    }
  }
}

export const ROOT: Slot = 0;

/** What a node has only once it had a child: most nodes are leaves. */
class InnerNode {
  sequence = 0;
  descendants = 0;
  bytesBelow = 0;
  children: ChildOrder | undefined = undefined;
}

function aclKey(acl: readonly Acl[]): string {
  return JSON.stringify(acl.map(({ perms, scheme, id }) => [perms, scheme, id]));
}

function lifetimeKey({ ephemeralOwner, ttlMs, container }: Lifetime): string {
  return `${ephemeralOwner} ${ttlMs} ${container}`;
}
