import type { SessionId } from './ids.ts';
import type { Zxid } from './zxid.ts';

/** What is known of a znode beside its data. Fields and rules as in ZooKeeper. */
export interface Stat {
  /** The change that created the node. */
  readonly czxid: Zxid;
  /** The change that last set its data. */
  readonly mzxid: Zxid;
  /** The change that last created or deleted a child. */
  readonly pzxid: Zxid;
  /** Leader's wall clock, ms since 1970, for display only. */
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  /** Sets of the data since creation. */
  readonly version: number;
  /** Creations and deletions of children. */
  readonly cversion: number;
  /** Sets of the ACL. */
  readonly aversion: number;
  /** The session that owns an ephemeral node; 0 otherwise. */
  readonly ephemeralOwner: SessionId;
  /** Bytes. */
  readonly dataLength: number;
  readonly numChildren: number;
}
