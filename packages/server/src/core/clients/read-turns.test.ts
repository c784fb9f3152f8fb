import { expect, test } from 'vitest';
import type { Query } from './client-codec.ts';
import { type Reading, ReadTurns } from './read-turns.ts';

/** Time goes by as reads are answered. */
class Turns {
  nowMs = 0;
  /** How often the clock was looked at. */
  looks = 0;
  /** Who read, in order. */
  readonly answered: Reader[] = [];
  readonly turns: ReadTurns;
  #works: (() => void)[] = [];

  constructor() {
    this.turns = new ReadTurns({
      monotonicMs: () => {
        this.looks++;
        return this.nowMs;
      },
      wallMs: () => this.nowMs,
      after: () => () => {},
      atTurnEnd: (work) => this.#works.push(work),
    });
  }

  /** False when nothing was put off. */
  turn(): boolean {
    const works = this.#works;
    this.#works = [];
    for (const work of works) work();
    return works.length > 0;
  }
}

/** So many reads of so many ms each. */
class Reader implements Reading {
  readonly #world: Turns;
  readonly #ms: number;
  readonly #query: Query;
  left: number;

  constructor(world: Turns, left: number, ms: number, query: Query = LONG) {
    this.#world = world;
    this.left = left;
    this.#ms = ms;
    this.#query = query;
  }

  readOn(): void {
    while (this.left > 0 && this.#world.turns.hasTimeFor(this, this.#query)) {
      this.left--;
      this.#world.nowMs += this.#ms;
      this.#world.answered.push(this);
    }
  }
}

const PLAIN: Query = { kind: 'get', path: '/', watch: false };
const LONG: Query = { kind: 'ephemerals', prefix: '' };

test.each<{ readonly name: string; readonly query: Query; readonly ms: number }>([
  { name: 'long', query: LONG, ms: 1 },
  { name: 'plain', query: PLAIN, ms: 1 / 16 },
])(
  'no turn of $name reads takes much longer than its time, and all are answered in the end',
  ({ query, ms }) => {
    const world = new Turns();
    const readers = [100, 3, 1000].map((left) => new Reader(world, left, ms, query));
    const lengths: number[] = [];
    for (const reader of readers) reader.readOn();
    lengths.push(world.nowMs);
    for (let before = world.nowMs; world.turn(); before = world.nowMs) lengths.push(world.nowMs - before);
    expect(readers.map(({ left }) => left)).toEqual([0, 0, 0]);
    expect(Math.max(...lengths)).toBeLessThan(14);
  },
);

test('who has one read behind one with many waits for one turn, not for their end', () => {
  const world = new Turns();
  const greedy = new Reader(world, 1000, 1);
  const modest = new Reader(world, 1, 0);
  greedy.readOn();
  modest.readOn();
  expect(modest.left).toBe(1);
  world.turn();
  expect(modest.left).toBe(0);
  expect(greedy.left).toBeGreaterThan(900);
});

test('those in line go on one after the other, and who comes later does not read past them', () => {
  const world = new Turns();
  const [first, second, late] = [new Reader(world, 12, 1), new Reader(world, 3, 1), new Reader(world, 2, 0)];
  first.readOn();
  second.readOn();
  const before = world.answered.length;
  late.readOn();
  world.turn();
  late.readOn();
  while (world.turn());
  expect(world.answered.slice(before, before + 8)).toEqual([
    first,
    second,
    late,
    first,
    second,
    late,
    first,
    second,
  ]);
  expect([first.left, second.left, late.left]).toEqual([0, 0, 0]);
});

test('who is gone is not called', () => {
  const world = new Turns();
  const [greedy, gone] = [new Reader(world, 20, 1), new Reader(world, 1, 1)];
  greedy.readOn();
  gone.readOn();
  world.turns.forget(gone);
  while (world.turn());
  expect([greedy.left, gone.left]).toEqual([0, 1]);
});

test('plain reads hardly look at the clock', () => {
  const world = new Turns();
  for (let turn = 0; turn < 10; turn++) {
    new Reader(world, 640, 0, PLAIN).readOn();
    world.turn();
  }
  expect(world.answered).toHaveLength(6400);
  expect(world.looks).toBeLessThanOrEqual(100);
});
