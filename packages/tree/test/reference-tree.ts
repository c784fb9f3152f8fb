import {
  ACL_OPEN,
  type Acl,
  type DeleteTreeOperation,
  type ErrorCode,
  type Identity,
  isEphemeral,
  isSequential,
  type SessionId,
  type Stat,
  type SubOperation,
  type TreeEvent,
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
  aversion: number;
  readonly owner: SessionId;
  created: number;
  acl: readonly Acl[];
  readonly ttlMs: number;
  readonly container: boolean;
}

export interface ReferenceResult {
  readonly kind: string;
  readonly path: string;
  readonly stat?: Stat;
  readonly deleted?: number;
  readonly done?: boolean;
}

export type ReferenceOutcome =
  | {
      readonly kind: 'done';
      readonly results: readonly ReferenceResult[];
      readonly events: readonly TreeEvent[];
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly failedIndex: number };

/** Who does what, and when. */
export interface ReferenceWrite {
  readonly operation: WriteOperation;
  readonly sessionId: SessionId;
  readonly identities: readonly Identity[];
  readonly zxid: Zxid;
  readonly timeMs: number;
}

class Refused extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

/**
 * The rules of the tree once more, as plainly as they can be said: one operation after the other on a flat map, counting
 * children, descendants and bytes by looking at every path, taking back a failed transaction by copying everything before
 * it. Of ACLs it knows what a random run uses.
 */
