import { createHash } from 'node:crypto';
import { CREATE_FLAGS, type CreateOpcode, type MultiOperation, OPCODE, type ReadStat } from '@zabra/jute';
import { ACL_OPEN, type Acl, PERMISSIONS, PERMISSIONS_ALL } from '@zabra/model';
import type { WireSession } from './import-wire.test-support.ts';

/** A node as a server shows it. */
export interface SeenNode {
  /** Base64; null data as null. */
  readonly data: string | null;
  /** Sorted, since order says nothing. */
  readonly acl: readonly string[];
  readonly stat: ReadStat;
}

export const SUPER_PASSWORD = 'secret';

/** Of ZooKeeper's digest scheme. */
export function digestId(user: string, password: string): string {
  return `${user}:${createHash('sha1').update(`${user}:${password}`).digest('base64')}`;
}

const PER_MULTI = 100;
/** Transactions, or as many reads, that wait for their answers. */
const PARTS_MAX = 8;
const FOLDER_NODES = 1000;

/** ACLs of several kinds. */
const ACLS: readonly (readonly Acl[])[] = [
  ACL_OPEN,
  [{ perms: PERMISSIONS.read, scheme: 'world', id: 'anyone' }],
  [
    { perms: PERMISSIONS_ALL, scheme: 'digest', id: digestId('anna', 'a') },
    { perms: PERMISSIONS.read, scheme: 'world', id: 'anyone' },
  ],
  [{ perms: PERMISSIONS_ALL, scheme: 'ip', id: '10.0.0.0/8' }],
  [
    { perms: PERMISSIONS.read | PERMISSIONS.write, scheme: 'ip', id: '127.0.0.1' },
    { perms: PERMISSIONS.admin, scheme: 'digest', id: digestId('ben', 'b') },
  ],
];

/**
 * Fills a ZooKeeper with what an import must keep: `count` nodes and some hundreds more, of every kind, changed, deleted and
 * made again, so that versions, counters and zxids differ from those of a fresh tree.
 */
export async function fill(session: WireSession, count: number): Promise<void> {
  await session.ask({ kind: 'auth', scheme: 'digest', credentials: Buffer.from(`super:${SUPER_PASSWORD}`) });
  const folders = Array.from(
    { length: Math.ceil(count / FOLDER_NODES) },
    (_, index) => `/app/folder-${index}`,
  );
  await ask(session, [node('/app', 'the top'), ...folders.map((path) => node(path, ''))]);
  await ask(
    session,
    Array.from({ length: count }, (_, index) =>
      node(
        `${folders[Math.floor(index / FOLDER_NODES)]}/node-${index}`,
        index % 97 === 0 ? undefined : index % 89 === 0 ? '' : `data of ${index} `.repeat(1 + (index % 7)),
        ACLS[index % 11 === 0 ? index % ACLS.length : 0],
      ),
    ),
  );
  await ask(
    session,
    Array.from({ length: count / 20 }, (_, index) =>
      set(`${folders[0]}/node-${index % 500}`, `set ${index}`),
    ),
  );
  await ask(
    session,
    Array.from(
      { length: count / 50 },
      (_, index): MultiOperation => ({
        kind: 'delete',
        path: `${folders.at(-1)}/node-${count - 1 - (index % 900)}`,
        version: -1,
      }),
    ).slice(0, Math.min(count / 50, 900)),
  );
  await ask(session, [node(`${folders.at(-1)}/node-${count - 1}`, 'made again')]);
  await fillKinds(session);
}

async function fillKinds(session: WireSession): Promise<void> {
  await ask(session, [node('/kinds', undefined), node('/kinds/sequential', '')]);
  for (const path of ['/kinds/containers', '/kinds/containers/empty', '/kinds/containers/used']) {
    await session.ask(create(path, 'c', { opcode: OPCODE.createContainer, flags: CREATE_FLAGS.container }));
  }
  await ask(session, [node('/kinds/containers/used/child', 'x')]);
  for (const ttlMs of [3_600_000, 0xff_ffff_ffff]) {
    await session.ask(
      create(`/kinds/ttl-${ttlMs}`, 't', { opcode: OPCODE.createTtl, flags: CREATE_FLAGS.ttl, ttlMs }),
    );
  }
  const sequential = create('/kinds/sequential/n-', 's', { flags: CREATE_FLAGS['persistent-sequential'] });
  await ask(
    session,
    Array.from({ length: 250 }, () => sequential),
  );
  await ask(
    session,
    Array.from(
      { length: 50 },
      (_, index): MultiOperation => ({
        kind: 'delete',
        path: `/kinds/sequential/n-${String(200 + index).padStart(10, '0')}`,
        version: -1,
      }),
    ),
  );
  await ask(session, [node('/kinds/umlaut-äöü-漢字', 'names beyond ASCII')]);
  for (const acl of ACLS) await session.ask({ kind: 'setAcl', path: '/kinds', acl, version: -1 });
  // As zkCli.sh writes them.
  await ask(session, [
    node('/zookeeper/quota/app', ''),
    node(
      '/zookeeper/quota/app/zookeeper_limits',
      'count=2000000,bytes=-1=;byteHardLimit=-1;countHardLimit=3000000',
    ),
    node('/zookeeper/quota/app/zookeeper_stats', 'count=0,bytes=0'),
  ]);
  // Refused: its place in the history is all it has.
  await session.request({ kind: 'delete', path: '/app', version: -1 });
}

