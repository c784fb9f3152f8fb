import { type PersistentWatchKind, unreachable, type WatchKind } from '@zabra/model';
import type { Answer, Ask } from './ask.ts';
import { withoutRoot } from './paths.ts';
import type { OneShot, WatchEvent } from './watch-event.ts';

/** A change that a server told of; `resync` when it cannot say what was missed. */
export interface ServerEvent {
  readonly type: 'created' | 'changed' | 'deleted' | 'children' | 'resync';
  readonly kind: WatchKind | PersistentWatchKind;
  /** Complete, from the root of the tree. */
  readonly path: string;
  readonly zxid: number;
  /** Of a watch that stays; 0 otherwise. */
  readonly watchId: number;
}

/** Where a one-shot watch waits: `data` for a node's creation, change and deletion, `child` for its children's. */
export type WatchTable = 'data' | 'child';

/** A watch that the server holds, as needed to arm it again. */
export interface Armed {
  readonly kind: WatchKind;
  readonly path: string;
  /** What was read when it was armed was true then; what happened later fires it. */
  readonly zxid: number;
}

interface ServerWatch {
  zxid: number;
  /** Nobody: a read that may arm it anew is under way, so that it cannot be taken from the server yet. */
  readonly waiters: Set<ArmedOneShot>;
}

/**
 * The one-shot watches of a session. The server holds one for each kind and path, however many calls wait for it;
 * its event consumes it for all of them. When the last of them loses interest it is taken from the server, unless a
 * read is on its way that wants it: the server would take the watch of that read too.
 */
