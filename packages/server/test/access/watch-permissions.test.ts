import type { ServerEntry } from '@zabra/proto';
import { expect, test } from 'vitest';
import { ASKERS, type AskerName, bytes, create, GRANTEES, type Grantee, isAllowed, Scene } from './scene.ts';

const READ = 1;
const ALL = 31;
const askers = Object.keys(ASKERS) as readonly AskerName[];
const grantees = Object.keys(GRANTEES) as readonly Grantee[];

/** What a client holds: one-shot watches and watches that stay. */
const HELD = [
  { kind: 'data', path: '/p/leaf', id: 0 },
  { kind: 'child', path: '/p/tree', id: 0 },
  { kind: 'exist', path: '/p/absent', id: 0 },
  { kind: 'persistent', path: '/p/tree', id: 1 },
  { kind: 'persistent', path: '/p', id: 2 },
  { kind: 'persistentRecursive', path: '/p', id: 3 },
] as const;
const SECRET_NAME = 'a-hidden-child';
const PAGE = { after: '', limit: 0, withStats: false };

test.each([
  { name: 'as it happens', isAway: false },
  { name: 'after the stream was lost', isAway: true },
])(
  'an event is told to exactly those who may read the node that changed, $name',
  ({ isAway }) => {
    const wrong: string[] = [];
    let cells = 0;
    for (const grantee of grantees) {
      for (let parent = 0; parent <= ALL; parent += ALL) {
        for (let node = 0; node <= ALL; node++) {
          const told = change(grantee, { parent, node }, isAway);
          const all = told.super;
          expect(all.length).toBe(12);
          for (const asker of askers) {
            cells++;
            const perms = (path: string): number => (path === '/p' ? parent : node);
            const expected = all.filter(({ path }) => isAllowed(grantee, perms(path), READ, asker));
            const where = `${asker}, ${grantee} has ${node} on the node and ${parent} on its parent`;
            const [got, due] = [told[asker], expected].map((events) => JSON.stringify(events.map(eventLine)));
            if (got !== due) wrong.push(`${where}: told ${got}, not ${due}`);
          }
        }
      }
    }
    console.info(`permission matrix of watches: ${cells} cells`);
    expect(wrong.slice(0, 10)).toEqual([]);
  },
  120_000,
);

type Event = Extract<ServerEntry, { kind: 'event' }>['event'];

function eventLine({ type, path, kind, watchId }: Event): string {
  return `${type} ${path} ${kind} ${watchId}`;
}

/** Everybody arms all watches while all is open; then the ACLs are set, and what is watched changes. */
function change(
  grantee: Grantee,
  { parent, node }: { readonly parent: number; readonly node: number },
  isAway: boolean,
): Readonly<Record<AskerName, readonly Event[]>> {
  const scene = new Scene(0);
  scene.build('world', ALL, ALL);
  for (const asker of askers) arm(scene, asker);
  const since = scene.server.tree.appliedZxid;
  if (isAway) for (const asker of askers) scene.askers[asker].lose();
  const acl = scene.acl(grantee, node);
  scene.keep({ kind: 'setAcl', path: '/p', acl: scene.acl(grantee, parent), version: -1 });
  for (const path of ['/p/leaf', '/p/tree']) scene.keep({ kind: 'setAcl', path, acl, version: -1 });
  scene.keep({ kind: 'set', path: '/p/leaf', data: bytes('new'), version: -1 });
  scene.keep(create(`/p/tree/${SECRET_NAME}`, '', acl));
  scene.keep({ kind: 'delete', path: `/p/tree/${SECRET_NAME}`, version: -1 });
  scene.keep(create('/p/absent', '', acl));
  scene.keep({ kind: 'delete', path: '/p/leaf', version: -1 });
  const heard = askers.map((name): readonly [AskerName, readonly Event[]] => {
    const asker = scene.askers[name];
    if (isAway) asker.comeBack(HELD, since);
    const raw = Buffer.from(asker.bytes());
    const events = asker.hear().flatMap((entry) => (entry.kind === 'event' ? [entry.event] : []));
    const mayRead = isAllowed(grantee, node, READ, name);
    expect(raw.includes(SECRET_NAME)).toBe(mayRead);
    expectUsedUp(scene, name, events);
    return [name, events];
  });
  return Object.fromEntries(heard) as Record<AskerName, readonly Event[]>;
}

function arm(scene: Scene, name: AskerName): void {
  const asker = scene.askers[name];
  asker.say({ kind: 'get', path: '/p/leaf', watch: true });
  asker.say({ kind: 'children', path: '/p/tree', watch: true, page: PAGE });
  asker.say({ kind: 'exists', path: '/p/absent', watch: true });
  for (const watch of HELD)
    if (watch.kind === 'persistent' || watch.kind === 'persistentRecursive')
      asker.say({ kind: 'addWatch', watch, fromZxid: undefined });
  asker.hear();
}

/** A one-shot watch whose event was told is used up; to whom it was not told, it seems to be there still. */
function expectUsedUp(scene: Scene, name: AskerName, told: readonly Event[]): void {
  for (const { kind, path, id } of HELD.slice(0, 3)) {
    scene.askers[name].say({ kind: 'removeWatch', watch: kind, path, id });
    const [entry] = scene.askers[name].hear();
    const wasTold = told.some(
      (event) => event.watchId === 0 && event.kind === WIRE[kind] && event.path === path,
    );
    expect(entry).toMatchObject({ reply: wasTold ? { refused: { code: 'NO_WATCHER' } } : { kind: 'watch' } });
  }
}

const WIRE: Readonly<Record<string, Event['kind']>> = { data: 'DATA', child: 'CHILD', exist: 'EXIST' };
