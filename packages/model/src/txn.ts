import type { Acl } from './acl.ts';
import type { ErrorCode } from './error.ts';
import type { CreateMode } from './operation.ts';

/**
 * A change that passed every check, as every server applies it. It says what happens, not what was asked: names
 * are complete, versions absolute. What a kind does never changes; a new behaviour gets a new kind.
 */
export type Change =
  | {
      readonly kind: 'create';
      /** With its sequence suffix. */
      readonly path: string;
      readonly data: Uint8Array;
      readonly mode: CreateMode;
      readonly acl: readonly Acl[];
      /** The owner of an ephemeral; 0 otherwise. */
      readonly ephemeralOwner: number;
      /** 0: none. */
      readonly ttlMs: number;
    }
  | { readonly kind: 'set'; readonly path: string; readonly data: Uint8Array; readonly version: number }
  | { readonly kind: 'delete'; readonly path: string }
  /** Changes nothing; keeps its place among the results. */
  | { readonly kind: 'check'; readonly path: string }
  | { readonly kind: 'checkAbsent'; readonly path: string }
  | { readonly kind: 'checkOwner'; readonly path: string }
  /** `acl` as stored: `auth` is resolved. `aversion` is the one after the change. */
  | {
      readonly kind: 'setAcl';
      readonly path: string;
      readonly acl: readonly Acl[];
      readonly aversion: number;
    }
  /** Changes nothing; the leader starts the TTL of the node anew. */
  | { readonly kind: 'touch'; readonly path: string }
  /** `paths` go, children before parents; `done`: `path` is among them. */
  | {
      readonly kind: 'deleteTree';
      readonly path: string;
      readonly paths: readonly string[];
      readonly done: boolean;
    };

export type TxnBody =
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'transaction'; readonly changes: readonly Change[] }
  | {
      readonly kind: 'createSession';
      readonly sessionId: number;
      readonly timeoutMs: number;
      readonly passwordHash: Uint8Array;
      readonly nonce: string;
    }
  | { readonly kind: 'attachSession'; readonly sessionId: number; readonly nonce: string }
  /** Carries no path list: apply deletes the session's ephemerals in path order. */
  | { readonly kind: 'closeSession'; readonly sessionId: number }
  /** A refused write takes its place in the history too, so that replies stay in order. */
  | {
      readonly kind: 'error';
      readonly code: ErrorCode;
      readonly message: string;
      /** For a transaction: which operation failed, and the code of each; empty otherwise. */
      readonly failedIndex: number;
      readonly codes: readonly (ErrorCode | 'OK')[];
    };

export interface Txn {
  /** max(leader's wall clock, time of the txn before), ms since 1970; for display. */
  readonly timeMs: number;
  /** The session that asked; 0 for what the ensemble does of itself. */
  readonly sessionId: number;
  /** 0 when the request is not numbered (session operations). */
  readonly requestNo: number;
  readonly answeredThrough: number;
  /** 32-bit hash of the operation: the same number with another operation is a protocol error. */
  readonly requestHash: number;
  readonly body: TxnBody;
}
