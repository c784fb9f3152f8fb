import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig, resolveConfig, toCoreOptions } from './config.ts';
import { variableOf } from './config-overrides.ts';
import { DEFAULT_ACCESS, DEFAULT_LIMITS, DEFAULT_STORAGE, DEFAULT_TIMING } from './core/options.ts';

const MEMBERS = [
  { id: 1, peer: '127.0.0.1:5182', client: '127.0.0.1:5181' },
  { id: 2, peer: '127.0.0.1:5192', client: '127.0.0.1:5191' },
  { id: 3, peer: '127.0.0.1:5202', client: '127.0.0.1:5201' },
];
const LEAST = { id: 2, dataDir: '/var/lib/zabra', members: MEMBERS };

function resolve(sources: { environment?: Record<string, string>; assignments?: readonly string[] }) {
  return resolveConfig({
    file: { raw: LEAST, source: 'zabra.yaml' },
    environment: sources.environment ?? {},
    assignments: sources.assignments ?? [],
  });
}

describe('what is not said', () => {
  test('takes the defaults, and the addresses of the own member entry', () => {
    expect(parseConfig(LEAST, 'zabra.yaml')).toEqual({
      ...LEAST,
      clusterId: undefined,
      listen: {
        client: '127.0.0.1:5191',
        peer: '127.0.0.1:5192',
        zookeeper: ['127.0.0.1:2181'],
        zookeeperTls: [],
      },
      advertise: '127.0.0.1:5191',
      timing: DEFAULT_TIMING,
      limits: DEFAULT_LIMITS,
      storage: DEFAULT_STORAGE,
      access: { superUsers: [] },
      zookeeper: { words: ['ruok', 'srvr', 'stat', 'mntr', 'conf', 'isro', 'envi'] },
      readOnlyMode: false,
      tls: undefined,
      clientTls: undefined,
      insecurePeers: false,
    });
  });

  test('the core is told ids, not addresses', () => {
    expect(toCoreOptions(parseConfig({ ...LEAST, clusterId: 'c-1' }, 'zabra.yaml'))).toEqual({
      id: 2,
      members: [1, 2, 3],
      clusterId: 'c-1',
      timing: DEFAULT_TIMING,
      limits: DEFAULT_LIMITS,
      storage: DEFAULT_STORAGE,
      access: DEFAULT_ACCESS,
      readOnlyMode: false,
    });
  });
});

test('where clients come by TLS, those of ZooKeeper do too, unless a plain port is asked for', () => {
  const tls = { client: { cert: 'c.pem', key: 'k.pem' } };
  expect(parseConfig({ ...LEAST, tls }, 'zabra.yaml').listen).toMatchObject({
    zookeeper: [],
    zookeeperTls: ['127.0.0.1:2181'],
  });
  const plain = { ...LEAST, tls, listen: { zookeeper: ['127.0.0.1:2182'] } };
  expect(parseConfig(plain, 'zabra.yaml').listen).toMatchObject({
    zookeeper: ['127.0.0.1:2182'],
    zookeeperTls: [],
  });
});

test('super users are named by scheme and id, in the file as a list, in a variable with semicolons', () => {
  const written = ['x509:CN=root,O=Acme', 'digest:admin:c2hh'];
  const raw = { ...LEAST, access: { superUsers: written } };
  const identities = [
    { scheme: 'x509', id: 'CN=root,O=Acme' },
    { scheme: 'digest', id: 'admin:c2hh' },
  ];
  expect(toCoreOptions(parseConfig(raw, 'zabra.yaml')).access.superUsers).toEqual(identities);
  const { config } = resolve({ environment: { ZABRA_ACCESS_SUPER_USERS: written.join('; ') } });
  expect(toCoreOptions(config).access.superUsers).toEqual(identities);
});

test('certificates of the port for clients are told apart from those of the peers', () => {
  const client = { cert: 'c.pem', key: 'c.key' };
  const config = parseConfig({ ...LEAST, tls: { client } }, 'zabra.yaml');
  expect(config.tls).toBeUndefined();
  expect(config.clientTls).toEqual({ ...client, ca: undefined, requireClientCertificate: false });
  const { settings } = resolve({
    assignments: ['tls.client.cert=c.pem', 'tls.client.key=c.key'],
  });
  expect(settings).toContainEqual({ path: 'tls.client.cert', value: 'c.pem', origin: '--set' });
});

