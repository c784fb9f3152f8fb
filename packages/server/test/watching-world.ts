import {
  ANY_VERSION,
  assert,
  asZxid,
  type Identity,
  makeZxid,
  type PersistentWatchKind,
  type Request,
  type TreeEvent,
  type WatchKind,
  type WriteOperation,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import { Tree } from '@zabra/tree';
import type { ArmedWatch, PersistentWatch, ServerWord } from '../src/core/clients/client-codec.ts';
import { EventHistory } from '../src/core/clients/event-history.ts';
import { SessionWatches } from '../src/core/clients/session-watches.ts';
import { Watches } from '../src/core/clients/watches.ts';

export type EventWord = Extract<ServerWord, { kind: 'event' }>;

/** A server reduced to its tree and its watches, and all that ever happened to it. */
export class WatchingWorld {
  readonly tree: Tree = Tree.empty();
  readonly watches: Watches = new Watches();
  readonly history: EventHistory;
  readonly everything: TreeEvent[] = [];
  readonly clients: WatchingClient[] = [];
  #requestNo = 0;

  constructor(zxidsMax: number) {
    this.history = new EventHistory(zxidsMax);
    const passwordHash = new Uint8Array(32);
    this.#apply({
      kind: 'session',
      operation: { kind: 'createSession', sessionId: 1, timeoutMs: 30_000, passwordHash, nonce: 'n' },
    });
  }

  client(...identities: readonly string[]): WatchingClient {
    const client = new WatchingClient(this, new Set(identities));
    this.clients.push(client);
    client.session = this.connect(client);
    return client;
  }

  connect(client: WatchingClient): SessionWatches {
    return new SessionWatches({
      watches: this.watches,
      history: this.history,
      say: (word) => client.hear(word),
      identities: () => client.identities,
    });
  }

  /** By a super user; what is refused changes nothing. */
  write(operation: WriteOperation): void {
    this.#requestNo++;
    this.#apply({
      kind: 'write',
      sessionId: 1,
      nonce: 'n',
      requestNo: this.#requestNo,
      answeredThrough: this.#requestNo - 1,
      operation,
    });
  }

  create(path: string, reader?: string): void {
    this.write(createOf(path, reader));
  }

  set(path: string): void {
    this.write({ kind: 'set', path, data: new Uint8Array(1), version: ANY_VERSION });
  }

  delete(path: string): void {
    this.write({ kind: 'delete', path, version: ANY_VERSION });
  }

  #apply(request: Request): void {
    const nextZxid = asZxid(Math.max(this.tree.appliedZxid + 1, makeZxid(1, 1)));
    const prepared = this.tree.prepare(request, {
      wallMs: 1,
      nextZxid,
      identities: [{ scheme: 'super', id: '' }],
    });
    if (prepared.kind !== 'txn') return;
    const { zxid, events } = this.tree.apply(nextZxid, prepared.txn);
    for (const event of events) {
      this.everything.push(event);
      this.watches.fire(event);
      for (const client of this.clients) client.happened(event);
    }
    this.history.record(zxid, events);
  }
}

export function createOf(path: string, reader?: string): Extract<WriteOperation, { kind: 'create' }> {
  return { kind: 'create', path, data: new Uint8Array(0), mode: 'persistent', acl: aclOf(reader), ttlMs: 0 };
}

/** undefined: everybody may read. */
export function aclOf(reader: string | undefined): TreeEvent['acl'] {
  return reader === undefined ? [] : [{ perms: 31, scheme: 'x509', id: reader }];
}

/**
 * A client and, beside what it hears, the plain statement of what it should hear: all events that ever were are gone
 * through for each watch.
 */
export class WatchingClient {
  readonly identities: readonly Identity[];
  /** The present stream; undefined while it is away. */
  session: SessionWatches | undefined;
  /** All that ever arrived. */
  readonly arrived: EventWord[] = [];
  /** Heard by the stream since somebody last looked, and what it should have been. */
  said: EventWord[] = [];
  due: EventWord[] = [];
  /** On their way: lost when the stream is cut. */
  #flying: EventWord[] = [];
  /** What the client believes to hold. */
  readonly #oneShots = new Map<string, ArmedWatch>();
  readonly standing: Map<number, PersistentWatch> = new Map();
  /** What the server should hold. */
  #armed = new Set<string>();
  /** Consumed without a word, which the client must not be able to find out. */
  readonly #silenced = new Set<string>();
  #nextId = 1;
  /** Up to it all has arrived for sure. */
  #position: Zxid = ZXID_NONE;
  /** What each watch that stays should have told in all: the words of live times and of those that were resumed. */
  readonly owed: Map<number, EventWord[]> = new Map();
  readonly tally = { exact: 0, resynced: 0, guessed: 0, missed: 0 };
  readonly #world: WatchingWorld;
  readonly #names: ReadonlySet<string>;

