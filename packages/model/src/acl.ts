/** Permission bits as in ZooKeeper: READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16. */
export const PERMISSIONS = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const;
export const PERMISSIONS_ALL = 31;

/** One entry of an access control list. Enforced once access control lands; stored from the start. */
export interface Acl {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

export const ACL_OPEN: readonly Acl[] = [{ perms: PERMISSIONS_ALL, scheme: 'world', id: 'anyone' }];
