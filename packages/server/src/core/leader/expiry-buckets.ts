/** Something whose time will be over. */
export interface Expiring {
  /** May be moved on at any time; it is seen when the bucket comes due. To bring it nearer, add the item again. */
  deadlineMs: number;
  /** The bucket it waits in: nobody's business but the buckets'. */
  bucket: number;
}

/**
 * Items by the time at which they are over, in buckets of one tick (ZooKeeper's ExpiryQueue). What is put off again and
 * again, as a session is by every heartbeat, costs an assignment: its bucket follows when it comes due.
 */
export class ExpiryBuckets<Item extends Expiring> {
  readonly #bucketMs: number;
  readonly #buckets = new Map<number, Set<Item>>();
  #next = 0;

  constructor(bucketMs: number) {
    this.#bucketMs = bucketMs;
  }

  /** Puts the item where its deadline says, wherever it was. */
  add(item: Item): void {
    this.remove(item);
    this.#place(item);
  }

  remove(item: Item): void {
    const items = this.#buckets.get(item.bucket);
    if (items?.delete(item) && items.size === 0) this.#buckets.delete(item.bucket);
  }

  /**
   * The items whose time is over at `nowMs`, earliest buckets first; each is taken out as it is handed over. Whoever stops
   * early gets the others next time. Looks at no more than `looksMax`, those that were put off included.
   */
  *due(nowMs: number, looksMax: number = Number.POSITIVE_INFINITY): Generator<Item> {
    const last = Math.floor(nowMs / this.#bucketMs);
    let looks = 0;
    for (; this.#next <= last; this.#next++) {
      const items = this.#buckets.get(this.#next);
      if (items === undefined) continue;
      for (const item of items) {
        if (looks === looksMax) return;
        looks++;
        items.delete(item);
        if (item.deadlineMs > nowMs) this.#place(item);
        else yield item;
      }
      this.#buckets.delete(this.#next);
    }
  }

  #place(item: Item): void {
    // The next bucket at the earliest: one that is being emptied must not be filled again.
    item.bucket = Math.max(Math.ceil(item.deadlineMs / this.#bucketMs), this.#next + 1);
    const bucket = this.#buckets.get(item.bucket);
    if (bucket === undefined) this.#buckets.set(item.bucket, new Set([item]));
    else bucket.add(item);
  }
}
