import { describe, expect, test } from 'vitest';
import { ChildOrder } from './child-order.ts';
import { inByteOrder, SeededRandom } from './node-store.test-support.ts';

/** The order of names that are found by their slot in a list. */
class NamedOrder {
  readonly order = new ChildOrder();
  readonly names: readonly string[];
  compared = 0;

  constructor(names: readonly string[]) {
    this.names = names;
  }

  readonly compare = (slot: number, name: string): number => {
    this.compared++;
    return Buffer.compare(Buffer.from(this.name(slot)), Buffer.from(name));
  };

  name(slot: number): string {
    return this.names[slot] as string;
  }

  insert(slots: readonly number[]): void {
    for (const slot of slots) this.order.insert(slot, this.name(slot), this.compare);
  }

  remove(slots: readonly number[]): void {
    for (const slot of slots) this.order.remove(slot, this.name(slot), this.compare);
  }

  page(after?: string, limit: number = Number.POSITIVE_INFINITY): string[] {
    return this.order.page(after, limit, this.compare).map((slot) => this.name(slot));
  }
}

const COUNT = 6_000;
const names = Array.from(
  { length: COUNT },
  (_, index) => `${index % 3 === 0 ? 'é' : 'n'}${(index * 7919) % 100_003}`,
);
const slots = names.map((_, slot) => slot);

describe.each([
  { way: 'in order', arranged: inByteOrder(names).map((name) => names.indexOf(name)) },
  {
    way: 'against it',
    arranged: inByteOrder(names)
      .reverse()
      .map((name) => names.indexOf(name)),
  },
  { way: 'in any order', arranged: new SeededRandom(5).shuffled(slots) },
])('children that come $way', ({ arranged }) => {
  test('stand in order, and still do when half of them went in any order and came back', () => {
    const order = new NamedOrder(names);
    order.insert(arranged);
    expect(order.page()).toEqual(inByteOrder(names));
    const goes = new SeededRandom(6).shuffled(slots).slice(0, COUNT / 2);
    order.remove(goes);
    const stays = slots.filter((slot) => !new Set(goes).has(slot)).map((slot) => order.name(slot));
    expect(order.page()).toEqual(inByteOrder(stays));
    order.insert(goes);
    expect(order.page()).toEqual(inByteOrder(names));
    expect(order.order.size).toBe(COUNT);
  }, 60_000);

  test('may all go, in the order in which they came', () => {
    const order = new NamedOrder(names);
    order.insert(arranged);
    order.remove(arranged);
    expect(order.page()).toEqual([]);
    expect(order.order.size).toBe(0);
    order.insert(arranged.slice(0, 3));
    expect(order.page()).toHaveLength(3);
  });
});

test('a page begins after any name, there or not', () => {
  const even = Array.from({ length: 3_000 }, (_, index) => String(index * 2).padStart(5, '0'));
  const order = new NamedOrder(even);
  order.insert(new SeededRandom(8).shuffled(even.map((_, slot) => slot)));
  for (let after = 0; after < 6_000; after += 37) {
    const expected = [1, 2, 3].map((more) => Math.floor(after / 2) + more).filter((index) => index < 3_000);
    expect(order.page(String(after).padStart(5, '0'), 3)).toEqual(expected.map((index) => even[index]));
  }
});

test('a page costs comparisons of few names, however many there are', () => {
  const order = new NamedOrder(names);
  order.insert(slots);
  order.compared = 0;
  order.page('n5', 1_000);
  expect(order.compared).toBeLessThan(20);
});

test('a child that is not there is a broken invariant', () => {
  const order = new NamedOrder(['a', 'b']);
  expect(() => order.remove([0])).toThrow('a child that goes is in its place');
  order.insert([0]);
  expect(() => order.remove([1])).toThrow('a child that goes is in its place');
});

test('children that are appended in any order and put in order are as those that were inserted', () => {
  const random = new SeededRandom(7);
  const appended = new NamedOrder(names);
  const compareSlots = (left: number, right: number): number => appended.compare(left, appended.name(right));
  for (const slot of random.shuffled(slots)) appended.order.append(slot, compareSlots);
  appended.order.order(compareSlots);
  expect(appended.order.size).toBe(COUNT);
  expect(appended.page()).toEqual(inByteOrder(names));

  const [first = 0, ...others] = random.shuffled(slots);
  appended.remove(others);
  expect(appended.page()).toEqual([appended.name(first)]);
  appended.insert(others);
  expect(appended.page()).toEqual(inByteOrder(names));
});

test('no children at all can be put in order', () => {
  const order = new ChildOrder();
  order.order(() => 0);
  expect(order.size).toBe(0);
});
