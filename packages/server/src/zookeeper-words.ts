import { readdirSync, readFileSync } from 'node:fs';
import { freemem, hostname, release, type as systemName, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseAddress } from './config-address.ts';
import type { ServerCore } from './core/core.ts';
import type {
  ConfigurationFacts,
  ConnectionFacts,
  FileSizes,
  Leading,
  OpenFiles,
  Refusals,
  ServerState,
  ServingRole,
  SessionFacts,
  StorageDurations,
  WatchedPaths,
  WordsSource,
} from './core/zookeeper/words-source.ts';
import type { ServerConfig } from './server-config.ts';
import type { RefusedFor } from './zookeeper-listener.ts';

/** Where ZooKeeper's clients are listened to. */
export interface ZooKeeperPorts {
  /** `host:port`. */
  readonly plain: string | undefined;
  readonly tls: string | undefined;
  /** Connections that were ended there, by why. */
  readonly refused: ReadonlyMap<RefusedFor, number>;
}

/** What a running server knows of itself, for its four-letter words. */
export class RunningWords implements WordsSource {
  readonly version: string;
  readonly #config: ServerConfig;
  readonly #core: ServerCore;
  readonly #ports: ZooKeeperPorts;
  readonly #startedMs = performance.now();

  constructor(options: {
    readonly version: string;
    readonly config: ServerConfig;
    readonly core: ServerCore;
    readonly ports: ZooKeeperPorts;
  }) {
    this.version = options.version;
    this.#config = options.config;
    this.#core = options.core;
    this.#ports = options.ports;
  }

  get role(): ServingRole | undefined {
    const { replica } = this.#core;
    if (!replica.serving) return replica.clients.servesReadOnly ? 'read-only' : undefined;
    if (this.#config.members.length === 1) return 'standalone';
    return replica.transition.role === 'leading' ? 'leader' : 'follower';
  }

  get statistics(): WordsSource['statistics'] {
    return this.#core.replica.clients.statistics;
  }

  state(): ServerState {
    const { clients, tree, transition } = this.#core.replica;
    let ephemerals = 0;
    for (const session of tree.sessions()) ephemerals += session.ephemerals;
    return {
      zxid: tree.appliedZxid,
      epoch: transition.epoch,
      phase: transition.phase,
      nodes: tree.nodeCount,
      dataBytes: tree.dataBytes,
      ephemerals,
      sessions: tree.sessionCount,
      connections: clients.connectionCount,
      watches: clients.watches.size,
      voters: this.#config.members.length,
      outstanding: clients.outstanding,
      uptimeMs: performance.now() - this.#startedMs,
    };
  }

  leading(): Leading | undefined {
    const { replica } = this.#core;
    const { leading } = replica.zab;
    if (leading === undefined || !replica.serving) return undefined;
    const learners = [...leading.learners.values()];
    return {
      followers: learners.length,
      syncedFollowers: learners.filter(({ hasAdopted }) => hasAdopted).length,
      forMs: performance.now() - replica.roleSinceMs,
    };
  }

  connections(): readonly ConnectionFacts[] {
    const { clients, tree } = this.#core.replica;
    const nowMs = performance.now();
    const wallMs = Date.now();
    return Array.from(clients.connections(), (connection): ConnectionFacts => {
      const { statistics, session, stream } = connection;
      const timeoutMs = tree.session(session.id)?.timeoutMs ?? this.#config.timing.sessionTimeoutMinMs;
      return {
        remote: stream.remote,
        sessionId: connection.isReadOnly ? undefined : session.id,
        timeoutMs,
        queued: connection.unanswered,
        received: statistics.received,
        sent: statistics.sent,
        lastOperation: statistics.lastOperation,
        lastXid: statistics.lastXid,
        lastZxid: statistics.lastZxid,
        lastResponseMs: statistics.lastResponseMs,
        lastLatencyMs: statistics.lastLatencyMs,
        latency: statistics.latency,
        establishedMs: statistics.establishedMs,
        expiresMs: wallMs + timeoutMs - (nowMs - connection.heardMs),
      };
    });
  }

  *sessions(): Generator<SessionFacts> {
    const { tree } = this.#core.replica;
    for (const { id, timeoutMs } of tree.sessions())
      yield { id, timeoutMs, ephemerals: tree.ephemeralsOf(id), expiresMs: undefined };
  }

  *watchedPaths(): Generator<WatchedPaths> {
    for (const connection of this.#core.replica.clients.connections())
      yield { sessionId: connection.session.id, paths: connection.watchedPaths() };
  }

  digests(): ReturnType<WordsSource['digests']> {
    return this.#core.replica.digests;
  }

  refusals(): Refusals {
    const { largeRequestsRejected, sessionlessExpired } = this.statistics;
    return {
      large: largeRequestsRejected + (this.#ports.refused.get('too large') ?? 0),
      silent: sessionlessExpired + (this.#ports.refused.get('silence') ?? 0),
    };
  }

  files(): FileSizes {
    return this.#core.replica.files();
  }

  openFiles(): OpenFiles | undefined {
    try {
      const open = readdirSync('/proc/self/fd').length;
      const max = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
      return max === undefined ? undefined : { open, max: Number(max) };
    } catch {
      // Only Linux tells it this way.
      return undefined;
    }
  }

  durations(): StorageDurations {
    return this.#core.replica.durations();
  }

  configuration(): ConfigurationFacts {
    const { id, dataDir, timing, limits, members } = this.#config;
    return {
      clientPort: portOf(this.#ports.plain),
      secureClientPort: portOf(this.#ports.tls),
      dataDir: resolve(dataDir),
      serverId: id,
      heartbeatMs: timing.heartbeatMs,
      syncLimitMs: timing.syncLimitMs,
      silenceMs: timing.silenceMs,
      connectionsPerAddressMax: limits.sessionsPerAddressMax,
      sessionTimeoutMinMs: timing.sessionTimeoutMinMs,
      sessionTimeoutMaxMs: timing.sessionTimeoutMaxMs,
      members: members.map((member) => ({
        id: member.id,
        peer: member.peer,
        zookeeper: member.zookeeper,
      })),
    };
  }

  /** Who runs it and where it lies is nobody's business; a user without a name is no error either. */
  environment(): readonly (readonly [name: string, value: string])[] {
    return [
      ['host.name', hostname()],
      ['node.version', process.versions.node],
      ['os.name', systemName()],
      ['os.arch', process.arch],
      ['os.version', release()],
      ['os.memory.free', megabytes(freemem())],
      ['os.memory.max', megabytes(totalmem())],
      ['os.memory.total', megabytes(process.memoryUsage().rss)],
    ];
  }

  resetConnections(): void {
    for (const { statistics } of this.#core.replica.clients.connections()) statistics.reset();
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)}MB`;
}

function portOf(address: string | undefined): number | undefined {
  return address === undefined ? undefined : parseAddress(address)?.port;
}
