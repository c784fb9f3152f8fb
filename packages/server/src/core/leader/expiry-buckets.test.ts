import { expect, test } from 'vitest';
import { type Expiring, ExpiryBuckets } from './expiry-buckets.ts';

interface Item extends Expiring {
  readonly name: string;
}

function item(name: string, deadlineMs: number): Item {
  return { name, deadlineMs, bucket: 0 };
}

function namesOf(items: Iterable<Item>): readonly string[] {
  return Array.from(items, ({ name }) => name);
}

test('an item is due once, from its deadline on and not before', () => {
  const buckets = new ExpiryBuckets<Item>(10);
  buckets.add(item('a', 25));
  expect(namesOf(buckets.due(29))).toEqual([]);
  expect(namesOf(buckets.due(30))).toEqual(['a']);
  expect(namesOf(buckets.due(1000))).toEqual([]);
});

test('one whose deadline moved on waits for it', () => {
  const buckets = new ExpiryBuckets<Item>(10);
  const moved = item('a', 20);
  buckets.add(moved);
  moved.deadlineMs = 55;
  expect(namesOf(buckets.due(50))).toEqual([]);
  expect(namesOf(buckets.due(60))).toEqual(['a']);
});

test('one that is added again with a nearer deadline is due then, once', () => {
  const buckets = new ExpiryBuckets<Item>(10);
  const nearer = item('a', 900);
  buckets.add(nearer);
  nearer.deadlineMs = 20;
  buckets.add(nearer);
  expect(namesOf(buckets.due(20))).toEqual(['a']);
  expect(namesOf(buckets.due(1000))).toEqual([]);
});

test('one that is removed is never due', () => {
  const buckets = new ExpiryBuckets<Item>(10);
  const gone = item('a', 20);
  buckets.add(gone);
  buckets.remove(gone);
  buckets.remove(gone);
  expect(namesOf(buckets.due(100))).toEqual([]);
});

test('whoever takes a few gets the others next time, with those that came meanwhile', () => {
  const buckets = new ExpiryBuckets<Item>(10);
  for (const name of ['a', 'b', 'c']) buckets.add(item(name, 20));
  const [first] = buckets.due(20);
  expect(first?.name).toBe('a');
  buckets.add(item('late', 10));
  expect(namesOf(buckets.due(40))).toEqual(['b', 'c', 'late']);
});

test('no more items are looked at than was asked for, those put off included', () => {
  const buckets = new ExpiryBuckets<Item>(10);
  const items = ['a', 'b', 'c', 'd'].map((name) => item(name, 20));
  for (const each of items) buckets.add(each);
  for (const each of items.slice(0, 2)) each.deadlineMs = 90;
  expect(namesOf(buckets.due(20, 3))).toEqual(['c']);
  expect(namesOf(buckets.due(20, 3))).toEqual(['d']);
  expect(namesOf(buckets.due(90))).toEqual(['a', 'b']);
});
