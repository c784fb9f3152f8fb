import type { Zxid } from './stat.ts';

export type WatchEvent =
  | {
      readonly type: 'created' | 'changed' | 'deleted' | 'children';
      readonly path: string;
      /** Of the change; 0n when it is not known: at a ZooKeeper before 3.9, or after a lost connection there. */
      readonly zxid: Zxid;
    }
  /** Events may have been missed: read again. */
  | {
      readonly type: 'resync';
      readonly reason: 'reconnected' | 'new-session' | 'overflow';
      readonly zxid: Zxid;
    };

export interface WatchOptions {
  /** The node and everything below it; then a list of children is never told of, each child is. */
  readonly recursive?: boolean;
  /** Ends the watch and its loop. */
  readonly signal?: AbortSignal;
  /** Events that wait unread, 1000; when there are more, all are dropped for one `resync`. */
  readonly maxBuffered?: number;
  /** Tells what happened after it too, as far as servers remember (a ZooKeeper doesn't); else begins with `resync`. */
  readonly fromZxid?: Zxid;
}

/**
 * What happens, one after the other; each item goes to one reader. It ends, and nothing of it stays anywhere, when its
 * loop is left, it is disposed of, its signal aborts, or the client closes.
 */
export interface Watcher<T> extends AsyncIterable<T>, AsyncDisposable {}

/** A watch that fires once. */
export interface OneShot {
  /**
   * The first event after the read that armed it. Always settles and never rejects: a lost session, the
   * client's close and disposal show as `resync`.
   */
  readonly event: Promise<WatchEvent>;
  /** Forgets the watch, on the server too when no other call waits for it; idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
