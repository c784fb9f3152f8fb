import { acl, connect, isZkError, paths, retry, text, type ZooKeeper } from '@zabra/client';
import { Mutex } from '@zabra/client/recipes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { type RealZooKeeper, startRealZooKeeper } from './real-zookeeper.ts';
import { Link, loseConnection, until } from './sdk-link.test-support.ts';
import { codesOf, take, told } from './sdk-suite.test-support.ts';

/*
 * docs/zookeeper-servers.md, line by line: what our client cannot offer at a real ZooKeeper, and what it does instead.
 * What needs an older server than Debian's is in packages/client/src/core/zookeeper.
 */
describeWithPrograms('what a real ZooKeeper cannot do for our client', () => {
  let zookeeper: RealZooKeeper;
  let servers: string;
  let admin: ZooKeeper;
  beforeAll(async () => {
    zookeeper = await startRealZooKeeper({ tickTimeMs: 500 });
    servers = `zookeeper://${zookeeper.servers}`;
    admin = await connect(servers);
  });
  afterAll(async () => {
    await admin.close();
    await zookeeper.close();
  });

  /** A client behind a link, and the link. */
  async function linked(options: Partial<Parameters<typeof connect>[0] & object> = {}) {
    const link = await Link.open(zookeeper.addressOf(1));
    const zk = await connect({ ...options, servers: `zookeeper://${link.address}` });
    return {
      link,
      zk,
      async [Symbol.asyncDispose]() {
        link.heal();
        await zk.close();
        await link[Symbol.asyncDispose]();
      },
    };
  }

  test('a write whose answer is lost is not made again, and what was not sent is made later', async () => {
    await using t = await linked({ requestsOutstandingMax: 1 });
    await admin.create('/lost');
    await t.zk.exists('/lost');
    t.link.mute();
    const sent = t.zk.set('/lost', 'sent').catch((error: unknown) => error);
    const waiting = t.zk.set('/lost', 'waited');
    await until('the write has happened', async () => (await admin.get('/lost')).stat.version === 1);
    t.link.heal();

    expect(await sent).toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'unknown', retryable: false });
    expect((await waiting).version).toBe(2);
  });

  test('a read whose answer is lost is made again', async () => {
    await using t = await linked();
    await admin.create('/read', 'x');
    t.link.mute();
    const reading = t.zk.get('/read');
    await t.zk.session.whenConnected();
    t.link.heal();
    expect((await reading).data).toEqual(text.encode('x'));
  });

  test('a protected create whose answer is lost is found by its name, and made once', async () => {
    await using t = await linked();
    await admin.create('/protected');
    t.link.mute();
    const creating = t.zk.create('/protected/n-', '', { mode: 'ephemeral-sequential', protect: true });
    await until('it was made', async () => (await admin.children('/protected')).length === 1);
    t.link.heal();

    const { path, stat } = await creating;
    expect(stat.ephemeralOwner).toBe(t.zk.session.id);
    expect(await admin.children('/protected')).toEqual([paths.name(path)]);
  });

  test('a guaranteed delete whose answer is lost is made again', async () => {
    await using t = await linked();
    await admin.create('/doomed');
    await t.zk.exists('/doomed');
    t.link.mute();
    const deleting = t.zk.delete('/doomed', { guaranteed: true });
    await until('it is gone', async () => (await admin.exists('/doomed')) === null);
    t.link.heal();
    await deleting;
    expect(t.zk.state).toBe('connected');
  });

  test('a request above jute.maxbuffer is refused before it ends the connection', async () => {
    const reasons = await codesOf(
      () => admin.create('/large', new Uint8Array(1_048_576)),
      () => admin.create('/large', new Uint8Array(1_048_000)),
    );
    expect(reasons).toEqual(['DATA_TOO_LARGE', 'OK']);
  });

  test('a transaction cannot check an owner, and a TTL cannot be started anew', async () => {
    await admin.create('/mine', '', { mode: 'ephemeral' });
    const checked = Promise.resolve().then(() => admin.transaction().checkOwner('/mine').commit());
    expect(
      await codesOf(
        () => checked,
        () => admin.touch('/mine'),
      ),
    ).toEqual(['UNIMPLEMENTED', 'UNIMPLEMENTED']);
  });

  test('guard checks that the node of the lease is there: another holder fails it', async () => {
    await admin.create('/guarded');
    const lease = await new Mutex(admin, '/guard-lock').acquire();
    await admin.delete(lease.path);
    const late = admin.transaction().guard(lease).set('/guarded', 'x').commit();
    await expect(late).rejects.toMatchObject({ code: 'TRANSACTION_FAILED', index: 0 });
    await lease.release();
  });

  test('checkAbsent makes the node and deletes it: it needs the parent, and shows in watches', async () => {
    await admin.create('/absent');
    const { watch } = await admin.children('/absent', { watch: true });
    await admin.transaction().checkAbsent('/absent/a').commit();
    expect(await told(watch.event)).toBe('children /absent');
    expect(await admin.children('/absent')).toEqual([]);
    const without = admin.transaction().checkAbsent('/nobody/a').commit();
    await expect(without).rejects.toMatchObject({ code: 'TRANSACTION_FAILED', index: 0 });
  });

  test('before 3.8.2 a transaction does not tell the Stat of what it made', async () => {
    const [made] = await admin.transaction().create('/untold').commit();
    const { version = '' } =
      /version: (?<version>\d+\.\d+\.\d+)/.exec(await zookeeper.ask('srvr'))?.groups ?? {};
    expect(made?.stat === undefined).toBe(/^3\.([5-7]\.|8\.[01]$)/.test(version));
  });

  test('a subtree that others fill while it is deleted step by step is looked at again', async () => {
    await admin.create('/filled');
    await Promise.all(Array.from({ length: 300 }, (_, index) => admin.create(`/filled/n${index}`)));
    await using other = await connect(servers);
    const deleting = admin.delete('/filled', { recursive: true });
    await other.create('/filled/late').catch((error: unknown) => isZkError(error, 'NO_NODE'));
    await deleting;
    expect(await admin.exists('/filled')).toBeNull();
  });

  test('what nothing was seen of within the budget is BEHIND or late, not read', async () => {
    await admin.create('/zxids');
    const { czxid } = (await admin.get('/zxids')).stat;
    const policy = { retry: retry.never };
    const reading = admin.get('/zxids', { minZxid: czxid + 1_000_000n, ...policy });
    expect(await codesOf(() => reading)).toEqual(['BEHIND']);
  });

  test('exists in a read of several needs the permission to read', async () => {
    await using owner = await connect(servers);
    await owner.addAuth('digest', 'owner:secret');
    await owner.create('/hidden', '', { acl: acl.CREATOR_ALL });
    const [result] = await admin.multiRead([{ op: 'exists', path: '/hidden' }]);
    expect(result?.error?.code).toBe('NO_AUTH');
    await owner.delete('/hidden');
  });

  test('an event does not tell its zxid before 3.9', async () => {
    await admin.create('/zxid');
    const { watch } = await admin.get('/zxid', { watch: true });
    await admin.set('/zxid', 'x');
    expect(await watch.event).toEqual({ type: 'changed', path: '/zxid', zxid: 0n });
  });

  test('a watch that stays is told to read again after a lost connection, and hears from then on', async () => {
    await using t = await linked();
    await admin.create('/stays');
    await using watch = t.zk.watch('/stays', { recursive: true });
    await t.zk.exists('/stays');
    await admin.create('/stays/a');
    expect(await take(watch, 1)).toEqual(['created /stays/a']);
    t.link.cut();
    await admin.create('/stays/missed');
    t.link.heal();
    expect(await take(watch, 1)).toEqual(['resync: reconnected']);
    await admin.create('/stays/b');
    expect(await take(watch, 1)).toEqual(['created /stays/b']);
  });

  test('a watch from a zxid on begins with resync', async () => {
    const { stat } = await admin.create('/from');
    await using watch = admin.watch('/from', { fromZxid: stat.czxid });
    expect(await take(watch, 1)).toEqual(['resync: reconnected']);
  });

  test('one-shot watches are judged by what is there after a lost connection', async () => {
    await using t = await linked();
    for (const path of ['/one-shot', '/one-shot/replaced', '/one-shot/doomed']) await admin.create(path);
    const [replaced, doomed, flash, list] = await Promise.all([
      t.zk.get('/one-shot/replaced', { watch: true }),
      t.zk.get('/one-shot/doomed', { watch: true }),
      t.zk.exists('/one-shot/flash', { watch: true }),
      t.zk.children('/one-shot/doomed', { watch: true }),
    ]);
    t.link.cut();
    await admin.delete('/one-shot/replaced');
    await admin.create('/one-shot/replaced');
    await admin.delete('/one-shot/doomed');
    await admin.create('/one-shot/flash');
    await admin.delete('/one-shot/flash');
    t.link.heal();
    // Deleted and made again: it shows as a change.
    expect(await told(replaced.watch.event)).toBe('changed /one-shot/replaced');
    expect(await told(doomed.watch.event)).toBe('deleted /one-shot/doomed');
    expect(await told(list.watch.event)).toBe('deleted /one-shot/doomed');
    // Made and deleted: nothing is told, and the watch waits on.
    await t.zk.exists('/one-shot');
    await admin.create('/one-shot/flash', 'again');
    expect(await told(flash.watch.event)).toBe('created /one-shot/flash');
  });

  test('more watches than one frame holds are set again', { timeout: 60_000 }, async () => {
    await using t = await linked();
    const name = 'a-name-that-takes-its-place-'.repeat(8);
    await admin.create('/many');
    const paths = Array.from({ length: 700 }, (_, index) => `/many/${name}${index}`);
    const watches = await Promise.all(
      paths.map(async (path) => (await t.zk.exists(path, { watch: true })).watch),
    );
    await loseConnection(t.link, t.zk);
    await until('it is connected again', () => t.zk.state === 'connected');
    await t.zk.exists('/many');
    await Promise.all(paths.map((path) => admin.create(path)));
    const events = await Promise.all(watches.map((watch) => told(watch.event)));
    expect(events).toEqual(paths.map((path) => `created ${path}`));
    await admin.delete('/many', { recursive: true });
  });

  test('credentials that are refused end the connection, not the session', async () => {
    await using t = await linked();
    const { id } = t.zk.session;
    expect(await codesOf(() => t.zk.addAuth('no-such-scheme', 'x'))).toEqual(['AUTH_FAILED']);
    await t.zk.exists('/');
    expect(t.zk.session.id).toBe(id);
  });

  test('what was proven is proven again on the next connection, before watches and requests', async () => {
    await using t = await linked({ auth: [{ scheme: 'digest', credentials: 'ada:one' }] });
    await t.zk.addAuth('digest', 'ada:two');
    await t.zk.create('/proven', 'x', { acl: acl.CREATOR_ALL });
    await loseConnection(t.link, t.zk);
    expect((await t.zk.get('/proven')).data).toEqual(text.encode('x'));
    expect((await t.zk.whoAmI()).filter(({ scheme }) => scheme === 'digest')).toHaveLength(2);
    await t.zk.delete('/proven');
  });

  test('a session outlives its connection, and is lost when the server forgot it', async () => {
    await using t = await linked({ sessionTimeoutMs: 2_000 });
    const first = t.zk.session;
    const events: string[] = [];
    for (const type of ['suspended', 'connected', 'expired', 'renewed'] as const) {
      first.on(type, (event) => events.push(event.type));
    }
    await t.zk.create('/held', '', { mode: 'ephemeral' });
    t.link.reset();
    await until('it is connected again', () => events.includes('connected'));
    expect((await t.zk.exists('/held'))?.ephemeralOwner).toBe(first.id);
    t.link.cut();
    await until('it is lost', () => first.signal.aborted);
    await until('the server has forgotten it', async () => (await admin.exists('/held')) === null);
    t.link.heal();
    await until('there is another one', () => events.includes('renewed'));
    expect(t.zk.session.id).not.toBe(first.id);
    expect(events.slice(0, 3)).toEqual(['suspended', 'connected', 'suspended']);
  });

  test("errors keep ZooKeeper's numbers", async () => {
    await using other = await connect(servers);
    const refusal = other.set('/zookeeper/config', 'x').catch((error: unknown) => error);
    expect(await refusal).toMatchObject({ code: 'NO_AUTH', rc: -102 });
  });

  test('servers that are none are named, with what was heard of them', async () => {
    const link = await Link.open('127.0.0.1:1');
    const connecting = connect({
      servers: `zookeeper://${link.address}`,
      connectTimeoutMs: 500,
    });
    await expect(connecting).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining(`${link.address} (the server hung up without an answer`),
    });
    await link[Symbol.asyncDispose]();
  });
});
