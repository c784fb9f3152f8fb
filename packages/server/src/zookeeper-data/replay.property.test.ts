import type { LoggedChange, LoggedTxn, SnapshotNode } from '@zabra/jute';
import { ACL_OPEN, type Acl, joinPath } from '@zabra/model';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { NodeTable, type TableNode } from './node-table.ts';
import { replayTxn } from './replay.ts';

/*
 * ZooKeeper writes a snapshot while it goes on. Here a history is lived through, and a snapshot taken of it as ZooKeeper
 * does: from the root downwards, the names of a node's children as they are when it is visited, each node as it is when its
 * turn comes, with any number of txns in between. Whatever came out, replaying from its zxid on must give what the history
 * gave. (Releases before 3.6 do not list what goes with a session: where such a txn falls into the snapshot's time, the
 * parent of an ephemeral may have its pzxid from before, there as here.)
 */

interface Step {
  readonly clientId: bigint;
  readonly txn: LoggedTxn;
}

const NAMES = ['a', 'b', 'c'];
const PATHS = ['', ...NAMES.map((name) => `/${name}`)].flatMap((path) =>
  NAMES.map((name) => `${path}/${name}`),
);
const ACLS: readonly (readonly Acl[])[] = [ACL_OPEN, [{ perms: 1, scheme: 'world', id: 'anyone' }]];

/** What a client asks for: what comes of it depends on the tree. */
const wishes = fc.array(
  fc.record({
    kind: fc.constantFrom('create', 'create', 'create', 'ephemeral', 'delete', 'set', 'acl', 'close', 'pair'),
    path: fc.constantFrom(...PATHS),
    acl: fc.constantFrom(...ACLS),
    data: fc.integer({ min: 0, max: 255 }),
    session: fc.constantFrom(1n, 2n),
    listed: fc.boolean(),
  }),
  { minLength: 20, maxLength: 60 },
);
type Wish = typeof wishes extends fc.Arbitrary<readonly (infer W)[]> ? W : never;

test('a snapshot that was written while the tree changed gives the exact tree once the rest is replayed', () => {
  fc.assert(
    fc.property(
      wishes,
      fc.array(fc.nat(4), { minLength: 5, maxLength: 15 }),
      fc.nat(15),
      (wanted, lengths, before) => {
        const pauses = [...lengths];
        const live = new Life();
        for (const wish of wanted.slice(0, before)) live.wish(wish);
        const base = live.zxid;
        const later = wanted.slice(before);
        const written = writeFuzzily(live, () => {
          for (let count = pauses.shift() ?? 0; count > 0; count--) {
            const wish = later.shift();
            if (wish !== undefined) live.wish(wish);
          }
        });
        for (const wish of later) live.wish(wish);

        const read = load(written);
        for (const [index, { clientId, txn }] of live.history.entries()) {
          const zxid = index + 1;
          if (zxid > base) replayTxn(read, header(zxid, clientId), txn);
        }
        expect(read.removeStrays()).toEqual([]);
        expect(contents(read)).toEqual(contents(live.table));
        expect(read.digest()).toBe(live.table.digest());
        expect(read.sessionCount).toBe(live.table.sessionCount);
      },
    ),
    { numRuns: 3000, seed: 7 },
  );
});

/** A ZooKeeper: judges what is asked for, logs it, does it. */
class Life {
  readonly table = new NodeTable();
  readonly history: Step[] = [];

  constructor() {
    this.table.addLoaded('/', node(0), ACL_OPEN);
    for (const id of [1n, 2n]) this.#do(id, { kind: 'createSession', timeoutMs: 1 });
  }

  get zxid(): number {
    return this.history.length;
  }

