import { ACL_OPEN, formatZxid, makeZxid, type SubOperation, type WriteOperation } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import {
  bytes,
  create,
  drain,
  Leader,
  leaderWith,
  remove,
  restored,
  set,
  transaction,
} from '../test/leader.ts';
import { Tree } from './tree.ts';

describe('an empty tree', () => {
  test('holds the root and the reserved nodes, all at zxid 0', () => {
    const tree = Tree.empty();
    expect(tree.appliedZxid).toBe(0);
    expect(tree.nodeCount).toBe(4);
    expect(tree.children('/')?.names).toEqual(['zookeeper']);
    expect(tree.children('/zookeeper')?.names).toEqual(['config', 'quota']);
    expect(tree.stat('/zookeeper/config')).toMatchObject({ czxid: 0, version: 0, numChildren: 0 });
  });

  test('has the digest of every other empty tree', () => {
    expect(Tree.empty().digest()).toMatch(/^[0-9a-f]{16}$/);
    expect(Tree.empty().digest()).toBe(Tree.empty().digest());
  });
});

describe('what an operation does', () => {
  test('create gives the node and its whole stat, and changes its parent', () => {
    const leader = leaderWith('/a');
    leader.wallMs = 5_000;
    const zxid = leader.nextZxid;
    const result = leader.do(1, create('/a/b', 'data'));
    const stat = {
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctimeMs: 5_000,
      mtimeMs: 5_000,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0,
      dataLength: 4,
      numChildren: 0,
    };
    expect(result).toEqual({ kind: 'done', zxid, results: [{ kind: 'create', path: '/a/b', stat }] });
    expect(leader.tree.get('/a/b')).toEqual({ data: bytes('data'), stat, acl: ACL_OPEN });
    expect(leader.tree.stat('/a')).toMatchObject({
      pzxid: zxid,
      mtimeMs: 1_000,
      version: 0,
      cversion: 1,
      numChildren: 1,
    });
  });

  test('set replaces the data and raises the version', () => {
    const leader = leaderWith('/a');
    leader.wallMs = 7_000;
    const zxid = leader.nextZxid;
    leader.do(1, set('/a', 'new', 0));
    expect(leader.tree.get('/a')).toMatchObject({
      data: bytes('new'),
      stat: { version: 1, mzxid: zxid, mtimeMs: 7_000, ctimeMs: 1_000, dataLength: 3 },
    });
  });

  test('delete removes the node, and the parent remembers both comings and goings', () => {
    const leader = leaderWith('/a', '/a/b');
    const zxid = leader.nextZxid;
    expect(leader.do(1, remove('/a/b'))).toMatchObject({
      kind: 'done',
      results: [{ kind: 'delete', path: '/a/b' }],
    });
    expect(leader.tree.get('/a/b')).toBeUndefined();
    expect(leader.tree.stat('/a')).toMatchObject({ pzxid: zxid, cversion: 2, numChildren: 0 });
    expect(leader.tree.nodeCount).toBe(5);
  });

  test('times never go back, even when the leader’s clock does', () => {
    const leader = leaderWith('/a');
    leader.wallMs = 500;
    leader.do(1, create('/b'));
    expect(leader.tree.stat('/b')?.ctimeMs).toBe(1_000);
  });

  test('data is a copy when it is a piece of something larger', () => {
    const frame = bytes('----data----');
    const leader = leaderWith();
    leader.do(1, { ...create('/a'), data: frame.subarray(4, 8) });
    frame.fill(0);
    expect(leader.tree.get('/a')?.data).toEqual(bytes('data'));
  });

  test('children are listed in the byte order of their UTF-8', () => {
    const leader = leaderWith('/z', '/a', '/Z', '/é', '/中', '/a-', '/aa', '/ﬁ');
    expect(leader.tree.children('/')?.names).toEqual([
      'Z',
      'a',
      'a-',
      'aa',
      'z',
      'zookeeper',
      'é',
      '中',
      'ﬁ',
    ]);
    leader.do(1, create('/b'));
    leader.do(1, remove('/z'));
    expect(leader.tree.children('/')?.names).toEqual([
      'Z',
      'a',
      'a-',
      'aa',
      'b',
      'zookeeper',
      'é',
      '中',
      'ﬁ',
    ]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'])(
    '%s is a name like any other',
    (name) => {
      const leader = leaderWith();
      expect(leader.tree.get(`/${name}`)).toBeUndefined();
      for (const operation of [
        create(`/${name}`, 'x', 'container'),
        create(`/${name}/${name}`, '', 'ephemeral'),
        create(`/zookeeper/quota/${name}`),
        create(`/zookeeper/quota/${name}/zookeeper_limits`, 'countHardLimit=2'),
        create(`/zookeeper/quota/${name}/zookeeper_stats`),
      ])
        expect(leader.do(1, operation)).toMatchObject({ kind: 'done' });
      expect(leader.tree.get(`/${name}`)?.data).toEqual(bytes('x'));
      expect(leader.tree.children(`/${name}`)?.names).toEqual([name]);
      expect(leader.tree.ephemeralsOf(1)).toEqual([`/${name}/${name}`]);
      expect(leader.tree.get(`/zookeeper/quota/${name}/zookeeper_stats`)?.data).toEqual(
        bytes('count=2,bytes=1'),
      );
      expect(leader.do(1, create(`/${name}/a`))).toMatchObject({ refusal: { code: 'QUOTA_EXCEEDED' } });
      expect(leader.do(1, { kind: 'deleteTree', path: `/${name}`, nodesMax: 0, atomic: true })).toMatchObject(
        {
          results: [{ deleted: 2 }],
        },
      );
    },
  );

  test.each(['', 'a', '//', '/a/', '/missing', '/a//b'])('reading %j finds nothing', (path) => {
    expect(leaderWith('/a', '/a/b').tree.get(path)).toBeUndefined();
  });
});

describe('children are read', () => {
  test.each([
    { name: 'whole', page: undefined, names: ['a', 'b', 'b-', 'c', 'é'], more: false },
    { name: 'from the first', page: { after: '', limit: 2 }, names: ['a', 'b'], more: true },
    { name: 'from behind a name', page: { after: 'b', limit: 2 }, names: ['b-', 'c'], more: true },
    {
      name: 'from behind a name that is gone',
      page: { after: 'bb', limit: 2 },
      names: ['c', 'é'],
      more: false,
    },
    { name: 'to the end', page: { after: 'a', limit: 0 }, names: ['b', 'b-', 'c', 'é'], more: false },
    { name: 'from behind the last', page: { after: 'é', limit: 2 }, names: [], more: false },
    { name: 'exactly', page: { after: '', limit: 5 }, names: ['a', 'b', 'b-', 'c', 'é'], more: false },
  ])('$name', ({ page, names, more }) => {
    const leader = leaderWith('/p', '/p/c', '/p/é', '/p/b-', '/p/a', '/p/b');
    expect(leader.tree.children('/p', page)).toEqual({
      names,
      more,
      stat: leader.tree.stat('/p'),
      acl: ACL_OPEN,
    });
  });

  test('and there are none of a leaf, and nothing of what is missing', () => {
    const leader = leaderWith('/p');
    expect(leader.tree.children('/p', { after: 'x', limit: 1 })).toMatchObject({ names: [], more: false });
    expect(leader.tree.children('/x')).toBeUndefined();
  });
});

test('the ephemerals of a session are found by the characters their paths begin with, as in ZooKeeper', () => {
  const leader = leaderWith('/a', '/b');
  for (const path of ['/b/e', '/ab', '/a/z', '/a/c']) leader.do(1, create(path, '', 'ephemeral'));
  expect(leader.tree.ephemeralsOf(1)).toEqual(['/a/c', '/a/z', '/ab', '/b/e']);
  expect(leader.tree.ephemeralsOf(1, '/a')).toEqual(['/a/c', '/a/z', '/ab']);
  expect(leader.tree.ephemeralsOf(1, '/a/')).toEqual(['/a/c', '/a/z']);
  expect(leader.tree.ephemeralsOf(2)).toEqual([]);
});

describe('a sequential name', () => {
  test('is the next one within a transaction, too', () => {
    const leader = leaderWith('/q');
    const next = create('/q/n-', '', 'persistent-sequential');
    expect(
      leader.do(1, transaction(next, create('/q/plain'), next, remove('/q/n-0000000000'), next)),
    ).toMatchObject({
      results: [
        { path: '/q/n-0000000000' },
        { path: '/q/plain' },
        { path: '/q/n-0000000002' },
        { path: '/q/n-0000000000' },
        { path: '/q/n-0000000003' },
      ],
    });
    expect(leader.do(1, next)).toMatchObject({ results: [{ path: '/q/n-0000000004' }] });
  });

  test('counts every child ever created, deleted and plain ones included', () => {
    const leader = leaderWith('/q', '/q/plain');
    leader.do(1, remove('/q/plain'));
    expect(leader.do(1, create('/q/n-', '', 'persistent-sequential'))).toMatchObject({
      results: [{ path: '/q/n-0000000001' }],
    });
    leader.do(1, remove('/q/n-0000000001'));
    expect(leader.do(1, create('/q/n-', '', 'ephemeral-sequential'))).toMatchObject({
      results: [{ path: '/q/n-0000000002' }],
    });
  });

  test('may be nothing but its number', () => {
    const leader = leaderWith('/q');
    expect(leader.do(1, create('/q/', '', 'persistent-sequential'))).toMatchObject({
      results: [{ path: '/q/0000000000' }],
    });
    expect(leader.do(1, create('/', '', 'persistent-sequential'))).toMatchObject({
      results: [{ path: '/0000000001' }],
    });
  });

  test('grows beyond ten digits and 32 bits', () => {
    const leader = new Leader(treeWithCounter(2 ** 33 + 5));
    leader.openSession(1);
    leader.applyAll();
    expect(leader.do(1, create('/q/n-', '', 'persistent-sequential'))).toMatchObject({
      results: [{ path: '/q/n-8589934597' }],
    });
    expect(leader.tree.stat('/q')?.cversion).toBe((2 * 6 - 1) % 2 ** 32);
  });
});

describe('a version', () => {
  test.each([
    { before: 2 ** 31 - 1, after: 2 ** 31 },
    { before: 2 ** 32 - 3, after: 2 ** 32 - 2 },
    { before: 2 ** 32 - 2, after: 0 },
  ])('after $before is $after: the bits of -1 are left out', ({ before, after }) => {
    const leader = new Leader(treeWithVersion(before));
    leader.openSession(1);
    leader.applyAll();
    leader.do(1, set('/q', 'x', before));
    expect(leader.tree.stat('/q')?.version).toBe(after);
  });
});

describe('a write is refused in its place of the history', () => {
  const rules: readonly {
    readonly name: string;
    readonly operation: WriteOperation;
    readonly code: string;
    readonly says: string;
  }[] = [
    {
      name: 'create without parent',
      operation: create('/x/y'),
      code: 'NO_NODE',
      says: '/x/y needs its parent /x',
    },
    { name: 'create of what exists', operation: create('/a'), code: 'NODE_EXISTS', says: '/a exists' },
    { name: 'create of the root', operation: create('/'), code: 'NODE_EXISTS', says: '/ exists' },
    {
      name: 'create below an ephemeral',
      operation: create('/e/c'),
      code: 'NO_CHILDREN_FOR_EPHEMERALS',
      says: '/e is ephemeral',
    },
    { name: 'create with an illegal path', operation: create('/a/../b'), code: 'INVALID_PATH', says: '".."' },
    {
      name: 'create with an illegal path under a missing parent',
      operation: create('/x/'),
      code: 'INVALID_PATH',
      says: 'end in "/"',
    },
    {
      name: 'create whose suffix makes the path too long',
      operation: create(`/a/${'n'.repeat(4090)}`, '', 'persistent-sequential'),
      code: 'INVALID_PATH',
      says: 'suffix',
    },
    {
      name: 'create whose suffix makes the path too long in bytes',
      operation: create(`/a/${'中'.repeat(1363)}`, '', 'persistent-sequential'),
      code: 'INVALID_PATH',
      says: 'suffix',
    },
    { name: 'set of what is missing', operation: set('/x', ''), code: 'NO_NODE', says: '/x does not exist' },
    {
      name: 'set at another version',
      operation: set('/a', '', 3),
      code: 'BAD_VERSION',
      says: '/a is at version 0, not 3',
    },
    {
      name: 'set of an illegal path',
      operation: set('a', ''),
      code: 'INVALID_PATH',
      says: 'starts with "/"',
    },
    {
      name: 'delete of what is missing',
      operation: remove('/x'),
      code: 'NO_NODE',
      says: '/x does not exist',
    },
    {
      name: 'delete at another version',
      operation: remove('/a', 1),
      code: 'BAD_VERSION',
      says: '/a is at version 0, not 1',
    },
    { name: 'delete of a parent', operation: remove('/p'), code: 'NOT_EMPTY', says: '/p has 1 child' },
    {
      name: 'delete of a parent at another version',
      operation: remove('/p', 9),
      code: 'BAD_VERSION',
      says: 'version 0, not 9',
    },
    { name: 'delete of an illegal path', operation: remove('/a/'), code: 'INVALID_PATH', says: 'end in "/"' },
    { name: 'delete of the root', operation: remove('/'), code: 'BAD_ARGUMENTS', says: '/ is reserved' },
    {
      name: 'delete of /zookeeper',
      operation: remove('/zookeeper'),
      code: 'BAD_ARGUMENTS',
      says: '/zookeeper is reserved',
    },
    {
      name: 'delete of the configuration',
      operation: remove('/zookeeper/config'),
      code: 'BAD_ARGUMENTS',
      says: 'reserved',
    },
    {
      name: 'delete of the quotas',
      operation: remove('/zookeeper/quota'),
      code: 'BAD_ARGUMENTS',
      says: 'reserved',
    },
  ];

  test('a path that is none is told before data that is too large', () => {
    const leader = Leader.withOptions({ dataBytesMax: 1 });
    leader.openSession(1);
    leader.applyAll();
    expect(leader.do(1, set('/a/', 'xy'))).toMatchObject({ refusal: { code: 'INVALID_PATH' } });
  });

  test.each(rules)('$name: $code', ({ operation, code, says }) => {
    const leader = leaderWith('/a', '/p', '/p/c');
    leader.do(1, create('/e', '', 'ephemeral'));
    const before = leader.tree.nodeCount;
    const zxid = leader.nextZxid;
    const result = leader.do(1, operation);
    expect(result).toMatchObject({ kind: 'refused', zxid, refusal: { code }, failedIndex: -1, codes: [] });
    expect(result.kind === 'refused' && result.refusal.message).toContain(says);
    expect(leader.tree.nodeCount).toBe(before);
    expect(formatZxid(leader.tree.appliedZxid)).toBe(formatZxid(zxid));
  });
});

describe('a request is refused before it is ordered', () => {
  const sessionOperation = {
    kind: 'createSession',
    sessionId: 2,
    timeoutMs: 1_000,
    passwordHash: bytes('hash'),
    nonce: 'n',
  } as const;

  test.each([
    {
      name: 'more data than a node holds',
      operation: create('/a', 'x'.repeat(11)),
      code: 'DATA_TOO_LARGE',
      says: '10 bytes (dataBytesMax), not 11',
    },
    {
      name: 'more data than a node holds, behind a prefix',
      operation: create('/a/', 'x'.repeat(11), 'persistent-sequential'),
      code: 'DATA_TOO_LARGE',
      says: 'dataBytesMax',
    },
    {
      name: 'more data than a node holds, in a transaction',
      operation: transaction(set('/a', 'x'.repeat(11))),
      code: 'DATA_TOO_LARGE',
      says: 'dataBytesMax',
    },
    {
      name: 'a transaction of too many operations',
      operation: transaction(remove('/a'), remove('/b'), remove('/c')),
      code: 'LIMIT',
      says: '2 operations (transactionOperationsMax), not 3',
    },
  ])('$name: $code', ({ operation, code, says }) => {
    const leader = Leader.withOptions({ dataBytesMax: 10, transactionOperationsMax: 2 });
    leader.openSession(1);
    leader.applyAll();
    expect(leader.write(1, operation)).toMatchObject({
      kind: 'refused',
      refusal: { code, message: expect.stringContaining(says) },
    });
    expect(leader.tree.pendingCount).toBe(0);
  });

  test.each([
    {
      name: 'a write of an unknown session',
      request: {
        kind: 'write',
        sessionId: 9,
        nonce: 'first',
        requestNo: 1,
        answeredThrough: 0,
        operation: create('/a'),
      },
      code: 'SESSION_EXPIRED',
    },
    {
      name: 'a write of another instance',
      request: {
        kind: 'write',
        sessionId: 1,
        nonce: 'other',
        requestNo: 1,
        answeredThrough: 0,
        operation: create('/a'),
      },
      code: 'SESSION_MOVED',
    },
    {
      name: 'number 0',
      request: {
        kind: 'write',
        sessionId: 1,
        nonce: 'first',
        requestNo: 0,
        answeredThrough: 0,
        operation: create('/a'),
      },
      code: 'BAD_ARGUMENTS',
    },
    {
      name: 'a fractional number',
      request: {
        kind: 'write',
        sessionId: 1,
        nonce: 'first',
        requestNo: 1.5,
        answeredThrough: 0,
        operation: create('/a'),
      },
      code: 'BAD_ARGUMENTS',
    },
    {
      name: 'a write answered before it is asked',
      request: {
        kind: 'write',
        sessionId: 1,
        nonce: 'first',
        requestNo: 1,
        answeredThrough: 1,
        operation: create('/a'),
      },
      code: 'BAD_ARGUMENTS',
    },
    {
      name: 'session id 0',
      request: { kind: 'session', operation: { ...sessionOperation, sessionId: 0 } },
      code: 'BAD_ARGUMENTS',
    },
    {
      name: 'a session id of 2^53',
      request: { kind: 'session', operation: { ...sessionOperation, sessionId: 2 ** 53 } },
      code: 'BAD_ARGUMENTS',
    },
    {
      name: 'a session without timeout',
      request: { kind: 'session', operation: { ...sessionOperation, timeoutMs: 0 } },
      code: 'BAD_ARGUMENTS',
    },
    {
      name: 'a live session’s id',
      request: { kind: 'session', operation: { ...sessionOperation, sessionId: 1 } },
      code: 'CONFLICT',
    },
    {
      name: 'an attach to an unknown session',
      request: { kind: 'session', operation: { kind: 'attachSession', sessionId: 9, nonce: 'n' } },
      code: 'SESSION_EXPIRED',
    },
    {
      name: 'the end of an unknown session',
      request: { kind: 'session', operation: { kind: 'closeSession', sessionId: 9 } },
      code: 'SESSION_EXPIRED',
    },
  ] as const)('$name: $code', ({ request, code }) => {
    const leader = leaderWith();
    expect(leader.prepare(request)).toMatchObject({
      kind: 'refused',
      refusal: { code, message: expect.stringMatching(/./) },
    });
    expect(leader.tree.pendingCount).toBe(0);
  });
});

describe('a transaction', () => {
  test('does all of it at one zxid, each operation seeing those before it', () => {
    const leader = leaderWith('/a');
    const zxid = leader.nextZxid;
    const check: SubOperation = { kind: 'check', path: '/a', version: 0 };
    const absent: SubOperation = { kind: 'checkAbsent', path: '/b' };
    const result = leader.do(
      1,
      transaction(check, absent, create('/b'), create('/b/c'), set('/b', 'x', 0), remove('/b/c')),
    );
    expect(result).toMatchObject({
      kind: 'done',
      zxid,
      results: [
        { kind: 'check', path: '/a' },
        { kind: 'checkAbsent', path: '/b' },
        { kind: 'create', path: '/b', stat: { numChildren: 0 } },
        { kind: 'create', path: '/b/c', stat: { czxid: zxid } },
        { kind: 'set', path: '/b', stat: { version: 1, numChildren: 1 } },
        { kind: 'delete', path: '/b/c' },
      ],
    });
    expect(leader.tree.stat('/b')).toMatchObject({ version: 1, numChildren: 0, cversion: 2 });
  });

  test('that fails changes nothing and says where and why', () => {
    const leader = leaderWith('/a', '/q');
    const failing = transaction(
      create('/q/n-', '', 'ephemeral-sequential'),
      set('/a', 'x'),
      remove('/missing'),
      create('/b'),
    );
    expect(leader.do(1, failing)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'NO_NODE', message: expect.stringContaining('operation 2: /missing') },
      failedIndex: 2,
      codes: ['OK', 'OK', 'NO_NODE', 'TRANSACTION_FAILED'],
    });
    expect(leader.tree.children('/q')).toMatchObject({ names: [], stat: { cversion: 0 } });
    expect(leader.tree.stat('/a')?.version).toBe(0);
    expect(leader.do(1, create('/q/n-', '', 'ephemeral-sequential'))).toMatchObject({
      results: [{ path: '/q/n-0000000000' }],
    });
  });

  test('may be empty', () => {
    expect(leaderWith().do(1, transaction())).toMatchObject({ kind: 'done', results: [] });
  });

  test.each([
    { check: { kind: 'check', path: '/a', version: 7 }, code: 'BAD_VERSION' },
    { check: { kind: 'check', path: '/x', version: -1 }, code: 'NO_NODE' },
    { check: { kind: 'checkAbsent', path: '/a' }, code: 'NODE_EXISTS' },
    { check: { kind: 'checkAbsent', path: 'a' }, code: 'INVALID_PATH' },
  ] as const)('is refused by its $check.kind of $check.path: $code', ({ check, code }) => {
    const leader = leaderWith('/a');
    expect(leader.do(1, transaction(set('/a', 'x'), check))).toMatchObject({
      refusal: { code },
      failedIndex: 1,
      codes: ['OK', code],
    });
    expect(leader.tree.stat('/a')?.version).toBe(0);
  });
});

