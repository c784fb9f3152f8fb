import type { ZooKeeper } from '@zabra/client';

/** All paths below a node, parents before children, in the order of listings. Whatever goes meanwhile is left out. */
export async function pathsBelow(
  client: ZooKeeper,
  path: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const paths: string[] = [];
  await collect(client, path, paths, signal);
  return paths;
}

async function collect(client: ZooKeeper, path: string, paths: string[], signal: AbortSignal): Promise<void> {
  for await (const { name, stat } of client.childrenPages(path, { signal, withStat: true })) {
    const child = path === '/' ? `/${name}` : `${path}/${name}`;
    paths.push(child);
    // Leaves, which most nodes are, need no question.
    if (stat?.numChildren !== 0) await collect(client, child, paths, signal).catch(unlessGone);
  }
}

/** Swallows NO_NODE. */
export function unlessGone(error: unknown): void {
  if ((error as { readonly code?: unknown }).code !== 'NO_NODE') throw error;
}