describe('a bad configuration is refused by name, with what was found and the way out', () => {
  const WHOLE_NUMBER = 'it needs a whole number from';
  const ADDRESS = 'it needs host:port with a port from';
  test.each<{ name: string; raw: unknown; message: string }>([
    { name: 'an empty file', raw: null, message: 'the configuration is empty; it needs a map of keys' },
    { name: 'a list', raw: [LEAST], message: '; it needs a map of keys' },
    {
      name: 'an unknown key',
      raw: { ...LEAST, dataDri: '/tmp' },
      message: 'unknown key "dataDri"; did you mean "dataDir"?',
    },
    {
      name: 'an unknown key in a section',
      raw: { ...LEAST, timing: { heartbeetMs: 250 } },
      message: 'unknown key "timing.heartbeetMs"; did you mean "timing.heartbeatMs"?',
    },
    {
      name: 'a key outside its section',
      raw: { ...LEAST, silenceMs: 1000 },
      message: 'unknown key "silenceMs"; did you mean "timing.silenceMs"?',
    },
    {
      name: 'an unknown key of a member',
      raw: { ...LEAST, members: [{ ...MEMBERS[0], clint: 'x' }] },
      message: 'unknown key "members[0].clint"; did you mean "members[0].client"?',
    },
    {
      name: 'no id',
      raw: { ...LEAST, id: undefined },
      message: `"id" is missing; ${WHOLE_NUMBER} 1 to 255`,
    },
    { name: 'no data directory', raw: { ...LEAST, dataDir: undefined }, message: '"dataDir" is missing' },
    { name: 'no members', raw: { ...LEAST, members: [] }, message: '"members" is []; it needs a list of' },
    {
      name: 'a member without a peer address',
      raw: { ...LEAST, members: [{ id: 2, client: 'h:1' }] },
      message: `"members[0].peer" is missing; ${ADDRESS} 1 to 65535`,
    },
    {
      name: 'an id out of range',
      raw: { ...LEAST, id: 256 },
      message: `"id" is 256; ${WHOLE_NUMBER} 1 to 255`,
    },
    {
      name: 'an id that is text',
      raw: { ...LEAST, id: '2' },
      message: `"id" is "2"; ${WHOLE_NUMBER} 1 to 255`,
    },
    {
      name: 'an id that is no member',
      raw: { ...LEAST, id: 9 },
      message: '"id" is 9, which "members" doesn\'t list (it lists 1, 2, 3); add this server to it',
    },
    {
      name: 'a fraction',
      raw: { ...LEAST, timing: { heartbeatMs: 1.5 } },
      message: `"timing.heartbeatMs" is 1.5; ${WHOLE_NUMBER} 10 to 3600000`,
    },
    {
      name: 'a section that is a number',
      raw: { ...LEAST, limits: 7 },
      message: '"limits" is 7; it needs a map of keys',
    },
    {
      name: 'an empty section',
      raw: { ...LEAST, tls: null },
      message: '"tls" is empty; it needs a map of keys',
    },
    {
      name: 'an address without a port',
      raw: { ...LEAST, listen: { client: 'localhost' } },
      message: `"listen.client" is "localhost"; ${ADDRESS} 0 to 65535`,
    },
    {
      name: 'a port that is too great',
      raw: { ...LEAST, advertise: 'zabra-2:65536' },
      message: `"advertise" is "zabra-2:65536"; ${ADDRESS} 1 to 65535`,
    },
    {
      name: 'a member at port 0',
      raw: { ...LEAST, members: [{ id: 2, peer: 'h:0', client: 'h:1' }] },
      message: `"members[0].peer" is "h:0"; ${ADDRESS} 1 to 65535`,
    },
    {
      name: 'a flag that is text',
      raw: { ...LEAST, insecurePeers: 'yes' },
      message: '"insecurePeers" is "yes"; it needs true or false',
    },
    {
      name: 'a cluster id with spaces',
      raw: { ...LEAST, clusterId: 'my cluster' },
      message: '"clusterId" is "my cluster"; it needs 1 to 64 letters, digits and hyphens',
    },
    {
      name: 'two members of one id',
      raw: { ...LEAST, members: [...MEMBERS, { id: 2, peer: 'h:1', client: 'h:2' }] },
      message: '"members" has the id 2 twice; each server needs its own',
    },
    {
      name: 'one address for two uses',
      raw: { ...LEAST, members: [{ id: 2, peer: 'h:1', client: 'h:1' }], insecurePeers: true },
      message: '"members" has the address h:1 twice',
    },
    {
      name: 'a member at every interface',
      raw: { ...LEAST, members: [{ id: 2, peer: '0.0.0.0:1', client: 'h:1' }], insecurePeers: true },
      message: '"members[0].peer" is 0.0.0.0:1, which nobody can dial; name the host there',
    },
    {
      name: 'clients told to dial every interface',
      raw: { ...LEAST, advertise: '[::]:5181' },
      message: '"advertise" is [::]:5181, which nobody can dial',
    },
    {
      name: 'a peer port beyond loopback without certificates',
      raw: { ...LEAST, listen: { peer: '0.0.0.0:5192' } },
      message:
        '"listen.peer" is 0.0.0.0:5192, beyond loopback, and peers would come without a certificate; ' +
        'give tls.cert, tls.key and tls.ca, or say insecurePeers: true',
    },
    {
      name: 'half of TLS',
      raw: { ...LEAST, tls: { cert: 'a.pem', key: 'a.key' } },
      message: '"tls.ca" is missing; "tls" needs cert, key and ca, all three or none',
    },
    {
      name: 'half of TLS for clients',
      raw: { ...LEAST, tls: { client: { cert: 'a.pem' } } },
      message: '"tls.client.key" is missing; "tls.client" needs cert and key',
    },
    {
      name: 'certificates that clients must have, and nobody who signs them',
      raw: { ...LEAST, tls: { client: { cert: 'a.pem', key: 'a.key', requireClientCertificate: true } } },
      message: '"tls.client.ca" is missing; "tls.client.requireClientCertificate" needs what signs',
    },
    {
      name: 'a super user whom nobody can prove to be',
      raw: { ...LEAST, access: { superUsers: ['x509:CN=a', 'world:anyone'] } },
      message:
        '"access.superUsers[1]" is "world:anyone"; it needs a list of scheme:id, each digest:USER:HASH',
    },
    {
      name: 'super users that are no list',
      raw: { ...LEAST, access: { superUsers: 'x509:CN=a' } },
      message: '"access.superUsers" is "x509:CN=a"; it needs a list of scheme:id',
    },
    {
      name: 'a silence shorter than two heartbeats',
      raw: { ...LEAST, timing: { heartbeatMs: 600 } },
      message: '"timing.silenceMs" needs to be at least twice "timing.heartbeatMs"',
    },
    {
      name: 'ticks longer than a heartbeat',
      raw: { ...LEAST, timing: { tickMs: 300 } },
      message: '"timing.tickMs" needs to be at most "timing.heartbeatMs"',
    },
    {
      name: 'session timeouts the wrong way round',
      raw: { ...LEAST, timing: { sessionTimeoutMinMs: 70_000 } },
      message: '"timing.sessionTimeoutMinMs" needs to be at most "timing.sessionTimeoutMaxMs"',
    },
    {
      name: 'data larger than its frame',
      raw: { ...LEAST, limits: { dataBytesMax: 2 ** 23 } },
      message: '"limits.dataBytesMax" needs to be below "limits.frameBytesMax"',
    },
    {
      name: 'less for what a client has not taken than a reply may have',
      raw: { ...LEAST, limits: { clientQueueBytesMax: 2 ** 22 } },
      message: '"limits.clientQueueBytesMax" needs to be at least twice "limits.frameBytesMax"',
    },
    {
      name: 'less for all requests than two of them may have',
      raw: { ...LEAST, limits: { requestsBytesMax: 2 ** 22 } },
      message: '"limits.requestsBytesMax" needs to be at least twice "limits.frameBytesMax"',
    },
    {
      name: 'a frame larger than a batch of the log',
      raw: { ...LEAST, storage: { batchBytesMax: 2 ** 20 } },
      message: '"limits.frameBytesMax" needs to be at most "storage.batchBytesMax"',
    },
  ])('$name', ({ raw, message }) => {
    expect(() => parseConfig(raw, 'zabra.yaml')).toThrow(ConfigError);
    expect(() => parseConfig(raw, 'zabra.yaml')).toThrow(message);
    expect(() => parseConfig(raw, 'zabra.yaml')).toThrow(/^zabra.yaml: /);
  });
});

