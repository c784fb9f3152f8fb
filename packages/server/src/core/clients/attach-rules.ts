import { formatZxid, type Refusal, refusal } from '@zabra/model';
import type { Tree } from '@zabra/tree';
import { type AttachWord, CLIENT_PROTOCOL } from './client-codec.ts';

/** What an Attach is held against. */
export interface AttachedTo {
  readonly clusterId: string | undefined;
  readonly tree: Tree;
  sha256(data: Uint8Array): Uint8Array;
}

/** Why a client is not let in here, whoever leads; the leader alone knows the rest. */
export function attachFault(word: AttachWord, here: AttachedTo): Refusal | undefined {
  return (
    protocolFault(word) ??
    sizeFault(word) ??
    clusterFault(word, here) ??
    behind(word, here) ??
    over(word, here)
  );
}

function protocolFault({ protocolMin, protocolMax }: AttachWord): Refusal | undefined {
  const { min, max } = CLIENT_PROTOCOL;
  if (protocolMin <= max && protocolMax >= min) return undefined;
  return refusal(
    'PROTOCOL_VERSION',
    `the client speaks protocol ${protocolMin} to ${protocolMax}, this server ${min} to ${max}; use a client and a server of releases that are next to each other`,
  );
}

function sizeFault({ nonce, password }: AttachWord): Refusal | undefined {
  const bytes = Math.max(new TextEncoder().encode(nonce).length, password.length);
  if (bytes <= ATTACH_BYTES_MAX) return undefined;
  return refusal(
    'BAD_ARGUMENTS',
    `nonce and password have at most ${ATTACH_BYTES_MAX} bytes each; they stay with the session`,
  );
}

function clusterFault(word: AttachWord, { clusterId }: AttachedTo): Refusal | undefined {
  if (word.sessionId === 0 || isOfCluster(word, clusterId)) return undefined;
  return expired(word, `is of cluster ${word.clusterId}, this server of ${clusterId}`);
}

/** Nobody is taken back in time. A client that starts anew has no past, but one that only reads may have. */
function behind(word: AttachWord, { clusterId, tree }: AttachedTo): Refusal | undefined {
  if (word.sessionId === 0 && !word.remembers && !(word.readOnly && isOfCluster(word, clusterId)))
    return undefined;
  if (word.lastZxid <= tree.appliedZxid) return undefined;
  return refusal(
    'BEHIND',
    `this server has applied ${formatZxid(tree.appliedZxid)}, the client has seen ${formatZxid(word.lastZxid)}; try another server`,
  );
}

/** A wrong password disturbs nobody and learns nothing: it reads like a session that is gone. */
function over(word: AttachWord, { tree, sha256 }: AttachedTo): Refusal | undefined {
  if (word.sessionId === 0) return undefined;
  const passwordHash = sha256(word.password);
  const session = tree.session(word.sessionId);
  if (session !== undefined && isSameHash(session.passwordHash, passwordHash)) return undefined;
  return expired(word, 'is over');
}

/** In a time that does not depend on where they differ. */
export function isSameHash(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index++) difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  return difference === 0;
}

function isOfCluster(word: AttachWord, clusterId: string | undefined): boolean {
  return word.clusterId === undefined || clusterId === undefined || word.clusterId === clusterId;
}

function expired({ sessionId }: AttachWord, why: string): Refusal {
  return refusal('SESSION_EXPIRED', `session 0x${sessionId.toString(16)} ${why}`);
}

/** Of a nonce, and of a password: the ones made here and by our client have 16 to 32. */
const ATTACH_BYTES_MAX = 64;
