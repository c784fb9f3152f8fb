import {
  type Acl,
  ANY_VERSION,
  asZxid,
  type CreateMode,
  type SubOperation,
  type WatchKind,
  type WriteOperation,
} from '@zabra/model';
import type { NodeQuery, Query } from '../../src/core/clients/client-codec.ts';

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, and without, `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<Kind>(from: readonly Kind[]): Kind {
    return from[this.below(from.length)] as Kind;
  }
}

/** What the random operations are about: chosen where something is, so that they meet. */
export interface Surroundings {
  /** Paths of all nodes. */
  readonly paths: readonly string[];
  readonly sessionIds: readonly number[];
  /** Ephemeral nodes, and whose they are. */
  readonly ephemerals: readonly { readonly path: string; readonly owner: number }[];
  /** Applied. */
  readonly zxid: number;
  /** The watches of the session that asks. */
  readonly watches: readonly { readonly kind: string; readonly path: string; readonly id: number }[];
}

const NAMES = ['a', 'b', '__proto__', 'constructor', 'größe', '鍵', 'a.b'];
/** So that some nodes have many children. */
const MANY_NAMES = [...NAMES, ...Array.from({ length: 300 }, (_, index) => `child-${index * 7919}`)];
const ILLEGAL = ['', 'a', '/a/', '//', '/a//b', '/./a', '/a/..', '/a\u0001', '/b\ud83d\ude00', '/a\u007fb'];
const LIMITS_TEXTS = [
  'count=3,bytes=-1',
  'count=-1,bytes=-1=;byteHardLimit=60;countHardLimit=8',
  'byteHardLimit=30',
  'countHardLimit=4,bytes=5',
  'countHardLimit=-1',
  'count=many',
  'count=1,count=2',
];
const MODES: readonly CreateMode[] = [
  'persistent',
  'persistent',
  'persistent',
  'persistent-sequential',
  'ephemeral',
  'ephemeral',
  'ephemeral-sequential',
  'container',
  'ttl',
  'ttl-sequential',
];
const GRANTEES: readonly Omit<Acl, 'perms'>[] = [
  { scheme: 'world', id: 'anyone' },
  { scheme: 'digest', id: 'alice:hash-of-a' },
  { scheme: 'scrypt', id: 'bob:strong-hash-of-b' },
  { scheme: 'ip', id: '10.0.0.0/16' },
  { scheme: 'ip', id: '10.1.0.1' },
  { scheme: 'x509', id: 'CN=carol' },
  { scheme: 'auth', id: '' },
];
const INVALID: readonly Acl[] = [
  { perms: 31, scheme: 'world', id: 'somebody' },
  { perms: 31, scheme: 'digest', id: 'alice' },
  { perms: 31, scheme: 'super', id: '' },
  { perms: 31, scheme: 'sasl', id: 'dave' },
  { perms: 31, scheme: 'ip', id: 'here' },
  { perms: 32, scheme: 'world', id: 'anyone' },
];

export class RandomOperations {
  readonly #random: Random;
  readonly #names: readonly string[];
  #around: Surroundings = { paths: [], sessionIds: [], ephemerals: [], zxid: 0, watches: [] };
  #watchId = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#names = random.chance(10) ? MANY_NAMES : NAMES;
  }

  write(around: Surroundings): WriteOperation {
    this.#around = around;
    const roll = this.#random.below(100);
    if (roll < 14) return this.#transaction();
    if (roll < 20) return this.#deleteTree();
    return this.#sub(this.#random.below(88)) as WriteOperation;
  }

  read(around: Surroundings): Query {
    this.#around = around;
    const roll = this.#random.below(100);
    const path = this.#path();
    if (roll < 55) return this.#nodeQuery(this.#random.chance(45));
    if (roll < 63) return { kind: 'getAcl', path };
    if (roll < 69) return { kind: 'descendants', path };
    if (roll < 74)
      return { kind: 'ephemerals', prefix: this.#random.pick(['', '/', '/a', '/b/', 'a', path]) };
    if (roll < 76) return { kind: 'whoAmI' };
    if (roll < 78) return { kind: 'sync', path };
    if (roll < 84) {
      const reads = Array.from({ length: this.#random.below(8) }, () => this.#nodeQuery(false));
      return { kind: 'multiRead', reads };
    }
    return roll < 92 ? this.#addWatch() : this.#removeWatch();
  }

  /** Mostly short, for one operation that fails is enough. */
  #transaction(): WriteOperation {
    const length = this.#random.chance(20) ? this.#random.below(8) : 1 + this.#random.below(2);
    const operations = Array.from({ length }, () => this.#sub(this.#random.below(100)));
    return { kind: 'transaction', operations };
  }

  #deleteTree(): WriteOperation {
    const { chance, pick } = this.#bound();
    return {
      kind: 'deleteTree',
      path: this.#path(),
      nodesMax: pick([0, 0, 1, 2, 3, 99]),
      atomic: chance(40),
    };
  }

  /** Those from 88 on stand only in a transaction. */
  #sub(roll: number): SubOperation {
    const { chance, pick } = this.#bound();
    const isNew = (roll >= 8 && roll < 48) || (roll >= 93 && roll < 96);
    const path = chance(80) ? (isNew ? this.#below() : this.#known()) : this.#path();
    const version = pick([ANY_VERSION, ANY_VERSION, ANY_VERSION, 0, 1, 2]);
    if (roll < 8) return this.#quota();
    if (roll < 48) {
      const mode = pick(MODES);
      const sequential = mode.endsWith('sequential');
      const ttlMs = mode.startsWith('ttl') ? pick([1, 1000, 0, 2 ** 40 - 1, 2 ** 40]) : chance(3) ? 5 : 0;
      const at = sequential && chance(60) ? `${path === '/' ? '' : path}/${pick(['', 'n-'])}` : path;
      return { kind: 'create', path: at, data: this.#data(), mode, acl: this.#acl(), ttlMs };
    }
    if (roll < 62) return { kind: 'set', path, data: this.#data(), version };
    if (roll < 74) return { kind: 'delete', path, version };
    if (roll < 84) return { kind: 'setAcl', path, acl: this.#acl(), version };
    if (roll < 88) return { kind: 'touch', path };
    if (roll < 93) return { kind: 'check', path, version };
    if (roll < 96) return { kind: 'checkAbsent', path };
    const owned = chance(60) ? pick(this.#around.ephemerals) : undefined;
    if (owned !== undefined) return { kind: 'checkOwner', path: owned.path, sessionId: owned.owner };
    return { kind: 'checkOwner', path, sessionId: pick([0, 5, ...this.#around.sessionIds]) };
  }

  /** A quota needs its nodes from the top on. */
  #quota(): SubOperation {
    const { chance, pick } = this.#bound();
    const target = pick(['', '/a', '/b', '/a/__proto__']);
    const name = pick(['zookeeper_limits', 'zookeeper_limits', 'zookeeper_stats']);
    const paths = [`/zookeeper/quota${target}`, `/zookeeper/quota${target}/${name}`];
    const path = paths.find((each) => !this.#around.paths.includes(each)) ?? paths[1] ?? '';
    const data = path === paths[1] ? bytes(pick(LIMITS_TEXTS)) : bytes('');
    if (chance(70) && !this.#around.paths.includes(path))
      return { kind: 'create', path, data, mode: 'persistent', acl: [], ttlMs: 0 };
    return chance(60)
      ? { kind: 'set', path, data, version: ANY_VERSION }
      : { kind: 'delete', path, version: ANY_VERSION };
  }

  #nodeQuery(watch: boolean): NodeQuery {
    const { chance, pick } = this.#bound();
    const path = chance(4) ? pick(STATS_PATHS) : this.#path();
    const kind = pick(['get', 'exists', 'children'] as const);
    if (kind !== 'children') return { kind, path, watch };
    const after = pick(['', '', 'a', 'n-0000000001', '鍵', 'a/b']);
    return { kind, path, watch, page: { after, limit: pick([0, 1, 2, 4, 9]), withStats: chance(40) } };
  }

  #addWatch(): Query {
    const { chance, pick } = this.#bound();
    const id = chance(95) ? ++this.#watchId : chance(50) ? 0 : this.#watchId;
    const kind = pick(['persistent', 'persistentRecursive'] as const);
    const path = chance(30) ? '/' : this.#path();
    const back = this.#random.below(60);
    const fromZxid = chance(30) ? asZxid(Math.max(0, this.#around.zxid - back)) : undefined;
    return { kind: 'addWatch', watch: { id, kind, path }, fromZxid };
  }

  #removeWatch(): Query {
    const { chance, pick } = this.#bound();
    const kinds: readonly (WatchKind | 'persistent')[] = ['data', 'exist', 'child', 'persistent'];
    const none = { kind: pick(kinds), path: this.#path(), id: chance(50) ? 0 : 1 };
    const { kind, path, id } = chance(80) ? (pick(this.#around.watches) ?? none) : none;
    return { kind: 'removeWatch', watch: kind as WatchKind, path, id };
  }

  #path(): string {
    const { pick } = this.#bound();
    const roll = this.#random.below(100);
    if (roll < 3) return pick(ILLEGAL);
    if (roll < 50) return this.#known();
    if (roll < 80) return this.#below();
    return Array.from({ length: 1 + this.#random.below(2) }, () => `/${pick(this.#names)}`).join('');
  }

  #known(): string {
    return this.#random.pick(this.#around.paths) ?? '/';
  }

  /** A child of a node that is there, by a name of few; seldom one of the ensemble's own. */
  #below(): string {
    const { chance, pick } = this.#bound();
    const known = this.#known();
    const own = known.startsWith('/zookeeper') && chance(80) ? '/' : known;
    return own.split('/').length < 5 ? `${own === '/' ? '' : own}/${pick(this.#names)}` : own;
  }

  #data(): Uint8Array {
    return bytes('x'.repeat(this.#random.chance(3) ? 41 : this.#random.below(16)));
  }

  #acl(): readonly Acl[] {
    const { chance, pick } = this.#bound();
    if (chance(65)) return [];
    if (chance(5)) return [pick(INVALID)];
    const entries = Array.from({ length: 1 + this.#random.below(3) }, () => ({
      perms: chance(50) ? 31 : this.#random.below(32),
      ...pick(GRANTEES),
    }));
    return entries;
  }

  #bound(): { chance: (percent: number) => boolean; pick: <Kind>(from: readonly Kind[]) => Kind } {
    return { chance: (percent) => this.#random.chance(percent), pick: (from) => this.#random.pick(from) };
  }
}

const STATS_PATHS = ['/zookeeper/quota/zookeeper_stats', '/zookeeper/quota/a/zookeeper_stats'];

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
