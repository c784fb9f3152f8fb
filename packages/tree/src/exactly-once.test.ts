import type { WriteOperation } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { create, Leader, leaderWith, remove, set, transaction } from '../test/leader.ts';
import type { Prepared } from './prepare.ts';

/** Session 1 asks with a number of the test's choice. */
function ask(
  leader: Leader,
  requestNo: number,
  operation: WriteOperation,
  more: { readonly answeredThrough?: number; readonly nonce?: string } = {},
): Prepared {
  return leader.prepare({
    kind: 'write',
    sessionId: 1,
    nonce: 'first',
    requestNo,
    answeredThrough: 0,
    operation,
    ...more,
  });
}

function openLeader(options = {}): Leader {
  const leader = Leader.withOptions(options);
  leader.openSession(1);
  leader.applyAll();
  return leader;
}

describe('a numbered write', () => {
  test('that is applied is answered from the table and makes no second txn', () => {
    const leader = openLeader();
    const zxid = leader.nextZxid;
    ask(leader, 1, create('/q-', '', 'persistent-sequential'));
    const [applied] = leader.applyAll();
    expect(ask(leader, 1, create('/q-', '', 'persistent-sequential'))).toEqual({ kind: 'stored', zxid });
    expect(leader.tree.storedResult(1, 'first', 1)).toEqual(applied?.result);
    expect(leader.tree.pendingCount).toBe(0);
    expect(leader.tree.children('/')?.names).toEqual(['q-0000000000', 'zookeeper']);
  });

  test('that is pending makes no second txn either, and its zxid is known', () => {
    const leader = openLeader();
    ask(leader, 1, create('/a'));
    const zxid = leader.nextZxid;
    ask(leader, 2, create('/b'));
    expect(ask(leader, 2, create('/b'))).toEqual({ kind: 'stored', zxid });
    expect(leader.tree.storedResult(1, 'first', 2)).toBeUndefined();
    expect(leader.tree.pendingCount).toBe(2);
    leader.applyAll();
    expect(leader.tree.storedResult(1, 'first', 2)).toMatchObject({ kind: 'done', zxid });
  });

  test.each([
    {
      name: 'a refusal',
      operation: create('/x/y'),
      stored: { kind: 'refused', refusal: { code: 'NO_NODE' } },
    },
    {
      name: 'a failed transaction',
      operation: transaction(create('/b'), remove('/x')),
      stored: { kind: 'refused', failedIndex: 1, codes: ['OK', 'NO_NODE'] },
    },
    {
      name: 'a transaction',
      operation: transaction(create('/b'), set('/b', 'x')),
      stored: { kind: 'done', results: [{ path: '/b' }, { stat: { version: 1 } }] },
    },
  ])('keeps $name as its result', ({ operation, stored }) => {
    const leader = openLeader();
    ask(leader, 1, operation);
    leader.applyAll();
    expect(ask(leader, 1, operation)).toMatchObject({ kind: 'stored' });
    expect(leader.tree.storedResult(1, 'first', 1)).toMatchObject(stored);
  });

  test.each([
    { name: 'another path', operation: create('/b', 'data') },
    { name: 'other data', operation: create('/a', 'date') },
    { name: 'another mode', operation: create('/a', 'data', 'ephemeral') },
    { name: 'another kind', operation: set('/a', 'data') },
    { name: 'the same in a transaction', operation: transaction(create('/a', 'data')) },
  ])('is not taken for $name under the same number', ({ operation }) => {
    const leader = openLeader();
    ask(leader, 1, create('/a', 'data'));
    expect(ask(leader, 1, operation)).toMatchObject({ kind: 'refused', refusal: { code: 'BAD_ARGUMENTS' } });
    leader.applyAll();
    expect(ask(leader, 1, operation)).toMatchObject({ kind: 'refused', refusal: { code: 'BAD_ARGUMENTS' } });
  });

  test('is let go once the client knows its result, and never done again', () => {
    const leader = openLeader();
    for (const requestNo of [1, 2, 3]) ask(leader, requestNo, create(`/${requestNo}`));
    ask(leader, 4, create('/4'), { answeredThrough: 2 });
    expect(ask(leader, 2, create('/2'))).toMatchObject({
      kind: 'refused',
      refusal: { code: 'BAD_ARGUMENTS' },
    });
    leader.applyAll();
    expect(leader.tree.storedResult(1, 'first', 2)).toBeUndefined();
    expect(leader.tree.storedResult(1, 'first', 3)).toMatchObject({ kind: 'done' });
    expect(ask(leader, 2, create('/2'))).toMatchObject({
      kind: 'refused',
      refusal: { code: 'BAD_ARGUMENTS' },
    });
    expect(ask(leader, 3, create('/3'))).toMatchObject({ kind: 'stored' });
  });

  test('may leave out numbers by the billion', () => {
    const leader = openLeader();
    ask(leader, 1, create('/1'));
    expect(ask(leader, 4_000_000_000, create('/2'), { answeredThrough: 3_999_999_999 })).toMatchObject({
      kind: 'txn',
    });
    leader.applyAll();
    expect(leader.tree.storedResult(1, 'first', 1)).toBeUndefined();
    expect(leader.tree.storedResult(1, 'first', 4_000_000_000)).toMatchObject({ kind: 'done' });
  });

  test('is kept when the client leaves out numbers and knows only those before it', () => {
    const leader = openLeader();
    ask(leader, 1, create('/1'));
    ask(leader, 100, create('/2'));
    ask(leader, 101, create('/3'), { answeredThrough: 50 });
    leader.applyAll();
    expect(leader.tree.storedResult(1, 'first', 1)).toBeUndefined();
    expect(leader.tree.storedResult(1, 'first', 100)).toMatchObject({ kind: 'done' });
  });

  test.each([
    { name: 'pending', settle: (): void => {} },
    { name: 'applied', settle: (leader: Leader): unknown => leader.applyAll() },
  ])('is not done any more once a later one is $name', ({ settle }) => {
    const leader = openLeader();
    ask(leader, 2, create('/b'));
    settle(leader);
    expect(ask(leader, 1, create('/a'))).toMatchObject({ kind: 'refused', refusal: { code: 'LIMIT' } });
    expect(ask(leader, 3, create('/c')).kind).toBe('txn');
  });

  test('may be ahead of the last known answer by so many, so the table is bounded', () => {
    const leader = openLeader({ outstandingRequestsMax: 3 });
    for (const requestNo of [1, 2, 3])
      expect(ask(leader, requestNo, create(`/${requestNo}`)).kind).toBe('txn');
    expect(ask(leader, 4, create('/4'))).toMatchObject({ kind: 'refused', refusal: { code: 'LIMIT' } });
    expect(ask(leader, 4, create('/4'), { answeredThrough: 1 }).kind).toBe('txn');
  });

  test('is unknown again to a leader that lost what it had proposed', () => {
    const leader = openLeader();
    ask(leader, 1, create('/a'));
    leader.loseRole();
    expect(ask(leader, 1, create('/a'))).toMatchObject({ kind: 'txn', txn: { body: { kind: 'change' } } });
  });
});

