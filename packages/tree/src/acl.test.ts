import { ACL_OPEN, type Identity, PERMISSIONS, type SubOperation, type WriteOperation } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import {
  create,
  deleteTree,
  drain,
  grant,
  guarded,
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

const ALICE: Identity = { scheme: 'digest', id: 'alice:hash' };
const ALL = 31;

/** Session 1 is a super user's, and makes the nodes; session 2 has proved nothing, session 3 is alice's. */
function leaderFor(...operations: readonly WriteOperation[]): Leader {
  const leader = leaderWith();
  leader.identities.set(1, [{ scheme: 'super', id: '' }]);
  leader.identities.set(3, [ALICE]);
  leader.openSession(2);
  leader.openSession(3);
  for (const operation of operations) leader.write(1, operation);
  leader.applyAll();
  return leader;
}

function check(path: string, version = -1): SubOperation {
  return { kind: 'check', path, version };
}

describe('each operation needs its permission, and no other', () => {
  const { read, write, create: make, delete: gone, admin } = PERMISSIONS;
  const operations: readonly {
    readonly name: string;
    readonly operation: WriteOperation;
    readonly on: '/p' | '/p/n';
    readonly needs: number;
    readonly otherwise: string;
  }[] = [
    { name: 'create', operation: create('/p/new'), on: '/p', needs: make, otherwise: 'done' },
    { name: 'delete', operation: remove('/p/n'), on: '/p', needs: gone, otherwise: 'done' },
    { name: 'deleteTree', operation: deleteTree('/p/n'), on: '/p', needs: gone, otherwise: 'done' },
    { name: 'set', operation: set('/p/n', 'x'), on: '/p/n', needs: write, otherwise: 'done' },
    { name: 'touch', operation: touch('/p/n'), on: '/p/n', needs: write, otherwise: 'done' },
    { name: 'setAcl', operation: setAcl('/p/n'), on: '/p/n', needs: admin, otherwise: 'done' },
    { name: 'check', operation: transaction(check('/p/n')), on: '/p/n', needs: read, otherwise: 'done' },
    {
      name: 'checkAbsent',
      operation: transaction({ kind: 'checkAbsent', path: '/p/n' }),
      on: '/p/n',
      needs: read,
      otherwise: 'NODE_EXISTS',
    },
    {
      name: 'checkOwner',
      operation: transaction({ kind: 'checkOwner', path: '/p/n', sessionId: 2 }),
      on: '/p/n',
      needs: read,
      otherwise: 'CONFLICT',
    },
  ];

  test.each(operations)('$name', ({ operation, on, needs, otherwise }) => {
    for (let perms = 1; perms <= ALL; perms++) {
      const leader = leaderFor(create('/p'), create('/p/n', '', 'ttl'));
      leader.do(1, setAcl(on, [grant(perms, 'world', 'anyone')]));
      expect({ perms, outcome: outcomeOf(leader.do(2, operation)) }).toEqual({
        perms,
        outcome: (perms & needs) === 0 ? 'NO_AUTH' : otherwise,
      });
    }
  });

  test('deleteTree needs READ and DELETE on each node that has children', () => {
    for (let perms = 1; perms <= ALL; perms++) {
      const leader = leaderFor(create('/p'), create('/p/n'), create('/p/n/m'), create('/p/n/m/leaf'));
      leader.do(1, setAcl('/p/n/m', [grant(perms, 'world', 'anyone')]));
      const needs = read | gone;
      expect({ perms, outcome: outcomeOf(leader.do(2, deleteTree('/p/n'))) }).toEqual({
        perms,
        outcome: (perms & needs) === needs ? 'done' : 'NO_AUTH',
      });
      expect(leader.tree.descendants('/p')).toBe((perms & needs) === needs ? 0 : 3);
    }
  });
});

describe('an ACL', () => {
  test('is stored with the node as it stands for the asker, and not inherited', () => {
    const leader = leaderFor();
    leader.do(3, guarded('/a', grant(ALL, 'auth', '')));
    leader.do(3, create('/a/b'));
    expect(leader.tree.acl('/a')).toEqual([{ perms: ALL, ...ALICE }]);
    expect(leader.tree.get('/a')?.acl).toBe(leader.tree.acl('/a'));
    expect(leader.tree.children('/a')?.acl).toBe(leader.tree.acl('/a'));
    expect(leader.tree.acl('/a/b')).toBe(ACL_OPEN);
    expect(leader.tree.acl('/missing')).toBeUndefined();
    const cursor = leader.tree.beginSnapshot();
    expect(restored(cursor, drain(cursor)).acl('/a')).toEqual(leader.tree.acl('/a'));
  });

  test('counts from the write that sets it, applied or not', () => {
    const leader = leaderFor(create('/a'));
    leader.write(3, setAcl('/a', [grant(ALL, 'auth', '')]));
    leader.write(2, set('/a', 'x'));
    leader.write(3, set('/a', 'y'));
    leader.write(2, setAcl('/a'));
    leader.write(3, setAcl('/a', [], 1));
    leader.write(2, set('/a', 'z'));
    expect(outcomes(leader)).toEqual(['done', 'NO_AUTH', 'done', 'NO_AUTH', 'done', 'done']);
  });

  test('of a failed transaction does not count', () => {
    const leader = leaderFor(create('/a'));
    leader.write(3, transaction(setAcl('/a', [grant(ALL, 'auth', '')]), remove('/missing')));
    leader.write(2, set('/a', 'x'));
    expect(outcomes(leader)).toEqual(['NO_NODE', 'done']);
  });

  test('has a version of its own, and changes nothing else of the Stat', () => {
    const leader = leaderFor(create('/a'));
    const before = leader.tree.stat('/a');
    leader.wallMs = 9_000;
    expect(
      leader.do(2, setAcl('/a', [grant(ALL, 'world', 'anyone'), grant(1, 'ip', '::1')], 0)),
    ).toMatchObject({ results: [{ kind: 'setAcl', path: '/a', stat: { ...before, aversion: 1 } }] });
    expect(leader.do(2, setAcl('/a', [], 0))).toMatchObject({
      refusal: { code: 'BAD_VERSION', message: expect.stringContaining('version 1, not 0') },
    });
    expect(leader.tree.stat('/a')).toEqual({ ...before, aversion: 1 });
  });

  test('fires nothing when it is set, and comes with each event of its node', () => {
    const leader = leaderFor(guarded('/a', grant(ALL, ALICE.scheme, ALICE.id)));
    const acl = leader.tree.acl('/a');
    leader.write(3, guarded('/a/b', grant(1, 'world', 'anyone')));
    leader.write(3, setAcl('/a'));
    leader.write(3, remove('/a/b'));
    const [made, opened, removed] = leader.applyAll();
    expect(made?.events).toMatchObject([
      { type: 'created', path: '/a/b', acl: [grant(1, 'world', 'anyone')] },
      { type: 'children', path: '/a', acl },
    ]);
    expect(opened?.events).toEqual([]);
    expect(removed?.events).toMatchObject([
      { type: 'deleted', path: '/a/b', acl: [grant(1, 'world', 'anyone')] },
      { type: 'children', path: '/a', acl: ACL_OPEN },
    ]);
  });

  test('comes with the events of a session’s end, too', () => {
    const leader = leaderFor();
    leader.do(2, { ...create('/e', '', 'ephemeral'), acl: [grant(1, ALICE.scheme, ALICE.id)] });
    leader.close(2);
    expect(leader.applyNext().events).toMatchObject([
      { type: 'deleted', path: '/e', acl: [grant(1, ALICE.scheme, ALICE.id)] },
      { type: 'children', path: '/', acl: ACL_OPEN },
    ]);
  });

  test('of the configuration lets everybody read and nobody write', () => {
    const leader = leaderFor();
    expect(outcomeOf(leader.do(2, set('/zookeeper/config', 'x')))).toBe('NO_AUTH');
    expect(outcomeOf(leader.do(2, setAcl('/zookeeper/config')))).toBe('NO_AUTH');
    expect(outcomeOf(leader.do(2, transaction(check('/zookeeper/config'))))).toBe('done');
  });
});

describe('the order of checks is ZooKeeper’s', () => {
  const bad = [grant(ALL, 'sasl', 'x')];

  test.each([
    { name: 'a path before an ACL', operation: guarded('a', ...bad), code: 'INVALID_PATH' },
    {
      name: 'a TTL before an ACL',
      operation: { ...guarded('/x/y', ...bad), ttlMs: 5 },
      code: 'BAD_ARGUMENTS',
    },
    { name: 'an ACL before the parent', operation: guarded('/x/y', ...bad), code: 'INVALID_ACL' },
    { name: 'the parent before the permission', operation: create('/locked/x/y'), code: 'NO_NODE' },
    { name: 'the permission before the node, of create', operation: create('/locked/n'), code: 'NO_AUTH' },
    { name: 'the node before what its parent is', operation: create('/e'), code: 'NODE_EXISTS' },
    { name: 'the permission before the node, of delete', operation: remove('/locked/x'), code: 'NO_AUTH' },
    {
      name: 'the permission before the version, of delete',
      operation: remove('/locked/n', 7),
      code: 'NO_AUTH',
    },
    {
      name: 'what is reserved before the permission',
      operation: remove('/zookeeper'),
      code: 'BAD_ARGUMENTS',
    },
    { name: 'the permission before the version, of set', operation: set('/locked', 'x', 7), code: 'NO_AUTH' },
    { name: 'an ACL before the node, of setAcl', operation: setAcl('/x', bad), code: 'INVALID_ACL' },
    {
      name: 'the permission before the version, of setAcl',
      operation: setAcl('/locked', [], 7),
      code: 'NO_AUTH',
    },
    { name: 'the permission before the TTL, of touch', operation: touch('/locked'), code: 'NO_AUTH' },
    {
      name: 'the permission before the version, of check',
      operation: transaction(check('/locked', 7)),
      code: 'NO_AUTH',
    },
  ])('$name', ({ operation, code }) => {
    const leader = leaderFor(create('/locked'), create('/locked/n'), create('/e', '', 'ephemeral'));
    leader.do(1, setAcl('/locked', [grant(ALL, ALICE.scheme, ALICE.id)]));
    expect(outcomeOf(leader.do(2, operation))).toBe(code);
  });
});

describe('an error does not tell what its reader may not read', () => {
  const hidden = grant(ALL & ~PERMISSIONS.read, 'world', 'anyone');

  test.each([
    { name: 'the version of a node that is set', operation: set('/n', 'x', 7), secret: '1' },
    { name: 'the version of a node that is deleted', operation: remove('/n', 7), secret: '1' },
    { name: 'how many children a node has', operation: remove('/n'), secret: '2' },
  ])('$name', ({ operation, secret }) => {
    const leader = leaderFor(create('/n'), create('/n/a'), create('/n/b'), set('/n', 'x'));
    const open = leader.do(2, operation);
    leader.do(1, setAcl('/n', [hidden]));
    const closed = leader.do(2, operation);
    const [shown, kept] = [open, closed].map((result) => JSON.stringify(result));
    expect(shown).toMatch(new RegExp(`message":"[^"]*\\b${secret}\\b`));
    expect(kept).not.toMatch(new RegExp(`message":"[^"]*\\b${secret}\\b`));
    expect(outcomeOf(closed)).toBe(outcomeOf(open));
  });

  test('nor who owns a node', () => {
    const leader = leaderFor();
    leader.do(3, create('/e', '', 'ephemeral'));
    const ask = transaction({ kind: 'checkOwner', path: '/e', sessionId: 2 });
    expect(leader.do(2, ask)).toMatchObject({
      refusal: { code: 'CONFLICT', message: expect.stringMatching(/\/e is not owned by session 2$/) },
    });
  });
});

describe('the owner of a node', () => {
  test.each([
    { path: '/e', sessionId: 3, outcome: 'done' },
    { path: '/e', sessionId: 2, outcome: 'CONFLICT' },
    { path: '/p', sessionId: 3, outcome: 'CONFLICT' },
    { path: '/p', sessionId: 0, outcome: 'CONFLICT' },
    { path: '/x', sessionId: 3, outcome: 'NO_NODE' },
    { path: 'x', sessionId: 3, outcome: 'INVALID_PATH' },
  ])('of $path is asked for as $sessionId: $outcome', ({ path, sessionId, outcome }) => {
    const leader = leaderFor(create('/p'));
    leader.do(3, create('/e', '', 'ephemeral'));
    expect(outcomeOf(leader.do(2, transaction({ kind: 'checkOwner', path, sessionId })))).toBe(outcome);
  });

  test('can be asked for while it is pending', () => {
    const leader = leaderFor();
    const ask = transaction({ kind: 'checkOwner', path: '/e', sessionId: 3 });
    leader.write(3, create('/e', '', 'ephemeral'));
    leader.write(2, ask);
    leader.close(3);
    leader.write(2, ask);
    expect(outcomes(leader)).toEqual(['done', 'done', 'done', 'NO_NODE']);
  });
});

describe('what "auth" stands for is bounded', () => {
  test('an identity too long for an entry stands in none', () => {
    const leader = leaderFor();
    leader.identities.set(3, [{ scheme: 'digest', id: `${'u'.repeat(600)}:hash` }]);
    const acl = [{ perms: ALL, scheme: 'auth', id: '' }];
    leader.write(3, { ...create('/a'), acl });
    expect(outcomes(leader)).toEqual(['INVALID_ACL']);
  });

  test('a small transaction does not become a record that no server can take', () => {
    const leader = leaderFor();
    const many = Array.from({ length: 100 }, (_, index) => ({
      scheme: 'scrypt',
      id: `${index}${'u'.repeat(400)}:h`,
    }));
    leader.identities.set(3, many);
    const acl = [{ perms: ALL, scheme: 'auth', id: '' }];
    const creates = Array.from({ length: 30 }, (_, index) => ({ ...create(`/a${index}`), acl }));
    expect(leader.write(3, transaction(...creates))).toMatchObject({
      kind: 'refused',
      refusal: { code: 'LIMIT' },
    });
    expect(leader.tree.stat('/a0')).toBeUndefined();
  });
});
