/** Why a lease can no longer be relied on. */
export type LostReason = 'session-expired' | 'local-deadline' | 'node-deleted' | 'revoked' | 'client-closed';
