import type { EventType } from '@zabra/jute';
import type { PersistentWatchKind } from '@zabra/model';
import { expect, test } from 'vitest';
import { WatchBoard } from './watch-board.ts';

const PLAIN = 'persistent';
const RECURSIVE = 'persistentRecursive';

/** A board whose watches all stand; ids are 1, 2, … */
function boardOf(...watches: readonly (readonly [path: string, kind: PersistentWatchKind])[]): WatchBoard {
  const board = new WatchBoard();
  watches.forEach(([path, kind], index) => {
    board.held(path, board.add({ id: index + 1, path, kind }));
  });
  return board;
}

function heard(board: WatchBoard, type: EventType, path: string): readonly string[] {
  return board.heard(type, path, 0).map((event) => `${event.watchId} ${event.type} ${event.path}`);
}

test.each<{ name: string; board: WatchBoard; type: EventType; path: string; expected: readonly string[] }>([
  {
    name: 'a node and its children are heard at the node',
    board: boardOf(['/a', PLAIN]),
    type: 'children',
    path: '/a',
    expected: ['1 children /a'],
  },
  {
    name: 'what is below is not heard without recursion',
    board: boardOf(['/a', PLAIN]),
    type: 'created',
    path: '/a/b',
    expected: [],
  },
  {
    name: 'what is below is heard with it',
    board: boardOf(['/a', RECURSIVE], ['/', RECURSIVE]),
    type: 'changed',
    path: '/a/b/c',
    expected: ['1 changed /a/b/c', '2 changed /a/b/c'],
  },
  {
    name: 'a recursive watch never hears of a list',
    board: boardOf(['/a', RECURSIVE]),
    type: 'children',
    path: '/a',
    expected: [],
  },
  {
    name: 'beside a recursive one, what came or went makes the list',
    board: boardOf(['/a', PLAIN], ['/a', RECURSIVE]),
    type: 'deleted',
    path: '/a/b',
    expected: ['1 children /a', '2 deleted /a/b'],
  },
  {
    name: 'beside a recursive one, a list that is told of too is not told twice',
    board: boardOf(['/a', PLAIN], ['/a', RECURSIVE]),
    type: 'children',
    path: '/a',
    expected: [],
  },
  {
    name: 'a grandchild is not in the list',
    board: boardOf(['/a', PLAIN], ['/a', RECURSIVE]),
    type: 'created',
    path: '/a/b/c',
    expected: ['2 created /a/b/c'],
  },
  {
    name: 'a name that only begins alike is not below',
    board: boardOf(['/a', RECURSIVE]),
    type: 'created',
    path: '/ab',
    expected: [],
  },
  {
    name: 'of the root all is heard',
    board: boardOf(['/', RECURSIVE], ['/', PLAIN]),
    type: 'created',
    path: '/a',
    expected: ['1 created /a', '2 children /'],
  },
])('$name', ({ board, type, path, expected }) => {
  expect(heard(board, type, path)).toEqual(expected);
});

test('until the server holds the recursive one, lists are heard as it tells of them', () => {
  const board = boardOf(['/a', PLAIN]);
  expect(board.add({ id: 2, path: '/a', kind: RECURSIVE })).toBe(RECURSIVE);
  expect(heard(board, 'children', '/a')).toEqual(['1 children /a']);
  board.held('/a', RECURSIVE);
  expect(heard(board, 'children', '/a')).toEqual([]);
});

test('a plain one that comes later asks for the recursive one that is there', () => {
  const board = boardOf(['/a', RECURSIVE]);
  expect(board.add({ id: 2, path: '/a', kind: PLAIN })).toBe(RECURSIVE);
  board.leave('/a', 1);
  expect(board.kindAt('/a')).toBe(RECURSIVE);
  expect(board.isLeftOver('/a')).toBe(false);
  board.leave('/a', 2);
  expect(board.isLeftOver('/a')).toBe(true);
  board.forget('/a');
  expect(board.kindAt('/a')).toBeUndefined();
  expect(board.isLeftOver('/a')).toBe(false);
});

test('one-shot watches lean on what hears the same', () => {
  const board = boardOf(['/plain', PLAIN], ['/recursive', RECURSIVE]);
  expect(board.covers('data', '/plain')).toBe(true);
  expect(board.covers('child', '/plain')).toBe(true);
  expect(board.covers('data', '/recursive')).toBe(true);
  expect(board.covers('child', '/recursive')).toBe(false);
  expect(board.covers('data', '/recursive/below')).toBe(false);
});
