import { ACL_OPEN, makeZxid, type PersistentWatchKind, type TreeEvent, type WatchKind } from '@zabra/model';
import { expect, test } from 'vitest';
import { type Watcher, Watches } from './watches.ts';

class Listener implements Watcher {
  readonly heard: string[] = [];

  fire(event: TreeEvent, kind: WatchKind | PersistentWatchKind, id: number): void {
    this.heard.push(`${id === 0 ? kind : `${kind} ${id}`}: ${event.type} ${event.path}`);
  }
}

const ONE_SHOTS = ['data', 'exist', 'child'] as const;
const TYPES = ['created', 'changed', 'deleted', 'children'] as const;
const happens = (type: TreeEvent['type'], path = '/a'): TreeEvent => ({
  type,
  path,
  zxid: makeZxid(1, 1),
  acl: ACL_OPEN,
});

// ZooKeeper's table: which event consumes which watch.
test.each([
  { type: 'created', heard: ['exist: created /a'] },
  { type: 'changed', heard: ['data: changed /a'] },
  { type: 'deleted', heard: ['data: deleted /a', 'child: deleted /a'] },
  { type: 'children', heard: ['child: children /a'] },
] as const)('$type fires the one-shots that it concerns, once', ({ type, heard }) => {
  const watches = new Watches();
  const listener = new Listener();
  for (const kind of ONE_SHOTS) watches.arm(listener, kind, '/a');
  watches.fire(happens(type));
  watches.fire(happens(type));
  expect(listener.heard).toEqual(heard);
  expect(watches.countOf(listener)).toBe(ONE_SHOTS.length - heard.length);
});

test.each([
  { kind: 'persistent', path: '/a', heard: ['created', 'changed', 'deleted', 'children'] },
  { kind: 'persistent', path: '/', heard: [] },
  { kind: 'persistentRecursive', path: '/a', heard: ['created', 'changed', 'deleted'] },
  { kind: 'persistentRecursive', path: '/', heard: ['created', 'changed', 'deleted'] },
  { kind: 'persistentRecursive', path: '/a/b', heard: [] },
  { kind: 'persistentRecursive', path: '/ab', heard: [] },
] as const)('$kind on $path hears of /a: $heard, each time', ({ kind, path, heard }) => {
  const watches = new Watches();
  const listener = new Listener();
  watches.add(listener, { id: 7, kind, path });
  for (const type of [...TYPES, ...TYPES]) watches.fire(happens(type));
  expect(listener.heard).toEqual([...heard, ...heard].map((type) => `${kind} 7: ${type} /a`));
  expect(watches.countOf(listener)).toBe(1);
});

test('each registration of a watcher hears an event: one-shots first, then on the path, then above it', () => {
  const watches = new Watches();
  const listener = new Listener();
  watches.add(listener, { id: 1, kind: 'persistentRecursive', path: '/' });
  watches.add(listener, { id: 2, kind: 'persistentRecursive', path: '/a' });
  watches.add(listener, { id: 3, kind: 'persistent', path: '/a/b' });
  watches.add(listener, { id: 4, kind: 'persistent', path: '/a/b' });
  watches.arm(listener, 'data', '/a/b');
  watches.fire(happens('changed', '/a/b'));
  expect(listener.heard.map((line) => line.split(':')[0])).toEqual([
    'data',
    'persistent 3',
    'persistent 4',
    'persistentRecursive 2',
    'persistentRecursive 1',
  ]);
});

test('a one-shot is of one path, and one whoever arms it twice', () => {
  const watches = new Watches();
  const listener = new Listener();
  watches.arm(listener, 'data', '/a');
  watches.arm(listener, 'data', '/a');
  expect(watches.countOf(listener)).toBe(1);
  watches.fire(happens('changed', '/a/b'));
  watches.fire(happens('changed', '/'));
  expect(listener.heard).toEqual([]);
  watches.fire(happens('changed'));
  expect(listener.heard).toEqual(['data: changed /a']);
});

test('a watch that stays is one under its number: the later takes the place of the former', () => {
  const watches = new Watches();
  const listener = new Listener();
  watches.add(listener, { id: 1, kind: 'persistent', path: '/a' });
  watches.add(listener, { id: 1, kind: 'persistent', path: '/a' });
  watches.fire(happens('changed', '/a'));
  expect(listener.heard).toEqual(['persistent 1: changed /a']);
  watches.add(listener, { id: 1, kind: 'persistentRecursive', path: '/b' });
  expect(watches.countOf(listener)).toBe(1);
  for (const path of ['/a', '/b']) watches.fire(happens('created', path));
  expect(listener.heard.slice(1)).toEqual(['persistentRecursive 1: created /b']);
});

