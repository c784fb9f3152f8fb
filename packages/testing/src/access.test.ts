import { createHash } from 'node:crypto';
import { acl, connect, type ZooKeeper } from '@zabra/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { HeardEvents } from '../test/heard-events.ts';
import { placedClient } from '../test/placed-client.ts';
import { until } from '../test/until.ts';
import { type Ensemble, startEnsemble } from './index.ts';

/* Who may do what, as users have it: proved once, held by the ensemble through every change of server and leader. */

const PATIENT = { requestTimeoutMs: 60_000, sessionTimeoutMs: 30_000 };
const ALICE = { scheme: 'scrypt', credentials: 'alice:wonder' };
const BOB = { scheme: 'digest', credentials: 'bob:builder' };
const ROOT = { scheme: 'digest', credentials: 'root:of all' };
const refused = { code: 'NO_AUTH', outcome: 'not-applied' };

let ensemble: Ensemble;
beforeAll(async () => {
  const proof = createHash('sha1').update(ROOT.credentials).digest('base64');
  ensemble = await startEnsemble({ config: { access: { superUsers: [`digest:root:${proof}`] } } });
});
afterEach(() => ensemble.whenServing());
afterAll(() => ensemble.close());

test('what its creator alone may do is refused to everybody else, at every server', async () => {
  await using alice = await connect({ servers: ensemble.servers, auth: [ALICE] });
  await alice.create('/mine', 'secret', { acl: acl.CREATOR_ALL });
  const zxid = await alice.sync();
  for (const id of ensemble.ids) {
    await using other = await connect({ servers: ensemble.addressOf(id), auth: [BOB] });
    const read = { minZxid: zxid };
    const attempts = await Promise.allSettled<unknown>([
      other.get('/mine', read),
      other.exists('/mine', read),
      other.children('/mine', read),
      other.descendants('/mine', read),
      other.getAcl('/mine', read),
      other.set('/mine', 'stolen'),
      other.create('/mine/child'),
      other.setAcl('/mine', acl.OPEN),
    ]);
    for (const attempt of attempts) expect(attempt).toMatchObject({ status: 'rejected', reason: refused });
    await expect(other.transaction().check('/mine', { version: 0 }).commit()).rejects.toMatchObject({
      code: 'TRANSACTION_FAILED',
      results: [refused],
    });
    expect(await other.multiRead([{ op: 'get', path: '/mine' }], read)).toMatchObject([{ error: refused }]);
  }
  expect(await alice.get('/mine')).toMatchObject({ stat: { version: 0, aversion: 0, numChildren: 0 } });
});

test('an ACL is shown whole to who may change it, and without its secrets to who may only read', async () => {
  await using alice = await connect({ servers: ensemble.servers, auth: [ALICE] });
  await using other = await connect(ensemble.servers);
  await alice.create('/shown', '', { acl: [...acl.CREATOR_ALL, ...acl.READ_ONLY] });
  await other.sync();
  const whole = await alice.getAcl('/shown');
  expect(whole.acl).toEqual([
    { scheme: 'scrypt', id: expect.stringMatching(/^alice:[\w+/]{43}=$/), perms: 'all' },
    { scheme: 'world', id: 'anyone', perms: ['read'] },
  ]);
  expect((await other.getAcl('/shown')).acl[0]).toEqual({ scheme: 'scrypt', id: 'alice:x', perms: 'all' });
  // What is shown may be written back by who may, and changes nothing.
  const { aversion } = await alice.setAcl('/shown', whole.acl, { version: whole.stat.aversion });
  expect(aversion).toBe(1);
  await alice.set('/shown', 'still hers');
  await expect(other.setAcl('/shown', acl.OPEN)).rejects.toMatchObject(refused);
});

