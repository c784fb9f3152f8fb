import type {
  ErrorCode,
  Identity,
  Acl as ModelAcl,
  PersistentWatchKind,
  WatchKind,
  WriteOperation,
} from '@zabra/model';
import type { Stat } from './stat.ts';
import type { OneShot } from './watch-event.ts';

/** What a session asks of the ensemble, with complete paths; request-codec.ts puts it on the wire. */
export type Ask = ReadAsk | WriteOperation;

export type ReadAsk =
  | { readonly kind: 'get'; readonly path: string; readonly read: ReadTerms; readonly watch: boolean }
  | { readonly kind: 'exists'; readonly path: string; readonly read: ReadTerms; readonly watch: boolean }
  | ({ readonly kind: 'children'; readonly read: ReadTerms; readonly watch: boolean } & ChildrenPage)
  | { readonly kind: 'getAcl'; readonly path: string; readonly read: ReadTerms }
  | { readonly kind: 'descendants'; readonly path: string; readonly read: ReadTerms }
  | { readonly kind: 'multiRead'; readonly reads: readonly SubReadAsk[]; readonly read: ReadTerms }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'ephemerals'; readonly prefix: string }
  | { readonly kind: 'whoAmI' }
  | { readonly kind: 'addAuth'; readonly scheme: string; readonly credentials: Uint8Array }
  | { readonly kind: 'addWatch'; readonly watch: PersistentArm }
  | {
      readonly kind: 'removeWatch';
      readonly watchKind: WatchKind | PersistentWatchKind;
      readonly path: string;
      /** Of a watch that stays; 0 otherwise. */
      readonly id: number;
    };

export interface ReadTerms {
  readonly linearizable: boolean;
  /** 0: answered at once. */
  readonly minZxid: number;
}

export interface ChildrenPage {
  readonly path: string;
  /** The page begins behind this name; empty: at the first. */
  readonly after: string;
  /** 0: as many names as one reply holds. */
  readonly limit: number;
  readonly withStats: boolean;
}

export interface SubReadAsk {
  readonly op: 'get' | 'exists' | 'children';
  readonly path: string;
}

/** A watch that stays, as it is armed. Read when it is sent: `fromZxid` moves as events come. */
export interface PersistentArm {
  readonly id: number;
  readonly kind: PersistentWatchKind;
  readonly path: string;
  /** What happened after it is told too; undefined: what happens from now on. */
  readonly fromZxid: number | undefined;
}

/** What one change gave, in the order of a transaction's operations. */
export interface ChangeAnswer {
  readonly op: 'create' | 'set' | 'delete' | 'check' | 'setAcl' | 'touch' | 'deleteTree';
  readonly path: string;
  /** Of what was created, or whose data or ACL was set. */
  readonly stat: Stat | undefined;
  /** Of a deleteTree: nothing is left of it. True for every other change. */
  readonly done: boolean;
}

/** The result of a read of several, as of one state of the tree. */
export type SubReadAnswer =
  | { readonly kind: 'get'; readonly data: Uint8Array; readonly stat: Stat }
  | { readonly kind: 'exists'; readonly stat: Stat | undefined }
  | {
      readonly kind: 'children';
      readonly names: readonly string[];
      readonly stat: Stat;
      readonly more: boolean;
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string };

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
      /** There are names behind the last of these. */
      readonly more: boolean;
      /** One for each name where asked for; undefined for a child that may not be read. */
      readonly stats: readonly (Stat | undefined)[];
      readonly watch: OneShot | undefined;
    }
  | { readonly kind: 'sync'; readonly zxid: number }
  | { readonly kind: 'getAcl'; readonly zxid: number; readonly acl: readonly ModelAcl[]; readonly stat: Stat }
  | { readonly kind: 'descendants'; readonly zxid: number; readonly count: number }
  | { readonly kind: 'ephemerals'; readonly zxid: number; readonly paths: readonly string[] }
  | { readonly kind: 'whoAmI'; readonly zxid: number; readonly identities: readonly Identity[] }
  | { readonly kind: 'multiRead'; readonly zxid: number; readonly results: readonly SubReadAnswer[] }
  | { readonly kind: 'addAuth'; readonly zxid: number }
  | { readonly kind: 'watch'; readonly zxid: number }
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
export type AnswerTo<K extends Ask['kind']> = Extract<Answer, { kind: AnswerKindTo<K> }>;

type AnswerKindTo<K extends Ask['kind']> = K extends 'addWatch' | 'removeWatch'
  ? 'watch'
  : K extends ReadAsk['kind']
    ? K
    : 'write';

export function isWrite(ask: Ask): ask is WriteOperation {
  switch (ask.kind) {
    case 'create':
    case 'set':
    case 'delete':
    case 'setAcl':
    case 'touch':
    case 'deleteTree':
    case 'transaction':
      return true;
    default:
      return false;
  }
}

/** The kind of answer that fits; anything else is not understood. */
export function answerKindOf(ask: Ask): Answer['kind'] {
  if (isWrite(ask)) return 'write';
  return ask.kind === 'addWatch' || ask.kind === 'removeWatch' ? 'watch' : ask.kind;
}

/** Its path in the tree; some are of none. */
export function pathOf(ask: Ask): string | undefined {
  switch (ask.kind) {
    case 'transaction':
    case 'multiRead':
    case 'whoAmI':
    case 'addAuth':
      return undefined;
    case 'ephemerals':
      return ask.prefix;
    case 'addWatch':
      return ask.watch.path;
    default:
      return ask.path;
  }
}
