/**
 * The watches of one connection that stay, against a server that keeps one entry for each path and table, and forgets
 * which call it was for: before 3.9 the last one to arm an entry even decides what it is. So:
 *
 * - A path has one kind on the server: recursive as soon as one watch there is, and for as long as there is any. What a
 *   watch that is not recursive hears of children is then made of the coming and going of each.
 * - A one-shot watch that would take the place of one that stays is not armed: it hears what that one hears.
 * - An entry is taken away when nobody needs anything at its path: one that is left over does no harm.
 */
import type { EventType } from '@zabra/jute';
import { type PersistentWatchKind, parentOf } from '@zabra/model';
import type { PersistentArm } from '../ask.ts';
import type { ServerEvent, WatchTable } from '../watches.ts';

interface Place {
  /** Who listens. */
  readonly watches: Map<number, PersistentWatchKind>;
  /** What the server holds once it has read all that was sent. */
  sent: PersistentWatchKind;
  /** What it said that it holds. */
  held: PersistentWatchKind | undefined;
}

export class WatchBoard {
  readonly #places = new Map<string, Place>();

  /** One more is wanted. Answers what the server is to be asked for. */
  add({ id, kind, path }: Pick<PersistentArm, 'id' | 'kind' | 'path'>): PersistentWatchKind {
    const place = this.#places.get(path) ?? { watches: new Map(), sent: kind, held: undefined };
    this.#places.set(path, place);
    place.watches.set(id, kind);
    if (kind === 'persistentRecursive') place.sent = kind;
    return place.sent;
  }

  /** The server holds what it was asked for. */
  held(path: string, kind: PersistentWatchKind): void {
    const place = this.#places.get(path);
    if (place !== undefined && place.held !== 'persistentRecursive') place.held = kind;
  }

  /** Nobody listens under this number any more. */
  leave(path: string, id: number): void {
    this.#places.get(path)?.watches.delete(id);
  }

  /** What the server will hold for this path. */
  kindAt(path: string): PersistentWatchKind | undefined {
    return this.#places.get(path)?.sent;
  }

  get all(): readonly { readonly path: string; readonly kind: PersistentWatchKind }[] {
    return Array.from(this.#places, ([path, { sent }]) => ({ path, kind: sent }));
  }

  /** A one-shot watch there hears what a watch that stays hears. */
  covers(table: WatchTable, path: string): boolean {
    const kind = this.kindAt(path);
    return table === 'data' ? kind !== undefined : kind === 'persistent';
  }

  /** On the server, and nobody listens. */
  isLeftOver(path: string): boolean {
    return this.#places.get(path)?.watches.size === 0;
  }

  /** The server is told to take it away. */
  forget(path: string): void {
    this.#places.delete(path);
  }

  /** Who listens at this very path, to be told to read again. */
  resyncs(path: string, zxid: number): readonly ServerEvent[] {
    const watches = this.#places.get(path)?.watches ?? [];
    return Array.from(watches, ([watchId, kind]) => ({ type: 'resync', kind, path, zxid, watchId }));
  }

  /** What each one hears when the server tells of this. */
  heard(type: EventType, path: string, zxid: number): readonly ServerEvent[] {
    const events: ServerEvent[] = [];
    const place = this.#places.get(path);
    const isOfChildren = type === 'children';
    for (const [watchId, kind] of place?.watches ?? []) {
      const isTold =
        isOfChildren && (kind === 'persistentRecursive' || place?.held === 'persistentRecursive');
      if (!isTold) events.push({ type, kind, path, zxid, watchId });
    }
    if (isOfChildren || path === '/') return events;
    this.#tellAbove(type, path, zxid, events);
    return events;
  }

  #tellAbove(type: EventType, path: string, zxid: number, events: ServerEvent[]): void {
    const parent = parentOf(path);
    for (let above = parent; ; above = parentOf(above)) {
      const place = this.#places.get(above);
      for (const [watchId, kind] of place?.watches ?? []) {
        if (kind === 'persistentRecursive') events.push({ type, kind, path, zxid, watchId });
        else if (above === parent && type !== 'changed' && place?.held === 'persistentRecursive') {
          events.push({ type: 'children', kind, path: above, zxid, watchId });
        }
      }
      if (above === '/') return;
    }
  }
}
