import { assert } from '@zabra/model';
import type { NodeContents } from './node-contents.ts';
import { NO_SLOT, type NodeRecords, type Slot } from './node-records.ts';

/**
 * Finds a node by its parent and name. A hash table with chains through the records, which grows and shrinks by one
 * bucket at a time (linear hashing): no change ever waits for the whole table to be made anew.
 */
export class NameIndex {
  readonly #records: NodeRecords;
  readonly #contents: NodeContents;
  readonly #seed: number;
  /** First slot of each bucket's chain, 0 when it is empty: the root is in no chain. */
  readonly #heads: Int32Array[];
  /** Invariant: `#low` is a power of two, and `#low <= #buckets < 2 * #low`. */
  #low: number;
  #buckets: number;
  #count = 0;

  /**
   * `seed`: so that nobody can choose names that all fall into one bucket, without knowing it. With room for
   * `expectedNodes` from the start it need not grow up to there.
   */
  constructor(
    records: NodeRecords,
    contents: NodeContents,
    options: { readonly seed: number; readonly expectedNodes: number },
  ) {
    this.#records = records;
    this.#contents = contents;
    this.#seed = options.seed;
    let buckets = BUCKETS_MIN;
    while (buckets < options.expectedNodes * BUCKETS_PER_NODE) buckets *= 2;
    this.#low = buckets;
    this.#buckets = buckets;
    const pieces = Math.max(buckets >> HEADS_BITS, 1);
    this.#heads = Array.from({ length: pieces }, () => new Int32Array(Math.min(buckets, HEADS)));
  }

  get reservedBytes(): number {
    return this.#heads.reduce((bytes, heads) => bytes + heads.byteLength, 0);
  }

  /** Of a piece of `text`: names are hashed by their characters, which a path has at hand. */
  hash(parent: Slot, text: string, start: number, end: number): number {
    let hash = this.#seed ^ Math.imul(parent + 1, 0x9e3779b1);
    for (let index = start; index < end; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  find(parent: Slot, text: string, start: number, end: number): Slot {
    return this.findHashed(this.hash(parent, text, start, end), parent, text, start, end);
  }

  /** For who needs the hash itself too. */
  findHashed(hash: number, parent: Slot, text: string, start: number, end: number): Slot {
    const records = this.#records;
    let slot = this.#head(this.#bucketOf(hash));
    while (slot !== 0) {
      if (records.isAlike(slot, hash, parent) && this.#contents.nameEquals(slot, text, start, end))
        return slot;
      slot = records.next(slot);
    }
    return NO_SLOT;
  }

  /** Its record holds its hash. */
  add(slot: Slot): void {
    this.#push(this.#bucketOf(this.#records.hash(slot)), slot);
    this.#count++;
    if (this.#count * BUCKETS_PER_NODE > this.#buckets) this.#growSome();
  }

  remove(slot: Slot): void {
    const records = this.#records;
    const bucket = this.#bucketOf(records.hash(slot));
    const next = records.next(slot);
    let before = this.#head(bucket);
    if (before === slot) {
      this.#setHead(bucket, next);
    } else {
      while (before !== 0 && records.next(before) !== slot) before = records.next(before);
      assert(before !== 0, 'a node that goes is in the index', { slot });
      records.setNext(before, next);
    }
    this.#count--;
    // Not as soon as it could, so that what comes and goes does not make a bucket come and go with it.
    if (this.#count * BUCKETS_PER_NODE < this.#buckets >> 1) this.#shrinkSome();
  }

  #bucketOf(hash: number): number {
    const bucket = hash & (2 * this.#low - 1);
    return bucket < this.#buckets ? bucket : bucket - this.#low;
  }

  /** Several at once: the processor fetches the chains of the next ones while it waits for the first. */
  #growSome(): void {
    for (let step = 0; step < BUCKETS_AT_ONCE; step++) this.#grow();
  }

  #shrinkSome(): void {
    for (let step = 0; step < BUCKETS_AT_ONCE && this.#buckets > BUCKETS_MIN; step++) this.#shrink();
  }

  /** One more bucket at the end, which shares the chain of the one that stood for both. */
  #grow(): void {
    const bucket = this.#buckets++;
    this.#ensureHeads(bucket);
    const shared = bucket - this.#low;
    const mask = 2 * this.#low - 1;
    if (this.#buckets === 2 * this.#low) this.#low = this.#buckets;
    let slot = this.#head(shared);
    this.#setHead(shared, 0);
    while (slot !== 0) {
      const next = this.#records.next(slot);
      this.#push(this.#records.hash(slot) & mask, slot);
      slot = next;
    }
  }

  #shrink(): void {
    const bucket = --this.#buckets;
    if (bucket < this.#low) this.#low >>= 1;
    let slot = this.#head(bucket);
    this.#setHead(bucket, 0);
    while (slot !== 0) {
      const next = this.#records.next(slot);
      this.#push(bucket - this.#low, slot);
      slot = next;
    }
    if (bucket > 0 && bucket % HEADS === 0) this.#heads.pop();
  }

  #ensureHeads(bucket: number): void {
    const [first] = this.#heads;
    if (first !== undefined && bucket === first.length && bucket < HEADS) {
      const larger = new Int32Array(first.length * 2);
      larger.set(first);
      this.#heads[0] = larger;
    } else if (bucket >> HEADS_BITS === this.#heads.length && bucket >= HEADS) {
      this.#heads.push(new Int32Array(HEADS));
    }
  }

  #push(bucket: number, slot: Slot): void {
    this.#records.setNext(slot, this.#head(bucket));
    this.#setHead(bucket, slot);
  }

  #head(bucket: number): Slot {
    return (this.#heads[bucket >> HEADS_BITS] as Int32Array)[bucket & HEADS_MASK] as number;
  }

  #setHead(bucket: number, slot: Slot): void {
    (this.#heads[bucket >> HEADS_BITS] as Int32Array)[bucket & HEADS_MASK] = slot;
  }
}

/** Two, since each node in a chain that is not the one looked for costs a trip to the memory. */
const BUCKETS_PER_NODE = 2;
const BUCKETS_MIN = 16;
const BUCKETS_AT_ONCE = 16;
/** Heads are kept in pieces of so many; the first grows up to that. */
const HEADS_BITS = 10;
const HEADS = 2 ** HEADS_BITS;
const HEADS_MASK = HEADS - 1;
