import { TTL_MS_MAX } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import {
  create,
  deleteTree,
  drain,
  dump,
  grant,
  type Leader,
  leaderWith,
  outcomeOf,
  outcomes,
  remove,
  restored,
  set,
  setAcl,
  touch,
  transaction,
} from '../test/leader.ts';

function leaderWithBoth(): Leader {
  const leader = leaderWith('/plain');
  leader.do(1, create('/ttl', '', 'ttl'));
  leader.do(1, create('/box', '', 'container'));
  return leader;
}

describe('a node with a TTL', () => {
  test('is an ordinary node otherwise, with children and no owner', () => {
    const leader = leaderWithBoth();
    leader.do(1, create('/ttl/n-', '', 'ttl-sequential'));
    leader.do(1, create('/ttl/e', '', 'ephemeral'));
    expect(leader.tree.children('/ttl')).toMatchObject({
      names: ['e', 'n-0000000000'],
      stat: { ephemeralOwner: 0 },
    });
    expect([...leader.tree.ttlNodes()]).toEqual([
      { path: '/ttl', ttlMs: 1_000 },
      { path: '/ttl/n-0000000000', ttlMs: 1_000 },
    ]);
    expect(leader.tree.reapFacts('/ttl')).toEqual({ kind: 'ttl', ttlMs: 1_000, childCount: 2 });
  });

  test.each([
    { name: 'none', operation: { ...create('/n', '', 'ttl'), ttlMs: 0 } },
    { name: 'a negative one', operation: { ...create('/n', '', 'ttl'), ttlMs: -1 } },
    { name: 'half a millisecond', operation: { ...create('/n', '', 'ttl-sequential'), ttlMs: 0.5 } },
    { name: 'more than 40 bits', operation: { ...create('/n', '', 'ttl'), ttlMs: TTL_MS_MAX + 1 } },
    { name: 'one on a plain node', operation: { ...create('/n'), ttlMs: 5 } },
    { name: 'one on a container', operation: { ...create('/n', '', 'container'), ttlMs: 5 } },
  ])('is not created with $name', ({ operation }) => {
    expect(leaderWith().do(1, operation)).toMatchObject({
      refusal: { code: 'BAD_ARGUMENTS', message: expect.stringContaining('TTL') },
    });
  });

  test('may live for 34 years', () => {
    const leader = leaderWith();
    leader.do(1, { ...create('/n', '', 'ttl'), ttlMs: TTL_MS_MAX });
    expect(leader.tree.reapFacts('/n')).toMatchObject({ ttlMs: TTL_MS_MAX });
  });

  test.each([
    { path: '/ttl', code: 'done' },
    { path: '/box', code: 'BAD_ARGUMENTS' },
    { path: '/plain', code: 'BAD_ARGUMENTS' },
    { path: '/x', code: 'NO_NODE' },
    { path: 'x', code: 'INVALID_PATH' },
  ])('is touched: $path: $code', ({ path, code }) => {
    const leader = leaderWithBoth();
    const before = dump(leader.tree) as { readonly nodes: unknown };
    leader.write(1, touch(path));
    const { result, events } = leader.applyNext();
    expect(outcomeOf(result)).toBe(code);
    expect(events).toEqual([]);
    expect(dump(leader.tree)).toMatchObject({ nodes: before.nodes });
  });
});

describe('a container', () => {
  test('says whether it was ever used', () => {
    const leader = leaderWithBoth();
    expect([...leader.tree.containers()]).toEqual(['/box']);
    expect(leader.tree.reapFacts('/box')).toEqual({ kind: 'container', used: false, childCount: 0 });
    leader.do(1, create('/box/a'));
    expect(leader.tree.reapFacts('/box')).toEqual({ kind: 'container', used: true, childCount: 1 });
    leader.do(1, remove('/box/a'));
    expect(leader.tree.reapFacts('/box')).toEqual({ kind: 'container', used: true, childCount: 0 });
    expect(leader.tree.reapFacts('/plain')).toBeUndefined();
    expect(leader.tree.reapFacts('/x')).toBeUndefined();
  });
});

