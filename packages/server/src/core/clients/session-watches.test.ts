import {
  ANY_VERSION,
  asZxid,
  makeZxid,
  type PersistentWatchKind,
  type WatchKind,
  type WriteOperation,
} from '@zabra/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  aclOf,
  createOf,
  inOrder,
  lineOf,
  type WatchingClient,
  WatchingWorld,
} from '../../../test/watching-world.ts';

/** Said since it was last asked. */
function said(client: WatchingClient): readonly string[] {
  const words = client.said.map(lineOf);
  client.said = [];
  return words;
}

test('an event is said with the watch that heard it, at once', () => {
  const world = new WatchingWorld(10);
  const client = world.client();
  client.arm('exist', '/a');
  client.add('persistent', '/');
  client.add('persistentRecursive', '/');
  world.create('/a');
  world.set('/a');
  expect(said(client)).toEqual([
    '2 created /a exist',
    '2 created /a persistentRecursive 2',
    '2 children / persistent 1',
    '3 changed /a persistentRecursive 2',
  ]);
  expect(client.session?.has(1)).toBe(true);
  expect(client.remove(1)).toBe(true);
  expect(client.session?.has(1)).toBe(false);
  expect(client.session?.count).toBe(1);
});

test('who may not read the node is told nothing, and the one-shot is consumed all the same', () => {
  const world = new WatchingWorld(10);
  const [stranger, reader] = [world.client('somebody'), world.client('reader')];
  for (const client of [stranger, reader]) {
    client.arm('exist', '/a');
    client.arm('child', '/');
    client.add('persistentRecursive', '/');
  }
  world.create('/a', 'reader');
  expect(said(stranger)).toEqual(['2 children / child']);
  expect(said(reader)).toEqual([
    '2 created /a exist',
    '2 created /a persistentRecursive 1',
    '2 children / child',
  ]);
  // Nor can it be found out from the watches.
  expect(stranger.session?.count).toBe(2);
  expect(stranger.disarm('exist', '/a')).toEqual({ removed: true, held: true });
  expect(stranger.session?.count).toBe(1);
});

test('who comes back hears what it missed, in order, by the ACL as of each change', () => {
  const world = new WatchingWorld(100);
  const [stranger, reader] = [world.client(), world.client('reader')];
  for (const client of [stranger, reader]) {
    client.arm('exist', '/a');
    client.arm('exist', '/b');
    client.add('persistentRecursive', '/');
    client.add('persistent', '/a');
    client.cut(0);
  }
  world.create('/a', 'reader');
  world.write({ kind: 'setAcl', path: '/a', acl: aclOf(undefined), version: ANY_VERSION });
  world.create('/a/x');
  world.delete('/a/x');
  world.delete('/a');
  for (const client of [stranger, reader]) client.back();
  const both = [
    '4 created /a/x persistentRecursive 1',
    '4 children /a persistent 2',
    '5 deleted /a/x persistentRecursive 1',
    '5 children /a persistent 2',
    '6 deleted /a persistent 2',
    '6 deleted /a persistentRecursive 1',
  ];
  expect(said(stranger)).toEqual(both);
  expect(said(reader)).toEqual([
    '2 created /a exist',
    '2 created /a persistent 2',
    '2 created /a persistentRecursive 1',
    ...both,
  ]);
  world.create('/b');
  expect(said(stranger)).toEqual(['7 created /b exist', '7 created /b persistentRecursive 1']);
});

test('where the history ends too early, a watch that stays hears resync once, and goes on', () => {
  const world = new WatchingWorld(3);
  const client = world.client();
  client.add('persistentRecursive', '/');
  client.add('persistent', '/a');
  client.cut(0);
  for (const path of ['/a', '/b', '/c', '/d']) world.create(path);
  client.back();
  expect(said(client)).toEqual(['5 resync / persistentRecursive 1', '5 resync /a persistent 2']);
  world.set('/a');
  expect(said(client)).toEqual(['6 changed /a persistent 2', '6 changed /a persistentRecursive 1']);
});

