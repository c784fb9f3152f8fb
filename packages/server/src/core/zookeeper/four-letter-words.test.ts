import { describe, expect, test } from 'vitest';
import { answerTo, answerWord, SAFE_WORDS, WORDS } from './four-letter-words.ts';
import { busyLeader } from './words-source.test-support.ts';
import type { WordsSource } from './words-source.ts';

const VERSION = '3.9.3-zabra-0.1.0, built on 2026-11-28 12:00 UTC';

/** What the widespread monitors look for by name, each list as one of them has it. */
const MONITORS: Readonly<Record<string, readonly string[]>> = {
  'Datadog, mntr': [
    'packets_sent',
    'approximate_data_size',
    'num_alive_connections',
    'open_file_descriptor_count',
    'avg_latency',
    'znode_count',
    'outstanding_requests',
    'min_latency',
    'ephemerals_count',
    'watch_count',
    'max_file_descriptor_count',
    'packets_received',
    'max_latency',
    'server_state',
  ],
  Netdata: [
    'server_state',
    'outstanding_requests',
    'min_latency',
    'avg_latency',
    'max_latency',
    'stale_requests',
    'stale_requests_dropped',
    'num_alive_connections',
    'auth_failed_count',
    'connection_drop_count',
    'connection_rejected',
    'global_sessions',
    'packets_received',
    'packets_sent',
    'open_file_descriptor_count',
    'max_file_descriptor_count',
    'znode_count',
    'ephemerals_count',
    'watch_count',
    'approximate_data_size',
    'uptime',
    'throttled_ops',
  ],
  'OpenTelemetry, collectd, Metricbeat: of a leader': ['followers', 'synced_followers', 'pending_syncs'],
  'ZooKeeper dashboards: of a leader': [
    'learners',
    'quorum_size',
    'leader_uptime',
    'last_proposal_size',
    'min_proposal_size',
    'max_proposal_size',
  ],
  'ZooKeeper dashboards': [
    'version',
    'peer_state',
    'last_client_response_size',
    'max_client_response_size',
    'min_client_response_size',
    'p99_readlatency',
    'p99_updatelatency',
    'cnt_updatelatency',
    'connection_request_count',
    'looking_count',
    'proposal_count',
    'commit_count',
  ],
};

function answer(word: string, over: Partial<WordsSource> = {}): string {
  const text = answerWord(word, { ...busyLeader(), ...over });
  if (text === undefined) throw new Error(`${word} is no word`);
  return text;
}

function monitored(over: Partial<WordsSource> = {}): ReadonlyMap<string, string> {
  const pairs = answer('mntr', over)
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [key = '', value = ''] = line.split('\t');
      return [key, value] as const;
    });
  return new Map(pairs);
}

describe('what may be said', () => {
  test('a word that is not allowed is refused as ZooKeeper does', () => {
    expect(answerTo('dump', SAFE_WORDS, busyLeader())).toBe(
      'dump is not executed because it is not in the whitelist.\n',
    );
    expect(answerTo('ruok', [], busyLeader())).toBe(
      'ruok is not executed because it is not in the whitelist.\n',
    );
  });

  test.each(WORDS)('%s is answered where all are allowed', (word) => {
    expect(answerTo(word, ['*'], busyLeader())).toBe(answerWord(word, busyLeader()));
  });

  test('four letters that are no word have no answer', () => {
    expect(answerTo('abcd', ['*'], busyLeader())).toBeUndefined();
  });

  test('the safe words tell no address, path or session, and change nothing', () => {
    const source = busyLeader();
    const said = SAFE_WORDS.map((word) => answerTo(word, SAFE_WORDS, source));
    expect(said.join('')).not.toMatch(/127\.0\.0\.1|\/none|\/a\n|9b20/);
    expect(SAFE_WORDS.map((word) => answerTo(word, SAFE_WORDS, source))).toEqual(said);
    expect(answerTo('stat', SAFE_WORDS, source)).toContain('\nClients:\n\nLatency ');
    expect(answerTo('stat', ['stat', 'cons'], source)).toContain('127.0.0.1');
  });
});

describe('a server that serves nobody', () => {
  const always = new Map([
    ['ruok', 'imok'],
    ['isro', 'null'],
    ['gtmk', '0'],
  ]);

  test.each([...always])('answers %s all the same', (word, text) => {
    expect(answer(word, { role: undefined })).toBe(text);
  });

  test.each(['srvr', 'stat', 'mntr', 'conf', 'cons', 'crst', 'srst', 'dump', 'wchs', 'wchc', 'wchp', 'dirs'])(
    'says so to %s',
    (word) => {
      expect(answer(word, { role: undefined })).toBe(
        'This ZooKeeper instance is not currently serving requests\n',
      );
    },
  );
});

test('srvr', () => {
  expect(answer('srvr')).toBe(
    [
      `Zookeeper version: ${VERSION}`,
      'Latency min/avg/max: 0/8.5/17',
      'Received: 3',
      'Sent: 3',
      'Connections: 2',
      'Outstanding: 5',
      'Zxid: 0x100000197',
      'Mode: leader',
      'Node count: 10',
      'Proposal sizes last/min/max: 48/48/61',
      '',
    ].join('\n'),
  );
});

