import {
  ANY_VERSION,
  type CreateMode,
  type ErrorCode,
  isSequential,
  isTtl,
  OPERATIONS,
  type OperationName,
  PERMISSIONS,
  type PermissionRule,
  type SubOperation,
  unreachable,
  type WriteOperation,
} from '@zabra/model';
import type { NodeQuery, Query } from '../../src/core/clients/client-codec.ts';
import { type AskerName, bytes, type Grantee, isAllowed } from './scene.ts';

/** One request against the scene, and what comes of it when the rule allows it. */
export interface Probe {
  readonly name: string;
  readonly operation: OperationName;
  readonly ask: WriteOperation | Query;
  /** The node that it is about. */
  readonly about: 'leaf' | 'tree';
  readonly allowed: 'OK' | ErrorCode;
  /** Where the code stands: for what is inside a transaction or a multiRead, with the first of them. */
  readonly inside: 'transaction' | 'multiRead' | undefined;
}

export interface Cell {
  readonly grantee: Grantee;
  readonly parent: number;
  readonly node: number;
  readonly asker: AskerName;
}

type Lone = Omit<Probe, 'inside' | 'ask'> & { readonly ask: WriteOperation | SubOperation | Query };

const MODES: readonly CreateMode[] = [
  'persistent',
  'persistent-sequential',
  'ephemeral',
  'ephemeral-sequential',
  'container',
  'ttl',
  'ttl-sequential',
];
const ANOTHER_VERSION = 4_000_000_000;
const leaf = '/p/leaf';
const tree = '/p/tree';

function probe(ask: Lone['ask'], allowed: Probe['allowed'] = 'OK', name: string = ask.kind): Lone {
  const about = 'path' in ask && ask.path === tree ? 'tree' : 'leaf';
  return { name, operation: ask.kind as OperationName, ask, about, allowed };
}

const CREATES = MODES.map((mode) => {
  const path = isSequential(mode) ? '/p/new-' : '/p/new';
  const ask = {
    kind: 'create',
    path,
    data: bytes('new'),
    mode,
    acl: [],
    ttlMs: isTtl(mode) ? 1000 : 0,
  } as const;
  return probe(ask, 'OK', `create ${mode}`);
});
const SUB: readonly Lone[] = [
  ...CREATES,
  probe(
    { kind: 'create', path: leaf, data: bytes('new'), mode: 'persistent', acl: [], ttlMs: 0 },
    'NODE_EXISTS',
    'create what exists',
  ),
  probe({ kind: 'set', path: leaf, data: bytes('new'), version: ANY_VERSION }),
  probe(
    { kind: 'set', path: leaf, data: bytes('new'), version: ANOTHER_VERSION },
    'BAD_VERSION',
    'set another version',
  ),
  probe({ kind: 'delete', path: leaf, version: ANY_VERSION }),
  probe({ kind: 'delete', path: leaf, version: ANOTHER_VERSION }, 'BAD_VERSION', 'delete another version'),
  probe({ kind: 'delete', path: tree, version: ANY_VERSION }, 'NOT_EMPTY', 'delete what has children'),
  probe({ kind: 'setAcl', path: leaf, acl: [], version: ANY_VERSION }),
  probe(
    { kind: 'setAcl', path: leaf, acl: [], version: ANOTHER_VERSION },
    'BAD_VERSION',
    'setAcl another version',
  ),
  probe({ kind: 'touch', path: leaf }),
  probe({ kind: 'touch', path: tree }, 'BAD_ARGUMENTS', 'touch what has no TTL'),
];
const CONDITIONS: readonly Lone[] = [
  probe({ kind: 'check', path: leaf, version: ANY_VERSION }),
  probe({ kind: 'check', path: leaf, version: ANOTHER_VERSION }, 'BAD_VERSION', 'check another version'),
  probe({ kind: 'checkAbsent', path: leaf }, 'NODE_EXISTS'),
  probe({ kind: 'checkOwner', path: leaf, sessionId: 5 }, 'CONFLICT'),
];
const TREES: readonly Lone[] = [
  probe({ kind: 'deleteTree', path: tree, nodesMax: 0, atomic: false }),
  probe({ kind: 'deleteTree', path: tree, nodesMax: 1, atomic: true }, 'LIMIT', 'deleteTree of too much'),
];
const PAGE = { after: '', limit: 0, withStats: false };
const NODE_READS: readonly (Lone & { readonly ask: NodeQuery })[] = (
  [
    { kind: 'get', path: leaf, watch: false },
    { kind: 'get', path: tree, watch: false },
    { kind: 'exists', path: leaf, watch: false },
    { kind: 'children', path: tree, watch: false, page: PAGE },
    { kind: 'children', path: tree, watch: false, page: { after: 'hidden-a', limit: 1, withStats: true } },
  ] as const
).map((ask) => ({ ...probe(ask), ask }));
const READS: readonly Lone[] = [
  ...NODE_READS,
  probe({ kind: 'getAcl', path: leaf }),
  probe({ kind: 'descendants', path: tree }),
  probe({ kind: 'ephemerals', prefix: '' }),
  probe({ kind: 'whoAmI' }),
  probe({ kind: 'sync', path: leaf }),
  probe({ kind: 'addWatch', watch: { id: 7, kind: 'persistent', path: leaf }, fromZxid: undefined }),
  probe({ kind: 'removeWatch', watch: 'persistent', path: leaf, id: 7 }),
];

/** Every operation that a permission could matter to, alone and inside of what it may stand in. */
export const PROBES: readonly Probe[] = [
  ...[...SUB, ...TREES, ...READS].map((lone) => ({
    ...lone,
    ask: lone.ask as Probe['ask'],
    inside: undefined,
  })),
  // The last operation fails, so that nothing is changed.
  ...[...SUB, ...CONDITIONS].map((sub): Probe => {
    const never = { kind: 'check', path: '/never', version: ANY_VERSION } as const;
    const operations = [sub.ask as SubOperation, never];
    return {
      ...sub,
      ask: { kind: 'transaction', operations },
      inside: 'transaction',
      name: `${sub.name} in a transaction`,
    };
  }),
  ...NODE_READS.map((read): Probe => {
    const ask = { kind: 'multiRead', reads: [read.ask] } as const;
    return { ...read, ask, inside: 'multiRead', name: `${read.name} in a multiRead` };
  }),
];

/** What the operation table says of it. */
export function isPermitted({ operation }: Probe, { grantee, parent, node, asker }: Cell): boolean {
  const record = OPERATIONS.find(({ name }) => name === operation);
  return (record?.permissions ?? []).every(({ anyOf, on }) => {
    const bits = anyOf.reduce((sum, name) => sum | PERMISSIONS[name], 0);
    return placesOf(on, parent, node).every((perms) => isAllowed(grantee, perms, bits, asker));
  });
}

function placesOf(on: PermissionRule['on'], parent: number, node: number): readonly number[] {
  switch (on) {
    case 'node':
    case 'each node that has children':
      return [node];
    case 'parent':
      return [parent];
    case 'parent of each node that goes':
      return [parent, node];
    default:
      return unreachable(on);
  }
}

/** Does the parent's ACL, by the table, decide about it? */
export function dependsOnParent({ operation }: Probe): boolean {
  const record = OPERATIONS.find(({ name }) => name === operation);
  return (record?.permissions ?? []).some(({ on }) => on.startsWith('parent'));
}
