import { type Identity, PERMISSIONS, type Refusal, refusal, type SessionId } from '@zabra/model';
import { authorize, permissionNames } from './authorize.ts';
import type { NodeFacts } from './pending-node.ts';

/** Whose write is being judged, and what the leader should hear of it although it goes on. */
export interface Asker {
  readonly sessionId: SessionId;
  readonly identities: readonly Identity[];
  /** Soft limits that the write passes. */
  readonly warnings: string[];
}

/** May the asker do this to the node? Undefined: yes. */
export function notAllowed(
  asker: Asker,
  permissions: number,
  path: string,
  node: NodeFacts,
): Refusal | undefined {
  if (authorize(node.acl, permissions, asker.identities)) return undefined;
  return refusal(
    'NO_AUTH',
    `${path}: this needs ${permissionNames(permissions)} there, which its ACL does not give to this client`,
  );
}

/** What an error text says of a node (versions, counts) is what the asker could read anyway. */
export function mayKnow(asker: Asker, node: NodeFacts): boolean {
  return authorize(node.acl, PERMISSIONS.read, asker.identities);
}
