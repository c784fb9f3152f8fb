import { type Acl, type Identity, PERMISSIONS } from '@zabra/model';
import { beforeEach, describe, expect, test } from 'vitest';
import { ClientWorld } from '../../../test/client-world.ts';
import { DEFAULT_LIMITS, type Limits } from '../options.ts';
import type { NodeQuery, Page, Query } from './client-codec.ts';
import { answerQuery, queryFault, type Reader, type TreeQuery, watchLeftBy } from './reads.ts';

const ANN: Identity = { scheme: 'digest', id: 'ann:hash' };
const ann: Reader = { sessionId: 7, identities: [{ scheme: 'ip', id: '10.0.0.1' }, ANN] };
const nobody: Reader = { sessionId: 8, identities: [{ scheme: 'ip', id: '10.0.0.2' }] };
const superUser: Reader = { sessionId: 9, identities: [{ scheme: 'super', id: '' }] };

/** Who may is ann alone. */
const only = (perms: number): readonly Acl[] => [{ perms, ...ANN }];
const READ = only(PERMISSIONS.read);

const WHOLE: Page = { after: '', limit: 0, withStats: false };
const get = (path: string): NodeQuery => ({ kind: 'get', path, watch: false });
const exists = (path: string): NodeQuery => ({ kind: 'exists', path, watch: false });
const children = (path: string, page: Partial<Page> = {}): NodeQuery => ({
  kind: 'children',
  path,
  watch: false,
  page: { ...WHOLE, ...page },
});

let world: ClientWorld;
beforeEach(() => {
  world = new ClientWorld();
});

function answer(query: TreeQuery, reader: Reader = nobody, limits: Partial<Limits> = {}): object {
  return answerQuery(world.tree, query, reader, { ...DEFAULT_LIMITS, ...limits });
}

/** Counts the lists that the tree makes. */
function countLists(): { count: number } {
  const lists = { count: 0 };
  const { tree } = world;
  const list = tree.children.bind(tree);
  tree.children = (...asked) => {
    lists.count++;
    return list(...asked);
  };
  return lists;
}

const refused = (code: string, message: RegExp = /./): object => ({
  kind: 'refused',
  refusal: { code, message: expect.stringMatching(message) },
});

describe('who may not read a node', () => {
  beforeEach(() => {
    world.create('/secret', READ, 'treasure');
    world.create('/secret/below', READ);
  });

  test.each<TreeQuery>([
    get('/secret'),
    exists('/secret'),
    children('/secret'),
    { kind: 'getAcl', path: '/secret' },
    { kind: 'descendants', path: '/secret' },
  ])('is refused $kind and told nothing of it, while others are not', (query) => {
    expect(answer(query)).toEqual(
      refused('NO_AUTH', /^\/secret: this needs the permission READ( or ADMIN)?$/),
    );
    expect(answer(query, ann)).not.toHaveProperty('refusal');
    expect(answer(query, superUser)).not.toHaveProperty('refusal');
  });

  test.each<TreeQuery>([
    get('/none'),
    children('/none'),
    { kind: 'getAcl', path: '/none' },
    { kind: 'descendants', path: '/none' },
  ])('hears of $kind that a node is not there, before anything else', (query) => {
    expect(answer(query)).toEqual(refused('NO_NODE', /^\/none does not exist$/));
  });

  test('sees its name in the list of its parent, without its Stat', () => {
    world.create('/open');
    const stats = answer(children('/', { limit: 10, withStats: true }));
    expect(stats).toMatchObject({ names: ['open', 'secret', 'zookeeper'] });
    expect(stats).toMatchObject({ stats: [{ numChildren: 0 }, undefined, { numChildren: 2 }] });
    expect(answer(children('/', { limit: 10, withStats: true }), ann)).toMatchObject({
      stats: [{}, { numChildren: 1 }, {}],
    });
  });

  test('is refused it within a multi-read, and given the rest', () => {
    expect(
      answer({ kind: 'multiRead', reads: [get('/secret'), exists('/none'), get('/none'), get('bad')] }),
    ).toEqual({
      kind: 'multiRead',
      results: [
        refused('NO_AUTH'),
        { kind: 'exists', stat: undefined },
        refused('NO_NODE'),
        refused('INVALID_PATH'),
      ],
    });
  });
});

