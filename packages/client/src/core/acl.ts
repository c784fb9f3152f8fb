import { type Acl as ModelAcl, PERMISSIONS, PERMISSIONS_ALL } from '@zabra/model';

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

/** With the permissions as bits. */
export function modelAcls(acls: readonly Acl[]): readonly ModelAcl[] {
  return acls.map(({ scheme, id, perms }) => {
    if (perms === 'all') return { scheme, id, perms: PERMISSIONS_ALL };
    return { scheme, id, perms: perms.reduce((bits, permission) => bits | PERMISSIONS[permission], 0) };
  });
}
