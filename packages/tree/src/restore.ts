import { ACL_OPEN, assert, NO_SESSION, nameOf, parentOf, type SessionId, type Zxid } from '@zabra/model';
import { internAcl, NO_DATA, Node, ownBytes } from './node.ts';
import { Session } from './session.ts';
import type { SnapshotEntry } from './snapshot.ts';
import { RESERVED_PATHS, State } from './state.ts';

/** Makes a state anew from the entries of one snapshot, in any order. */
export class StateRestorer {
  readonly #state = new State();
  /** By path: nodes made because a child came first, which have not come themselves. */
  readonly #awaited = new Map<string, Node>();
  /** Entered at the end, since a session may come after its nodes. */
  readonly #ephemerals: { readonly path: string; readonly owner: SessionId }[] = [];

  constructor(zxid: Zxid, lastTimeMs: number) {
    this.#state.appliedZxid = zxid;
    this.#state.lastTimeMs = lastTimeMs;
    this.#awaited.set('/', this.#state.root);
  }

  add(entry: SnapshotEntry): void {
    if (entry.kind === 'node') this.#addNode(entry);
    else this.#addSession(entry);
  }

  /** The snapshot must be whole: the parent of each node, the session of each ephemeral, every reserved node. */
  finish(): State {
    const state = this.#state;
    const [missing] = this.#awaited.keys();
    assert(missing === undefined, 'a snapshot holds the parent of each node', { missing });
    for (const path of RESERVED_PATHS) {
      assert(state.node(path) !== undefined, 'a snapshot holds the reserved nodes', { missing: path });
    }
    for (const { path, owner } of this.#ephemerals) state.enterEphemeral(path, owner);
    state.countAll();
    return state;
  }

  #addNode(entry: SnapshotEntry & { readonly kind: 'node' }): void {
    const { path, ephemeralOwner } = entry;
    const node = this.#awaited.get(path) ?? this.#place(path);
    this.#awaited.delete(path);
    node.data = ownBytes(entry.data);
    node.acl = internAcl(entry.acl);
    node.czxid = entry.czxid;
    node.mzxid = entry.mzxid;
    node.pzxid = entry.pzxid;
    node.ctimeMs = entry.ctimeMs;
    node.mtimeMs = entry.mtimeMs;
    node.version = entry.version;
    node.aversion = entry.aversion;
    node.ephemeralOwner = ephemeralOwner;
    node.sequence = entry.sequence;
    node.ttlMs = entry.ttlMs;
    node.container = entry.container;
    this.#state.enterNode(path, node);
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

  /** A new node at this path, under its parent, which is made too when it has not come yet. */
  #place(path: string): Node {
    const parentPath = parentOf(path);
    let parent = this.#state.node(parentPath);
    if (parent === undefined) {
      parent = this.#place(parentPath);
      this.#awaited.set(parentPath, parent);
    }
    const name = nameOf(path);
    assert(path !== '/' && parent.child(name) === undefined, 'a snapshot holds each node once', { path });
    const node = new Node(NO_DATA, ACL_OPEN);
    parent.addChild(name, node);
    return node;
  }
}