test('srvr and stat of a server without a quorum say that it only reads', () => {
  const text = answer('srvr', { role: 'read-only' });
  expect(text).toMatch(/^Zookeeper version: .*\nREAD-ONLY mode; serving only read-only clients\nLatency /);
  expect(text).toMatch(/^Mode: read-only\nNode count: 10\n$/m);
  expect(answer('stat', { role: 'read-only' })).toMatch(/\nREAD-ONLY mode; .*\nClients:\n/);
  expect(answer('isro', { role: 'read-only' })).toBe('ro');
  expect(answer('isro')).toBe('rw');
});

test('stat is srvr with a line for each client', () => {
  const clients = [
    'Clients:',
    ' /127.0.0.1:57106[1](queued=0,recved=1,sent=1)',
    ' /[::1]:57110[1](queued=1,recved=2,sent=2)',
    '',
    '',
  ].join('\n');
  expect(answer('stat')).toBe(answer('srvr').replace('Latency', `${clients}Latency`));
});

test('cons', () => {
  expect(answer('cons')).toBe(
    [
      ' /127.0.0.1:57106[1](queued=0,recved=1,sent=1,sid=0x300009b200000,lop=SETD,est=1795896456460,to=10000,lcxid=0x19a,lzxid=0x100000197,lresp=4105317,llat=17,minlat=17,avglat=17,maxlat=17)',
      ' /[::1]:57110[1](queued=1,recved=2,sent=2,sid=0x300009b200001,lop=PING,est=1795896456549,to=10000,lzxid=0xffffffffffffffff,lresp=4104308,llat=0,minlat=0,avglat=0,maxlat=0)',
      '',
      '',
    ].join('\n'),
  );
});

test('crst forgets what the connections did, srst what the server did', () => {
  const source = busyLeader();
  expect(answerWord('crst', source)).toBe('Connection stats reset.\n');
  expect(answerWord('cons', source)).toContain('(queued=0,recved=0,sent=0,sid=0x300009b200000,lop=NA,');
  expect(answerWord('srvr', source)).toContain('Received: 3\n');
  expect(answerWord('srst', source)).toBe('Server stats reset.\n');
  expect(answerWord('srvr', source)).toContain('Latency min/avg/max: 0/0.0/0\nReceived: 0\nSent: 0\n');
  expect(answerWord('srvr', source)).toContain('Proposal sizes last/min/max: -1/-1/-1\n');
});

describe('dump', () => {
  const END = [
    'ephemeral nodes dump:',
    'Sessions with Ephemerals (1):',
    '0x300009b200000:',
    '\t/a/e',
    '\t/a/f',
    'Connections dump:',
    'Connections Sets (1)/(2):',
    '2 expire at Sat Nov 28 20:07:52 UTC 2026:',
    '\tip: /127.0.0.1:57106 sessionId: 0x300009b200000',
    '\tip: /[::1]:57110 sessionId: 0x300009b200001',
    '',
  ];

  test('of a leader tells when sessions end', () => {
    expect(answer('dump')).toBe(
      [
        'SessionTracker dump:',
        'Session Sets (2)/(2):',
        '1 expire at Sat Nov 28 20:07:46 UTC 2026:',
        '\t0x300009b200001',
        '1 expire at Sat Nov 28 20:07:47 UTC 2026:',
        '\t0x300009b200000',
        ...END,
      ].join('\n'),
    );
  });

  test('of a follower tells how long they last', () => {
    const sessions = Array.from(busyLeader().sessions(), (session) => ({ ...session, expiresMs: undefined }));
    expect(answer('dump', { role: 'follower', sessions: () => sessions })).toBe(
      [
        'SessionTracker dump:',
        'Global Sessions(2):',
        '0x300009b200000\t10000ms',
        '0x300009b200001\t10000ms',
        ...END,
      ].join('\n'),
    );
  });
});

test('wchs, wchc and wchp', () => {
  expect(answer('wchs')).toBe('2 connections watching 2 paths\nTotal watches:4\n');
  expect(answer('wchc')).toBe('0x300009b200000\n\t/a\n\t/none\n0x300009b200001\n\t/a\n\n');
  expect(answer('wchp')).toBe('/a\n\t0x300009b200000\n\t0x300009b200001\n/none\n\t0x300009b200000\n\n');
  expect(answer('wchc', { watchedPaths: () => [] })).toBe('\n');
});

