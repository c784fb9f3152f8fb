import { expect, test } from 'vitest';
import { CellStore } from './cell-store.ts';
import { SeededRandom } from './node-store.test-support.ts';

interface Owned {
  location: number;
  readonly bytes: number;
}

/** Cells of which each is filled with bytes that tell its owner. */
class OwnedCells {
  readonly owners = new Map<number, Owned>();
  readonly cells = new CellStore((owner, location) => {
    const owned = this.owners.get(owner) as Owned;
    owned.location = location;
  });

  add(owner: number, bytes: number): void {
    const location = this.cells.allocate(owner, bytes);
    this.owners.set(owner, { location, bytes });
    const at = this.cells.offset(location);
    this.cells.page(location).bytes.fill(owner % 251, at, at + bytes);
  }

  remove(owner: number): void {
    const { location, bytes } = this.owners.get(owner) as Owned;
    this.owners.delete(owner);
    this.cells.release(location, bytes);
  }

  get wrong(): readonly number[] {
    return [...this.owners].flatMap(([owner, { location, bytes }]) => {
      const at = this.cells.offset(location);
      const content = this.cells.page(location).bytes.subarray(at, at + bytes);
      return Buffer.alloc(bytes, owner % 251).equals(content) ? [] : [owner];
    });
  }
}

test('a cell of every size holds what was asked for and little more', () => {
  const owned = new OwnedCells();
  for (let bytes = 1; bytes <= 46_000; bytes += bytes < 2_100 ? 1 : 97) {
    const before = owned.cells.usedBytes;
    owned.add(bytes, bytes);
    const cell = owned.cells.usedBytes - before;
    expect(cell).toBeGreaterThanOrEqual(bytes);
    expect(cell).toBeLessThanOrEqual(Math.max(bytes + 7, bytes * 1.125));
    expect(owned.cells.fitsAlike(cell, bytes)).toBe(true);
  }
  expect(owned.wrong).toEqual([]);
});

test('what comes and goes at random keeps its content, leaves no holes and gives all back', () => {
  const owned = new OwnedCells();
  const random = new SeededRandom(0xce11);
  let next = 1;
  let reservedMax = 0;
  for (let round = 0; round < 24; round++) {
    const isGrowing = round % 4 < 2;
    for (let change = 0; change < 2_000; change++) {
      owned.add(next++, random.pick([1, 8, 20, 116, 116, 116, 300, 600, 2_000, 30_000]));
      const goes = Array.from({ length: random.below(isGrowing ? 2 : 4) }, () => random.below(next));
      for (const owner of [...new Set(goes)].filter((one) => owned.owners.has(one))) owned.remove(owner);
    }
    const { reservedBytes, usedBytes } = owned.cells;
    reservedMax = Math.max(reservedMax, reservedBytes);
    expect(reservedBytes).toBeLessThan(usedBytes * 1.5 + 2 ** 20);
    expect(owned.wrong).toEqual([]);
  }
  expect(reservedMax).toBeGreaterThan(10 * 2 ** 20);
  for (const owner of random.shuffled([...owned.owners.keys()])) owned.remove(owner);
  expect([owned.cells.usedBytes, owned.cells.reservedBytes]).toEqual([0, 0]);
});

test('a change at the end of a page does not make a page each time', () => {
  const owned = new OwnedCells();
  for (let owner = 0; owner < 100_000; owner++) owned.add(owner, 64);
  const seen = new Set<unknown>();
  for (let owner = 100_000; owner < 110_000; owner++) {
    owned.add(owner, 64);
    seen.add(owned.cells.page((owned.owners.get(owner) as Owned).location).bytes);
    owned.remove(owner);
  }
  expect(seen.size).toBe(1);
});