  constructor(world: WatchingWorld, names: ReadonlySet<string>) {
    this.#world = world;
    this.#names = names;
    this.identities = Array.from(names, (id) => ({ scheme: 'x509', id }));
  }

  hear(word: ServerWord): void {
    assert(word.kind === 'event', 'watches say events only', { word });
    this.said.push(word);
    this.#flying.push(word);
  }

  /** Something happened while the client may be connected. */
  happened(event: TreeEvent): void {
    if (this.session === undefined) return;
    for (const kind of ['data', 'exist', 'child'] as const) {
      if (consumes(kind, event) && this.#armed.delete(keyOf(kind, event.path))) this.#consumed(event, kind);
    }
    for (const { id, kind, path } of this.standing.values())
      if (concerns(kind, path, event)) this.#owe(event, kind, id);
  }

  arm(kind: WatchKind, path: string): void {
    const zxid = this.arrive();
    this.session?.arm(kind, path);
    this.#oneShots.set(keyOf(kind, path), { kind, path, zxid });
    this.#armed.add(keyOf(kind, path));
    this.#silenced.delete(keyOf(kind, path));
  }

  add(kind: PersistentWatchKind, path: string, fromZxid?: Zxid): number {
    this.arrive();
    const { tree, history, everything } = this.#world;
    const watch = { id: this.#nextId++, kind, path };
    this.standing.set(watch.id, watch);
    this.owed.set(watch.id, []);
    if (fromZxid !== undefined && fromZxid < history.floor) this.#oweResync(watch);
    else
      for (const event of everything)
        if (event.zxid > (fromZxid ?? tree.appliedZxid) && concerns(kind, path, event))
          this.#owe(event, kind, watch.id);
    this.session?.add(watch, fromZxid, tree);
    return watch.id;
  }

  remove(id: number): boolean | undefined {
    this.arrive();
    const watch = this.standing.get(id);
    if (watch === undefined || this.session === undefined) return undefined;
    this.standing.delete(id);
    return this.session.remove(watch.kind, watch.path, id);
  }

  disarm(kind: WatchKind, path: string): { readonly removed: boolean | undefined; readonly held: boolean } {
    this.arrive();
    this.#oneShots.delete(keyOf(kind, path));
    const key = keyOf(kind, path);
    const held = this.#armed.delete(key) || this.#silenced.delete(key);
    return { removed: this.session?.remove(kind, path, 0), held };
  }

  /** The stream is cut; what the last `changes` changes caused never arrives. */
  cut(changes: number): void {
    const { tree } = this.#world;
    this.#arriveUpTo(asZxid(Math.max(this.#position, tree.appliedZxid - changes)));
    for (const word of this.#flying) {
      const owed = this.owed.get(word.watchId);
      if (word.watchId !== 0)
        owed?.splice(
          owed.findIndex((each) => lineOf(each) === lineOf(word)),
          1,
        );
    }
    this.#flying = [];
    this.session?.forget();
    this.session = undefined;
    this.#armed.clear();
    this.#silenced.clear();
  }

  back(): void {
    const { tree, history } = this.#world;
    const from = this.#position;
    this.session = this.#world.connect(this);
    const armed = [...this.#oneShots.values()];
    const standing = [...this.standing.values()];
    this.session.resume(armed, standing, from, tree);

    const guessed = armed.filter(({ zxid }) => zxid < history.floor && from < history.floor);
    for (const event of this.#world.everything) {
      for (const watch of armed) {
        if (guessed.includes(watch)) continue;
        const since = watch.zxid >= history.floor ? watch.zxid : from;
        if (this.#firstSince(since, watch) === event) this.#consumed(event, watch.kind);
      }
      if (from < history.floor || event.zxid <= from) continue;
      for (const { id, kind, path } of standing)
        if (concerns(kind, path, event)) this.tally.missed += Number(this.#owe(event, kind, id));
    }
    for (const watch of armed) {
      const since = watch.zxid >= history.floor ? watch.zxid : from;
      const consumed = guessed.includes(watch)
        ? this.#judgeGuess(watch)
        : this.#firstSince(since, watch) !== undefined;
      if (!consumed) this.#armed.add(keyOf(watch.kind, watch.path));
    }
    if (from < history.floor) for (const watch of standing) this.#oweResync(watch);
    this.tally.exact += Number(from >= history.floor);
    this.tally.resynced += Number(from < history.floor);
    this.tally.guessed += guessed.length;
  }

  /** How many watches the server should hold of this client, and does. */
  get counts(): { readonly held: number; readonly due: number } {
    if (this.session === undefined) return { held: 0, due: 0 };
    const due = this.#armed.size + this.#silenced.size + this.standing.size;
    return { held: this.session.count, due };
  }

  /** All that was said arrives. */
  arrive(): Zxid {
    const { appliedZxid } = this.#world.tree;
    if (this.session !== undefined) this.#arriveUpTo(appliedZxid);
    return appliedZxid;
  }

  #arriveUpTo(upTo: Zxid): void {
    for (const word of this.#flying.filter(({ zxid }) => zxid <= upTo)) {
      this.arrived.push(word);
      if (word.watchId === 0) this.#oneShots.delete(`${word.watch} ${word.path}`);
    }
    this.#flying = this.#flying.filter(({ zxid }) => zxid > upTo);
    this.#position = upTo;
  }

  #consumed(event: TreeEvent, kind: WatchKind): void {
    if (!this.#owe(event, kind, 0)) this.#silenced.add(keyOf(kind, event.path));
  }

  #owe(event: TreeEvent, kind: WatchKind | PersistentWatchKind, id: number): boolean {
    if (!this.#mayRead(event.acl)) return false;
    const { type, path, zxid } = event;
    const word: EventWord = { kind: 'event', type, path, zxid, watch: kind, watchId: id };
    this.due.push(word);
    this.owed.get(id)?.push(word);
    return true;
  }

  #oweResync({ id, kind, path }: PersistentWatch): void {
    const zxid = this.#world.tree.appliedZxid;
    const word: EventWord = { kind: 'event', type: 'resync', path, zxid, watch: kind, watchId: id };
    this.due.push(word);
    this.owed.get(id)?.push(word);
  }

  #mayRead(acl: TreeEvent['acl']): boolean {
    return acl.length === 0 || acl.some(({ scheme, id }) => scheme === 'world' || this.#names.has(id));
  }

  #firstSince(since: Zxid, { kind, path }: ArmedWatch): TreeEvent | undefined {
    return this.#world.everything.find(
      (event) => event.zxid > since && event.path === path && consumes(kind, event),
    );
  }

  /**
   * What the Stat tells need not be what happened, but it must hide nothing: a watch that would have fired is consumed, and
   * the client told if it may read; one that would not have fired stays, or says `resync`. True: it was consumed.
   */
  #judgeGuess(watch: ArmedWatch): boolean {
    const { tree, everything } = this.#world;
    const { kind, path, zxid } = watch;
    const told = this.said.find(
      (word) =>
        word.watchId === 0 && word.watch === kind && word.path === path && word.zxid === tree.appliedZxid,
    );
    if (told !== undefined) this.due.push(told);
    const fired = this.#firstSince(zxid, watch) !== undefined;
    const acls = everything.filter((event) => event.path === path).map(({ acl }) => acl);
    const open = [...acls, tree.acl(path) ?? []].every((acl) => this.#mayRead(acl));
    assert(!(fired && open && told === undefined), 'a guess hides nothing', { watch });
    assert(fired || told === undefined || told.type === 'resync', 'a guess says nothing false', {
      watch,
      told,
    });
    if (fired && told === undefined) this.#silenced.add(keyOf(kind, path));
    return fired || told !== undefined;
  }
}

/** Words about one event may come in any order; everything else is in the order of the history, and guesses come last. */
export function inOrder(words: readonly EventWord[]): readonly string[] {
  const lines: string[] = [];
  let run: string[] = [];
  let last: EventWord | undefined;
  for (const word of words) {
    if (last?.zxid !== word.zxid || last.type !== word.type || last.path !== word.path) {
      lines.push(...run.sort());
      run = [];
    }
    run.push(lineOf(word));
    last = word;
  }
  return [...lines, ...run.sort()];
}

export function lineOf({ zxid, type, path, watch, watchId }: EventWord): string {
  return `${zxid % 2 ** 32} ${type} ${path} ${watch}${watchId === 0 ? '' : ` ${watchId}`}`;
}

function keyOf(kind: WatchKind, path: string): string {
  return `${kind} ${path}`;
}

function consumes(kind: WatchKind, { type }: TreeEvent): boolean {
  return { data: ['changed', 'deleted'], exist: ['created'], child: ['children', 'deleted'] }[kind].includes(
    type,
  );
}

function concerns(kind: PersistentWatchKind, path: string, event: TreeEvent): boolean {
  if (kind === 'persistent') return event.path === path;
  return event.type !== 'children' && `${event.path}/`.startsWith(path === '/' ? '/' : `${path}/`);
}
