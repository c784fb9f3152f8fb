import type { ClientEntry, ClientRequest, Reply, ServerEntry, SubOperation, WatchKind } from '@zabra/proto';
import { type ModelEvent, ModelTree } from '../recipes/model-tree.test-support.ts';
import type { ConnectOptions } from './connect-options.ts';
import { connectOn } from './create-client.ts';
import {
  attached,
  type FakeStream,
  FakeWorld,
  goodbye,
  heartbeatAck,
  held,
} from './fake-network.test-support.ts';
import type { ZooKeeper } from './zookeeper.ts';

interface Standing {
  readonly kind: WatchKind;
  readonly path: string;
}

/**
 * An ensemble of one that answers when told to, with znodes and watches in memory: what a client is told by it, it is
 * told in the order that the wire promises. All streams of the world are to it.
 */
export class ModelServer {
  readonly tree: ModelTree = new ModelTree();
  readonly #world: FakeWorld;
  readonly #history: ModelEvent[] = [];
  readonly oneShots: Set<string> = new Set();
  readonly standing: Map<number, Standing> = new Map();
  /** The first zxid that it remembers the events of. */
  floor = 0;
  pageMax = 1_000;
  session = 7;
  clusterId = 'cluster-a';
  #stream: FakeStream | undefined;
  #heard = 0;
  #outbox: ServerEntry[] = [];

  constructor(world: FakeWorld) {
    this.#world = world;
  }

  get watches(): number {
    return this.oneShots.size + this.standing.size;
  }

  /** Somebody else's change. */
  change(...operations: readonly SubOperation[]): void {
    const outcome = this.tree.apply(operations, 0);
    if (outcome.kind === 'refused')
      throw new Error(`operation ${outcome.index} was refused: ${outcome.code}`);
    this.#tell(outcome.events);
  }

  create(path: string, data = ''): void {
    const bytes = new TextEncoder().encode(data);
    this.change({
      kind: 'create',
      create: { path, data: bytes, mode: 'PERSISTENT', acl: [], ttlMs: 0, nullData: false },
    });
  }

  set(path: string, data: string): void {
    this.change({
      kind: 'set',
      set: { path, data: new TextEncoder().encode(data), version: undefined, nullData: false },
    });
  }

  delete(path: string): void {
    this.change({ kind: 'delete', delete: { path, version: undefined } });
  }

  /** Says what it has to say, and answers, until nobody has anything to say. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      await this.#world.turn();
      if (await this.#answer()) quiet = -1;
    }
  }

  /** As the work ends; the server answers until then. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    work.then(over, over);
    for (let turns = 0; !isOver && turns < 10_000; turns++) {
      await this.#world.turn();
      await this.#answer();
    }
    return work;
  }

  /** The connection breaks and the client comes back after `awayMs`. */
  async reconnect(awayMs = 100): Promise<void> {
    await this.#world.stream.breakOff();
    await this.#world.advance(awayMs);
    await this.settle();
  }

  /** The session is gone; the client makes another. */
  async expire(): Promise<void> {
    this.session++;
    await this.#world.stream.say(goodbye('SESSION_EXPIRED'));
    await this.#world.advance(100);
    await this.settle();
  }

  async #answer(): Promise<boolean> {
    const { stream } = this.#world;
    if (stream !== this.#stream) {
      this.#stream = stream;
      this.#heard = 0;
      this.#outbox = [];
      this.oneShots.clear();
      this.standing.clear();
    }
    if (stream.isClosed) return false;
    const entries = stream.entries.slice(this.#heard);
    this.#heard += entries.length;
    for (const entry of entries) this.#hear(entry);
    const said = this.#outbox.splice(0);
    if (said.length > 0) await stream.say(...said);
    return said.length > 0 || entries.length > 0;
  }

  #hear(entry: ClientEntry): void {
    switch (entry.kind) {
      case 'attach': {
        const { session: sessionId, clusterId } = this;
        this.#outbox.push(attached({ sessionId, timeoutMs: 6_000, zxid: this.tree.zxid, clusterId }));
        return;
      }
      case 'heartbeat':
        this.#outbox.push(heartbeatAck(entry.heartbeat.number, this.tree.zxid));
        return;
      case 'rearm': {
        const { persistent, fromZxid } = entry.rearm;
        for (const { id, kind, path } of persistent) this.standing.set(id, { kind, path });
        for (const { id } of persistent) if (fromZxid < this.floor) this.#resync(id);
        const missed = this.#history.filter(({ zxid }) => zxid > fromZxid && fromZxid >= this.floor);
        for (const event of missed) this.#tellStanding(event);
        for (const { kind, path, zxid } of entry.rearm.watches) {
          this.oneShots.add(`${kind} ${path}`);
          for (const event of this.#history) if (event.zxid > zxid) this.#tellOneShots(event);
        }
        return;
      }
      case 'request':
        this.#outbox.push({ kind: 'reply', reply: this.#execute(entry.request) });
        return;
      case 'close':
        this.#outbox.push(goodbye('OK'));
        return;
    }
  }

