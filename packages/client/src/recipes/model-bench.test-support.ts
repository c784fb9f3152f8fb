import { type ConnectOptions, ZooKeeper } from '@zabra/client';
import { vi } from 'vitest';
import { Client } from '../core/client.ts';
import { settingsOf } from '../core/settings.ts';
import type { Bench, Subject } from './recipe-faults.test-support.ts';
import { ModelClient, ModelEnsemble } from './testing-ensemble.test-support.ts';

export interface Joined {
  readonly zk: ZooKeeper;
  readonly model: ModelClient;
  readonly client: Client;
}

/** The bench on the model: every timer and clock of the process is the test's until it is closed. */
export class ModelBench implements Bench {
  readonly ensemble: ModelEnsemble = new ModelEnsemble();
  readonly #clients: ZooKeeper[] = [];

  constructor() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 });
  }

  async connect(): Promise<ZooKeeper> {
    return (await this.join()).zk;
  }

  /** A client together with what the ensemble knows of it, and what the client keeps. */
  async join(options: Partial<ConnectOptions> = {}): Promise<Joined> {
    const model = new ModelClient();
    const env = this.ensemble.env(model);
    const client = new Client(env, settingsOf({ servers: 'model:5181', ...options }));
    const zk = new ZooKeeper(client, '');
    this.#clients.push(zk);
    await zk.session.whenConnected();
    return { zk, model, client };
  }

  async connectSubject(options: Pick<ConnectOptions, 'retry'>): Promise<Subject> {
    const { zk, model } = await this.join(options);
    const { ensemble } = this;
    return {
      zk,
      plant: (blow) => {
        model.requests = 0;
        model.fault = blow;
      },
      get requests() {
        return model.requests;
      },
      get isHeld() {
        return model.held !== undefined;
      },
      release: () => ensemble.release(model),
    };
  }

  settle(): Promise<void> {
    return this.ensemble.settle();
  }

  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      vi.advanceTimersByTime(Math.min(left, STEP_MS));
      await this.settle();
    }
  }

  async tree(): Promise<readonly string[]> {
    return this.ensemble.tree.paths();
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((zk) => zk.close()));
    vi.useRealTimers();
  }
}

const STEP_MS = 250;
