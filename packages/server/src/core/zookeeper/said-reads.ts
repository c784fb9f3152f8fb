import { ADD_WATCH_MODE, type JuteRequest, type MultiOperation, WATCHER_TYPE } from '@zabra/jute';
import { type PersistentWatchKind, pathFault, type WatchKind } from '@zabra/model';
import type { NodeQuery, PersistentWatch, Query } from '../clients/client-codec.ts';
import type { Due } from './answers.ts';
import type { WatchNumbers } from './watch-numbers.ts';

/** What is asked here for a request of ZooKeeper's wire, and what it is answered with. */
export interface SaidRead {
  readonly query: Query;
  readonly due: Due;
  /** Watches that stay, until this request is answered; none of them goes where it is refused. */
  readonly ends?: readonly PersistentWatch[];
  /** A watch that stays from this request on, unless it is refused. */
  readonly begins?: PersistentWatch;
}

/** Of one node's data, Stat or children. */
export type LoneRead = Extract<JuteRequest, { kind: 'exists' | 'getData' | 'getChildren' | 'getChildren2' }>;

export function saidRead({ kind, watch, path: said }: LoneRead): SaidRead {
  const path = said ?? '';
  switch (kind) {
    case 'exists':
      return { query: { kind: 'exists', path, watch }, due: { kind: 'stat' } };
    case 'getData':
      return { query: { kind: 'get', path, watch }, due: { kind: 'data' } };
    case 'getChildren':
      return { query: allChildren(path, watch), due: { kind: 'names' } };
    case 'getChildren2':
      return { query: allChildren(path, watch), due: { kind: 'namesAndStat' } };
  }
}

/** undefined: one of them is no read, or one that a multi-read does not have, or of no path. */
export function saidMultiRead(operations: readonly MultiOperation[]): SaidRead | undefined {
  if (operations.length === 0)
    return { query: NOTHING, due: { kind: 'body', body: { kind: 'multi', results: [] } } };
  const reads: NodeQuery[] = [];
  for (const { kind, path } of operations) {
    if (path === undefined) return undefined;
    if (kind === 'getData') reads.push({ kind: 'get', path, watch: false });
    else if (kind === 'getChildren') reads.push(allChildren(path, false));
    else return undefined;
  }
  return { query: { kind: 'multiRead', reads }, due: { kind: 'multiRead' } };
}

/** undefined: there is no such kind of watch. */
export function saidAddWatch(path: string, mode: number, numbers: WatchNumbers): SaidRead | undefined {
  const kind = STANDING.find((each) => ADD_WATCH_MODE[each] === mode);
  if (kind === undefined) return undefined;
  const due: Due = { kind: 'body', body: { kind: 'number', number: 0 } };
  // Once for a client and path, however often it is asked for; and where there is never a node, nothing is ever heard.
  if (numbers.get(kind, path) !== undefined || pathFault(path) !== undefined) return { query: NOTHING, due };
  const watch = numbers.add(kind, path);
  return { query: { kind: 'addWatch', watch, fromZxid: undefined }, due, begins: watch };
}

/** The watches of a type on a path are looked for and, unless this is but a question, go. undefined: no such type. */
export function saidWatches(
  kind: 'checkWatches' | 'removeWatches',
  path: string,
  type: number,
  numbers: WatchNumbers,
): SaidRead | undefined {
  const meant = MEANT.get(type);
  if (meant === undefined) return undefined;
  const standing: PersistentWatch[] = [];
  for (const each of meant.standing) {
    const watch = numbers.get(each, path);
    if (watch !== undefined) standing.push(watch);
  }
  const isQuestion = kind === 'checkWatches';
  return {
    query: { kind: 'dropWatches', path, oneShots: meant.oneShots, standing, isQuestion },
    due: { kind: 'nothing' },
    ...(isQuestion ? {} : { ends: standing }),
  };
}

/** Done at once, in its order: what is due is known already. */
export const NOTHING: Query = { kind: 'nothing' };

/** However many they are: ZooKeeper's wire has no pages. */
function allChildren(path: string, watch: boolean): Extract<NodeQuery, { kind: 'children' }> {
  return { kind: 'children', path, watch, page: { after: '', limit: 0, withStats: false, whole: true } };
}

const STANDING: readonly PersistentWatchKind[] = ['persistent', 'persistentRecursive'];

const MEANT: ReadonlyMap<
  number,
  { readonly oneShots: readonly WatchKind[]; readonly standing: readonly PersistentWatchKind[] }
> = new Map([
  [WATCHER_TYPE.children, { oneShots: ['child'], standing: [] }],
  [WATCHER_TYPE.data, { oneShots: ['data', 'exist'], standing: [] }],
  [WATCHER_TYPE.any, { oneShots: ['child', 'data', 'exist'], standing: STANDING }],
  [WATCHER_TYPE.persistent, { oneShots: [], standing: ['persistent'] }],
  [WATCHER_TYPE.persistentRecursive, { oneShots: [], standing: ['persistentRecursive'] }],
]);
