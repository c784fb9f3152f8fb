import { joinPath } from '@zabra/model';
import { isZkError } from './errors.ts';

/** How many deletes of one tree are under way at most. */
const DELETES_MAX = 100;

export interface Deleter {
  children(path: string): Promise<readonly string[]>;
  delete(path: string): Promise<void>;
}

/**
 * Deletes everything below a node, deepest first. Not atomic: what others create meanwhile is deleted too, or makes
 * the caller's delete of the node itself fail with NOT_EMPTY. What is already gone is fine.
 */
export async function deleteBelow(deleter: Deleter, path: string): Promise<void> {
  const names = await unlessMissing(deleter.children(path), []);
  for (let from = 0; from < names.length; from += DELETES_MAX) {
    const paths = names.slice(from, from + DELETES_MAX).map((name) => joinPath(path, name));
    // Most nodes have no children: asking for those of each first would double the work.
    const full = await Promise.all(paths.map((child) => refusesAsFull(deleter, child)));
    for (const [index, child] of paths.entries()) {
      if (full[index] !== true) continue;
      await deleteBelow(deleter, child);
      await unlessMissing(deleter.delete(child), undefined);
    }
  }
}

async function refusesAsFull(deleter: Deleter, path: string): Promise<boolean> {
  try {
    await unlessMissing(deleter.delete(path), undefined);
    return false;
  } catch (error) {
    if (isZkError(error, 'NOT_EMPTY')) return true;
    throw error;
  }
}

async function unlessMissing<T>(work: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isZkError(error, 'NO_NODE')) return otherwise;
    throw error;
  }
}
