import { expect, test } from 'vitest';
import { text } from './codecs.ts';
import { served } from './model-server.test-support.ts';
import { limitsText, type Quota, quotaOf, quotaPaths } from './quota.ts';

const NONE = { count: null, bytes: null, countSoft: null, bytesSoft: null };

test.each<{ name: string; written: string; limits: Omit<Quota, 'used'> }>([
  { name: 'soft limits', written: 'count=5,bytes=-1', limits: { ...NONE, countSoft: 5 } },
  {
    name: 'all limits',
    written: 'count=5,bytes=6=;byteHardLimit=8;countHardLimit=7',
    limits: { count: 7, bytes: 8, countSoft: 5, bytesSoft: 6 },
  },
  { name: 'another order', written: 'bytes=6,count=-1', limits: { ...NONE, bytesSoft: 6 } },
])('$name as ZooKeeper writes them are read', ({ written, limits }) => {
  const quota = quotaOf(quotaPaths('/a'), written, 'count=2,bytes=9');
  expect(quota).toEqual({ ...limits, used: { count: 2, bytes: 9 } });
});

test('limits are written as ZooKeeper reads them', () => {
  expect(limitsText({ countSoft: 5 })).toBe('count=5,bytes=-1');
  expect(limitsText({ count: 7 })).toBe('count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=7');
});

test('a quota is set, read, replaced and deleted with the folders that only it needed', async () => {
  const { server, zk } = await served();
  for (const path of ['/zookeeper', '/zookeeper/quota', '/app', '/app/a', '/app/b']) server.create(path);
  const view = zk.namespace('/app');
  expect(await server.during(view.getQuota('/a'))).toBe(null);
  await server.during(view.setQuota('/a', { count: 10, bytesSoft: 99 }));
  expect(await server.during(view.getQuota('/a'))).toEqual({
    ...NONE,
    count: 10,
    bytesSoft: 99,
    used: { count: 0, bytes: 0 },
  });
  const limits = await server.during(zk.get('/zookeeper/quota/app/a/zookeeper_limits'));
  expect(text.decode(limits.data)).toBe('count=-1,bytes=99=;byteHardLimit=-1;countHardLimit=10');
  await server.during(view.setQuota('/b', { bytes: 5 }));
  await server.during(view.setQuota('/a', { bytes: 5 }));
  expect(await server.during(view.getQuota('/a'))).toMatchObject({ count: null, bytes: 5, bytesSoft: null });
  await server.during(view.deleteQuota('/a'));
  await server.during(view.deleteQuota('/a'));
  expect(await server.during(zk.children('/zookeeper/quota/app'))).toEqual(['b']);
  await server.during(view.deleteQuota('/b'));
  expect(await server.during(zk.children('/zookeeper/quota'))).toEqual([]);
});

test('the whole tree may have a quota', () => {
  expect(quotaPaths('/')).toEqual({
    limits: '/zookeeper/quota/zookeeper_limits',
    stats: '/zookeeper/quota/zookeeper_stats',
    folders: [],
  });
});

test('a limit that is none, a node that is not there and a text that is no quota are told apart', async () => {
  const { server, zk } = await served();
  await expect(server.during(zk.setQuota('/a', { count: -2 }))).rejects.toMatchObject({
    code: 'BAD_ARGUMENTS',
  });
  await expect(server.during(zk.setQuota('/a', { count: 2 }))).rejects.toMatchObject({
    code: 'NO_NODE',
    path: '/a',
  });
  expect(() => quotaOf(quotaPaths('/a'), 'many', 'count=1,bytes=1')).toThrow(
    expect.objectContaining({ code: 'CODEC_FAILED', path: '/zookeeper/quota/a/zookeeper_limits' }),
  );
});
