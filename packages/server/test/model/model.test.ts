import { expect, test } from 'vitest';
import { FLAWS } from './flaws.ts';
import { modelRun, type Tally } from './model-run.ts';

const SEEDS = 25;
const OPERATIONS = 2000;

test('random operations of four sessions come out as the model says: results, Stats, error codes, events', () => {
  const tally: Tally = new Map();
  for (let seed = 1; seed <= SEEDS; seed++) expect(modelRun(seed, OPERATIONS, { tally })).toBeUndefined();
  expect(MET.filter((what) => (tally.get(what) ?? 0) < 10)).toEqual([]);
}, 120_000);

/** What the random operations must have met often enough to tell. */
const MET: readonly string[] = [
  ...['create', 'set', 'delete', 'setAcl', 'touch', 'deleteTree', 'check', 'checkAbsent', 'checkOwner'].map(
    (kind) => `done ${kind}`,
  ),
  ...['acl', 'data', 'descendants', 'exists', 'identities', 'names', 'paths', 'reads', 'sync', 'watch'].map(
    (kind) => `answer ${kind}`,
  ),
  ...['data', 'persistent', 'persistentRecursive'].map((watch) => `event changed ${watch}`),
  ...['data', 'child', 'persistent', 'persistentRecursive'].map((watch) => `event deleted ${watch}`),
  ...['exist', 'persistent', 'persistentRecursive'].map((watch) => `event created ${watch}`),
  ...['child', 'persistent'].map((watch) => `event children ${watch}`),
  ...['AUTH_FAILED', 'BAD_ARGUMENTS', 'BAD_VERSION', 'CONFLICT', 'DATA_TOO_LARGE', 'INVALID_ACL'].map(
    (code) => `refused ${code}`,
  ),
  ...['INVALID_PATH', 'LIMIT', 'NODE_EXISTS', 'NOT_EMPTY', 'NO_AUTH', 'NO_CHILDREN_FOR_EPHEMERALS'].map(
    (code) => `refused ${code}`,
  ),
  ...['NO_NODE', 'NO_WATCHER', 'QUOTA_EXCEEDED'].map((code) => `refused ${code}`),
  ...['exist', 'persistent', 'persistentRecursive'].map((watch) => `event resync ${watch}`),
  'answer authenticated',
  'answer goodbye',
];

test.each(Object.keys(FLAWS))('a planted flaw is found: %s', (name) => {
  const flaws = FLAWS[name] ?? {};
  const found = [1, 2, 3].map((seed) => modelRun(seed, OPERATIONS, { flaws }));
  expect(found.filter((difference) => difference !== undefined).length).toBeGreaterThan(0);
});
