import {
  ACL_OPEN,
  type Identity,
  PERMISSIONS,
  type PersistentWatchKind,
  parentOf,
  type TreeEvent,
  unreachable,
  type WatchKind,
  type Zxid,
} from '@zabra/model';
import { authorize, type Tree } from '@zabra/tree';
import type { ArmedWatch, PersistentWatch, ServerWord } from './client-codec.ts';
import type { EventHistory, EventNumber } from './event-history.ts';
import type { Watcher, Watches } from './watches.ts';

export interface SessionWatchesParts {
  readonly watches: Watches;
  readonly history: EventHistory;
  readonly say: (word: ServerWord) => void;
  /** Whom the client has proved to be by now. */
  readonly identities: () => readonly Identity[];
  /** Of the events that a client is told when it comes back; where it missed more, it is told to read again. */
  readonly resumedBytesMax?: number;
}

/**
 * The watches of one connection: armed, standing, resumed.
 *
 * An event is said to whoever may READ its node by the ACL as of the change. Others are told nothing, and their one-shot is
 * consumed all the same: that it stayed would tell them that nothing happened. So would its absence tell them that something
 * did: it counts, and can be removed, until it is armed anew.
 *
 * A client that was away names what it held, and hears what it missed before anything else, as if it had never been away:
 * in the order of the history and each event once. Where the history does not reach back far enough, a watch that stays
 * hears `resync`, and a one-shot what the Stat of its node tells.
 */
export class SessionWatches implements Watcher {
  readonly #watches: Watches;
  readonly #history: EventHistory;
  readonly #say: (word: ServerWord) => void;
  readonly #identities: () => readonly Identity[];

  readonly #resumedBytesMax: number;
  /** One-shots that were consumed without a word. */
  readonly #silenced = new Set<string>();

  constructor(parts: SessionWatchesParts) {
    this.#watches = parts.watches;
    this.#history = parts.history;
    this.#say = parts.say;
    this.#identities = parts.identities;
    this.#resumedBytesMax = parts.resumedBytesMax ?? RESUMED_BYTES_MAX;
  }

  /** One for each watch that waits. */
  paths(): Iterable<string> {
    return this.#watches.pathsOf(this);
  }

  get count(): number {
    return this.#watches.countOf(this) + this.#silenced.size;
  }

  /** Whether a watch that stays has this number. */
  has(id: number): boolean {
    return this.#watches.has(this, id);
  }

  arm(kind: WatchKind, path: string): void {
    this.#silenced.delete(keyOf(kind, path));
    this.#watches.arm(this, kind, path);
  }

  /** Whether such a one-shot is armed, as far as the client can know. */
  holds(kind: WatchKind, path: string): boolean {
    return this.#watches.isArmed(this, kind, path) || this.#silenced.has(keyOf(kind, path));
  }

  /** What happened after `fromZxid` is said at once, or `resync`; undefined: the watch hears what happens from now on. */
  add(watch: PersistentWatch, fromZxid: Zxid | undefined, tree: Tree): void {
    if (fromZxid === undefined) this.#watches.add(this, watch);
    else this.resume([], [watch], fromZxid, tree);
  }

  /** False when there is no such watch. `id`: of one that stays, 0 otherwise. */
  remove(kind: WatchKind | PersistentWatchKind, path: string, id: number): boolean {
    return kind === 'persistent' || kind === 'persistentRecursive'
      ? this.#watches.remove(this, { id, kind, path })
      : this.#watches.disarm(this, kind, path) || this.#silenced.delete(keyOf(kind, path));
  }

