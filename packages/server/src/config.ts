import { COUNTER_MAX, type Identity } from '@zabra/model';
import { fromAssignments, fromEnvironment } from './config-overrides.ts';
import { checkRules } from './config-rules.ts';
import {
  address,
  addresses,
  ConfigError,
  defaulting,
  flag,
  integer,
  isMap,
  list,
  optional,
  type Parsed,
  parseMap,
  type Setting,
  settingsOf,
  text,
  texts,
} from './config-settings.ts';
import {
  type CoreOptions,
  DEFAULT_LIMITS,
  DEFAULT_STORAGE,
  DEFAULT_TIMING,
  type Limits,
  type StorageOptions,
  type Timing,
} from './core/options.ts';
import { SAFE_WORDS, WORDS as WORDS_KNOWN } from './core/zookeeper/four-letter-words.ts';
import type { ClientTlsFiles, Member, ServerConfig, TlsFiles } from './server-config.ts';

export { ConfigError } from './config-settings.ts';
export type { AccessConfig, ClientTlsFiles, Member, ServerConfig, TlsFiles } from './server-config.ts';

/** A configuration with the origin of each value: `default`, the file's name, a variable's, or a flag. */
export interface ResolvedConfig {
  readonly config: ServerConfig;
  readonly settings: readonly { readonly path: string; readonly value: unknown; readonly origin: string }[];
}

/** What the configuration is made of; later ones win: file, environment, assignments. */
export interface ConfigSources {
  readonly file: { readonly source: string; readonly raw: unknown } | undefined;
  /** Variables named ZABRA_… are taken; one that names no setting is refused. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `timing.heartbeatMs=500`, from the flag `--set`. */
  readonly assignments: readonly string[];
}

/** The configuration in `raw` alone. `source` is its name in errors. Throws {@link ConfigError}. */
export function parseConfig(raw: unknown, source: string): ServerConfig {
  return resolveConfig({ file: { raw, source }, environment: {}, assignments: [] }).config;
}

/** The configuration from all its sources. Throws {@link ConfigError}. */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const { raw, source } = sources.file ?? { raw: {}, source: 'configuration' };
  const origins = new Map<string, string>();
  let merged = raw;
  for (const override of [
    ...fromEnvironment(SETTINGS, sources.environment),
    ...fromAssignments(SETTINGS, sources.assignments),
  ]) {
    merged = withValue(merged, override.path.split('.'), override.value);
    origins.set(override.path, override.origin);
  }
  const parsed = parseMap(SCHEMA, merged, { path: '', originOf: (path) => origins.get(path) ?? source });
  const config = complete(parsed, source);
  const written = { ...config, tls: { ...config.tls, client: config.clientTls } };
  const settings = [...SETTINGS.keys()].map((path) => {
    const keys = path.split('.');
    const origin = origins.get(path) ?? (valueAt(raw, keys) === undefined ? 'default' : source);
    return { path, value: valueAt(written, keys), origin };
  });
  return { config, settings };
}

/** What the core is told of it. */
export function toCoreOptions(config: ServerConfig): CoreOptions {
  return {
    id: config.id,
    members: config.members.map((member) => member.id),
    clusterId: config.clusterId,
    timing: config.timing,
    limits: config.limits,
    storage: config.storage,
    access: { superUsers: config.access.superUsers.map(identityOf) },
    readOnlyMode: config.readOnlyMode,
  };
}

function identityOf(written: string): Identity {
  const colon = written.indexOf(':');
  return { scheme: written.slice(0, colon), id: written.slice(colon + 1) };
}

const HOUR_MS = 3_600_000;
const GiB = 2 ** 30;

function durationMs(min: number, absent: number): Setting<number> {
  return defaulting(integer({ min, max: HOUR_MS }), absent);
}
function bytes(absent: number): Setting<number> {
  return defaulting(integer({ min: 1024, max: GiB }), absent);
}
function count(absent: number): Setting<number> {
  return defaulting(integer({ min: 1, max: 10_000_000 }), absent);
}

// A key that options.ts gains and these tables lack is a compile error.
const TIMING: { readonly [K in keyof Timing]: Setting<number> } = {
  heartbeatMs: durationMs(10, DEFAULT_TIMING.heartbeatMs),
  silenceMs: durationMs(50, DEFAULT_TIMING.silenceMs),
  syncLimitMs: durationMs(100, DEFAULT_TIMING.syncLimitMs),
  tickMs: durationMs(1, DEFAULT_TIMING.tickMs),
  electionPatienceMs: durationMs(1, DEFAULT_TIMING.electionPatienceMs),
  notifyIntervalMs: durationMs(1, DEFAULT_TIMING.notifyIntervalMs),
  sessionTimeoutMinMs: durationMs(100, DEFAULT_TIMING.sessionTimeoutMinMs),
  sessionTimeoutMaxMs: durationMs(100, DEFAULT_TIMING.sessionTimeoutMaxMs),
  containerGraceMs: durationMs(0, DEFAULT_TIMING.containerGraceMs),
  containerNeverUsedMs: durationMs(0, DEFAULT_TIMING.containerNeverUsedMs),
};

