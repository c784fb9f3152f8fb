import { ACL_OPEN, type Acl, type Identity, PERMISSIONS } from '@zabra/model';
import { type Address, addressesOf, type IpRange, isInRange, rangesOf } from './ip-range.ts';

/**
 * May somebody with these identities do this to a node with this ACL? The one rule that every way to a node goes through:
 * reads, writes, watch events, listings.
 *
 * `permissions` are bits of {@link PERMISSIONS}, of which one is enough. A super user passes always. An empty list is open,
 * as in ZooKeeper.
 */
export function authorize(
  acl: readonly Acl[],
  permissions: number,
  identities: readonly Identity[],
): boolean {
  // Nearly every node: nothing is looked at.
  if (acl === ACL_OPEN || acl.length === 0) return true;
  let ranges: readonly (IpRange | undefined)[] | undefined;
  let addresses: readonly Address[] | undefined;
  for (let index = 0; index < acl.length; index++) {
    const entry = acl[index];
    if (entry === undefined || (entry.perms & permissions) === 0) continue;
    if (entry.scheme !== 'ip') {
      if (names(entry, identities)) return true;
      continue;
    }
    ranges ??= rangesOf(acl);
    addresses ??= addressesOf(identities);
    const range = ranges[index];
    if (range !== undefined && addresses.some((address) => isInRange(address, range))) return true;
  }
  return identities.some(({ scheme }) => scheme === 'super');
}

/** The ACL as somebody without ADMIN may see it: users are shown, the hashes of their passwords are not. */
export function redactAcl(acl: readonly Acl[]): readonly Acl[] {
  if (!acl.some(hasHash)) return acl;
  return acl.map((entry) => (hasHash(entry) ? { ...entry, id: `${userOf(entry)}:x` } : entry));
}

/** The part of an id before the hash. */
export function userOf({ id }: Identity): string {
  const colon = id.indexOf(':');
  return colon === -1 ? id : id.slice(0, colon);
}

function names(entry: Acl, identities: readonly Identity[]): boolean {
  const { scheme, id } = entry;
  if (scheme === 'world') return id === 'anyone';
  return identities.some((identity) => identity.scheme === scheme && identity.id === id);
}

function hasHash({ scheme }: Acl): boolean {
  return scheme === 'digest' || scheme === 'scrypt';
}

/** In words, for error texts: `READ or ADMIN`. */
export function permissionNames(permissions: number): string {
  return Object.entries(PERMISSIONS)
    .filter(([, bit]) => (permissions & bit) !== 0)
    .map(([name]) => name.toUpperCase())
    .join(' or ');
}
