import {
  ACL_OPEN,
  type Acl,
  type CreateMode,
  type Identity,
  isSequential,
  joinPath,
  parentOf,
  type SubOperation,
  type WriteOperation,
} from '@zabra/model';
import fc from 'fast-check';
import { create, deleteTree, grant, remove, set, setAcl, touch } from './leader.ts';

/** One move of a random run. Few paths, few sessions, few versions: so that they meet. */
export type Step =
  | { readonly kind: 'write'; readonly session: number; readonly operation: WriteOperation }
  /** Session asks once more for its write this many before the last. */
  | { readonly kind: 'repeat'; readonly session: number; readonly back: number }
  | { readonly kind: 'open'; readonly session: number }
  | { readonly kind: 'attach'; readonly session: number }
  /** The leader's reaper tries. */
  | { readonly kind: 'reap'; readonly path: string }
  | { readonly kind: 'close'; readonly session: number }
  | { readonly kind: 'apply'; readonly count: number }
  | { readonly kind: 'loseRole' }
  /** The clock moves, at times backwards. */
  | { readonly kind: 'clock'; readonly byMs: number }
  /** Begins a snapshot, or takes the next piece of the one that runs. */
  | { readonly kind: 'snapshot'; readonly max: number };

const session = fc.integer({ min: 1, max: 3 });
const name = fc.constantFrom('a', 'a', 'b', 'b', '__proto__', 'n-0000000001');
const depth = fc.constantFrom(1, 1, 1, 2, 2, 3);
const path = depth.chain((length) =>
  fc.array(name, { minLength: length, maxLength: length }).map((names) => `/${names.join('/')}`),
);
/** Whom the client of each session has proved to be. */
export const IDENTITIES: Readonly<Record<number, readonly Identity[]>> = {
  1: [{ scheme: 'digest', id: 'u:1' }],
  2: [
    { scheme: 'digest', id: 'v:2' },
    { scheme: 'scrypt', id: 'v:3' },
  ],
  3: [{ scheme: 'ip', id: '10.0.0.1' }],
};

const acl = fc.oneof(
  { weight: 12, arbitrary: fc.constant<readonly Acl[]>(ACL_OPEN) },
  {
    weight: 5,
    arbitrary: fc.constantFrom<readonly Acl[]>(
      [grant(31, 'auth', '')],
      [grant(31, 'digest', 'u:1'), grant(1, 'world', 'anyone')],
      [grant(27, 'world', 'anyone')],
      [grant(6, 'world', 'anyone')],
      [grant(31, 'digest', 'u:1')],
      [grant(31, 'scrypt', 'v:3')],
      [grant(30, 'world', 'anyone'), grant(1, 'ip', '10.0.0.0/8')],
      [grant(31, 'world', 'somebody')],
    ),
  },
);
const limitsPath = fc.constantFrom(
  '/zookeeper/quota/a/zookeeper_limits',
  '/zookeeper/quota/a/a/zookeeper_limits',
  '/zookeeper/quota/zookeeper_limits',
);
const limits = fc.constantFrom(
  'count=4,bytes=-1',
  'count=-1,bytes=4=;byteHardLimit=9;countHardLimit=-1',
  'count=2,bytes=-1=;byteHardLimit=-1;countHardLimit=3',
  'count=-1,bytes=-1=;countHardLimit=14',
  'nothing',
);
const version = fc.constantFrom(-1, -1, -1, -1, 0, 1);
const data = fc.string({ maxLength: 6 });
const mode = fc.constantFrom<CreateMode>(
  'persistent',
  'persistent-sequential',
  'ephemeral',
  'ephemeral-sequential',
  'container',
  'container',
  'ttl',
  'ttl-sequential',
);

const plainCreate: fc.Arbitrary<SubOperation> = fc
  .tuple(path, data, mode, acl)
  .map(([at, text, how, who]) => ({
    ...create(isSequential(how) ? joinPath(parentOf(at), 'n-') : at, text, how),
    acl: who,
  }));
