import {
  type ErrorCode,
  isEphemeral,
  isSequential,
  type SessionId,
  type Stat,
  type SubOperation,
  type WriteOperation,
  type Zxid,
} from '@zabra/model';

interface ReferenceNode {
  readonly data: readonly number[];
  readonly czxid: Zxid;
  mzxid: Zxid;
  pzxid: Zxid;
  readonly ctimeMs: number;
  mtimeMs: number;
  version: number;
  readonly owner: SessionId;
  created: number;
}

export type ReferenceOutcome =
  | {
      readonly kind: 'done';
      readonly results: readonly { readonly kind: string; readonly path: string; readonly stat?: Stat }[];
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly failedIndex: number };

class Refused extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

/**
 * The rules of the tree once more, as plainly as they can be said: one operation after the other on a flat map, counting
 * children by looking at every path, taking back a failed transaction by copying everything before it.
 */
export class ReferenceTree {
  nodes: Map<string, ReferenceNode> = new Map<string, ReferenceNode>();

  constructor() {
    for (const path of ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota']) {
      this.#add(path, [], 0, 0 as Zxid, 0);
    }
  }

  run(operation: WriteOperation, sessionId: SessionId, zxid: Zxid, timeMs: number): ReferenceOutcome {
    const operations = operation.kind === 'transaction' ? operation.operations : [operation];
    const before = structuredClone(this.nodes);
    const results: { kind: string; path: string; stat?: Stat }[] = [];
    try {
      for (const sub of operations) results.push(this.#one(sub, sessionId, zxid, timeMs));
      return { kind: 'done', results };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.nodes = before;
      const failedIndex = operation.kind === 'transaction' ? results.length : -1;
      return { kind: 'refused', code: error.code, failedIndex };
    }
  }

  close(sessionId: SessionId, zxid: Zxid): void {
    for (const path of this.ephemeralsOf(sessionId)) this.#remove(path, zxid);
  }

  ephemeralsOf(sessionId: SessionId): readonly string[] {
    return [...this.nodes]
      .filter(([, node]) => node.owner === sessionId)
      .map(([path]) => path)
      .sort();
  }

  childrenOf(path: string): readonly string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const below = [...this.nodes.keys()].filter((other) => other !== '/' && other.startsWith(prefix));
    return below
      .map((other) => other.slice(prefix.length))
      .filter((name) => !name.includes('/'))
      .sort();
  }

  stat(path: string): Stat {
    const node = this.#existing(path);
    const numChildren = this.childrenOf(path).length;
    return {
      czxid: node.czxid,
      mzxid: node.mzxid,
      pzxid: node.pzxid,
      ctimeMs: node.ctimeMs,
      mtimeMs: node.mtimeMs,
      version: node.version,
      cversion: (node.created * 2 - numChildren) >>> 0,
      aversion: 0,
      ephemeralOwner: node.owner,
      dataLength: node.data.length,
      numChildren,
    };
  }

  #one(
    operation: SubOperation,
    sessionId: SessionId,
    zxid: Zxid,
    timeMs: number,
  ): { kind: string; path: string; stat?: Stat } {
    const { kind } = operation;
    switch (kind) {
      case 'create': {
        const parent = this.#existing(parentOf(operation.path));
        const suffix = isSequential(operation.mode) ? `${parent.created}`.padStart(10, '0') : '';
        const path = operation.path + suffix;
        if (this.nodes.has(path)) throw new Refused('NODE_EXISTS');
        if (parent.owner !== 0) throw new Refused('NO_CHILDREN_FOR_EPHEMERALS');
        parent.created++;
        parent.pzxid = zxid;
        this.#add(path, [...operation.data], isEphemeral(operation.mode) ? sessionId : 0, zxid, timeMs);
        return { kind, path, stat: this.stat(path) };
      }
      case 'set': {
        const node = this.#existing(operation.path, operation.version);
        this.nodes.set(operation.path, {
          ...node,
          data: [...operation.data],
          version: node.version + 1,
          mzxid: zxid,
          mtimeMs: timeMs,
        });
        return { kind, path: operation.path, stat: this.stat(operation.path) };
      }
      case 'delete':
        this.#existing(operation.path, operation.version);
        if (this.childrenOf(operation.path).length > 0) throw new Refused('NOT_EMPTY');
        this.#remove(operation.path, zxid);
        return { kind, path: operation.path };
      case 'check':
        this.#existing(operation.path, operation.version);
        return { kind, path: operation.path };
      case 'checkAbsent':
        if (this.nodes.has(operation.path)) throw new Refused('NODE_EXISTS');
        return { kind, path: operation.path };
    }
  }

  #existing(path: string, version = -1): ReferenceNode {
    const node = this.nodes.get(path);
    if (node === undefined) throw new Refused('NO_NODE');
    if (version !== -1 && version !== node.version) throw new Refused('BAD_VERSION');
    return node;
  }

  #add(path: string, data: readonly number[], owner: SessionId, zxid: Zxid, timeMs: number): void {
    const times = { ctimeMs: timeMs, mtimeMs: timeMs };
    this.nodes.set(path, {
      data,
      owner,
      version: 0,
      created: 0,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ...times,
    });
  }

  #remove(path: string, zxid: Zxid): void {
    this.nodes.delete(path);
    this.#existing(parentOf(path)).pzxid = zxid;
  }
}

function parentOf(path: string): string {
  return path.split('/').slice(0, -1).join('/') || '/';
}
