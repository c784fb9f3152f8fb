import { isZkError, type ZooKeeper } from '@zabra/client';

/** Nodes that one write makes: one, or three together in a transaction. */
interface Write {
  readonly nodes: readonly string[];
  acknowledged: boolean;
}

/**
 * What one client wrote below a directory of its own, and what it was told of it. Every second write is a transaction of
 * three operations.
 */
export class Written {
  readonly directory: string;
  readonly #writes: Write[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  get acknowledged(): number {
    return this.#writes.filter((write) => write.acknowledged).length;
  }

  get attempted(): number {
    return this.#writes.length;
  }

  /** Writes steadily, `lanes` writes at a time, until one fails in each lane. Resolves to what they failed with. */
  async writeUntilFailure(zk: ZooKeeper, lanes: number): Promise<readonly unknown[]> {
    return Promise.all(Array.from({ length: lanes }, () => this.#lane(zk)));
  }

  /** What the tree holds against the record; empty when all is well. */
  async faults(zk: ZooKeeper): Promise<readonly string[]> {
    const present = new Set(await childrenOf(zk, this.directory));
    const faults = this.#writes.flatMap((write) => {
      const there = write.nodes.filter((node) => present.delete(node));
      if (write.acknowledged && there.length < write.nodes.length) {
        return [`acknowledged, and not there: ${this.directory}/${write.nodes.join(' ')}`];
      }
      return there.length > 0 && there.length < write.nodes.length
        ? [`only a part is there: ${this.directory}/${there.join(' ')}`]
        : [];
    });
    return [...faults, ...[...present].map((node) => `nobody wrote it: ${this.directory}/${node}`)];
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
    if (nodes.length === 1) {
      await zk.create(`${this.directory}/${number}`, `${number}`, { retry: false });
    } else {
      const transaction = zk.transaction();
      for (const node of nodes) transaction.create(`${this.directory}/${node}`, node);
      await transaction.commit({ retry: false });
    }
    write.acknowledged = true;
  }
}

async function childrenOf(zk: ZooKeeper, path: string): Promise<readonly string[]> {
  try {
    return await zk.children(path, { linearizable: true });
  } catch (error) {
    if (isZkError(error, 'NO_NODE')) return [];
    throw error;
  }
}
