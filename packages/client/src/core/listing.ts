import { joinPath } from '@zabra/model';
import type { Snapshot, Stat } from './stat.ts';

/** Part of a list of children. */
export interface Page {
  readonly names: readonly string[];
  /** One for each name where asked for; undefined for a child that may not be read. */
  readonly stats: readonly (Stat | undefined)[];
  /** There are names behind the last of these. */
  readonly more: boolean;
}

export interface Child {
  readonly name: string;
  /** Where asked for, of a child that may be read. */
  readonly stat?: Stat;
}

/** What is found at a path while walking. */
export interface Visit<T> {
  readonly snapshot: Snapshot<T>;
  readonly children: readonly string[];
}

/** The pages behind a name, one after the other; each is read when it is reached. */
export async function* pagesAfter(
  after: string,
  page: (after: string) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  for (let last = after; ; ) {
    const read = await page(last);
    yield read;
    const end = read.names.at(-1);
    if (!read.more || end === undefined) return;
    last = end;
  }
}

export async function* childrenOf(
  page: (after: string) => Promise<Page>,
): AsyncGenerator<Child, void, undefined> {
  for await (const { names, stats } of pagesAfter('', page)) {
    for (const [index, name] of names.entries()) {
      const stat = stats[index];
      yield stat === undefined ? { name } : { name, stat };
    }
  }
}

/** Pages cut from one list that is read at once, where the ensemble cuts none; a child that is gone by then is left out. */
export function pagesOfOne(list: {
  readonly names: () => Promise<readonly string[]>;
  /** Null: it is gone. Undefined: it may not be read. */
  readonly stat: ((name: string) => Promise<Stat | null | undefined>) | undefined;
  readonly limit: number;
}): (after: string) => Promise<Page> {
  let all: readonly string[] | undefined;
  let next = 0;
  return async () => {
    all ??= await list.names();
    const { stat } = list;
    for (;;) {
      const page = all.slice(next, next + list.limit);
      next += page.length;
      const more = next < all.length;
      if (stat === undefined) return { names: page, stats: [], more };
      const stats = await Promise.all(page.map(stat));
      const names = page.filter((_, index) => stats[index] !== null);
      // An empty page would be the last one.
      if (names.length === 0 && more) continue;
      return { names, stats: stats.filter((found) => found !== null), more };
    }
  };
}

interface Step<T> {
  readonly path: string;
  visit: Promise<Visit<T> | undefined> | undefined;
}

/**
 * A node and everything below it, parents before children, siblings in order. Up to `concurrency` nodes are read ahead
 * of the one that is next; a node that is gone when its turn comes (undefined) is passed over.
 */
export async function* walkFrom<T>(
  path: string,
  visit: (path: string) => Promise<Visit<T> | undefined>,
  concurrency: number,
): AsyncGenerator<Snapshot<T>, void, undefined> {
  // The next step is the last one.
  const steps: Step<T>[] = [{ path, visit: undefined }];
  let ahead = 0;
  for (;;) {
    for (let index = steps.length - 1; index >= 0 && steps.length - index <= concurrency; index--) {
      const step = steps[index];
      const isNext = index === steps.length - 1;
      if (step === undefined || step.visit !== undefined || (ahead >= concurrency && !isNext)) continue;
      ahead++;
      step.visit = visit(step.path);
      // It is looked at in its turn, or never when the loop is left before.
      step.visit.catch(() => undefined);
    }
    const next = steps.pop();
    if (next === undefined) return;
    const found = await next.visit;
    ahead--;
    if (found === undefined) continue;
    const { snapshot, children } = found;
    for (let index = children.length - 1; index >= 0; index--) {
      steps.push({ path: joinPath(next.path, children[index] ?? ''), visit: undefined });
    }
    yield snapshot;
  }
}
