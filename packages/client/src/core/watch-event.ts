import type { Zxid } from './stat.ts';

export type WatchEvent =
  | {
      readonly type: 'created' | 'changed' | 'deleted' | 'children';
      readonly path: string;
      readonly zxid: Zxid;
    }
  /** Events may have been missed: read again. */
  | {
      readonly type: 'resync';
      readonly reason: 'reconnected' | 'new-session' | 'overflow';
      readonly zxid: Zxid;
    };

/** A watch that fires once. */
export interface OneShot {
  /**
   * The first event after the read that armed it. Always settles and never rejects: a lost session, the
   * client's close and disposal show as `resync`.
   */
  readonly event: Promise<WatchEvent>;
  /** Forgets the watch; idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
