import { ACL_OPEN, type Acl, asZxid, type Stat } from '@zabra/model';
import { LIFETIME_UNLIMITED, type Lifetime, NodeStore } from './node-store.ts';
import { TreeWalk } from './tree-walk.ts';

/** The same numbers for the same seed (mulberry32). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to `bound` - 1. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }

  shuffled<Value>(values: readonly Value[]): Value[] {
    const shuffled = [...values];
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.below(index + 1);
      [shuffled[index], shuffled[other]] = [shuffled[other] as Value, shuffled[index] as Value];
    }
    return shuffled;
  }
}

export function dataOf(length: number, first: number): Uint8Array {
  const data = new Uint8Array(length);
  for (let index = 0; index < length; index++) data[index] = first + index * 7;
  return data;
}

/** A persistent open node with this data. */
export function plainNode(data: Uint8Array = new Uint8Array(0)): Parameters<NodeStore['add']>[2] {
  return { data, acl: ACL_OPEN, lifetime: LIFETIME_UNLIMITED, czxid: asZxid(1), ctimeMs: 1_000 };
}

/** As UTF-8 bytes are compared. */
export function inByteOrder(names: readonly string[]): string[] {
  return [...names].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

/** All that can be read of one node, as plain data. */
export interface SeenNode {
  readonly path: string;
  readonly data: string;
  readonly acl: readonly Acl[];
  readonly lifetime: Lifetime;
  readonly stat: Stat;
  readonly sequence: number;
  readonly descendants: number;
  readonly bytesBelow: number;
  readonly isMarked: boolean;
  readonly contentA: number;
  readonly contentB: number;
  readonly children: readonly string[];
}

export function seenInStore(store: NodeStore, path: string): SeenNode | undefined {
  const slot = store.find(path);
  if (slot < 0) return undefined;
  return {
    path: store.path(slot),
    data: Buffer.from(store.data(slot)).toString('hex'),
    acl: store.acl(slot),
    lifetime: store.lifetime(slot),
    stat: store.stat(slot),
    sequence: store.sequence(slot),
    descendants: store.descendants(slot),
    bytesBelow: store.bytesBelow(slot),
    isMarked: store.isMarked(slot),
    contentA: store.contentA(slot),
    contentB: store.contentB(slot),
    children: store.children(slot).map((child) => store.name(child)),
  };
}

/** Every path that a walk meets, with rests. */
export function walkedPaths(store: NodeStore): string[] {
  const paths: string[] = [];
  const walk = new TreeWalk(store);
  while (!walk.isOver) {
    walk.go(3, (slot) => paths.push(store.path(slot)) % 7 !== 0);
  }
  return paths;
}

interface ReferenceNode {
  data: Uint8Array;
  acl: readonly Acl[];
  lifetime: Lifetime;
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctimeMs: number;
  mtimeMs: number;
  version: number;
  aversion: number;
  sequence: number;
  isMarked: boolean;
  contentA: number;
  contentB: number;
}

const NAMES = [
  ...[
    'a',
    'ab',
    'abc',
    'b',
    'Z',
    '0',
    '-',
    '~',
    'a b',
    'node-0000000001',
    'node-0000000002',
    'n'.repeat(300),
  ],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'],
  ...[
    'é',
    'Ã©',
    'z\u0301',
    'ß',
    '中',
    '中文',
    'ﬀ',
    '\u00ff',
    '\u0100',
    '\u07ff',
    '\u0800',
    'a\u20ac',
    '\uffef',
  ],
];
const DATA_LENGTHS = [0, 0, 1, 3, 7, 8, 9, 99, 100, 101, 500, 513, 1024, 5_000, 32_768, 32_769, 40_000];
const ACLS: readonly (readonly Acl[])[] = [
  ACL_OPEN,
  [{ perms: 1, scheme: 'world', id: 'anyone' }],
  [
    { perms: 31, scheme: 'digest', id: 'ann:hash' },
    { perms: 1, scheme: 'ip', id: '10.0.0.0/8' },
  ],
];
const LIFETIMES: readonly Lifetime[] = [
  LIFETIME_UNLIMITED,
  { ephemeralOwner: 2 ** 52 + 1, ttlMs: 0, container: false },
  { ephemeralOwner: 0, ttlMs: 1_099_511_627_775, container: false },
  { ephemeralOwner: 0, ttlMs: 0, container: true },
];

/** Tells the store and a Map of paths the same, step by step. */
export class ReferenceRun {
  readonly store: NodeStore;
  readonly #random: SeededRandom;
  readonly #nodes = new Map<string, ReferenceNode>([
    [
      '/',
      {
        data: new Uint8Array(0),
        acl: ACL_OPEN,
        lifetime: LIFETIME_UNLIMITED,
        ...{ czxid: 0, mzxid: 0, pzxid: 0, ctimeMs: 0, mtimeMs: 0, version: 0, aversion: 0 },
        ...{ sequence: 0, isMarked: false, contentA: 0, contentB: 0 },
      },
    ],
  ]);
  /** What was read at some time, and what it was. */
  readonly #handedOut: { readonly bytes: Uint8Array; readonly was: string }[] = [];
  #zxid = 2 ** 32;

  constructor(seed: number, hashSeed: number) {
    this.#random = new SeededRandom(seed);
    this.store = new NodeStore({ hashSeed });
  }

  get paths(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** Whether what was handed out still reads as it did. */
  get changedHandouts(): number {
    return this.#handedOut.filter(({ bytes, was }) => Buffer.from(bytes).toString('hex') !== was).length;
  }

  step(): void {
    const path = this.#random.pick(this.paths);
    const node = this.#nodes.get(path) as ReferenceNode;
    const slot = this.store.find(path);
    this.#zxid++;
    switch (this.#random.below(8)) {
      case 0:
      case 1:
      case 2:
        this.#add(path);
        return;
      case 3:
      case 4:
        this.#remove(path);
        return;
      case 5: {
        node.data = this.#newData();
        node.mzxid = this.#zxid;
        node.mtimeMs = this.#zxid + 0.5;
        node.version = 2 ** 32 - 2 - this.#random.below(9);
        this.store.setData(slot, node.data);
        this.store.setMzxid(slot, asZxid(node.mzxid));
        this.store.setMtimeMs(slot, node.mtimeMs);
        this.store.setVersion(slot, node.version);
        return;
      }
      case 6: {
        node.acl = this.#random.pick(ACLS);
        node.aversion = (node.aversion + 2 ** 31) % 2 ** 32;
        node.lifetime = this.#random.pick(LIFETIMES);
        node.sequence += this.#random.below(3);
        node.isMarked = true;
        node.contentA = this.#random.below(2 ** 32) | 0;
        node.contentB = this.#random.below(2 ** 32) | 0;
        this.store.setAcl(slot, node.acl);
        this.store.setAversion(slot, node.aversion);
        this.store.setLifetime(slot, node.lifetime);
        this.store.setSequence(slot, node.sequence);
        this.store.mark(slot);
        this.store.setContent(slot, { a: node.contentA, b: node.contentB });
        return;
      }
      default: {
        const bytes = this.store.data(slot);
        this.#handedOut.push({ bytes, was: Buffer.from(bytes).toString('hex') });
      }
    }
  }

  seen(path: string): SeenNode | undefined {
    const node = this.#nodes.get(path);
    if (node === undefined) return undefined;
    const prefix = path === '/' ? '/' : `${path}/`;
    const below = [...this.#nodes].filter(([other]) => other !== path && other.startsWith(prefix));
    const names = below.map(([other]) => other.slice(prefix.length)).filter((name) => !name.includes('/'));
    const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, aversion, sequence } = node;
    return {
      path,
      data: Buffer.from(node.data).toString('hex'),
      acl: node.acl,
      lifetime: node.lifetime,
      stat: {
        ...{ czxid: asZxid(czxid), mzxid: asZxid(mzxid), pzxid: asZxid(pzxid), ctimeMs, mtimeMs },
        ...{ version, aversion, cversion: (2 * sequence - names.length) >>> 0 },
        ephemeralOwner: node.lifetime.ephemeralOwner,
        dataLength: node.data.length,
        numChildren: names.length,
      },
      sequence,
      descendants: below.length,
      bytesBelow: below.reduce((sum, [, other]) => sum + other.data.length, 0),
      isMarked: node.isMarked,
      contentA: node.contentA,
      contentB: node.contentB,
      children: inByteOrder(names),
    };
  }

  #add(parentPath: string): void {
    const name = this.#random.pick(NAMES);
    const path = parentPath === '/' ? `/${name}` : `${parentPath}/${name}`;
    if (this.#nodes.has(path)) return;
    const data = this.#newData();
    const acl = this.#random.pick(ACLS);
    const lifetime = this.#random.pick(LIFETIMES);
    const zxid = this.#zxid;
    const slot = this.store.add(this.store.find(parentPath), name, {
      data,
      acl,
      lifetime,
      czxid: asZxid(zxid),
      ctimeMs: zxid,
    });
    this.store.setPzxid(slot, asZxid(zxid + 1));
    this.#nodes.set(path, {
      ...{ data, acl, lifetime, czxid: zxid, mzxid: zxid, pzxid: zxid + 1, ctimeMs: zxid, mtimeMs: zxid },
      ...{ version: 0, aversion: 0, sequence: 0, isMarked: false, contentA: 0, contentB: 0 },
    });
  }

  #remove(path: string): void {
    const hasChildren = this.paths.some((other) => other.startsWith(`${path}/`));
    if (path === '/' || hasChildren) return;
    this.store.remove(this.store.find(path));
    this.#nodes.delete(path);
  }

  #newData(): Uint8Array {
    return dataOf(this.#random.pick(DATA_LENGTHS), this.#random.below(256));
  }
}
