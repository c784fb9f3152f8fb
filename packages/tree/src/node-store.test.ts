import { ACL_OPEN, asZxid } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { CELL_DATA_BYTES_MAX } from './node-contents.ts';
import { NO_SLOT } from './node-records.ts';
import {
  dataOf,
  inByteOrder,
  plainNode,
  ReferenceRun,
  SeededRandom,
  seenInStore,
  walkedPaths,
} from './node-store.test-support.ts';
import { LIFETIME_UNLIMITED, NodeStore, ROOT } from './node-store.ts';
import { TreeWalk } from './tree-walk.ts';

describe('against a plain map of paths', () => {
  test.each([
    { seed: 1, hashSeed: 0 },
    { seed: 2, hashSeed: 0x5eed },
    { seed: 3, hashSeed: -1 },
    { seed: 4, hashSeed: 77 },
  ])('random changes come out the same (seed $seed)', ({ seed, hashSeed }) => {
    const run = new ReferenceRun(seed, hashSeed);
    for (let round = 0; round < 20; round++) {
      for (let step = 0; step < 60; step++) run.step();
      for (const path of run.paths) expect(seenInStore(run.store, path)).toEqual(run.seen(path));
      expect(walkedPaths(run.store).sort()).toEqual([...run.paths].sort());
      expect(run.store.size).toBe(run.paths.length);
    }
    expect(run.changedHandouts).toBe(0);
    // A run that meets little proves little.
    expect(run.paths.length).toBeGreaterThan(50);
  });
});

describe('names', () => {
  test('that every object in JavaScript has are names like others', () => {
    const store = new NodeStore();
    expect(store.child(ROOT, '__proto__')).toBe(NO_SLOT);
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'];
    for (const name of names) store.add(ROOT, name, plainNode(dataOf(3, name.length)));
    for (const name of names) expect(store.data(store.find(`/${name}`))).toEqual(dataOf(3, name.length));
    expect(store.children(ROOT).map((slot) => store.name(slot))).toEqual(inByteOrder(names));
  });

  test('are told apart when the bytes of one are the characters of another', () => {
    const store = new NodeStore();
    store.add(ROOT, 'é', plainNode(dataOf(1, 1)));
    expect(store.child(ROOT, 'Ã©')).toBe(NO_SLOT);
    expect(store.child(ROOT, 'e')).toBe(NO_SLOT);
  });

  test('are found in a path at any depth', () => {
    const store = new NodeStore();
    let slot = ROOT;
    let path = '';
    for (let depth = 0; depth < 256; depth++) {
      slot = store.add(slot, `ü${depth % 10}`, plainNode());
      path += `/ü${depth % 10}`;
    }
    expect(store.find(path)).toBe(slot);
    expect(store.path(slot)).toBe(path);
    expect(store.find(`${path}/x`)).toBe(NO_SLOT);
    expect(store.find('/')).toBe(ROOT);
    expect(store.descendants(ROOT)).toBe(256);
  });
});

describe('data', () => {
  test('that was handed out stays as it was when the node changes', () => {
    const store = new NodeStore();
    const slot = store.add(ROOT, 'a', plainNode(dataOf(100, 1)));
    const before = store.data(slot);
    store.setData(slot, dataOf(100, 9));
    store.setData(slot, dataOf(90, 5));
    expect(before).toEqual(dataOf(100, 1));
    expect(store.data(slot)).toEqual(dataOf(90, 5));
  });

  test('that is small is a copy of what was given, data that is large belongs to the store', () => {
    const store = new NodeStore();
    const small = dataOf(100, 1);
    const large = dataOf(100_000, 1);
    const one = store.add(ROOT, 'small', plainNode(small));
    const other = store.add(ROOT, 'large', plainNode(large));
    small.fill(0);
    expect(store.data(one)).toEqual(dataOf(100, 1));
    expect(store.data(other)).toBe(large);
    // A piece of a frame would keep the whole frame.
    store.setData(other, dataOf(200_000, 3).subarray(0, 100_000));
    expect(store.data(other).buffer.byteLength).toBe(100_000);
  });

  test('moves between a cell and an array of its own as it grows and shrinks, and the name stays', () => {
    const store = new NodeStore();
    const slot = store.add(ROOT, 'naïve', plainNode());
    const lengths = [
      0,
      CELL_DATA_BYTES_MAX,
      CELL_DATA_BYTES_MAX + 1,
      1,
      1_000_000,
      0,
      CELL_DATA_BYTES_MAX + 1,
    ];
    for (const length of lengths) {
      store.setData(slot, dataOf(length, length));
      expect(Buffer.compare(store.data(slot), dataOf(length, length))).toBe(0);
      expect([store.name(slot), store.find('/naïve'), store.dataLength(slot)]).toEqual([
        'naïve',
        slot,
        length,
      ]);
    }
    store.setData(ROOT, dataOf(10, 3));
    expect(store.data(ROOT)).toEqual(dataOf(10, 3));
    store.setData(ROOT, dataOf(0, 0));
    store.remove(slot);
    expect(store.memoryBytes().reserved).toBe(new NodeStore().memoryBytes().reserved);
  });

  test('is counted on the way to the root', () => {
    const store = new NodeStore();
    const a = store.add(ROOT, 'a', plainNode(dataOf(10, 0)));
    const b = store.add(a, 'b', plainNode(dataOf(20, 0)));
    const c = store.add(b, 'c', plainNode(dataOf(40_000, 0)));
    store.setData(b, dataOf(5, 0));
    expect([ROOT, a, b, c].map((slot) => store.descendants(slot))).toEqual([3, 2, 1, 0]);
    expect([ROOT, a, b, c].map((slot) => store.bytesBelow(slot))).toEqual([40_015, 40_005, 40_000, 0]);
    store.remove(c);
    expect([ROOT, a, b].map((slot) => store.bytesBelow(slot))).toEqual([15, 5, 0]);
  });
});

