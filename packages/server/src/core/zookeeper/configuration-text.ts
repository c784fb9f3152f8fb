import { lines } from './word-text.ts';
import type { ConfigurationFacts, MemberFacts, WordsSource } from './words-source.ts';

/** The keys of ZooKeeper's configuration with what stands for them here; of an ensemble, its members too. */
export function configurationText(source: WordsSource): string {
  const facts = source.configuration();
  const { logBytes, snapshotBytes } = source.files();
  const own = lines([
    `clientPort=${facts.clientPort ?? -1}`,
    `secureClientPort=${facts.secureClientPort ?? -1}`,
    `dataDir=${facts.dataDir}`,
    `dataDirSize=${snapshotBytes}`,
    `dataLogDir=${facts.dataDir}`,
    `dataLogSize=${logBytes}`,
    `tickTime=${facts.heartbeatMs}`,
    `maxClientCnxns=${facts.connectionsPerAddressMax}`,
    `minSessionTimeout=${facts.sessionTimeoutMinMs}`,
    `maxSessionTimeout=${facts.sessionTimeoutMaxMs}`,
    // The system's own.
    'clientPortListenBacklog=-1',
    `serverId=${facts.serverId}`,
  ]);
  return facts.members.length === 1 || source.role === 'read-only' ? own : own + ensembleText(facts);
}

function ensembleText({
  members,
  serverId,
  heartbeatMs,
  syncLimitMs,
  silenceMs,
}: ConfigurationFacts): string {
  const port = portOf(members.find(({ id }) => id === serverId)?.peer ?? '');
  const texts = lines([
    `initLimit=${Math.ceil(syncLimitMs / heartbeatMs)}`,
    `syncLimit=${Math.ceil(silenceMs / heartbeatMs)}`,
    `electionAlg=${FAST_LEADER_ELECTION}`,
    // One port serves both.
    `electionPort=${port}`,
    `quorumPort=${port}`,
    `peerType=${PARTICIPANT}`,
    'membership: ',
    ...members.map(memberText),
  ]);
  // ZooKeeper ends without a line feed here.
  return `${texts}version=0`;
}

function memberText({ id, peer, zookeeper }: MemberFacts): string {
  const clients = zookeeper === undefined ? '' : `;${zookeeper}`;
  return `server.${id}=${peer}:${portOf(peer)}:participant${clients}`;
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

const FAST_LEADER_ELECTION = 3;
const PARTICIPANT = 0;
