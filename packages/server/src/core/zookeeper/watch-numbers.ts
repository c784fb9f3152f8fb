import type { PersistentWatchKind } from '@zabra/model';
import type { PersistentWatch } from '../clients/client-codec.ts';

/** The numbers of one client's watches that stay: ZooKeeper's wire names them by path and kind alone. */
export class WatchNumbers {
  readonly #watches = new Map<string, PersistentWatch>();
  #last = 0;

  get(kind: PersistentWatchKind, path: string): PersistentWatch | undefined {
    return this.#watches.get(keyOf(kind, path));
  }

  /** With a number of its own. It must not be there. */
  add(kind: PersistentWatchKind, path: string): PersistentWatch {
    const watch = { id: ++this.#last, kind, path };
    this.#watches.set(keyOf(kind, path), watch);
    return watch;
  }

  /** Unless another one has taken its place. */
  remove(watch: PersistentWatch): void {
    const key = keyOf(watch.kind, watch.path);
    if (this.#watches.get(key)?.id === watch.id) this.#watches.delete(key);
  }

  /** It is there after all. */
  restore(watch: PersistentWatch): void {
    const key = keyOf(watch.kind, watch.path);
    if (!this.#watches.has(key)) this.#watches.set(key, watch);
  }
}

function keyOf(kind: PersistentWatchKind, path: string): string {
  return `${kind} ${path}`;
}
