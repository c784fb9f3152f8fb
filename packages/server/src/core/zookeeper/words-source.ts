import type { PeerId, SessionId, Zxid } from '@zabra/model';
import type { OperationMnemonic, ServeStatistics, Spread } from './serve-statistics.ts';

/** What a server is to its clients. Of an ensemble of one: standalone. */
export type ServingRole = 'leader' | 'follower' | 'standalone' | 'read-only';

/**
 * What the four-letter words are answered from. Each part is looked up when a word asks for it and not before, so that
 * words which nobody says cost nothing. What a server cannot know is undefined, and left out of the answers.
 */
export interface WordsSource {
  /** As {@link announcedVersion} writes it. */
  readonly version: string;
  /** Undefined while it serves nobody. */
  readonly role: ServingRole | undefined;
  readonly statistics: ServeStatistics;
  state(): ServerState;
  /** Of a leader. */
  leading(): Leading | undefined;
  /** Those with a session, and those served without one. */
  connections(): readonly ConnectionFacts[];
  /** Of the whole ensemble. */
  sessions(): Iterable<SessionFacts>;
  /** Where watches are, by session. */
  watchedPaths(): Iterable<WatchedPaths>;
  /** Digests of the tree at some zxids, oldest first. */
  digests(): Iterable<ZxidDigest>;
  refusals(): Refusals;
  files(): FileSizes;
  /** Undefined where the system doesn't tell. */
  openFiles(): OpenFiles | undefined;
  durations(): StorageDurations;
  configuration(): ConfigurationFacts;
  /** Name and value, in the order in which they are told. */
  environment(): readonly (readonly [name: string, value: string])[];
  /** `crst`: every connection's counts. */
  resetConnections(): void;
}

export interface ServerState {
  /** The last that was applied. */
  readonly zxid: Zxid;
  readonly epoch: number;
  /** As the ensemble's protocol calls it: `broadcast`, `synchronization` and so on. */
  readonly phase: string;
  readonly nodes: number;
  /** Without the paths, which ZooKeeper's number has in it. */
  readonly dataBytes: number;
  readonly ephemerals: number;
  /** Of the ensemble. */
  readonly sessions: number;
  readonly connections: number;
  /** Of this server's clients. */
  readonly watches: number;
  /** Of the ensemble, this server included. */
  readonly voters: number;
  /** Requests of this server's clients that are not answered. */
  readonly outstanding: number;
  readonly uptimeMs: number;
}

export interface Leading {
  /** Connected. */
  readonly followers: number;
  /** Those of them that have the history and count towards a quorum. */
  readonly syncedFollowers: number;
  readonly forMs: number;
}

export interface ConnectionFacts {
  /** `address:port`; IPv6 addresses in brackets. */
  readonly remote: string;
  /** Undefined: it is served without a session. */
  readonly sessionId: SessionId | undefined;
  readonly timeoutMs: number;
  /** Requests that are not answered. */
  readonly queued: number;
  readonly received: number;
  readonly sent: number;
  readonly lastOperation: OperationMnemonic;
  /** Negative: it has none, or is a heartbeat. */
  readonly lastXid: number;
  /** -1 before there is one. */
  readonly lastZxid: number;
  /** On a monotonic clock. */
  readonly lastResponseMs: number;
  readonly lastLatencyMs: number;
  readonly latency: Spread;
  /** Wall clock, ms since 1970. */
  readonly establishedMs: number;
  /** When it ends unless the client says something; on the wall clock. */
  readonly expiresMs: number;
}

export interface SessionFacts {
  readonly id: SessionId;
  readonly timeoutMs: number;
  readonly ephemerals: readonly string[];
  /** Wall clock; only a leader knows. */
  readonly expiresMs: number | undefined;
}

export interface WatchedPaths {
  /** 0: of a client without a session. */
  readonly sessionId: SessionId;
  /** A path stands once for each watch on it. */
  readonly paths: Iterable<string>;
}

export interface ZxidDigest {
  readonly zxid: Zxid;
  /** 16 hexadecimal digits. */
  readonly digest: string;
}

/** Connections that were ended since the start, for what their clients sent or did not send. */
export interface Refusals {
  /** Frames beyond the limit. */
  readonly large: number;
  /** Nothing of a session was said in time. */
  readonly silent: number;
}

/** Bytes on the disk. */
export interface FileSizes {
  readonly snapshotBytes: number;
  readonly logBytes: number;
}

export interface OpenFiles {
  readonly open: number;
  readonly max: number;
}

/** Undefined: not measured. */
export interface StorageDurations {
  readonly fsync: Spread | undefined;
  readonly snapshot: Spread | undefined;
}

export interface ConfigurationFacts {
  /** Undefined: there is no such port. */
  readonly clientPort: number | undefined;
  readonly secureClientPort: number | undefined;
  readonly dataDir: string;
  readonly serverId: PeerId;
  /** The beat of the ensemble, in which the limits below are counted. */
  readonly heartbeatMs: number;
  readonly syncLimitMs: number;
  readonly silenceMs: number;
  readonly connectionsPerAddressMax: number;
  readonly sessionTimeoutMinMs: number;
  readonly sessionTimeoutMaxMs: number;
  readonly members: readonly MemberFacts[];
}

export interface MemberFacts {
  readonly id: PeerId;
  /** `host:port`. */
  readonly peer: string;
  /** `host:port` for clients of ZooKeeper's wire; undefined: it has none. */
  readonly zookeeper: string | undefined;
}

/** The version whose behaviour this server has, as clients compare it. */
const ZOOKEEPER_VERSION = '3.9.3';

/**
 * As ZooKeeper writes its version, so that clients and monitors can read it: letters, digits, dots and dashes, then when
 * it was built (UTC). What stands behind the first dash is ours.
 */
export function announcedVersion(version: string, builtOn: string): string {
  return `${ZOOKEEPER_VERSION}-zabra-${version}, built on ${builtOn} UTC`;
}
