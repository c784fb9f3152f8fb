import type { Acl, ErrorCode, Identity, SubOperation, WriteOperation } from '@zabra/model';
import type { NodeQuery, PersistentWatch, Query } from '../../src/core/clients/client-codec.ts';

/*
 * What a server is expected to do, said once more and as plainly as can be: a map from paths to nodes, one operation after
 * the other, children found by looking at every path, quotas counted by adding up, a failed transaction taken back by
 * going back to the map before it. It shares no code with what it judges.
 */

interface Node {
  readonly data: string;
  readonly acl: readonly Acl[];
  readonly owner: number;
  readonly ttlMs: number;
  readonly container: boolean;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  readonly aversion: number;
  /** Children ever created. */
  readonly created: number;
}

export interface Session {
  readonly id: number;
  identities: readonly Identity[];
  watches: Watch[];
  /** What it was told, in order. */
  told: object[];
  isClosed: boolean;
}

interface Watch {
  readonly kind: 'data' | 'exist' | 'child' | 'persistent' | 'persistentRecursive';
  readonly path: string;
  readonly id: number;
  /** A one-shot that was consumed by what its session may not know of: it fires no more, and seems to be there. */
  readonly isSilenced?: boolean;
}

interface Happened {
  readonly type: 'created' | 'changed' | 'deleted' | 'children';
  readonly path: string;
  readonly acl: readonly Acl[];
}

interface When {
  readonly zxid: number;
  readonly timeMs: number;
}

export const MODEL_LIMITS = {
  dataBytesMax: 40,
  transactionOperationsMax: 6,
  childrenPageMax: 5,
  ephemeralsPerSessionMax: 6,
  watchesPerSessionMax: 25,
  eventHistoryMax: 8,
} as const;

class Refused extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

const OPEN: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const READ = 1;
const WRITE = 2;
const CREATE = 4;
const DELETE = 8;
const ADMIN = 16;
const RESERVED = ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'];

export class ReferenceModel {
  nodes: Map<string, Node> = new Map();
  readonly sessions: Map<number, Session> = new Map();
  #happened: Happened[] = [];
  /** The last changes that were told of. */
  readonly #history: { readonly zxid: number; readonly happened: readonly Happened[] }[] = [];
  /** What happened after it is in the history. */
  floor = 0;

