import { asZxid } from '@zabra/model';
import { afterEach, describe, expect, test } from 'vitest';
import { create, drain, dump, leaderWith, remove, restored, set } from '../test/leader.ts';

describe('a snapshot', () => {
  test('holds everything: nodes, sessions, ephemerals, stored results', () => {
    const leader = leaderWith('/a', '/a/b');
    leader.do(1, create('/e', 'data', 'ephemeral'));
    leader.do(1, create('/x/y'));
    const cursor = leader.tree.beginSnapshot();
    const tree = restored(cursor, drain(cursor));
    expect(tree.digest()).toBe(cursor.digest);
    expect(dump(tree)).toEqual(dump(leader.tree));
    expect(tree.storedResult(1, 'first', 4)).toEqual(leader.tree.storedResult(1, 'first', 4));
    expect(tree.lastTimeMs).toBe(1_000);
  });

  test('is restored from its entries in any order', () => {
    const leader = leaderWith('/a', '/a/b', '/a/b/c');
    leader.do(1, create('/a/b/e', '', 'ephemeral'));
    const cursor = leader.tree.beginSnapshot();
    const tree = restored(cursor, [...drain(cursor)].reverse());
    expect(tree.digest()).toBe(cursor.digest);
    expect(dump(tree)).toEqual(dump(leader.tree));
  });

  test('is exact at its zxid whatever is applied while it is taken', () => {
    const leader = leaderWith('/a', '/a/1', '/a/2', '/b');
    leader.do(1, create('/e', '', 'ephemeral'));
    const before = dump(leader.tree);
    const cursor = leader.tree.beginSnapshot();
    const entries = [...cursor.next(2)];
    leader.do(1, set('/b', 'changed'));
    leader.do(1, remove('/a/1'));
    leader.do(1, remove('/a/2'));
    leader.do(1, remove('/a'));
    leader.do(1, create('/a'));
    leader.do(1, create('/a/new'));
    entries.push(...cursor.next(2));
    leader.close(1);
    leader.applyAll();
    entries.push(...drain(cursor));
    expect(dump(restored(cursor, entries))).toEqual(before);
    expect(restored(cursor, entries).digest()).toBe(cursor.digest);
  });

  test('is exact at its zxid when the places of nodes that went become those of others', () => {
    const names = Array.from({ length: 40 }, (_, index) => `/a/${index}`);
    const leader = leaderWith('/a', ...names);
    const before = dump(leader.tree);
    const cursor = leader.tree.beginSnapshot();
    const entries = [...cursor.next(20)];
    for (const [index, path] of names.entries()) {
      leader.do(1, remove(path));
      leader.do(1, create(`/a/new-${index}`));
      leader.do(1, create(path, 'anew'));
      entries.push(...cursor.next(index % 3));
    }
    entries.push(...drain(cursor));
    expect(new Set(entries.map((entry) => (entry.kind === 'node' ? entry.path : '')))).toHaveProperty(
      'size',
      entries.length,
    );
    expect(dump(restored(cursor, entries))).toEqual(before);
    expect(restored(cursor, entries).digest()).toBe(cursor.digest);
  });

  test('says what it keeps because of changes, and lets go of it when it hands it out', () => {
    const leader = leaderWith('/a', '/b');
    leader.do(1, set('/a', 'x'.repeat(10_000)));
    const cursor = leader.tree.beginSnapshot();
    expect(cursor.preImageBytes).toBe(0);
    leader.do(1, set('/a', 'small'));
    expect(cursor.preImageBytes).toBeGreaterThan(10_000);
    const once = cursor.preImageBytes;
    leader.do(1, set('/a', 'again'));
    expect(cursor.preImageBytes).toBe(once);
    drain(cursor);
    expect(cursor.preImageBytes).toBe(0);
  });

  test('that is abandoned hands out nothing more and makes room for the next', () => {
    const leader = leaderWith('/a');
    const cursor = leader.tree.beginSnapshot();
    leader.do(1, set('/a', 'x'));
    expect(() => leader.tree.beginSnapshot()).toThrow('one snapshot');
    cursor.abandon();
    expect(cursor.preImageBytes).toBe(0);
    expect(cursor.next(10)).toEqual([]);
    const next = leader.tree.beginSnapshot();
    expect(restored(next, drain(next)).digest()).toBe(leader.tree.digest());
  });

  test('can follow another', () => {
    const leader = leaderWith('/a');
    drain(leader.tree.beginSnapshot());
    leader.do(1, create('/b'));
    const cursor = leader.tree.beginSnapshot();
    expect(restored(cursor, drain(cursor)).digest()).toBe(leader.tree.digest());
  });

  test('of a restored tree is the same again, and history goes on from it', () => {
    const leader = leaderWith('/a');
    const cursor = leader.tree.beginSnapshot();
    const follower = restored(cursor, drain(cursor));
    leader.do(1, create('/a/n-', '', 'ephemeral-sequential'));
    const last = leader.history.at(-1);
    const applied = last && follower.apply(last.zxid, last.txn);
    expect(applied?.result).toEqual(leader.tree.storedResult(1, 'first', 2));
    expect(follower.digest()).toBe(leader.tree.digest());
  });
});

describe('a snapshot that is not whole is not restored', () => {
  test.each([
    { name: 'without a parent', without: '/a', rule: 'the parent of each node' },
    { name: 'without the root', without: '/', rule: 'the parent of each node' },
    { name: 'without a reserved node', without: '/zookeeper/quota', rule: 'the reserved nodes' },
    { name: 'without an ephemeral’s session', without: 'session', rule: 'session exists' },
  ])('$name', ({ without, rule }) => {
    const leader = leaderWith('/a', '/a/b');
    leader.do(1, create('/e', '', 'ephemeral'));
    const cursor = leader.tree.beginSnapshot();
    const entries = drain(cursor).filter(
      (entry) => (entry.kind === 'node' ? entry.path : 'session') !== without,
    );
    expect(() => restored(cursor, entries)).toThrow(rule);
  });

  test('with an entry twice', () => {
    const cursor = leaderWith('/a').tree.beginSnapshot();
    const entries = drain(cursor);
    expect(() => restored(cursor, [...entries, ...entries.slice(0, 1)])).toThrow('each session once');
    expect(() => restored(cursor, [...entries, ...entries.slice(-1)])).toThrow('each node once');
    expect(() => restored(cursor, [...entries, ...entries.slice(1, 2)])).toThrow('each node once');
  });
});

describe('the planted flaw', () => {
  afterEach(() => {
    globalThis.__ZABRA_MUTANT__ = undefined;
  });

  test('that forgets the stored results shows in the digest and as a write done twice', () => {
    const leader = leaderWith('/a');
    globalThis.__ZABRA_MUTANT__ = 'dedupe-forgotten-in-snapshot';
    const cursor = leader.tree.beginSnapshot();
    const tree = restored(cursor, drain(cursor));
    expect(tree.digest()).not.toBe(cursor.digest);
    const request = {
      kind: 'write',
      sessionId: 1,
      nonce: 'first',
      requestNo: 1,
      answeredThrough: 0,
      operation: create('/a'),
    } as const;
    const context = { wallMs: 0, nextZxid: asZxid(tree.appliedZxid + 1), identities: [] };
    expect(tree.prepare(request, context)).toMatchObject({ kind: 'txn' });
  });
});
