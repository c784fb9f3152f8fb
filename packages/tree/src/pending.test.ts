import { describe, expect, test } from 'vitest';
import { create, leaderWith, outcomes, remove, set, transaction } from '../test/leader.ts';

describe('a request sees those before it, applied or not', () => {
  test('a child of a pending parent, which then cannot be deleted', () => {
    const leader = leaderWith();
    leader.write(1, create('/a'));
    leader.write(1, create('/a/b'));
    leader.write(1, remove('/a'));
    leader.write(1, remove('/a/b'));
    leader.write(1, remove('/a'));
    leader.write(1, create('/a/b'));
    expect(outcomes(leader)).toEqual(['done', 'done', 'NOT_EMPTY', 'done', 'done', 'NO_NODE']);
  });

  test('versions count up through what is pending', () => {
    const leader = leaderWith('/a');
    for (const version of [0, 1, 1, 2]) leader.write(1, set('/a', `${version}`, version));
    expect(outcomes(leader)).toEqual(['done', 'done', 'BAD_VERSION', 'done']);
    expect(leader.tree.stat('/a')?.version).toBe(3);
  });

  test('sequence numbers too, whatever is created or deleted in between', () => {
    const leader = leaderWith('/q');
    for (const mode of ['persistent-sequential', 'ephemeral-sequential'] as const)
      leader.write(1, create('/q/n-', '', mode));
    leader.applyNext();
    leader.write(1, create('/q/plain'));
    leader.write(1, remove('/q/plain'));
    leader.write(1, create('/q/n-', '', 'persistent-sequential'));
    leader.applyAll();
    expect(leader.tree.children('/q')?.names).toEqual(['n-0000000000', 'n-0000000001', 'n-0000000003']);
  });

  test('a node deleted and made again starts at version 0', () => {
    const leader = leaderWith('/a');
    leader.write(1, set('/a', 'x'));
    leader.write(1, remove('/a', 1));
    leader.write(1, create('/a'));
    leader.write(1, set('/a', 'y', 0));
    expect(outcomes(leader)).toEqual(['done', 'done', 'done', 'done']);
  });

  test('what a failed transaction tried is as if it had not been', () => {
    const leader = leaderWith('/a');
    leader.write(1, create('/e', '', 'ephemeral'));
    leader.write(
      1,
      transaction(
        remove('/e'),
        create('/e', '', 'ephemeral'),
        create('/f', '', 'ephemeral'),
        set('/a', 'x'),
        remove('/x'),
      ),
    );
    leader.write(1, set('/a', 'y', 0));
    leader.write(1, create('/f'));
    leader.write(1, create('/e'));
    leader.close(1);
    leader.openSession(2);
    leader.write(2, remove('/e'));
    leader.write(2, remove('/f'));
    expect(outcomes(leader)).toEqual([
      'done',
      'NO_NODE',
      'done',
      'done',
      'NODE_EXISTS',
      'done',
      'done',
      'NO_NODE',
      'done',
    ]);
  });

  test('a session works as soon as it is proposed, and no longer once its end is', () => {
    const leader = leaderWith();
    leader.openSession(2);
    expect(leader.write(2, create('/e', '', 'ephemeral'))).toMatchObject({ kind: 'txn' });
    leader.close(2);
    expect(leader.write(2, create('/f', '', 'ephemeral'))).toMatchObject({
      kind: 'refused',
      refusal: { code: 'SESSION_EXPIRED' },
    });
    expect(leader.close(2)).toMatchObject({ kind: 'refused', refusal: { code: 'SESSION_EXPIRED' } });
    expect(outcomes(leader)).toEqual(['done', 'done', 'done']);
    expect(leader.tree.stat('/e')).toBeUndefined();
  });

  test('the ephemerals of a closing session are gone: applied ones, pending ones, not those of others', () => {
    const leader = leaderWith('/p', '/q');
    leader.openSession(2);
    leader.write(2, create('/p/applied', '', 'ephemeral'));
    leader.write(2, create('/p/deleted', '', 'ephemeral'));
    leader.applyAll();
    leader.write(2, create('/q/pending', '', 'ephemeral'));
    leader.write(1, remove('/p/deleted'));
    leader.write(1, create('/p/deleted', '', 'ephemeral'));
    leader.close(2);
    leader.write(1, remove('/q'));
    leader.write(1, create('/p/applied'));
    leader.write(1, create('/p/deleted'));
    expect(outcomes(leader)).toEqual(['done', 'done', 'done', 'done', 'done', 'done', 'NODE_EXISTS']);
    expect(leader.tree.children('/p')?.names).toEqual(['applied', 'deleted']);
    expect(leader.tree.session(1)?.ephemerals).toBe(1);
  });

  test('the id of a closing session is still taken', () => {
    const leader = leaderWith();
    leader.close(1);
    leader.openSession(1);
    expect(leader.tree.pendingCount).toBe(1);
  });
});

