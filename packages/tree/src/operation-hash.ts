import {
  type Acl,
  type DeleteTreeOperation,
  isTtl,
  type SubOperation,
  unreachable,
  type WriteOperation,
} from '@zabra/model';
import { Hasher } from './hash.ts';

/**
 * 32 bits that tell one operation from another, kept with the number of a write: the same number with another
 * operation is a client's mistake and must not be answered with the first one's result. Unsigned.
 */
export function operationHash(operation: WriteOperation): number {
  const hasher = new Hasher().begin(0);
  if (operation.kind === 'transaction') {
    hasher.word(TRANSACTION).word(operation.operations.length);
    for (const sub of operation.operations) hashSubOperation(hasher, sub);
  } else {
    hashSubOperation(hasher, operation);
  }
  hasher.end();
  return (hasher.a ^ hasher.b) >>> 0;
}

const TRANSACTION = 0;
const KINDS = {
  create: 1,
  set: 2,
  delete: 3,
  check: 4,
  checkAbsent: 5,
  checkOwner: 6,
  setAcl: 7,
  touch: 8,
  deleteTree: 9,
} as const;
const MODES = {
  persistent: 1,
  'persistent-sequential': 2,
  ephemeral: 3,
  'ephemeral-sequential': 4,
  container: 5,
  ttl: 6,
  'ttl-sequential': 7,
} as const;

function hashSubOperation(hasher: Hasher, operation: SubOperation | DeleteTreeOperation): void {
  hasher.word(KINDS[operation.kind]).string(operation.path);
  switch (operation.kind) {
    case 'create':
      hasher.bytes(operation.data).word(MODES[operation.mode]);
      hashAcl(hasher, operation.acl);
      if (isTtl(operation.mode)) hasher.integer(operation.ttlMs);
      return;
    case 'set':
      hasher.bytes(operation.data).word(operation.version);
      return;
    case 'delete':
    case 'check':
      hasher.word(operation.version);
      return;
    case 'checkAbsent':
    case 'touch':
      return;
    case 'checkOwner':
      hasher.integer(operation.sessionId);
      return;
    case 'setAcl':
      hashAcl(hasher, operation.acl);
      hasher.word(operation.version);
      return;
    case 'deleteTree':
      hasher.word(operation.nodesMax).word(Number(operation.atomic));
      return;
    default:
      unreachable(operation);
  }
}

export function hashAcl(hasher: Hasher, acl: readonly Acl[]): void {
  hasher.word(acl.length);
  for (const entry of acl) hasher.word(entry.perms).string(entry.scheme).string(entry.id);
}