describe('events', () => {
  test.each([
    {
      name: 'create',
      operation: create('/a/n'),
      events: [
        ['created', '/a/n'],
        ['children', '/a'],
      ],
    },
    { name: 'set', operation: set('/a', 'x'), events: [['changed', '/a']] },
    {
      name: 'delete',
      operation: remove('/a/c'),
      events: [
        ['deleted', '/a/c'],
        ['children', '/a'],
      ],
    },
    { name: 'a refused write', operation: remove('/x'), events: [] },
    {
      name: 'a transaction',
      operation: transaction(
        create('/b'),
        set('/b', 'x'),
        { kind: 'check', path: '/a', version: 0 },
        remove('/b'),
      ),
      events: [
        ['created', '/b'],
        ['children', '/'],
        ['changed', '/b'],
        ['deleted', '/b'],
        ['children', '/'],
      ],
    },
  ])('of $name tell watches what happened, in order', ({ operation, events }) => {
    const leader = leaderWith('/a', '/a/c');
    const zxid = leader.nextZxid;
    leader.write(1, operation);
    expect(leader.applyNext().events).toEqual(
      events.map(([type, path]) => ({ type, path, zxid, acl: ACL_OPEN })),
    );
  });
});

describe('a session', () => {
  test('can be seen with what the history knows of it', () => {
    const leader = leaderWith();
    leader.do(1, create('/e', '', 'ephemeral'));
    const view = {
      id: 1,
      timeoutMs: 10_000,
      passwordHash: bytes('password 1'),
      nonce: 'first',
      ephemerals: 1,
    };
    expect(leader.tree.session(1)).toEqual(view);
    expect([...leader.tree.sessions()]).toEqual([view]);
    expect(leader.tree.sessionCount).toBe(1);
    expect(leader.tree.session(2)).toBeUndefined();
  });

  test('takes its ephemerals along when it ends, in path order, and nothing else', () => {
    const leader = leaderWith('/b', '/a', '/a/keeps');
    leader.openSession(2);
    leader.write(2, create('/b/2', '', 'ephemeral'));
    for (const path of ['/b/1', '/a/z', '/a-', '/a/e']) leader.write(1, create(path, '', 'ephemeral'));
    leader.applyAll();
    const zxid = leader.nextZxid;
    leader.close(1);
    const applied = leader.applyNext();
    expect(applied.closedSession).toBe(1);
    expect(applied.events.filter(({ type }) => type === 'deleted').map(({ path }) => path)).toEqual([
      '/a-',
      '/a/e',
      '/a/z',
      '/b/1',
    ]);
    expect(applied.events.slice(0, 2)).toEqual([
      { type: 'deleted', path: '/a-', zxid, acl: ACL_OPEN },
      { type: 'children', path: '/', zxid, acl: ACL_OPEN },
    ]);
    expect(leader.tree.children('/a')).toMatchObject({ names: ['keeps'], stat: { pzxid: zxid } });
    expect(leader.tree.children('/b')?.names).toEqual(['2']);
    expect(leader.tree.session(1)).toBeUndefined();
  });

  test('owns at most so many ephemerals', () => {
    const leader = Leader.withOptions({ ephemeralsPerSessionMax: 2 });
    leader.openSession(1);
    leader.openSession(2);
    leader.write(1, create('/a', '', 'ephemeral'));
    leader.write(1, transaction(create('/b', '', 'ephemeral'), create('/c', '', 'ephemeral')));
    leader.write(1, create('/b', '', 'ephemeral'));
    leader.write(1, create('/c', '', 'ephemeral'));
    leader.write(2, remove('/a'));
    leader.write(1, create('/c', '', 'ephemeral'));
    const kinds = leader
      .applyAll()
      .slice(2)
      .map(({ result }) => (result.kind === 'refused' ? result.refusal.code : 'done'));
    expect(kinds).toEqual(['done', 'LIMIT', 'done', 'LIMIT', 'done', 'done']);
  });
});

