import { ACL_OPEN, asZxid, type Identity } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import {
  bytes,
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
  transaction,
} from '../test/leader.ts';
import { parseQuota } from './quota.ts';
import type { SnapshotEntry } from './snapshot.ts';

const LIMITS = '/zookeeper/quota/q/zookeeper_limits';
const STATS = '/zookeeper/quota/q/zookeeper_stats';

/** With `/q` and the node for its quota, and these limits unless they are empty. */
function leaderWithQuota(limits = ''): Leader {
  const leader = leaderWith('/q', '/zookeeper/quota/q');
  for (const text of limits === '' ? [] : [limits]) leader.do(1, create(LIMITS, text));
  return leader;
}

function use(leader: Leader, stats = STATS): string {
  return new TextDecoder().decode(leader.tree.get(stats)?.data);
}

describe('the text of a quota', () => {
  test.each([
    { text: 'count=5,bytes=-1', quota: { countSoft: 5 } },
    {
      text: 'count=1,bytes=2=;byteHardLimit=3;countHardLimit=4',
      quota: { countSoft: 1, bytesSoft: 2, bytesHard: 3, countHard: 4 },
    },
    { text: 'countHardLimit=0', quota: { countHard: 0 } },
    { text: 'bytes=7,count=-1', quota: { bytesSoft: 7 } },
  ])('$text is understood', ({ text, quota }) => {
    const none = { countSoft: undefined, bytesSoft: undefined, countHard: undefined, bytesHard: undefined };
    expect(parseQuota(bytes(text))).toEqual({ ...none, ...quota });
  });

  test.each([
    '',
    'count',
    'count=',
    'count=x',
    'count=-2',
    'count=1.5',
    'count=1,count=2',
    'nodes=5',
    'constructor=5',
    'count=5,',
    ' count=5',
    `count=${2 ** 53}`,
    `count=5${'='.repeat(300)}`,
  ])('%j is none, and refused', (text) => {
    const leader = leaderWithQuota();
    expect(leader.do(1, create(LIMITS, text))).toMatchObject({
      refusal: { code: 'BAD_ARGUMENTS', message: expect.stringContaining('count=10,bytes=-1') },
    });
    leader.do(1, create(LIMITS, 'count=5'));
    expect(outcomeOf(leader.do(1, set(LIMITS, text)))).toBe('BAD_ARGUMENTS');
    expect(outcomeOf(leader.do(1, create('/q/zookeeper_limits', text)))).toBe('done');
  });

  test('that an old history wrote otherwise limits nothing', () => {
    const leader = leaderWithQuota('countHardLimit=1');
    const cursor = leader.tree.beginSnapshot();
    const entries = drain(cursor).map(
      (entry): SnapshotEntry =>
        entry.kind === 'node' && entry.path === LIMITS ? { ...entry, data: bytes('none') } : entry,
    );
    const tree = restored(cursor, entries);
    const request = {
      kind: 'write',
      sessionId: 1,
      nonce: 'first',
      requestNo: 99,
      answeredThrough: 0,
    } as const;
    const context = { wallMs: 0, nextZxid: asZxid(tree.appliedZxid + 1), identities: [] };
    expect(tree.prepare({ ...request, operation: create('/q/a') }, context)).toMatchObject({
      txn: { body: { kind: 'change' } },
    });
  });
});

