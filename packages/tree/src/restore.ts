import { ACL_OPEN, assert, NO_SESSION, type SessionId, ZXID_NONE, type Zxid } from '@zabra/model';
import { internAcl, NO_DATA, ownBytes } from './node.ts';
import { NO_SLOT, type Slot } from './node-records.ts';
import { LIFETIME_UNLIMITED, ROOT } from './node-store.ts';
import { Session } from './session.ts';
import type { SnapshotEntry } from './snapshot.ts';
import { lifetimeOf, RESERVED_PATHS, State } from './state.ts';

type NodeEntry = SnapshotEntry & { readonly kind: 'node' };

/**
 * Makes a state anew from the entries of one snapshot, in any order. Slots are kept from entry to entry: no node is removed
 * here.
 */
export class StateRestorer {
  readonly #state: State;
  /** By path: nodes made because a child came first, which have not come themselves. */
  readonly #awaited = new Map<string, Slot>();
  /** Entered at the end, since a session may come after its nodes. */
  readonly #ephemerals: { readonly path: string; readonly owner: SessionId }[] = [];
  /** Of the last node: most neighbours have one parent. */
  #parentPath = '';
  #parent: Slot = ROOT;
  /** The last node, which often is the parent of the next. */
  #lastPath = '/';
  #last: Slot = ROOT;

  constructor(
    zxid: Zxid,
    lastTimeMs: number,
    options: { readonly hashSeed: number; readonly expectedNodes: number },
  ) {
    this.#state = new State(options);
    this.#state.appliedZxid = zxid;
    this.#state.lastTimeMs = lastTimeMs;
    this.#awaited.set('/', ROOT);
  }

  /** Keeps nothing of the entry but its ACL, results and large data: the caller may fill one record again and again. */
  add(entry: SnapshotEntry): void {
    if (entry.kind === 'node') this.#addNode(entry);
    else this.#addSession(entry);
  }

  /** The snapshot must be whole: the parent of each node, the session of each ephemeral, every reserved node. */
  finish(): State {
    const state = this.#state;
    const [missing] = this.#awaited.keys();
    assert(missing === undefined, 'a snapshot holds the parent of each node', { missing });
    state.nodes.orderChildren();
    for (const path of RESERVED_PATHS) {
      assert(state.find(path) !== NO_SLOT, 'a snapshot holds the reserved nodes', { missing: path });
    }
    for (const { path, owner } of this.#ephemerals) state.enterEphemeral(path, owner);
    return state;
  }

  #addNode(entry: NodeEntry): void {
    const { path, data, ephemeralOwner } = entry;
    const { nodes } = this.#state;
    const awaited = this.#awaited.size === 0 ? undefined : this.#awaited.get(path);
    let slot: Slot;
    if (awaited === undefined) {
      assert(path !== '/', 'a snapshot holds each node once', { path });
      const nameAt = path.lastIndexOf('/') + 1;
      slot = nodes.addUnordered(this.#parentOf(path, nameAt), path, nameAt, {
        data,
        acl: internAcl(entry.acl),
        lifetime: lifetimeOf(entry),
        czxid: entry.czxid,
        ctimeMs: entry.ctimeMs,
      });
    } else {
      slot = awaited;
      this.#awaited.delete(path);
      nodes.setData(slot, data);
      nodes.setAcl(slot, internAcl(entry.acl));
      nodes.setLifetime(slot, lifetimeOf(entry));
    }
    this.#last = slot;
    this.#lastPath = path;
    nodes.setTimes(slot, entry);
    nodes.setSequence(slot, entry.sequence);
    this.#state.enterNode(slot, path, data);
    if (ephemeralOwner !== NO_SESSION) this.#ephemerals.push({ path, owner: ephemeralOwner });
  }

  #addSession(entry: SnapshotEntry & { readonly kind: 'session' }): void {
    const { id, timeoutMs, passwordHash, nonce } = entry;
    assert(!this.#state.sessions.has(id), 'a snapshot holds each session once', { id });
    const session = new Session(id, timeoutMs, ownBytes(passwordHash), nonce);
    session.answeredThrough = entry.answeredThrough;
    this.#state.enterSession(session);
    for (const stored of entry.results) this.#state.enterResult(session, stored);
  }

  #parentOf(path: string, nameAt: number): Slot {
    const length = nameAt - 1;
    if (length === 0) return ROOT;
    if (isPrefix(path, length, this.#parentPath)) return this.#parent;
    if (isPrefix(path, length, this.#lastPath)) {
      this.#parent = this.#last;
      this.#parentPath = this.#lastPath;
      return this.#parent;
    }
    const parentPath = path.slice(0, length);
    this.#parent = this.#above(parentPath) ?? this.#present(parentPath);
    this.#parentPath = parentPath;
    return this.#parent;
  }

  /** The node at this path, if it is an ancestor of the last one: snapshots are written from each node down. */
  #above(path: string): Slot | undefined {
    if (!this.#parentPath.startsWith(path) || this.#parentPath.charCodeAt(path.length) !== SLASH)
      return undefined;
    let slot = this.#parent;
    for (
      let end = this.#parentPath.length;
      end > path.length;
      end = this.#parentPath.lastIndexOf('/', end - 1)
    )
      slot = this.#state.nodes.parent(slot);
    return slot;
  }

  /** The node at this path: made now, and its ancestors, if it has not come yet. */
  #present(path: string): Slot {
    const { nodes } = this.#state;
    nodes.indexUnordered();
    const known = nodes.find(path);
    if (known !== NO_SLOT) return known;
    const nameAt = path.lastIndexOf('/') + 1;
    const parent = nameAt === 1 ? ROOT : this.#present(path.slice(0, nameAt - 1));
    const slot = nodes.addUnordered(parent, path, nameAt, AWAITED);
    this.#awaited.set(path, slot);
    return slot;
  }
}

/** Are these the first `length` characters of the path? */
function isPrefix(path: string, length: number, prefix: string): boolean {
  return prefix.length === length && path.startsWith(prefix);
}

const SLASH = 0x2f;
const AWAITED = {
  data: NO_DATA,
  acl: ACL_OPEN,
  lifetime: LIFETIME_UNLIMITED,
  czxid: ZXID_NONE,
  ctimeMs: 0,
};
