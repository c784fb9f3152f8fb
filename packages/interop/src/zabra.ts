import { type Ensemble, type EnsembleOptions, startEnsemble } from '@zabra/testing';
import type { Servers } from './servers.ts';

/** An ensemble of Zabra in processes of its own, for programs that speak ZooKeeper's wire. Resolves once all serve. */
export async function startZabra(options: EnsembleOptions = {}): Promise<Zabra> {
  return new Zabra(await startEnsemble(options));
}

export class Zabra implements Servers {
  readonly #ensemble: Ensemble;

  constructor(ensemble: Ensemble) {
    this.#ensemble = ensemble;
  }

  /** For ZooKeeper's clients. */
  get servers(): string {
    return this.#ensemble.zookeeperServers;
  }

  /** The same servers, for our own client. */
  get ownServers(): string {
    return this.#ensemble.servers;
  }

  get ids(): readonly number[] {
    return this.#ensemble.ids;
  }

  addressOf(id: number): string {
    const address = this.servers.split(',')[this.ids.indexOf(id)];
    if (address === undefined) throw new Error(`there is no server ${id}; there are ${this.ids.join(', ')}`);
    return address;
  }

  kill(which: number | 'leader'): Promise<number> {
    return this.#ensemble.kill(which);
  }

  /** Resolves once it serves, and so does every other that runs. */
  async restart(id: number): Promise<void> {
    await this.#ensemble.restart(id);
    await this.#ensemble.whenServing();
  }

  close(): Promise<void> {
    return this.#ensemble.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
