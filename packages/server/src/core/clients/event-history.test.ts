import { ACL_OPEN, makeZxid, type TreeEvent, ZXID_NONE, type Zxid } from '@zabra/model';
import { expect, test } from 'vitest';
import { EventHistory } from './event-history.ts';

const at = (counter: number): Zxid => makeZxid(1, counter);

/** `+` created, `-` deleted, `=` changed, `~` children. */
const TYPES = { '+': 'created', '-': 'deleted', '=': 'changed', '~': 'children' } as const;

function events(
  counter: number,
  ...words: readonly `${keyof typeof TYPES}${string}`[]
): readonly TreeEvent[] {
  return words.map((word) => ({
    type: TYPES[word[0] as keyof typeof TYPES],
    path: word.slice(1),
    zxid: at(counter),
    acl: ACL_OPEN,
  }));
}

function said(events: Iterable<TreeEvent>): readonly string[] {
  return Array.from(events, ({ type, path, zxid }) => `${zxid - at(0)} ${type} ${path}`);
}

function found(history: EventHistory, numbers: Iterable<number>): readonly string[] {
  return said(Array.from(numbers, (number) => history.event(number)));
}

test('what happened after a zxid is told in order, by path and by subtree', () => {
  const history = new EventHistory(10);
  history.record(at(1), events(1, '+/a', '~/'));
  history.record(at(2), events(2, '+/a/b', '~/a', '=/a/b', '+/ab', '~/'));
  history.record(at(3), []);
  history.record(at(4), events(4, '-/a/b', '~/a'));
  expect(history.floor).toBe(ZXID_NONE);
  expect(said(history.after(at(2)))).toEqual(['4 deleted /a/b', '4 children /a']);
  expect(found(history, history.at('/a/b', at(1)))).toEqual([
    '2 created /a/b',
    '2 changed /a/b',
    '4 deleted /a/b',
  ]);
  expect(found(history, history.at('/a', at(1)))).toEqual(['2 children /a', '4 children /a']);
  expect(found(history, history.under('/a', ZXID_NONE))).toEqual([
    '1 created /a',
    '2 created /a/b',
    '2 changed /a/b',
    '4 deleted /a/b',
  ]);
  expect(found(history, history.under('/', at(2)))).toEqual(['4 deleted /a/b']);
  expect(found(history, history.under('/', at(4)))).toEqual([]);
});

test('only the last changes are kept, each whole, and the floor says from where on', () => {
  const history = new EventHistory(2);
  for (const counter of [1, 2, 3]) history.record(at(counter), events(counter, '+/a', '-/a'));
  expect(history.floor).toBe(at(1));
  expect(said(history.after(at(1)))).toEqual([
    '2 created /a',
    '2 deleted /a',
    '3 created /a',
    '3 deleted /a',
  ]);
  expect(() => [...history.after(ZXID_NONE)]).toThrow('nobody asks for what is forgotten');
});

test('changes without events take no room', () => {
  const history = new EventHistory(2);
  history.record(at(1), events(1, '+/a'));
  for (let counter = 2; counter < 10; counter++) history.record(at(counter), []);
  history.record(at(10), events(10, '-/a'));
  expect(history.floor).toBe(ZXID_NONE);
  expect(said(history.after(ZXID_NONE))).toEqual(['1 created /a', '10 deleted /a']);
});

test('changes of many events let go of more: none is ever split', () => {
  const history = new EventHistory(10, 4);
  history.record(at(1), events(1, '+/a', '+/b', '+/c'));
  history.record(at(2), events(2, '+/d'));
  expect([history.floor, history.size]).toEqual([ZXID_NONE, 4]);
  history.record(at(3), events(3, '+/e'));
  expect([history.floor, history.size]).toEqual([at(1), 2]);
  history.record(at(4), events(4, '+/1', '+/2', '+/3', '+/4', '+/5'));
  expect([history.floor, history.size]).toEqual([at(4), 0]);
  expect(found(history, history.under('/', at(4)))).toEqual([]);
});

test('long paths and lists of who may read count too', () => {
  const history = new EventHistory(10);
  const long = `/${'n'.repeat(4000)}` as const;
  for (let counter = 1; counter <= 10; counter++)
    history.record(at(counter), events(counter, `+${long}`, `~${long}`));
  expect(history.floor).toBe(at(4));
  const acl = Array.from({ length: 100 }, (_, id) => ({ perms: 1, scheme: 'x509', id: String(id) }));
  for (let counter = 11; counter <= 20; counter++)
    history.record(at(counter), [{ type: 'changed', path: '/a', zxid: at(counter), acl }]);
  expect(history.floor).toBe(at(17));
});

test('a tree that came by a snapshot has no history before it', () => {
  const history = new EventHistory(10);
  history.record(at(1), events(1, '+/a'));
  expect(found(history, history.at('/a', ZXID_NONE))).toHaveLength(1);
  history.clear(at(7));
  expect(history.floor).toBe(at(7));
  expect([...history.after(at(7))]).toEqual([]);
  history.record(at(8), events(8, '=/a'));
  expect(found(history, history.at('/a', at(7)))).toEqual(['8 changed /a']);
  expect(() => history.record(at(8), [])).toThrow('in the order of the history');
});

test('the index goes on with the history, and lets go with it', () => {
  const history = new EventHistory(50);
  for (let counter = 1; counter <= 2000; counter++) {
    const path = `/p${counter % 7}` as const;
    history.record(at(counter), events(counter, `=${path}`, '~/'));
    // Asked now often, now seldom: the index is made, goes on, and is dropped in between.
    const asked = counter % 10 === 0 && counter % 400 < 200;
    const after = at(Math.max(counter - 20, 0));
    const expected = [...history.after(after)].filter((event) => event.path === '/p3');
    const numbers = asked ? history.at('/p3', after) : [];
    expect(found(history, numbers)).toEqual(asked ? said(expected) : []);
  }
  expect(history.floor).toBe(at(1950));
});

test('events of deep paths are fewer, so that the first who comes back does not wait for their index', () => {
  const history = new EventHistory(100, 100);
  const deep = '/d'.repeat(99);
  for (let counter = 1; counter <= 100; counter++) history.record(at(counter), events(counter, `=${deep}`));
  expect(history.size).toBe(3);
  expect(history.floor).toBe(at(97));
  expect(said(history.after(at(99)))).toEqual([`100 changed ${deep}`]);
});