test('a user who comes later proves who he is, and a wrong proof costs nothing', async () => {
  await using zk = await connect(ensemble.servers);
  const { id } = zk.session;
  const before = await zk.whoAmI();
  expect(before).toEqual([{ scheme: 'ip', id: expect.stringContaining('127.0.0.1') }]);
  await expect(zk.create('/bobs', '', { acl: acl.CREATOR_ALL })).rejects.toMatchObject({
    code: 'INVALID_ACL',
  });
  await expect(zk.addAuth('digest', 'no colon')).rejects.toMatchObject({ code: 'AUTH_FAILED' });
  await expect(zk.addAuth('kerberos', 'bob:builder')).rejects.toMatchObject({ code: 'AUTH_FAILED' });
  expect(await zk.whoAmI()).toEqual(before);
  await zk.addAuth(BOB.scheme, BOB.credentials);
  expect(await zk.whoAmI()).toEqual([
    ...before,
    { scheme: 'digest', id: 'bob' },
    { scheme: 'scrypt', id: 'bob' },
  ]);
  await zk.create('/bobs', '', { acl: acl.CREATOR_ALL });
  await zk.set('/bobs', 'his');
  expect(zk.session.id).toBe(id);
});

test('the super user passes every ACL', async () => {
  await using alice = await connect({ servers: ensemble.servers, auth: [ALICE] });
  await using root = await connect({ servers: ensemble.servers, auth: [ROOT] });
  await alice.create('/closed', 'hers', { acl: acl.CREATOR_ALL });
  await root.sync();
  expect(await root.get('/closed')).toMatchObject({ stat: { version: 0 } });
  await root.set('/closed', 'changed');
  await root.setAcl('/closed', acl.READ_ONLY);
  await root.delete('/closed');
  expect(await root.exists('/closed')).toBeNull();
});

test.each(['its server', 'the leader'] as const)(
  'no write of an authenticated client is refused while it writes and %s dies',
  { timeout: 60_000 },
  async (victim) => {
    const { zk, server } = await placedClient(ensemble, { ...PATIENT, auth: [ALICE] });
    await using _closing = zk;
    await zk.addAuth(BOB.scheme, BOB.credentials);
    const directory = `/hers-${victim.slice(-6)}`;
    await zk.create(directory, '', { acl: acl.CREATOR_ALL });
    const writing = new Writing(zk, directory);
    await until('writes are acknowledged', () => writing.acknowledged > 100);
    const dead = await ensemble.kill(victim === 'the leader' ? 'leader' : server());
    const atDeath = writing.acknowledged;
    await until('the others acknowledge writes', () => writing.acknowledged > atDeath + 200);
    await writing.stop();
    expect(await zk.children(directory)).toHaveLength(writing.acknowledged);
    expect(
      (await zk.whoAmI())
        .map(({ scheme, id }) => `${scheme} ${id}`)
        .slice(1)
        .sort(),
    ).toEqual(['digest bob', 'scrypt alice', 'scrypt bob']);
    await ensemble.restart(dead);
  },
);

test('a client that proves who it is while leaders die is taken for that by each of them', {
  timeout: 60_000,
}, async () => {
  await using first = await connect({ servers: ensemble.servers, ...PATIENT });
  await first.create('/proving');
  let rounds = 0;
  let stopped = false;
  const lanes = Promise.all(
    Array.from({ length: 4 }, async (_, lane) => {
      for (let round = 0; !stopped; round++) {
        await using zk = await connect({ servers: ensemble.servers, ...PATIENT, connectTimeoutMs: 30_000 });
        const path = `/proving/${lane}-${round}`;
        // Nothing waits for anything.
        await Promise.all([
          zk.addAuth('digest', `user-${lane}:${round}`),
          zk.create(path, '', { acl: acl.CREATOR_ALL }),
          zk.set(path, 'mine'),
          zk.addAuth('scrypt', `more-${lane}:${round}`),
          zk.create(`${path}/child`, '', { acl: acl.CREATOR_ALL, mode: 'ephemeral' }),
          zk.get(path),
        ]);
        rounds++;
      }
    }),
  );
  lanes.catch(() => undefined);
  for (let kill = 1; kill <= 2; kill++) {
    const enough = rounds + 8;
    await until('clients come and go', () => rounds > enough);
    const dead = await ensemble.kill('leader');
    await ensemble.restart(dead);
    await ensemble.whenServing();
  }
  stopped = true;
  await lanes;
});

