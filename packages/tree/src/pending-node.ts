import { ACL_OPEN, type Acl, NO_SESSION, type SessionId, type Zxid } from '@zabra/model';

/** What the checks of a write need to know of a node. */
export interface NodeFacts {
  readonly version: number;
  readonly aversion: number;
  readonly sequence: number;
  readonly childCount: number;
  readonly ephemeralOwner: SessionId;
  readonly acl: readonly Acl[];
  readonly ttlMs: number;
  readonly container: boolean;
  readonly dataLength: number;
}

/** A node as it will be once the txn at `zxid` is applied. Not changed any more once it is recorded. */
export class PendingNode implements NodeFacts {
  readonly zxid: Zxid;
  exists = true;
  version = 0;
  aversion = 0;
  sequence = 0;
  childCount = 0;
  ephemeralOwner: SessionId = NO_SESSION;
  acl: readonly Acl[] = ACL_OPEN;
  ttlMs = 0;
  container = false;
  dataLength = 0;

  /** A node that nothing is known of yet. */
  constructor(zxid: Zxid) {
    this.zxid = zxid;
  }

  /** The node as it was, to be changed before it is recorded. */
  static from(zxid: Zxid, before: NodeFacts): PendingNode {
    const node = new PendingNode(zxid);
    node.version = before.version;
    node.aversion = before.aversion;
    node.sequence = before.sequence;
    node.childCount = before.childCount;
    node.ephemeralOwner = before.ephemeralOwner;
    node.acl = before.acl;
    node.ttlMs = before.ttlMs;
    node.container = before.container;
    node.dataLength = before.dataLength;
    return node;
  }

  static gone(zxid: Zxid): PendingNode {
    const node = new PendingNode(zxid);
    node.exists = false;
    return node;
  }
}
