import { type Acl as ModelAcl, PERMISSIONS, PERMISSIONS_ALL } from '@zabra/model';
import { ZkError } from './errors.ts';

export type Permission = 'read' | 'write' | 'create' | 'delete' | 'admin';

/** Who (`scheme` and `id`) may do what. */
export interface Acl {
  readonly scheme: string;
  readonly id: string;
  readonly perms: readonly Permission[] | 'all';
}

export interface Acls {
  readonly OPEN: readonly Acl[];
  readonly READ_ONLY: readonly Acl[];
  readonly CREATOR_ALL: readonly Acl[];
}

/** The lists that cover most needs. */
export const acl: Acls = {
  OPEN: [{ scheme: 'world', id: 'anyone', perms: 'all' }],
  READ_ONLY: [{ scheme: 'world', id: 'anyone', perms: ['read'] }],
  CREATOR_ALL: [{ scheme: 'auth', id: '', perms: 'all' }],
};

/** Whom the ensemble takes a client for. Every client is its address (`ip`); credentials prove more. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** With the permissions as bits. Throws INVALID_ACL for what no server may be sent: on the wire an empty list is open. */
export function modelAcls(acls: readonly Acl[]): readonly ModelAcl[] {
  if (acls.length === 0) {
    throw new ZkError('INVALID_ACL', {
      message: 'an empty list allows nobody anything: acl.OPEN is open to all',
    });
  }
  return acls.map(({ scheme, id, perms }) => ({ scheme, id, perms: bitsOf(perms) }));
}

/** With the permissions as words. */
export function userAcls(acls: readonly ModelAcl[]): readonly Acl[] {
  return acls.map(({ scheme, id, perms }) => {
    if (perms === PERMISSIONS_ALL) return { scheme, id, perms: 'all' };
    return { scheme, id, perms: PERMISSION_NAMES.filter((name) => (perms & PERMISSIONS[name]) !== 0) };
  });
}

const PERMISSION_NAMES = ['read', 'write', 'create', 'delete', 'admin'] as const;

function bitsOf(perms: Acl['perms']): number {
  if (perms === 'all') return PERMISSIONS_ALL;
  let bits = 0;
  for (const name of perms) {
    const bit: number | undefined = PERMISSIONS[name];
    if (bit === undefined) {
      const known = PERMISSION_NAMES.join(', ');
      throw new ZkError('INVALID_ACL', {
        message: `${JSON.stringify(name)} is no permission: there are ${known}`,
      });
    }
    bits |= bit;
  }
  return bits;
}
