import {
  ACL_OPEN,
  type Acl,
  ANY_VERSION,
  asZxid,
  type CreateMode,
  type CreateOperation,
  type DeleteTreeOperation,
  type Identity,
  isTtl,
  makeZxid,
  type Request,
  type SessionId,
  type SetAclOperation,
  type SetOperation,
  type SubOperation,
  type Txn,
  type WriteOperation,
  type WriteResult,
  type Zxid,
} from '@zabra/model';
import {
  type Applied,
  type Prepared,
  type SnapshotCursor,
  type SnapshotEntry,
  Tree,
  type TreeOptions,
} from '../src/index.ts';

/**
 * A leader reduced to its tree: numbers what it prepares and applies it when told, so that a test decides what is
 * pending.
 */
export class Leader {
  readonly tree: Tree;
  /** Prepared and not applied. */
  readonly proposed: { readonly zxid: Zxid; readonly txn: Txn }[] = [];
  /** All txns applied so far. */
  readonly history: { readonly zxid: Zxid; readonly txn: Txn }[] = [];
  wallMs = 1_000;
  /** Whom the clients of the sessions have proved to be; none unless said. */
  readonly identities: Map<SessionId, readonly Identity[]> = new Map<SessionId, readonly Identity[]>();
  readonly #lastNumber = new Map<SessionId, number>();
  #nextZxid: Zxid;

  constructor(tree: Tree = Tree.empty()) {
    this.tree = tree;
    this.#nextZxid = asZxid(Math.max(tree.appliedZxid + 1, makeZxid(1, 1)));
  }

  static withOptions(options: Partial<TreeOptions>): Leader {
    return new Leader(Tree.empty(options));
  }

  get nextZxid(): Zxid {
    return this.#nextZxid;
  }

