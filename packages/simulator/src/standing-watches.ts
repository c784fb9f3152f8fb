import type { Event, PersistentWatch } from '@zabra/proto';
import type { HistoryChecker } from './history-checker.ts';
import type { ModelEvent } from './tree-model.ts';
import { demand } from './violation.ts';

/** What a watch that stays is about. */
export interface WatchedPath {
  readonly path: string;
  readonly recursive: boolean;
}

interface Standing extends WatchedPath {
  /** The next event of the history to look at; undefined until the server says from where it counts. */
  next: number | undefined;
}

/**
 * The watches of one session that stay: each hears every event of its path, in order, once, before anything that the
 * session is shown of a later state. Only a `resync` excuses.
 */
export class StandingWatches {
  readonly #history: HistoryChecker;
  readonly #watches = new Map<number, Standing>();
  #heard = 0;
  #resyncs = 0;

  constructor(history: HistoryChecker) {
    this.#history = history;
  }

  get heard(): number {
    return this.#heard;
  }

  get resyncs(): number {
    return this.#resyncs;
  }

  /** `fromZxid` undefined: it counts from the state that its reply shows. */
  add({ id, kind, path }: PersistentWatch, fromZxid: number | undefined): void {
    this.#watches.set(id, {
      path,
      recursive: kind === 'PERSISTENT_RECURSIVE',
      next: fromZxid === undefined ? undefined : this.#history.eventsAfter(fromZxid),
    });
  }

  added(id: number, zxid: number): void {
    const watch = this.#watches.get(id);
    if (watch !== undefined) watch.next ??= this.#history.eventsAfter(zxid);
  }

  remove(id: number): void {
    this.#watches.delete(id);
  }

  /** A stream holds none but those that are named on it. */
  clear(): void {
    this.#watches.clear();
  }

  hear(event: Event): void {
    const watch = this.#watches.get(event.watchId);
    if (watch === undefined) return;
    if (event.type === 'RESYNC') {
      this.#resyncs++;
      watch.next = this.#history.eventsAfter(event.zxid);
      return;
    }
    this.#heard++;
    const due = this.#due(watch);
    demand(
      due !== undefined && due.type === event.type && due.path === event.path && due.zxid === event.zxid,
      'a watch that stays hears every event once, in order',
      {
        watch: watch.path,
        due: due === undefined ? 'nothing' : `${due.type} ${due.path} 0x${due.zxid.toString(16)}`,
        heard: `${event.type} ${event.path} 0x${event.zxid.toString(16)}`,
      },
    );
    watch.next = (watch.next ?? 0) + 1;
  }

  /** The session is shown the state of `zxid`. */
  shown(zxid: number): void {
    for (const watch of this.#watches.values()) {
      const due = this.#due(watch);
      demand(due === undefined || due.zxid > zxid, 'a watch that stays hears of a change before it shows', {
        watch: watch.path,
        unheard: `${due?.type} ${due?.path}`,
        changed: due?.zxid ?? 0,
        shown: zxid,
      });
    }
  }

  /** Moves on to the first event that the watch is about. */
  #due(watch: Standing): ModelEvent | undefined {
    if (watch.next === undefined) return undefined;
    const { events } = this.#history;
    while (watch.next < events.length && !isAbout(watch, events[watch.next])) watch.next++;
    return events[watch.next];
  }
}

export function isAbout({ path, recursive }: WatchedPath, event: ModelEvent | undefined): boolean {
  if (event === undefined) return false;
  if (!recursive) return event.path === path;
  return (
    event.type !== 'CHILDREN' &&
    (event.path === path || event.path.startsWith(path === '/' ? '/' : `${path}/`))
  );
}
