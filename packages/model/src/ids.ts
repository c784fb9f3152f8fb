/** A server of the ensemble: 1 to 255, chosen by the operator, unique in the ensemble. */
export type PeerId = number;

/**
 * A client's bond. Random, above 0 and below 2^53, so that a JavaScript number holds it exactly;
 * 0 means "none" (as `ephemeralOwner` of a node that is not ephemeral).
 */
export type SessionId = number;

export const NO_SESSION: SessionId = 0;
export const SESSION_ID_MAX: number = Number.MAX_SAFE_INTEGER;
