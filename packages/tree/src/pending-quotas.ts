import type { Zxid } from '@zabra/model';
import { NO_SLOT } from './node-records.ts';
import type { NodeFacts, PendingNode } from './pending-node.ts';
import { isOutsideQuotas, limitsTarget, parseQuota, type Quota, subtreesAround, type Use } from './quota.ts';
import type { State } from './state.ts';

/**
 * The quotas as of all that is pending, and what their subtrees will hold by then. Free of cost as long as there is no
 * quota at all.
 *
 * The use of a subtree is counted when it is first asked for, from the applied state and every pending node, and kept up
 * with each record from then on. It is the use after all that is pending, so nothing changes when a txn is applied; it is
 * forgotten once nothing is pending, since the state changes without any record where this server does not lead.
 */
export class PendingQuotas {
  readonly #state: State;
  readonly #nodes: ReadonlyMap<string, PendingNode>;
  readonly #limits = new Map<string, PendingLimits>();
  readonly #uses = new Map<string, MutableUse>();

  constructor(state: State, nodes: ReadonlyMap<string, PendingNode>) {
    this.#state = state;
    this.#nodes = nodes;
  }

  get isEmpty(): boolean {
    return this.#limits.size === 0 && this.#state.quotas.size === 0;
  }

  /** Of the subtree with this top. */
  quota(target: string): Quota | undefined {
    const pending = this.#limits.get(target);
    return pending === undefined ? this.#state.quotas.get(target) : pending.quota;
  }

  use(target: string): Use {
    return this.#uses.get(target) ?? this.#counted(target);
  }

  /** The node holds this data, or is gone. Answers how to take it back; undefined where it holds no limits. */
  recordData(path: string, data: Uint8Array | undefined, zxid: Zxid): (() => void) | undefined {
    const target = limitsTarget(path);
    if (target === undefined) return undefined;
    const before = this.#limits.get(target);
    this.#limits.set(target, { zxid, quota: data && parseQuota(data) });
    return () => {
      if (before === undefined) this.#limits.delete(target);
      else this.#limits.set(target, before);
    };
  }

  /** To be called before the record of the node is replaced. */
  recordNode(path: string, before: NodeFacts | undefined, after: PendingNode): void {
    this.#count(path, before, after, 1);
  }

  /** The record `after` is undone, and `before` is there again. */
  takeBackNode(path: string, before: NodeFacts | undefined, after: PendingNode): void {
    this.#count(path, before, after, -1);
  }

  #count(path: string, before: NodeFacts | undefined, after: PendingNode, sign: 1 | -1): void {
    if (this.#uses.size === 0 || isOutsideQuotas(path)) return;
    const count = Number(after.exists) - Number(before !== undefined);
    const bytes = after.dataLength - (before?.dataLength ?? 0);
    if (count === 0 && bytes === 0) return;
    for (const target of subtreesAround(path)) {
      const use = this.#uses.get(target);
      if (use === undefined) continue;
      use.count += sign * count;
      use.bytes += sign * bytes;
    }
  }

  /** Is there a use that {@link recordNode} would keep up? */
  get isCounting(): boolean {
    return this.#uses.size > 0;
  }

  /** The record of this path is applied. */
  settle(path: string, zxid: Zxid): void {
    if (this.#limits.size === 0) return;
    const target = limitsTarget(path);
    if (target !== undefined && this.#limits.get(target)?.zxid === zxid) this.#limits.delete(target);
  }

  /** Nothing is pending: the state may change without a record from here on. */
  forgetUses(): void {
    this.#uses.clear();
  }

  clear(): void {
    this.#limits.clear();
    this.#uses.clear();
  }

  /**
   * Counts anew what is in this subtree, and in those around it that have a quota: a write asks for all of them, the nearest
   * first, and all that is pending is gone through once.
   */
  #counted(target: string): Use {
    const around = [...subtreesAround(target)].filter(
      (each) => each === target || (!this.#uses.has(each) && this.quota(each) !== undefined),
    );
    const lengths = around.map((each) => (each === '/' ? 0 : each.length));
    // Of each node by the nearest of the subtrees that it is in; it is in those around that one, too.
    const pending = around.map(() => ({ count: 0, bytes: 0 }));
    for (const [path, node] of this.#nodes) {
      if (isOutsideQuotas(path)) continue;
      const shared = sharedLength(path, target);
      const nearest = lengths.findIndex((length) => length <= shared && isNameEnd(path, length));
      const more = pending[nearest];
      if (more === undefined) continue;
      const applied = this.#state.find(path);
      more.count += Number(node.exists) - Number(applied !== NO_SLOT);
      more.bytes += node.dataLength - (applied === NO_SLOT ? 0 : this.#state.nodes.dataLength(applied));
    }
    const within = { count: 0, bytes: 0 };
    for (const [index, each] of around.entries()) {
      within.count += pending[index]?.count ?? 0;
      within.bytes += pending[index]?.bytes ?? 0;
      const { count, bytes } = this.#state.use(each);
      this.#uses.set(each, { count: count + within.count, bytes: bytes + within.bytes });
    }
    return this.use(target);
  }
}

/** How many characters two paths begin with alike. */
function sharedLength(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let length = 0;
  while (length < most && left.charCodeAt(length) === right.charCodeAt(length)) length++;
  return length;
}

/** Whether a name, or the whole path, ends there. */
function isNameEnd(path: string, length: number): boolean {
  return path.length === length || path[length] === '/';
}

interface PendingLimits {
  readonly zxid: Zxid;
  readonly quota: Quota | undefined;
}

interface MutableUse {
  count: number;
  bytes: number;
}
