import { type Acls, isZkError, type ZooKeeper } from '@zabra/client';

/** Nodes that one write makes: one, or three together in a transaction. */
interface Write {
  readonly nodes: readonly string[];
  acknowledged: boolean;
}

/**
 * What one client wrote below its own directory, and what it was told of it. Every second write is a transaction of three
 * operations. Writing goes on, several writes at a time, until one fails.
 */
export class Written {
  readonly directory: string;
  readonly #writes: Write[] = [];
  #acknowledged = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Resolves once the client can write no more, with the errors that said so. */
  async writeUntilFailure(zk: ZooKeeper, writesAtATime: number): Promise<readonly unknown[]> {
    await zk.ensure(this.directory);
    return Promise.all(Array.from({ length: writesAtATime }, () => this.#lane(zk)));
  }

  async #lane(zk: ZooKeeper): Promise<unknown> {
    for (;;) {
      try {
        await this.#writeOne(zk);
      } catch (error) {
        return error;
      }
    }
  }

  async #writeOne(zk: ZooKeeper): Promise<void> {
    const number = this.#writes.length;
    const nodes = number % 2 === 0 ? [`${number}`] : [`${number}.a`, `${number}.b`, `${number}.c`];
    const write: Write = { nodes, acknowledged: false };
    this.#writes.push(write);
    const [only, ...others] = nodes.map((node) => `${this.directory}/${node}`);
    if (others.length === 0) {
      await zk.create(only ?? '', node(number), { retry: false });
    } else {
      const transaction = zk.transaction();
      for (const path of [only ?? '', ...others]) transaction.create(path, node(number));
      await transaction.commit({ retry: false });
    }
    write.acknowledged = true;
    this.#acknowledged++;
  }
}