/** In transactions of {@link PER_MULTI}, a bounded number of them at a time. */
async function ask(session: WireSession, operations: readonly MultiOperation[]): Promise<void> {
  await eachOf(inParts(operations, PER_MULTI), async (part) => {
    const body = await session.ask({ kind: 'multi', operations: part });
    const failed = body.kind === 'multi' && body.results.find((result) => result.kind === 'error');
    if (failed) throw new Error(`${JSON.stringify(failed)} in ${JSON.stringify(part).slice(0, 300)}`);
  });
}

function node(path: string, data: string | undefined, acl: readonly Acl[] = ACL_OPEN): MultiOperation {
  return create(path, data, { acl });
}

export function create(
  path: string,
  data: string | undefined,
  further: {
    readonly opcode?: CreateOpcode;
    readonly flags?: number;
    readonly acl?: readonly Acl[];
    readonly ttlMs?: number;
  } = {},
): MultiOperation & { readonly kind: 'create' } {
  return {
    kind: 'create',
    opcode: further.opcode ?? OPCODE.create,
    path,
    data: data === undefined ? undefined : Buffer.from(data),
    acl: further.acl ?? ACL_OPEN,
    flags: further.flags ?? 0,
    ttlMs: further.ttlMs ?? -1,
  };
}

function set(path: string, data: string): MultiOperation {
  return { kind: 'setData', path, data: Buffer.from(data), version: -1 };
}

/** Every node, by path, as a super user sees it on ZooKeeper's wire. */
export async function readAll(session: WireSession): Promise<ReadonlyMap<string, SeenNode>> {
  await session.ask({ kind: 'auth', scheme: 'digest', credentials: Buffer.from(`super:${SUPER_PASSWORD}`) });
  const nodes = new Map<string, SeenNode>();
  for (let level: readonly string[] = ['/']; level.length > 0; ) {
    const below: string[] = [];
    await eachOf(inParts(level, PER_MULTI), async (paths) => {
      const seen = await Promise.all([
        readData(session, paths),
        ...paths.map((path) => readAcl(session, path)),
      ]);
      const [reads, ...acls] = seen;
      const parents: string[] = [];
      for (const [index, path] of paths.entries()) {
        const { data, stat } = reads[index] ?? unexpected(path);
        const bytes = data === undefined ? null : Buffer.from(data).toString('base64');
        nodes.set(path, { data: bytes, acl: acls[index] ?? [], stat });
        if (stat.numChildren > 0) parents.push(path);
      }
      for (const children of await Promise.all(parents.map((path) => readChildren(session, path))))
        below.push(...children);
    });
    level = below;
  }
  return nodes;
}

async function readData(
  session: WireSession,
  paths: readonly string[],
): Promise<readonly { readonly data: Uint8Array | undefined; readonly stat: ReadStat }[]> {
  const operations = paths.map((path) => ({ kind: 'getData' as const, path, watch: false }));
  const body = await session.ask({ kind: 'multiRead', operations });
  if (body.kind !== 'multi') return unexpected(paths[0]);
  return body.results.map((result) => (result.kind === 'getData' ? result : unexpected(paths[0])));
}

async function readAcl(session: WireSession, path: string): Promise<readonly string[]> {
  const body = await session.ask({ kind: 'getAcl', path });
  if (body.kind !== 'acl') return unexpected(path);
  return body.acl.map(({ perms, scheme, id }) => `${scheme}:${id}:${perms}`).sort();
}

async function readChildren(session: WireSession, path: string): Promise<readonly string[]> {
  const body = await session.ask({ kind: 'getChildren', path, watch: false });
  if (body.kind !== 'names') return unexpected(path);
  return body.names.map((name) => (path === '/' ? `/${name}` : `${path}/${name}`));
}

function unexpected(path: string | undefined): never {
  throw new Error(`${path}: another answer was due`);
}

function inParts<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let at = 0; at < all.length; at += size) parts.push(all.slice(at, at + size));
  return parts;
}

async function eachOf<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < all.length) await work(all[next++] as T);
  };
  await Promise.all(Array.from({ length: PARTS_MAX }, lane));
}