  constructor() {
    for (const path of RESERVED) this.#put(path, { acl: OPEN }, { zxid: 0, timeMs: 0 });
    this.#put(
      '/zookeeper/config',
      { acl: [{ perms: READ, scheme: 'world', id: 'anyone' }] },
      { zxid: 0, timeMs: 0 },
    );
  }

  open(id: number, identities: readonly Identity[]): Session {
    const session: Session = { id, identities, watches: [], told: [], isClosed: false };
    this.sessions.set(id, session);
    return session;
  }

  /** Its ephemerals go, in the order of their paths; each is told like any delete. */
  close(session: Session, when: When): void {
    for (const path of this.#paths((node) => node.owner === session.id)) this.#remove(path, when);
    this.#tell(when.zxid);
    session.told.push({ goodbye: 'OK' });
    session.isClosed = true;
    this.sessions.delete(session.id);
  }

  /** The leader's own: a container or a node with a TTL that has no children. Answers whether it may go. */
  mayReap(path: string): boolean {
    const node = this.nodes.get(path);
    return node !== undefined && (node.container || node.ttlMs > 0) && this.#children(path).length === 0;
  }

  reap(path: string, when: When): void {
    this.#remove(path, when);
    this.#tell(when.zxid);
  }

  write(session: Session, xid: number, operation: WriteOperation, when: When): void {
    const operations = operation.kind === 'transaction' ? operation.operations : [operation];
    const before = this.nodes;
    const results: unknown[] = [];
    this.nodes = new Map(before);
    try {
      this.#checkSizes(operation);
      for (const each of operations) results.push(this.#change(session, each, when));
      this.#tell(when.zxid);
      session.told.push({ xid, done: results });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.nodes = before;
      this.#happened = [];
      const { code } = error;
      const whole = operation.kind !== 'transaction' || error instanceof TooMuch;
      const failed = whole ? -1 : results.length;
      const codes = whole
        ? []
        : operations.map((_, index) =>
            index < failed ? 'OK' : index === failed ? code : 'TRANSACTION_FAILED',
          );
      session.told.push({ xid, refused: code, failed, codes });
    }
  }

  #checkSizes(operation: WriteOperation): void {
    const operations = operation.kind === 'transaction' ? operation.operations : [];
    if (operations.length > MODEL_LIMITS.transactionOperationsMax) throw new TooMuch('LIMIT');
    for (const each of operations)
      if ('data' in each && each.data.length > MODEL_LIMITS.dataBytesMax) throw new TooMuch('DATA_TOO_LARGE');
  }

  #change(
    session: Session,
    operation: Exclude<WriteOperation, { kind: 'transaction' }> | SubOperation,
    when: When,
  ): unknown {
    const { kind, path } = operation;
    const may = (bits: number, at: string): void => this.#must(session, bits, at);
    legal(path, kind === 'create' && operation.mode.endsWith('sequential'));
    switch (kind) {
      case 'create': {
        const { mode, ttlMs } = operation;
        const data = text(operation.data);
        if (data.length > MODEL_LIMITS.dataBytesMax) throw new Refused('DATA_TOO_LARGE');
        const withTtl = mode.startsWith('ttl');
        if (withTtl ? ttlMs < 1 || ttlMs > 2 ** 40 - 1 : ttlMs !== 0) throw new Refused('BAD_ARGUMENTS');
        const acl = resolved(operation.acl, session.identities);
        const parentPath = parentOf(path);
        const parent = this.#node(parentPath);
        may(CREATE, parentPath);
        const full = mode.endsWith('sequential') ? path + `${parent.created}`.padStart(10, '0') : path;
        if (this.nodes.has(full)) throw new Refused('NODE_EXISTS');
        if (parent.owner !== 0) throw new Refused('NO_CHILDREN_FOR_EPHEMERALS');
        const owner = mode.startsWith('ephemeral') ? session.id : 0;
        const owned = this.#paths((node) => node.owner === session.id).length;
        if (owner !== 0 && owned >= MODEL_LIMITS.ephemeralsPerSessionMax) throw new Refused('LIMIT');
        this.#checkLimitsNode(full, data);
        this.#checkQuotas(full, 1, data.length);
        this.#put(full, { data, acl, owner, ttlMs, container: mode === 'container' }, when);
        this.#alter(parentPath, { pzxid: when.zxid, created: parent.created + 1 });
        this.#happen('created', full);
        this.#happen('children', parentPath);
        return { kind, path: full, stat: this.#stat(full) };
      }
      case 'set': {
        const data = text(operation.data);
        if (data.length > MODEL_LIMITS.dataBytesMax) throw new Refused('DATA_TOO_LARGE');
        const node = this.#node(path);
        may(WRITE, path);
        this.#checkLimitsNode(path, data);
        this.#checkQuotas(path, 0, data.length - node.data.length);
        if (operation.version !== -1 && operation.version !== node.version) throw new Refused('BAD_VERSION');
        this.#alter(path, { data, version: node.version + 1, mzxid: when.zxid, mtimeMs: when.timeMs });
        this.#happen('changed', path);
        return { kind, path, stat: this.#stat(path) };
      }
      case 'delete': {
        const node = this.#deletable(session, path);
        if (operation.version !== -1 && operation.version !== node.version) throw new Refused('BAD_VERSION');
        if (this.#children(path).length > 0) throw new Refused('NOT_EMPTY');
        this.#remove(path, when);
        return { kind, path };
      }
      case 'setAcl': {
        const acl = resolved(operation.acl, session.identities);
        const node = this.#node(path);
        may(ADMIN, path);
        if (operation.version !== -1 && operation.version !== node.aversion) throw new Refused('BAD_VERSION');
        this.#alter(path, { acl, aversion: node.aversion + 1 });
        return { kind, path, stat: this.#stat(path) };
      }
      case 'touch': {
        const node = this.#node(path);
        may(WRITE, path);
        if (node.ttlMs === 0) throw new Refused('BAD_ARGUMENTS');
        return { kind, path };
      }
      case 'deleteTree': {
        this.#deletable(session, path);
        const most = MODEL_LIMITS.transactionOperationsMax;
        const max = operation.nodesMax === 0 ? most : Math.min(operation.nodesMax, most);
        const gone = this.#firstOf(session, path, max);
        const done = gone.includes(path);
        if (operation.atomic && !done) throw new Refused('LIMIT');
        for (const each of gone) this.#remove(each, when);
        return { kind, path, deleted: gone.length, done };
      }
      case 'check': {
        const node = this.#node(path);
        may(READ, path);
        if (operation.version !== -1 && operation.version !== node.version) throw new Refused('BAD_VERSION');
        return { kind, path };
      }
      case 'checkAbsent':
        if (!this.nodes.has(path)) return { kind, path };
        may(READ, path);
        throw new Refused('NODE_EXISTS');
      case 'checkOwner': {
        const node = this.#node(path);
        may(READ, path);
        if (operation.sessionId === 0 || node.owner !== operation.sessionId) throw new Refused('CONFLICT');
        return { kind, path };
      }
    }
  }

  /** Children before parents, in path order; a node with children needs READ and DELETE as soon as it is come to. */
  #firstOf(session: Session, path: string, max: number): readonly string[] {
    const names = this.#children(path);
    if (names.length > 0) {
      this.#must(session, READ, path);
      this.#must(session, DELETE, path);
    }
    const gone: string[] = [];
    for (const name of names) {
      if (gone.length === max) return gone;
      gone.push(...this.#firstOf(session, childOf(path, name), max - gone.length));
    }
    return gone.length === max ? gone : [...gone, path];
  }

  #deletable(session: Session, path: string): Node {
    if (RESERVED.includes(path)) throw new Refused('BAD_ARGUMENTS');
    this.#node(parentOf(path));
    this.#must(session, DELETE, parentOf(path));
    return this.#node(path);
  }

  #checkLimitsNode(path: string, data: string): void {
    if (quotaTarget(path) !== undefined && quotaOf(data) === undefined) throw new Refused('BAD_ARGUMENTS');
  }

  /** Each quota on the way from the root to the path; what adds nothing is always taken. */
  #checkQuotas(path: string, count: number, bytes: number): void {
    if (isBelow(path, '/zookeeper')) return;
    for (const [limits, { data }] of this.nodes) {
      const top = quotaTarget(limits);
      if (top === undefined || !isBelow(path, top)) continue;
      const used = this.#use(top);
      const quota = quotaOf(data);
      const over = (more: number, use: number, limit = -1): boolean =>
        more > 0 && limit !== -1 && use + more > limit;
      if (over(count, used.count, quota?.countHardLimit) || over(bytes, used.bytes, quota?.byteHardLimit))
        throw new Refused('QUOTA_EXCEEDED');
    }
  }

  #use(top: string): { readonly count: number; readonly bytes: number } {
    const inside = [...this.nodes].filter(([path]) => isBelow(path, top) && !isBelow(path, '/zookeeper'));
    return { count: inside.length, bytes: inside.reduce((sum, [, { data }]) => sum + data.length, 0) };
  }

  /** At the state of `zxid`. */
  read(session: Session, xid: number, query: Query, zxid: number): void {
    try {
      session.told.push({ xid, ...this.#answer(session, query, zxid) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      session.told.push({ xid, refused: error.code, failed: -1, codes: [] });
    }
  }

  #answer(session: Session, query: Query, zxid: number): object {
    switch (query.kind) {
      case 'get':
      case 'exists':
      case 'children':
        return this.#readNode(session, query);
      case 'sync':
        return { sync: true };
      case 'getAcl': {
        legal(query.path);
        const { acl } = this.#node(query.path);
        this.#must(session, READ | ADMIN, query.path);
        const whole = isAllowed(acl, ADMIN, session.identities);
        const shown = acl.map((entry) =>
          whole || !hasHash(entry) ? entry : { ...entry, id: `${userOf(entry)}:x` },
        );
        return { acl: acl === OPEN ? [] : shown, stat: this.#stat(query.path) };
      }
      case 'descendants':
        legal(query.path);
        this.#node(query.path);
        this.#must(session, READ, query.path);
        return {
          descendants: this.#paths((_, path) => path !== query.path && isBelow(path, query.path)).length,
        };
      case 'ephemerals':
        if (query.prefix !== '') legal(query.prefix, true);
        return {
          paths: this.#paths((node, path) => node.owner === session.id && path.startsWith(query.prefix)),
        };
      case 'whoAmI':
        return {
          identities: session.identities.map((one) => ({ ...one, id: hasHash(one) ? userOf(one) : one.id })),
        };
      case 'multiRead':
        if (query.reads.length === 0) throw new Refused('BAD_ARGUMENTS');
        if (query.reads.length > MODEL_LIMITS.transactionOperationsMax) throw new Refused('LIMIT');
        return { reads: query.reads.map((each) => this.#readInside(session, each)) };
      case 'addWatch':
        legal(query.watch.path);
        this.#addWatch(session, query.watch, query.fromZxid, zxid);
        return { watch: true };
      case 'removeWatch': {
        legal(query.path);
        if (query.watch.startsWith('persistent') && query.id === 0) throw new Refused('BAD_ARGUMENTS');
        const isMeant = (watch: Watch): boolean =>
          watch.kind === query.watch &&
          watch.path === query.path &&
          (watch.id === query.id || watch.id === 0);
        if (!session.watches.some(isMeant)) throw new Refused('NO_WATCHER');
        session.watches = session.watches.filter((watch) => !isMeant(watch));
        return { watch: true };
      }
      case 'illegal':
        throw new Refused(query.refusal.code);
      case 'dropWatches':
      case 'nothing':
        throw new Error('not on this wire');
    }
  }

  #readInside(session: Session, query: NodeQuery): object {
    try {
      return this.#readNode(session, query);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { refused: error.code };
    }
  }

  #readNode(session: Session, query: NodeQuery): object {
    const { path, kind } = query;
    legal(path);
    if (query.kind === 'children' && query.page.after.includes('/')) throw new Refused('BAD_ARGUMENTS');
    if (query.watch && session.watches.length >= MODEL_LIMITS.watchesPerSessionMax)
      throw new Refused('LIMIT');
    const node = this.nodes.get(path);
    if (node === undefined && kind !== 'exists') throw new Refused('NO_NODE');
    if (node !== undefined) this.#must(session, READ, path);
    if (query.kind === 'children') return this.#readChildren(session, query);
    const arm = (watch: Watch['kind']): void => this.#arm(session, query.watch, { kind: watch, path, id: 0 });
    if (kind === 'exists') {
      arm(node === undefined ? 'exist' : 'data');
      return { exists: node !== undefined && this.#stat(path) };
    }
    const top = quotaTarget(path, 'zookeeper_stats');
    if (top === undefined) {
      arm('data');
      return { data: this.#node(path).data, stat: this.#stat(path) };
    }
    // Who may not read a subtree may not read how much it holds either.
    if (this.nodes.has(top)) this.#must(session, READ, top);
    arm('data');
    const { count, bytes } = this.#use(top);
    const data = `count=${count},bytes=${bytes}`;
    return { data, stat: { ...this.#stat(path), dataLength: data.length } };
  }

  #readChildren(session: Session, { path, watch, page }: Extract<NodeQuery, { kind: 'children' }>): object {
    const { after, limit, withStats } = page;
    const all = this.#children(path);
    const behind = all.filter((name) => name > after);
    const max = MODEL_LIMITS.childrenPageMax;
    if (limit === 0 && all.length > max) throw new Refused('LIMIT');
    this.#arm(session, watch, { kind: 'child', path, id: 0 });
    const names = behind.slice(0, limit === 0 ? max : Math.min(limit, max));
    const isReadable = (name: string): boolean =>
      isAllowed(this.#node(childOf(path, name)).acl, READ, session.identities);
    const stats = names.map((name) => isReadable(name) && this.#stat(childOf(path, name)));
    return {
      names,
      stat: this.#stat(path),
      more: behind.length > names.length,
      stats: withStats ? stats : [],
    };
  }

  #arm(session: Session, asked: boolean, watch: Watch): void {
    const isSame = ({ kind, path }: Watch): boolean => kind === watch.kind && path === watch.path;
    if (!asked) return;
    session.watches = session.watches.filter((each) => !(isSame(each) && each.isSilenced));
    if (!session.watches.some(isSame)) session.watches.push(watch);
  }

  /** With `since` it is told what it would have been told. */
  #addWatch(session: Session, watch: PersistentWatch, since: number | undefined, zxid: number): void {
    if (watch.id === 0) throw new Refused('BAD_ARGUMENTS');
    if (session.watches.length >= MODEL_LIMITS.watchesPerSessionMax) throw new Refused('LIMIT');
    if (session.watches.some(({ id }) => id === watch.id)) throw new Refused('BAD_ARGUMENTS');
    session.watches.push(watch);
    if (since === undefined) return;
    const { path, kind, id } = watch;
    if (since < this.floor) session.told.push({ event: 'resync', path, zxid, watch: kind, id });
    else
      for (const change of this.#history.filter((each) => each.zxid > since))
        this.#tellOf(session, [watch], change);
  }

  #tellOf(
    session: Session,
    watches: readonly Watch[],
    { zxid, happened }: { readonly zxid: number; readonly happened: readonly Happened[] },
  ): void {
    for (const { type, path, acl } of happened)
      for (const watch of watches)
        if (isFor(watch, type, path) && isAllowed(acl, READ, session.identities))
          session.told.push({ event: type, path, zxid, watch: watch.kind, id: watch.id });
  }

  #happen(type: Happened['type'], path: string): void {
    this.#happened.push({ type, path, acl: this.#node(path).acl });
  }

  /** Chapter 9.2: every session hears what its watches are for, as far as it may READ the node that changed. */
  #tell(zxid: number): void {
    for (const { type, path, acl } of this.#happened) {
      for (const session of this.sessions.values()) {
        const due = session.watches.filter((watch) => !watch.isSilenced && isFor(watch, type, path));
        session.watches = session.watches.filter((watch) => !due.includes(watch) || watch.id > 0);
        if (!isAllowed(acl, READ, session.identities)) {
          const silenced = due.filter(({ id }) => id === 0).map((watch) => ({ ...watch, isSilenced: true }));
          session.watches.push(...silenced);
          continue;
        }
        for (const { kind, id } of due) session.told.push({ event: type, path, zxid, watch: kind, id });
      }
    }
    if (this.#happened.length > 0) this.#history.push({ zxid, happened: this.#happened });
    if (this.#history.length > MODEL_LIMITS.eventHistoryMax) this.floor = this.#history.shift()?.zxid ?? 0;
    this.#happened = [];
  }

  /** Chapter 9.4, for a client that was away for longer than the history: the Stat tells, or `resync`. */
  guess(session: Session, held: readonly Watch[], since: number, zxid: number): void {
    session.watches = [];
    const oneShot = held.filter(({ id }) => id === 0);
    for (const watch of oneShot) {
      const { kind, path } = watch;
      const node = this.nodes.get(path);
      const event = this.#guessed(session, watch, since);
      if (event === undefined) session.watches.push(watch);
      else if (node === undefined || isAllowed(node.acl, READ, session.identities))
        session.told.push({ event, path, zxid, watch: kind, id: 0 });
      else session.watches.push({ ...watch, isSilenced: true });
    }
    for (const watch of held.filter(({ id }) => id > 0)) {
      session.watches.push(watch);
      session.told.push({ event: 'resync', path: watch.path, zxid, watch: watch.kind, id: watch.id });
    }
  }

  #guessed(session: Session, { kind, path }: Watch, since: number): string | undefined {
    const node = this.nodes.get(path);
    if (kind !== 'exist') {
      if (node === undefined) return 'deleted';
      const changed = kind === 'data' ? node.mzxid : node.pzxid;
      return changed > since ? (kind === 'data' ? 'changed' : 'children') : undefined;
    }
    if (node !== undefined) return 'created';
    let above = parentOf(path);
    while (!this.nodes.has(above)) above = parentOf(above);
    const { pzxid, acl } = this.#node(above);
    return pzxid > since || !isAllowed(acl, READ, session.identities) ? 'resync' : undefined;
  }

  #put(path: string, node: Partial<Node>, { zxid, timeMs }: When): void {
    const zxids = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctimeMs: timeMs, mtimeMs: timeMs };
    const plain = {
      data: '',
      acl: OPEN,
      owner: 0,
      ttlMs: 0,
      container: false,
      version: 0,
      aversion: 0,
      created: 0,
    };
    this.nodes.set(path, { ...plain, ...zxids, ...node });
  }

  #alter(path: string, what: Partial<Node>): void {
    this.nodes.set(path, { ...this.#node(path), ...what });
  }

  #remove(path: string, { zxid }: When): void {
    this.#happen('deleted', path);
    this.nodes.delete(path);
    this.#alter(parentOf(path), { pzxid: zxid });
    this.#happen('children', parentOf(path));
  }

  #node(path: string): Node {
    const node = this.nodes.get(path);
    if (node === undefined) throw new Refused('NO_NODE');
    return node;
  }

  #must(session: Session, bits: number, path: string): void {
    if (!isAllowed(this.#node(path).acl, bits, session.identities)) throw new Refused('NO_AUTH');
  }

  #paths(is: (node: Node, path: string) => boolean): readonly string[] {
    return [...this.nodes]
      .filter(([path, node]) => is(node, path))
      .map(([path]) => path)
      .sort();
  }

  #children(path: string): readonly string[] {
    const below = this.#paths((_, other) => other !== '/' && parentOf(other) === path);
    return below.map((other) => other.slice(other.lastIndexOf('/') + 1)).sort();
  }

  #stat(path: string): object {
    const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, aversion, created, owner, data } =
      this.#node(path);
    const numChildren = this.#children(path).length;
    const cversion = (2 * created - numChildren) >>> 0;
    const dataLength = data.length;
    const times = { czxid, mzxid, pzxid, ctimeMs, mtimeMs };
    return { ...times, version, cversion, aversion, ephemeralOwner: owner, dataLength, numChildren };
  }
}

