import { isLoopback, isWildcard, parseAddress } from './config-address.ts';
import { ConfigError } from './config-settings.ts';
import type { Member, ServerConfig } from './server-config.ts';

/** Refuses values that are each legal and don't go together. Throws {@link ConfigError}. */
export function checkRules(config: ServerConfig, source: string): void {
  refuseTwins(config.members, source);
  refuseWildcards(config, source);
  refuseOpenPeers(config, source);
  for (const rule of RULES) {
    if (!rule.holds(config)) throw new ConfigError(`${source}: ${rule.text}`);
  }
}

function refuseTwins(members: readonly Member[], source: string): void {
  const seen = new Set<string>();
  for (const member of members) {
    const { zookeeper } = member;
    const names = [`id ${member.id}`, `address ${member.peer}`, `address ${member.client}`];
    for (const name of zookeeper === undefined ? names : [...names, `address ${zookeeper}`]) {
      if (seen.has(name))
        throw new ConfigError(`${source}: "members" has the ${name} twice; each server needs its own`);
      seen.add(name);
    }
  }
}

/** Others dial these, and nobody can dial every interface. */
function refuseWildcards(config: ServerConfig, source: string): void {
  const dialled = [
    ['advertise', config.advertise],
    ...config.members.flatMap((member, index) => [
      [`members[${index}].peer`, member.peer],
      [`members[${index}].client`, member.client],
      [`members[${index}].zookeeper`, member.zookeeper],
    ]),
  ] as const;
  for (const [path, written] of dialled) {
    if (isWildcard(hostOf(written ?? ''))) {
      throw new ConfigError(
        `${source}: "${path}" is ${written}, which nobody can dial; name the host there, and put 0.0.0.0 under "listen"`,
      );
    }
  }
}

function refuseOpenPeers(config: ServerConfig, source: string): void {
  if (isLoopback(hostOf(config.listen.peer)) || config.tls !== undefined || config.insecurePeers) return;
  throw new ConfigError(
    `${source}: "listen.peer" is ${config.listen.peer}, beyond loopback, and peers would come without a certificate; ` +
      'give tls.cert, tls.key and tls.ca, or say insecurePeers: true if the network is yours alone',
  );
}

function hostOf(written: string): string {
  return parseAddress(written)?.host ?? '';
}

const RULES: readonly { readonly holds: (config: ServerConfig) => boolean; readonly text: string }[] = [
  {
    holds: ({ listen, clientTls }) => listen.zookeeperTls.length === 0 || clientTls !== undefined,
    text: '"listen.zookeeperTls" needs "tls.client", with cert and key: what the port shows its clients',
  },
  {
    holds: ({ timing }) => timing.silenceMs >= 2 * timing.heartbeatMs,
    text: '"timing.silenceMs" needs to be at least twice "timing.heartbeatMs", or one late heartbeat ends a leadership',
  },
  {
    holds: ({ timing }) => timing.tickMs <= timing.heartbeatMs,
    text: '"timing.tickMs" needs to be at most "timing.heartbeatMs", or heartbeats come late',
  },
  {
    holds: ({ timing }) => timing.sessionTimeoutMinMs <= timing.sessionTimeoutMaxMs,
    text: '"timing.sessionTimeoutMinMs" needs to be at most "timing.sessionTimeoutMaxMs"',
  },
  {
    holds: ({ limits }) => limits.dataBytesMax < limits.frameBytesMax,
    text: '"limits.dataBytesMax" needs to be below "limits.frameBytesMax": data travels inside a frame',
  },
  {
    holds: ({ limits }) => limits.requestsBytesMax >= 2 * limits.frameBytesMax,
    text: '"limits.requestsBytesMax" needs to be at least twice "limits.frameBytesMax", or a large request never finds room',
  },
  {
    holds: ({ limits }) => limits.clientQueueBytesMax >= 2 * limits.frameBytesMax,
    text: '"limits.clientQueueBytesMax" needs to be at least twice "limits.frameBytesMax", or one reply ends the stream it is sent on',
  },
  {
    holds: ({ limits, storage }) => limits.frameBytesMax <= storage.batchBytesMax,
    text: '"limits.frameBytesMax" needs to be at most "storage.batchBytesMax": what a frame brings is logged in one batch',
  },
];
