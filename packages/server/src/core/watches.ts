import type { TreeEvent, WatchKind } from '@zabra/model';

/** Who is told. One object per session's stream. */
export interface Watcher {
  /** `kind`: the watch that this event consumed. */
  fire(event: TreeEvent, kind: WatchKind): void;
}

/**
 * The one-shot watches of this server's clients, in memory only: they end with the stream and the client arms them again
 * elsewhere. Which event fires which kind: ZooKeeper's table (chapter 9.2 of its semantics).
 */
export class Watches {
  readonly #data = new Map<string, Set<Watcher>>();
  readonly #exist = new Map<string, Set<Watcher>>();
  readonly #child = new Map<string, Set<Watcher>>();
  readonly #perWatcher = new Map<Watcher, Set<string>>();

  /** At most one registration per watcher, path and kind. */
  arm(watcher: Watcher, kind: WatchKind, path: string): void {
    const table = this.#table(kind);
    const watchers = table.get(path);
    if (watchers === undefined) table.set(path, new Set([watcher]));
    else watchers.add(watcher);
    const held = this.#perWatcher.get(watcher);
    const key = keyOf(kind, path);
    if (held === undefined) this.#perWatcher.set(watcher, new Set([key]));
    else held.add(key);
  }

  countOf(watcher: Watcher): number {
    return this.#perWatcher.get(watcher)?.size ?? 0;
  }

  forget(watcher: Watcher): void {
    for (const key of this.#perWatcher.get(watcher) ?? []) {
      const kind = KINDS[key[0] as keyof typeof KINDS];
      const path = key.slice(1);
      const table = this.#table(kind);
      const watchers = table.get(path);
      watchers?.delete(watcher);
      if (watchers?.size === 0) table.delete(path);
    }
    this.#perWatcher.delete(watcher);
  }

  fire(event: TreeEvent): void {
    switch (event.type) {
      case 'created':
        this.#fire('exist', event);
        return;
      case 'changed':
        this.#fire('data', event);
        return;
      case 'deleted':
        this.#fire('data', event);
        this.#fire('child', event);
        return;
      case 'children':
        this.#fire('child', event);
        return;
    }
  }

  #fire(kind: WatchKind, event: TreeEvent): void {
    const table = this.#table(kind);
    const watchers = table.get(event.path);
    if (watchers === undefined) return;
    table.delete(event.path);
    const key = keyOf(kind, event.path);
    for (const watcher of watchers) {
      this.#perWatcher.get(watcher)?.delete(key);
      watcher.fire(event, kind);
    }
  }

  #table(kind: WatchKind): Map<string, Set<Watcher>> {
    return kind === 'data' ? this.#data : kind === 'exist' ? this.#exist : this.#child;
  }
}

const KINDS = { d: 'data', e: 'exist', c: 'child' } as const;

function keyOf(kind: WatchKind, path: string): string {
  return `${kind[0]}${path}`;
}
