import { joinPath } from '@zabra/model';
import type { CallOptions } from './call-options.ts';
import { isZkError, type TransactionError } from './errors.ts';
import type { Transaction } from './transaction.ts';

/** The tree, and what it takes to delete a part of it step by step. */
export interface DeletableTree {
  children(path: string, options: CallOptions): Promise<readonly string[]>;
  delete(path: string, options: CallOptions & { readonly missingOk: boolean }): Promise<void>;
  transaction(): Transaction;
}

/** Requests on their way at once. */
const CONCURRENCY = 64;
/** How often it is looked again at what others made meanwhile. */
const ATTEMPTS_MAX = 8;

/**
 * Deletes a node and what is below it, children before parents, where the ensemble doesn't: each node with a request of
 * its own. NO_NODE when there is nothing; NOT_EMPTY when others keep making more. When it fails, part of it may be gone.
 */
export async function deleteBySteps(
  tree: DeletableTree,
  path: string,
  budget: { readonly rest: CallOptions },
): Promise<void> {
  for (let left = ATTEMPTS_MAX - 1; ; left--) {
    const [top, ...below] = await subtreeOf(tree, path, budget);
    if (top === undefined) return;
    try {
      for (const level of below.reverse()) {
        await inPortions(level, (each) => tree.delete(each, { ...budget.rest, missingOk: true }));
      }
      await tree.delete(path, { ...budget.rest, missingOk: left < ATTEMPTS_MAX - 1 });
      return;
    } catch (error) {
      if (left === 0 || !isZkError(error, 'NOT_EMPTY')) throw error;
    }
  }
}

/** The same in one transaction of all nodes that there are; again when others change which these are. */
export async function deleteAtOnce(
  tree: DeletableTree,
  path: string,
  budget: { readonly rest: CallOptions },
): Promise<void> {
  for (let left = ATTEMPTS_MAX - 1; ; left--) {
    const levels = await subtreeOf(tree, path, budget);
    const transaction = tree.transaction();
    for (const level of levels.reverse()) for (const each of level) transaction.delete(each);
    try {
      await transaction.commit(budget.rest);
      return;
    } catch (error) {
      if (!isZkError(error, 'TRANSACTION_FAILED')) throw error;
      const { results, index } = error as TransactionError; // Its code says so.
      const refused = results[index];
      if (left === 0 || !isZkError(refused, 'NOT_EMPTY', 'NO_NODE')) throw refused ?? error;
    }
  }
}

/** Paths by their depth, the path itself first. NO_NODE when it does not exist. */
async function subtreeOf(
  tree: DeletableTree,
  path: string,
  budget: { readonly rest: CallOptions },
): Promise<string[][]> {
  const levels: string[][] = [];
  for (let level = [path]; level.length > 0; ) {
    const isTop = levels.length === 0;
    levels.push(level);
    const below: string[] = [];
    await inPortions(level, async (parent) => {
      const names = await tree.children(parent, budget.rest).catch((error: unknown) => {
        // Somebody else deletes it too.
        if (!isTop && isZkError(error, 'NO_NODE')) return [];
        throw error;
      });
      for (const name of names) below.push(joinPath(parent, name));
    });
    level = below;
  }
  return levels;
}

async function inPortions<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += CONCURRENCY) {
    await Promise.all(items.slice(from, from + CONCURRENCY).map(work));
  }
}