describe('the ACL of a node', () => {
  const acl: readonly Acl[] = [
    { perms: PERMISSIONS.read, scheme: 'world', id: 'anyone' },
    { perms: PERMISSIONS.admin, ...ANN },
    { perms: PERMISSIONS.read, scheme: 'scrypt', id: 'bob:secret' },
    { perms: PERMISSIONS.read, scheme: 'ip', id: '10.0.0.0/8' },
  ];

  test('shows users and not their hashes to who may read only', () => {
    world.create('/a', acl);
    expect(answer({ kind: 'getAcl', path: '/a' })).toMatchObject({
      acl: [acl[0], { ...acl[1], id: 'ann:x' }, { ...acl[2], id: 'bob:x' }, acl[3]],
      stat: { aversion: 0 },
    });
  });

  test('is shown whole to who may administer, even without READ', () => {
    world.create('/a', acl);
    world.create('/b', only(PERMISSIONS.admin));
    expect(answer({ kind: 'getAcl', path: '/a' }, ann)).toMatchObject({ acl });
    expect(answer({ kind: 'getAcl', path: '/b' }, ann)).toMatchObject({ acl: only(PERMISSIONS.admin) });
    expect(answer({ kind: 'getAcl', path: '/b' })).toEqual(refused('NO_AUTH', /READ or ADMIN/));
  });
});

describe('a list of children', () => {
  beforeEach(() => {
    for (const name of ['a', 'b', 'c', 'd']) world.create(`/${name}`);
  });

  test('comes in pages, by the last name of the page before, whether or not it is still there', () => {
    expect(answer(children('/', { limit: 2 }))).toMatchObject({ names: ['a', 'b'], more: true });
    expect(answer(children('/', { limit: 2, after: 'b' }))).toMatchObject({ names: ['c', 'd'], more: true });
    expect(answer(children('/', { limit: 2, after: 'cc' }))).toMatchObject({
      names: ['d', 'zookeeper'],
      more: false,
    });
    expect(answer(children('/', { limit: 2, after: 'zz' }))).toMatchObject({ names: [], more: false });
  });

  test('is all of it or a refusal that names the limit where no page was asked for', () => {
    expect(answer(children('/'), nobody, { childrenPageMax: 5 })).toMatchObject({ more: false, stats: [] });
    expect(answer(children('/'), nobody, { childrenPageMax: 4 })).toEqual(
      refused(
        'LIMIT',
        /^childrenPageMax: one answer has at most 4 names, and \/ has 5 children; read them in pages$/,
      ),
    );
    expect(answer(children('/'), nobody, { frameBytesMax: 15 })).toEqual(
      refused('LIMIT', /^frameBytesMax: .* 15 /),
    );
  });

  test('is not looked at before it is refused for its length, wherever it would begin', () => {
    const lists = countLists();
    for (const after of ['', 'c', 'zz']) {
      expect(answer(children('/', { after }), nobody, { childrenPageMax: 4 })).toEqual(
        refused('LIMIT', /^childrenPageMax: .* \/ has 5 children;/),
      );
    }
    expect(lists.count).toBe(0);
  });

  test('has pages no longer than the limits, and one name at least', () => {
    const page = children('/', { limit: 100 });
    expect(answer(page, nobody, { childrenPageMax: 3 })).toMatchObject({
      names: ['a', 'b', 'c'],
      more: true,
    });
    expect(answer(page, nobody, { frameBytesMax: 10 })).toMatchObject({ names: ['a', 'b'], more: true });
    expect(answer(page, nobody, { frameBytesMax: 1 })).toMatchObject({ names: ['a'], more: true });
  });
});

