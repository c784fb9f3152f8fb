import { tmpdir } from 'node:os';
import { connect, type ZooKeeper } from '@zabra/client';
import { type Ensemble, startEnsemble } from '@zabra/testing';
import { fdatasyncRate } from './fdatasync.ts';
import { alone, type LoadResult, percentile, pipelined } from './load.ts';

const SESSIONS = 30;
const OUTSTANDING = 100;
const DATA = new Uint8Array(100).fill(120);
const WARM_UP_MS = 2000;
const DURATION_MS = 5000;
const LONE_WRITES = 2000;

/** What a three-server ZooKeeper did on a machine of two cores; another run, so a rough measure only. */
const ORIENTATION = { writes: 28_000, reads: 84_000, loneMs: 0.9, writeCpu: 0.065, readCpu: 0.021 };

interface Figures {
  readonly writes: Load;
  readonly reads: Load;
  readonly loneP50: number;
  readonly loneP99: number;
}
interface Load {
  readonly perSecond: number;
  /** Seconds per 1000 operations, all servers together and the client. */
  readonly serverCpu: number;
  readonly clientCpu: number;
}

/**
 * 30 sessions of 100 outstanding calls each, 100 bytes, from this process through the SDK, against three servers and
 * against one; a lone write; and beside them what the disk does alone.
 */
export async function smoke(): Promise<void> {
  print(`fdatasync of 4 KiB appends: ${(await fdatasyncRate(tmpdir(), 2000)).toFixed(0)}/s`);
  const three = await measure(3);
  const one = await measure(1);
  const row = (name: string, of: (figures: Figures) => number, digits: number, orientation: number): void => {
    const ratio = of(three) / orientation;
    print(
      [
        name.padEnd(34),
        of(three).toFixed(digits).padStart(10),
        of(one).toFixed(digits).padStart(10),
        orientation.toFixed(digits).padStart(12),
        ratio.toFixed(2).padStart(8),
      ].join(''),
    );
  };
  print(
    `${''.padEnd(34)}${'3 servers'.padStart(10)}${'1 server'.padStart(10)}${'ZooKeeper*'.padStart(12)}${'ratio'.padStart(8)}`,
  );
  row('writes/s', ({ writes }) => writes.perSecond, 0, ORIENTATION.writes);
  row('reads/s', ({ reads }) => reads.perSecond, 0, ORIENTATION.reads);
  row('lone write p50 ms', ({ loneP50 }) => loneP50, 3, ORIENTATION.loneMs);
  row('lone write p99 ms', ({ loneP99 }) => loneP99, 3, ORIENTATION.loneMs);
  row('servers CPU s per 1000 writes', ({ writes }) => writes.serverCpu, 4, ORIENTATION.writeCpu);
  row('servers CPU s per 1000 reads', ({ reads }) => reads.serverCpu, 4, ORIENTATION.readCpu);
  row('client CPU s per 1000 writes', ({ writes }) => writes.clientCpu, 4, Number.NaN);
  row('client CPU s per 1000 reads', ({ reads }) => reads.clientCpu, 4, Number.NaN);
  print('* 3 servers, another run on such a machine: for orientation only');
}

async function measure(servers: number): Promise<Figures> {
  await using ensemble = await startEnsemble({ servers });
  const addresses = ensemble.servers.split(',');
  const clients = await Promise.all(
    Array.from({ length: SESSIONS }, (_, index) => connect(addresses[index % addresses.length] ?? '')),
  );
  try {
    await Promise.all(clients.map((zk, index) => zk.create(`/bench-${index}`, DATA)));
    const writes = await loadOf(ensemble, clients, (zk, index) => zk.set(`/bench-${index}`, DATA));
    const reads = await loadOf(ensemble, clients, (zk, index) => zk.get(`/bench-${index}`));
    const [first] = clients;
    if (first === undefined) throw new Error('there is a client');
    const lone = await alone(() => first.set('/bench-0', DATA), LONE_WRITES);
    return { writes, reads, loneP50: percentile(lone, 0.5), loneP99: percentile(lone, 0.99) };
  } finally {
    await Promise.all(clients.map((zk) => zk.close()));
  }
}

async function loadOf(
  ensemble: Ensemble,
  clients: readonly ZooKeeper[],
  call: (zk: ZooKeeper, client: number) => Promise<unknown>,
): Promise<Load> {
  const cpu: number[] = [];
  const result: LoadResult = await pipelined(clients, {
    outstanding: OUTSTANDING,
    warmUpMs: WARM_UP_MS,
    durationMs: DURATION_MS,
    call,
    onMeasure: async () => {
      cpu.push(await serverCpuSeconds(ensemble));
    },
  });
  const [before = 0, after = 0] = cpu;
  const thousands = result.count / 1000;
  return {
    perSecond: result.perSecond,
    serverCpu: (after - before) / thousands,
    clientCpu: result.clientCpuSeconds / thousands,
  };
}

async function serverCpuSeconds(ensemble: Ensemble): Promise<number> {
  const status = await ensemble.status();
  return [...status.values()].reduce((sum, server) => sum + (server?.cpuSeconds ?? 0), 0);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
