import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type ZooKeeper } from '@zabra/client';
import { startRealZooKeeper } from '@zabra/interop/real-zookeeper';
import { startEnsemble } from '@zabra/testing';

/** One server that keeps its data in a directory. */
export interface Side extends AsyncDisposable {
  readonly dataDir: string;
  /** Tries again and again, for as long as a restart may take. */
  connect(): Promise<ZooKeeper>;
  pid(): Promise<number>;
  /** SIGKILL. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

const PATIENT = { reconnect: () => 20, connectTimeoutMs: 120_000 } as const;
const PROBE = join(tmpdir(), `zabra-bench-probe-${process.pid}`);

/** Where the server writes how long its event loop was held up, each time it is sent a SIGUSR2. */
export function probeFile(pid: number): string {
  return `${PROBE}.${pid}`;
}

export async function startZabra(directory: string): Promise<Side> {
  process.env.BENCH_PROBE = PROBE;
  process.env.NODE_OPTIONS = `--import ${fileURLToPath(new URL('event-loop-probe.mjs', import.meta.url))}`;
  const ensemble = await startEnsemble({ servers: 1, dataDir: directory });
  return {
    dataDir: join(directory, 'server-1'),
    connect: () => connect({ servers: ensemble.servers, ...PATIENT }),
    pid: async () => (await ensemble.status()).get(1)?.pid ?? Number.NaN,
    kill: async () => {
      await ensemble.kill(1);
    },
    restart: () => ensemble.restart(1),
    [Symbol.asyncDispose]: () => ensemble.close(),
  };
}

/** As Debian ships it: no flag makes its JVM lighter. */
export async function startZooKeeper(directory: string): Promise<Side> {
  const zookeeper = await startRealZooKeeper({ dataDir: directory, jvm: [], tickTimeMs: 2000 });
  return {
    dataDir: zookeeper.dataDirOf(1),
    connect: () => connect({ servers: `zookeeper://${zookeeper.servers}`, ...PATIENT }),
    pid: async () => zookeeper.pids[0] ?? Number.NaN,
    kill: async () => {
      await zookeeper.kill(1);
    },
    restart: () => zookeeper.restart(1),
    [Symbol.asyncDispose]: () => zookeeper.close(),
  };
}