test('what is removed hears no more, and only what is there can be removed', () => {
  const watches = new Watches();
  const [removes, keeps] = [new Listener(), new Listener()];
  for (const listener of [removes, keeps]) {
    for (const kind of ONE_SHOTS) watches.arm(listener, kind, '/a');
    watches.add(listener, { id: 1, kind: 'persistent', path: '/a' });
    watches.add(listener, { id: 2, kind: 'persistentRecursive', path: '/a' });
  }
  expect(watches.remove(removes, { id: 1, kind: 'persistentRecursive', path: '/a' })).toBe(false);
  expect(watches.remove(removes, { id: 1, kind: 'persistent', path: '/b' })).toBe(false);
  expect(watches.disarm(removes, 'data', '/b')).toBe(false);
  expect(watches.countOf(removes)).toBe(5);

  for (const kind of ONE_SHOTS) expect(watches.disarm(removes, kind, '/a')).toBe(true);
  expect(watches.remove(removes, { id: 1, kind: 'persistent', path: '/a' })).toBe(true);
  expect(watches.remove(removes, { id: 2, kind: 'persistentRecursive', path: '/a' })).toBe(true);
  expect(watches.remove(removes, { id: 2, kind: 'persistentRecursive', path: '/a' })).toBe(false);
  expect(watches.disarm(removes, 'child', '/a')).toBe(false);
  for (const type of TYPES) watches.fire(happens(type));
  expect(removes.heard).toEqual([]);
  expect(keeps.heard).toHaveLength(3 + 4 + 3);
  expect(watches.countOf(removes)).toBe(0);
});

test('every watcher of a path hears; who was forgotten hears nothing, in the tables or out of them', () => {
  const watches = new Watches();
  const [stays, goes, comes] = [new Listener(), new Listener(), new Listener()];
  const hold = (listener: Listener): void => {
    for (const kind of ONE_SHOTS) watches.arm(listener, kind, '/a');
    watches.add(listener, { id: 1, kind: 'persistent', path: '/a' });
    watches.add(listener, { id: 2, kind: 'persistentRecursive', path: '/' });
  };
  hold(goes);
  hold(stays);
  watches.forget(goes);
  hold(comes);
  watches.sweep(1);
  watches.fire(happens('created'));
  watches.sweep();
  for (const type of ['changed', 'children'] as const) watches.fire(happens(type));
  for (const { heard } of [stays, comes]) expect(heard).toHaveLength(3 + 3 + 2);
  expect(goes.heard).toEqual([]);
  expect(watches.countOf(goes)).toBe(0);
  expect(watches.size).toBe(4);
});

test('a lone watcher that is forgotten makes room for the next on its path', () => {
  const watches = new Watches();
  const [goes, comes, other] = [new Listener(), new Listener(), new Listener()];
  watches.arm(other, 'data', '/b');
  watches.arm(goes, 'data', '/a');
  watches.forget(goes);
  watches.arm(comes, 'data', '/a');
  watches.sweep();
  watches.fire(happens('changed'));
  expect(comes.heard).toEqual(['data: changed /a']);
  expect(goes.heard).toEqual([]);
});

test('once the last watcher is forgotten, nothing is kept, and new ones come', () => {
  const watches = new Watches();
  const [goes, comes] = [new Listener(), new Listener()];
  watches.arm(goes, 'data', '/a');
  watches.add(goes, { id: 1, kind: 'persistentRecursive', path: '/' });
  watches.forget(goes);
  watches.arm(comes, 'data', '/a');
  watches.sweep();
  watches.fire(happens('changed'));
  expect(comes.heard).toEqual(['data: changed /a']);
  expect(goes.heard).toEqual([]);
  expect(watches.size).toBe(0);
});

test('a watcher may be forgotten, or watch again, while it is told', () => {
  const watches = new Watches();
  const later = new Listener();
  const leaves: Watcher = { fire: () => watches.forget(leaves) };
  const arms: Watcher = { fire: (event, kind) => watches.arm(arms, kind as WatchKind, event.path) };
  const adds: Watcher = {
    fire: (event, _kind, id) => watches.add(adds, { id: id + 1, kind: 'persistent', path: event.path }),
  };
  for (const watcher of [leaves, arms, later]) {
    watches.arm(watcher, 'data', '/a');
    watches.arm(watcher, 'child', '/a');
  }
  for (const watcher of [leaves, adds, later])
    watches.add(watcher, { id: 1, kind: 'persistent', path: '/a' });
  watches.fire(happens('deleted'));
  expect(later.heard).toEqual(['data: deleted /a', 'child: deleted /a', 'persistent 1: deleted /a']);
  expect(watches.countOf(leaves)).toBe(0);
  expect(watches.countOf(arms)).toBe(2);
  expect(watches.countOf(adds)).toBe(2);
});