test('the floor itself is early enough', () => {
  const world = new WatchingWorld(3);
  const client = world.client();
  client.add('persistentRecursive', '/');
  client.cut(0);
  for (const path of ['/b', '/c', '/d']) world.create(path);
  client.back();
  expect(said(client)).toHaveLength(3);
});

test('a client that has seen what this server has not is told to read again', () => {
  const world = new WatchingWorld(10);
  const client = world.client();
  world.create('/a');
  client.add('persistent', '/a', asZxid(world.tree.appliedZxid + 1));
  client.add('persistent', '/a', world.tree.appliedZxid);
  expect(said(client)).toEqual(['2 resync /a persistent 1']);
});

test('a watch may begin in the past', () => {
  const world = new WatchingWorld(2);
  const client = world.client();
  for (const path of ['/a', '/b', '/c']) world.create(path);
  client.add('persistentRecursive', '/', makeZxid(1, 3));
  client.add('persistentRecursive', '/b', makeZxid(1, 2));
  client.add('persistentRecursive', '/', makeZxid(1, 1));
  client.add('persistentRecursive', '/');
  expect(said(client)).toEqual([
    '4 created /c persistentRecursive 1',
    '3 created /b persistentRecursive 2',
    '4 resync / persistentRecursive 3',
  ]);
});

test('more than a client could take is not replayed: it reads again', () => {
  const world = new WatchingWorld(1000);
  const name = 'n'.repeat(4000);
  for (let number = 0; number < 600; number++) world.create(`/${name}${number}`);
  const client = world.client();
  const from = makeZxid(1, 1);
  client.add('persistentRecursive', '/', from);
  expect(said(client)).toHaveLength(600);
  const id = (path: number): { id: number; kind: 'persistentRecursive'; path: string } => ({
    id: path + 10,
    kind: 'persistentRecursive',
    path: '/',
  });
  client.session?.resume(
    [],
    Array.from({ length: 10 }, (_, number) => id(number)),
    from,
    world.tree,
  );
  expect(new Set(client.said.map(({ type }) => type))).toEqual(new Set(['resync']));
  expect(client.said).toHaveLength(10);
});

// The history is gone: the Stat of the node says what it can.
test.each([
  { name: 'nothing happened', kind: 'data', path: '/there', heard: [] },
  { name: 'data changed', kind: 'data', path: '/changed', heard: ['changed'] },
  { name: 'the node went', kind: 'data', path: '/gone', heard: ['deleted'] },
  { name: 'it was made anew', kind: 'data', path: '/again', heard: ['changed'] },
  { name: 'no child came or went', kind: 'child', path: '/there', heard: [] },
  { name: 'a child came', kind: 'child', path: '/parent', heard: ['children'] },
  { name: 'the parent went', kind: 'child', path: '/gone', heard: ['deleted'] },
  { name: 'the node came', kind: 'exist', path: '/new', heard: ['created'] },
  { name: 'it may have come and gone', kind: 'exist', path: '/absent', heard: ['resync'] },
  { name: 'it cannot have come', kind: 'exist', path: '/there/absent', heard: [] },
  { name: 'it may have come and gone, deeper', kind: 'exist', path: '/parent/absent/x', heard: ['resync'] },
  { name: 'the node may not be read', kind: 'exist', path: '/secret', heard: [] },
  { name: 'its parent may not be read', kind: 'exist', path: '/closed/absent', heard: ['resync'] },
] as const)('without history a $kind watch says $heard when $name', ({ kind, path, heard }) => {
  const world = new WatchingWorld(1);
  for (const each of ['/there', '/changed', '/gone', '/again', '/parent']) world.create(each);
  world.create('/closed', 'reader');
  const client = world.client();
  const zxid = world.tree.appliedZxid;
  world.set('/changed');
  for (const each of ['/gone', '/again']) world.delete(each);
  for (const each of ['/again', '/parent/child', '/new']) world.create(each);
  world.create('/secret', 'reader');
  client.session?.resume([{ kind, path, zxid }], [], zxid, world.tree);
  expect(client.said.map(({ type }) => type)).toEqual(heard);
  expect(client.said.every((word) => word.zxid === world.tree.appliedZxid)).toBe(true);
});

