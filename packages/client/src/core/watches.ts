import { unreachable, type WatchKind } from '@zabra/model';
import { withoutRoot } from './paths.ts';
import type { OneShot, WatchEvent } from './watch-event.ts';

/** A change that a server told of; `resync` when it cannot say what was missed. */
export interface ServerEvent {
  readonly type: 'created' | 'changed' | 'deleted' | 'children' | 'resync';
  readonly kind: WatchKind;
  /** Complete, from the root of the tree. */
  readonly path: string;
  readonly zxid: number;
}

/** A watch that the server holds, as needed to arm it again. */
export interface Armed {
  readonly kind: WatchKind;
  readonly path: string;
  /** What was read when it was armed was true then; what happened later fires it. */
  readonly zxid: number;
}

interface ServerWatch {
  zxid: number;
  readonly waiters: Set<ArmedOneShot>;
}

/**
 * The one-shot watches of a session. The server holds one for each kind and path, however many calls wait for it;
 * its event consumes it for all of them.
 */
export class Watches {
  readonly #kinds: Readonly<Record<WatchKind, Map<string, ServerWatch>>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
  };

  get size(): number {
    return this.#kinds.data.size + this.#kinds.exist.size + this.#kinds.child.size;
  }

  /** Called as the reply is read, since the event may follow it in the same frame. */
  arm(armed: Armed, root: string): OneShot {
    const watches = this.#kinds[armed.kind];
    let watch = watches.get(armed.path);
    if (watch === undefined) {
      watch = { zxid: armed.zxid, waiters: new Set() };
      watches.set(armed.path, watch);
    }
    // Had it fired between the two reads, its event would have come before the second reply.
    watch.zxid = Math.max(watch.zxid, armed.zxid);
    const oneShot = new ArmedOneShot(root, (disposed) => this.#forget(armed, disposed));
    watch.waiters.add(oneShot);
    return oneShot;
  }

  fire(event: ServerEvent): void {
    const watches = this.#kinds[event.kind];
    const watch = watches.get(event.path);
    if (watch === undefined) return;
    watches.delete(event.path);
    for (const oneShot of watch.waiters) oneShot.settle(userEvent(event, oneShot.root));
  }

  /** All that did not fire, for a server that does not hold them yet. */
  armed(): readonly Armed[] {
    const all: Armed[] = [];
    for (const kind of ['data', 'exist', 'child'] as const) {
      for (const [path, { zxid }] of this.#kinds[kind]) all.push({ kind, path, zxid });
    }
    return all;
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

  #forget(armed: Armed, oneShot: ArmedOneShot): void {
    const watch = this.#kinds[armed.kind].get(armed.path);
    if (watch?.waiters.delete(oneShot)) {
      oneShot.settle(newSession(watch.zxid));
      // The server keeps its own until it fires; nobody hears it, and it is not armed again.
      if (watch.waiters.size === 0) this.#kinds[armed.kind].delete(armed.path);
    }
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

function newSession(zxid: number): WatchEvent {
  return { type: 'resync', reason: 'new-session', zxid: BigInt(zxid) };
}

function userEvent(event: ServerEvent, root: string): WatchEvent {
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
