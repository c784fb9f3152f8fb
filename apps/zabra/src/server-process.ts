import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { serverEnvironment } from './connection.ts';
import { Failure } from './exit-code.ts';
import type { ServerReport } from './server-command.ts';

/** How a process ended: a signal's name, or its exit code. */
export type Ending = string;

/**
 * One server of a local ensemble in a process of its own. The channel between the two processes is its life line: the
 * system closes it when this process ends, however it ends, and then the server ends itself.
 */
export class ServerProcess {
  readonly pid: number;
  /** Settles once the server takes clients; rejects with its own words when it ends before. */
  readonly listening: Promise<void>;
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;

  /** `logFile` gets what the server prints. */
  constructor(options: { readonly id: number; readonly configFile: string; readonly logFile: string }) {
    const log = openSync(options.logFile, 'a');
    // The same command again, in whatever way this one was started (built or from source).
    const child = fork(process.argv[1] ?? '', ['server', '--config', options.configFile], {
      env: serverEnvironment(),
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      child.once('error', (error) => resolve(error.message));
    });
    this.listening = this.#waitUntilListening(options);
    // Whoever waits for it hears of a failure; nobody has to.
    this.listening.catch(() => undefined);
  }

  #waitUntilListening({ id, logFile }: { readonly id: number; readonly logFile: string }): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure: Failure | undefined;
      this.#child.on('message', (report: ServerReport) => {
        if (report.kind === 'listening') resolve();
        else failure = new Failure(`server ${id} did not start: ${report.message}`, report.exitCode);
      });
      this.#child.once('error', reject);
      this.ended.then(async (ending) => {
        // Its last message may be heard after its end, but not after the channel's.
        if (this.#child.connected) await once(this.#child, 'disconnect');
        reject(
          failure ?? new Failure(`server ${id} did not start: it ended (${ending}); its log is ${logFile}`),
        );
      });
    });
  }

  /** Asks for a clean stop. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
