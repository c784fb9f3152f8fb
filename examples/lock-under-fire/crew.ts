import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Referee } from './referee.ts';
import { StoreClient } from './store-client.ts';
import type { WorkerReport } from './worker.ts';

/** The processes of the store and of the workers. They end with the crew, and with this process, however it ends. */
export class Crew implements Disposable {
  readonly #processes: ChildProcess[] = [];

  async startStore(): Promise<StoreClient> {
    const [address] = await once(this.#start('store.ts', []), 'message');
    return new StoreClient(address as string);
  }

  /** Resolves when the worker has done its turns. Without `servers` it takes no lock. */
  async work(
    id: number,
    task: { readonly turns: number; readonly store: StoreClient; readonly servers: string | undefined },
    referee: Referee,
  ): Promise<void> {
    const { turns, store, servers } = task;
    const worker = this.#start('worker.ts', [String(turns), store.address, ...(servers ? [servers] : [])]);
    worker.on('message', (report: WorkerReport) => {
      if (report.kind === 'began') referee.began(id, report.fencingToken);
      else referee.ended(id, report.counted);
      worker.send('noted');
    });
    const [code, signal] = await once(worker, 'exit');
    if (code !== 0) throw new Error(`worker ${id} ended with ${signal ?? code}`);
  }

  [Symbol.dispose](): void {
    for (const child of this.#processes) child.kill('SIGKILL');
  }

  #start(program: string, args: readonly string[]): ChildProcess {
    const path = fileURLToPath(new URL(program, import.meta.url));
    // Advanced: fencing tokens are bigint.
    const child = fork(path, args, { serialization: 'advanced' });
    this.#processes.push(child);
    return child;
  }
}
