import { setTimeout as sleep } from 'node:timers/promises';
import type { ZooKeeper } from '@zabra/client';
import { childPath, childrenOf, isSameAcl, isSameData, readNode } from './copy-nodes.ts';
import type { TreeCopy } from './copy-tree.ts';
import { PathWork } from './copy-work.ts';

export interface Difference {
  readonly path: string;
  /** `missing` and `extra` at the target. */
  readonly what: 'missing' | 'data' | 'acl' | 'extra';
}

export interface Verdict {
  /** Nodes that were compared. */
  readonly compared: number;
  /** At the source, not copied. */
  readonly ephemerals: number;
  /** At the target, of others. */
  readonly kept: number;
  readonly differences: number;
  /** The first of them. */
  readonly differing: readonly Difference[];
}

const LANES = 64;
const SHOWN_MAX = 100;
/** A source that goes on changing is ahead of its copy for moments: a difference counts when it stays. */
const LOOKS = 5;
const BETWEEN_LOOKS_MS = 200;

/** Reads both sides and compares. `copy` goes on following meanwhile. `keeps`: nodes of others at the target are no difference. */
export async function verify(
  sides: { readonly source: ZooKeeper; readonly target: ZooKeeper },
  copy: TreeCopy,
  keeps: boolean,
): Promise<Verdict> {
  await Promise.all([sides.source.sync('/'), sides.target.sync('/')]);
  let compared = 0;
  let ephemerals = 0;
  let kept = 0;
  let differences = 0;
  const differing: Difference[] = [];
  const differ = (difference: Difference): void => {
    differences++;
    if (differing.length < SHOWN_MAX) differing.push(difference);
  };
  const work = new PathWork(LANES, async (path) => {
    const found = await lasting(copy, () => compare(sides, path));
    if (found === 'gone') return;
    if (found === 'ephemeral') {
      ephemerals++;
      return;
    }
    compared++;
    if (found !== 'same') differ({ path, what: found });
    const names = await childrenOf(sides.source, path);
    for (const name of names) work.add(childPath(path, name), true);
    const known = new Set(names);
    for (const name of await childrenOf(sides.target, path)) {
      const child = childPath(path, name);
      if (known.has(name) || !(await lasting(copy, () => isExtra(sides, child)))) continue;
      if (keeps && !copy.holds(child)) kept++;
      else differ({ path: child, what: 'extra' });
    }
  });
  work.add('/', true);
  await work.idle();
  return { compared, ephemerals, kept, differences, differing };
}

type Found = 'same' | 'gone' | 'ephemeral' | Difference['what'];

async function compare(
  { source, target }: { readonly source: ZooKeeper; readonly target: ZooKeeper },
  path: string,
): Promise<Found> {
  const [wanted, there] = await Promise.all([readNode(source, path), readNode(target, path)]);
  if (wanted === undefined) return 'gone';
  if (wanted.stat.ephemeralOwner !== 0n) return 'ephemeral';
  if (there === undefined) return 'missing';
  if (!isSameData(wanted.data, there.data)) return 'data';
  return isSameAcl(wanted.acl, there.acl) ? 'same' : 'acl';
}

async function isExtra(
  { source, target }: { readonly source: ZooKeeper; readonly target: ZooKeeper },
  path: string,
): Promise<boolean> {
  const [wanted, there] = await Promise.all([source.exists(path), target.exists(path)]);
  return wanted === null && there !== null;
}

async function lasting<T>(copy: TreeCopy, look: () => Promise<T>): Promise<T> {
  for (let looks = 1; ; looks++) {
    const found = await look();
    if (!FAULTS.has(found) || looks === LOOKS) return found;
    await sleep(BETWEEN_LOOKS_MS);
    await copy.caughtUp();
  }
}

const FAULTS: ReadonlySet<unknown> = new Set<unknown>(['missing', 'data', 'acl', true]);
