import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Finished } from './zabra-process.ts';

/** Where the output of one command ends. No command prints it. */
export const END = '\u0000end of output\u0000';

const MAIN = fileURLToPath(new URL('./command-host-main.ts', import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** A process that runs one command line after the other: what `zabra` does, without its start each time. */
export class CommandHost implements Disposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(environment: Readonly<Record<string, string>>) {
    this.#child = fork(MAIN, [], {
      execArgv: ['--conditions=source', '--import', TSX],
      env: { ...process.env, GRPC_VERBOSITY: 'NONE', ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#ended = new Promise((_, reject) => {
      this.#child.once('exit', () => reject(new Error('the host of commands ended')));
    });
    this.#ended.catch(() => undefined);
  }

  run(args: readonly string[]): Promise<Finished> {
    const finished = this.#last.then(() => this.#run(args));
    this.#last = finished.catch(() => undefined);
    return finished;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  async #run(args: readonly string[]): Promise<Finished> {
    const outputs = Promise.all([until(this.#child.stdout), until(this.#child.stderr)]);
    const code = new Promise<number>((resolve) => {
      this.#child.once('message', (sent) => resolve(Number(sent)));
    });
    this.#child.send(args);
    const [stdout, stderr] = await Promise.race([outputs, this.#ended]);
    return { code: await Promise.race([code, this.#ended]), stdout, stderr };
  }
}

/** What comes before the end mark. */
function until(stream: NodeJS.ReadableStream | null): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const hear = (chunk: Buffer): void => {
      heard += chunk;
      if (!heard.endsWith(END)) return;
      stream?.off('data', hear);
      resolve(heard.slice(0, -END.length));
    };
    stream?.on('data', hear);
  });
}
