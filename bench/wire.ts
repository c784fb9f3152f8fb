import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRealZooKeeper } from '@zabra/interop/real-zookeeper';
import { startEnsemble } from '@zabra/testing';
import { zooKeeperIsThere } from './zookeeper-programs.ts';

/** An ensemble that speaks ZooKeeper's wire. */
interface Side {
  /** `host:port` of each server, and its process. */
  readonly hosts: readonly string[];
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/** What the generator prints of a run. */
type Report = Readonly<Record<string, unknown>>;

/** One row: a run of the generator, and the figures of it that are shown. */
interface Workload {
  readonly name: string;
  readonly arguments: string;
  /** Against all servers, or the first one alone. */
  readonly hosts: 'all' | 'one';
  readonly figures: readonly Figure[];
}
interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly of: (report: Report) => number;
  /** How many times better Zabra is, from the two figures. */
  readonly better: 'more' | 'less';
}

const PER_SECOND: Figure = {
  name: '',
  unit: '/s',
  of: (report) => number(report, 'ops_per_s'),
  better: 'more',
};
const CPU: Figure = {
  name: 'CPU s of all servers per 1000',
  unit: 's',
  of: (report) => number(report, 'server_cpu_s_per_1000_ops'),
  better: 'less',
};
const RUN = '--mode run --warm 2 --secs 6';
const LOADED = `${RUN} --conns 30 --window 100`;
const LONE = '--mode run --conns 1 --window 1 --warm 1 --secs 4 --size 100';

const WORKLOADS: readonly Workload[] = [
  ...[100, 1024].map(
    (size): Workload => ({
      name: `writes of ${size} B, 30 × 100 outstanding`,
      arguments: `${LOADED} --read-pct 0 --size ${size}`,
      hosts: 'all',
      figures: [PER_SECOND, CPU],
    }),
  ),
  {
    name: 'reads of 100 B, 30 × 100 outstanding',
    arguments: `${LOADED} --read-pct 100 --size 100`,
    hosts: 'all',
    figures: [PER_SECOND, CPU],
  },
  {
    name: '90 % reads, 30 × 100 outstanding',
    arguments: `${LOADED} --read-pct 90 --size 100`,
    hosts: 'all',
    figures: [PER_SECOND, CPU],
  },
  {
    name: 'a lone write',
    arguments: `${LONE} --read-pct 0`,
    hosts: 'one',
    figures: [percentile('write', 'p50_ms'), percentile('write', 'p99_ms')],
  },
  {
    name: 'a lone read',
    arguments: `${LONE} --read-pct 100`,
    hosts: 'one',
    figures: [percentile('read', 'p50_ms'), percentile('read', 'p99_ms')],
  },
  {
    name: 'ephemerals made and deleted, 30 × 10 outstanding',
    arguments: '--mode eph --conns 30 --window 10 --size 0 --warm 2 --secs 6',
    hosts: 'all',
    figures: [PER_SECOND, CPU],
  },
  {
    name: 'a lock, 10 clients contend',
    arguments: '--mode lock --conns 10 --warm 2 --secs 6',
    hosts: 'all',
    figures: [cycles(), percentile('handover', 'p50_ms')],
  },
  {
    name: 'a lock, one client',
    arguments: '--mode lock --conns 1 --warm 1 --secs 4',
    hosts: 'one',
    figures: [cycles(), percentile('acquire', 'p50_ms')],
  },
  {
    name: 'one change to 1000 sessions that watch it',
    arguments: '--mode watch --conns 1000 --nodes 1 --rounds 6',
    hosts: 'all',
    figures: [lastEvent()],
  },
  {
    name: '1000 changes to 100 sessions that watch all',
    arguments: '--mode watch --conns 100 --nodes 1000 --rounds 3',
    hosts: 'all',
    figures: [lastEvent()],
  },
  {
    name: '5000 sessions at one server',
    arguments: '--mode sessions --conns 5000 --timeout 40000 --hold 4 --close 1',
    hosts: 'one',
    figures: [
      { name: 'opened', unit: '/s', of: (report) => number(report, 'per_s'), better: 'more' },
      {
        name: 'memory of each',
        unit: 'B',
        of: (report) => number(report, 'rss_growth_bytes_per_session'),
        better: 'less',
      },
    ],
  },
];

/**
 * ZooKeeper and Zabra side by side, three servers each on this machine, under the same generator, in turns. A ratio above 1
 * says that Zabra is so many times better. Each ensemble is warmed up first, as long as a JVM needs. `rows`: only workloads
 * that have this in their names.
 */