describe('the reaper hears of', () => {
  test.each([
    {
      name: 'nothing, where there is nothing for it',
      operation: transaction(create('/n'), set('/box', 'x')),
    },
    { name: 'nothing, when a write is refused', operation: touch('/box') },
    { name: 'nothing, when an inner child goes', operation: remove('/box/a/b') },
    {
      name: 'what was created',
      operation: transaction(create('/c', '', 'container'), create('/t', '', 'ttl')),
      news: { written: ['/c', '/t'], emptied: [] },
    },
    {
      name: 'every write of a node with a TTL',
      operation: transaction(set('/ttl', 'x'), setAcl('/ttl'), touch('/ttl')),
      news: { written: ['/ttl', '/ttl', '/ttl'], emptied: [] },
    },
    { name: 'what became empty', operation: deleteTree('/box/a'), news: { written: [], emptied: ['/box'] } },
    {
      name: 'what became empty by the end of a session',
      operation: undefined,
      news: { written: [], emptied: ['/ttl'] },
    },
  ])('$name', ({ operation, news }) => {
    const leader = leaderWithBoth();
    for (const path of ['/box/a', '/box/a/b']) leader.do(1, create(path));
    leader.do(1, create('/ttl/e', '', 'ephemeral'));
    const prepared = operation === undefined ? leader.close(1) : leader.write(1, operation);
    expect(prepared).toMatchObject({ kind: 'txn' });
    expect(leader.applyNext().reapNews).toEqual(news);
  });
});

describe('reaping', () => {
  test('is a plain delete by nobody, whatever the ACL', () => {
    const leader = leaderWithBoth();
    leader.do(1, setAcl('/', [grant(1, 'world', 'anyone')]));
    for (const path of ['/ttl', '/box']) {
      expect(leader.reap(path)).toMatchObject({
        kind: 'txn',
        txn: { sessionId: 0, requestNo: 0, body: { kind: 'change', change: { kind: 'delete', path } } },
      });
    }
    expect(leader.applyAll().map(({ events }) => events.map(({ type, path }) => `${type} ${path}`))).toEqual([
      ['deleted /ttl', 'children /'],
      ['deleted /box', 'children /'],
    ]);
    expect(leader.tree.reapFacts('/box')).toBeUndefined();
    expect([...leader.tree.containers(), ...leader.tree.ttlNodes()]).toEqual([]);
  });

  test.each([
    { path: '/plain', code: 'BAD_ARGUMENTS' },
    { path: '/', code: 'BAD_ARGUMENTS' },
    { path: '/x', code: 'NO_NODE' },
    { path: '/ttl', code: 'NOT_EMPTY' },
  ])('of $path is refused and leaves no trace: $code', ({ path, code }) => {
    const leader = leaderWithBoth();
    leader.do(1, create('/ttl/a'));
    expect(leader.reap(path)).toMatchObject({ kind: 'refused', refusal: { code } });
    expect(leader.tree.pendingCount).toBe(0);
  });

  test.each([
    { name: 'a touch', operation: touch('/ttl') },
    { name: 'a set', operation: set('/ttl', 'x') },
    { name: 'an ACL', operation: setAcl('/ttl') },
    { name: 'a child', operation: create('/ttl/a') },
    { name: 'a child that is gone again', operation: transaction(create('/ttl/a'), remove('/ttl/a')) },
    { name: 'its end', operation: remove('/ttl') },
  ])('waits while $name is pending', ({ operation }) => {
    const leader = leaderWithBoth();
    leader.write(1, operation);
    expect(leader.reap('/ttl')).toMatchObject({ kind: 'refused', refusal: { code: 'CONFLICT' } });
  });

  test('does not wait for what is pending elsewhere, or failed', () => {
    const leader = leaderWithBoth();
    leader.write(1, set('/plain', 'x'));
    leader.write(1, transaction(touch('/ttl'), remove('/missing')));
    leader.reap('/ttl');
    leader.write(1, create('/ttl/late'));
    leader.write(1, create('/ttl'));
    expect(outcomes(leader)).toEqual(['done', 'NO_NODE', 'done', 'NO_NODE', 'done']);
    expect(leader.tree.reapFacts('/ttl')).toBeUndefined();
  });
});

test('what a node is survives in a snapshot, and shows in the digest', () => {
  const leader = leaderWithBoth();
  leader.do(1, create('/box/a'));
  const cursor = leader.tree.beginSnapshot();
  const entries = drain(cursor);
  const tree = restored(cursor, entries);
  expect(dump(tree)).toEqual(dump(leader.tree));
  expect([...tree.ttlNodes()]).toEqual([{ path: '/ttl', ttlMs: 1_000 }]);
  const digests = [{}, { ttlMs: 5 }, { container: true }, { ttlMs: 2 ** 32 + 5 }].map((fields) =>
    restored(
      cursor,
      entries.map((entry) =>
        entry.kind === 'node' && entry.path === '/plain' ? { ...entry, ...fields } : entry,
      ),
    ).digest(),
  );
  expect(new Set(digests).size).toBe(4);
  expect(digests[0]).toBe(leader.tree.digest());
});