test('the number of nodes expected changes nothing but the room for them at the start', () => {
  const stores = [0, 1, 1_000, 5_000, 20_000].map((expectedNodes) => new NodeStore({ expectedNodes }));
  const names = Array.from({ length: 5_000 }, (_, index) => `node-${index}`);
  for (const store of stores) {
    for (const name of names) store.add(ROOT, name, plainNode());
    expect(names.filter((name) => store.find(`/${name}`) === NO_SLOT)).toEqual([]);
    for (const name of names) store.remove(store.child(ROOT, name));
    expect(store.size).toBe(1);
    expect(store.find('/node-1')).toBe(NO_SLOT);
  }
  // What was not needed goes with the nodes that go, little by little.
  expect(stores.map((store) => store.memoryBytes().reserved < 2 ** 19)).toEqual(stores.map(() => true));
});

describe('what the store asserts', () => {
  test('a node is added once', () => {
    const store = new NodeStore();
    store.add(ROOT, 'a', plainNode());
    expect(() => store.add(ROOT, 'a', plainNode())).toThrow('each node once');
  });

  test('a node is added once, also where order comes last', () => {
    const store = new NodeStore();
    for (const path of ['/c', '/a', '/b', '/a']) store.addUnordered(ROOT, path, 1, plainNode());
    expect(() => store.orderChildren()).toThrow('each node once');
  });

  test('only a leaf goes, and never the root', () => {
    const store = new NodeStore();
    const a = store.add(ROOT, 'a', plainNode());
    store.add(a, 'b', plainNode());
    expect(() => store.remove(a)).toThrow('has no children');
    expect(() => store.remove(ROOT)).toThrow('is not the root');
  });

  test('a node goes once', () => {
    const store = new NodeStore();
    const a = store.add(ROOT, 'a', plainNode());
    store.remove(a);
    expect(() => store.remove(a)).toThrow('a node that goes exists');
  });
});

test('the count of children ever created stays when the last child goes', () => {
  const store = new NodeStore();
  const child = store.add(ROOT, 'a', plainNode());
  store.setSequence(ROOT, 7);
  store.remove(child);
  expect(store.sequence(ROOT)).toBe(7);
  expect(store.childCount(ROOT)).toBe(0);
  expect(store.stat(ROOT).cversion).toBe(14);
  // A node that takes the place of one with a count begins with none.
  const busy = store.add(ROOT, 'busy', plainNode());
  store.setSequence(busy, 3);
  store.remove(busy);
  expect(store.sequence(store.add(ROOT, 'new', plainNode()))).toBe(0);
});

