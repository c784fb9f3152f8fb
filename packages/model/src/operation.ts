import type { Acl } from './acl.ts';
import type { SessionId } from './ids.ts';

/**
 * How a node is created. A `container` is removed some time after its last child went; a node with a TTL once it has no
 * children and nothing wrote it for that long.
 */
export type CreateMode =
  | 'persistent'
  | 'persistent-sequential'
  | 'ephemeral'
  | 'ephemeral-sequential'
  | 'container'
  | 'ttl'
  | 'ttl-sequential';

export function isSequential(mode: CreateMode): boolean {
  return mode === 'persistent-sequential' || mode === 'ephemeral-sequential' || mode === 'ttl-sequential';
}

export function isTtl(mode: CreateMode): boolean {
  return mode === 'ttl' || mode === 'ttl-sequential';
}

/** 40 bits of ms, as in ZooKeeper: about 34 years. */
export const TTL_MS_MAX = 0xff_ffff_ffff;

export function isEphemeral(mode: CreateMode): boolean {
  return mode === 'ephemeral' || mode === 'ephemeral-sequential';
}

/** A version that matches any. */
export const ANY_VERSION = -1;

export interface CreateOperation {
  readonly kind: 'create';
  /** A sequential mode appends its suffix to this. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly mode: CreateMode;
  readonly acl: readonly Acl[];
  /** Of the TTL modes, from 1 to TTL_MS_MAX; 0 otherwise. */
  readonly ttlMs: number;
}
export interface SetOperation {
  readonly kind: 'set';
  readonly path: string;
  readonly data: Uint8Array;
  readonly version: number;
}
export interface DeleteOperation {
  readonly kind: 'delete';
  readonly path: string;
  readonly version: number;
}
/** Only inside a transaction: the node exists, at this version. */
export interface CheckOperation {
  readonly kind: 'check';
  readonly path: string;
  readonly version: number;
}
/** Only inside a transaction: the node does not exist. */
export interface CheckAbsentOperation {
  readonly kind: 'checkAbsent';
  readonly path: string;
}
/** Only inside a transaction: the node exists and this session owns it. */
export interface CheckOwnerOperation {
  readonly kind: 'checkOwner';
  readonly path: string;
  readonly sessionId: SessionId;
}
export interface SetAclOperation {
  readonly kind: 'setAcl';
  readonly path: string;
  readonly acl: readonly Acl[];
  /** Of the ACL (`aversion`). */
  readonly version: number;
}
/** Starts the TTL of a node anew and changes nothing. */
export interface TouchOperation {
  readonly kind: 'touch';
  readonly path: string;
}
export type SubOperation =
  | CreateOperation
  | SetOperation
  | DeleteOperation
  | CheckOperation
  | CheckAbsentOperation
  | CheckOwnerOperation
  | SetAclOperation
  | TouchOperation;

/** A node and what is below it, children before parents; as many as one change may have, and the rest by further ones. */
export interface DeleteTreeOperation {
  readonly kind: 'deleteTree';
  readonly path: string;
  /** 0: as many as the limit allows. */
  readonly nodesMax: number;
  /** All of it in this one change, or nothing. */
  readonly atomic: boolean;
}

/** All or nothing. */
export interface TransactionOperation {
  readonly kind: 'transaction';
  readonly operations: readonly SubOperation[];
}

/** What a session may ask the ensemble to change. */
export type WriteOperation =
  | CreateOperation
  | SetOperation
  | DeleteOperation
  | SetAclOperation
  | TouchOperation
  | DeleteTreeOperation
  | TransactionOperation;

/** What a server asks for on behalf of a session. */
export type SessionOperation =
  | {
      readonly kind: 'createSession';
      /** Drawn by the asking server; refused when 0 or live. */
      readonly sessionId: number;
      readonly timeoutMs: number;
      /** SHA-256 of the random password: the tree never holds the password. */
      readonly passwordHash: Uint8Array;
      /** The client instance that may write (see the exactly-once table). */
      readonly nonce: string;
    }
  /** Another instance of the client takes the session over; what the former one sends is refused from here on. */
  | { readonly kind: 'attachSession'; readonly sessionId: number; readonly nonce: string }
  | { readonly kind: 'closeSession'; readonly sessionId: number };

/** Who asks, and as which of its writes: the key of the exactly-once table. */
export interface WriteRequest {
  readonly kind: 'write';
  readonly sessionId: number;
  readonly nonce: string;
  /** Grows by one per write of this instance, from 1. */
  readonly requestNo: number;
  /** Every write up to this one is answered and the client knows; its stored result can go. */
  readonly answeredThrough: number;
  readonly operation: WriteOperation;
}

/** The leader's own: a container or a node with a TTL whose time has come. */
export interface ReapRequest {
  readonly kind: 'reap';
  readonly path: string;
}

export type Request =
  | WriteRequest
  | { readonly kind: 'session'; readonly operation: SessionOperation }
  | ReapRequest;