/** The whole request is refused, whatever its operations say. */
class TooMuch extends Refused {}

function isFor({ kind, path }: Watch, type: Happened['type'], at: string): boolean {
  switch (kind) {
    case 'exist':
      return path === at && type === 'created';
    case 'data':
      return path === at && (type === 'changed' || type === 'deleted');
    case 'child':
      return path === at && (type === 'children' || type === 'deleted');
    case 'persistent':
      return path === at;
    case 'persistentRecursive':
      return isBelow(at, path) && type !== 'children';
  }
}

function isAllowed(acl: readonly Acl[], bits: number, identities: readonly Identity[]): boolean {
  if (acl.length === 0 || identities.some(({ scheme }) => scheme === 'super')) return true;
  return acl.some(
    (entry) =>
      (entry.perms & bits) !== 0 &&
      (entry.scheme === 'world' ||
        identities.some(
          ({ scheme, id }) =>
            scheme === entry.scheme && (scheme === 'ip' ? isInRange(id, entry.id) : id === entry.id),
        )),
  );
}

function isInRange(address: string, range: string): boolean {
  const [base = '', bits = '32'] = range.split('/');
  const number = (dotted: string): number =>
    dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(base) / size);
}

function resolved(acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] {
  if (acl.length === 0) return OPEN;
  const entries = acl.flatMap((entry) => {
    if (!isValid(entry)) throw new Refused('INVALID_ACL');
    if (entry.scheme !== 'auth') return [entry];
    const strong = identities.filter(({ scheme }) => scheme === 'scrypt');
    const proved = identities.filter(
      (one) =>
        one.scheme === 'scrypt' ||
        one.scheme === 'x509' ||
        (one.scheme === 'digest' && !strong.some((other) => userOf(other) === userOf(one))),
    );
    if (proved.length === 0) throw new Refused('INVALID_ACL');
    return proved.map(({ scheme, id }) => ({ perms: entry.perms, scheme, id }));
  });
  const unique = new Map(
    entries.map((entry) => [JSON.stringify([entry.perms, entry.scheme, entry.id]), entry]),
  );
  const list = [...unique.values()];
  return JSON.stringify(list) === JSON.stringify(OPEN) ? OPEN : list;
}

