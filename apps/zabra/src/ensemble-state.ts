import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Failure } from './exit-code.ts';

/** What `zabra up` writes into its directory, so that other commands find the ensemble. Replaced whole at each change. */
export interface EnsembleState {
  readonly version: 1;
  readonly size: number;
  readonly basePort: number;
  readonly clusterId: string;
  /** Null while no supervisor runs; a supervisor that was killed leaves its number behind. */
  readonly supervisorPid: number | null;
  /** The supervisor's socket. */
  readonly control: string | null;
  readonly servers: readonly ServerEntry[];
}

export interface ServerEntry {
  readonly id: number;
  /** Null while it is down. */
  readonly pid: number | null;
  readonly client: string;
  readonly peer: string;
  /** For clients that speak ZooKeeper's wire. */
  readonly zookeeper: string;
}

/** The directory of the local ensemble: `--data`, else ZABRA_DATA, else ./.zabra. */
export function ensembleDirectory(option: string | undefined): string {
  return resolve(option ?? process.env.ZABRA_DATA ?? '.zabra');
}

/** Undefined where no ensemble was ever started. */
export function readState(directory: string): EnsembleState | undefined {
  const path = statePath(directory);
  let written: string;
  try {
    written = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failure(`${path}: can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    const state = JSON.parse(written) as EnsembleState;
    if (state.version === 1 && Array.isArray(state.servers)) return state;
  } catch {
    // Refused below, like any other content that this command did not write.
  }
  throw new Failure(
    `${path}: was not written by this release of zabra; remove it to let \`zabra up\` make it anew`,
  );
}

export function writeState(directory: string, state: EnsembleState): void {
  const path = statePath(directory);
  writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** Of a local ensemble that is made without a wish. */
export const SIZE_DEFAULT = 3;
export const BASE_PORT_DEFAULT = 5180;

const HOST = '127.0.0.1';
const PORTS_PER_SERVER = 10;

/** Server i has the ports base + 10 (i − 1) + {0 HTTP, 1 gRPC clients, 2 peers, 3 ZooKeeper clients}. */
export function entryOf(id: number, basePort: number): ServerEntry {
  const first = basePort + PORTS_PER_SERVER * (id - 1);
  return {
    id,
    pid: null,
    client: `${HOST}:${first + 1}`,
    peer: `${HOST}:${first + 2}`,
    zookeeper: `${HOST}:${first + 3}`,
  };
}

export function portMax(size: number, basePort: number): number {
  return basePort + PORTS_PER_SERVER * size - 1;
}

function statePath(directory: string): string {
  return join(directory, 'ensemble.json');
}
