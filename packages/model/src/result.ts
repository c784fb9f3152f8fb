import type { ErrorCode, Refusal } from './error.ts';
import type { Stat } from './stat.ts';
import type { Zxid } from './zxid.ts';

/** What one change gave, in the order of a transaction's operations. */
export type ChangeResult =
  | { readonly kind: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'set'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'delete'; readonly path: string }
  | { readonly kind: 'check'; readonly path: string }
  | { readonly kind: 'checkAbsent'; readonly path: string }
  | { readonly kind: 'checkOwner'; readonly path: string }
  | { readonly kind: 'setAcl'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'touch'; readonly path: string }
  /** How many nodes went; `done`: nothing is left of it. */
  | { readonly kind: 'deleteTree'; readonly path: string; readonly deleted: number; readonly done: boolean };

/** The outcome of a write, stored in the exactly-once table as it is. */
export type WriteResult =
  | { readonly kind: 'done'; readonly zxid: Zxid; readonly results: readonly ChangeResult[] }
  | {
      readonly kind: 'refused';
      readonly zxid: Zxid;
      readonly refusal: Refusal;
      /** For a transaction: which operation failed, and the code of each; -1 and empty otherwise. */
      readonly failedIndex: number;
      readonly codes: readonly (ErrorCode | 'OK')[];
    };
