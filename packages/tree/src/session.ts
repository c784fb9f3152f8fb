import type { SessionId, WriteResult } from '@zabra/model';

/** The outcome of a numbered write, kept until the client says that it knows. */
export interface StoredResult {
  readonly requestNo: number;
  readonly requestHash: number;
  readonly result: WriteResult;
}

/** A session as the history knows it. When it was last heard of is its server's and its leader's affair. */
export interface SessionView {
  readonly id: SessionId;
  readonly timeoutMs: number;
  readonly passwordHash: Uint8Array;
  /** The client instance whose writes are taken. */
  readonly nonce: string;
  /** How many ephemeral nodes it owns. */
  readonly ephemerals: number;
}

/** Only {@link State} changes a session, for the same reason as with a node. */
export class Session {
  readonly id: SessionId;
  readonly timeoutMs: number;
  readonly passwordHash: Uint8Array;
  nonce: string;
  /** No write up to this number is kept, and none is taken any more. */
  answeredThrough = 0;
  /** The highest number kept so far: a lower one that is not kept was overtaken, and must not be done any more. */
  lastRequestNo = 0;
  /** Paths. */
  readonly ephemerals: Set<string> = new Set<string>();
  /** By number: the exactly-once table of this instance. */
  readonly results: Map<number, KeptResult> = new Map<number, KeptResult>();
  /** What those take, about. */
  resultBytes = 0;
  /** Hash of all but `answeredThrough` and the results. */
  contentA = 0;
  contentB = 0;
  snapshotMark = 0;

  constructor(id: SessionId, timeoutMs: number, passwordHash: Uint8Array, nonce: string) {
    this.id = id;
    this.timeoutMs = timeoutMs;
    this.passwordHash = passwordHash;
    this.nonce = nonce;
  }

  get ephemeralCount(): number {
    return this.ephemerals.size;
  }

  view(): SessionView {
    return {
      id: this.id,
      timeoutMs: this.timeoutMs,
      passwordHash: this.passwordHash,
      nonce: this.nonce,
      ephemerals: this.ephemerals.size,
    };
  }
}

/** With its share of the digest, so that it need not be hashed again when it goes. */
export interface KeptResult extends StoredResult {
  readonly hashA: number;
  readonly hashB: number;
}
