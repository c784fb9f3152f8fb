import { nameOf, parentOf, type Zxid } from '@zabra/model';
import type { Change, Txn } from '@zabra/proto';
import { demand } from './violation.ts';

/** What a change did to a path, for whoever watches it. */
export interface ModelEvent {
  readonly type: 'CREATED' | 'CHANGED' | 'DELETED' | 'CHILDREN';
  readonly path: string;
  readonly zxid: Zxid;
}

interface ModelNode {
  /** 0: not ephemeral. */
  readonly owner: number;
  /** 0: none. */
  readonly ttlMs: number;
  readonly isContainer: boolean;
  bytes: number;
  /** Children that are there, and children ever made. */
  children: number;
  sequence: number;
  /** True time when the change that last wrote it was first delivered. */
  writtenMs: number;
}

/** Hard limits of a quota; infinite where there is none. */
interface Quota {
  readonly countMax: number;
  readonly bytesMax: number;
}

/**
 * The tree that the history makes, in the plainest way, as a second opinion: ephemerals live and die with their session,
 * sequence numbers are unique and grow, no hard quota is exceeded, nothing with a TTL goes before its time, and nobody but
 * the reaper removes what nobody asked to remove.
 */
export class TreeModel {
  readonly #nodes = new Map<string, ModelNode>();
  readonly #sessions = new Set<number>();
  readonly #quotas = new Map<string, Quota>();
  readonly #nowMs: () => number;
  readonly #clockRateMax: number;
  #reaped = 0;

  constructor(clocks: { nowMs: () => number; clockRateMax: number }) {
    this.#nowMs = clocks.nowMs;
    this.#clockRateMax = clocks.clockRateMax;
    for (const path of RESERVED) this.#nodes.set(path, newNode({}));
    this.#node('/').children = 1;
    this.#node('/zookeeper').children = 2;
  }

  /** Nodes that the ensemble removed of itself. */
  get reaped(): number {
    return this.#reaped;
  }

