import { connect, type ZooKeeper } from '@zabra/client';
import { type Ensemble, startEnsemble } from '@zabra/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../exit-code.ts';
import { refuseFullTarget, TreeCopy } from './copy-tree.ts';
import { verify } from './copy-verify.ts';

/** Two subtrees of one ensemble, each seen by a client of its own. */
describe('a copy', () => {
  let ensemble: Ensemble;
  let source: ZooKeeper;
  let target: ZooKeeper;
  let number = 0;

  beforeAll(async () => {
    ensemble = await startEnsemble({ servers: 1 });
  });
  afterAll(() => ensemble.close());
  beforeEach(async () => {
    number++;
    source = await connect(`${ensemble.servers}/from-${number}`);
    target = await connect(`${ensemble.servers}/to-${number}`);
    await source.ensure('/');
  });
  afterEach(async () => {
    await source.close();
    await target.close();
  });

  async function seen(client: ZooKeeper): Promise<readonly string[]> {
    const lines: string[] = [];
    for await (const { path, data } of client.walk('/')) {
      const { acl } = await client.getAcl(path);
      lines.push(`${path} ${Buffer.from(data)} ${JSON.stringify(acl)}`);
    }
    return lines;
  }

  async function changes(copying: TreeCopy, change: () => Promise<void>): Promise<void> {
    await using watcher = source.watch('/', { recursive: true });
    const events = watcher[Symbol.asyncIterator]();
    await change();
    await source.create('/last');
    for (;;) {
      const { value } = await events.next();
      copying.hear(value);
      if (value.path === '/last') break;
    }
    await copying.caughtUp();
  }

  test('takes data and ACLs, leaves ephemerals out, and is equal', async () => {
    await source.create('/a', 'data of a');
    await source.create('/a/b', new Uint8Array(0));
    await source.create('/a/b/c', 'x', {
      acl: [{ scheme: 'world', id: 'anyone', perms: ['read', 'admin'] }],
    });
    await source.create('/here', 'x', { mode: 'ephemeral' });
    await source.set('/', 'of the top');
    const copying = new TreeCopy(source, target);
    copying.scan();
    await copying.caughtUp();
    expect(copying.counts).toMatchObject({ created: 3, dataSet: 1, deleted: 0 });
    expect(await verify({ source, target }, copying, false)).toEqual({
      compared: 4,
      ephemerals: 1,
      kept: 0,
      differences: 0,
      differing: [],
    });
    await source.delete('/here');
    expect(await seen(target)).toEqual(await seen(source));
  });

  test('follows what is made, set, deleted and made again, below a node too that came again', async () => {
    await source.create('/a', 'a');
    await source.create('/a/b', 'b');
    const copying = new TreeCopy(source, target);
    copying.scan();
    await copying.caughtUp();
    await changes(copying, async () => {
      await source.set('/a/b', 'other');
      await source.create('/c', 'c');
      await source.delete('/a', { recursive: true });
      await source.create('/a', 'new');
      await source.create('/a/new', 'below');
    });
    expect(await seen(target)).toEqual(await seen(source));
  });

  test('finds what no event told of when it goes through everything again', async () => {
    for (const path of ['/a', '/a/b', '/a/b/c', '/d']) await source.create(path, path);
    const copying = new TreeCopy(source, target);
    copying.scan();
    await copying.caughtUp();
    await source.delete('/a', { recursive: true });
    await source.set('/d', 'set');
    await source.setAcl('/d', [{ scheme: 'world', id: 'anyone', perms: ['read', 'admin'] }]);
    copying.hear({ type: 'resync', reason: 'overflow', zxid: 0n });
    await copying.caughtUp();
    expect(await seen(target)).toEqual(await seen(source));
    expect(copying.counts).toMatchObject({ deleted: 3, dataSet: 1, aclsSet: 1, scans: 2 });
  });

  test('deletes nothing that others put at the target', async () => {
    for (const path of ['/a', '/a/b']) await source.create(path);
    const copying = new TreeCopy(source, target);
    copying.scan();
    await copying.caughtUp();
    await target.create('/a/of-others');
    await target.create('/of-others');
    await changes(copying, () => source.delete('/a', { recursive: true }));
    copying.scan();
    await copying.caughtUp();
    expect(await target.children('/')).toEqual(['a', 'last', 'of-others']);
    expect(await target.children('/a')).toEqual(['of-others']);

    const strict = await verify({ source, target }, copying, false);
    expect(strict.differing).toEqual([
      { path: '/a', what: 'extra' },
      { path: '/of-others', what: 'extra' },
    ]);
  });

  test('leaves equal nodes alone, puts others right, and keeps what is at the target only', async () => {
    for (const path of ['/same', '/other', '/missing']) await source.create(path, path);
    await target.ensure('/');
    await target.create('/same', '/same');
    await target.create('/other', 'something else');
    await target.create('/kept');
    await expect(refuseFullTarget(target, 'URL')).rejects.toThrow(Failure);
    const copying = new TreeCopy(source, target);
    copying.scan();
    await copying.caughtUp();
    expect(copying.counts).toMatchObject({ created: 1, dataSet: 1, aclsSet: 0, deleted: 0 });
    expect(await verify({ source, target }, copying, true)).toMatchObject({ differences: 0, kept: 1 });
  });

  test('a comparison finds each kind of difference', async () => {
    for (const path of ['/missing', '/data', '/acl']) await source.create(path, 'x');
    const copying = new TreeCopy(source, target);
    copying.scan();
    await copying.caughtUp();
    await target.delete('/missing');
    await target.set('/data', 'y');
    await target.setAcl('/acl', [{ scheme: 'world', id: 'anyone', perms: ['read', 'admin'] }]);
    const { differences, differing } = await verify({ source, target }, copying, false);
    expect(differences).toBe(3);
    expect([...differing].sort((left, right) => (left.path < right.path ? -1 : 1))).toEqual([
      { path: '/acl', what: 'acl' },
      { path: '/data', what: 'data' },
      { path: '/missing', what: 'missing' },
    ]);
  });

  test('what can not be read is a failure that names the node', async () => {
    await source.create('/closed', 'x', { acl: [{ scheme: 'digest', id: 'a:hash', perms: 'all' }] });
    const copying = new TreeCopy(source, target);
    copying.scan();
    await expect(copying.caughtUp()).rejects.toThrow('/closed');
    await expect(copying.failed).rejects.toThrow('/closed');
  });

  test('an ACL whose hashes are not shown is never written', async () => {
    await source.create('/half-open', 'x', {
      acl: [
        { scheme: 'digest', id: 'a:hash', perms: 'all' },
        { scheme: 'world', id: 'anyone', perms: ['read'] },
      ],
    });
    const copying = new TreeCopy(source, target);
    copying.scan();
    await expect(copying.caughtUp()).rejects.toThrow('does not show the hashes in the ACL of /half-open');
    expect(await target.exists('/half-open')).toBeNull();
  });
});
