import {
  assert,
  type PersistentWatchKind,
  parentOf,
  type TreeEvent,
  unreachable,
  type WatchKind,
} from '@zabra/model';
import type { PersistentWatch } from './client-codec.ts';

/** Who is told. One object per session's stream. */
export interface Watcher {
  /** `kind`: the watch that heard it; a one-shot is consumed by it. `id`: of one that stays, 0 otherwise. */
  fire(event: TreeEvent, kind: WatchKind | PersistentWatchKind, id: number): void;
}

/**
 * The watches of this server's clients, in memory only: they end with the stream and the client arms them again elsewhere.
 * Which event fires which kind: ZooKeeper's table (chapter 9.2 of its semantics).
 *
 * A million of them must fit beside the tree. So each kind has one table by path, in which a lone watcher stands by itself
 * and only several are a set; all that watch a path share one string; and what a watcher holds is a set of those strings.
 *
 * Whoever is forgotten hears nothing from then on, but leaves the tables little by little: a client with a hundred thousand
 * watches must not hold up the others by going. `sweep` does that, and so does each new watch a little.
 */
export class Watches {
  readonly #oneShots: Readonly<Record<WatchKind, Map<string, Holder | Crowd>>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
  };
  readonly #standing: Readonly<Record<PersistentWatchKind, Map<string, Standing | Set<Standing>>>> = {
    persistent: new Map(),
    persistentRecursive: new Map(),
  };
  readonly #holders = new Map<Watcher, Holder>();
  /** Forgotten, and not out of the tables yet: each step takes out one watch. */
  #leaving: Generator<void>[] = [];

  /** Of all watchers. */
  get size(): number {
    let size = 0;
    for (const holder of this.#holders.values()) size += holder.count;
    return size;
  }

  /** Whether it has a watch that stays under this number. */
  has(watcher: Watcher, id: number): boolean {
    return this.#holders.get(watcher)?.standing.has(id) ?? false;
  }

  countOf(watcher: Watcher): number {
    return this.#holders.get(watcher)?.count ?? 0;
  }

  /** A path for each watch of this watcher. */
  *pathsOf(watcher: Watcher): Generator<string> {
    const holder = this.#holders.get(watcher);
    if (holder === undefined) return;
    for (const paths of Object.values(holder.paths)) yield* paths ?? [];
    for (const { path } of holder.standing.values()) yield path;
  }

  /** At most one registration per watcher, path and kind. */
  arm(watcher: Watcher, kind: WatchKind, path: string): void {
    this.sweep(SWEPT_PER_WATCH);
    const holder = this.#holderOf(watcher);
    const held = holder.pathsOf(kind);
    if (held.has(path)) return;
    const table = this.#oneShots[kind];
    const others = table.get(path);
    if (others instanceof Crowd) {
      others.holders.add(holder);
      held.add(others.path);
      return;
    }
    held.add(path);
    if (others === undefined || others.isGone) table.set(path, holder);
    else table.set(path, new Crowd(path, [others, holder]));
  }

  isArmed(watcher: Watcher, kind: WatchKind, path: string): boolean {
    return this.#holders.get(watcher)?.paths[kind]?.has(path) ?? false;
  }

  /** False when there is none. */
  disarm(watcher: Watcher, kind: WatchKind, path: string): boolean {
    const holder = this.#holders.get(watcher);
    if (holder?.paths[kind]?.delete(path) !== true) return false;
    this.#takeOneShot(holder, kind, path);
    return true;
  }

  /** At most one registration per watcher and id: another under the same id takes its place. */
  add(watcher: Watcher, { id, kind, path }: PersistentWatch): void {
    this.sweep(SWEPT_PER_WATCH);
    const holder = this.#holderOf(watcher);
    const former = holder.standing.get(id);
    if (former?.kind === kind && former.path === path) return;
    if (former !== undefined) this.#takeStanding(former);
    const table = this.#standing[kind];
    const others = table.get(path);
    const standing = new Standing({ holder, id, kind, path: others === undefined ? path : pathOf(others) });
    holder.standing.set(id, standing);
    if (others === undefined) table.set(path, standing);
    else if (others instanceof Standing) table.set(path, new Set([others, standing]));
    else others.add(standing);
  }

  /** False when there is none. */
  remove(watcher: Watcher, { id, kind, path }: PersistentWatch): boolean {
    const holder = this.#holders.get(watcher);
    const standing = holder?.standing.get(id);
    if (standing?.kind !== kind || standing.path !== path) return false;
    holder?.standing.delete(id);
    this.#takeStanding(standing);
    return true;
  }

  forget(watcher: Watcher): void {
    const holder = this.#holders.get(watcher);
    if (holder === undefined) return;
    this.#holders.delete(watcher);
    holder.isGone = true;
    if (this.#holders.size > 0) this.#leaving.push(this.#leave(holder));
    else this.#clear();
  }

  /** Takes watches of forgotten watchers out of the tables, at most so many; the default is a few ms of work. */
  sweep(watchesMax: number = SWEPT_AT_ONCE): void {
    for (let swept = 0; swept < watchesMax; swept++) {
      const leaving = this.#leaving.at(-1);
      if (leaving === undefined) return;
      if (leaving.next().done === true) this.#leaving.pop();
    }
  }

  /** One-shots first, then what stays on the path, then what stays on its ancestors, the nearest first. */
  fire(event: TreeEvent): void {
    switch (event.type) {
      case 'created':
        this.#consume('exist', event);
        this.#tell('persistent', event.path, event);
        this.#tellUpwards(event);
        return;
      case 'changed':
        this.#consume('data', event);
        this.#tell('persistent', event.path, event);
        this.#tellUpwards(event);
        return;
      case 'deleted':
        this.#consume('data', event);
        this.#consume('child', event);
        this.#tell('persistent', event.path, event);
        this.#tellUpwards(event);
        return;
      case 'children':
        this.#consume('child', event);
        this.#tell('persistent', event.path, event);
        return;
      default:
        unreachable(event.type);
    }
  }

  #consume(kind: WatchKind, event: TreeEvent): void {
    const table = this.#oneShots[kind];
    const holders = table.get(event.path);
    if (holders === undefined) return;
    table.delete(event.path);
    for (const holder of holders instanceof Crowd ? holders.holders : [holders]) {
      if (holder.isGone) continue;
      holder.paths[kind]?.delete(event.path);
      holder.watcher.fire(event, kind, 0);
    }
  }

  #tellUpwards(event: TreeEvent): void {
    // Most servers have none: then no path is cut up.
    if (this.#standing.persistentRecursive.size === 0) return;
    for (let path = event.path; ; path = parentOf(path)) {
      this.#tell('persistentRecursive', path, event);
      if (path === '/') return;
    }
  }

  #tell(kind: PersistentWatchKind, path: string, event: TreeEvent): void {
    const watches = this.#standing[kind].get(path);
    if (watches === undefined) return;
    // Over a copy: what is added while they are told is not of this event.
    for (const watch of watches instanceof Standing ? [watches] : [...watches]) {
      if (!watch.holder.isGone) watch.holder.watcher.fire(event, kind, watch.id);
    }
  }

  #holderOf(watcher: Watcher): Holder {
    let holder = this.#holders.get(watcher);
    if (holder === undefined) {
      holder = new Holder(watcher);
      this.#holders.set(watcher, holder);
    }
    return holder;
  }

  *#leave(holder: Holder): Generator<void> {
    for (const kind of ONE_SHOTS) {
      for (const path of holder.paths[kind] ?? []) {
        this.#takeOneShot(holder, kind, path);
        yield;
      }
    }
    for (const standing of holder.standing.values()) {
      this.#takeStanding(standing);
      yield;
    }
  }

  #takeOneShot(holder: Holder, kind: WatchKind, path: string): void {
    const table = this.#oneShots[kind];
    const holders = table.get(path);
    if (holders === holder) table.delete(path);
    if (!(holders instanceof Crowd)) return;
    holders.holders.delete(holder);
    if (holders.holders.size === 0) table.delete(path);
  }

  #takeStanding(standing: Standing): void {
    const table = this.#standing[standing.kind];
    const watches = table.get(standing.path);
    if (watches === standing) table.delete(standing.path);
    if (!(watches instanceof Set)) return;
    watches.delete(standing);
    if (watches.size === 0) table.delete(standing.path);
  }

  /** Nobody is left: whoever is still leaving is let go at once. */
  #clear(): void {
    this.#leaving = [];
    for (const table of Object.values(this.#oneShots)) table.clear();
    for (const table of Object.values(this.#standing)) table.clear();
  }
}

const ONE_SHOTS = ['data', 'exist', 'child'] as const satisfies readonly WatchKind[];

/** More than one, so that clients which come and go never leave more behind than they hold. */
const SWEPT_PER_WATCH = 2;
const SWEPT_AT_ONCE = 10_000;

/** A watcher with all that it holds. */
class Holder {
  readonly watcher: Watcher;
  /** Each made with its first watch: there may be ten thousand holders. */
  readonly paths: Record<WatchKind, Set<string> | undefined> = {
    data: undefined,
    exist: undefined,
    child: undefined,
  };
  readonly standing: Map<number, Standing> = new Map();
  /** Nothing is fired at it any more. */
  isGone = false;

  constructor(watcher: Watcher) {
    this.watcher = watcher;
  }

  get count(): number {
    const { data, exist, child } = this.paths;
    return (data?.size ?? 0) + (exist?.size ?? 0) + (child?.size ?? 0) + this.standing.size;
  }

  pathsOf(kind: WatchKind): Set<string> {
    this.paths[kind] ??= new Set();
    return this.paths[kind];
  }
}

/** Several with a one-shot of one kind on one path; `path` is the string that those who join share. */
class Crowd {
  readonly path: string;
  readonly holders: Set<Holder>;

  constructor(path: string, holders: readonly Holder[]) {
    this.path = path;
    this.holders = new Set(holders);
  }
}

/** A watch that stays. */
class Standing {
  readonly holder: Holder;
  readonly id: number;
  readonly kind: PersistentWatchKind;
  readonly path: string;

  constructor(watch: PersistentWatch & { readonly holder: Holder }) {
    this.holder = watch.holder;
    this.id = watch.id;
    this.kind = watch.kind;
    this.path = watch.path;
  }
}

function pathOf(watches: Standing | Set<Standing>): string {
  if (watches instanceof Standing) return watches.path;
  const [first] = watches;
  assert(first !== undefined, 'a path in the table is watched');
  return first.path;
}