test('conf of an ensemble, and of a lone server', () => {
  const own = [
    'clientPort=2181',
    'secureClientPort=-1',
    'dataDir=/var/lib/zabra',
    'dataDirSize=593',
    'dataLogDir=/var/lib/zabra',
    'dataLogSize=67108880',
    'tickTime=250',
    'maxClientCnxns=1000',
    'minSessionTimeout=4000',
    'maxSessionTimeout=60000',
    'clientPortListenBacklog=-1',
    'serverId=2',
    '',
  ].join('\n');
  const ensemble = [
    'initLimit=20',
    'syncLimit=4',
    'electionAlg=3',
    'electionPort=5182',
    'quorumPort=5182',
    'peerType=0',
    'membership: ',
    'server.1=10.0.0.1:5182:5182:participant;10.0.0.1:2181',
    'server.2=10.0.0.2:5182:5182:participant;10.0.0.2:2181',
    'server.3=10.0.0.3:5182:5182:participant',
    'version=0',
  ].join('\n');
  expect(answer('conf')).toBe(own + ensemble);
  const facts = busyLeader().configuration();
  expect(answer('conf', { configuration: () => ({ ...facts, members: facts.members.slice(0, 1) }) })).toBe(
    own,
  );
});

test('dirs and hash', () => {
  expect(answer('dirs')).toBe('datadir_size: 593\nlogdir_size: 67108880\n');
  expect(answer('hash')).toBe('100000080: 13699773550\n100000100: -1\n');
  expect(answer('hash', { role: undefined })).toBe(
    'This ZooKeeper instance is not currently serving requests',
  );
});

test('envi has the version first and is read whole by a client that reads once', () => {
  const text = answer('envi');
  expect(text).toBe(`Environment:\nzookeeper.version=${VERSION}\nhost.name=b\nos.name=Linux\n`);
  // As kazoo reads it.
  expect(/^zookeeper\.version=([\d.]*).*$/m.exec(text)?.[1]).toBe('3.9.3');
});

describe('mntr', () => {
  test.each(Object.entries(MONITORS))('has the fields of %s', (_, fields) => {
    const keys = [...monitored().keys()];
    expect(keys).toEqual(expect.arrayContaining(fields.map((field) => `zk_${field}`)));
  });

  test('tells of a leader what only a leader knows, and of others not', () => {
    const ofLeader = ['zk_followers', 'zk_synced_followers', 'zk_pending_syncs'];
    const leader = monitored();
    expect(ofLeader.map((key) => leader.get(key))).toEqual(['2', '1', '1']);
    const follower = monitored({ role: 'follower', leading: () => undefined });
    expect(ofLeader.filter((key) => follower.has(key))).toEqual([]);
    expect(follower.get('zk_quorum_size')).toBe('3');
    expect(follower.get('zk_peer_state')).toBe('following - broadcast');
    expect(monitored({ role: 'standalone' }).has('zk_peer_state')).toBe(false);
  });

  test('has a key once, and lines as telegraf takes them', () => {
    const lines = answer('mntr').trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^zk_(\w+)\s+([\w.-]+)/);
    expect(monitored().size).toBe(lines.length);
  });

  test('has numbers only, but for what everybody knows to be words', () => {
    const words = new Set(['zk_version', 'zk_server_state', 'zk_peer_state']);
    const others = [...monitored()].filter(([key]) => !words.has(key));
    for (const [key, value] of others) expect(`${key} ${value}`).toMatch(/ -?\d+(\.\d+)?$/);
  });

  test('fits into what the most frugal monitors read', () => {
    // collectd: 4 KiB, of which what it knows may not be cut.
    expect(answer('mntr').length).toBeLessThan(4096);
    // ZooKeeper's own check_zookeeper.py: 2 KiB.
    const early = answer('mntr').slice(0, 2048);
    for (const field of MONITORS['Datadog, mntr'] ?? []) expect(early).toContain(`zk_${field}\t`);
  });

  test('counts what was refused', () => {
    const values = monitored();
    expect(values.get('zk_large_requests_rejected')).toBe('3');
    expect(values.get('zk_sessionless_connections_expired')).toBe('4');
  });

  test('leaves out what the system does not tell', () => {
    const keys = [...monitored({ openFiles: () => undefined }).keys()];
    expect(keys.filter((key) => key.includes('file_descriptor'))).toEqual([]);
    expect(keys.filter((key) => key.includes('fsync'))).toEqual([]);
  });
});

test('srvr and cons are read by the patterns of the Go client', () => {
  expect(answer('srvr')).toMatch(
    /^Zookeeper version: ([A-Za-z0-9.-]+), built on ((\d\d\/\d\d\/\d{4}|\d{4}-\d\d-\d\d) \d\d:\d\d [A-Za-z0-9:+-]+).*\nLatency min\/avg\/max: (\d+)\/([0-9.]+)\/(\d+).*\nReceived: (\d+).*\nSent: (\d+).*\nConnections: (\d+).*\nOutstanding: (\d+).*\nZxid: (0x[A-Za-z0-9]+).*\nMode: (\w+).*\nNode count: (\d+)/,
  );
  const [first = ''] = answer('cons').split('\n');
  expect(first).toMatch(
    /^ \/([\d.]+:\d+)\[\d+\]\(queued=(\d+),recved=(\d+),sent=(\d+),sid=(0x\w+),lop=(\w+),est=(\d+),to=(\d+),lcxid=(0x\w+),lzxid=(0x\w+),lresp=(\d+),llat=(\d+),minlat=(\d+),avglat=(\d+),maxlat=(\d+)\)/,
  );
});