const makeQuota = fc.tuple(limitsPath, limits).map(([at, text]) => create(at, text));
const setQuota = fc.tuple(limitsPath, limits).map(([at, text]) => set(at, text));
const removeQuota = limitsPath.map((at) => remove(at));
const plainSetAcl = fc.tuple(path, acl, version).map(([at, who, expected]) => setAcl(at, who, expected));
const openAgain = path.map((at) => setAcl(at));
const plainTouch = path.map(touch);
const wholeTree = fc
  .tuple(
    fc.oneof({ weight: 6, arbitrary: path }, limitsPath),
    fc.constantFrom(1, 1, 2, 2, 3, 0),
    fc.boolean(),
  )
  .map(([at, nodesMax, atomic]) => deleteTree(at, nodesMax, atomic));
const plainSet = fc.tuple(path, data, version).map(([at, text, expected]) => set(at, text, expected));
const plainDelete = fc.tuple(path, version).map(([at, expected]) => remove(at, expected));
const check: fc.Arbitrary<SubOperation> = fc
  .tuple(path, version)
  .map(([at, expected]) => ({ kind: 'check', path: at, version: expected }));
const checkAbsent: fc.Arbitrary<SubOperation> = path.map((at) => ({ kind: 'checkAbsent', path: at }));

const checkOwner: fc.Arbitrary<SubOperation> = fc
  .tuple(path, fc.integer({ min: 1, max: 3 }))
  .map(([at, sessionId]) => ({ kind: 'checkOwner', path: at, sessionId }));

const single = fc.oneof(
  { weight: 20, arbitrary: plainCreate },
  { weight: 8, arbitrary: plainSet },
  { weight: 9, arbitrary: plainDelete },
  { weight: 4, arbitrary: plainSetAcl },
  { weight: 2, arbitrary: openAgain },
  { weight: 1, arbitrary: plainTouch },
  { weight: 3, arbitrary: makeQuota },
  { weight: 1, arbitrary: setQuota },
  { weight: 1, arbitrary: removeQuota },
);
const sub = fc.oneof({ weight: 12, arbitrary: single }, check, checkAbsent, checkOwner);
const operation: fc.Arbitrary<WriteOperation> = fc.oneof(
  { weight: 6, arbitrary: single as fc.Arbitrary<WriteOperation> },
  { weight: 1, arbitrary: wholeTree as fc.Arbitrary<WriteOperation> },
  {
    weight: 2,
    arbitrary: fc
      .array(sub, { maxLength: 5 })
      .map((operations) => ({ kind: 'transaction' as const, operations })),
  },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('write' as const), session, operation }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('repeat' as const), session, back: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('open' as const), session }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('attach' as const), session }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), session }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('reap' as const), path }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('apply' as const), count: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'loseRole' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('clock' as const), byMs: fc.integer({ min: -50, max: 200 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('snapshot' as const), max: fc.integer({ min: 1, max: 6 }) }),
  },
);

export const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(step, { minLength: 20, maxLength: 150, size: 'max' })
  .map((random) => [...BEGINNING, ...random]);

/** Two sessions and a few nodes, without which most writes would only be refused. */
const BEGINNING: readonly Step[] = [
  { kind: 'open', session: 1 },
  { kind: 'open', session: 2 },
  { kind: 'open', session: 3 },
  ...['/a', '/b', '/a/a', '/a/b', '/b/a', '/a/a/b', '/zookeeper/quota/a', '/zookeeper/quota/a/a'].map(
    (at): Step => ({ kind: 'write', session: 1, operation: create(at) }),
  ),
  { kind: 'write', session: 1, operation: create('/zookeeper/quota/a/zookeeper_stats', 'untrue') },
  { kind: 'write', session: 1, operation: create('/zookeeper/quota/zookeeper_stats') },
  { kind: 'write', session: 1, operation: create('/a/__proto__', '', 'container') },
  { kind: 'write', session: 1, operation: create('/b/b', '', 'ttl') },
  { kind: 'apply', count: 20 },
];
