import type { StatusReply } from '@zabra/proto';
import { toCoreOptions } from './config.ts';
import { type ServerCore, startCore } from './core/core.ts';
import type { ClientNetwork, Disk, Env, Logger } from './core/env.ts';
import type { CoreOptions } from './core/options.ts';
import { FRAME_BYTES as PEER_FRAME_BYTES } from './core/peers/peer-links.ts';
import { answerTo } from './core/zookeeper/four-letter-words.ts';
import { announcedVersion } from './core/zookeeper/words-source.ts';
import { ClientListener, PeerListener } from './grpc-listener.ts';
import { GrpcPeers } from './grpc-peers.ts';
import { RealClock, realRandom } from './real-clock.ts';
import { RealCredentials } from './real-credentials.ts';
import { openRealDisk } from './real-disk.ts';
import type { ServerConfig } from './server-config.ts';
import { clientCredentials, peerCredentials, zookeeperTls } from './tls-credentials.ts';
import { ZooKeeperListener } from './zookeeper-listener.ts';
import { RunningWords } from './zookeeper-words.ts';

export const VERSION = '0.1.0';
/** Of this release, for those who ask a ZooKeeper. */
const BUILT_ON = '2026-11-28 00:00';

export interface RunningServer {
  /** `host:port`, with the ports that were given where the configuration says 0. */
  readonly clientAddress: string;
  readonly peerAddress: string;
  /** The ports for ZooKeeper's wire, and those of them that want TLS. */
  readonly zookeeperAddresses: readonly string[];
  readonly zookeeperTlsAddresses: readonly string[];
  status(): StatusReply;
  /** Takes no more clients, seals the log, frees the ports. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when the server is over: with what ended it, or undefined after `stop`. */
  readonly ended: Promise<Error | undefined>;
}

export interface StartOptions {
  /** Forget what the data directory holds and be refilled by the ensemble. */
  readonly refill?: boolean;
  readonly log?: Logger;
  /** Another disk than the directory of the configuration: for tests of what survives a power cut. */
  readonly disk?: Disk;
}

/**
 * Starts one server in this process.
 *
 * Throws DataDirectoryError when the data directory is of another cluster, of another server, of a newer format or
 * damaged; ListenError when a port is taken. Whatever breaks later (the disk, an invariant) ends the server: `ended`.
 */
export async function startServer(config: ServerConfig, options: StartOptions = {}): Promise<RunningServer> {
  const log = options.log ?? silent;
  const core = toCoreOptions(config);
  const peerFrameBytesMax = largestPeerFrame(core);
  const peerTls = await peerCredentials(config.tls);
  const clientTls = await clientCredentials(config.clientTls);
  const credentials = new RealCredentials(log);
  let running: ServerCore | undefined;
  let words: RunningWords | undefined;
  const clients = new ClientListener(core.limits.frameBytesMax, () => status());
  const zookeeper = new ZooKeeperListener({
    frameBytesMax: core.limits.frameBytesMax,
    unfinishedBytesMax: core.limits.requestsBytesMax,
    connectionsMax: core.limits.connectionsMax,
    answerWord: (word) => (words === undefined ? undefined : answerTo(word, config.zookeeper.words, words)),
    log,
  });
  const zookeeperAddresses: string[] = [];
  const zookeeperTlsAddresses: string[] = [];
  const status = (): StatusReply => statusOf(config, running, zookeeperAddresses[0]);
  const peers = new PeerListener(peerFrameBytesMax);
  const addresses = new Map(config.members.map((member) => [member.id, member.peer]));

  let settle: (error: Error | undefined) => void = () => {};
  const ended = new Promise<Error | undefined>((resolve) => {
    settle = resolve;
  });
  const release = (): void => {
    clients.close();
    zookeeper.close();
    peers.close();
    credentials.close();
  };
  const env: Env = {
    clock: new RealClock(),
    random: realRandom,
    disk: options.disk ?? (await openRealDisk(config.dataDir)),
    peers: new GrpcPeers(addresses, peerTls.dial, peers, {
      frameBytesMax: peerFrameBytesMax,
      silenceMs: core.timing.silenceMs,
    }),
    clients: both(clients, zookeeper),
    credentials,
    log,
    fatal: (error) => {
      log.error('server ends', { error: error.message });
      release();
      settle(error);
    },
  };
  try {
    // The ports first: a server that cannot be reached must not touch the data.
    const clientAddress = await clients.listen(config.listen.client, clientTls);
    const peerAddress = await peers.listen(config.listen.peer, peerTls.listen);
    for (const address of config.listen.zookeeper) zookeeperAddresses.push(await zookeeper.listen(address));
    for (const address of config.listen.zookeeperTls)
      zookeeperTlsAddresses.push(await zookeeper.listen(address, await zookeeperTls(config.clientTls)));
    // A disk that fails meanwhile leaves the start unfinished.
    const failed = ended.then((error) => Promise.reject(error));
    running = await Promise.race([startCore(env, core, { refill: options.refill ?? false }), failed]);
    words = new RunningWords({
      version: announcedVersion(VERSION, BUILT_ON),
      config,
      core: running,
      ports: { plain: zookeeperAddresses[0], tls: zookeeperTlsAddresses[0], refused: zookeeper.refused },
    });
    let stopping: Promise<void> | undefined;
    return {
      clientAddress,
      peerAddress,
      zookeeperAddresses,
      zookeeperTlsAddresses,
      ended,
      status,
      stop: () => {
        stopping ??= (async () => {
          await running?.stop();
          release();
          settle(undefined);
        })();
        return stopping;
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** One service with two faces. */
function both(own: ClientNetwork, zookeeper: ClientNetwork): ClientNetwork {
  return {
    accept: (handler) => {
      own.accept(handler);
      zookeeper.accept(handler);
    },
  };
}

function statusOf(
  config: ServerConfig,
  running: ServerCore | undefined,
  zookeeperAddress: string | undefined,
): StatusReply {
  const seen = running?.inspect();
  const { user, system } = process.cpuUsage();
  return {
    serverId: config.id,
    role: seen?.serving !== true ? 'looking' : seen.role === 'leading' ? 'leader' : 'follower',
    epoch: seen?.epoch ?? 0,
    zxid: seen?.appliedZxid ?? 0,
    logZxid: seen?.lastZxid ?? 0,
    digest: seen?.digest ?? '',
    digestZxid: seen?.appliedZxid ?? 0,
    clusterId: seen?.clusterId ?? '',
    pid: process.pid,
    leaderId: seen?.leader ?? 0,
    sessions: seen?.sessions ?? 0,
    connections: seen?.connections ?? 0,
    znodes: seen?.znodes ?? 0,
    version: VERSION,
    address: config.advertise,
    commitZxid: seen?.commitZxid ?? 0,
    cpuSeconds: (user + system) / 1e6,
    watches: seen?.watches ?? 0,
    reaped: seen?.reaped ?? 0,
    zookeeperAddress: zookeeperAddress ?? '',
  };
}

/** What is gathered for a frame, and the largest word that then fills it; twice, for what the encoding adds. */
function largestPeerFrame({ limits, storage }: CoreOptions): number {
  const word = Math.max(limits.frameBytesMax, limits.proposalsBytesMax, storage.snapshotChunkBytes);
  return 2 * (PEER_FRAME_BYTES + limits.frameBytesMax + word);
}

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