function isValid({ perms, scheme, id }: Acl): boolean {
  if (perms < 1 || perms > 31) return false;
  switch (scheme) {
    case 'world':
      return id === 'anyone';
    case 'digest':
    case 'scrypt':
      return /^[^:]+:[^:]+$/.test(id);
    case 'ip':
      return /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(id);
    case 'x509':
      return id !== '';
    default:
      return scheme === 'auth';
  }
}

function hasHash({ scheme }: Identity): boolean {
  return scheme === 'digest' || scheme === 'scrypt';
}

function userOf({ id }: Identity): string {
  return id.split(':')[0] ?? '';
}

/** The subtree that `/zookeeper/quota<path>/<name>` is about. */
function quotaTarget(path: string, name = 'zookeeper_limits'): string | undefined {
  const [, top] = new RegExp(`^/zookeeper/quota((?:/.+)?)/${name}$`, 's').exec(path) ?? [];
  if (top === undefined || isBelow(top, '/zookeeper')) return undefined;
  return top === '' ? '/' : top;
}

function quotaOf(data: string): Readonly<Record<string, number>> | undefined {
  const limits: Record<string, number> = {};
  for (const part of data.split(/[,;]/)) {
    const [, key = '', value] = /^(count|bytes|countHardLimit|byteHardLimit)=(-1|\d+)=?$/.exec(part) ?? [];
    if (value === undefined || key in limits) return undefined;
    limits[key] = Number(value);
  }
  return limits;
}

/** Itself included. */
function isBelow(path: string, top: string): boolean {
  return top === '/' || path === top || path.startsWith(`${top}/`);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function childOf(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}

function legal(path: string, sequential = false): void {
  const [first, ...names] = (sequential ? `${path}1` : path).split('/');
  const isRoot = !sequential && path === '/';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no name may hold.
  const bad = /^\.{0,2}$|[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;
  if (!isRoot && (first !== '' || names.length === 0 || names.some((name) => bad.test(name))))
    throw new Refused('INVALID_PATH');
}

function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
