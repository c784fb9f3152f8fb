import type { WriteOperation } from '@zabra/model';
import type { Reply } from '@zabra/proto';
import { expect, test } from 'vitest';
import type { Query } from '../../src/core/clients/client-codec.ts';
import { type AskerName, bytes, create, Scene } from './scene.ts';

const READ = 1;
const CREATE = 4;
const ALL = 31;

/** In both worlds, one after the other. */
function replies(
  prepare: (scene: Scene) => void,
  asker: AskerName,
  ask: WriteOperation | Query,
): readonly Reply[] {
  return ([0, 1] as const).map((world) => {
    const scene = new Scene(world);
    prepare(scene);
    return reply(scene, asker, ask);
  });
}

function reply(scene: Scene, asker: AskerName, ask: WriteOperation | Query): Reply {
  scene.askers[asker].say(ask);
  const entry = scene.askers[asker].hear().at(-1);
  if (entry?.kind !== 'reply') throw new Error(`no reply: ${JSON.stringify(entry)}`);
  return entry.reply;
}

test('a list tells the names to whom may read the parent, and the Stat of a child to whom may read the child', () => {
  const scene = new Scene(0);
  scene.build('world', ALL, 0);
  scene.keep(create('/p/open', '', []));
  const page = { after: '', limit: 0, withStats: true };
  const listed = reply(scene, 'anonymous', { kind: 'children', path: '/p', watch: false, page });
  expect(listed).toMatchObject({
    children: {
      names: ['leaf', 'open', 'tree'],
      stats: [{ stat: undefined }, { stat: {} }, { stat: undefined }],
    },
  });
});

test('ephemerals of other sessions are told to nobody; the own are told whatever their ACLs', () => {
  const scene = new Scene(0);
  scene.build('world', ALL, 0);
  const mine = { ...create('/p/mine', '', scene.acl('world', 0)), mode: 'ephemeral' } as const;
  reply(scene, 'owner', mine);
  expect(reply(scene, 'owner', { kind: 'ephemerals', prefix: '' })).toMatchObject({
    ephemerals: { paths: ['/p/mine'] },
  });
  for (const asker of ['other', 'super', 'anonymous'] as const)
    expect(reply(scene, asker, { kind: 'ephemerals', prefix: '/p' })).toMatchObject({
      ephemerals: { paths: [] },
    });
});

test('what stands behind a refused operation of a transaction is not looked at', () => {
  const denied = { kind: 'check', path: '/p/leaf', version: -1 } as const;
  const scene = new Scene(0);
  scene.build('owner', 0, 0);
  const about = (path: string): Reply =>
    reply(scene, 'anonymous', { kind: 'transaction', operations: [denied, { kind: 'checkAbsent', path }] });
  const [exists, absent] = ['/p/tree', '/p/none'].map(about);
  expect(exists).toMatchObject({ refused: { failedIndex: 0, codes: ['NO_AUTH', 'TRANSACTION_FAILED'] } });
  expect({ ...absent, xid: 0, zxid: 0 }).toEqual({ ...exists, xid: 0, zxid: 0 });
});

test('a node that may not be read shows that it exists, as in ZooKeeper, and nothing more', () => {
  const prepare = (scene: Scene): void => scene.build('owner', 0, 0);
  for (const kind of ['exists', 'get'] as const) {
    const [one, other] = replies(prepare, 'anonymous', { kind, path: '/p/leaf', watch: true });
    expect(one).toMatchObject({ refused: { code: 'NO_AUTH' } });
    expect(other).toEqual(one);
  }
});

test('a refused read arms no watch', () => {
  const scene = new Scene(0);
  scene.build('owner', 0, 0);
  reply(scene, 'anonymous', { kind: 'exists', path: '/p/leaf', watch: true });
  scene.keep({ kind: 'setAcl', path: '/p/leaf', acl: [], version: -1 });
  scene.keep({ kind: 'set', path: '/p/leaf', data: bytes('x'), version: -1 });
  expect(scene.askers.anonymous.hear()).toEqual([]);
});

test('the limits and the use of a quota are told to whom may read its subtree', () => {
  const prepare = (scene: Scene): void => {
    scene.build('world', CREATE, 0);
    scene.keep(create('/zookeeper/quota/p', '', []));
    scene.keep(create('/zookeeper/quota/p/zookeeper_limits', 'countHardLimit=1', scene.acl('world', 0)));
    scene.keep(create('/zookeeper/quota/p/zookeeper_stats', '', []));
  };
  const [one, other] = replies(prepare, 'anonymous', create('/p/new', '', []));
  expect(one).toMatchObject({ refused: { code: 'QUOTA_EXCEEDED' } });
  expect(other).toEqual(one);
  const stats = { kind: 'get', path: '/zookeeper/quota/p/zookeeper_stats', watch: false } as const;
  expect(replies(prepare, 'anonymous', stats)).toMatchObject([
    { refused: { code: 'NO_AUTH' } },
    { refused: { code: 'NO_AUTH' } },
  ]);
  const [first, second] = replies(prepare, 'anonymous', { ...stats, kind: 'exists' });
  expect(second).toEqual(first);
  const used = replies(prepare, 'super', stats);
  expect(JSON.stringify(used[0])).not.toEqual(JSON.stringify(used[1]));
});

test('a tree is deleted whole or refused: what lies below a node that may not be read is left', () => {
  const scene = new Scene(0);
  scene.build('world', ALL, ALL);
  scene.keep({ kind: 'setAcl', path: '/p/tree', acl: scene.acl('world', READ), version: -1 });
  const before = scene.server.tree.nodeCount;
  const refused = reply(scene, 'anonymous', { kind: 'deleteTree', path: '/p', nodesMax: 0, atomic: false });
  expect(refused).toMatchObject({ refused: { code: 'NO_AUTH' } });
  expect(scene.server.tree.nodeCount).toBe(before);
});

test('whoAmI names users and no hashes', () => {
  const scene = new Scene(0);
  scene.askers.owner.say({ kind: 'whoAmI' });
  expect(Buffer.from(scene.askers.owner.bytes()).includes('hash-of')).toBe(false);
  expect(scene.askers.owner.hear()).toMatchObject([
    {
      reply: {
        whoAmI: {
          identities: [
            { scheme: 'ip' },
            { scheme: 'digest', id: 'alice' },
            { scheme: 'scrypt', id: 'alice' },
          ],
        },
      },
    },
  ]);
});

test('the ACL of a node created with auth names its creator, and shows the hash to admins alone', () => {
  const scene = new Scene(0);
  const acl = [
    { perms: ALL, scheme: 'auth', id: '' },
    { perms: READ, scheme: 'world', id: 'anyone' },
  ];
  reply(scene, 'owner', create('/mine', '', acl));
  expect(reply(scene, 'anonymous', { kind: 'getAcl', path: '/mine' })).toMatchObject({
    getAcl: { acl: [{ scheme: 'scrypt', id: 'alice:x' }, { scheme: 'world' }] },
  });
  expect(reply(scene, 'owner', { kind: 'getAcl', path: '/mine' })).toMatchObject({
    getAcl: { acl: [{ scheme: 'scrypt', id: 'alice:strong-hash-of-a' }, { scheme: 'world' }] },
  });
});