describe('a hard limit', () => {
  test('of nodes counts the top of the subtree, too', () => {
    const leader = leaderWithQuota('countHardLimit=3');
    for (const path of ['/q/a', '/q/a/b', '/q/c', '/qq']) leader.write(1, create(path));
    expect(outcomes(leader)).toEqual(['done', 'done', 'QUOTA_EXCEEDED', 'done']);
    expect(leader.do(1, create('/q/c'))).toMatchObject({
      refusal: {
        message: `/q has a quota of 3 nodes: it holds 3, this would add 1; delete some, or raise it (${LIMITS})`,
      },
    });
    leader.write(1, remove('/q/a/b'));
    leader.write(1, create('/q/c'));
    expect(outcomes(leader)).toEqual(['done', 'done']);
  });

  test('of bytes is judged by what a write adds', () => {
    const leader = leaderWithQuota('byteHardLimit=6');
    for (const operation of [
      set('/q', 'abc'),
      create('/q/a', 'abc'),
      create('/q/b', 'd'),
      create('/q/b'),
      set('/q/a', 'abcd'),
      set('/q/a', 'a'),
      set('/q/b', 'xy'),
    ])
      leader.write(1, operation);
    expect(outcomes(leader)).toEqual([
      'done',
      'done',
      'QUOTA_EXCEEDED',
      'done',
      'QUOTA_EXCEEDED',
      'done',
      'done',
    ]);
  });

  test('is judged before the version', () => {
    const leader = leaderWithQuota('byteHardLimit=1');
    expect(outcomeOf(leader.do(1, set('/q', 'xy', 7)))).toBe('QUOTA_EXCEEDED');
    expect(outcomeOf(leader.do(1, set('/q', 'x', 7)))).toBe('BAD_VERSION');
  });

  test('counts what is pending in each of the subtrees around a node, and nothing beside them', () => {
    const quotas = { '/q': 9, '/q/a': 6, '/q/a/b': 3 };
    const leader = leaderWith(
      '/q',
      '/q/a',
      '/q/a/b',
      '/qa',
      ...Object.keys(quotas).map((top) => `/zookeeper/quota${top}`),
    );
    for (const path of ['/q/x', '/q/ab', '/qa/b', '/q/a/x', '/q/a/bc', '/q/a/b/x'])
      leader.write(1, create(path));
    for (const path of ['/q/ab', '/q/a/bc']) leader.write(1, remove(path));
    for (const [top, count] of Object.entries(quotas))
      leader.write(1, create(`/zookeeper/quota${top}/zookeeper_limits`, `countHardLimit=${count}`));
    const paths = ['/q/a/b/y', '/q/a/b/z', '/q/a/y', '/q/a/z', '/q/y', '/q/z', '/qa/c'];
    for (const path of paths) leader.write(1, create(path));
    const made = outcomes(leader).slice(-paths.length);
    const full = 'QUOTA_EXCEEDED';
    expect(made).toEqual(['done', full, 'done', full, 'done', full, 'done']);
  });

  test('holds for all that is pending, in whatever order quota and nodes came', () => {
    const leader = leaderWith();
    for (const operation of [
      create('/q'),
      create('/q/a'),
      create('/q/a/b', 'xyz'),
      create('/zookeeper/quota/q'),
      create(LIMITS, 'countHardLimit=4,byteHardLimit=5'),
      create('/q/c', 'xyz'),
      create('/q/c', 'xy'),
      create('/q/d'),
      remove('/q/a/b'),
      transaction(create('/q/d', 'x'), create('/q/e')),
      create('/q/d', 'xyz'),
      remove(LIMITS),
      create('/q/e', 'xyzxyz'),
    ])
      leader.write(1, operation);
    expect(outcomes(leader)).toEqual([
      'done',
      'done',
      'done',
      'done',
      'done',
      'QUOTA_EXCEEDED',
      'done',
      'QUOTA_EXCEEDED',
      'done',
      'QUOTA_EXCEEDED',
      'done',
      'done',
      'done',
    ]);
  });

  test('is one of several along a path, and all of them hold', () => {
    const leader = leaderWithQuota('countHardLimit=3');
    leader.do(1, create('/zookeeper/quota/zookeeper_limits', 'byteHardLimit=4'));
    leader.do(1, create('/q/a'));
    leader.do(1, create('/zookeeper/quota/q/a'));
    leader.do(1, create('/zookeeper/quota/q/a/zookeeper_limits', 'countHardLimit=2'));
    const says = (path: string, data: string): unknown => leader.do(1, create(path, data));
    expect(says('/q/a/b', 'xyzxyz')).toMatchObject({
      refusal: { message: expect.stringMatching(/^\/ has/) },
    });
    expect(says('/q/a/b', 'xyz')).toMatchObject({ kind: 'done' });
    expect(says('/q/a/c', '')).toMatchObject({ refusal: { message: expect.stringMatching(/^\/q\/a has/) } });
    expect(says('/q/c', '')).toMatchObject({ refusal: { message: expect.stringMatching(/^\/q has/) } });
    expect(says('/c', 'xy')).toMatchObject({ refusal: { message: expect.stringMatching(/^\/ has/) } });
  });

  test('of a subtree that is not there yet holds for its top', () => {
    const leader = leaderWith('/zookeeper/quota/q');
    leader.do(1, create(LIMITS, 'countHardLimit=0'));
    expect(outcomeOf(leader.do(1, create('/q')))).toBe('QUOTA_EXCEEDED');
  });

  test('below what there is lets everything through that adds nothing', () => {
    const leader = leaderWithQuota();
    leader.do(1, create('/q/a', 'abcdef'));
    leader.do(1, create(LIMITS, 'countHardLimit=1,byteHardLimit=1'));
    for (const operation of [set('/q/a', 'abcdef'), set('/q/a', 'abc'), setAcl('/q/a'), remove('/q/a')])
      leader.write(1, operation);
    expect(outcomes(leader)).toEqual(['done', 'done', 'done', 'done']);
  });

  test('goes with its node, whoever takes it away', () => {
    const leader = leaderWithQuota();
    leader.do(1, create(LIMITS, 'countHardLimit=1', 'ephemeral'));
    leader.openSession(2);
    leader.write(2, create('/q/a'));
    leader.close(1);
    leader.write(2, create('/q/a'));
    leader.write(2, create(LIMITS, 'countHardLimit=2'));
    leader.write(2, create('/q/b'));
    leader.write(2, deleteTree('/zookeeper/quota/q'));
    leader.write(2, create('/q/b'));
    expect(outcomes(leader)).toEqual([
      'done',
      'QUOTA_EXCEEDED',
      'done',
      'done',
      'done',
      'QUOTA_EXCEEDED',
      'done',
      'done',
    ]);
  });

  test('holds after a restart, and a lost role', () => {
    const leader = leaderWithQuota('countHardLimit=2');
    leader.write(1, create('/q/lost'));
    leader.loseRole();
    leader.write(1, create('/q/a'));
    leader.write(1, create('/q/b'));
    expect(outcomes(leader)).toEqual(['done', 'QUOTA_EXCEEDED']);
    const cursor = leader.tree.beginSnapshot();
    const tree = restored(cursor, drain(cursor));
    const request = {
      kind: 'write',
      sessionId: 1,
      nonce: 'first',
      requestNo: 99,
      answeredThrough: 0,
    } as const;
    const context = { wallMs: 0, nextZxid: asZxid(tree.appliedZxid + 1), identities: [] };
    expect(tree.prepare({ ...request, operation: create('/q/b') }, context)).toMatchObject({
      txn: { body: { code: 'QUOTA_EXCEEDED' } },
    });
  });

  test('is judged by what is there, also when another leader changed it meanwhile', () => {
    const leader = leaderWithQuota('countHardLimit=2');
    leader.do(1, create('/q/a'));
    const { tree, nextZxid } = leader;
    const body = { kind: 'change', change: { kind: 'delete', path: '/q/a' } } as const;
    const nobody = { sessionId: 0, requestNo: 0, answeredThrough: 0, requestHash: 0 };
    tree.apply(nextZxid, { timeMs: 2_000, ...nobody, body });
    const request = {
      kind: 'write',
      sessionId: 1,
      nonce: 'first',
      requestNo: 99,
      answeredThrough: 0,
    } as const;
    const context = { wallMs: 0, nextZxid: asZxid(nextZxid + 1), identities: [] };
    expect(tree.prepare({ ...request, operation: create('/q/b') }, context)).toMatchObject({
      txn: { body: { kind: 'change' } },
    });
  });

  test('does not hold for the ensemble’s own nodes', () => {
    const leader = leaderWith('/zookeeper/quota/zookeeper');
    const own = '/zookeeper/quota/zookeeper/zookeeper_limits';
    leader.do(1, create(own, 'countHardLimit=0'));
    leader.do(1, create('/zookeeper/quota/zookeeper_limits', 'countHardLimit=2'));
    for (const path of ['/zookeeper/a', '/zookeeper/a/b', '/a', '/b']) leader.write(1, create(path));
    expect(outcomes(leader)).toEqual(['done', 'done', 'done', 'QUOTA_EXCEEDED']);
    expect(outcomeOf(leader.do(1, set(own, 'any text')))).toBe('done');
  });

  test('does not tell those who may not read the subtree how full it is', () => {
    const leader = leaderWithQuota('countHardLimit=7');
    leader.do(1, setAcl('/q', [grant(30, 'world', 'anyone')]));
    for (let count = 1; count < 7; count++) leader.do(1, create(`/q/${count}`));
    expect(leader.do(1, create('/q/more'))).toMatchObject({
      refusal: { code: 'QUOTA_EXCEEDED', message: expect.not.stringContaining('7') },
    });
  });
});