test('who may do what outlives the death of all servers', { timeout: 60_000 }, async () => {
  await using alice = await connect({ servers: ensemble.servers, ...PATIENT, auth: [ALICE] });
  await alice.create('/kept', 'hers', { acl: acl.CREATOR_ALL });
  await ensemble.killAll();
  await Promise.all(ensemble.ids.map((id) => ensemble.restart(id)));
  await alice.set('/kept', 'still hers');
  await using other = await connect({ servers: ensemble.servers, ...PATIENT });
  await other.sync();
  await expect(other.get('/kept')).rejects.toMatchObject(refused);
});

test('a client whose credentials are no longer taken on a later connection ends, and says why', {
  timeout: 60_000,
}, async () => {
  const given = ['carol:first', 'no colon'];
  const { zk, server } = await placedClient(ensemble, {
    ...PATIENT,
    auth: [{ scheme: 'scrypt', credentials: async () => given.shift() ?? 'no colon' }],
  });
  await using _closing = zk;
  const { session } = zk;
  await zk.create('/carols', '', { acl: acl.CREATOR_ALL });
  const ended = new Promise((resolve) => session.signal.addEventListener('abort', resolve));
  const dead = await ensemble.kill(server());
  await ended;
  expect(session.state).toBe('auth-failed');
  await expect(zk.set('/carols', '')).rejects.toMatchObject({ code: 'AUTH_FAILED' });
  await ensemble.restart(dead);
});

test('a watch tells of what its reader may read, at once and when it is resumed', async () => {
  await using alice = await connect({ servers: ensemble.servers, auth: [ALICE] });
  await using outsider = await connect(ensemble.servers);
  const { stat } = await alice.create('/seen');
  await outsider.sync();
  await using hers = new HeardEvents(alice.watch('/seen', { recursive: true }));
  await using theirs = new HeardEvents(outsider.watch('/seen', { recursive: true }));
  await Promise.all([alice.exists('/seen'), outsider.exists('/seen')]);
  const { watch } = await outsider.get('/seen', { watch: true });
  await alice.create('/seen/secret', '', { acl: acl.CREATOR_ALL });
  await alice.create('/seen/open');
  await alice.set('/seen/secret', 'more');
  await alice.setAcl('/seen/open', acl.CREATOR_ALL);
  await alice.set('/seen/open', 'no longer');
  await alice.delete('/seen/secret');
  await alice.create('/seen/last');
  await alice.set('/seen', 'changed');
  await until('both hear the last', () => hers.has('changed /seen') && theirs.has('changed /seen'));
  const open = ['created /seen/open', 'created /seen/last', 'changed /seen'];
  expect(hers.lines).toEqual([
    'created /seen/secret',
    'created /seen/open',
    'changed /seen/secret',
    'changed /seen/open',
    'deleted /seen/secret',
    'created /seen/last',
    'changed /seen',
  ]);
  expect(theirs.lines).toEqual(open);
  expect(await watch.event).toMatchObject({ type: 'changed', path: '/seen' });

  await using later = new HeardEvents(outsider.watch('/seen', { recursive: true, fromZxid: stat.czxid }));
  await until('what happened is told again', () => later.has('changed /seen'));
  expect(later.lines).toEqual(open);
});

/** Writes steadily below a directory until it is told to stop; each write must succeed. */
class Writing {
  acknowledged = 0;
  #stopped = false;
  readonly #lanes: Promise<readonly unknown[]>;

  constructor(zk: ZooKeeper, directory: string) {
    const lane = async (): Promise<void> => {
      while (!this.#stopped) {
        await zk.create(`${directory}/n-`, '', { mode: 'persistent-sequential', acl: acl.CREATOR_ALL });
        this.acknowledged++;
      }
    };
    this.#lanes = Promise.all(Array.from({ length: 8 }, lane));
    this.#lanes.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#lanes;
  }
}
