import type { Zxid } from './zxid.ts';

/** What a change did to one path, in the order in which it happened. `children`: a child came or went. */
export interface TreeEvent {
  readonly type: 'created' | 'changed' | 'deleted' | 'children';
  readonly path: string;
  readonly zxid: Zxid;
}

/** Which one-shot watch: on the data of a node that exists, on a node that doesn't, on a list of children. */
export type WatchKind = 'data' | 'exist' | 'child';
