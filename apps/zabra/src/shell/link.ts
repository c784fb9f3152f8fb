import type { SessionEvent, ZooKeeper } from '@zabra/client';
import { end, open, type ServerFlags } from '../connection.ts';
import { EXIT, Failure } from '../exit-code.ts';

/** A shell's bond with an ensemble: one client at a time, or none. */
export class Link {
  readonly #flags: ServerFlags;
  #client: ZooKeeper | undefined;
  #address = 'nowhere';
  /** Called whenever the prompt would read otherwise. */
  onChange: () => void = () => undefined;

  constructor(flags: ServerFlags) {
    this.#flags = flags;
  }

  /** Of now. Throws when there is none. */
  get client(): ZooKeeper {
    if (this.#client === undefined) {
      throw new Failure('not connected; `connect HOST:PORT` connects', EXIT.failed);
    }
    return this.#client;
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  /** Where, and in which state. */
  get standing(): string {
    return `${this.#address} ${this.#client?.state ?? 'closed'}`;
  }

  /** To the servers named here, else to those the shell was started for. A client of before is closed first. */
  async connect(servers?: string): Promise<void> {
    await this.close();
    const flags = servers === undefined ? this.#flags : { ...this.#flags, servers };
    this.#client = await open(flags, { instrumentation: { session: (event) => this.#heard(event) } });
    this.onChange();
  }

  /** Ends the session, if there is one. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await end(client);
    this.onChange();
  }

  #heard(event: SessionEvent): void {
    if (event.type === 'connected') this.#address = event.server;
    this.onChange();
  }
}
