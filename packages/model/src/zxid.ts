import { assert } from './assert.ts';

declare const brand: unique symbol;

/**
 * Position of a record in the history: `epoch * 2^32 + counter`. One JavaScript number, exact while the
 * epoch is below 2^21. Counter 0 is the epoch-start record, the first of each epoch; the first change
 * a client makes in epoch 1 has zxid 0x100000001, as in ZooKeeper.
 */
export type Zxid = number & { readonly [brand]: 'Zxid' };

/** The number of a leadership; grows, never reused. 0 before the first leader. */
export type Epoch = number;

export const EPOCH_MAX: Epoch = 2 ** 21 - 1;
/** The last usable counter. Near it the leader opens a new epoch (ZooKeeper resigns: ZOOKEEPER-1277). */
export const COUNTER_MAX: number = 2 ** 32 - 2;

/** Before the first record: the position of an empty history. No record has it, since epochs begin at 1. */
export const ZXID_NONE: Zxid = 0 as Zxid;

export function makeZxid(epoch: Epoch, counter: number): Zxid {
  assert(Number.isInteger(epoch) && epoch >= 0 && epoch <= EPOCH_MAX, 'an epoch fits in 21 bits', { epoch });
  assert(Number.isInteger(counter) && counter >= 0 && counter < 2 ** 32, 'a counter fits in 32 bits', {
    counter,
  });
  return (epoch * 2 ** 32 + counter) as Zxid;
}

/** Takes a number that was a zxid before (read from the wire or the disk). Asserts that it can be one. */
export function asZxid(value: number): Zxid {
  assert(Number.isSafeInteger(value) && value >= 0, 'a zxid is a safe integer', { value });
  return value as Zxid;
}

export function epochOf(zxid: Zxid): Epoch {
  return Math.floor(zxid / 2 ** 32);
}

export function counterOf(zxid: Zxid): number {
  return zxid % 2 ** 32;
}

/** `0x100000001`; an empty history prints as `0x0`. */
export function formatZxid(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}
