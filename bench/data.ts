import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type ZooKeeper } from '@zabra/client';
import { type Ensemble, startEnsemble } from '@zabra/testing';

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
const RESTING_SECONDS = 3;

/** What others did on a machine of two cores with this many nodes of this size; other runs, so a rough measure only. */
const ORIENTATION = {
  zookeeperMiB: '890 to 2200',
  etcdMiB: '510 to 670',
  zookeeperSeconds: 6.5,
  etcdSeconds: 7.7,
};

interface Delay {
  readonly p99: number;
  readonly max: number;
}

/**
 * 1,000,000 znodes of 100 bytes on one server: its resident memory, how long its event loop is held up while a snapshot of
 * them is taken, how long it takes from its start to the first read after it was killed, and a page of a large directory.
 */
export async function data(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'zabra-bench-'));
  const probe = join(directory, 'probe');
  print(`${NODES} znodes of ${DATA.length} B on one server`);
  process.env.BENCH_PROBE = probe;
  process.env.NODE_OPTIONS = `--import ${fileURLToPath(new URL('event-loop-probe.mjs', import.meta.url))}`;
  try {
    await using ensemble = await startEnsemble({ servers: 1, dataDir: directory });
    await fill(ensemble);
    await memory(ensemble, 'after they were made');
    await snapshotPause(ensemble, directory, probe);
    await restart(ensemble);
    await memory(ensemble, 'after the restart');
    await pages(ensemble);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function fill(ensemble: Ensemble): Promise<void> {
  const clients = await Promise.all(Array.from({ length: SESSIONS }, () => connect(ensemble.servers)));
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
  print(
    `${NODES} znodes of ${DATA.length} B made in ${seconds.toFixed(1)} s (${(NODES / seconds).toFixed(0)}/s)`,
  );
  await Promise.all(clients.map((zk) => zk.close()));
}

function directoryOf(index: number): string {
  return `/d${String(index).padStart(4, '0')}`;
}

function nodeOf(index: number): string {
  return `${directoryOf(index % DIRECTORIES)}/n${String(Math.floor(index / DIRECTORIES)).padStart(4, '0')}`;
}

async function memory(ensemble: Ensemble, when: string): Promise<void> {
  const pid = await pidOf(ensemble);
  await atRest(pid);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1024;
  print(
    `resident memory ${when}, at rest: ${(bytes / 2 ** 20).toFixed(0)} MiB in all, ${(bytes / NODES).toFixed(0)} B per znode ` +
      `(aim 350; ZooKeeper ${ORIENTATION.zookeeperMiB} MiB, etcd ${ORIENTATION.etcdMiB} MiB)`,
  );
}

/** Light writes go on until the next snapshot was begun and has ended. */
async function snapshotPause(ensemble: Ensemble, directory: string, probe: string): Promise<void> {
  const files = join(directory, 'server-1');
  const known = new Set(await snapshotsOf(files));
  await using zk = await connect(ensemble.servers);
  let running = true;
  let writes = 0;
  const lanes = Array.from({ length: LIGHT_LOAD_OUTSTANDING }, async () => {
    while (running) await zk.set(nodeOf(writes++ % NODES), DATA);
  });
  const pid = await pidOf(ensemble);
  const begun = async (): Promise<string | undefined> =>
    (await snapshotsOf(files)).find((name) => !known.has(name));
  const calm = await delayOf(pid, probe, async () => {
    while ((await begun()) === undefined) await pause(LOOK_MS);
  });
  const name = await begun();
  const start = performance.now();
  const busy = await delayOf(pid, probe, async () => {
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

async function delayOf(pid: number, probe: string, work: () => Promise<void>): Promise<Delay> {
  await askProbe(pid, probe);
  await work();
  return askProbe(pid, probe);
}

async function askProbe(pid: number, probe: string): Promise<Delay> {
  const file = `${probe}.${pid}`;
  await rm(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (;;) {
    try {
      await access(file);
      return JSON.parse(await readFile(file, 'utf8')) as Delay;
    } catch {
      await pause(LOOK_MS);
    }
  }
}

async function restart(ensemble: Ensemble): Promise<void> {
  await ensemble.kill(1);
  const start = performance.now();
  const started = ensemble.restart(1);
  await using zk = await connect({
    servers: ensemble.servers,
    reconnect: () => 5,
    connectTimeoutMs: 120_000,
  });
  await zk.get(nodeOf(NODES - 1));
  const seconds = (performance.now() - start) / 1000;
  await started;
  print(
    `from the start of its process to the first read: ${seconds.toFixed(2)} s ` +
      `(aim 2; ZooKeeper ${ORIENTATION.zookeeperSeconds} s, etcd ${ORIENTATION.etcdSeconds} s)`,
  );
}

async function pages(ensemble: Ensemble): Promise<void> {
  await using zk = await connect(ensemble.servers);
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

async function pidOf(ensemble: Ensemble): Promise<number> {
  const pid = (await ensemble.status()).get(1)?.pid;
  if (pid === undefined) throw new Error('the server is up');
  return pid;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
