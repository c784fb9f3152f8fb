import { assert, ZXID_NONE, type Zxid } from '@zabra/model';
import { EpochHistory } from './epoch-history.ts';
import { History, type HistoryLimits } from './history.ts';
import type { LogRecord } from './record.ts';
import type { DurableState } from './step.ts';

declare const durable: unique symbol;

/**
 * A position that this server's own disk holds for certain. Only {@link Log} makes one, when it hears so from the disk;
 * an acknowledgement takes it, so that none can be sent ahead of the fsync.
 */
export type DurableZxid = Zxid & { readonly [durable]: true };

/**
 * This server's log as Zab sees it from one drain to the next: what it asked the disk to append, and how far that is
 * durable, committed and delivered. Always delivered ≤ min(committed, durable) ≤ last.
 */
export class Log {
  readonly #limits: HistoryLimits;
  readonly #epochs: EpochHistory;
  #history: History;
  #durable: DurableZxid;
  /** As the leader told; may be ahead of what this log holds. */
  #commit: Zxid;
  #delivered: Zxid;
  #base: Zxid;
  #truncating = false;

  constructor(state: DurableState, limits: HistoryLimits) {
    const { lastZxid, commitZxid, appliedZxid, tail } = state;
    assert(appliedZxid <= commitZxid, 'only what is committed is applied', { appliedZxid, commitZxid });
    assert(commitZxid <= lastZxid, 'the commit mark stays within the log', { commitZxid, lastZxid });
    this.#limits = limits;
    this.#epochs = new EpochHistory(state.history);
    assert(this.#epochs.lastZxid === lastZxid, 'the epochs end where the log ends', { lastZxid });
    this.#history = new History(appliedZxid, limits);
    for (const record of tail) this.#history.append(record);
    assert(this.#history.lastZxid === lastZxid, 'the tail ends where the log ends', {
      lastZxid,
      appliedZxid,
    });
    this.#durable = lastZxid as DurableZxid;
    this.#commit = commitZxid;
    this.#delivered = appliedZxid;
    this.#base = state.baseZxid;
  }

  get history(): History {
    return this.#history;
  }

  get epochs(): EpochHistory {
    return this.#epochs;
  }

  get lastZxid(): Zxid {
    return this.#history.lastZxid;
  }

  get durableZxid(): DurableZxid {
    return this.#durable;
  }

  get commitZxid(): Zxid {
    return Math.min(this.#commit, this.lastZxid) as Zxid;
  }

  get deliveredZxid(): Zxid {
    return this.#delivered;
  }

  /** Records at and below it cannot be read one by one. */
  get baseZxid(): Zxid {
    return this.#base;
  }

  /** A cut is on its way to the disk: until it is done, no position may be called durable to others. */
  get isTruncating(): boolean {
    return this.#truncating;
  }

  append(records: readonly LogRecord[]): void {
    for (const record of records) {
      this.#history.append(record);
      this.#epochs.append(record.zxid);
    }
    this.#evict();
  }

  /** The disk says that all up to `zxid` is fsynced. */
  appendedTo(zxid: Zxid): void {
    assert(zxid <= this.lastZxid, 'only what was appended becomes durable', { zxid, last: this.lastZxid });
    if (zxid > this.#durable) this.#durable = zxid as DurableZxid;
  }

  /** The durable mark falls at once; the tail is gone only when {@link truncated}. */
  truncateAfter(zxid: Zxid): void {
    assert(zxid >= this.commitZxid, 'what is committed is never cut', { zxid, commit: this.commitZxid });
    this.#history.truncateAfter(zxid);
    this.#epochs.truncateAfter(zxid);
    this.#durable = Math.min(this.#durable, zxid) as DurableZxid;
    this.#truncating = true;
  }

  truncated(): void {
    this.#truncating = false;
  }

  /** A snapshot at `zxid` is the base now, and the log after it is empty. */
  installed(zxid: Zxid): void {
    assert(zxid >= this.#delivered, 'a snapshot never takes the tree back', {
      zxid,
      delivered: this.#delivered,
    });
    this.#epochs.truncateAfter(ZXID_NONE);
    this.#epochs.append(zxid);
    this.#history = new History(zxid, this.#limits);
    this.#durable = zxid as DurableZxid;
    this.#commit = zxid;
    this.#delivered = zxid;
    this.#base = zxid;
  }

  /** The disk no longer holds what is below the memory window, or not all of it. */
  purged(): void {
    this.#base = Math.max(this.#base, this.#history.floor) as Zxid;
  }

  commitTo(zxid: Zxid): void {
    if (zxid > this.#commit) this.#commit = zxid;
  }

  /** Broadcast, step f.3.3: takes what may be delivered and was not yet, in order. */
  takeDeliverable(): LogRecord[] {
    const limit =
      globalThis.__ZABRA_MUTANT__ === 'apply-ahead-of-own-log'
        ? this.commitZxid
        : (Math.min(this.commitZxid, this.#durable) as Zxid);
    if (limit <= this.#delivered) return [];
    const records = this.#history.after(this.#delivered, {
      through: limit,
      bytesMax: Number.POSITIVE_INFINITY,
    });
    this.#delivered = limit;
    this.#evict();
    return records;
  }

  #evict(): void {
    this.#history.evict(Math.min(this.#delivered, this.#durable) as Zxid);
  }
}