test('a soft limit lets the write go on, and the leader hears of it', () => {
  const leader = leaderWithQuota('count=2,bytes=3=;byteHardLimit=9;countHardLimit=-1');
  expect(leader.write(1, create('/q/a', 'abc'))).toMatchObject({ kind: 'txn', warnings: [] });
  expect(leader.write(1, create('/q/b', 'd'))).toMatchObject({
    warnings: [
      '/q holds 3 nodes, above the soft quota of 2',
      '/q holds 4 bytes of data, above the soft quota of 3',
    ],
  });
  expect(leader.write(1, transaction(create('/q/c'), remove('/missing')))).toMatchObject({ warnings: [] });
  expect(leader.write(1, set('/q/a', 'abcdefghi'))).toMatchObject({ warnings: [] });
  expect(outcomes(leader)).toEqual(['done', 'done', 'NO_NODE', 'QUOTA_EXCEEDED']);
});

describe('the statistics of a quota', () => {
  test('are what there is, whatever was written', () => {
    const leader = leaderWithQuota();
    leader.do(1, create(STATS, 'count=1000000'));
    leader.do(1, create('/q/a', 'abc'));
    leader.do(1, create('/q/a/b', 'de'));
    leader.do(1, set('/q', 'f'));
    expect(use(leader)).toBe('count=3,bytes=6');
    expect(leader.tree.get(STATS)?.stat.dataLength).toBe(15);
    leader.do(1, deleteTree('/q'));
    expect(use(leader)).toBe('count=0,bytes=0');
  });

  test('of the root leave out the ensemble’s own nodes', () => {
    const leader = leaderWith('/a', '/zookeeper/quota/zookeeper_stats');
    leader.do(1, create('/zookeeper/x', 'abc'));
    leader.do(1, set('/a', 'xy'));
    expect(use(leader, '/zookeeper/quota/zookeeper_stats')).toBe('count=2,bytes=2');
  });

  test('are read by those who may read both the node and the subtree', () => {
    const alice: Identity = { scheme: 'digest', id: 'alice:x' };
    const leader = leaderWith('/zookeeper/quota/q');
    leader.do(1, guarded('/q', grant(31, alice.scheme, alice.id)));
    leader.do(1, create(STATS));
    expect(leader.tree.get(STATS)).toMatchObject({
      acl: ACL_OPEN,
      alsoAcl: [grant(31, alice.scheme, alice.id)],
    });
    leader.do(1, setAcl(STATS, [grant(1, 'world', 'anyone')]));
    expect(leader.tree.get(STATS)?.acl).toEqual([grant(1, 'world', 'anyone')]);
    expect(leader.tree.get('/q')?.alsoAcl).toBeUndefined();
  });
});

test('descendants are counted as they come and go', () => {
  const leader = leaderWith('/a', '/a/b', '/a/b/c', '/a/d', '/ab');
  expect(leader.tree.descendants('/a')).toBe(3);
  expect(leader.tree.descendants('/')).toBe(leader.tree.nodeCount - 1);
  leader.do(1, deleteTree('/a/b'));
  leader.do(1, create('/a/e', '', 'ephemeral'));
  expect(leader.tree.descendants('/a')).toBe(2);
  leader.close(1);
  leader.applyAll();
  expect(leader.tree.descendants('/a')).toBe(1);
  expect(leader.tree.descendants('/a/d')).toBe(0);
  expect(leader.tree.descendants('/x')).toBeUndefined();
});
