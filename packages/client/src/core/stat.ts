/** Position in the history: `epoch * 2^32 + counter`. `JSON.stringify` needs `.toString()`. */
export type Zxid = bigint;
/** A client's bond with the ensemble; 0n for none. */
export type SessionId = bigint;
export type Bytes = Uint8Array;

/** What is known of a znode beside its data. Fields and rules as in ZooKeeper. */
export interface Stat {
  /** The change that created the node. */
  readonly czxid: Zxid;
  /** The change that last set its data. */
  readonly mzxid: Zxid;
  /** The change that last created or deleted a child. */
  readonly pzxid: Zxid;
  /** The leader's clock, for display. */
  readonly ctime: Date;
  readonly mtime: Date;
  /** Sets of the data since creation. */
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** 0n when not ephemeral. */
  readonly ephemeralOwner: SessionId;
  readonly dataLength: number;
  readonly numChildren: number;
}

/** A node as it was at one moment. */
export interface Snapshot<T> {
  readonly path: string;
  readonly data: T;
  readonly stat: Stat;
}