test('a one-shot armed long ago is exact when the client was not away for long', () => {
  const world = new WatchingWorld(3);
  const client = world.client();
  client.arm('exist', '/a');
  for (const path of ['/b', '/c', '/d', '/e']) world.create(path);
  client.cut(0);
  world.create('/f');
  client.back();
  expect(said(client)).toEqual([]);
  world.create('/a');
  expect(said(client)).toEqual(['7 created /a exist']);
});

// Random changes and clients that come and go, against a plain statement of what each should hear.

const READERS = [undefined, undefined, undefined, 'ann', 'bob'] as const;
const NAMES = ['a', 'b'] as const;
const PATHS = NAMES.flatMap((top) => [
  `/${top}`,
  ...NAMES.flatMap((name) => [`/${top}/${name}`, `/${top}/${name}/c`]),
]);
const WATCHED = ['/', ...PATHS];

type Step = (world: WatchingWorld, clients: readonly WatchingClient[]) => void;

const path = fc.constantFrom(...PATHS);
const oneChange: fc.Arbitrary<Extract<WriteOperation, { kind: 'create' | 'set' | 'delete' }>> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(path, fc.constantFrom(...READERS)).map(([at, reader]) => createOf(at, reader)),
  },
  {
    weight: 2,
    arbitrary: path.map((at) => ({ kind: 'set' as const, path: at, data: new Uint8Array(1), version: -1 })),
  },
  { weight: 2, arbitrary: path.map((at) => ({ kind: 'delete' as const, path: at, version: -1 })) },
);
const write: fc.Arbitrary<WriteOperation> = fc.oneof(
  { weight: 12, arbitrary: oneChange },
  {
    weight: 2,
    arbitrary: fc
      .array(oneChange, { minLength: 2, maxLength: 3 })
      .map((operations) => ({ kind: 'transaction' as const, operations })),
  },
  {
    weight: 1,
    arbitrary: path.map((at) => ({ kind: 'deleteTree' as const, path: at, nodesMax: 0, atomic: false })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(path, fc.constantFrom(...READERS))
      .map(([at, reader]) => ({ kind: 'setAcl' as const, path: at, acl: aclOf(reader), version: -1 })),
  },
);

const who = fc.nat(3);
const watched = fc.constantFrom(...WATCHED);
const oneShot: fc.Arbitrary<WatchKind> = fc.constantFrom('data', 'exist', 'child');
const staying: fc.Arbitrary<PersistentWatchKind> = fc.constantFrom('persistent', 'persistentRecursive');

/** With a client that is connected, or is by now. */
function withClient(
  clients: readonly WatchingClient[],
  number: number,
  work: (client: WatchingClient) => void,
): void {
  const client = clients[number];
  for (const each of [client].filter((one) => one?.session === undefined)) each?.back();
  for (const each of [client]) if (each !== undefined) work(each);
}

/** A change that is likely to be done. */
function fitting(
  at: string,
  reader: string | undefined,
  goes: boolean,
  { tree }: WatchingWorld,
): WriteOperation {
  if (tree.stat(at) === undefined) return createOf(at, reader);
  return goes
    ? { kind: 'delete', path: at, version: -1 }
    : { kind: 'set', path: at, data: new Uint8Array(1), version: -1 };
}

/** What a read arms: of a node that is not there, its coming. */
function armedBy(kind: WatchKind, at: string, { tree }: WatchingWorld): WatchKind {
  if (tree.stat(at) === undefined) return 'exist';
  return kind === 'exist' ? 'data' : kind;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.tuple(path, fc.constantFrom(...READERS), fc.boolean()).map(
      ([at, reader, goes]): Step =>
        (world) =>
          world.write(fitting(at, reader, goes, world)),
    ),
  },
  {
    weight: 24,
    arbitrary: write.map(
      (operation): Step =>
        (world) =>
          world.write(operation),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(who, oneShot, watched).map(
      ([number, kind, at]): Step =>
        (world, clients) =>
          withClient(clients, number, (client) => client.arm(armedBy(kind, at, world), at)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(who, staying, watched, fc.option(fc.nat(12), { nil: undefined })).map(
      ([number, kind, at, ago]): Step =>
        (world, clients) =>
          withClient(clients, number, (client) => {
            const { appliedZxid } = world.tree;
            client.add(kind, at, ago === undefined ? undefined : asZxid(Math.max(0, appliedZxid - ago)));
          }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(who, fc.nat(5)).map(
      ([number, id]): Step =>
        (_world, clients) =>
          withClient(clients, number, (client) => {
            const held = client.standing.has(id + 1);
            expect(client.remove(id + 1)).toBe(held ? true : undefined);
          }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(who, oneShot, watched).map(
      ([number, kind, at]): Step =>
        (_world, clients) =>
          withClient(clients, number, (client) => {
            const { removed, held } = client.disarm(kind, at);
            expect(removed).toBe(held);
          }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(who, fc.nat(4)).map(
      ([number, lost]): Step =>
        (_world, clients) =>
          clients[number]?.cut(lost),
    ),
  },
  {
    weight: 2,
    arbitrary: who.map(
      (number): Step =>
        (_world, clients) =>
          withClient(clients, number, () => undefined),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat(5).map(
      (watches): Step =>
        (world) =>
          world.watches.sweep(watches),
    ),
  },
);

test('whoever comes and goes hears everything it should, once and in order, and nothing false', () => {
  const seen = { arrived: 0, exact: 0, resynced: 0, guessed: 0, missed: 0 };
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 60, maxLength: 300, size: 'max' }),
      fc.integer({ min: 3, max: 25 }),
      (steps, zxidsMax) => {
        const world = new WatchingWorld(zxidsMax);
        const clients = [[], ['ann'], ['bob'], ['ann', 'bob']].map((names) => world.client(...names));
        const back = clients.map(
          (_, number): Step =>
            () =>
              withClient(clients, number, (client) => client.arrive()),
        );
        for (const each of [...steps, ...back]) {
          each(world, clients);
          const [told, due] = [clients.map(toldOf), clients.map(dueOf)];
          // One comparison for all: there are very many steps.
          expect(told.join('\n')).toBe(due.join('\n'));
        }
        // Over all its streams together: each watch that stays was told all that it was owed, and nothing twice.
        for (const client of clients) {
          for (const [id, owed] of client.owed) {
            const told = client.arrived.filter(({ watchId }) => watchId === id);
            expect(told.map(lineOf)).toEqual(owed.map(lineOf));
          }
          seen.arrived += client.arrived.length;
          for (const key of ['exact', 'resynced', 'guessed', 'missed'] as const)
            seen[key] += client.tally[key];
        }
      },
    ),
    { seed: 0x5eed, numRuns: 600 },
  );
  // A run that meets nothing proves nothing.
  expect(seen.arrived).toBeGreaterThan(20_000);
  expect(seen.exact).toBeGreaterThan(3_000);
  expect(seen.resynced).toBeGreaterThan(500);
  expect(seen.guessed).toBeGreaterThan(500);
  expect(seen.missed).toBeGreaterThan(2_000);
});

/** Said on its stream in this step, and how many watches the server holds for it. */
function toldOf(client: WatchingClient): string {
  const words = inOrder(client.said);
  client.said = [];
  return [client.counts.held, ...words].join();
}

function dueOf(client: WatchingClient): string {
  const words = inOrder(client.due);
  client.due = [];
  return [client.counts.due, ...words].join();
}
