import type { Change, TxnBody } from '@zabra/model';
import { expect, test } from 'vitest';
import { modelRun, type Tally } from './model-run.ts';
import type { Flaws } from './one-server.ts';

const SEEDS = 40;
const OPERATIONS = 2000;

test('random operations of four sessions come out as the model says: results, Stats, error codes, events', () => {
  const tally: Tally = new Map();
  for (let seed = 1; seed <= SEEDS; seed++) expect(modelRun(seed, OPERATIONS, { tally })).toBeUndefined();
  expect(MET.filter((what) => (tally.get(what) ?? 0) < 20)).toEqual([]);
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

const FLAWS: readonly { readonly name: string; readonly flaws: Flaws }[] = [
  {
    name: 'a set that forgets the last byte',
    flaws: {
      txn: (txn) => ({
        ...txn,
        body: changed(txn.body, (change) =>
          change.kind === 'set' ? { ...change, data: change.data.slice(0, -1) } : change,
        ),
      }),
    },
  },
  {
    name: 'no event of the children of the root',
    flaws: {
      applied: (applied) => ({
        ...applied,
        events: applied.events.filter(({ type, path }) => type !== 'children' || path !== '/'),
      }),
    },
  },
  {
    name: 'an event that anybody may read',
    flaws: {
      applied: (applied) => ({ ...applied, events: applied.events.map((event) => ({ ...event, acl: [] })) }),
    },
  },
  {
    name: 'writes that are never refused for want of a permission',
    flaws: { identities: (identities) => [...identities, { scheme: 'super', id: '' }] },
  },
];

test.each(FLAWS)('a planted flaw is found: $name', ({ flaws }) => {
  const found = [1, 2, 3].map((seed) => modelRun(seed, OPERATIONS, { flaws }));
  expect(found.filter((difference) => difference !== undefined).length).toBeGreaterThan(0);
});

function changed(body: TxnBody, change: (change: Change) => Change): TxnBody {
  return body.kind === 'change' ? { ...body, change: change(body.change) } : body;
}
