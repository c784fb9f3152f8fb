import { connect, type ZooKeeper } from '@zabra/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { fourLetterWord, startRealZooKeeper } from './real-zookeeper.ts';
import type { Servers } from './servers.ts';
import { startZabra } from './zabra.ts';

const PATIENCE_MS = 120_000;
const CHANGES = 300;

/** One ensemble in the state that all the words are asked about: two clients at a follower. */
interface Stage {
  readonly servers: Servers;
  readonly leader: number;
  readonly follower: number;
  readonly clients: readonly ZooKeeper[];
}

/* The same state on three servers of ZooKeeper and on three of Zabra: the answers have the same lines and fields. */
describeWithPrograms('four-letter words', () => {
  const opened: Servers[] = [];
  const stages: Stage[] = [];

  beforeAll(async () => {
    opened.push(await startRealZooKeeper({ servers: 3 }));
    opened.push(await startZabra({ config: { zookeeper: { words: ['*'] } } }));
    for (const servers of opened) stages.push(await setUp(servers));
  }, PATIENCE_MS);

  afterAll(async () => {
    for (const { clients } of stages) await Promise.all(clients.map((client) => client.close()));
    await Promise.all(opened.map((servers) => servers[Symbol.asyncDispose]()));
  });

  /** What the real one says, then what Zabra says. */
  async function both(
    word: string,
    at: 'leader' | 'follower' = 'follower',
  ): Promise<readonly [string, string]> {
    const [real, zabra] = stages;
    if (real === undefined || zabra === undefined) throw new Error('both are set up before the tests');
    return [
      await ask(real.servers, word, at === 'leader' ? real.leader : real.follower),
      await ask(zabra.servers, word, at === 'leader' ? zabra.leader : zabra.follower),
    ];
  }

  /** Both, with each stage's sessions named in the order of its clients. */
  async function bothNamed(word: string): Promise<readonly [string, string]> {
    const [real, zabra] = await both(word);
    return [named(real, stages[0]), named(zabra, stages[1])];
  }

  test.each(['ruok', 'isro'])('%s is the same', async (word) => {
    const [real, zabra] = await both(word);
    expect(real).not.toBe('');
    expect(zabra).toBe(real);
  });

  test.each(['leader', 'follower'] as const)('srvr of a %s has the same lines', async (at) => {
    const [real, zabra] = await both('srvr', at);
    expect(shape(real)).toContain(`Mode: ${at}`);
    expect(shape(zabra)).toBe(shape(real));
  });

  test('stat has the same lines, and one for each client', async () => {
    const [real, zabra] = await both('stat');
    expect(lines(real, /recved=/)).toHaveLength(3);
    expect(lines(zabra, /recved=/)).toHaveLength(2);
    expect(withoutClients(shape(zabra))).toBe(withoutClients(shape(real)));
    for (const line of lines(shape(zabra), /recved=/)) expect(shape(real)).toContain(`${line}\n`);
  });

  test('cons has the same fields for each client', async () => {
    const [real, zabra] = await bothNamed('cons');
    const [expected, said] = [lines(real, /sid=/), lines(zabra, /sid=/)];
    expect(expected).toHaveLength(2);
    expect(new Set(said.map(shape))).toEqual(new Set(expected.map(shape)));
  });

  test('conf has the same keys', async () => {
    const [real, zabra] = await both('conf');
    const keys = (text: string): readonly string[] =>
      text.split('\n').map((line) => line.split(/[=:]/)[0] ?? '');
    expect(keys(real)).toContain('server.3');
    expect(keys(zabra)).toEqual(keys(real));
    expect(lines(zabra, /^server\./)[0]).toMatch(
      /^server\.1=127\.0\.0\.1:\d+:\d+:participant;127\.0\.0\.1:\d+$/,
    );
  });

  test('envi begins with the version', async () => {
    for (const text of await both('envi')) {
      const [heading, version, host] = text.split('\n');
      expect(heading).toBe('Environment:');
      expect(version).toMatch(/^zookeeper\.version=3\.\d+\.\d+-.*, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
      expect(host).toMatch(/^host\.name=/);
    }
  });

  test('dump of a follower tells the sessions, who owns what, and the connections', async () => {
    const [real, zabra] = await bothNamed('dump');
    const sessions = (text: string): readonly string[] => lines(text, /ms$/).toSorted();
    const owned = (text: string): readonly string[] =>
      text.slice(text.indexOf('ephemeral nodes'), text.indexOf('Connections')).split('\n').toSorted();
    expect(sessions(real)).toEqual(['S1\t10000ms', 'S2\t10000ms']);
    expect(sessions(zabra)).toEqual(sessions(real));
    expect(owned(zabra)).toEqual(owned(real));
    expect(lines(zabra, /^SessionTracker|^Global/)).toEqual(lines(real, /^SessionTracker|^Global/));
    const connections = (text: string): readonly string[] => lines(shape(text), /sessionId: S/).toSorted();
    expect(connections(zabra)).toEqual(connections(real));
    expect(zabra).toMatch(
      /^Connections dump:\nConnections Sets \(\d\)\/\(2\):\n\d expire at \w{3} \w{3} \d\d [\d:]{8} UTC \d{4}:$/m,
    );
  });

  test('wchs counts the same watches', async () => {
    const [real, zabra] = await both('wchs');
    expect(zabra).toBe(real);
    expect(real).toBe('2 connections watching 3 paths\nTotal watches:4\n');
  });

  test.each(['wchc', 'wchp'])('%s tells the same watches', async (word) => {
    const [real, zabra] = await bothNamed(word);
    expect(grouped(zabra)).toEqual(grouped(real));
    expect(grouped(real)).toHaveLength(word === 'wchc' ? 2 : 3);
    expect(zabra.endsWith('\n\n')).toBe(true);
    expect(real.endsWith('\n\n')).toBe(true);
  });

  test('dirs has the same lines', async () => {
    const [real, zabra] = await both('dirs');
    expect(shape(zabra)).toBe(shape(real));
  });

  test('hash has a digest for every 128th change, the same on all servers', async () => {
    const [real, zabra] = await both('hash');
    for (const text of [real, zabra]) {
      expect(lines(text, /./).length).toBeGreaterThanOrEqual(2);
      for (const line of lines(text, /./)) expect(line).toMatch(/^[0-9a-f]*[08]0: -?\d+$/);
    }
    const [, ofLeader] = await both('hash', 'leader');
    expect(ofLeader).toBe(zabra);
  });

  test.each(['leader', 'follower'] as const)(
    'mntr of a %s has keys of the real one, in its order',
    async (at) => {
      const [real, zabra] = await both('mntr', at);
      const keys = (text: string): readonly string[] =>
        lines(text, /./).map((line) => line.split('\t')[0] ?? '');
      const known = new Set(keys(real));
      const ours = keys(zabra).filter((key) => !known.has(key));
      expect(ours.filter((key) => !key.startsWith('zk_zabra_'))).toEqual(
        at === 'leader' ? ['zk_followers'] : [],
      );
      // ZooKeeper's gauges stand in no order that means something, but it is always the same one.
      const gauges = keys(real).slice(0, keys(real).indexOf('zk_proposal_count'));
      const common = keys(zabra).filter((key) => gauges.includes(key));
      expect(common.length).toBeGreaterThan(20);
      expect(common).toEqual(gauges.filter((key) => common.includes(key)));
      const missing = gauges.filter((key) => !common.includes(key));
      expect(missing).toEqual([
        'zk_non_mtls_remote_conn_count',
        'zk_outstanding_tls_handshake',
        'zk_non_mtls_local_conn_count',
      ]);
    },
  );

  test('mntr tells what happened', async () => {
    for (const text of await both('mntr')) {
      const values = new Map(lines(text, /\t/).map((line) => [line.split('\t')[0], line.split('\t')[1]]));
      expect(values.get('zk_server_state')).toBe('follower');
      expect(values.get('zk_peer_state')).toBe('following - broadcast');
      expect(values.get('zk_ephemerals_count')).toBe('3');
      expect(values.get('zk_global_sessions')).toBe('2');
      expect(values.get('zk_watch_count')).toBe('4');
      expect(values.get('zk_outstanding_requests')).toBe('0');
      expect(Number(values.get('zk_cnt_updatelatency'))).toBeGreaterThanOrEqual(CHANGES);
      expect(Number(values.get('zk_max_updatelatency'))).toBeGreaterThan(0);
      expect(Number(values.get('zk_open_file_descriptor_count'))).toBeGreaterThan(10);
      expect(Number(values.get('zk_approximate_data_size'))).toBeGreaterThan(0);
    }
  });

  test('mntr of a leader knows its followers', async () => {
    for (const text of await both('mntr', 'leader')) {
      expect(text).toMatch(/^zk_synced_followers\t2$/m);
      expect(text).toMatch(/^zk_learners\t2$/m);
      expect(text).toMatch(/^zk_pending_syncs\t0$/m);
      expect(text).toMatch(/^zk_quorum_size\t3$/m);
    }
  });

  // Last, for what it forgets.
  test.each(['crst', 'srst'])('%s is done and said in the same words', async (word) => {
    const [real, zabra] = await both(word);
    expect(real).toMatch(/reset\.\n$/);
    expect(zabra).toBe(real);
    for (const text of await both(word === 'crst' ? 'cons' : 'srvr'))
      expect(Number(/(?:recved=|Received: )(\d+)/.exec(text)?.[1])).toBeLessThan(CHANGES);
  });
});

describeWithPrograms('four-letter words by default', () => {
  test('a word that is not allowed is refused in the same words', { timeout: PATIENCE_MS }, async () => {
    await using real = await startRealZooKeeper({ config: { '4lw.commands.whitelist': 'srvr' } });
    await using zabra = await startZabra({ servers: 1 });
    for (const word of ['dump', 'wchc', 'crst', 'cons']) {
      expect(await ask(zabra, word, 1)).toBe(await ask(real, word, 1));
    }
    expect(await ask(zabra, 'dump', 1)).toBe('dump is not executed because it is not in the whitelist.\n');
    expect(await ask(zabra, 'srvr', 1)).toMatch(/^Mode: standalone$/m);
    expect(await ask(real, 'srvr', 1)).toMatch(/^Mode: standalone$/m);
  });

  test('a server without a quorum says so in the same words', { timeout: PATIENCE_MS }, async () => {
    await using real = await startRealZooKeeper({ servers: 3 });
    await using zabra = await startZabra({ config: { zookeeper: { words: ['*'] } } });
    for (const servers of [real, zabra]) await Promise.all([servers.kill(2), servers.kill(3)]);
    await Promise.all([servesNoMore(real), servesNoMore(zabra)]);
    const words = [
      'srvr',
      'stat',
      'mntr',
      'conf',
      'cons',
      'dump',
      'wchs',
      'dirs',
      'hash',
      'isro',
      'ruok',
      'crst',
    ];
    const said = async (servers: Servers): Promise<readonly string[]> =>
      Promise.all(words.map((word) => ask(servers, word, 1)));
    expect(await said(zabra)).toEqual(await said(real));
  });
});

async function setUp(servers: Servers): Promise<Stage> {
  const modes = new Map<string, number>();
  for (const id of servers.ids) {
    const mode = /^Mode: (\w+)$/m.exec(await ask(servers, 'srvr', id))?.[1];
    if (mode !== undefined) modes.set(mode, id);
  }
  const leader = modes.get('leader');
  const follower = modes.get('follower');
  if (leader === undefined || follower === undefined) throw new Error('there is no leader, or no follower');
  const options = { servers: `zookeeper://${servers.addressOf(follower)}`, sessionTimeoutMs: 10_000 };
  const clients = [await connect(options), await connect(options)];
  const [one, other] = clients;
  if (one === undefined || other === undefined) throw new Error('two clients are connected');
  await one.create('/a', 'x');
  await one.create('/a/e', 'x', { mode: 'ephemeral' });
  await one.create('/a/f', 'x', { mode: 'ephemeral' });
  await other.create('/g', 'x', { mode: 'ephemeral' });
  for (let change = 0; change < CHANGES; change++) await one.set('/a', `${change}`);
  await one.get('/a', { watch: true });
  await one.exists('/none', { watch: true });
  await other.get('/a', { watch: true });
  await other.get('/g', { watch: true });
  return { servers, leader, follower, clients };
}

function ask(servers: Servers, word: string, id: number): Promise<string> {
  return fourLetterWord(Number(servers.addressOf(id).split(':')[1]), word);
}

async function servesNoMore(servers: Servers): Promise<void> {
  await expect
    .poll(() => ask(servers, 'srvr', 1), { timeout: PATIENCE_MS / 2, interval: 50 })
    .toContain('not currently serving');
}

/** Without what differs from run to run. */
function shape(text: string): string {
  return text
    .replace(/version: \S+, built on .*/, 'version: V')
    .replace(/0x[0-9a-f]+/g, '0xN')
    .replace(/lop=\w+/, 'lop=OP')
    .replace(/\d+\.\d+(?!\.)/g, 'N')
    .replace(/\d+/g, 'N')
    .replace(/N(\.N)*:N/g, 'N:N')
    .replaceAll('-N', 'N')
    .replaceAll('SN', 'S');
}

function withoutClients(text: string): string {
  return text.replace(/^ \/.*\n/gm, '');
}

function lines(text: string, pattern: RegExp): readonly string[] {
  return text.split('\n').filter((line) => pattern.test(line));
}

function named(text: string, stage: Stage | undefined): string {
  return (stage?.clients ?? []).reduce(
    (renamed, { session }, index) => renamed.replaceAll(`0x${session.id.toString(16)}`, `S${index + 1}`),
    text,
  );
}

/** Lines that begin with a tab belong to the line above; in no order. */
function grouped(text: string): readonly string[] {
  return text
    .trimEnd()
    .split(/\n(?!\t)/)
    .map((group) => {
      const [head, ...rest] = group.split('\n');
      return [head, ...rest.toSorted()].join('\n');
    })
    .toSorted();
}