  get paths(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** The next txn of the history; answers its events in the order in which watches hear them. */
  apply(zxid: Zxid, txn: Txn): readonly ModelEvent[] {
    const events: ModelEvent[] = [];
    switch (txn.kind) {
      case 'createSession':
        this.#sessions.add(txn.createSession.sessionId);
        break;
      case 'closeSession':
        this.#closeSession(zxid, txn.closeSession.sessionId, events);
        break;
      case 'change':
        this.#change(zxid, txn, txn.change, events);
        break;
      case 'transaction':
        for (const change of txn.transaction.changes) this.#change(zxid, txn, change, events);
        break;
    }
    return events;
  }

  #closeSession(zxid: Zxid, sessionId: number, events: ModelEvent[]): void {
    demand(this.#sessions.delete(sessionId), 'a session ends once', { session: sessionId, zxid });
    const owned = [...this.#nodes].filter(([, { owner }]) => owner === sessionId).map(([path]) => path);
    for (const path of owned.sort()) this.#delete(zxid, path, events);
  }

  #change(zxid: Zxid, { sessionId }: Txn, change: Change, events: ModelEvent[]): void {
    switch (change.kind) {
      case 'create':
        this.#create(zxid, change.create, events);
        return;
      case 'set': {
        const { path, data } = change.set;
        const node = this.#node(path);
        this.#demandRoom(zxid, path, 0, data.length - node.bytes);
        node.bytes = data.length;
        node.writtenMs = this.#nowMs();
        this.#noteQuota(path, data);
        events.push({ type: 'CHANGED', path, zxid });
        return;
      }
      case 'setAcl':
        this.#node(change.setAcl.path).writtenMs = this.#nowMs();
        return;
      case 'touch':
        this.#node(change.touch.path).writtenMs = this.#nowMs();
        return;
      case 'delete':
        if (sessionId === 0) this.#judgeReaped(zxid, change.delete.path);
        this.#delete(zxid, change.delete.path, events);
        return;
      case 'deleteTree':
        for (const path of change.deleteTree.paths) this.#delete(zxid, path, events);
        return;
      case 'checkAbsent':
        demand(!this.#nodes.has(change.checkAbsent.path), 'what was checked to be absent is', { zxid });
        return;
      case 'check':
        this.#node(change.check.path);
        return;
      case 'checkOwner':
        this.#node(change.checkOwner.path);
        return;
    }
  }

  #create(zxid: Zxid, create: Extract<Change, { kind: 'create' }>['create'], events: ModelEvent[]): void {
    const { path, mode, ephemeralOwner: owner, ttlMs, data } = create;
    const parentPath = parentOf(path);
    demand(!this.#nodes.has(path), 'a node is made once', { path, zxid });
    const parent = this.#node(parentPath);
    demand(parent.owner === 0, 'an ephemeral node has no children', { path, zxid });
    demand(owner === 0 || this.#sessions.has(owner), 'an ephemeral node has a living owner', { path, zxid });
    if (mode.endsWith('SEQUENTIAL')) {
      const suffix = Number(nameOf(path).slice(-10));
      demand(suffix === parent.sequence, 'a sequence number counts the children ever made', {
        path,
        expected: parent.sequence,
        zxid,
      });
    }
    this.#demandRoom(zxid, path, 1, data.length);
    parent.children++;
    parent.sequence++;
    const node = newNode({ owner, ttlMs, isContainer: mode === 'CONTAINER' });
    node.bytes = data.length;
    node.writtenMs = this.#nowMs();
    this.#nodes.set(path, node);
    this.#noteQuota(path, data);
    events.push({ type: 'CREATED', path, zxid }, { type: 'CHILDREN', path: parentPath, zxid });
  }

  #delete(zxid: Zxid, path: string, events: ModelEvent[]): void {
    const node = this.#node(path);
    demand(node.children === 0, 'a node that goes has no children', { path, zxid });
    const parentPath = parentOf(path);
    this.#node(parentPath).children--;
    this.#nodes.delete(path);
    if (path.endsWith(LIMITS)) this.#quotas.delete(quotaPath(path));
    events.push({ type: 'DELETED', path, zxid }, { type: 'CHILDREN', path: parentPath, zxid });
  }

  #judgeReaped(zxid: Zxid, path: string): void {
    const { ttlMs, isContainer, sequence, writtenMs } = this.#node(path);
    const livedMs = this.#nowMs() - writtenMs;
    const facts = { path, zxid, ttlMs, livedMs: livedMs.toFixed(3) };
    demand(isContainer || ttlMs > 0, 'the ensemble removes only what was made for it', facts);
    if (isContainer) demand(sequence > 0, 'a container that was never used stays', facts);
    else demand(livedMs >= ttlMs / this.#clockRateMax, 'a node with a TTL never goes early', facts);
    this.#reaped++;
  }

  /** A change that adds to what a quota counts leaves it within its hard limits. */
  #demandRoom(zxid: Zxid, path: string, count: number, bytes: number): void {
    for (const [root, { countMax, bytesMax }] of this.#quotas) {
      if (path !== root && !path.startsWith(`${root}/`)) continue;
      const used = this.#usage(root);
      const facts = { path, zxid, quota: root, ...used, countMax, bytesMax };
      if (count > 0) demand(used.count + count <= countMax, 'a quota of nodes is never exceeded', facts);
      if (bytes > 0) demand(used.bytes + bytes <= bytesMax, 'a quota of bytes is never exceeded', facts);
    }
  }

  #usage(root: string): { readonly count: number; readonly bytes: number } {
    let count = 0;
    let bytes = 0;
    for (const [path, node] of this.#nodes) {
      if (path !== root && !path.startsWith(`${root}/`)) continue;
      count++;
      bytes += node.bytes;
    }
    return { count, bytes };
  }

  #noteQuota(path: string, data: Uint8Array): void {
    if (!path.startsWith(QUOTAS) || !path.endsWith(LIMITS)) return;
    const text = new TextDecoder().decode(data);
    const limit = (name: string): number => {
      const value = Number(new RegExp(`${name}=(-?\\d+)`).exec(text)?.[1] ?? -1);
      return value < 0 ? Number.POSITIVE_INFINITY : value;
    };
    this.#quotas.set(quotaPath(path), {
      countMax: limit('countHardLimit'),
      bytesMax: limit('byteHardLimit'),
    });
  }

  #node(path: string): ModelNode {
    const node = this.#nodes.get(path);
    demand(node !== undefined, 'what a change is about exists', { path });
    return node;
  }
}

const RESERVED: readonly string[] = ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'];
const QUOTAS = '/zookeeper/quota/';
const LIMITS = '/zookeeper_limits';

function quotaPath(limitsPath: string): string {
  return limitsPath.slice(QUOTAS.length - 1, -LIMITS.length);
}

function newNode(facts: Partial<Pick<ModelNode, 'owner' | 'ttlMs' | 'isContainer'>>): ModelNode {
  return {
    owner: 0,
    ttlMs: 0,
    isContainer: false,
    ...facts,
    bytes: 0,
    children: 0,
    sequence: 0,
    writtenMs: 0,
  };
}