describe('a directory of 100,000 children', () => {
  const count = 100_000;
  const names = new SeededRandom(0x5eed).shuffled(
    Array.from({ length: count }, (_, index) => `node-${String(index * 3).padStart(7, '0')}`),
  );
  const sorted = inByteOrder(names);
  const store = new NodeStore();
  const directory = store.add(ROOT, 'd', plainNode());
  for (const name of names) store.add(directory, name, plainNode(dataOf(20, name.length)));

  test('lists all in order', () => {
    expect(store.childCount(directory)).toBe(count);
    expect(store.children(directory).map((slot) => store.name(slot))).toEqual(sorted);
  });

  test('is read page by page, from names that exist and from names that do not', () => {
    const read: string[] = [];
    for (let after: string | undefined; read.length < count; after = read.at(-1)) {
      const page = store.children(directory, { after, limit: 999 });
      read.push(...page.map((slot) => store.name(slot)));
    }
    expect(read).toEqual(sorted);
    const [next] = store.children(directory, { after: 'node-0000001', limit: 1 });
    expect(store.name(next ?? ROOT)).toBe('node-0000003');
    expect(store.children(directory, { after: sorted.at(-1), limit: 5 })).toEqual([]);
    expect(store.children(directory, { after: 'zzz', limit: 5 })).toEqual([]);
    expect(store.children(directory, { after: '', limit: 2 })).toEqual(
      store.children(directory, { limit: 2 }),
    );
    expect(store.children(directory, { limit: 0 })).toEqual([]);
  });

  test('gives nearly all its memory back when its children go', () => {
    const full = store.memoryBytes().reserved;
    for (const name of new SeededRandom(7).shuffled(sorted).slice(100))
      store.remove(store.child(directory, name));
    const left = store.children(directory).map((slot) => store.name(slot));
    expect(left).toHaveLength(100);
    expect(left).toEqual(inByteOrder(left));
    // Contents are packed anew; records stay where they are until a whole page of them is free.
    for (const name of left) store.remove(store.child(directory, name));
    expect(store.memoryBytes().reserved).toBeLessThan(full / 20);
    expect(store.children(directory)).toEqual([]);
    expect(store.size).toBe(2);
  });
});

test('a walk meets every node that stays exactly once while others come and go', () => {
  const store = new NodeStore();
  const random = new SeededRandom(11);
  const stays = Array.from({ length: 9_000 }, (_, index) => `stays-${index}`);
  const goes = Array.from({ length: 9_000 }, (_, index) => `goes-${index}`);
  for (const name of random.shuffled([...stays, ...goes])) store.add(ROOT, name, plainNode());

  const met: string[] = [];
  let left = random.shuffled(goes);
  for (const walk = new TreeWalk(store); !walk.isOver; ) {
    walk.go(4, (slot) => {
      met.push(store.name(slot));
      return false;
    });
    for (const name of left.slice(0, 3)) store.remove(store.child(ROOT, name));
    left = left.slice(3);
    store.add(ROOT, `new-${met.length}`, plainNode());
    store.remove(store.child(ROOT, `new-${met.length}`));
  }
  expect(left).toEqual([]);
  expect(met.filter((name) => name.startsWith('stays-')).sort()).toEqual([...stays].sort());
});

test('lists of permissions and lifetimes that nobody has any more are forgotten, and shared while somebody has', () => {
  const store = new NodeStore();
  const acl = (id: string) => [{ perms: 1, scheme: 'digest', id }];
  const lifetime = { ephemeralOwner: 5, ttlMs: 0, container: false };
  const node = { data: dataOf(1, 1), lifetime, czxid: asZxid(1), ctimeMs: 1 };
  const one = store.add(ROOT, 'one', { ...node, acl: acl('ann') });
  const two = store.add(ROOT, 'two', { ...node, acl: acl('ann') });
  expect(store.acl(two)).toBe(store.acl(one));
  expect(store.lifetime(two)).toBe(store.lifetime(one));
  store.setAcl(one, acl('bob'));
  expect(store.acl(two)).toEqual(acl('ann'));
  expect(store.acl(one)).toEqual(acl('bob'));
  store.setAcl(one, acl('bob'));
  expect(store.acl(one)).toEqual(acl('bob'));
  store.remove(two);
  store.setLifetime(one, LIFETIME_UNLIMITED);
  store.setAcl(one, [...ACL_OPEN]);
  expect(store.acl(one)).toBe(ACL_OPEN);
  expect(store.lifetime(one)).toBe(LIFETIME_UNLIMITED);
});

test('changes of changing sizes do not make memory grow', () => {
  const random = new SeededRandom(0xace);
  const store = new NodeStore();
  const live: string[] = [];
  const length = (): number => random.pick([0, 10, 100, 100, 100, 200, 700, 3_000, 20_000]);
  let worst = 0;
  for (let round = 0; round < 40; round++) {
    for (let change = 0; change < 3_000; change++) {
      const name = `node-${round}-${change}`;
      live.push(name);
      store.add(ROOT, name, plainNode(dataOf(length(), change)));
      store.setData(store.child(ROOT, random.pick(live)), dataOf(length(), round));
      const index = random.below(live.length);
      // Rounds of growth and rounds of shrinking in turn.
      const goes = live.splice(index, 1 + (round % 3));
      for (const gone of goes) store.remove(store.child(ROOT, gone));
    }
    const { reserved, used } = store.memoryBytes();
    worst = Math.max(worst, reserved / (used + 2 ** 20));
  }
  expect(worst).toBeLessThan(1.6);
  expect(store.size).toBe(live.length + 1);
  for (const name of live) store.remove(store.child(ROOT, name));
  expect(store.memoryBytes().reserved).toBeLessThan(2 ** 20);
});
