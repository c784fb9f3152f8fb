import type { Acl } from './acl.ts';
import type { Zxid } from './zxid.ts';

/** What a change did to one path, in the order in which it happened. `children`: a child came or went. */
export interface TreeEvent {
  readonly type: 'created' | 'changed' | 'deleted' | 'children';
  readonly path: string;
  readonly zxid: Zxid;
  /** Of that node as of the change (of a deleted one, the last): who has no READ by it is not told. */
  readonly acl: readonly Acl[];
}

/** Which one-shot watch: on the data of a node that exists, on a node that doesn't, on a list of children. */
export type WatchKind = 'data' | 'exist' | 'child';

/** Which watch that stays: on a node and its list of children, or on a node and everything below it. */
export type PersistentWatchKind = 'persistent' | 'persistentRecursive';
