import type { WatchEvent, ZooKeeper } from '@zabra/client';
import { EXIT, Failure } from '../exit-code.ts';
import {
  type CopiedNode,
  childPath,
  childrenOf,
  codeOf,
  isOwn,
  isSameAcl,
  isSameData,
  parentPath,
  readNode,
  refuseHiddenAcl,
} from './copy-nodes.ts';
import { PathWork } from './copy-work.ts';

/** What was done at the target. */
export interface CopyCounts {
  created: number;
  dataSet: number;
  aclsSet: number;
  deleted: number;
  /** How often everything was gone through, because the source could not say what had changed. */
  scans: number;
}

/** Nodes that are looked at at the same time. */
const LANES = 64;
/** Changed paths that wait; beyond it everything is gone through instead. */
const WAITING_MAX = 500_000;

/**
 * Makes what is below the target's root as it is below the source's, node by node. An event of the source only says where
 * to look: what is written is what is there by then, so events may be late, doubled or put together, and looking at a node
 * once more does no harm.
 */
export class TreeCopy {
  readonly #source: ZooKeeper;
  readonly #target: ZooKeeper;
  readonly #work: PathWork;
  /** Paths that were at the source and are at the target: only these are ever deleted there. */
  readonly #copied = new Set<string>();
  readonly counts: CopyCounts = { created: 0, dataSet: 0, aclsSet: 0, deleted: 0, scans: 0 };

  constructor(source: ZooKeeper, target: ZooKeeper) {
    this.#source = source;
    this.#target = target;
    this.#work = new PathWork(LANES, (path, isDeep) => this.#look(path, isDeep));
  }

  /** Is this node one of those that were copied? */
  holds(path: string): boolean {
    return this.#copied.has(path);
  }

  /** Goes through everything. */
  scan(): void {
    this.counts.scans++;
    this.#work.add('/', true);
  }

  hear(event: WatchEvent): void {
    if (event.type === 'resync') {
      this.scan();
    } else if (!isOwn(event.path)) {
      this.#work.add(event.path, false);
      if (this.#work.waiting <= WAITING_MAX) return;
      this.#work.clear();
      this.scan();
    }
  }

  /** Resolves when all that was heard of is done; rejects as {@link failed}. */
  caughtUp(): Promise<void> {
    return this.#work.idle();
  }

  /** Rejects with what can't be done, whenever that is found. */
  get failed(): Promise<never> {
    return this.#work.failed;
  }

  async #look(path: string, isDeep: boolean): Promise<void> {
    const node = await readNode(this.#source, path);
    if (node === undefined && path === '/') throw new Failure('the source is gone: its node was deleted');
    if (node === undefined || node.stat.ephemeralOwner !== 0n) {
      await this.#remove(path);
      return;
    }
    refuseHiddenAcl(path, node.acl);
    const outcome = await this.#write(path, node);
    // Its parent went meanwhile, and will be heard of.
    if (outcome === 'no parent') return;
    this.#copied.add(path);
    // What is below a node that came anew may have been heard of, and deleted with the former one.
    if (isDeep || outcome === 'created') await this.#descend(path);
  }

  async #descend(path: string): Promise<void> {
    const names = new Set(await childrenOf(this.#source, path));
    for (const name of names) this.#work.add(childPath(path, name), true);
    if (this.counts.scans < 2) return;
    for (const name of await childrenOf(this.#target, path)) {
      const child = childPath(path, name);
      if (!names.has(name) && this.#copied.has(child)) this.#work.add(child, false);
    }
  }

  async #write(path: string, node: CopiedNode): Promise<'created' | 'there' | 'no parent'> {
    if (path === '/') {
      await this.#target.ensure('/');
    } else if (!this.#copied.has(path)) {
      switch (await this.#create(path, node)) {
        case undefined:
          return 'created';
        case 'NO_NODE':
          await this.#look(parentPath(path), false);
          if (!this.#copied.has(parentPath(path))) return 'no parent';
          this.#work.add(path, true);
          return 'no parent';
        default:
          break;
      }
    }
    const there = await readNode(this.#target, path);
    if (there === undefined) {
      // Somebody else took it away.
      this.#copied.delete(path);
      return this.#write(path, node);
    }
    if (!isSameData(node.data, there.data)) {
      await this.#target.set(path, node.data);
      this.counts.dataSet++;
    }
    if (!isSameAcl(node.acl, there.acl)) {
      await this.#target.setAcl(path, node.acl);
      this.counts.aclsSet++;
    }
    return 'there';
  }

  /** Undefined: done. */
  async #create(path: string, { data, acl }: CopiedNode): Promise<'NO_NODE' | 'NODE_EXISTS' | undefined> {
    try {
      await this.#target.create(path, data, { acl });
      this.counts.created++;
      return undefined;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'NO_NODE' || code === 'NODE_EXISTS') return code;
      throw error;
    }
  }

  /** And what is below, as far as it was copied; what others put there stays, and what it is below. */
  async #remove(path: string): Promise<void> {
    if (!this.#copied.has(path)) return;
    try {
      await this.#target.delete(path);
      this.counts.deleted++;
    } catch (error) {
      switch (codeOf(error)) {
        case 'NO_NODE':
          break;
        case 'NOT_EMPTY': {
          const names = await childrenOf(this.#target, path);
          const copied = names
            .map((name) => childPath(path, name))
            .filter((child) => this.#copied.has(child));
          if (copied.length === 0) return;
          for (const child of copied) await this.#remove(child);
          return copied.some((child) => this.#copied.has(child)) ? undefined : this.#remove(path);
        }
        default:
          throw error;
      }
    }
    this.#copied.delete(path);
  }
}

/** Throws {@link Failure} when there is something at the target that a copy could be mixed up with. */
export async function refuseFullTarget(target: ZooKeeper, url: string): Promise<void> {
  const [name] = await childrenOf(target, '/');
  if (name === undefined) return;
  throw new Failure(
    `${url} has nodes already, as ${name}: name an empty place, or add --into-existing (what is there and not at the source then stays)`,
    EXIT.usage,
  );
}
