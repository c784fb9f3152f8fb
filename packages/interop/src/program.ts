import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ENDS_WITH_ITS_PARENT, PYTHON } from './programs.ts';
import type { Servers } from './servers.ts';

export interface ProgramRun {
  /** What it wrote to stdout and stderr, line by line, each on its own. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

export interface ProgramOptions {
  /** Written to its stdin, which is then closed. Default: its stdin is for the answers to what it asks. */
  readonly input?: string;
  /** What to write to its stdin upon a line of its stdout. */
  readonly answer?: (line: string) => string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** Until it is killed. Default 100 s. */
  readonly patienceMs?: number;
}

/**
 * Runs a program to its end. A line of it that begins with `@` asks to have something done to the servers, and hears
 * `done` on its stdin: `@kill leader`, `@kill HOST:PORT`, `@kill all`, and `@restart` for all that were killed; what is
 * down when it ends is started again.
 *
 * Rejects, with the end of what it wrote, when it ends with another status than 0.
 */
export async function runProgram(
  command: readonly string[],
  servers: Servers,
  options: ProgramOptions = {},
): Promise<ProgramRun> {
  const [file = '', ...args] = [...ENDS_WITH_ITS_PARENT, ...command];
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
    timeout: options.patienceMs ?? PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(String(signal ?? code)));
  });
  // A program that ends before it read all its input is judged by its status.
  child.stdin.on('error', () => child.stdin.destroy());
  if (options.input !== undefined) child.stdin.end(options.input);
  const stderr: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => stderr.push(line));
  const stdout: string[] = [];
  const stagehand = new Stagehand(servers);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('@')) {
        await stagehand.do(line.slice(1));
        child.stdin.write('done\n');
        continue;
      }
      stdout.push(line);
      const answer = options.answer?.(line);
      if (answer !== undefined) child.stdin.write(answer);
    }
  } finally {
    child.kill('SIGKILL');
    await stagehand.restart();
  }
  const status = await ended;
  if (status !== '0') {
    const said = [...stdout.slice(-LINES_SHOWN), ...stderr.slice(-LINES_SHOWN)].join('\n');
    throw new Error(`${command.join(' ')} ended with ${status}:\n${said}`);
  }
  return { stdout, stderr };
}

/** A program of packages/interop/python; it connects to `address`, of one server or several. What it printed. */
export async function runKazoo(name: string, servers: Servers, address: string): Promise<readonly string[]> {
  const file = fileURLToPath(new URL(`../python/${name}`, import.meta.url));
  // No bytecode: it would be written beside the sources.
  const { stdout } = await runProgram([PYTHON, '-B', file, address], servers);
  return stdout;
}

const PATIENCE_MS = 100_000;
const LINES_SHOWN = 40;

/** Does to the servers what a program asks for. */
class Stagehand {
  readonly #servers: Servers;
  #down: number[] = [];

  constructor(servers: Servers) {
    this.#servers = servers;
  }

  async do(request: string): Promise<void> {
    const [verb, which = ''] = request.split(' ');
    if (verb === 'kill') {
      const killed = await Promise.all(this.#named(which).map((one) => this.#servers.kill(one)));
      this.#down.push(...killed);
    } else if (verb === 'restart') {
      await this.restart();
    } else {
      throw new Error(`a program asks for ${JSON.stringify(request)}; there are kill and restart`);
    }
  }

  async restart(): Promise<void> {
    const down = this.#down;
    this.#down = [];
    await Promise.all(down.map((id) => this.#servers.restart(id)));
  }

  #named(which: string): readonly (number | 'leader')[] {
    if (which === 'leader') return ['leader'];
    if (which === 'all') return this.#servers.ids.filter((id) => !this.#down.includes(id));
    const found = this.#servers.ids.filter((id) => this.#servers.addressOf(id) === which);
    if (found.length === 0) throw new Error(`a program names ${which}; there are ${this.#servers.servers}`);
    return found;
  }
}
