import { expect, test } from 'vitest';
import { plainNode } from './node-store.test-support.ts';
import { NodeStore, ROOT } from './node-store.ts';
import { TreeWalk } from './tree-walk.ts';

function storeOf(...paths: readonly string[]): NodeStore {
  const store = new NodeStore();
  for (const path of paths) addPath(store, path);
  return store;
}

function addPath(store: NodeStore, path: string): void {
  store.addAt(store.findParent(path), path, path.lastIndexOf('/') + 1, plainNode());
}

/** The next `count` paths. */
function walked(walk: TreeWalk, store: NodeStore, count: number): string[] {
  const paths: string[] = [];
  walk.go(count, (slot, parentPath) => {
    expect(slot === ROOT ? '' : store.path(store.parent(slot))).toBe(parentPath);
    return paths.push(store.path(slot)) < count;
  });
  return paths;
}

const PATHS = ['/a', '/a/b', '/a/b/c', '/a/d', '/ab', '/b', '/b/a', '/é', '/é/x'];

test.each([1, 2, 3, 7, 100])(
  'each node comes before its children, siblings by name, with a rest after each %i',
  (count) => {
    const store = storeOf(...[...PATHS].sort((left, right) => left.length - right.length));
    const walk = new TreeWalk(store);
    const met: string[] = [];
    while (!walk.isOver) met.push(...walked(walk, store, count));
    expect(met).toEqual(['/', ...PATHS]);
    expect(walked(walk, store, count)).toEqual([]);
  },
);

test('a walk that rests in a subtree that goes, goes on behind it', () => {
  const store = storeOf(...PATHS);
  const walk = new TreeWalk(store);
  expect(walked(walk, store, 4)).toEqual(['/', '/a', '/a/b', '/a/b/c']);
  for (const path of ['/a/b/c', '/a/b', '/a/d', '/a']) store.remove(store.find(path));
  // Other nodes, which may take the same slots.
  for (const path of ['/z', '/a', '/a/b', '/a/b/x']) addPath(store, path);
  expect(walked(walk, store, 100)).toEqual(['/a/b/x', '/ab', '/b', '/b/a', '/z', '/é', '/é/x']);
});