export class Watches {
  readonly #remove: (kind: WatchKind, path: string) => void;
  readonly #kinds: Readonly<Record<WatchKind, Map<string, ServerWatch>>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
  };
  /** Reads that were sent to arm a watch and are not answered. */
  readonly #asking: Readonly<Record<WatchKind, Map<string, number>>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
  };

  /** `remove`: takes it from the server, ahead of whatever was not sent yet. */
  constructor(remove: (kind: WatchKind, path: string) => void) {
    this.#remove = remove;
  }

  get size(): number {
    return KINDS.reduce((sum, kind) => sum + this.#kinds[kind].size + this.#asking[kind].size, 0);
  }

  /** A request was given to a connection. */
  sent(ask: Ask): void {
    for (const { kind, path } of wantedBy(ask)) {
      this.#asking[kind].set(path, (this.#asking[kind].get(path) ?? 0) + 1);
    }
  }

  /**
   * Called as the reply is read, since the event may follow it in the same frame. Arms what the reply tells of, for a
   * caller in the view with this root; undefined: the caller is gone.
   */
  answered(ask: Ask, answer: Answer, root: string | undefined): OneShot | undefined {
    const armed = armedBy(ask, answer);
    const oneShot = armed === undefined ? undefined : this.#arm(armed, root);
    for (const { kind, path } of wantedBy(ask)) {
      const left = (this.#asking[kind].get(path) ?? 1) - 1;
      if (left > 0) this.#asking[kind].set(path, left);
      else this.#asking[kind].delete(path);
      this.#maybeRemove(kind, path);
    }
    return oneShot;
  }

  fire(event: ServerEvent, kind: WatchKind): void {
    const watches = this.#kinds[kind];
    const watch = watches.get(event.path);
    if (watch === undefined) return;
    watches.delete(event.path);
    for (const oneShot of watch.waiters) oneShot.settle(userEvent(event, oneShot.root));
  }

  /** Somebody waits in this table at this path, or a read is on its way that may. */
  awaits(table: WatchTable, path: string): boolean {
    const kinds = table === 'data' ? DATA_KINDS : CHILD_KINDS;
    return kinds.some((kind) => this.#kinds[kind].has(path) || this.#asking[kind].has(path));
  }

  /** The server that held them, and was asked for more, is gone. */
  connectionLost(): void {
    for (const kind of KINDS) {
      this.#asking[kind].clear();
      for (const [path, { waiters }] of this.#kinds[kind])
        if (waiters.size === 0) this.#kinds[kind].delete(path);
    }
  }

  /** All that did not fire, for a server that does not hold them yet. */
  armed(): readonly Armed[] {
    return KINDS.flatMap((kind) =>
      Array.from(this.#kinds[kind], ([path, { zxid }]) => ({ kind, path, zxid })),
    );
  }

  /** The session that held them is gone. */
  dropAll(zxid: number): void {
    for (const watches of Object.values(this.#kinds)) {
      const dropped = [...watches.values()];
      watches.clear();
      for (const { waiters } of dropped) {
        for (const oneShot of waiters) oneShot.settle(newSession(zxid));
      }
    }
  }

  #arm(armed: Armed, root: string | undefined): OneShot | undefined {
    const watches = this.#kinds[armed.kind];
    let watch = watches.get(armed.path);
    if (watch === undefined) {
      watch = { zxid: armed.zxid, waiters: new Set() };
      watches.set(armed.path, watch);
    }
    // Had it fired between the two reads, its event would have come before the second reply.
    watch.zxid = Math.max(watch.zxid, armed.zxid);
    if (root === undefined) return undefined;
    const oneShot = new ArmedOneShot(root, (disposed) => this.#forget(armed, disposed));
    watch.waiters.add(oneShot);
    return oneShot;
  }

  #forget({ kind, path }: Armed, oneShot: ArmedOneShot): void {
    const watch = this.#kinds[kind].get(path);
    if (!watch?.waiters.delete(oneShot)) return;
    oneShot.settle(newSession(watch.zxid));
    this.#maybeRemove(kind, path);
  }

  #maybeRemove(kind: WatchKind, path: string): void {
    const watch = this.#kinds[kind].get(path);
    if (watch === undefined || watch.waiters.size > 0 || this.#asking[kind].has(path)) return;
    this.#kinds[kind].delete(path);
    this.#remove(kind, path);
  }
}

/** As users see it, in the view with this root. */
export function userEvent(event: ServerEvent, root: string): WatchEvent {
  const zxid = BigInt(event.zxid);
  switch (event.type) {
    case 'resync':
      return { type: 'resync', reason: 'reconnected', zxid };
    case 'created':
    case 'changed':
    case 'deleted':
    case 'children':
      return { type: event.type, path: withoutRoot(root, event.path), zxid };
    default:
      return unreachable(event.type);
  }
}

class ArmedOneShot implements OneShot {
  readonly event: Promise<WatchEvent>;
  readonly root: string;
  readonly #dispose: (oneShot: ArmedOneShot) => void;
  #settle!: (event: WatchEvent) => void; // Set in the constructor, by the executor, which runs at once.

  constructor(root: string, dispose: (oneShot: ArmedOneShot) => void) {
    this.root = root;
    this.#dispose = dispose;
    this.event = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  settle(event: WatchEvent): void {
    this.#settle(event);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#dispose(this);
    return Promise.resolve();
  }
}

const DATA_KINDS = ['data', 'exist'] as const;
const CHILD_KINDS = ['child'] as const;
const KINDS = [...DATA_KINDS, ...CHILD_KINDS] as const;
const NOTHING: readonly { readonly kind: WatchKind; readonly path: string }[] = [];

/** What a request may arm; which of them, its reply tells. */
function wantedBy(ask: Ask): readonly { readonly kind: WatchKind; readonly path: string }[] {
  if (!('watch' in ask) || ask.kind === 'addWatch' || !ask.watch) return NOTHING;
  const { path } = ask;
  switch (ask.kind) {
    case 'get':
      return [{ kind: 'data', path }];
    case 'exists':
      return [
        { kind: 'data', path },
        { kind: 'exist', path },
      ];
    case 'children':
      return [{ kind: 'child', path }];
    default:
      return unreachable(ask);
  }
}

function armedBy(ask: Ask, answer: Answer): Armed | undefined {
  const [wanted] = wantedBy(ask);
  if (wanted === undefined || answer.kind !== ask.kind) return undefined;
  const { path } = wanted;
  const kind = answer.kind === 'exists' && answer.stat === undefined ? 'exist' : wanted.kind;
  return { kind, path, zxid: answer.zxid };
}

function newSession(zxid: number): WatchEvent {
  return { type: 'resync', reason: 'new-session', zxid: BigInt(zxid) };
}
