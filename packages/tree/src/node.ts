import {
  ACL_OPEN,
  type Acl,
  assert,
  NO_SESSION,
  PERMISSIONS_ALL,
  type SessionId,
  type Stat,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';

/**
 * A znode. Holds neither its path nor its name: a million of them must fit in memory, and whoever changes one came
 * by its path. Only {@link State} changes a node, since each change must show in the digest and in a running snapshot.
 */
export class Node {
  /** Replaced, never written into: readers and snapshots keep it. */
  data: Uint8Array;
  acl: readonly Acl[];
  czxid: Zxid = ZXID_NONE;
  mzxid: Zxid = ZXID_NONE;
  pzxid: Zxid = ZXID_NONE;
  ctimeMs = 0;
  mtimeMs = 0;
  version = 0;
  aversion = 0;
  ephemeralOwner: SessionId = NO_SESSION;
  /** How long it may go without children and unwritten; 0: for ever. */
  ttlMs = 0;
  /** Goes some time after its last child. */
  container = false;
  /** Children ever created: the number of the next sequential one. */
  sequence = 0;
  children: Children | undefined = undefined;
  /** Hash of path, data and ACL, so that a parent's stat can change without reading its data again. */
  contentA = 0;
  contentB = 0;
  /** Number of the last snapshot that has this node already, or must not have it. */
  snapshotMark = 0;

  constructor(data: Uint8Array, acl: readonly Acl[]) {
    this.data = data;
    this.acl = acl;
  }

  get childCount(): number {
    return this.children === undefined ? 0 : this.children.byName.size;
  }

  get dataLength(): number {
    return this.data.length;
  }

  /** Nodes below it, itself not counted. */
  get descendants(): number {
    return this.children === undefined ? 0 : this.children.descendants;
  }

  /** Data of the nodes below it, its own not counted. */
  get bytesBelow(): number {
    return this.children === undefined ? 0 : this.children.bytesBelow;
  }

  child(name: string): Node | undefined {
    return this.children?.byName.get(name);
  }

  addChild(name: string, child: Node): void {
    this.children ??= new Children();
    this.children.byName.set(name, child);
    this.children.forgetOrder();
  }

  removeChild(name: string): void {
    if (this.children === undefined) return;
    this.children.byName.delete(name);
    this.children.forgetOrder();
    if (this.children.byName.size === 0) this.children = undefined;
  }

  /** More, or less, is below it by so many nodes and bytes. It must have children. */
  countBelow(count: number, bytes: number): void {
    assert(this.children !== undefined, 'a node that has others below it has children');
    this.children.descendants += count;
    this.children.bytesBelow += bytes;
  }

  stat(): Stat {
    return {
      czxid: this.czxid,
      mzxid: this.mzxid,
      pzxid: this.pzxid,
      ctimeMs: this.ctimeMs,
      mtimeMs: this.mtimeMs,
      version: this.version,
      cversion: cversionOf(this.sequence, this.childCount),
      aversion: this.aversion,
      ephemeralOwner: this.ephemeralOwner,
      dataLength: this.data.length,
      numChildren: this.childCount,
    };
  }
}

/** What a node has only while it has children: most nodes are leaves. */
export class Children {
  readonly byName: Map<string, Node> = new Map<string, Node>();
  /** Of all generations. Kept up at each change, so that a quota costs nothing to judge. */
  descendants = 0;
  /** Data of all descendants. */
  bytesBelow = 0;
  #inOrder: readonly string[] | undefined = undefined;

  /**
   * In UTF-8 byte order. Comparing UTF-16 code units gives the same order here, because names hold no
   * surrogates (see pathFault).
   */
  namesInOrder(): readonly string[] {
    this.#inOrder ??= [...this.byName.keys()].sort(byCodeUnits);
    return this.#inOrder;
  }

  forgetOrder(): void {
    this.#inOrder = undefined;
  }
}

export function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * ZooKeeper shows creations and deletions of children in one 32-bit number. Unsigned here; the bits are ZooKeeper's.
 */
export function cversionOf(sequence: number, childCount: number): number {
  return (2 * sequence - childCount) >>> 0;
}

/**
 * The version after a set. Versions are 32 bits, unsigned here; the one whose bits mean -1 is left out, because a client
 * that asks for -1 asks for any version (ZOOKEEPER-4743).
 */
export function nextVersion(version: number): number {
  return version >= 2 ** 32 - 2 ? 0 : version + 1;
}

export const NO_DATA: Uint8Array = new Uint8Array(0);

/** Bytes that belong to the tree alone: a small piece of a received frame would keep the whole frame in memory. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return NO_DATA;
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** An empty list means "open"; nearly all nodes are, and share one list. */
export function internAcl(acl: readonly Acl[]): readonly Acl[] {
  const [first] = acl;
  if (first === undefined) return ACL_OPEN;
  const isOpen =
    acl.length === 1 && first.perms === PERMISSIONS_ALL && first.scheme === 'world' && first.id === 'anyone';
  return isOpen ? ACL_OPEN : acl;
}
