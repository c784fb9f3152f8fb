import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ZooKeeper } from '@zabra/client';
import { probeFile, type Side, startZabra, startZooKeeper } from './data-sides.ts';
import { zooKeeperIsThere } from './zookeeper-programs.ts';

const DIRECTORIES = 1000;
const PER_DIRECTORY = 1000;
const NODES = DIRECTORIES * PER_DIRECTORY;
const DATA = new Uint8Array(100).fill(120);
const SESSIONS = 8;
const OUTSTANDING = 250;
const PAGED_CHILDREN = 100_000;
const PAGE = 1000;
/** Writes that go on while the snapshot is taken, and how often the directory is looked at. */
const LIGHT_LOAD_OUTSTANDING = 4;
const LOOK_MS = 2;
/** A server that comes to rest gives back what it does not use: it rests when it took so little of each of some seconds. */
const RESTING_CPU_MS = 50;
const RESTING_SECONDS = 8;

interface Delay {
  readonly p99: number;
  readonly max: number;
}

/** What is measured of both. */
interface Figures {
  readonly madePerSecond: number;
  /** Resident, at rest, in MiB. */
  readonly memory: number;
  readonly memoryAfterRestart: number;
  /** From the start of its process. */
  readonly firstReadSeconds: number;
}

/**
 * 1,000,000 znodes of 100 bytes on one server, of ZooKeeper and then of Zabra: resident memory, and how long it takes from
 * its start to the first read after it was killed. Of Zabra also how long its event loop is held up while a snapshot of them
 * is taken, and a page of a large directory, which ZooKeeper does not have.
 */
export async function data(): Promise<void> {
  print(`${NODES} znodes of ${DATA.length} B, on one server each`);
  const zookeeper = zooKeeperIsThere() ? await measured(startZooKeeper) : undefined;
  const zabra = await measured(startZabra, snapshotPause, pages);
  const aims = { memory: 350, seconds: 2 };
  print(`${''.padEnd(50)}${'ZooKeeper'.padStart(12)}${'Zabra'.padStart(12)}${'ratio'.padStart(8)}`);
  const row = (
    name: string,
    of: (figures: Figures) => number,
    digits: number,
    better: 'more' | 'less',
  ): void => {
    const [theirs, ours] = [zookeeper === undefined ? Number.NaN : of(zookeeper), of(zabra)];
    const ratio = better === 'more' ? ours / theirs : theirs / ours;
    print(
      `${name.padEnd(50)}${theirs.toFixed(digits).padStart(12)}${ours.toFixed(digits).padStart(12)}${ratio.toFixed(2).padStart(8)}`,
    );
  };
  row('made per second', ({ madePerSecond }) => madePerSecond, 0, 'more');
  row('resident memory at rest, MiB', ({ memory }) => memory, 0, 'less');
  row(`  B per znode (aim ${aims.memory})`, ({ memory }) => (memory * 2 ** 20) / NODES, 0, 'less');
  row('the same after a restart, MiB', ({ memoryAfterRestart }) => memoryAfterRestart, 0, 'less');
  row(`start to first read, s (aim ${aims.seconds})`, ({ firstReadSeconds }) => firstReadSeconds, 2, 'less');
}

