import type { Acl, Permission } from '@zabra/client';
import { EXIT, Failure } from '../exit-code.ts';

/** In the order in which ZooKeeper prints them. */
const LETTERS: readonly (readonly [string, Permission])[] = [
  ['c', 'create'],
  ['d', 'delete'],
  ['r', 'read'],
  ['w', 'write'],
  ['a', 'admin'],
];
const PERMISSION_OF: ReadonlyMap<string, Permission> = new Map(LETTERS);

/**
 * Reads `scheme:id:crwda,…` as zkCli does. The id is all between the first and the last colon, since those of digests
 * and addresses have colons of their own; `auth::cdrwa` has none. Throws a usage failure.
 */
export function parseAcl(written: string): readonly Acl[] {
  return written.split(',').map((entry) => {
    const first = entry.indexOf(':');
    const last = entry.lastIndexOf(':');
    if (first <= 0 || first === last) throw wrong(entry, 'it needs the form scheme:id:crwda');
    return {
      scheme: entry.slice(0, first),
      id: entry.slice(first + 1, last),
      perms: parsePermissions(entry.slice(last + 1), entry),
    };
  });
}

/** `scheme:id:cdrwa` */
export function aclText({ scheme, id, perms }: Acl): string {
  const isGiven = (permission: Permission): boolean => perms === 'all' || perms.includes(permission);
  const letters = LETTERS.filter(([, permission]) => isGiven(permission)).map(([letter]) => letter);
  return `${scheme}:${id}:${letters.join('')}`;
}

/** With each permission by its name. */
export function aclJson({ scheme, id, perms }: Acl): unknown {
  return { scheme, id, perms: perms === 'all' ? LETTERS.map(([, permission]) => permission) : perms };
}

function parsePermissions(letters: string, entry: string): readonly Permission[] {
  const perms = [...letters].map((letter) => {
    const permission = PERMISSION_OF.get(letter);
    if (permission === undefined) throw wrong(entry, `"${letter}" is none of the permissions c, r, w, d, a`);
    return permission;
  });
  if (perms.length === 0) throw wrong(entry, 'it gives nobody any permission: end it with some of crwda');
  return [...new Set(perms)];
}

function wrong(entry: string, reason: string): Failure {
  return new Failure(`"${entry}" is no ACL entry: ${reason}`, EXIT.usage);
}
