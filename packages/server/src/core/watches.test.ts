import { makeZxid, type TreeEvent, type WatchKind } from '@zabra/model';
import { expect, test } from 'vitest';
import { type Watcher, Watches } from './watches.ts';

class Listener implements Watcher {
  readonly heard: string[] = [];

  fire(event: TreeEvent, kind: WatchKind): void {
    this.heard.push(`${kind}: ${event.type} ${event.path}`);
  }
}

const KINDS = ['data', 'exist', 'child'] as const;
const happens = (type: TreeEvent['type'], path = '/a'): TreeEvent => ({ type, path, zxid: makeZxid(1, 1) });

// ZooKeeper's table: which event consumes which watch.
test.each([
  { type: 'created', heard: ['exist: created /a'] },
  { type: 'changed', heard: ['data: changed /a'] },
  { type: 'deleted', heard: ['data: deleted /a', 'child: deleted /a'] },
  { type: 'children', heard: ['child: children /a'] },
] as const)('$type fires the watches that it concerns, once', ({ type, heard }) => {
  const watches = new Watches();
  const listener = new Listener();
  for (const kind of KINDS) watches.arm(listener, kind, '/a');
  watches.fire(happens(type));
  watches.fire(happens(type));
  expect(listener.heard).toEqual(heard);
  expect(watches.countOf(listener)).toBe(KINDS.length - heard.length);
});

test('a watch is of one path, and one whoever arms it twice', () => {
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

test('every watcher of a path hears; who was forgotten hears nothing', () => {
  const watches = new Watches();
  const [stays, goes] = [new Listener(), new Listener()];
  for (const listener of [stays, goes]) for (const kind of KINDS) watches.arm(listener, kind, '/a');
  watches.forget(goes);
  for (const type of ['created', 'changed', 'children'] as const) watches.fire(happens(type));
  expect(stays.heard).toHaveLength(3);
  expect(goes.heard).toEqual([]);
  expect(watches.countOf(goes)).toBe(0);
});

test('a watcher may be forgotten, or arm again, while it is told', () => {
  const watches = new Watches();
  const later = new Listener();
  const leaves: Watcher = { fire: () => watches.forget(leaves) };
  const again: Watcher = { fire: (event, kind) => watches.arm(again, kind, event.path) };
  for (const watcher of [leaves, again, later]) {
    watches.arm(watcher, 'data', '/a');
    watches.arm(watcher, 'child', '/a');
  }
  watches.fire(happens('deleted'));
  expect(later.heard).toEqual(['data: deleted /a', 'child: deleted /a']);
  expect(watches.countOf(leaves)).toBe(0);
  expect(watches.countOf(again)).toBe(2);
});
