import { acl, connect, isZkError, text, type WatchEvent, type Watcher, type ZooKeeper } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';
import { beforeEach, expect, test } from 'vitest';

let rooms = 0;

/** What a program does with our client, the same whatever the servers are and whichever wire they speak. */
export function sdkSuite(target: {
  /** With its scheme. */
  readonly servers: () => string;
}): void {
  let zk: ZooKeeper;
  let root: string;

  beforeEach(async () => {
    root = `/sdk-${++rooms}`;
    const whole = await connect(target.servers());
    await whole.create(root);
    await whole.close();
    zk = await open();
    return async () => {
      await zk.delete('/', { recursive: true, missingOk: true }).catch((error: unknown) => {
        // Some are another's.
        if (!isZkError(error, 'NO_AUTH')) throw error;
      });
      await zk.close();
    };
  });

  function open(): Promise<ZooKeeper> {
    return connect({ servers: target.servers(), chroot: root });
  }

  test('nodes are made, read, changed and deleted, and what cannot be says why', async () => {
    const made = await zk.create('/a', 'first');
    expect(made.path).toBe('/a');
    expect(await zk.get('/a')).toEqual({ path: '/a', data: text.encode('first'), stat: made.stat });
    const stat = await zk.set('/a', 'second', { version: 0 });
    expect(stat).toMatchObject({ version: 1, czxid: made.stat.czxid, dataLength: 6 });
    expect(stat.mzxid).toBeGreaterThan(made.stat.mzxid);
    expect(await zk.exists('/a')).toEqual(stat);
    expect(await zk.exists('/b')).toBeNull();
    expect(await zk.getOrNull('/b')).toBeNull();

    const codes = await codesOf(
      () => zk.set('/a', '', { version: 0 }),
      () => zk.get('/b'),
      () => zk.set('/b', ''),
      () => zk.delete('/b'),
      () => zk.create('/a'),
      () => zk.create('/b/c'),
      () => zk.delete('/a', { version: 7 }),
      () => zk.children('/b'),
      () => zk.create('/a', '', { acl: [{ scheme: 'nobody', id: 'x', perms: 'all' }] }),
    );
    expect(codes).toEqual([
      'BAD_VERSION',
      'NO_NODE',
      'NO_NODE',
      'NO_NODE',
      'NODE_EXISTS',
      'NO_NODE',
      'BAD_VERSION',
      'NO_NODE',
      'INVALID_ACL',
    ]);
    await zk.create('/a/b');
    expect(await codesOf(() => zk.delete('/a'))).toEqual(['NOT_EMPTY']);
    await zk.delete('/a/b');
    await zk.delete('/a', { version: 1 });
    await zk.delete('/a', { missingOk: true });
    expect(await zk.children('/')).toEqual([]);
  });

  test('data may be empty, and large', async () => {
    await zk.create('/empty');
    expect((await zk.get('/empty')).data).toEqual(new Uint8Array(0));
    const large = new Uint8Array(900_000).map((_, index) => index % 251);
    await zk.create('/large', large);
    // Compared in one go: element by element takes seconds.
    expect(Buffer.compare((await zk.get('/large')).data, large)).toBe(0);
  });

  test('every mode of create', async () => {
    const numbered = await Promise.all(
      [1, 2, 3].map(() => zk.create('/q-', '', { mode: 'persistent-sequential' })),
    );
    const [first, second, third] = numbered.map(({ path }) => Number(path.slice('/q-'.length)));
    expect([second, third]).toEqual([(first ?? 0) + 1, (first ?? 0) + 2]);
    expect(numbered[0]?.path).toMatch(/^\/q-\d{10}$/);

    const { stat } = await zk.create('/mine', '', { mode: 'ephemeral' });
    expect(stat.ephemeralOwner).toBe(zk.session.id);
    expect(await codesOf(() => zk.create('/mine/child'))).toEqual(['NO_CHILDREN_FOR_EPHEMERALS']);
    const line = await zk.create('/line-', '', { mode: 'ephemeral-sequential' });
    expect([...(await zk.ephemerals('/'))].sort()).toEqual([line.path, '/mine']);
    await zk.create('/box', '', { mode: 'container' });
    await zk.create('/short', '', { mode: 'ttl', ttlMs: 60_000 });
    expect((await zk.create('/short-', '', { mode: 'ttl-sequential', ttlMs: 60_000 })).path).toMatch(
      /^\/short-\d{10}$/,
    );
    const protectedNode = await zk.create('/safe-', '', { mode: 'ephemeral-sequential', protect: true });
    expect(protectedNode.path).toMatch(/^\/_c_[0-9a-f-]{36}-safe-\d{10}$/);
    await zk.create('/deep/er/still', 'x', { parents: true });
    expect(await zk.exists('/deep/er')).not.toBeNull();
    await zk.ensure('/deep/er/still');
    expect((await zk.put('/deep/er/still', 'y')).version).toBe(1);
    expect((await zk.put('/deep/er/new', 'y')).version).toBe(0);
  });

  test('lists, pages, walks and counts', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `n${String(index).padStart(2, '0')}`);
    await zk.create('/list');
    await Promise.all([...names].reverse().map((name) => zk.create(`/list/${name}`)));
    await zk.create('/list/n03/below', 'x');
    expect(await zk.children('/list')).toEqual(names);

    const paged: string[] = [];
    for await (const { name, stat } of zk.childrenPages('/list', { pageSize: 10, withStat: true })) {
      paged.push(`${name} ${stat?.numChildren}`);
    }
    expect(paged).toEqual(names.map((name) => `${name} ${name === 'n03' ? 1 : 0}`));
    const walked: string[] = [];
    for await (const { path } of zk.walk('/list')) walked.push(path);
    expect(walked).toHaveLength(27);
    expect(walked.slice(3, 7)).toEqual(['/list/n02', '/list/n03', '/list/n03/below', '/list/n04']);
    expect(await zk.descendants('/list')).toBe(26);
  });

  test('a subtree is deleted, step by step or at once', async () => {
    const paths = ['/t', '/t/a', '/t/a/b', '/t/a/b/c', '/t/d', '/u', '/u/a', '/u/a/b'];
    for (const path of paths) await zk.create(path);
    await zk.delete('/t', { recursive: true });
    await zk.delete('/u', { recursive: true, atomic: true });
    expect(await zk.children('/')).toEqual([]);
    expect(await codesOf(() => zk.delete('/t', { recursive: true }))).toEqual(['NO_NODE']);
    await zk.delete('/t', { recursive: true, missingOk: true });
  });

  test('a transaction happens whole or not at all, and says which operation it fell for', async () => {
    await zk.create('/t');
    const results = await zk
      .transaction()
      .create('/t/a', 'x')
      .create('/t/n-', '', { mode: 'persistent-sequential' })
      .set('/t/a', 'y', { version: 0 })
      .check('/t/a', { version: 1 })
      .checkAbsent('/t/z')
      .delete('/t/a')
      .commit();
    expect(results.map(({ op }) => op)).toEqual(['create', 'create', 'set', 'check', 'check', 'delete']);
    expect(results[1]?.path).toMatch(/^\/t\/n-\d{10}$/);
    expect(results[2]?.stat?.version).toBe(1);
    expect(await zk.exists('/t/z')).toBeNull();

    const failed = await zk
      .transaction()
      .create('/t/b')
      .checkAbsent('/t')
      .delete('/t/nobody')
      .commit()
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'TRANSACTION_FAILED', index: 1, outcome: 'not-applied' });
    const codes = (failed as { results: ({ code: string } | null)[] }).results.map((each) => each?.code);
    expect(codes).toEqual([undefined, 'NODE_EXISTS', 'TRANSACTION_FAILED']);
    expect(await zk.exists('/t/b')).toBeNull();
    expect(await zk.transaction().commit()).toEqual([]);
  });

  test("a lock's holder guards a write, and after it let go cannot", async () => {
    await zk.create('/guarded');
    const mutex = new Mutex(zk, '/lock');
    const lease = await mutex.acquire();
    await zk.transaction().guard(lease).set('/guarded', 'x').commit();
    await lease.release();
    const late = zk.transaction().guard(lease).set('/guarded', 'y').commit();
    expect(await codesOf(() => late)).toEqual(['TRANSACTION_FAILED']);
    expect((await zk.get('/guarded')).data).toEqual(text.encode('x'));
  });

  test('several reads at once', async () => {
    await zk.create('/a', 'x');
    await zk.create('/a/b');
    const results = await zk.multiRead([
      { op: 'get', path: '/a' },
      { op: 'children', path: '/a' },
      { op: 'exists', path: '/a/b' },
      { op: 'exists', path: '/nobody' },
      { op: 'get', path: '/nobody' },
    ]);
    expect(results[0]).toMatchObject({ data: text.encode('x'), stat: { numChildren: 1 } });
    expect(results[1]).toMatchObject({ children: ['b'], stat: { numChildren: 1 } });
    expect(results[2]).toMatchObject({ stat: { numChildren: 0 } });
    expect(results[3]).toEqual({ op: 'exists', path: '/nobody', stat: null });
    expect(results[4]?.error?.code).toBe('NO_NODE');
    expect(await zk.multiRead([])).toEqual([]);
  });

  test('reads that are to see what was answered before do', async () => {
    await using other = await open();
    const { stat } = await other.create('/fresh');
    expect(await zk.exists('/fresh', { linearizable: true })).toEqual(stat);
    expect(await zk.exists('/fresh', { minZxid: stat.czxid })).toEqual(stat);
    expect(await zk.sync('/fresh')).toBeGreaterThanOrEqual(stat.czxid);
    const far = zk.exists('/fresh', { minZxid: stat.czxid + 1000n, timeoutMs: 300 });
    expect(await codesOf(() => far)).toEqual([expect.stringMatching(/BEHIND|REQUEST_TIMEOUT/)]);
  });

  test('a watch that fires once tells of the first change, to all who wait', async () => {
    await using other = await open();
    await zk.create('/w', 'x');
    const [data, again, absent, list] = await Promise.all([
      zk.get('/w', { watch: true }),
      zk.exists('/w', { watch: true }),
      zk.exists('/w/child', { watch: true }),
      zk.children('/w', { watch: true }),
    ]);
    await other.set('/w', 'y');
    await other.create('/w/child');
    expect(await told(data.watch.event)).toEqual('changed /w');
    expect(await told(again.watch.event)).toEqual('changed /w');
    expect(await told(absent.watch.event)).toEqual('created /w/child');
    expect(await told(list.watch.event)).toEqual('children /w');

    await other.delete('/w/child');
    await zk.sync();
    const [gone, empty] = await Promise.all([
      zk.get('/w', { watch: true }),
      zk.children('/w', { watch: true }),
    ]);
    await other.delete('/w');
    expect([await told(gone.watch.event), await told(empty.watch.event)]).toEqual([
      'deleted /w',
      'deleted /w',
    ]);
  });

  test('a one-shot watch that is disposed of tells nothing, and takes nobody else with it', async () => {
    await using other = await open();
    await zk.create('/w');
    const [dropped, kept] = await Promise.all([zk.get('/w', { watch: true }), zk.get('/w', { watch: true })]);
    await dropped.watch[Symbol.asyncDispose]();
    expect((await dropped.watch.event).type).toBe('resync');
    await other.set('/w', 'y');
    expect(await told(kept.watch.event)).toBe('changed /w');
    const last = await zk.get('/w', { watch: true });
    await last.watch[Symbol.asyncDispose]();
    expect(await codesOf(() => zk.set('/w', 'z'))).toEqual(['OK']);
  });

  test('watches that stay tell every event in order, one at a node and one of all below', async () => {
    await using other = await open();
    await zk.create('/s');
    await using node = zk.watch('/s');
    await using all = zk.watch('/s', { recursive: true });
    // A call made after them is answered after they stand.
    await zk.exists('/s');
    await other.create('/s/a');
    await other.set('/s', 'x');
    await other.create('/s/a/b');
    await other.set('/s/a', 'y');
    await other.delete('/s/a/b');
    await other.delete('/s/a');
    await other.delete('/s');
    expect(await take(node, 4)).toEqual(['children /s', 'changed /s', 'children /s', 'deleted /s']);
    expect(await take(all, 7)).toEqual([
      'created /s/a',
      'changed /s',
      'created /s/a/b',
      'changed /s/a',
      'deleted /s/a/b',
      'deleted /s/a',
      'deleted /s',
    ]);
  });

  test.each([
    { first: false, second: true },
    { first: true, second: false },
    { first: true, second: true },
  ])(
    'of two watches at one path (recursive: $first, $second) one goes and the other stays',
    async ({ first, second }) => {
      await using other = await open();
      await zk.create('/s');
      await using leaving = zk.watch('/s', { recursive: first });
      await using staying = zk.watch('/s', { recursive: second });
      await zk.exists('/s');
      await other.create('/s/a');
      const seen = (recursive: boolean, name: string) => (recursive ? `created /s/${name}` : 'children /s');
      expect(await take(leaving, 1)).toEqual([seen(first, 'a')]);
      expect(await take(staying, 1)).toEqual([seen(second, 'a')]);
      await leaving[Symbol.asyncDispose]();
      await zk.exists('/s');
      await other.create('/s/b');
      await other.set('/s', 'x');
      expect(await take(staying, 2)).toEqual([seen(second, 'b'), 'changed /s']);
    },
  );

  test.each([{ recursive: false }, { recursive: true }])(
    'one-shot watches and one that stays (recursive: $recursive) at one path do not hinder each other',
    async ({ recursive }) => {
      await using other = await open();
      await zk.create('/s');
      const before = await zk.children('/s', { watch: true });
      await using standing = zk.watch('/s', { recursive });
      const [data, list] = await Promise.all([
        zk.get('/s', { watch: true }),
        zk.children('/s', { watch: true }),
      ]);
      await other.create('/s/a');
      expect(await told(before.watch.event)).toBe('children /s');
      expect(await told(list.watch.event)).toBe('children /s');
      await other.set('/s', 'x');
      expect(await told(data.watch.event)).toBe('changed /s');
      await other.set('/s', 'y');
      await other.set('/s', 'z');
      const children = recursive ? 'created /s/a' : 'children /s';
      expect(await take(standing, 4)).toEqual([children, 'changed /s', 'changed /s', 'changed /s']);

      const [last, lastList] = await Promise.all([
        zk.get('/s', { watch: true }),
        zk.children('/s', { watch: true }),
      ]);
      await standing[Symbol.asyncDispose]();
      await zk.exists('/s');
      await other.set('/s', 'end');
      await other.delete('/s/a');
      expect(await told(last.watch.event)).toBe('changed /s');
      expect(await told(lastList.watch.event)).toBe('children /s');
    },
  );

  test.each([{ recursive: false }, { recursive: true }])(
    'a one-shot watch that was there before one that stays (recursive: $recursive) still fires',
    async ({ recursive }) => {
      await using other = await open();
      await zk.create('/s');
      const [data, list] = await Promise.all([
        zk.get('/s', { watch: true }),
        zk.children('/s', { watch: true }),
      ]);
      await using standing = zk.watch('/s', { recursive });
      await zk.exists('/s');
      await other.create('/s/a');
      await other.set('/s', 'x');
      expect([await told(list.watch.event), await told(data.watch.event)]).toEqual([
        'children /s',
        'changed /s',
      ]);
      expect(await take(standing, 2)).toEqual([recursive ? 'created /s/a' : 'children /s', 'changed /s']);
    },
  );

  test('the latest value and the latest list are told, and nothing while there is no node', async () => {
    await using other = await open();
    await using values = zk.watchData('/v');
    await using lists = zk.watchChildren('/v');
    const [value, list] = [values[Symbol.asyncIterator](), lists[Symbol.asyncIterator]()];
    expect([(await value.next()).value, (await list.next()).value]).toEqual([null, null]);
    await other.create('/v', 'x');
    expect((await value.next()).value?.data).toEqual(text.encode('x'));
    expect((await list.next()).value?.children).toEqual([]);
    await other.create('/v/a');
    expect((await list.next()).value?.children).toEqual(['a']);
    const handle = zk.node('/v', text);
    expect((await handle.update((now) => `${now}y`)).data).toBe('xy');
    expect((await value.next()).value?.data).toEqual(text.encode('xy'));
  });

  test('who may do what', async () => {
    await using owner = await open();
    await owner.addAuth('digest', 'maria:secret');
    const identities = await owner.whoAmI();
    expect(identities.map(({ scheme }) => scheme)).toEqual(expect.arrayContaining(['ip', 'digest']));
    await owner.create('/hers', 'x', { acl: acl.CREATOR_ALL });
    await zk.sync();
    expect(
      await codesOf(
        () => zk.get('/hers'),
        () => zk.set('/hers', ''),
        () => zk.create('/hers/a'),
      ),
    ).toEqual(['NO_AUTH', 'NO_AUTH', 'NO_AUTH']);
    expect((await owner.getAcl('/hers')).acl[0]).toMatchObject({ scheme: expect.any(String), perms: 'all' });
    const stat = await owner.setAcl('/hers', [...acl.READ_ONLY, ...acl.CREATOR_ALL], { version: 0 });
    expect(stat.aversion).toBe(1);
    await zk.sync();
    expect((await zk.get('/hers')).data).toEqual(text.encode('x'));
    expect(await codesOf(() => owner.setAcl('/hers', acl.OPEN, { version: 0 }))).toEqual(['BAD_VERSION']);
    await owner.setAcl('/hers', acl.OPEN);
    await zk.delete('/hers');
  });

  test('quotas are set, read and taken away', async () => {
    await zk.create('/fields');
    const path = `${root}/fields`;
    const whole = await connect(target.servers());
    await whole.setQuota(path, { countSoft: 10, bytes: 1000 });
    await whole.create(`${path}/a`, 'four');
    expect(await whole.getQuota(path)).toMatchObject({
      countSoft: 10,
      bytes: 1000,
      count: null,
      used: { count: 2, bytes: 4 },
    });
    await whole.deleteQuota(path);
    expect(await whole.getQuota(path)).toBeNull();
    await whole.close();
  });

  test('a namespace shows what is below a path, as if it were all', async () => {
    await zk.create('/app');
    const app = zk.namespace('/app');
    await using watch = app.watch('/', { recursive: true });
    expect((await app.create('/a')).path).toBe('/a');
    expect(await app.children('/')).toEqual(['a']);
    expect(await zk.children('/app')).toEqual(['a']);
    expect(await take(watch, 1)).toEqual(['created /a']);
    expect(await app.ephemerals()).toEqual([]);
  });

  test('the end of a session takes its ephemeral nodes at once', async () => {
    const other = await open();
    await other.create('/theirs', '', { mode: 'ephemeral' });
    // Another client may be at a server that is behind.
    await zk.sync();
    const { watch } = await zk.exists('/theirs', { watch: true });
    const { id, password } = other.session.export();
    expect(BigInt(id)).toBe(other.session.id);
    expect(password).toMatch(/^[0-9a-f]{32}$/);
    await other.close();
    expect(await told(watch.event)).toBe('deleted /theirs');
    expect(other.state).toBe('closed');
  });

  test('many requests of one client are answered in their order', async () => {
    await zk.create('/counter', '0');
    const sets: Promise<number>[] = [];
    const gets: Promise<number>[] = [];
    for (let index = 0; index < 1200; index++) {
      sets.push(zk.set('/counter', String(index)).then(({ version }) => version));
      gets.push(zk.get('/counter').then(({ stat }) => stat.version));
    }
    const written = await Promise.all(sets);
    const read = await Promise.all(gets);
    expect(written).toEqual(Array.from({ length: 1200 }, (_, index) => index + 1));
    // A read sees the write that was asked for before it.
    expect(read.filter((version, index) => version < index + 1)).toEqual([]);
  });
}

/** OK, or the code that each failed with; one after the other. */
export async function codesOf(...calls: readonly (() => Promise<unknown>)[]): Promise<readonly string[]> {
  const codes: string[] = [];
  for (const call of calls) {
    codes.push(
      await call().then(
        () => 'OK',
        (error: unknown) => (isZkError(error) ? error.code : String(error)),
      ),
    );
  }
  return codes;
}

/** An event, as it is compared: its zxid is not always told. */
export async function told(event: WatchEvent | Promise<WatchEvent>): Promise<string> {
  const heard = await event;
  return heard.type === 'resync' ? `resync: ${heard.reason}` : `${heard.type} ${heard.path}`;
}

/** The next events of a watch. */
export async function take(watch: Watcher<WatchEvent>, count: number): Promise<readonly string[]> {
  const iterator = watch[Symbol.asyncIterator]();
  const events: string[] = [];
  while (events.length < count) {
    const { done, value } = await iterator.next();
    if (done) break;
    events.push(await told(value));
  }
  return events;
}
