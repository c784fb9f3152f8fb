import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { freePorts } from '@zabra/testing';
import { ENDS_WITH_ITS_PARENT } from './programs.ts';
import type { Servers } from './servers.ts';

/**
 * What `npm start` starts, three servers by `zabra up`, in a directory and on ports of its own; killed and restarted by
 * the commands that a person would type. Resolves once all serve.
 */
export async function startLocalEnsemble(): Promise<LocalEnsemble> {
  const directory = await mkdtemp(join(tmpdir(), 'zabra-interop-'));
  const basePort = await freeBasePort();
  const up = zabra(['up', '--base-port', String(basePort)], directory);
  try {
    await ready(up);
    const { servers } = JSON.parse(await finished(zabra(['status', '--json'], directory))) as Status;
    return new LocalEnsemble(directory, up, servers);
  } catch (error) {
    await end(up);
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** What of `zabra status --json` is used here. */
interface Status {
  readonly servers: readonly ServerEntry[];
}

interface ServerEntry {
  readonly id: number;
  readonly zookeeperAddress: string;
}

export class LocalEnsemble implements Servers {
  readonly #directory: string;
  readonly #up: ChildProcess;
  readonly #entries: readonly ServerEntry[];

  constructor(directory: string, up: ChildProcess, entries: readonly ServerEntry[]) {
    this.#directory = directory;
    this.#up = up;
    this.#entries = entries;
  }

  get servers(): string {
    return this.#entries.map(({ zookeeperAddress }) => zookeeperAddress).join(',');
  }

  get ids(): readonly number[] {
    return this.#entries.map(({ id }) => id);
  }

  addressOf(id: number): string {
    const entry = this.#entries.find((one) => one.id === id);
    if (entry === undefined) throw new Error(`there is no server ${id}; there are ${this.ids.join(', ')}`);
    return entry.zookeeperAddress;
  }

  /** Of a leader: once there is one, for a minute. */
  async kill(which: number | 'leader'): Promise<number> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        const said = await finished(zabra(['up', 'kill', String(which)], this.#directory));
        return Number(/^killed server (\d+) /.exec(said)?.[1]);
      } catch (error) {
        const isLeaderless = which === 'leader' && String(error).includes('there is no leader now');
        if (!isLeaderless || performance.now() > deadline) throw error;
      }
    }
  }

  async restart(id: number): Promise<void> {
    await finished(zabra(['up', 'restart', String(id)], this.#directory));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#up);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
/** Its sources, or what `npm test` has built of them just now and says so: that starts in a tenth of the time. */
const PROGRAM =
  process.env.RUN_BUILT === 'true'
    ? [pathOf('bin/zabra.js')]
    : ['--conditions=source', '--import', TSX, pathOf('src/main.ts')];
const SIZE = 3;
const PATIENCE_MS = 60_000;
/** Of the ports of one server, from the base that `zabra up` is given: see its help. */
const PORTS_PER_SERVER = 10;

/** The command. It is told nothing by the variables of whoever runs the tests. */
function zabra(args: readonly string[], directory: string): ChildProcess {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('ZABRA_'));
  const [command = '', ...before] = [...ENDS_WITH_ITS_PARENT, process.execPath];
  return spawn(command, [...before, ...PROGRAM, ...args], {
    cwd: directory,
    env: Object.fromEntries(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What a command printed, once it ended with 0. */
async function finished(child: ChildProcess): Promise<string> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${child.spawnargs.slice(-3).join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** `zabra up` says so in a line; rejects with what it said when it ends before. */
async function ready(up: ChildProcess): Promise<void> {
  let stderr = '';
  up.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  if (up.stdout === null) throw new Error('its output is piped');
  for await (const line of createInterface({ input: up.stdout })) {
    if (!line.startsWith('ready ')) continue;
    // Whatever it says later is nobody's, and must not fill the pipe.
    up.stdout.resume();
    return;
  }
  throw new Error(`zabra up ended: ${stderr}`);
}

async function end(up: ChildProcess): Promise<void> {
  if (up.exitCode !== null || up.signalCode !== null) return;
  const closed = once(up, 'close');
  up.kill('SIGTERM');
  await closed;
}

/** A base from which every port of the ensemble was free a moment ago. */
async function freeBasePort(): Promise<number> {
  for (;;) {
    const [base = 0] = await freePorts(1);
    const wanted = Array.from({ length: SIZE * PORTS_PER_SERVER }, (_, index) => base + index);
    if (base + wanted.length > 65_535) continue;
    const free = await Promise.all(wanted.map(isFree));
    if (free.every(Boolean)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

function pathOf(inApp: string): string {
  return fileURLToPath(new URL(`../../../apps/zabra/${inApp}`, import.meta.url));
}
