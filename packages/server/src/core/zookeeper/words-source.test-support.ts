import { asZxid } from '@zabra/model';
import { ConnectionStatistics, ServeStatistics, XID_HEARTBEAT } from './serve-statistics.ts';
import { announcedVersion, type WordsSource } from './words-source.ts';

/** A leader of three with two clients, one of which has two ephemeral nodes and three watches. */
export function busyLeader(): WordsSource {
  const statistics = new ServeStatistics();
  const first = new ConnectionStatistics(statistics, 1_795_896_456_460);
  const second = new ConnectionStatistics(statistics, 1_795_896_456_549);
  first.heard();
  first.told();
  first.answered(true, 4_105_300, 4_105_317);
  first.did('SETD', 0x19a, 0x1_0000_0197);
  second.heard();
  second.told();
  second.answered(false, 4_104_308, 4_104_308);
  second.did('GETD', 3, 0x1_0000_0007);
  second.heard();
  second.told();
  second.did('PING', XID_HEARTBEAT, -1);
  statistics.proposed(61);
  statistics.proposed(48);
  statistics.responded(84);
  const connections = [first, second];
  return {
    version: announcedVersion('0.1.0', '2026-11-28 12:00'),
    role: 'leader',
    statistics,
    state: () => ({
      zxid: asZxid(0x1_0000_0197),
      epoch: 1,
      phase: 'broadcast',
      nodes: 10,
      dataBytes: 93,
      ephemerals: 2,
      sessions: 2,
      connections: 2,
      watches: 4,
      voters: 3,
      outstanding: 5,
      uptimeMs: 484_000.4,
    }),
    leading: () => ({ followers: 2, syncedFollowers: 1, forMs: 400_000.2 }),
    connections: () =>
      connections.map((connection, index) => ({
        remote: index === 0 ? '127.0.0.1:57106' : '[::1]:57110',
        sessionId: index === 0 ? 0x3_0000_9b20_0000 : 0x3_0000_9b20_0001,
        timeoutMs: 10_000,
        queued: index,
        received: connection.received,
        sent: connection.sent,
        lastOperation: connection.lastOperation,
        lastXid: connection.lastXid,
        lastZxid: connection.lastZxid,
        lastResponseMs: connection.lastResponseMs,
        lastLatencyMs: connection.lastLatencyMs,
        latency: connection.latency,
        establishedMs: connection.establishedMs,
        expiresMs: Date.UTC(2026, 10, 28, 20, 7, 52),
      })),
    sessions: () => [
      {
        id: 0x3_0000_9b20_0000,
        timeoutMs: 10_000,
        ephemerals: ['/a/e', '/a/f'],
        expiresMs: Date.UTC(2026, 10, 28, 20, 7, 46, 500),
      },
      {
        id: 0x3_0000_9b20_0001,
        timeoutMs: 10_000,
        ephemerals: [],
        expiresMs: Date.UTC(2026, 10, 28, 20, 7, 46),
      },
    ],
    watchedPaths: () => [
      { sessionId: 0x3_0000_9b20_0000, paths: ['/a', '/a', '/none'] },
      { sessionId: 0x3_0000_9b20_0001, paths: ['/a'] },
    ],
    digests: () => [
      { zxid: asZxid(0x1_0000_0080), digest: '000000033091f46e' },
      { zxid: asZxid(0x1_0000_0100), digest: 'ffffffffffffffff' },
    ],
    refusals: () => ({ large: 3, silent: 4 }),
    files: () => ({ snapshotBytes: 593, logBytes: 67_108_880 }),
    openFiles: () => ({ open: 40, max: 20_000 }),
    durations: () => ({ fsync: undefined, snapshot: undefined }),
    configuration: () => ({
      clientPort: 2181,
      secureClientPort: undefined,
      dataDir: '/var/lib/zabra',
      serverId: 2,
      heartbeatMs: 250,
      syncLimitMs: 5000,
      silenceMs: 1000,
      connectionsPerAddressMax: 1000,
      sessionTimeoutMinMs: 4000,
      sessionTimeoutMaxMs: 60_000,
      members: [
        { id: 1, peer: '10.0.0.1:5182', zookeeper: '10.0.0.1:2181' },
        { id: 2, peer: '10.0.0.2:5182', zookeeper: '10.0.0.2:2181' },
        { id: 3, peer: '10.0.0.3:5182', zookeeper: undefined },
      ],
    }),
    environment: () => [
      ['host.name', 'b'],
      ['os.name', 'Linux'],
    ],
    resetConnections: () => {
      for (const connection of connections) connection.reset();
    },
  };
}