const LIMITS: { readonly [K in keyof Limits]: Setting<number> } = {
  dataBytesMax: bytes(DEFAULT_LIMITS.dataBytesMax),
  frameBytesMax: bytes(DEFAULT_LIMITS.frameBytesMax),
  transactionOperationsMax: count(DEFAULT_LIMITS.transactionOperationsMax),
  requestsPerSessionMax: count(DEFAULT_LIMITS.requestsPerSessionMax),
  requestsMax: count(DEFAULT_LIMITS.requestsMax),
  requestsBytesMax: bytes(DEFAULT_LIMITS.requestsBytesMax),
  connectionsMax: count(DEFAULT_LIMITS.connectionsMax),
  sessionsPerAddressMax: count(DEFAULT_LIMITS.sessionsPerAddressMax),
  sessionsMax: count(DEFAULT_LIMITS.sessionsMax),
  watchesPerSessionMax: count(DEFAULT_LIMITS.watchesPerSessionMax),
  resultBytesMax: bytes(DEFAULT_LIMITS.resultBytesMax),
  ephemeralsPerSessionMax: count(DEFAULT_LIMITS.ephemeralsPerSessionMax),
  childrenPageMax: count(DEFAULT_LIMITS.childrenPageMax),
  eventHistoryMax: count(DEFAULT_LIMITS.eventHistoryMax),
  reapedPerSecondMax: count(DEFAULT_LIMITS.reapedPerSecondMax),
  clientQueueBytesMax: bytes(DEFAULT_LIMITS.clientQueueBytesMax),
  outstandingProposalsMax: count(DEFAULT_LIMITS.outstandingProposalsMax),
  historyRecordsMax: count(DEFAULT_LIMITS.historyRecordsMax),
  historyBytesMax: bytes(DEFAULT_LIMITS.historyBytesMax),
  learnerWindowBytesMax: bytes(DEFAULT_LIMITS.learnerWindowBytesMax),
  proposalsBytesMax: bytes(DEFAULT_LIMITS.proposalsBytesMax),
  counterMax: defaulting(integer({ min: 1000, max: COUNTER_MAX }), DEFAULT_LIMITS.counterMax),
};

const STORAGE: { readonly [K in keyof StorageOptions]: Setting<number> } = {
  segmentBytes: bytes(DEFAULT_STORAGE.segmentBytes),
  preallocateBytes: bytes(DEFAULT_STORAGE.preallocateBytes),
  snapshotRecords: count(DEFAULT_STORAGE.snapshotRecords),
  snapshotBytes: bytes(DEFAULT_STORAGE.snapshotBytes),
  snapshotSliceEntries: count(DEFAULT_STORAGE.snapshotSliceEntries),
  snapshotSyncBytes: bytes(DEFAULT_STORAGE.snapshotSyncBytes),
  preImageBytesMax: bytes(DEFAULT_STORAGE.preImageBytesMax),
  snapshotsKept: count(DEFAULT_STORAGE.snapshotsKept),
  batchBytesMax: bytes(DEFAULT_STORAGE.batchBytesMax),
  snapshotChunkBytes: bytes(DEFAULT_STORAGE.snapshotChunkBytes),
};

const PEER_ID = integer({ min: 1, max: 255 });
const FILE = text('the path of a file', (value) => value !== '');

/** Only what a client can prove: an address is not, and `world` is everybody. */
const SUPER_USERS = texts(
  'a list of scheme:id, each digest:USER:HASH, scrypt:USER:HASH or x509:SUBJECT',
  (value) => /^(?:(?:digest|scrypt):[^:]+:[^:]+|x509:.+)$/.test(value),
);

const WORDS = texts(
  'a list of four-letter words, or "*" for all of them',
  (value) => value === '*' || WORDS_KNOWN.includes(value),
);

