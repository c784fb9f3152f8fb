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

  remove({ kind, path }: PersistentWatch): void {
    this.#watches.delete(keyOf(kind, path));
  }
}

function keyOf(kind: PersistentWatchKind, path: string): string {
  return `${kind} ${path}`;
}
