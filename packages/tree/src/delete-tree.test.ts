import { describe, expect, test } from 'vitest';
import {
  create,
  deleteTree,
  grant,
  Leader,
  leaderWith,
  outcomeOf,
  outcomes,
  remove,
  setAcl,
} from '../test/leader.ts';

const WHOLE = ['/a', '/a/b', '/a/b/2', '/a/b/1', '/a/c', '/ab'];

describe('deleting a tree', () => {
  test('takes the node and all below it, children before parents, in path order', () => {
    const leader = leaderWith(...WHOLE);
    const zxid = leader.nextZxid;
    leader.write(1, deleteTree('/a'));
    const { result, events } = leader.applyNext();
    expect(result).toEqual({
      kind: 'done',
      zxid,
      results: [{ kind: 'deleteTree', path: '/a', deleted: 5, done: true }],
    });
    expect(events.map(({ type, path }) => `${type} ${path}`)).toEqual([
      'deleted /a/b/1',
      'children /a/b',
      'deleted /a/b/2',
      'children /a/b',
      'deleted /a/b',
      'children /a',
      'deleted /a/c',
      'children /a',
      'deleted /a',
      'children /',
    ]);
    expect(leader.tree.children('/')?.names).toEqual(['ab', 'zookeeper']);
  });

  test('takes a part when it was asked for no more, and goes on when it is asked again', () => {
    const leader = leaderWith(...WHOLE);
    const pieces = [1, 2, 3].map((nodesMax) => leader.do(1, deleteTree('/a', nodesMax)));
    expect(pieces).toMatchObject([
      { results: [{ deleted: 1, done: false }] },
      { results: [{ deleted: 2, done: false }] },
      { results: [{ deleted: 2, done: true }] },
    ]);
    expect(outcomeOf(leader.do(1, deleteTree('/a')))).toBe('NO_NODE');
  });

  test('takes no more at once than a transaction may have', () => {
    const leader = Leader.withOptions({ transactionOperationsMax: 2 });
    leader.openSession(1);
    for (const path of WHOLE) leader.write(1, create(path));
    leader.applyAll();
    expect(leader.do(1, deleteTree('/a', 100))).toMatchObject({ results: [{ deleted: 2, done: false }] });
    expect(leader.do(1, deleteTree('/a', 0, true))).toMatchObject({
      refusal: {
        code: 'LIMIT',
        message: expect.stringContaining('/a holds more than the 2 nodes that one change may delete'),
      },
    });
    expect(leader.tree.descendants('/a')).toBe(2);
    leader.do(1, deleteTree('/a'));
    expect(leader.do(1, create('/a/new'))).toMatchObject({ kind: 'done' });
    expect(leader.do(1, deleteTree('/a', 0, true))).toMatchObject({ results: [{ deleted: 2, done: true }] });
  });

  test('sees what is pending: what came, what went, and what is about to go with its session', () => {
    const leader = leaderWith('/a', '/a/gone', '/a/b', '/a/b/c');
    leader.openSession(2);
    leader.write(2, create('/a/e', '', 'ephemeral'));
    leader.applyAll();
    leader.write(1, create('/a/b/new'));
    leader.write(1, remove('/a/gone'));
    leader.write(2, create('/a/f', '', 'ephemeral'));
    leader.close(2);
    leader.write(1, create('/a/x', '', 'persistent-sequential'));
    leader.write(1, deleteTree('/a', 3));
    leader.write(1, deleteTree('/a'));
    leader.write(1, create('/a/y'));
    leader.write(1, create('/a'));
    const all = leader.applyAll().map(({ result }) => result);
    expect(all.map(outcomeOf).slice(-2)).toEqual(['NO_NODE', 'done']);
    expect(all.slice(-4)).toMatchObject([
      { results: [{ deleted: 3, done: false }] },
      { results: [{ deleted: 2, done: true }] },
      {},
      {},
    ]);
    expect(leader.tree.children('/a')?.names).toEqual([]);
  });

  test('sees a node that went and came again as it is', () => {
    const leader = leaderWith('/a', '/a/b');
    for (const operation of [remove('/a/b'), remove('/a'), create('/a'), create('/a/c'), deleteTree('/a')])
      leader.write(1, operation);
    expect(leader.applyAll().at(-1)?.result).toMatchObject({ results: [{ deleted: 2, done: true }] });
  });

  test('takes the ephemerals of others, who can own others then', () => {
    const leader = Leader.withOptions({ ephemeralsPerSessionMax: 1 });
    leader.openSession(1);
    leader.openSession(2);
    leader.write(1, create('/a'));
    leader.write(1, create('/a/e', '', 'ephemeral'));
    leader.write(2, deleteTree('/a'));
    leader.write(1, create('/f', '', 'ephemeral'));
    leader.applyAll();
    expect(leader.tree.ephemeralsOf(1)).toEqual(['/f']);
  });

  test('that is refused changes nothing, whatever it came across before', () => {
    const leader = leaderWith(...WHOLE);
    leader.do(1, create('/a/d'));
    leader.do(1, create('/a/d/e'));
    leader.do(1, setAcl('/a/d', [grant(1, 'world', 'anyone')]));
    leader.write(1, deleteTree('/a'));
    leader.write(1, create('/a/b/1/x'));
    expect(outcomes(leader)).toEqual(['NO_AUTH', 'done']);
    expect(leader.tree.descendants('/a')).toBe(7);
  });

  test.each([
    { path: '/', code: 'BAD_ARGUMENTS' },
    { path: '/zookeeper', code: 'BAD_ARGUMENTS' },
    { path: '/zookeeper/quota', code: 'BAD_ARGUMENTS' },
    { path: '/zookeeper/config', code: 'BAD_ARGUMENTS' },
    { path: '/a/', code: 'INVALID_PATH' },
    { path: '/x', code: 'NO_NODE' },
    { path: '/x/y', code: 'NO_NODE' },
    { path: '/zookeeper/quota/a', code: 'done' },
  ])('$path: $code', ({ path, code }) => {
    const leader = leaderWith('/zookeeper/quota/a', '/zookeeper/quota/a/b');
    expect(outcomeOf(leader.do(1, deleteTree(path)))).toBe(code);
  });

  test('goes as deep as paths may', () => {
    const leader = leaderWith();
    const names = Array.from({ length: 256 }, () => 'd');
    for (const depth of names.keys()) leader.write(1, create(`/${names.slice(0, depth + 1).join('/')}`));
    expect(new Set(outcomes(leader))).toEqual(new Set(['done']));
    expect(leader.do(1, deleteTree('/d'))).toMatchObject({ results: [{ deleted: 256, done: true }] });
  });

  test('waits where those before it, which are not applied yet, left too much to look at', () => {
    const leader = leaderWith('/a');
    for (let piece = 0; piece < 20; piece++) {
      const names = Array.from({ length: 1000 }, (_, index) => create(`/a/${piece}-${index}`));
      leader.write(1, { kind: 'transaction', operations: names });
    }
    leader.applyAll();
    const ask = () => {
      const prepared = leader.write(1, deleteTree('/a'));
      return prepared.kind === 'refused' ? prepared.refusal.code : prepared.kind;
    };
    const asked = Array.from({ length: 100 }, ask);
    const taken = asked.indexOf('THROTTLED');
    expect(taken).toBeGreaterThan(5);
    expect(new Set(asked.slice(taken))).toEqual(new Set(['THROTTLED']));
    leader.applyAll();
    expect(ask()).toBe('txn');
    leader.loseRole();
    expect(ask()).toBe('txn');
  });
});