describe('the history', () => {
  test('is applied forwards only', () => {
    const leader = leaderWith();
    const tree = leader.tree;
    const txn = leader.history[0]?.txn;
    expect(() => txn && tree.apply(tree.appliedZxid, txn)).toThrow('moves forward');
  });

  test('has records that are not the tree’s', () => {
    const tree = Tree.empty();
    const digest = tree.digest();
    tree.applyNothing(makeZxid(1, 0));
    expect(formatZxid(tree.appliedZxid)).toBe('0x100000000');
    expect(tree.digest()).toBe(digest);
  });

  test('that does not fit the tree stops the server', () => {
    const leader = leaderWith('/a');
    const other = Tree.empty();
    const last = leader.history.at(-1);
    expect(() => last && other.apply(last.zxid, last.txn)).toThrow('exists');
  });
});

function treeWithVersion(version: number): Tree {
  return restoredWith({ version, sequence: 0 });
}

function treeWithCounter(sequence: number): Tree {
  return restoredWith({ version: 0, sequence });
}

/** A tree with one node, `/q`, as a long history might have left it. */
function restoredWith(fields: { readonly version: number; readonly sequence: number }): Tree {
  const cursor = leaderWith('/q').tree.beginSnapshot();
  const nodes = drain(cursor).filter((entry) => entry.kind === 'node');
  return restored(
    cursor,
    nodes.map((entry) => (entry.path === '/q' ? { ...entry, ...fields } : entry)),
  );
}
