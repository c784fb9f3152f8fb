import type { Zxid } from '@zabra/model';

/**
 * One entry of the history. Zab orders opaque bytes: what is in `payload` is the tree's business.
 * `epoch-start` is the first record of each epoch (counter 0, empty payload); `config` changes the members.
 */
export interface LogRecord {
  readonly zxid: Zxid;
  /** The record before it, ZXID_NONE for the first of all. A log has no holes: whoever appends checks this. */
  readonly previous: Zxid;
  readonly kind: 'txn' | 'config' | 'epoch-start';
  readonly payload: Uint8Array;
}

/** Where an epoch ends in a history. */
export interface EpochEnd {
  readonly epoch: number;
  readonly counter: number;
}
