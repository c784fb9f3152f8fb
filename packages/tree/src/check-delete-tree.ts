import {
  type Change,
  type DeleteTreeOperation,
  joinPath,
  PERMISSIONS,
  parentOf,
  type Refusal,
  refusal,
} from '@zabra/model';
import { type Asker, notAllowed } from './asker.ts';
import { deletable } from './check-operation.ts';
import { byCodeUnits } from './node.ts';
import type { TreeOptions } from './options.ts';
import type { Pending } from './pending.ts';
import type { NodeFacts } from './pending-node.ts';

/**
 * Judges the deletion of a node and of what is below it, as one change: a list of paths in path order, children before
 * parents, as many as one change may have. The asker needs DELETE on the parent of each node that goes, and READ on each
 * that has children, since how far it got tells of them. Nothing is recorded unless all of the list may go.
 */
export function checkDeleteTree(
  pending: Pending,
  options: TreeOptions,
  operation: DeleteTreeOperation,
  asker: Asker,
): Change | Refusal {
  const { path, nodesMax, atomic } = operation;
  const found = deletable(pending, path, asker);
  if ('code' in found) return found;
  const most = options.transactionOperationsMax;
  const max = nodesMax > 0 ? Math.min(nodesMax, most) : most;
  const listed = listTree(pending, { path, node: found.node, max }, asker);
  pending.recordLooks('code' in listed ? max : listed.paths.length);
  if ('code' in listed) return listed;
  const { paths, done } = listed;
  if (atomic && !done) {
    return refusal(
      'LIMIT',
      `${path} holds more than the ${max} nodes that one change may delete (transactionOperationsMax is ${most}): delete it without "atomic"`,
    );
  }
  for (const gone of paths) {
    pending.recordDelete(gone, pending.existing(gone), pending.existing(parentOf(gone)));
  }
  return { kind: 'deleteTree', path, paths, done };
}

/** The first `max` of the nodes that must go, in the order in which they can. */
function listTree(
  pending: Pending,
  { path, node, max }: { readonly path: string; readonly node: NodeFacts; readonly max: number },
  asker: Asker,
): { readonly paths: readonly string[]; readonly done: boolean } | Refusal {
  const moved = pending.movedChildrenBelow(path);
  const paths: string[] = [];
  const stack: { readonly path: string; readonly names: Iterator<string> }[] = [];

  const enter = (at: string, facts: NodeFacts): Refusal | undefined => {
    if (facts.childCount > 0) {
      const denied =
        notAllowed(asker, PERMISSIONS.read, at, facts) ?? notAllowed(asker, PERMISSIONS.delete, at, facts);
      if (denied !== undefined) return denied;
    }
    const names = facts.childCount === 0 ? [] : presentNames(pending.appliedChildNames(at), moved.get(at));
    stack.push({ path: at, names: names[Symbol.iterator]() });
    return undefined;
  };

  const fault = enter(path, node);
  if (fault !== undefined) return fault;
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    if (paths.length >= max) return { paths, done: false };
    const next = level.names.next();
    if (next.done === true) {
      paths.push(level.path);
      stack.pop();
      continue;
    }
    const below = joinPath(level.path, next.value);
    const denied = enter(below, pending.existing(below));
    if (denied !== undefined) return denied;
  }
  return { paths, done: true };
}

/** The names in order: those applied without what pending txns removed, and with what they made. */
function presentNames(
  applied: Iterable<string>,
  moved: ReadonlyMap<string, boolean> | undefined,
): Iterable<string> {
  return moved === undefined ? applied : mergedNames(applied, moved);
}

function* mergedNames(applied: Iterable<string>, moved: ReadonlyMap<string, boolean>): Generator<string> {
  const made = [...moved].filter(([, exists]) => exists).map(([name]) => name);
  made.sort(byCodeUnits);
  let index = 0;
  for (const name of applied) {
    if (moved.has(name)) continue;
    for (let next = made[index]; next !== undefined && next < name; next = made[++index]) yield next;
    yield name;
  }
  yield* made.slice(index);
}
