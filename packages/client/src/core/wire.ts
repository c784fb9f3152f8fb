/**
 * How a client and its servers speak. There are two ways: Zabra's own (connection.ts) and ZooKeeper's
 * (zookeeper/zookeeper-connection.ts). Whatever they say, the rules of sessions, calls, watches and retries are above
 * this line, and the same for both.
 */
import type { PersistentWatchKind, Refusal, WatchKind } from '@zabra/model';
import type { Answer, Ask, PersistentArm } from './ask.ts';
import type { ClientEnv } from './env.ts';
import type { ZkErrorCode } from './errors.ts';
import type { Moment } from './moment.ts';
import type { Request } from './request.ts';
import type { SessionRecord } from './session.ts';
import type { SessionId } from './stat.ts';
import type { Armed, ServerEvent, WatchTable } from './watches.ts';

/** One way to speak, and what it lacks. */
export interface Wire {
  readonly name: 'zabra' | 'zookeeper';
  /** A connection that was not opened yet. */
  connection(env: ClientEnv, owner: ConnectionOwner, attach: AttachTerms): Connection;
  /** Why this cannot be asked for; undefined: it can. */
  faultOf(ask: Ask): Refusal | undefined;
  /** What a frame of nothing but this ask has, whatever its numbers. */
  frameBytesOf(ask: Ask): number;
  /** The ensemble knows a write by its number: however often it is sent, it is done once. */
  readonly doesWritesOnce: boolean;
  /** A transaction can check whose a node is. */
  readonly checksOwners: boolean;
  /** A subtree is deleted by the ensemble. */
  readonly deletesTrees: boolean;
  /** Lists of children come in pages, with the Stat of each where asked for. */
  readonly pagesChildren: boolean;
}

/** One conversation with one server. */
export interface Connection {
  /** Dials and asks for the session. The owner may be told at once that this was in vain. */
  open(address: string): void;
  /** Sent and unanswered. */
  readonly unanswered: number;
  /** Only when attached. */
  send(request: Request, session: SessionRecord): void;
  /** Arms what another server held; before any request but those that prove who asks. */
  rearm(watches: Rearmed): void;
  /** Asks for the end of the session, after all that was sent before; the answer is a goodbye. */
  sendClose(): void;
  /** Hangs up; the owner is not told. Answers what is unanswered, in order. */
  close(): readonly Request[];
}

/** What the owner of a connection is told; `ended` at most once, and nothing after it. */
export interface ConnectionOwner {
  /** A frame came; what it says follows. */
  heard(): void;
  attached(granted: Granted, sentAt: Moment): void;
  answered(request: Request, answer: Answer): void;
  event(event: ServerEvent): void;
  /** Whoever may expire the session heard of it after this moment. */
  heartbeatAcknowledged(sentAt: Moment, zxid: number): void;
  /** Every event up to this zxid was told. */
  delivered(zxid: number): void;
  ended(end: ConnectionEnd): void;
  /** Somebody waits for a one-shot watch in this table at this path, or a read is on its way that wants one. */
  awaits(table: WatchTable, path: string): boolean;
}

export type ConnectionEnd =
  | { readonly kind: 'goodbye'; readonly code: ZkErrorCode | 'OK'; readonly message: string }
  | { readonly kind: 'lost'; readonly error: Error };

export interface AttachTerms {
  /** 0n and empty: a new session. */
  readonly sessionId: SessionId;
  readonly password: Uint8Array;
  readonly nonce: string;
  readonly timeoutMs: number;
  readonly lastZxid: number;
  readonly clusterId: string;
  readonly attempt: number;
  readonly readOnly: boolean;
  /** What servers take in one frame that do not say it. */
  readonly frameBytesMax: number;
}

export interface Granted {
  readonly sessionId: SessionId;
  readonly password: Uint8Array;
  readonly timeoutMs: number;
  /** Empty: servers of this kind have none. */
  readonly clusterId: string;
  /** 0: not told. */
  readonly zxid: number;
  /** By a server without a quorum: reads only. */
  readonly readOnly: boolean;
  /** What the server takes in one frame. */
  readonly frameBytesMax: number;
}

/** The watches that the server of a connection is to hold from its beginning. */
export interface Rearmed {
  readonly oneShots: readonly Armed[];
  readonly standing: readonly PersistentArm[];
  /** Every event up to it was delivered. */
  readonly fromZxid: number;
}

/** Which watch it is. */
export type AnyWatchKind = WatchKind | PersistentWatchKind;