test('a multi-read fills one frame; from the first that no longer goes into it on, its reads are refused unseen', () => {
  world.create('/a', [], 'x'.repeat(60));
  const four: TreeQuery = { kind: 'multiRead', reads: [get('/a'), get('/a'), exists('/a'), get('/none')] };
  expect(answer(four, nobody, { frameBytesMax: 100 })).toMatchObject({
    results: [
      { kind: 'get' },
      refused(
        'LIMIT',
        /^frameBytesMax: one answer has at most 100 bytes, and the reads before this one have 60;/,
      ),
      refused('LIMIT'),
      refused('LIMIT'),
    ],
  });
  expect(answer(four, nobody, { frameBytesMax: 10 })).toMatchObject({
    results: [{ kind: 'get' }, refused('LIMIT'), {}, {}],
  });
});

test('a multi-read looks at no more lists than go into one frame, even where each by itself is refused', () => {
  for (let index = 10; index < 40; index++) world.create(`/${index}${'x'.repeat(100)}`);
  const lists = countLists();
  const reads = Array.from({ length: 100 }, () => children('/'));
  expect(answer({ kind: 'multiRead', reads }, nobody, { frameBytesMax: 3000 })).toMatchObject({
    results: reads.map(() => refused('LIMIT', /^frameBytesMax: /)),
  });
  expect(lists.count).toBe(2);
  lists.count = 0;
  const pages = Array.from({ length: 100 }, () => children('/', { limit: 9 }));
  answer({ kind: 'multiRead', reads: pages }, nobody, { frameBytesMax: 3000 });
  expect(lists.count).toBe(4);
});

test('descendants are counted without the node itself', () => {
  for (const path of ['/a', '/a/b', '/a/b/c', '/ab']) world.create(path);
  expect(answer({ kind: 'descendants', path: '/a' })).toEqual({ kind: 'descendants', count: 2 });
});

test('who I am says the user of a password, not its hash', () => {
  const identities = [
    { scheme: 'ip', id: '10.0.0.1' },
    { scheme: 'scrypt', id: 'bob:secret' },
    { scheme: 'x509', id: 'CN=a:b' },
  ];
  expect(answer({ kind: 'whoAmI' }, { sessionId: 1, identities })).toEqual({
    kind: 'whoAmI',
    identities: [identities[0], { scheme: 'scrypt', id: 'bob' }, identities[2]],
  });
});

test('ephemeral nodes are those of the asking session whose paths begin with the prefix, as characters', () => {
  const stream = world.attach();
  const sessionId = world.asked.find(({ kind }) => kind === 'createSession');
  expect(stream.said).toHaveLength(1);
  const mine: Reader = { ...nobody, sessionId: (sessionId as { readonly sessionId: number }).sessionId };
  for (const [index, path] of ['/b', '/a', '/ab'].entries()) {
    world.lead({
      kind: 'write',
      sessionId: mine.sessionId,
      nonce: 'client 1',
      requestNo: index + 1,
      answeredThrough: 0,
      operation: { kind: 'create', path, data: new Uint8Array(0), mode: 'ephemeral', acl: [], ttlMs: 0 },
    });
  }
  const under = (prefix: string, reader: Reader, limits: Partial<Limits> = {}): object =>
    answer({ kind: 'ephemerals', prefix }, reader, limits);
  expect(under('', mine)).toEqual({ kind: 'ephemerals', paths: ['/a', '/ab', '/b'] });
  expect(under('/', mine)).toEqual({ kind: 'ephemerals', paths: ['/a', '/ab', '/b'] });
  expect(under('/a', mine)).toEqual({ kind: 'ephemerals', paths: ['/a', '/ab'] });
  expect(under('', nobody)).toEqual({ kind: 'ephemerals', paths: [] });
  expect(under('', mine, { frameBytesMax: 10 })).toEqual(refused('LIMIT', /the 3 paths that begin with ""/));
});

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
  '%s is a name like any other',
  (name) => {
    expect(answer(exists(`/${name}`))).toEqual({ kind: 'exists', stat: undefined });
    expect(answer(get(`/${name}`))).toEqual(refused('NO_NODE'));
    expect(answer(children('/', { limit: 9, after: name, withStats: true }))).toMatchObject({
      kind: 'children',
    });
    world.create(`/${name}`, READ, 'x');
    world.create(`/${name}/${name}`);
    expect(answer(get(`/${name}`))).toEqual(refused('NO_AUTH'));
    expect(answer(get(`/${name}`), ann)).toMatchObject({ stat: { dataLength: 1 } });
    expect(answer(children(`/${name}`), ann)).toMatchObject({ names: [name] });
  },
);