export async function wire(rows = ''): Promise<void> {
  const workloads = WORKLOADS.filter(({ name }) => name.includes(rows));
  if (workloads.length === 0) throw new Error(`no row of the table has ${JSON.stringify(rows)} in its name`);
  if (!zooKeeperIsThere()) return;
  const folder = mkdtempSync(join(tmpdir(), 'zabra-bench-'));
  try {
    const generator = compile(folder);
    print(
      `${'three servers each'.padEnd(50)}${'ZooKeeper'.padStart(14)}${'Zabra'.padStart(14)}${'ratio'.padStart(8)}`,
    );
    await using zookeeper = disposable(await zookeeperSide());
    await using zabra = disposable(await zabraSide());
    for (const side of [zookeeper, zabra]) await warmUp(generator, side);
    for (const workload of workloads) {
      // In turns, so that a machine that slows down does so for both; the middle one of three counts.
      const reports: Report[][] = [[], []];
      for (let repetition = 0; repetition < REPETITIONS; repetition++) {
        for (const [index, side] of [zookeeper, zabra].entries())
          reports[index]?.push(await measure(generator, side, workload));
      }
      for (const figure of workload.figures) printRow(workload, figure, reports);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const REPETITIONS = 3;
const RUN_MS_MAX = 150_000;

function compile(folder: string): string {
  const source = fileURLToPath(new URL('generator/zkgen.c', import.meta.url));
  const program = join(folder, 'generator');
  execFileSync('cc', ['-O2', '-o', program, source, '-lm'], { stdio: ['ignore', 'ignore', 'inherit'] });
  return program;
}

async function zookeeperSide(): Promise<Side> {
  // As Debian ships it: no flag makes its JVM lighter, and a tick is two seconds.
  const zookeeper = await startRealZooKeeper({ servers: 3, jvm: [], tickTimeMs: 2000 });
  return { hosts: zookeeper.servers.split(','), pids: zookeeper.pids, close: () => zookeeper.close() };
}

async function zabraSide(): Promise<Side> {
  // ZooKeeper is given no bound on connections from one address either.
  const ensemble = await startEnsemble({ config: { limits: { sessionsPerAddressMax: 10_000 } } });
  const status = await ensemble.status();
  const pids = ensemble.ids.map((id) => status.get(id)?.pid ?? 0);
  return { hosts: ensemble.zookeeperServers.split(','), pids, close: () => ensemble.close() };
}

function disposable(side: Side): Side & AsyncDisposable {
  return { ...side, [Symbol.asyncDispose]: () => side.close() };
}

async function warmUp(generator: string, side: Side): Promise<void> {
  for (const readPercent of [0, 100]) {
    const line = `--mode run --conns 30 --window 100 --warm 6 --secs 1 --size 100 --read-pct ${readPercent}`;
    await run(generator, side, line.split(' '));
  }
}

function measure(generator: string, side: Side, workload: Workload): Promise<Report> {
  return run(generator, workload.hosts === 'all' ? side : firstOf(side), workload.arguments.split(' '));
}

/** Its processes are all counted: a write is work for each. */
function firstOf(side: Side): Side {
  return { ...side, hosts: side.hosts.slice(0, 1) };
}

function run(generator: string, { hosts, pids }: Side, options: readonly string[]): Promise<Report> {
  const line = ['--hosts', hosts.join(','), '--pids', pids.join(','), ...options];
  const child = spawn(generator, line, { stdio: ['ignore', 'pipe', 'inherit'], timeout: RUN_MS_MAX });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(printed) as Report);
      else reject(new Error(`the generator ended with ${code ?? signal}: ${line.join(' ')}`));
    });
  });
}

function printRow(
  workload: Workload,
  { name, unit, of, better }: Figure,
  reports: readonly Report[][],
): void {
  const [zookeeper = Number.NaN, zabra = Number.NaN] = reports.map((side) => median(side.map(of)));
  const ratio = better === 'more' ? zabra / zookeeper : zookeeper / zabra;
  const title = name === '' ? workload.name : `  ${name}`;
  if (name !== '' && workload.figures[0]?.name !== '') printTitleOnce(workload);
  print(
    `${title.padEnd(50)}${written(zookeeper, unit).padStart(14)}${written(zabra, unit).padStart(14)}${ratio.toFixed(2).padStart(8)}`,
  );
}

const titled = new Set<string>();

function printTitleOnce({ name }: Workload): void {
  if (titled.has(name)) return;
  titled.add(name);
  print(name);
}

function written(value: number, unit: string): string {
  const digits = value >= 1000 ? 0 : value >= 10 ? 1 : 4;
  return `${value.toFixed(digits)} ${unit}`;
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function percentile(of: string, which: 'p50_ms' | 'p99_ms'): Figure {
  return {
    name: `${of === 'handover' ? 'hand-over' : of} ${which.slice(0, 3)}`,
    unit: 'ms',
    of: (report) => number(report[of] as Report, which),
    better: 'less',
  };
}

function cycles(): Figure {
  return {
    name: 'taken and given back',
    unit: '/s',
    of: (report) => number(report, 'cycles_per_s'),
    better: 'more',
  };
}

/** The median of the rounds. */
function lastEvent(): Figure {
  return {
    name: 'last event after',
    unit: 'ms',
    of: (report) =>
      median((report.rounds as readonly Report[]).map((round) => number(round, 'last_event_ms'))),
    better: 'less',
  };
}

function number(report: Report | undefined, field: string): number {
  const value = report?.[field];
  if (typeof value !== 'number') throw new Error(`the generator said nothing of ${field}`);
  return value;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