test('a peer port beyond loopback is taken with certificates, or when the configuration says so', () => {
  const open = { ...LEAST, listen: { peer: '0.0.0.0:5192' } };
  const tls = { cert: 'a.pem', key: 'a.key', ca: 'ca.pem' };
  expect(parseConfig({ ...open, tls }, 'zabra.yaml').tls).toEqual(tls);
  expect(parseConfig({ ...open, insecurePeers: true }, 'zabra.yaml').listen.peer).toBe('0.0.0.0:5192');
});

describe('flags win over the environment, the environment over the file', () => {
  test('and each value keeps its origin', () => {
    const { config, settings } = resolve({
      environment: { ZABRA_TIMING_SILENCE_MS: '900', ZABRA_TIMING_HEARTBEAT_MS: '100', PATH: '/bin' },
      assignments: ['timing.heartbeatMs=200'],
    });
    expect(config.timing).toEqual({ ...DEFAULT_TIMING, silenceMs: 900, heartbeatMs: 200 });
    expect(settings).toContainEqual({ path: 'id', value: 2, origin: 'zabra.yaml' });
    expect(settings).toContainEqual({
      path: 'timing.silenceMs',
      value: 900,
      origin: 'ZABRA_TIMING_SILENCE_MS',
    });
    expect(settings).toContainEqual({ path: 'timing.heartbeatMs', value: 200, origin: '--set' });
    expect(settings).toContainEqual({ path: 'timing.tickMs', value: 50, origin: 'default' });
    expect(settings).toContainEqual({ path: 'listen.client', value: '127.0.0.1:5191', origin: 'default' });
  });

  test('a whole server can be told by variables alone', () => {
    const { config } = resolveConfig({
      file: undefined,
      environment: {
        ZABRA_ID: '1',
        ZABRA_DATA_DIR: 'data',
        ZABRA_MEMBERS: '1=a:5182/a:5181, 2=b:5182/b:5181',
        ZABRA_INSECURE_PEERS: 'true',
      },
      assignments: [],
    });
    expect(config).toMatchObject({ id: 1, dataDir: 'data', insecurePeers: true });
    expect(config.members).toEqual([
      { id: 1, peer: 'a:5182', client: 'a:5181' },
      { id: 2, peer: 'b:5182', client: 'b:5181' },
    ]);
  });

  test('the variables of the commands and of Kubernetes service links are no settings', () => {
    const environment = {
      ZABRA_SERVERS: 'h:1',
      ZABRA_DATA: 'd',
      ZABRA_PORT: 'tcp://h:1',
      ZABRA_PEERS_SERVICE_HOST: 'h',
    };
    expect(resolve({ environment }).config.id).toBe(2);
  });

  test.each<{ name: string; environment?: Record<string, string>; assignments?: string[]; message: string }>([
    {
      name: 'an unknown variable',
      environment: { ZABRA_TIMING_HEARTBEAT: '1' },
      message:
        'environment: unknown variable ZABRA_TIMING_HEARTBEAT; did you mean ZABRA_TIMING_HEARTBEAT_MS?',
    },
    {
      name: 'a variable with an ill-typed value',
      environment: { ZABRA_TIMING_HEARTBEAT_MS: '1s' },
      message:
        'ZABRA_TIMING_HEARTBEAT_MS: "timing.heartbeatMs" is "1s"; it needs a whole number from 10 to 3600000',
    },
    {
      name: 'members in another form',
      environment: { ZABRA_MEMBERS: 'a,b' },
      message: 'ZABRA_MEMBERS: "members" is "a,b"; it needs a list of',
    },
    {
      name: 'a bad member in a variable',
      environment: { ZABRA_MEMBERS: '1=a/b:1' },
      message: 'ZABRA_MEMBERS: "members[0].peer" is "a"; it needs host:port',
    },
    {
      name: 'an unknown key in a flag',
      assignments: ['heartbeatMS=5'],
      message: '--set: unknown key "heartbeatMS"; did you mean "timing.heartbeatMs"?',
    },
    {
      name: 'an ill-typed flag',
      assignments: ['insecurePeers=1'],
      message: '--set: "insecurePeers" is "1"; it needs true or false',
    },
    { name: 'a flag without a value', assignments: ['id'], message: '--set: "id" needs the form KEY=VALUE' },
  ])('$name is refused under its own name', ({ environment, assignments, message }) => {
    const sources = { ...(environment && { environment }), ...(assignments && { assignments }) };
    expect(() => resolve(sources)).toThrow(ConfigError);
    expect(() => resolve(sources)).toThrow(message);
  });
});

test('a variable is named as the path, in capitals', () => {
  expect(variableOf('timing.sessionTimeoutMinMs')).toBe('ZABRA_TIMING_SESSION_TIMEOUT_MIN_MS');
});

test('docs/configuration.md names every key', () => {
  const documented = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const isDocumented = (path: string): boolean =>
    documented.includes(`\`${path}\``) ||
    documented.includes(`| \`${path.slice(path.lastIndexOf('.') + 1)}\` |`);
  const paths = resolve({}).settings.map(({ path }) => path);
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !isDocumented(path))).toEqual([]);
});
