import type { Acl } from './acl.ts';
import type { Instrumentation } from './instrumentation.ts';
import type { Logger } from './logger.ts';
import type { RetryPolicy } from './retry.ts';
import type { Bytes } from './stat.ts';

export interface TlsOptions {
  readonly ca?: string | Bytes;
  readonly cert?: string | Bytes;
  readonly key?: string | Bytes;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface ConnectOptions {
  /**
   * `h1:5181,h2:5181/chroot`, `zabra://…`, `zabra+tls://…`, or a list of `host:port`; `zookeeper://h1:2181,h2:2181/chroot`
   * and `zookeeper+tls://…` for servers that speak ZooKeeper's own wire, see docs/zookeeper-servers.md for what these
   * cannot do. One scheme for all. Ports may be left out: 5181, or 2181 of a ZooKeeper. Names are resolved at every
   * attempt.
   */
  readonly servers: string | readonly string[];
  /** Every path of this client is below it. */
  readonly chroot?: string;
  /** 30 000; the ensemble may grant another. */
  readonly sessionTimeoutMs?: number;
  /** 10 000: the whole of connect(), all servers. */
  readonly connectTimeoutMs?: number;
  /** 15 000 */
  readonly requestTimeoutMs?: number;
  /** Exponential with full jitter, 100 ms to 5 s. */
  readonly retry?: RetryPolicy;
  /** Exponential with full jitter, 50 ms to 10 s, for ever. */
  readonly reconnect?: RetryPolicy;
  readonly tls?: boolean | TlsOptions;
  /**
   * Identities that this client proves on every connection before anything else. One that is refused ends the client
   * with AUTH_FAILED; a function is called for each connection.
   */
  readonly auth?: readonly Credentials[];
  /** Be served by a server without a quorum too when no other is found: reads only, maybe of the past. Default false. */
  readonly readOnly?: boolean;
  readonly defaultAcl?: readonly Acl[];
  /** `renew`: a lost session is followed by a new one. `close`: the client closes. Default `renew`. */
  readonly onSessionExpired?: 'renew' | 'close';
  /** Aborts connect(). */
  readonly signal?: AbortSignal;
  /** Requests sent and unanswered, 1000; further ones wait. */
  readonly requestsOutstandingMax?: number;
  /** Requests waiting to be sent, 10 000; further ones fail with LIMIT. */
  readonly requestsWaitingMax?: number;
  /** Of a ZooKeeper, which does not say it: bytes of its `jute.maxbuffer`, 1 048 575. What is larger fails with DATA_TOO_LARGE. */
  readonly frameBytesMax?: number;
  readonly logger?: Logger;
  readonly instrumentation?: Instrumentation;
}

/** `digest` and `scrypt`: `user:password`. */
export interface Credentials {
  readonly scheme: string;
  readonly credentials: string | Bytes | (() => Promise<string | Bytes>);
}