async function measured(
  start: (directory: string) => Promise<Side>,
  full: (side: Side) => Promise<void> = async () => {},
  restarted: (side: Side) => Promise<void> = async () => {},
): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'zabra-bench-'));
  try {
    await using side = await start(directory);
    const madePerSecond = await fill(side);
    const memory = await residentMiB(side);
    await full(side);
    const firstReadSeconds = await restart(side);
    const memoryAfterRestart = await residentMiB(side);
    await restarted(side);
    return { madePerSecond, memory, memoryAfterRestart, firstReadSeconds };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function fill(side: Side): Promise<number> {
  const clients = await Promise.all(Array.from({ length: SESSIONS }, () => side.connect()));
  const [first] = clients as [ZooKeeper];
  await Promise.all(Array.from({ length: DIRECTORIES }, (_, index) => first.create(directoryOf(index))));
  const start = performance.now();
  let next = 0;
  const lanes = clients.flatMap((zk) =>
    Array.from({ length: OUTSTANDING }, async () => {
      for (let index = next++; index < NODES; index = next++) await zk.create(nodeOf(index), DATA);
    }),
  );
  await Promise.all(lanes);
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(clients.map((zk) => zk.close()));
  return NODES / seconds;
}

function directoryOf(index: number): string {
  return `/d${String(index).padStart(4, '0')}`;
}

function nodeOf(index: number): string {
  return `${directoryOf(index % DIRECTORIES)}/n${String(Math.floor(index / DIRECTORIES)).padStart(4, '0')}`;
}

async function residentMiB(side: Side): Promise<number> {
  const pid = await side.pid();
  await atRest(pid);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Light writes go on until the next snapshot was begun and has ended. */
async function snapshotPause(side: Side): Promise<void> {
  const files = side.dataDir;
  const known = new Set(await snapshotsOf(files));
  await using zk = await side.connect();
  let running = true;
  let writes = 0;
  const lanes = Array.from({ length: LIGHT_LOAD_OUTSTANDING }, async () => {
    while (running) await zk.set(nodeOf(writes++ % NODES), DATA);
  });
  const pid = await side.pid();
  const begun = async (): Promise<string | undefined> =>
    (await snapshotsOf(files)).find((name) => !known.has(name));
  const calm = await delayOf(pid, async () => {
    while ((await begun()) === undefined) await pause(LOOK_MS);
  });
  const name = await begun();
  const start = performance.now();
  const busy = await delayOf(pid, async () => {
    // It counts once the manifest names it.
    while (!(await readFile(join(files, 'MANIFEST'), 'utf8')).includes(`"${name}"`)) await pause(LOOK_MS);
  });
  const seconds = (performance.now() - start) / 1000;
  running = false;
  await Promise.all(lanes);
  print(
    `event loop while a snapshot of them was taken (${seconds.toFixed(1)} s, ${LIGHT_LOAD_OUTSTANDING} writes always under way): ` +
      `p99 ${busy.p99.toFixed(1)} ms, max ${busy.max.toFixed(1)} ms (aim 20 and 50; without one ` +
      `p99 ${calm.p99.toFixed(1)} ms, max ${calm.max.toFixed(1)} ms)`,
  );
}

async function snapshotsOf(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('snapshot'));
}

async function delayOf(pid: number, work: () => Promise<void>): Promise<Delay> {
  await askProbe(pid);
  await work();
  return askProbe(pid);
}

async function askProbe(pid: number): Promise<Delay> {
  const file = probeFile(pid);
  await rm(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (;;) {
    try {
      await access(file);
      const delay = JSON.parse(await readFile(file, 'utf8')) as Delay;
      await rm(file);
      return delay;
    } catch {
      await pause(LOOK_MS);
    }
  }
}

async function restart(side: Side): Promise<number> {
  await side.kill();
  const start = performance.now();
  const started = side.restart();
  await using zk = await side.connect();
  await zk.get(nodeOf(NODES - 1));
  const seconds = (performance.now() - start) / 1000;
  await started;
  return seconds;
}

async function pages(side: Side): Promise<void> {
  await using zk = await side.connect();
  await zk.create('/large');
  let next = 0;
  const lanes = Array.from({ length: OUTSTANDING }, async () => {
    for (let index = next++; index < PAGED_CHILDREN; index = next++)
      await zk.create(`/large/child-${String(index).padStart(8, '0')}`);
  });
  await Promise.all(lanes);
  const page = async (): Promise<number> => {
    const start = performance.now();
    let seen = 0;
    for await (const _child of zk.childrenPages('/large', { pageSize: PAGE })) if (++seen === PAGE) break;
    return performance.now() - start;
  };
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    // A change before each, so that nothing made for the one before can serve it.
    await zk.create(`/large/another-${round}`);
    times.push(await page());
  }
  times.sort((left, right) => left - right);
  const median = times[Math.floor(times.length / 2)] ?? Number.NaN;
  print(
    `a page of ${PAGE} of ${PAGED_CHILDREN} children, to the client and back: ${median.toFixed(2)} ms, worst ${times.at(-1)?.toFixed(2)} ms (aim 2)`,
  );
}

/** Its last snapshot is written, its garbage is gone. */
async function atRest(pid: number): Promise<void> {
  for (let seconds = 0, before = await cpuMs(pid); seconds < RESTING_SECONDS; ) {
    await pause(1000);
    const now = await cpuMs(pid);
    seconds = now - before < RESTING_CPU_MS ? seconds + 1 : 0;
    before = now;
  }
}

async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
