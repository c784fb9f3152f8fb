import {
  type CreateMode,
  isSequential,
  joinPath,
  parentOf,
  type SubOperation,
  type WriteOperation,
} from '@zabra/model';
import fc from 'fast-check';
import { create, remove, set } from './leader.ts';

/** One move of a random run. Few paths, few sessions, few versions: so that they meet. */
export type Step =
  | { readonly kind: 'write'; readonly session: number; readonly operation: WriteOperation }
  /** Session asks once more for its write this many before the last. */
  | { readonly kind: 'repeat'; readonly session: number; readonly back: number }
  | { readonly kind: 'open'; readonly session: number }
  | { readonly kind: 'attach'; readonly session: number }
  | { readonly kind: 'close'; readonly session: number }
  | { readonly kind: 'apply'; readonly count: number }
  | { readonly kind: 'loseRole' }
  /** The clock moves, at times backwards. */
  | { readonly kind: 'clock'; readonly byMs: number }
  /** Begins a snapshot, or takes the next piece of the one that runs. */
  | { readonly kind: 'snapshot'; readonly max: number };

const session = fc.integer({ min: 1, max: 3 });
const name = fc.constantFrom('a', 'b', '__proto__', 'n-0000000001');
const depth = fc.constantFrom(1, 1, 1, 2, 2, 3);
const path = depth.chain((length) =>
  fc.array(name, { minLength: length, maxLength: length }).map((names) => `/${names.join('/')}`),
);
const version = fc.constantFrom(-1, -1, -1, -1, 0, 1);
const data = fc.string({ maxLength: 6 });
const mode = fc.constantFrom<CreateMode>(
  'persistent',
  'persistent-sequential',
  'ephemeral',
  'ephemeral-sequential',
);

const plainCreate: fc.Arbitrary<SubOperation> = fc
  .tuple(path, data, mode)
  .map(([at, text, how]) => create(isSequential(how) ? joinPath(parentOf(at), 'n-') : at, text, how));
const plainSet = fc.tuple(path, data, version).map(([at, text, expected]) => set(at, text, expected));
const plainDelete = fc.tuple(path, version).map(([at, expected]) => remove(at, expected));
const check: fc.Arbitrary<SubOperation> = fc
  .tuple(path, version)
  .map(([at, expected]) => ({ kind: 'check', path: at, version: expected }));
const checkAbsent: fc.Arbitrary<SubOperation> = path.map((at) => ({ kind: 'checkAbsent', path: at }));

const single = fc.oneof(
  { weight: 5, arbitrary: plainCreate },
  { weight: 2, arbitrary: plainSet },
  { weight: 3, arbitrary: plainDelete },
);
const sub = fc.oneof({ weight: 8, arbitrary: single }, check, checkAbsent);
const operation: fc.Arbitrary<WriteOperation> = fc.oneof(
  { weight: 3, arbitrary: single as fc.Arbitrary<WriteOperation> },
  {
    weight: 1,
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
  ...['/a', '/b', '/a/a', '/a/b', '/b/a', '/a/a/b'].map(
    (at): Step => ({ kind: 'write', session: 1, operation: create(at) }),
  ),
];