  wish(wish: Wish): void {
    const { session } = wish;
    if (wish.kind === 'close') {
      const paths = this.table.closeSession(session);
      this.#do(session, { kind: 'closeSession', paths });
      this.#do(session, { kind: 'createSession', timeoutMs: 1 });
      return;
    }
    const change = this.#changeOf(wish);
    if (wish.kind !== 'pair' || change.kind !== 'create') {
      this.#do(session, change);
      return;
    }
    // Made, set and gone within one change.
    const set = { kind: 'setData' as const, path: wish.path, data: Uint8Array.of(wish.data), version: 1 };
    const gone = { kind: 'delete' as const, path: wish.path };
    this.#do(session, { kind: 'multi', changes: wish.listed ? [change, set] : [change, set, gone] });
  }

  #changeOf({ kind, path, acl, data }: Wish): LoggedChange {
    const present = this.table.get(path);
    const parentPath = path.slice(0, path.lastIndexOf('/')) || '/';
    const parent = this.table.get(parentPath);
    switch (kind) {
      case 'create':
      case 'ephemeral':
      case 'pair':
        if (present !== undefined || parent === undefined || parent.lifetime.kind === 'ephemeral')
          return REFUSED;
        return {
          kind: 'create',
          path,
          data: Uint8Array.of(data),
          acl,
          lifetime: kind === 'ephemeral' ? 'ephemeral' : 'persistent',
          parentCversion: parent.cversion + 1,
          ttlMs: 0,
        };
      case 'delete':
        return present === undefined || childrenOf(this.table, path).length > 0 ? REFUSED : { kind, path };
      case 'set':
        if (present === undefined) return REFUSED;
        return { kind: 'setData', path, data: Uint8Array.of(data), version: present.version + 1 };
      default:
        return present === undefined ? REFUSED : { kind: 'setAcl', path, acl, version: present.aversion + 1 };
    }
  }

  #do(clientId: bigint, txn: LoggedTxn): void {
    this.history.push({ clientId, txn });
    replayTxn(this.table, header(this.zxid, clientId), txn);
  }
}

const REFUSED: LoggedChange = { kind: 'error' };

interface Written {
  readonly sessions: number;
  readonly nodes: readonly { readonly path: string; readonly node: TableNode }[];
  /** Lists that were known when the table of ACLs was written. */
  readonly acls: ReadonlySet<readonly Acl[] | undefined>;
}

function writeFuzzily(life: Life, pause: () => void): Written {
  const { table } = life;
  const sessions = table.sessionCount;
  const acls = new Set([ACL_OPEN, ...[...table.entries()].map(([, { acl }]) => acl)]);
  const nodes: { readonly path: string; readonly node: TableNode }[] = [];
  const visit = (path: string): void => {
    pause();
    const present = table.get(path);
    if (present === undefined) return;
    nodes.push({ path, node: { ...present } });
    for (const child of childrenOf(table, path)) visit(child);
  };
  visit('/');
  return { sessions, nodes, acls };
}

function load({ sessions, nodes, acls }: Written): NodeTable {
  const table = new NodeTable();
  for (let id = 1; id <= sessions; id++) table.openSession(BigInt(id), 1);
  for (const { path, node } of nodes) {
    const { owner } = node.lifetime;
    const { acl, ...rest } = node;
    table.addLoaded(path, { ...rest, aclId: 0, ephemeralOwner: owner }, acls.has(acl) ? acl : undefined);
  }
  return table;
}

function childrenOf(table: NodeTable, path: string): readonly string[] {
  return NAMES.map((name) => joinPath(path, name)).filter((child) => table.get(child) !== undefined);
}

function contents(table: NodeTable): unknown {
  return [...table.entries()]
    .map(([path, { lifetime, ...rest }]) => [path, { ...rest, owner: String(lifetime.owner) }] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

function header(zxid: number, clientId: bigint): Parameters<typeof replayTxn>[1] {
  return { clientId, cxid: 0, zxid, timeMs: 1000 + zxid, type: 0 };
}

function node(zxid: number): SnapshotNode {
  return {
    data: undefined,
    aclId: -1,
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctimeMs: 0,
    mtimeMs: 0,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n,
  };
}
