import type { Notification, Vote } from './message.ts';

/**
 * Phase 0: orders votes by current epoch, last durable zxid, id; positive when `left` is the better. Total and
 * transitive: each key is looked at only when those before it are equal (ZOOKEEPER-1419 left one such "and" out and
 * never settled).
 *
 * The epoch comes first: a server that adopted epoch e without logging a change of it must beat those that never did.
 */
export function compareVotes(left: Vote, right: Vote): number {
  return left.epoch - right.epoch || left.zxid - right.zxid || left.leader - right.leader;
}

/** Whether the sender of this note had stored nothing: a vote is never worse than the voter's own state. */
export function isEmptyVote(notification: Notification): boolean {
  return notification.vote.epoch === 0 && notification.vote.zxid === 0;
}
