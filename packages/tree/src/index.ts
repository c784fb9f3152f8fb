export type { Applied } from './apply.ts';
export { operationHash } from './operation-hash.ts';
export { TREE_OPTIONS_DEFAULT, type TreeOptions } from './options.ts';
export type { PrepareContext, Prepared } from './prepare.ts';
export type { SessionView, StoredResult } from './session.ts';
export type { SnapshotCursor, SnapshotEntry } from './snapshot.ts';
export { Tree, type TreeRestorer } from './tree.ts';