  #execute(request: ClientRequest): Reply {
    const { tree } = this;
    const { xid } = request;
    switch (request.kind) {
      case 'create':
      case 'set':
      case 'delete':
        return this.#write(xid, [request]);
      case 'transaction':
        return this.#write(xid, request.transaction.operations);
      case 'addWatch': {
        const { id, kind, path, fromZxid } = request.addWatch;
        this.standing.set(id, { kind, path });
        if (fromZxid !== undefined && fromZxid < this.floor) this.#resync(id);
        else if (fromZxid !== undefined) {
          for (const event of this.#history) if (event.zxid > fromZxid) this.#tellStanding(event, id);
        }
        return { kind: 'watch', xid, zxid: tree.zxid, watch: {} };
      }
      case 'removeWatch': {
        const { id, kind, path } = request.removeWatch;
        const wasThere = id === 0 ? this.oneShots.delete(`${kind} ${path}`) : this.standing.delete(id);
        return wasThere
          ? { kind: 'watch', xid, zxid: tree.zxid, watch: {} }
          : this.#refusal(xid, 'NO_WATCHER');
      }
      default:
        return this.#read(request);
    }
  }

  #read(request: ClientRequest): Reply {
    const { tree } = this;
    const { xid } = request;
    const [path, watch] = pathAndWatch(request);
    const stat = tree.statOf(path);
    const terms = { xid, zxid: tree.zxid };
    if (request.kind === 'exists') {
      if (watch) this.oneShots.add(`${stat ? 'DATA' : 'EXIST'} ${path}`);
      return { kind: 'exists', ...terms, exists: { stat } };
    }
    const node = tree.get(path);
    if (stat === undefined || node === undefined) return this.#refusal(xid, 'NO_NODE');
    if (request.kind === 'get') {
      if (watch) this.oneShots.add(`DATA ${path}`);
      return { kind: 'get', ...terms, get: { data: node.data, stat } };
    }
    if (request.kind !== 'children') throw new Error(`the model does not know ${request.kind}`);
    if (watch) this.oneShots.add(`CHILD ${path}`);
    const { after, limit, withStats } = request.children;
    const behind = tree.childrenOf(path).filter((name) => name > after);
    const names = behind.slice(0, Math.min(limit === 0 ? this.pageMax : limit, this.pageMax));
    const below = path === '/' ? '/' : `${path}/`;
    const stats = withStats ? names.map((name) => ({ stat: tree.statOf(below + name) })) : [];
    return {
      kind: 'children',
      ...terms,
      children: { names, stat, stats, more: names.length < behind.length },
    };
  }

  #write(xid: number, operations: readonly SubOperation[]): Reply {
    const outcome = this.tree.apply(operations, this.session);
    if (outcome.kind === 'refused') return this.#refusal(xid, outcome.code);
    this.#tell(outcome.events);
    return { kind: 'write', xid, zxid: this.tree.zxid, write: { results: outcome.results } };
  }

  #refusal(
    xid: number,
    code: 'NO_WATCHER' | 'NO_NODE' | Extract<Reply, { kind: 'refused' }>['refused']['code'],
  ): Reply {
    const refused = { code, message: '', failedIndex: undefined, codes: [] };
    return { kind: 'refused', xid, zxid: this.tree.zxid, refused };
  }

  #tell(events: readonly ModelEvent[]): void {
    this.#history.push(...events);
    for (const event of events) {
      this.#tellOneShots(event);
      this.#tellStanding(event);
    }
  }

  #tellOneShots({ type, path, zxid }: ModelEvent): void {
    for (const kind of KINDS_OF[type]) {
      if (!this.oneShots.delete(`${kind} ${path}`)) continue;
      this.#outbox.push({ kind: 'event', event: { type, kind, path, zxid, watchId: 0 } });
    }
  }

  #tellStanding({ type, path, zxid }: ModelEvent, only?: number): void {
    for (const [watchId, { kind, path: watched }] of this.standing) {
      const isBelow = path.startsWith(watched === '/' ? '/' : `${watched}/`);
      const matches =
        path === watched
          ? kind === 'PERSISTENT' || type !== 'CHILDREN'
          : kind === 'PERSISTENT_RECURSIVE' && type !== 'CHILDREN' && isBelow;
      if (!matches || (only !== undefined && only !== watchId)) continue;
      this.#outbox.push({ kind: 'event', event: { type, kind, path, zxid, watchId } });
    }
  }

  #resync(watchId: number): void {
    const { kind, path } = this.standing.get(watchId) ?? { kind: 'PERSISTENT', path: '/' };
    const { zxid } = this.tree;
    this.#outbox.push({ kind: 'event', event: { type: 'RESYNC', kind, path, zxid, watchId } });
  }
}

/** A client that is connected to a model server. */
export async function served(
  options: Partial<ConnectOptions> = {},
): Promise<{ world: FakeWorld; server: ModelServer; zk: ZooKeeper }> {
  const world = new FakeWorld();
  const server = new ModelServer(world);
  const connecting = held(connectOn(world, { servers: 'h1:1', sessionTimeoutMs: 6_000, ...options }));
  const zk = await server.during(connecting);
  await server.settle();
  return { world, server, zk };
}

function pathAndWatch(request: ClientRequest): readonly [path: string, watch: boolean] {
  switch (request.kind) {
    case 'get':
      return [request.get.path, request.get.watch];
    case 'exists':
      return [request.exists.path, request.exists.watch];
    case 'children':
      return [request.children.path, request.children.watch];
    default:
      throw new Error(`the model does not know ${request.kind}`);
  }
}

const KINDS_OF = {
  CREATED: ['EXIST'],
  CHANGED: ['DATA'],
  DELETED: ['DATA', 'CHILD'],
  CHILDREN: ['CHILD'],
} as const;