  /**
   * All that the client held, at once: every event up to `fromZxid` was delivered to it. What it missed is said in the order
   * of the history; last, with the zxid of the present state, what can only be guessed. `standingFromNow`: those that stay
   * begin anew.
   */
  resume(
    armed: readonly ArmedWatch[],
    standing: readonly PersistentWatch[],
    fromZxid: Zxid,
    tree: Tree,
    standingFromNow = false,
  ): void {
    const missed: Missed[] = [];
    const guessed: ServerWord[] = [];
    const { appliedZxid: zxid } = tree;
    for (const watch of armed) {
      const { kind, path } = watch;
      // It had not fired when everything up to `fromZxid` was delivered, however long ago it was armed.
      const from = [watch.zxid, fromZxid].find((each) => this.#reaches(each, tree));
      const number = from === undefined ? undefined : this.#consumedSince(from, watch);
      const type = from === undefined ? this.#guess(watch, tree) : undefined;
      if (number !== undefined) missed.push({ number, kind, id: 0 });
      else if (type === undefined) this.arm(kind, path);
      else if (this.#mayRead(tree.acl(path) ?? ACL_OPEN))
        guessed.push({ kind: 'event', type, path, zxid, watch: kind, watchId: 0 });
      else this.#silenced.add(keyOf(kind, path));
    }

    const exact = standingFromNow
      ? []
      : this.#reaches(fromZxid, tree)
        ? this.#missedBy(standing, fromZxid)
        : undefined;
    if (exact !== undefined) for (const each of exact) missed.push(each);
    for (const watch of standing) {
      this.#watches.add(this, watch);
      const { kind, path, id } = watch;
      if (exact === undefined)
        guessed.push({ kind: 'event', type: 'resync', path, zxid, watch: kind, watchId: id });
    }

    // Sorting keeps the order of those that heard the same event.
    missed.sort((left, right) => left.number - right.number);
    for (const { number, kind, id } of missed) this.fire(this.#history.event(number), kind, id);
    for (const word of guessed) this.#say(word);
  }

  /** The stream is over. */
  forget(): void {
    this.#watches.forget(this);
    this.#silenced.clear();
  }

  fire(event: TreeEvent, kind: WatchKind | PersistentWatchKind, id: number): void {
    const { type, path, zxid } = event;
    if (!this.#mayRead(event.acl)) {
      if (id === ONE_SHOT) this.#silenced.add(keyOf(kind, path));
      return;
    }
    this.#say({ kind: 'event', type, path, zxid, watch: kind, watchId: id });
  }

  #mayRead(acl: TreeEvent['acl']): boolean {
    return authorize(acl, PERMISSIONS.read, this.#identities());
  }

  /**
   * Whether all that happened since is known here. Of a zxid that this server has not applied it knows nothing: a client
   * that has seen it was refused when it attached, and one that names it all the same is told to read again, since its
   * knowledge may be of another history.
   */
  #reaches(zxid: Zxid, tree: Tree): boolean {
    return zxid >= this.#history.floor && zxid <= tree.appliedZxid;
  }

  /** The first event after `from` that such a watch is consumed by. */
  #consumedSince(from: Zxid, { kind, path }: ArmedWatch): EventNumber | undefined {
    for (const number of this.#history.at(path, from)) {
      if (consumes(this.#history.event(number).type, kind)) return number;
    }
    return undefined;
  }

  /**
   * What those that stay missed, each with the events that they may read; undefined when it is so much that the client had
   * better read again: its stream would be ended for all that waits in it, and so would the next one.
   */
  #missedBy(standing: readonly PersistentWatch[], fromZxid: Zxid): readonly Missed[] | undefined {
    const missed: Missed[] = [];
    let bytes = 0;
    for (const { kind, path, id } of [...standing].sort(asFired)) {
      const numbers =
        kind === 'persistent' ? this.#history.at(path, fromZxid) : this.#history.under(path, fromZxid);
      for (const number of numbers) {
        const event = this.#history.event(number);
        if (!this.#mayRead(event.acl)) continue;
        bytes += EVENT_WORD_BYTES + event.path.length;
        if (bytes > this.#resumedBytesMax) return undefined;
        missed.push({ number, kind, id });
      }
    }
    return missed;
  }

  /**
   * What has consumed it, as far as the node itself tells; undefined: nothing has. ZooKeeper's rule (chapter 9.4 of its
   * semantics), and where a node may have come and gone meanwhile, `resync`.
   */
  #guess({ kind, path, zxid }: ArmedWatch, tree: Tree): TreeEvent['type'] | 'resync' | undefined {
    const stat = tree.stat(path);
    switch (kind) {
      case 'data':
        if (stat === undefined) return 'deleted';
        return Math.max(stat.mzxid, stat.czxid) > zxid ? 'changed' : undefined;
      case 'child':
        if (stat === undefined) return 'deleted';
        return Math.max(stat.pzxid, stat.czxid) > zxid ? 'children' : undefined;
      case 'exist':
        if (stat !== undefined) return 'created';
        return this.#mayHaveBeen(path, zxid, tree) ? 'resync' : undefined;
      default:
        return unreachable(kind);
    }
  }

  /** Whether a node that is absent now may have existed since: its nearest ancestor that exists has changed children. */
  #mayHaveBeen(path: string, zxid: Zxid, tree: Tree): boolean {
    let ancestor = parentOf(path);
    let stat = tree.stat(ancestor);
    while (stat === undefined) {
      ancestor = parentOf(ancestor);
      stat = tree.stat(ancestor);
    }
    // Who may not list the ancestor must not learn from this whether its children changed.
    return stat.pzxid > zxid || !this.#mayRead(tree.acl(ancestor) ?? []);
  }
}

/** The number of every watch that does not stay. */
const ONE_SHOT = 0;

function keyOf(kind: WatchKind | PersistentWatchKind, path: string): string {
  return `${kind} ${path}`;
}

/** An event of the history that a watch has to be told. */
interface Missed {
  readonly number: EventNumber;
  readonly kind: WatchKind | PersistentWatchKind;
  readonly id: number;
}

/** Half of what may wait, by default, for a client that does not read. */
const RESUMED_BYTES_MAX = 16 * 2 ** 20;
/** Of an event, besides its path, about. */
const EVENT_WORD_BYTES = 32;

/** The table of {@link Watches.fire}. */
function consumes(type: TreeEvent['type'], kind: WatchKind): boolean {
  switch (kind) {
    case 'data':
      return type === 'changed' || type === 'deleted';
    case 'exist':
      return type === 'created';
    case 'child':
      return type === 'children' || type === 'deleted';
    default:
      return unreachable(kind);
  }
}

/** What stays on a path before what stays on its ancestors, the nearest first. */
function asFired(left: PersistentWatch, right: PersistentWatch): number {
  if (left.kind !== right.kind) return left.kind === 'persistent' ? -1 : 1;
  return right.path.length - left.path.length;
}
