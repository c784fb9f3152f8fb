import {
  ACL_ENTRIES_MAX,
  ACL_ID_LENGTH_MAX,
  ACL_OPEN,
  type Acl,
  type Identity,
  PERMISSIONS_ALL,
  type Refusal,
  refusal,
} from '@zabra/model';
import { userOf } from './authorize.ts';
import { parseIpRange } from './ip-range.ts';
import { internAcl } from './node.ts';

/**
 * The ACL as a node stores it: each entry valid and there once, `auth` replaced by whom the asker has proved to be. An
 * empty list means open. Or why it is refused (INVALID_ACL).
 */
export function resolveAcl(
  acl: readonly Acl[],
  identities: readonly Identity[],
): readonly Acl[] | { readonly refused: Refusal } {
  const known = internAcl(acl);
  if (known === ACL_OPEN) return known;
  // Before anything is compared with anything: a frame has room for very many.
  if (acl.length > ACL_ENTRIES_MAX) return tooMany(acl.length);
  const resolved: Acl[] = [];
  for (const entry of acl) {
    const fault = entryFault(entry);
    if (fault !== undefined) return invalid(fault);
    if (entry.scheme !== 'auth') {
      addOnce(resolved, entry);
      continue;
    }
    const proved = authenticating(identities);
    if (proved.length === 0) {
      return invalid(
        '"auth" stands for whom the client has proved to be, and this one has proved nothing: add an identity first (addAuth)',
      );
    }
    const long = proved.find(({ id }) => id.length > ACL_ID_LENGTH_MAX);
    if (long !== undefined) {
      return invalid(
        `"auth" stands for an identity of ${long.id.length} characters, and the id of an entry has at most ${ACL_ID_LENGTH_MAX}: name whom you mean`,
      );
    }
    for (const { scheme, id } of proved) addOnce(resolved, { perms: entry.perms, scheme, id });
  }
  return resolved.length > ACL_ENTRIES_MAX ? tooMany(resolved.length) : internAcl(resolved);
}

/**
 * About how many bytes the `auth` entries of an operation stand for: ten bytes that were sent may become a long list in the
 * history.
 */
export function authBytes(acl: readonly Acl[], identities: readonly Identity[]): number {
  const count = acl.reduce((sum, { scheme }) => sum + (scheme === 'auth' ? 1 : 0), 0);
  if (count === 0) return 0;
  return (
    count * authenticating(identities).reduce((sum, { scheme, id }) => sum + scheme.length + id.length, 0)
  );
}

/** What `auth` stands for. A user who proved both hashes of one password is named by the stronger one alone. */
function authenticating(identities: readonly Identity[]): readonly Identity[] {
  const users = new Set(identities.filter(({ scheme }) => scheme === 'scrypt').map(userOf));
  return identities.filter((identity) => {
    switch (identity.scheme) {
      case 'scrypt':
      case 'x509':
        return true;
      case 'digest':
        return !users.has(userOf(identity));
      default:
        return false;
    }
  });
}

function entryFault({ perms, scheme, id }: Acl): string | undefined {
  if (!Number.isInteger(perms) || perms < 1 || perms > PERMISSIONS_ALL) {
    return `an entry gives 1 to ${PERMISSIONS_ALL}, the sum of its permissions, not ${perms}`;
  }
  if (id.length > ACL_ID_LENGTH_MAX) {
    return `the id of an entry has at most ${ACL_ID_LENGTH_MAX} characters, not ${id.length}`;
  }
  switch (scheme) {
    case 'world':
      return id === 'anyone' ? undefined : `"world" has one id, "anyone", not ${JSON.stringify(id)}`;
    case 'digest':
    case 'scrypt':
      return isUserAndHash(id) ? undefined : `an id of "${scheme}" is a user, one ":" and a hash`;
    case 'ip':
      return parseIpRange(id) === undefined
        ? `an id of "ip" is an address, or an address, "/" and a number of bits, not ${JSON.stringify(id)}`
        : undefined;
    case 'x509':
      return id === '' ? 'an id of "x509" is the subject of a certificate, not empty' : undefined;
    // Whatever its id says, it is replaced.
    case 'auth':
      return undefined;
    case 'super':
      return '"super" is no scheme of an ACL: a super user may do everything as it is';
    default:
      return `there is no scheme ${JSON.stringify(scheme.slice(0, SHOWN_MAX))}: world, auth, digest, scrypt, ip or x509`;
  }
}

/** Characters of somebody's text that an error repeats. */
const SHOWN_MAX = 40;

function isUserAndHash(id: string): boolean {
  const colon = id.indexOf(':');
  return colon > 0 && colon < id.length - 1 && id.indexOf(':', colon + 1) === -1;
}

function addOnce(entries: Acl[], { perms, scheme, id }: Acl): void {
  const isThere = entries.some(
    (entry) => entry.perms === perms && entry.scheme === scheme && entry.id === id,
  );
  if (!isThere) entries.push({ perms, scheme, id });
}

function tooMany(count: number): { readonly refused: Refusal } {
  return invalid(`an ACL has at most ${ACL_ENTRIES_MAX} entries, not ${count}`);
}

function invalid(message: string): { readonly refused: Refusal } {
  return { refused: refusal('INVALID_ACL', message) };
}
