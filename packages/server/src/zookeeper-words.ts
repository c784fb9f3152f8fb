import { readdirSync, readFileSync, statSync } from 'node:fs';
import { arch, hostname, platform, release, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseAddress } from './config-address.ts';
import type { ServerCore } from './core/core.ts';
import type {
  ConfigurationFacts,
  ConnectionFacts,
  FileSizes,
  Leading,
  OpenFiles,
  ServerState,
  ServingRole,
  SessionFacts,
  WatchedPaths,
  WordsSource,
} from './core/zookeeper/words-source.ts';
import type { ServerConfig } from './server-config.ts';

/** What a running server knows of itself, for its four-letter words. `ports`: where ZooKeeper's clients are listened to. */
export class RunningWords implements WordsSource {
  readonly version: string;
  readonly #config: ServerConfig;
  readonly #core: ServerCore;
  readonly #ports: { readonly plain: string | undefined; readonly tls: string | undefined };
  readonly #startedMs = performance.now();

  constructor(options: {
    readonly version: string;
    readonly config: ServerConfig;
    readonly core: ServerCore;
    readonly ports: { readonly plain: string | undefined; readonly tls: string | undefined };
  }) {
    this.version = options.version;
    this.#config = options.config;
    this.#core = options.core;
    this.#ports = options.ports;
  }

  get role(): ServingRole | undefined {
    const { replica } = this.#core;
    if (!replica.serving) return this.#config.readOnlyMode ? 'read-only' : undefined;
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
      voters: this.#config.members.length,
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
    const { tree } = this.#core.replica;
    return [{ zxid: tree.appliedZxid, digest: tree.digest() }];
  }

  files(): FileSizes {
    const directory = this.#config.dataDir;
    let snapshotBytes = 0;
    let logBytes = 0;
    for (const name of readdirSync(directory)) {
      const isSnapshot = name.startsWith('snapshot.');
      if (!isSnapshot && !name.startsWith('log.')) continue;
      // One that was purged just now has no size any more.
      const bytes = statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
      if (isSnapshot) snapshotBytes += bytes;
      else logBytes += bytes;
    }
    return { snapshotBytes, logBytes };
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

  durations(): ReturnType<WordsSource['durations']> {
    return { fsync: undefined, snapshot: undefined };
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

  environment(): readonly (readonly [name: string, value: string])[] {
    return [
      ['host.name', hostname()],
      ['node.version', process.version],
      ['os.name', platform()],
      ['os.arch', arch()],
      ['os.version', release()],
      ['user.name', userInfo().username],
      ['user.dir', process.cwd()],
    ];
  }

  resetConnections(): void {
    for (const { statistics } of this.#core.replica.clients.connections()) statistics.reset();
  }
}

function portOf(address: string | undefined): number | undefined {
  return address === undefined ? undefined : parseAddress(address)?.port;
}