describe('what is pending', () => {
  test('is not to be read', () => {
    const leader = leaderWith();
    const digest = leader.tree.digest();
    leader.write(1, create('/a'));
    expect(leader.tree.stat('/a')).toBeUndefined();
    expect(leader.tree.digest()).toBe(digest);
    expect(leader.tree.pendingCount).toBe(1);
  });

  test('is forgotten with the role', () => {
    const leader = leaderWith();
    leader.wallMs = 9_000;
    leader.write(1, create('/a'));
    leader.loseRole();
    leader.wallMs = 2_000;
    expect(leader.tree.pendingCount).toBe(0);
    leader.write(1, create('/a'));
    expect(outcomes(leader)).toEqual(['done']);
    expect(leader.tree.stat('/a')?.ctimeMs).toBe(2_000);
  });

  test('must be applied in the order in which it was prepared', () => {
    const leader = leaderWith();
    leader.write(1, create('/a'));
    leader.write(1, create('/b'));
    const [, second] = leader.proposed;
    expect(() => second && leader.tree.apply(second.zxid, second.txn)).toThrow('in which they were prepared');
  });

  test('is above every record that is not the tree’s', () => {
    const leader = leaderWith();
    const zxid = leader.nextZxid;
    leader.write(1, create('/a'));
    expect(() => leader.tree.applyNothing(zxid)).toThrow('above what is applied');
  });

  test('takes zxids that go up', () => {
    const leader = leaderWith();
    const nextZxid = leader.tree.appliedZxid;
    const request = {
      kind: 'write',
      sessionId: 1,
      nonce: 'first',
      requestNo: 1,
      answeredThrough: 0,
      operation: create('/a'),
    } as const;
    expect(() => leader.tree.prepare(request, { wallMs: 0, nextZxid, identities: [] })).toThrow('zxid order');
  });

  test('may never run dry', () => {
    const leader = leaderWith('/q');
    const ask = (requestNo: number): void => {
      const operation = create('/q/e-', '', 'ephemeral-sequential');
      const answeredThrough = requestNo - 3;
      leader.prepare({ kind: 'write', sessionId: 1, nonce: 'first', requestNo, answeredThrough, operation });
    };
    for (let requestNo = 10; requestNo < 5_000; requestNo++) {
      ask(requestNo);
      ask(++requestNo);
      leader.applyNext();
      ask(++requestNo);
      leader.applyNext();
      leader.applyNext();
      ask(++requestNo);
    }
    expect(leader.tree.pendingCount).toBeGreaterThan(1_000);
    leader.applyAll();
    const { names = [] } = leader.tree.children('/q') ?? {};
    expect(new Set(names).size).toBe(leader.tree.session(1)?.ephemerals);
    leader.close(1);
    leader.write(1, remove('/q'));
    leader.applyAll();
    expect(leader.tree.children('/q')?.names).toEqual([]);
  });
});