export class ReferenceTree {
  nodes: Map<string, ReferenceNode> = new Map<string, ReferenceNode>();
  /** Soft quotas passed by the last write. */
  warnings = 0;
  #events: TreeEvent[] = [];
  #write: Omit<ReferenceWrite, 'operation'> = {
    sessionId: 0,
    identities: [],
    zxid: 0 as Zxid,
    timeMs: 0,
  };

  constructor() {
    for (const path of ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota']) this.#add(path, {});
    this.#existing('/zookeeper/config').acl = [{ perms: 1, scheme: 'world', id: 'anyone' }];
  }

  run(write: ReferenceWrite): ReferenceOutcome {
    const { operation } = write;
    this.#write = write;
    this.#events = [];
    this.warnings = 0;
    const operations = operation.kind === 'transaction' ? operation.operations : [operation];
    const before = structuredClone(this.nodes);
    const results: ReferenceResult[] = [];
    try {
      for (const sub of operations) results.push(this.#one(sub));
      return { kind: 'done', results, events: this.#events };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.nodes = before;
      this.warnings = 0;
      const failedIndex = operation.kind === 'transaction' ? results.length : -1;
      return { kind: 'refused', code: error.code, failedIndex };
    }
  }

  close(sessionId: SessionId, zxid: Zxid): ReferenceOutcome {
    return this.#removeAll(this.ephemeralsOf(sessionId), zxid);
  }

  reap(path: string, zxid: Zxid): ReferenceOutcome {
    return { ...this.#removeAll([path], zxid), results: [{ kind: 'delete', path }] };
  }

  /** Would the reaper be allowed to remove it, if nothing were pending? */
  isReapable(path: string): boolean {
    const node = this.nodes.get(path);
    return node !== undefined && (node.container || node.ttlMs > 0) && this.childrenOf(path).length === 0;
  }

  ephemeralsOf(sessionId: SessionId): readonly string[] {
    return [...this.nodes]
      .filter(([, node]) => node.owner === sessionId)
      .map(([path]) => path)
      .sort();
  }

  childrenOf(path: string): readonly string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    return this.below(path)
      .map((other) => other.slice(prefix.length))
      .filter((name) => !name.includes('/'))
      .sort();
  }

  below(path: string): readonly string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...this.nodes.keys()].filter((other) => other !== '/' && other.startsWith(prefix));
  }

  /** As it is read: the statistics of a quota are what there is. */
  data(path: string): Uint8Array {
    const [, target] = /^\/zookeeper\/quota(.*)\/zookeeper_stats$/.exec(path) ?? [];
    if (target === undefined) return Uint8Array.from(this.#existing(path).data);
    const { count, bytes } = this.#use(target === '' ? '/' : target);
    return new TextEncoder().encode(`count=${count},bytes=${bytes}`);
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
      aversion: node.aversion,
      ephemeralOwner: node.owner,
      dataLength: node.data.length,
      numChildren,
    };
  }

  #one(operation: SubOperation | DeleteTreeOperation): ReferenceResult {
    const { kind, path } = operation;
    const { zxid, timeMs, sessionId } = this.#write;
    switch (kind) {
      case 'create': {
        const acl = this.#resolved(operation.acl);
        const parent = this.#existing(parentOf(path));
        this.#need(parent, CREATE);
        const suffix = isSequential(operation.mode) ? `${parent.created}`.padStart(10, '0') : '';
        const whole = path + suffix;
        if (this.nodes.has(whole)) throw new Refused('NODE_EXISTS');
        if (parent.owner !== 0) throw new Refused('NO_CHILDREN_FOR_EPHEMERALS');
        this.#checkLimitsText(whole, operation.data);
        this.#checkQuotas(whole, 1, operation.data.length);
        parent.created++;
        parent.pzxid = zxid;
        this.#add(whole, {
          data: [...operation.data],
          owner: isEphemeral(operation.mode) ? sessionId : 0,
          ttlMs: operation.ttlMs,
          container: operation.mode === 'container',
          acl,
        });
        this.#events.push(
          { type: 'created', path: whole, zxid, acl },
          { type: 'children', path: parentOf(path), zxid, acl: parent.acl },
        );
        return { kind, path: whole, stat: this.stat(whole) };
      }
      case 'set': {
        const node = this.#existing(path);
        this.#need(node, WRITE);
        this.#checkLimitsText(path, operation.data);
        this.#checkQuotas(path, 0, operation.data.length - node.data.length);
        this.#checkVersion(operation.version, node.version);
        this.nodes.set(path, {
          ...node,
          data: [...operation.data],
          version: node.version + 1,
          mzxid: zxid,
          mtimeMs: timeMs,
        });
        this.#events.push({ type: 'changed', path, zxid, acl: node.acl });
        return { kind, path, stat: this.stat(path) };
      }
      case 'setAcl': {
        const acl = this.#resolved(operation.acl);
        const node = this.#existing(path);
        this.#need(node, ADMIN);
        this.#checkVersion(operation.version, node.aversion);
        node.acl = acl;
        node.aversion++;
        return { kind, path, stat: this.stat(path) };
      }
      case 'delete': {
        const node = this.#deletable(path);
        this.#checkVersion(operation.version, node.version);
        if (this.childrenOf(path).length > 0) throw new Refused('NOT_EMPTY');
        this.#remove(path, zxid);
        return { kind, path };
      }
      case 'deleteTree': {
        this.#deletable(path);
        const all = this.#withAllBelow(path);
        const going = operation.nodesMax === 0 ? all : all.slice(0, operation.nodesMax);
        // Judged as far as the walk came: on the way to the last that goes, and below what is done.
        const seen = [...this.below(path), path].filter((other) => isReached(other, going));
        for (const other of seen) {
          if (this.childrenOf(other).length === 0) continue;
          this.#need(this.#existing(other), READ);
          this.#need(this.#existing(other), DELETE);
        }
        const done = going.length === all.length;
        if (operation.atomic && !done) throw new Refused('LIMIT');
        for (const other of going) this.#remove(other, zxid);
        return { kind, path, deleted: going.length, done };
      }
      case 'touch': {
        const node = this.#existing(path);
        this.#need(node, WRITE);
        if (node.ttlMs === 0) throw new Refused('BAD_ARGUMENTS');
        return { kind, path };
      }
      case 'check': {
        const node = this.#existing(path);
        this.#need(node, READ);
        this.#checkVersion(operation.version, node.version);
        return { kind, path };
      }
      case 'checkOwner': {
        const node = this.#existing(path);
        this.#need(node, READ);
        if (node.owner !== operation.sessionId) throw new Refused('CONFLICT');
        return { kind, path };
      }
      case 'checkAbsent': {
        const node = this.nodes.get(path);
        if (node === undefined) return { kind, path };
        this.#need(node, READ);
        throw new Refused('NODE_EXISTS');
      }
    }
  }

  #existing(path: string): ReferenceNode {
    const node = this.nodes.get(path);
    if (node === undefined) throw new Refused('NO_NODE');
    return node;
  }

  #deletable(path: string): ReferenceNode {
    if (RESERVED.includes(path)) throw new Refused('BAD_ARGUMENTS');
    this.#need(this.#existing(parentOf(path)), DELETE);
    return this.#existing(path);
  }

  #need(node: ReferenceNode, perms: number): void {
    const isNamed = ({ scheme, id }: Acl): boolean =>
      scheme === 'world' ||
      this.#write.identities.some(
        (one) => one.scheme === scheme && (scheme === 'ip' ? one.id.startsWith('10.') : one.id === id),
      );
    const isAllowed = node.acl.some((entry) => (entry.perms & perms) !== 0 && isNamed(entry));
    if (!isAllowed) throw new Refused('NO_AUTH');
  }

  #checkVersion(expected: number, present: number): void {
    if (expected !== -1 && expected !== present) throw new Refused('BAD_VERSION');
  }

  #resolved(acl: readonly Acl[]): readonly Acl[] {
    if (acl.length === 0) return ACL_OPEN;
    const { identities } = this.#write;
    const scrypt = identities.filter(({ scheme }) => scheme === 'scrypt');
    const proved = scrypt.length > 0 ? scrypt : identities.filter(({ scheme }) => scheme === 'digest');
    return acl.flatMap((entry) => {
      if (entry.scheme === 'world' && entry.id !== 'anyone') throw new Refused('INVALID_ACL');
      if (entry.scheme !== 'auth') return [entry];
      if (proved.length === 0) throw new Refused('INVALID_ACL');
      return proved.map((one) => ({ perms: entry.perms, ...one }));
    });
  }

  #checkLimitsText(path: string, data: Uint8Array): void {
    const isLimits = path.endsWith('/zookeeper_limits');
    if (isLimits && !new TextDecoder().decode(data).startsWith('count=')) throw new Refused('BAD_ARGUMENTS');
  }

  #checkQuotas(path: string, count: number, bytes: number): void {
    if (path.startsWith('/zookeeper/')) return;
    for (let top = path; ; top = parentOf(top)) {
      const limits = this.nodes.get(`/zookeeper/quota${top === '/' ? '' : top}/zookeeper_limits`);
      const text = String.fromCharCode(...(limits?.data ?? []));
      const use = this.#use(top);
      const limit = (key: string): number => {
        const value = Number(new RegExp(`${key}=(-?\\d+)`).exec(text)?.[1] ?? -1);
        return value === -1 ? Number.POSITIVE_INFINITY : value;
      };
      for (const { used, more, soft, hard } of [
        { used: use.count, more: count, soft: limit('count'), hard: limit('countHardLimit') },
        { used: use.bytes, more: bytes, soft: limit('bytes'), hard: limit('byteHardLimit') },
      ]) {
        if (more > 0 && used + more > hard) throw new Refused('QUOTA_EXCEEDED');
        this.warnings += Number(more > 0 && used + more > soft);
      }
      if (top === '/') return;
    }
  }

  #use(top: string): { readonly count: number; readonly bytes: number } {
    const all = [top, ...this.below(top)].filter(
      (path) => this.nodes.has(path) && path !== '/zookeeper' && !path.startsWith('/zookeeper/'),
    );
    return { count: all.length, bytes: all.reduce((sum, path) => sum + this.#existing(path).data.length, 0) };
  }

  /** Children before parents, by name. */
  #withAllBelow(path: string): readonly string[] {
    const below = this.childrenOf(path).flatMap((name) => this.#withAllBelow(`${path}/${name}`));
    return [...below, path];
  }

  #add(path: string, fields: Partial<ReferenceNode>): void {
    const { zxid, timeMs } = this.#write;
    this.nodes.set(path, {
      data: [],
      owner: 0,
      version: 0,
      aversion: 0,
      created: 0,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctimeMs: timeMs,
      mtimeMs: timeMs,
      acl: ACL_OPEN,
      ttlMs: 0,
      container: false,
      ...fields,
    });
  }

  #removeAll(paths: readonly string[], zxid: Zxid): ReferenceOutcome & { readonly kind: 'done' } {
    this.#events = [];
    this.warnings = 0;
    for (const path of paths) this.#remove(path, zxid);
    return { kind: 'done', results: [], events: this.#events };
  }

  #remove(path: string, zxid: Zxid): void {
    const { acl } = this.#existing(path);
    const parent = this.#existing(parentOf(path));
    this.nodes.delete(path);
    parent.pzxid = zxid;
    this.#events.push(
      { type: 'deleted', path, zxid, acl },
      { type: 'children', path: parentOf(path), zxid, acl: parent.acl },
    );
  }
}

const [READ, WRITE, CREATE, DELETE, ADMIN] = [1, 2, 4, 8, 16];
const RESERVED = ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'];

/** Something of it goes, or all that was looked at before what does. */
function isReached(path: string, going: readonly string[]): boolean {
  return going.some((other) => other === path || other.startsWith(`${path}/`));
}

function parentOf(path: string): string {
  return path.split('/').slice(0, -1).join('/') || '/';
}
