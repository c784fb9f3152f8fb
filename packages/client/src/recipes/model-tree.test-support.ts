import { joinPath, nameOf, parentOf, sequenceSuffix } from '@zabra/model';
import type { ChangeResult, ErrorCode, Stat, SubOperation } from '@zabra/proto';

/** What a model server does to its znodes; small, slow, and written apart from the real tree. */
export interface ModelNode {
  data: Uint8Array;
  readonly czxid: number;
  mzxid: number;
  pzxid: number;
  version: number;
  cversion: number;
  /** Children ever created. */
  created: number;
  readonly owner: number;
}

export interface ModelEvent {
  readonly type: 'CREATED' | 'CHANGED' | 'DELETED' | 'CHILDREN';
  readonly path: string;
  readonly zxid: number;
}

export type ModelOutcome =
  | {
      readonly kind: 'done';
      readonly results: readonly ChangeResult[];
      readonly events: readonly ModelEvent[];
    }
  | { readonly kind: 'refused'; readonly index: number; readonly code: ErrorCode };

export class ModelTree {
  zxid: number = 2 ** 32;
  #nodes = new Map<string, ModelNode>([['/', newNode(0, 0, new Uint8Array(0))]]);

  get(path: string): ModelNode | undefined {
    return this.#nodes.get(path);
  }

  /** All but the root, in path order. */
  paths(): readonly string[] {
    return [...this.#nodes.keys()].filter((path) => path !== '/').sort();
  }

  childrenOf(path: string): readonly string[] {
    return this.paths()
      .filter((each) => parentOf(each) === path)
      .map(nameOf);
  }

  statOf(path: string): Stat | undefined {
    const node = this.#nodes.get(path);
    if (!node) return undefined;
    const { czxid, mzxid, pzxid, version, cversion, owner, data } = node;
    const times = { ctimeMs: 0, mtimeMs: 0, aversion: 0 };
    const sizes = { dataLength: data.length, numChildren: this.childrenOf(path).length };
    return { czxid, mzxid, pzxid, version, cversion, ephemeralOwner: owner, ...times, ...sizes };
  }

  /** All or nothing. */
  apply(operations: readonly SubOperation[], sessionId: number): ModelOutcome {
    const before = new Map([...this.#nodes].map(([path, node]) => [path, { ...node }]));
    this.zxid++;
    const events: ModelEvent[] = [];
    const results: ChangeResult[] = [];
    for (const [index, operation] of operations.entries()) {
      const result = this.#applyOne(operation, sessionId, events);
      if (typeof result === 'string') {
        this.#nodes = before;
        return { kind: 'refused', index, code: result };
      }
      results.push(result);
    }
    return { kind: 'done', results, events };
  }

  /** The end of a session: its ephemerals go in one change. */
  deleteOwnedBy(sessionId: number): readonly ModelEvent[] {
    const owned = this.paths().filter((path) => this.#nodes.get(path)?.owner === sessionId);
    const outcome = this.apply(
      owned.map((path) => ({ kind: 'delete', delete: { path, version: undefined } })),
      0,
    );
    return outcome.kind === 'done' ? outcome.events : [];
  }

  #applyOne(operation: SubOperation, sessionId: number, events: ModelEvent[]): ChangeResult | ErrorCode {
    switch (operation.kind) {
      case 'create':
        return this.#create(operation.create, sessionId, events);
      case 'set': {
        const { path, data, version } = operation.set;
        const node = this.#nodes.get(path);
        if (!node) return 'NO_NODE';
        if (version !== undefined && version !== node.version) return 'BAD_VERSION';
        Object.assign(node, { data, mzxid: this.zxid, version: node.version + 1 });
        events.push({ type: 'CHANGED', path, zxid: this.zxid });
        return { kind: 'set', set: { path, stat: this.statOf(path) } };
      }
      case 'delete': {
        const { path, version } = operation.delete;
        const node = this.#nodes.get(path);
        if (!node) return 'NO_NODE';
        if (version !== undefined && version !== node.version) return 'BAD_VERSION';
        if (this.childrenOf(path).length > 0) return 'NOT_EMPTY';
        this.#nodes.delete(path);
        this.#touchParent(path, 0);
        events.push({ type: 'DELETED', path, zxid: this.zxid });
        events.push({ type: 'CHILDREN', path: parentOf(path), zxid: this.zxid });
        return { kind: 'delete', delete: { path } };
      }
      case 'check': {
        const { path, version } = operation.check;
        const node = this.#nodes.get(path);
        if (!node) return 'NO_NODE';
        if (version !== undefined && version !== node.version) return 'BAD_VERSION';
        return { kind: 'check', check: { path } };
      }
      case 'checkOwner': {
        const { path, sessionId } = operation.checkOwner;
        const node = this.#nodes.get(path);
        if (!node) return 'NO_NODE';
        return node.owner === sessionId ? { kind: 'checkOwner', checkOwner: { path } } : 'CONFLICT';
      }
      case 'checkAbsent': {
        const { path } = operation.checkAbsent;
        return this.#nodes.has(path) ? 'NODE_EXISTS' : { kind: 'checkAbsent', checkAbsent: { path } };
      }
      default:
        return 'UNIMPLEMENTED';
    }
  }

  #create(
    create: Extract<SubOperation, { kind: 'create' }>['create'],
    sessionId: number,
    events: ModelEvent[],
  ): ChangeResult | ErrorCode {
    const parentPath = parentOf(create.path);
    const parent = this.#nodes.get(parentPath);
    if (!parent) return 'NO_NODE';
    if (parent.owner !== 0) return 'NO_CHILDREN_FOR_EPHEMERALS';
    const suffix = create.mode.endsWith('SEQUENTIAL') ? sequenceSuffix(parent.created) : '';
    const path = joinPath(parentPath, nameOf(create.path) + suffix);
    if (this.#nodes.has(path)) return 'NODE_EXISTS';
    const owner = create.mode.startsWith('EPHEMERAL') ? sessionId : 0;
    this.#nodes.set(path, newNode(this.zxid, owner, create.data.slice()));
    this.#touchParent(path, 1);
    events.push({ type: 'CREATED', path, zxid: this.zxid });
    events.push({ type: 'CHILDREN', path: parentPath, zxid: this.zxid });
    return { kind: 'create', create: { path, stat: this.statOf(path) } };
  }

  #touchParent(path: string, created: number): void {
    const parent = this.#nodes.get(parentOf(path));
    if (parent) {
      Object.assign(parent, {
        pzxid: this.zxid,
        cversion: parent.cversion + 1,
        created: parent.created + created,
      });
    }
  }
}

function newNode(zxid: number, owner: number, data: Uint8Array): ModelNode {
  return { data, czxid: zxid, mzxid: zxid, pzxid: zxid, version: 0, cversion: 0, created: 0, owner };
}
