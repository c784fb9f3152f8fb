import type { CallOptions } from './call-options.ts';
import type { SessionId } from './stat.ts';

/**
 * `connected-read-only`: to a server without a quorum, where writes fail with NOT_READ_ONLY. `auth-failed`: credentials
 * that were good were refused on a later connection, and the client has closed.
 */
export type SessionState =
  | 'connecting'
  | 'connected'
  | 'connected-read-only'
  | 'suspended'
  | 'expired'
  | 'closed'
  | 'auth-failed';

/** `connected` with 0n: read-only, and no session was made. */
export type SessionEvent =
  | {
      readonly type: 'connected';
      readonly server: string;
      readonly sessionId: SessionId;
      readonly reconnected: boolean;
    }
  | { readonly type: 'suspended'; readonly cause: Error; readonly expiresInMs: number }
  | { readonly type: 'expired'; readonly sessionId: SessionId; readonly by: 'server' | 'local-deadline' }
  | { readonly type: 'renewed'; readonly previous: SessionId; readonly sessionId: SessionId }
  | { readonly type: 'closed' };

/** One session. After it is lost this object stays as it is; the client's `session` is then its successor. */
export interface Session {
  /** 0n before the first connection to a server with a quorum. */
  readonly id: SessionId;
  readonly state: SessionState;
  /** As the ensemble granted it; before that, as it was asked for. */
  readonly timeoutMs: number;
  /**
   * Time left before the session must be assumed dead, counted from the send time of the last acknowledged
   * heartbeat; 0 when it is lost or was never made. What a ZooKeeper's acknowledgement proves is in
   * docs/zookeeper-servers.md.
   */
  readonly remainingMs: number;
  /** Aborted once, when this session (not its successor) is lost. */
  readonly signal: AbortSignal;
  /** Events of the client's sessions, from now on. The oldest are dropped when 256 wait unread. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<SessionEvent>;
  on<T extends SessionEvent['type']>(
    type: T,
    listener: (event: Extract<SessionEvent, { type: T }>) => void,
  ): Disposable;
  /**
   * Resolves when this session is connected, read-only too; rejects with SESSION_EXPIRED, REQUEST_TIMEOUT, CLIENT_CLOSED
   * or AUTH_FAILED.
   */
  whenConnected(options?: CallOptions): Promise<void>;
  /** For handing over across a restart. */
  export(): { readonly id: string; readonly password: string };
}
