import type { ErrorCode, WriteOperation } from '@zabra/model';
import type { Stat } from './stat.ts';
import type { OneShot } from './watch-event.ts';

/** What a session asks of the ensemble, with complete paths; request-codec.ts puts it on the wire. */
export type Ask = ReadAsk | WriteOperation;

export type ReadAsk =
  | { readonly kind: 'get'; readonly path: string; readonly read: ReadTerms }
  | { readonly kind: 'exists'; readonly path: string; readonly read: ReadTerms }
  | { readonly kind: 'children'; readonly path: string; readonly read: ReadTerms }
  | { readonly kind: 'sync'; readonly path: string };

export interface ReadTerms {
  readonly watch: boolean;
  readonly linearizable: boolean;
  /** 0: answered at once. */
  readonly minZxid: number;
}

/** What one change gave, in the order of a transaction's operations. */
export interface ChangeAnswer {
  readonly op: 'create' | 'set' | 'delete' | 'check';
  readonly path: string;
  /** Of what was created or set. */
  readonly stat: Stat | undefined;
}

/** `watch` is set where the ask wanted one and the server armed it. */
export type Answer =
  | { readonly kind: 'write'; readonly zxid: number; readonly results: readonly ChangeAnswer[] }
  | {
      readonly kind: 'get';
      readonly zxid: number;
      readonly data: Uint8Array;
      readonly stat: Stat;
      readonly watch: OneShot | undefined;
    }
  | {
      readonly kind: 'exists';
      readonly zxid: number;
      readonly stat: Stat | undefined;
      readonly watch: OneShot | undefined;
    }
  | {
      readonly kind: 'children';
      readonly zxid: number;
      readonly names: readonly string[];
      readonly stat: Stat;
      readonly watch: OneShot | undefined;
    }
  | { readonly kind: 'sync'; readonly zxid: number }
  | RefusedAnswer;

export interface RefusedAnswer {
  readonly kind: 'refused';
  readonly zxid: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** Of a transaction: the operation that was refused, and the code of each. */
  readonly failedIndex: number | undefined;
  readonly codes: readonly (ErrorCode | 'OK')[];
}

/** The answer that fits an ask. */
export type AnswerTo<K extends Ask['kind']> = Extract<
  Answer,
  { kind: K extends ReadAsk['kind'] ? K : 'write' }
>;

export function isWrite(ask: Ask): ask is WriteOperation {
  switch (ask.kind) {
    case 'create':
    case 'set':
    case 'delete':
    case 'transaction':
      return true;
    default:
      return false;
  }
}
