import type { Acl, Bytes, Stat, ZkErrorCode, ZooKeeper } from '@zabra/client';
import { Failure } from '../exit-code.ts';

/** What of a node is copied. */
export interface CopiedNode {
  readonly data: Bytes;
  readonly acl: readonly Acl[];
  readonly stat: Stat;
}

/** Of the ensemble itself: never copied, never deleted. Only where the place is all of an ensemble. */
const OWN = '/zookeeper';

/** Undefined: there is none. */
export async function readNode(client: ZooKeeper, path: string): Promise<CopiedNode | undefined> {
  try {
    const [{ data, stat }, { acl }] = await Promise.all([client.get(path), client.getAcl(path)]);
    return { data, acl: acl.length === 0 ? OPEN : acl, stat };
  } catch (error) {
    if (codeOf(error) === 'NO_NODE') return undefined;
    throw error;
  }
}

/** Names; none where there is no node. */
export async function childrenOf(client: ZooKeeper, path: string): Promise<readonly string[]> {
  try {
    const names = await client.children(path);
    return path === '/' ? names.filter((name) => `/${name}` !== OWN) : names;
  } catch (error) {
    if (codeOf(error) === 'NO_NODE') return [];
    throw error;
  }
}

export function isOwn(path: string): boolean {
  return path === OWN || path.startsWith(`${OWN}/`);
}

export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

export function isSameData(left: Bytes, right: Bytes): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

/** Order says nothing. */
export function isSameAcl(left: readonly Acl[], right: readonly Acl[]): boolean {
  return left.length === right.length && textOf(left) === textOf(right);
}

/** Whoever may not see the hashes of an ACL gets an `x` in their place: written as it is, it would shut everybody out. */
export function refuseHiddenAcl(path: string, acl: readonly Acl[]): void {
  if (!acl.some(({ scheme, id }) => HASHED.has(scheme) && id.endsWith(':x'))) return;
  throw new Failure(
    `the source does not show the hashes in the ACL of ${path}: prove with --from-auth an identity that has ADMIN there, as a super user`,
  );
}

/** Of errors of the client; undefined for any other. */
export function codeOf(error: unknown): ZkErrorCode | undefined {
  const { name, code } = error as { readonly name?: unknown; readonly code?: ZkErrorCode };
  return name === 'ZkError' ? code : undefined;
}

const OPEN: readonly Acl[] = [{ scheme: 'world', id: 'anyone', perms: 'all' }];
const HASHED: ReadonlySet<string> = new Set(['digest', 'scrypt']);

function textOf(acl: readonly Acl[]): string {
  return acl
    .map(({ scheme, id, perms }) => JSON.stringify([scheme, id, perms === 'all' ? perms : [...perms].sort()]))
    .sort()
    .join();
}
