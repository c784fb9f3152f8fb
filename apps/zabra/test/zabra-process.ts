import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
/** Its sources, or what `npm test` has built of them just now and says so: that starts in a tenth of the time. */
const PROGRAM =
  process.env.RUN_BUILT === 'true'
    ? [pathOf('../bin/zabra.js')]
    : ['--conditions=source', '--import', TSX, pathOf('../src/main.ts')];
const HOST = '127.0.0.1';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs the command until it ends. */
export async function zabra(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const running = new RunningZabra(args, options);
  return await running.finished;
}

/** A command that runs on, as `zabra up` does. */
export class RunningZabra {
  readonly finished: Promise<Finished>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], options: RunOptions = {}) {
    this.#child = spawn(process.execPath, [...PROGRAM, ...args], {
      cwd: options.cwd ?? temporaryDirectory(),
      env: { ...outerEnvironment(), ...options.env },
    });
    this.#child.stdout?.on('data', (chunk) => {
      this.#stdout += chunk;
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.#stderr += chunk;
    });
    this.#child.stdin?.end(options.input ?? '');
    this.finished = once(this.#child, 'close').then(([code]) => ({
      code,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first whole line of standard output that begins so. Throws what the command said when it ends before. */
  async line(beginning: string): Promise<string> {
    for (;;) {
      const found = this.#stdout
        .split('\n')
        .slice(0, -1)
        .find((line) => line.startsWith(beginning));
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`ended without a line "${beginning}": ${this.#stdout}${this.#stderr}`);
      }
      await sleep(20);
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<Finished> {
    this.#child.kill(signal);
    return await this.finished;
  }
}

/** Gone when the test is over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'zabra-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A base from which every port that an ensemble of `size` listens on was free a moment ago. */
export async function freeBasePort(size: number): Promise<number> {
  for (;;) {
    const base = await portFromSystem();
    const ports = Array.from({ length: size }, (_, index) => base + 10 * index).flatMap((first) => [
      first + 1,
      first + 2,
      first + 3,
    ]);
    const free = await Promise.all(ports.map(isFree));
    if (base < 60_000 && free.every(Boolean)) return base;
  }
}

/** Answers what `ask` answers, as soon as that is not undefined. */
export async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(50);
  }
}

/** A process that has ended and only waits for its new parent to take note (Z) is not alive. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z\s]/.test(stdout.trim());
}

/** Takes a port until it is closed. */
export async function occupy(port: number): Promise<AsyncDisposable> {
  const server = createServer();
  server.listen(port, HOST);
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** A command under test is told nothing by the variables of whoever runs the tests. */
function outerEnvironment(): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ZABRA_')));
}

async function portFromSystem(): Promise<number> {
  const probe = createServer();
  probe.listen(0, HOST);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}

function pathOf(beside: string): string {
  return fileURLToPath(new URL(beside, import.meta.url));
}
