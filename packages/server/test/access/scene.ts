import type { Acl, CreateOperation, WriteOperation } from '@zabra/model';
import { type Flaws, OneServer } from '../model/one-server.ts';
import { Asker } from './asker.ts';

/** To whom the permissions of a node are given. */
export const GRANTEES = {
  world: { scheme: 'world', id: 'anyone' },
  owner: { scheme: 'digest', id: 'alice:hash-of-a' },
  network: { scheme: 'ip', id: '10.1.0.0/16' },
} as const;
export type Grantee = keyof typeof GRANTEES;

/** Who asks: whom the ACL names, another with a name, a super user, an address, and nobody. */
export const ASKERS = {
  owner: { address: '192.0.2.1', password: 'alice:a' },
  other: { address: '192.0.2.2', password: 'bob:b' },
  super: { address: '192.0.2.3', password: 'root:secret' },
  address: { address: '10.1.2.3', password: undefined },
  anonymous: { address: '192.0.2.4', password: undefined },
} as const;
export type AskerName = keyof typeof ASKERS;

const NAMED: Readonly<Record<Grantee, readonly AskerName[]>> = {
  world: ['owner', 'other', 'super', 'address', 'anonymous'],
  owner: ['owner', 'super'],
  network: ['address', 'super'],
};

/** Does the rule allow it? One of these bits is enough; a super user needs none. */
export function isAllowed(grantee: Grantee, perms: number, wanted: number, asker: AskerName): boolean {
  return asker === 'super' || ((perms & wanted) !== 0 && NAMED[grantee].includes(asker));
}

/** What two worlds differ in: who may not know it must not be able to tell one from the other. */
interface Secrets {
  readonly data: string;
  readonly children: readonly string[];
  readonly sets: number;
  readonly user: string;
}
const SECRETS: readonly Secrets[] = [
  { data: 'the-first-secret', children: ['hidden-a', 'hidden-b'], sets: 2, user: 'mallory' },
  { data: 'another-secret', children: ['veiled-a', 'veiled-b', 'veiled-c'], sets: 5, user: 'trudy' },
];

/** Shown to nobody without ADMIN. */
export const SECRET_HASH = 'hash-that-admins-see';

/**
 * A server with `/p` (ACL: `parent`), below it `/p/leaf` (with a TTL) and `/p/tree` (with children), whose ACL is `node`, and
 * a client of each kind. Its secrets are those of one of two worlds; all else is the same in both, zxids included.
 */
export class Scene {
  readonly server: OneServer;
  readonly askers: Readonly<Record<AskerName, Asker>>;
  readonly #keeper: Asker;
  readonly #secrets: Secrets;

  constructor(world: 0 | 1, flaws: Flaws = {}) {
    this.server = new OneServer({}, flaws);
    this.#secrets = SECRETS[world] as Secrets;
    this.#keeper = new Asker(this.server, '127.0.0.1', 'root:secret');
    const names = Object.keys(ASKERS) as readonly AskerName[];
    this.askers = Object.fromEntries(
      names.map((name) => [name, new Asker(this.server, ASKERS[name].address, ASKERS[name].password)]),
    ) as Record<AskerName, Asker>;
  }

  /** All anew, with these permissions for the grantee. */
  build(grantee: Grantee, parent: number, node: number): void {
    const { data, children, sets } = this.#secrets;
    const nodeAcl = this.acl(grantee, node);
    this.keep({ kind: 'deleteTree', path: '/p', nodesMax: 0, atomic: true });
    this.keep({
      kind: 'transaction',
      operations: [
        create('/p', 'p', this.acl(grantee, parent)),
        { ...create('/p/leaf', data, nodeAcl), mode: 'ttl', ttlMs: 60_000 },
        ...Array.from({ length: sets }, () => ({
          kind: 'set' as const,
          path: '/p/leaf',
          data: bytes(data),
          version: -1,
        })),
        create('/p/tree', data, nodeAcl),
        ...children.map((name) => create(`/p/tree/${name}`, data, nodeAcl)),
      ],
    });
  }

  /** What the super user does to set the scene. */
  keep(operation: WriteOperation): void {
    this.#keeper.say(operation);
    this.#keeper.hear();
  }

  /** Nobody holds the second entry; it is there to be hidden. */
  acl(grantee: Grantee, perms: number): readonly Acl[] {
    const hidden: Acl = { perms: 16, scheme: 'digest', id: `${this.#secrets.user}:${SECRET_HASH}` };
    return perms === 0 ? [hidden] : [{ perms, ...GRANTEES[grantee] }, hidden];
  }

  get firstChild(): string {
    return `/p/tree/${this.#secrets.children[0]}`;
  }
}

export function create(path: string, data: string, acl: readonly Acl[]): CreateOperation {
  return { kind: 'create', path, data: bytes(data), mode: 'persistent', acl, ttlMs: 0 };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
