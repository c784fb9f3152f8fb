import { ACL_OPEN, type Acl, NULL_DATA, PERMISSIONS_ALL } from '@zabra/model';

export function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * ZooKeeper shows creations and deletions of children in one 32-bit number. Unsigned here; the bits are ZooKeeper's.
 */
export function cversionOf(sequence: number, childCount: number): number {
  return (2 * sequence - childCount) >>> 0;
}

/**
 * The version after a set. Versions are 32 bits, unsigned here; the one whose bits mean -1 is left out, because a client
 * that asks for -1 asks for any version (ZOOKEEPER-4743).
 */
export function nextVersion(version: number): number {
  return version >= 2 ** 32 - 2 ? 0 : version + 1;
}

export const NO_DATA: Uint8Array = new Uint8Array(0);

/** Bytes that belong to the tree alone: a small piece of a received frame would keep the whole frame in memory. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes === NULL_DATA ? NULL_DATA : NO_DATA;
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** An empty list means "open"; nearly all nodes are, and share one list. */
export function internAcl(acl: readonly Acl[]): readonly Acl[] {
  const [first] = acl;
  if (first === undefined) return ACL_OPEN;
  const isOpen =
    acl.length === 1 && first.perms === PERMISSIONS_ALL && first.scheme === 'world' && first.id === 'anyone';
  return isOpen ? ACL_OPEN : acl;
}
