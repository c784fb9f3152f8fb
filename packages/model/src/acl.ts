/** Permission bits as in ZooKeeper: READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16. */
export const PERMISSIONS = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const;
export const PERMISSIONS_ALL = 31;

/** Whom a client has proved to be. Every client is its address (`ip`); a super user is also `super` with an empty id. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** One entry of an access control list: whom it names, and what they may do. */
export interface Acl {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

export const ACL_OPEN: readonly Acl[] = [{ perms: PERMISSIONS_ALL, scheme: 'world', id: 'anyone' }];

/** Bounds of one list, so that it cannot hide more bytes than the data of its node may have. */
export const ACL_ENTRIES_MAX = 128;
/** Characters in the id of an entry. */
export const ACL_ID_LENGTH_MAX = 512;