  prepare(request: Request): Prepared {
    const identities = (request.kind === 'write' ? this.identities.get(request.sessionId) : undefined) ?? [];
    const context = { wallMs: this.wallMs, nextZxid: this.#nextZxid, identities };
    const prepared = this.tree.prepare(request, context);
    if (prepared.kind === 'txn') {
      this.proposed.push({ zxid: this.#nextZxid, txn: prepared.txn });
      this.#nextZxid = asZxid(this.#nextZxid + 1);
    }
    return prepared;
  }

  applyNext(): Applied {
    const next = this.proposed.shift();
    if (next === undefined) throw new Error('nothing is proposed');
    this.history.push(next);
    return this.tree.apply(next.zxid, next.txn);
  }

  applyAll(): readonly Applied[] {
    return this.proposed.map(() => undefined).map(() => this.applyNext());
  }

  loseRole(): void {
    this.proposed.length = 0;
    this.tree.dropPending();
  }

  openSession(sessionId: SessionId, nonce = 'first'): void {
    this.prepare({
      kind: 'session',
      operation: {
        kind: 'createSession',
        sessionId,
        timeoutMs: 10_000,
        passwordHash: bytes(`password ${sessionId}`),
        nonce,
      },
    });
  }

  attach(sessionId: SessionId, nonce: string): Prepared {
    return this.prepare({ kind: 'session', operation: { kind: 'attachSession', sessionId, nonce } });
  }

  reap(path: string): Prepared {
    return this.prepare({ kind: 'reap', path });
  }

  close(sessionId: SessionId): Prepared {
    return this.prepare({ kind: 'session', operation: { kind: 'closeSession', sessionId } });
  }

  /** Prepares the session's next numbered write. */
  write(sessionId: SessionId, operation: WriteOperation, nonce = 'first'): Prepared {
    const requestNo = (this.#lastNumber.get(sessionId) ?? 0) + 1;
    this.#lastNumber.set(sessionId, requestNo);
    return this.prepare({ kind: 'write', sessionId, nonce, requestNo, answeredThrough: 0, operation });
  }

  /** Prepares and applies the session's next numbered write and all before it. */
  do(sessionId: SessionId, operation: WriteOperation): WriteResult {
    const prepared = this.write(sessionId, operation);
    if (prepared.kind !== 'txn') throw new Error(`not ordered: ${JSON.stringify(prepared)}`);
    const applied = this.applyAll().at(-1);
    if (applied === undefined) throw new Error('nothing was applied');
    return applied.result;
  }
}

/** With one open session, 1, and these nodes. */
export function leaderWith(...paths: readonly string[]): Leader {
  const leader = new Leader();
  leader.openSession(1);
  for (const path of paths) leader.write(1, create(path));
  leader.applyAll();
  return leader;
}

export function create(path: string, data = '', mode: CreateMode = 'persistent'): CreateOperation {
  return { kind: 'create', path, data: bytes(data), mode, acl: [], ttlMs: isTtl(mode) ? 1_000 : 0 };
}

/** A node that only these entries let in. */
export function guarded(path: string, ...acl: readonly Acl[]): CreateOperation {
  return { ...create(path), acl };
}

export function setAcl(
  path: string,
  acl: readonly Acl[] = ACL_OPEN,
  version: number = ANY_VERSION,
): SetAclOperation {
  return { kind: 'setAcl', path, acl, version };
}

export function touch(path: string): SubOperation & { readonly kind: 'touch' } {
  return { kind: 'touch', path };
}

export function deleteTree(path: string, nodesMax = 0, atomic = false): DeleteTreeOperation {
  return { kind: 'deleteTree', path, nodesMax, atomic };
}

/** One entry: these permissions for this user. */
export function grant(perms: number, scheme: string, id: string): Acl {
  return { perms, scheme, id };
}

/** How an outcome reads in a table: `done`, or the code of the refusal. */
export function outcomeOf(result: WriteResult): string {
  return result.kind === 'done' ? 'done' : result.refusal.code;
}

/** What became of everything proposed. */
export function outcomes(leader: Leader): readonly string[] {
  return leader.applyAll().map(({ result }) => outcomeOf(result));
}

export function set(path: string, data: string, version: number = ANY_VERSION): SetOperation {
  return { kind: 'set', path, data: bytes(data), version };
}

export function remove(
  path: string,
  version: number = ANY_VERSION,
): SubOperation & { readonly kind: 'delete' } {
  return { kind: 'delete', path, version };
}

export function transaction(...operations: readonly SubOperation[]): WriteOperation {
  return { kind: 'transaction', operations };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** All that can be read of a tree, as plain data that a test can compare. */
export function dump(tree: Tree): unknown {
  const nodes: Record<string, unknown>[] = [];
  const visit = (path: string): void => {
    const node = tree.get(path);
    const beside = { descendants: tree.descendants(path), reap: tree.reapFacts(path) };
    nodes.push({ path, data: [...(node?.data ?? [])], stat: node?.stat, acl: node?.acl, ...beside });
    for (const name of tree.children(path)?.names ?? []) visit(path === '/' ? `/${name}` : `${path}/${name}`);
  };
  visit('/');
  const sessions = [...tree.sessions()].sort((left, right) => left.id - right.id);
  const ephemerals = sessions.map(({ id }) => tree.ephemeralsOf(id));
  const reapable = [[...tree.containers()].sort(), [...tree.ttlNodes()].map(({ path }) => path).sort()];
  return { zxid: tree.appliedZxid, nodeCount: tree.nodeCount, nodes, sessions, ephemerals, reapable };
}

/** The rest of a snapshot, in slices of `max`. */
export function drain(cursor: SnapshotCursor, max = 3): readonly SnapshotEntry[] {
  const entries: SnapshotEntry[] = [];
  for (let slice = cursor.next(max); slice.length > 0; slice = cursor.next(max)) entries.push(...slice);
  return entries;
}

export function restored(
  from: { readonly zxid: Zxid; readonly lastTimeMs: number },
  entries: readonly SnapshotEntry[],
): Tree {
  const restorer = Tree.restore(from.zxid, from.lastTimeMs);
  for (const entry of entries) restorer.add(entry);
  return restorer.finish();
}