const SCHEMA = {
  id: PEER_ID,
  clusterId: optional(
    text('1 to 64 letters, digits and hyphens', (value) => /^[A-Za-z0-9-]{1,64}$/.test(value)),
  ),
  dataDir: text('the path of a directory', (value) => value !== ''),
  members: list(
    { id: PEER_ID, peer: address(1), client: address(1), zookeeper: optional(address(1)) },
    {
      needs: 'a list of { id, peer: host:port, client: host:port }, one for each server',
      fromText: membersFromText,
    },
  ),
  listen: {
    client: optional(address(0)),
    peer: optional(address(0)),
    zookeeper: optional(addresses(0)),
    zookeeperTls: optional(addresses(0)),
  },
  advertise: optional(address(1)),
  timing: TIMING,
  limits: LIMITS,
  storage: STORAGE,
  access: { superUsers: defaulting(SUPER_USERS, []) },
  zookeeper: { words: defaulting(WORDS, SAFE_WORDS) },
  readOnlyMode: defaulting(flag(), false),
  tls: {
    cert: optional(FILE),
    key: optional(FILE),
    ca: optional(FILE),
    client: {
      cert: optional(FILE),
      key: optional(FILE),
      ca: optional(FILE),
      requireClientCertificate: defaulting(flag(), false),
    },
  },
  insecurePeers: defaulting(flag(), false),
};

const SETTINGS = settingsOf(SCHEMA);

/** `1=PEER/CLIENT,2=PEER/CLIENT/ZOOKEEPER`; a text of another shape comes back as it is, to be refused with what was found. */
function membersFromText(written: string): unknown {
  const matches = written
    .split(',')
    .map((member) => /^(\d+)=([^/]+)\/([^/]+)(?:\/(.+))?$/.exec(member.trim()));
  if (matches.includes(null)) return written;
  return matches.map((match) => ({
    id: Number(match?.[1]),
    peer: match?.[2],
    client: match?.[3],
    ...(match?.[4] === undefined ? {} : { zookeeper: match[4] }),
  }));
}

function complete(parsed: Parsed<typeof SCHEMA>, source: string): ServerConfig {
  const { id, members } = parsed;
  const own = members.find((member) => member.id === id);
  if (own === undefined) {
    const listed = members.map((member) => member.id).join(', ');
    throw new ConfigError(
      `${source}: "id" is ${id}, which "members" doesn't list (it lists ${listed}); add this server to it`,
    );
  }
  const clientTls = wholeClientTls(parsed.tls.client, source);
  const listen = listenConfig(parsed.listen, own, clientTls !== undefined);
  const config: ServerConfig = {
    ...parsed,
    listen,
    advertise: parsed.advertise ?? own.client,
    tls: wholeTls(parsed.tls, source),
    clientTls,
  };
  checkRules(config, source);
  return config;
}

/** What is not said follows the own entry. Where clients come by TLS, nothing lets them in without it unless it is said. */
function listenConfig(
  said: Parsed<typeof SCHEMA>['listen'],
  own: Member,
  isTls: boolean,
): ServerConfig['listen'] {
  const { client = own.client, peer = own.peer } = said;
  const own2181 = [own.zookeeper ?? atPort2181(client)];
  return {
    client,
    peer,
    zookeeper: said.zookeeper ?? (isTls ? [] : own2181),
    zookeeperTls: said.zookeeperTls ?? (isTls && said.zookeeper === undefined ? own2181 : []),
  };
}

/** Where ZooKeeper's clients look when nobody tells them another port. */
function atPort2181(client: string): string {
  return `${client.slice(0, client.lastIndexOf(':'))}:2181`;
}

function wholeTls(tls: Parsed<typeof SCHEMA>['tls'], source: string): TlsFiles | undefined {
  const { cert, key, ca } = tls;
  if (cert !== undefined && key !== undefined && ca !== undefined) return { cert, key, ca };
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  const missing = Object.entries({ cert, key, ca }).find(([, file]) => file === undefined)?.[0];
  throw new ConfigError(
    `${source}: "tls.${missing}" is missing; "tls" needs cert, key and ca, all three or none`,
  );
}

function wholeClientTls(
  tls: Parsed<typeof SCHEMA>['tls']['client'],
  source: string,
): ClientTlsFiles | undefined {
  const { cert, key, ca, requireClientCertificate } = tls;
  if (cert === undefined && key === undefined && ca === undefined && !requireClientCertificate) {
    return undefined;
  }
  if (cert === undefined || key === undefined) {
    throw new ConfigError(
      `${source}: "tls.client.${cert === undefined ? 'cert' : 'key'}" is missing; "tls.client" needs cert and key`,
    );
  }
  if (requireClientCertificate && ca === undefined) {
    throw new ConfigError(
      `${source}: "tls.client.ca" is missing; "tls.client.requireClientCertificate" needs what signs the clients' certificates`,
    );
  }
  return { cert, key, ca, requireClientCertificate };
}

/** `raw` with one value changed. What is no map on the way stays as it is, to be refused for itself. */
function withValue(raw: unknown, keys: readonly string[], value: unknown): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (!isMap(raw)) return raw;
  return { ...raw, [key]: withValue(rest.length > 0 ? (raw[key] ?? {}) : undefined, rest, value) };
}

function valueAt(raw: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => (isMap(value) ? value[key] : undefined), raw);
}