describe('a question that makes no sense', () => {
  const addWatch = (path: string, id: number): Query => ({
    kind: 'addWatch',
    watch: { kind: 'persistent', path, id },
    fromZxid: undefined,
  });

  test.each<{ readonly what: string; readonly query: Query; readonly code: string }>([
    { what: 'a path without a slash', query: get('a'), code: 'INVALID_PATH' },
    { what: 'a path that is empty', query: { kind: 'getAcl', path: '' }, code: 'INVALID_PATH' },
    { what: 'a path that ends in a slash', query: exists('/a/'), code: 'INVALID_PATH' },
    { what: 'a path with a NUL', query: { kind: 'descendants', path: '/a\0' }, code: 'INVALID_PATH' },
    { what: 'a cursor that is no name', query: children('/', { after: '/a' }), code: 'BAD_ARGUMENTS' },
    { what: 'a prefix that is no path', query: { kind: 'ephemerals', prefix: 'a' }, code: 'INVALID_PATH' },
    { what: 'a multi-read of nothing', query: { kind: 'multiRead', reads: [] }, code: 'BAD_ARGUMENTS' },
    {
      what: 'a multi-read of too much',
      query: { kind: 'multiRead', reads: Array.from({ length: 1001 }, () => get('/')) },
      code: 'LIMIT',
    },
    { what: 'a watch without a number', query: addWatch('/a', 0), code: 'BAD_ARGUMENTS' },
    { what: 'a watch on no path', query: addWatch('a', 1), code: 'INVALID_PATH' },
    {
      what: 'a watch to be removed that has no number',
      query: { kind: 'removeWatch', watch: 'persistentRecursive', path: '/a', id: 0 },
      code: 'BAD_ARGUMENTS',
    },
  ])('is refused: $what', ({ query, code }) => {
    expect(queryFault(query, DEFAULT_LIMITS)).toMatchObject({ code, message: /./ });
  });

  test.each<Query>([
    { kind: 'ephemerals', prefix: '/a/' },
    { kind: 'ephemerals', prefix: '' },
    { kind: 'sync', path: 'anything' },
    { kind: 'removeWatch', watch: 'child', path: '/a', id: 0 },
    children('/', { after: '__proto__', limit: 2 ** 32 - 1 }),
  ])('is not this one: $kind', (query) => {
    expect(queryFault(query, DEFAULT_LIMITS)).toBeUndefined();
  });

  test('of a megabyte is not sent back whole', () => {
    const fault = queryFault(get(`/${'x'.repeat(2 ** 20)}`), DEFAULT_LIMITS);
    expect(fault?.message.length).toBeLessThan(400);
  });
});

test.each([
  { query: get('/a'), left: 'data' },
  { query: exists('/a'), left: 'data' },
  { query: exists('/none'), left: 'exist' },
  { query: children('/a'), left: 'child' },
  { query: get('/none'), left: undefined },
  { query: get('/secret'), left: undefined },
  { query: exists('/secret'), left: undefined },
])('$query.kind of $query.path leaves the watch $left', ({ query, left }) => {
  world.create('/a');
  world.create('/secret', READ);
  const watching = { ...query, watch: true };
  const result = answerQuery(world.tree, watching, nobody, DEFAULT_LIMITS);
  expect(watchLeftBy(watching, result)).toBe(left);
  expect(watchLeftBy(query, result)).toBeUndefined();
});