describe('another instance of the client', () => {
  test('takes over: what the former one sends is refused from then on', () => {
    const leader = openLeader();
    leader.attach(1, 'second');
    expect(ask(leader, 1, create('/a'))).toMatchObject({
      kind: 'refused',
      refusal: { code: 'SESSION_MOVED' },
    });
    leader.applyAll();
    expect(ask(leader, 1, create('/a'))).toMatchObject({
      kind: 'refused',
      refusal: { code: 'SESSION_MOVED' },
    });
    expect(leader.tree.session(1)?.nonce).toBe('second');
  });

  test('counts from 1 again, before and after the attach is applied', () => {
    const leader = openLeader();
    ask(leader, 1, create('/a'));
    ask(leader, 2, create('/b'), { answeredThrough: 1 });
    leader.applyAll();
    leader.attach(1, 'second');
    expect(ask(leader, 1, create('/c'), { nonce: 'second' })).toMatchObject({ kind: 'txn' });
    leader.applyNext();
    expect(leader.tree.storedResult(1, 'second', 1)).toBeUndefined();
    const zxid = leader.proposed[0]?.zxid;
    expect(ask(leader, 1, create('/c'), { nonce: 'second' })).toEqual({ kind: 'stored', zxid });
    leader.applyNext();
    expect(ask(leader, 1, create('/c'), { nonce: 'second' })).toEqual({ kind: 'stored', zxid });
    expect(leader.tree.storedResult(1, 'first', 1)).toBeUndefined();
    expect(leader.tree.storedResult(1, 'second', 1)).toMatchObject({ zxid });
  });

  test('is answered from the table while later writes of it are still pending', () => {
    const leader = openLeader();
    leader.attach(1, 'second');
    ask(leader, 1, create('/a'), { nonce: 'second' });
    ask(leader, 2, create('/b'), { nonce: 'second' });
    leader.applyNext();
    const { zxid } = leader.applyNext();
    expect(ask(leader, 1, create('/a'), { nonce: 'second' })).toEqual({ kind: 'stored', zxid });
  });

  test('that attaches twice keeps its results', () => {
    const leader = openLeader();
    const zxid = leader.nextZxid;
    leader.attach(1, 'second');
    expect(leader.attach(1, 'second')).toEqual({ kind: 'stored', zxid });
    leader.applyAll();
    expect(leader.attach(1, 'second')).toEqual({ kind: 'stored', zxid });
  });

  test('changes the digest, and so does each stored result', () => {
    const [left, right] = [openLeader(), openLeader()];
    ask(left, 1, create('/x/y'));
    ask(right, 1, create('/x/z'));
    left.applyAll();
    right.applyAll();
    expect(left.tree.digest()).not.toBe(right.tree.digest());
    left.attach(1, 'second');
    right.attach(1, 'second');
    left.applyAll();
    right.applyAll();
    expect(left.tree.digest()).toBe(right.tree.digest());
  });
});

test('the results of a session go with it', () => {
  const leader = leaderWith('/a');
  const digest = leader.tree.digest();
  leader.openSession(2);
  leader.write(2, create('/x/y'));
  leader.close(2);
  leader.applyAll();
  expect(leader.tree.storedResult(2, 'first', 1)).toBeUndefined();
  expect(leader.tree.digest()).toBe(digest);
});

test('the results that are kept for a client which never says what it knows are bounded by their size', () => {
  const leader = openLeader({ resultBytesMax: 10_000 });
  const checks = transaction(
    ...Array.from({ length: 20 }, () => ({ kind: 'check', path: '/', version: -1 }) as const),
  );
  const takenBefore = Array.from({ length: 10 }, (_, index) => ask(leader, index + 1, checks).kind);
  expect(takenBefore).toEqual(['txn', 'txn', ...Array.from({ length: 8 }, () => 'refused')]);
  leader.applyAll();
  expect(ask(leader, 3, checks)).toMatchObject({ kind: 'refused', refusal: { code: 'LIMIT' } });
  // Said by the very write that needs the room.
  expect(ask(leader, 3, checks, { answeredThrough: 2 }).kind).toBe('txn');
  expect(ask(leader, 4, checks, { answeredThrough: 2 }).kind).toBe('txn');
  expect(ask(leader, 5, checks, { answeredThrough: 2 }).kind).toBe('refused');
});
