import {
  type SessionId,
  type TreeEvent,
  unreachable,
  type WriteOperation,
  type WriteResult,
  type Zxid,
} from '@zabra/model';
import { expect } from 'vitest';
import { type SnapshotCursor, type SnapshotEntry, Tree } from '../src/index.ts';
import { dump, Leader, restored } from './leader.ts';
import { IDENTITIES, type Step } from './random-step.ts';
import { type ReferenceOutcome, ReferenceTree, type ReferenceWrite } from './reference-tree.ts';

/** What the reference tree is told, so that it can be told again when a leader loses what was pending. */
type Told =
  | ({ readonly kind: 'write' } & ReferenceWrite)
  | { readonly kind: 'reap'; readonly zxid: Zxid; readonly path: string }
  | { readonly kind: 'close'; readonly zxid: Zxid; readonly sessionId: SessionId }
  | { readonly kind: 'other'; readonly zxid: Zxid };

interface Writer {
  nonce: string;
  /** Of the last write; numbers begin at 1 again with each instance. */
  requestNo: number;
  readonly sent: Map<number, WriteOperation>;
}

/**
 * A leader and a follower on one side, the reference tree on the other. The reference does each request at the moment in
 * which it is prepared, one after the other; the leader applies it some steps later. Their outcomes must be the same.
 */
export class RandomRun {
  readonly leader: Leader = new Leader();
  readonly follower: Tree = Tree.empty();
  reference: ReferenceTree = new ReferenceTree();
  snapshotsTaken = 0;
  reaped = 0;
  warnings = 0;
  #told: Told[] = [];
  readonly #expected = new Map<Zxid, ReferenceOutcome>();
  readonly #writers = new Map<SessionId, Writer>();
  #instances = 0;
  #snapshot:
    | { readonly cursor: SnapshotCursor; readonly before: unknown; readonly entries: SnapshotEntry[] }
    | undefined;

  constructor() {
    for (const [id, identities] of Object.entries(IDENTITIES))
      this.leader.identities.set(Number(id), identities);
  }

  step(step: Step): void {
    switch (step.kind) {
      case 'write':
        this.#write(step.session, step.operation);
        return;
      case 'repeat':
        this.#repeat(step.session, step.back);
        return;
      case 'open':
        this.#open(step.session);
        return;
      case 'attach':
        this.#attach(step.session);
        return;
      case 'close':
        this.#close(step.session);
        return;
      case 'reap':
        this.#reap(step.path);
        return;
      case 'apply':
        this.#apply(step.count);
        return;
      case 'loseRole':
        this.#loseRole();
        return;
      case 'clock':
        this.leader.wallMs += step.byMs;
        return;
      case 'snapshot':
        this.#sliceSnapshot(step.max);
        return;
      default:
        unreachable(step);
    }
  }

  /** Applies what is left and compares everything with everything. */
  finish(): void {
    this.#apply(Number.POSITIVE_INFINITY);
    while (this.#snapshot !== undefined) this.#sliceSnapshot(5);
    const { tree } = this.leader;
    for (const [path, node] of this.reference.nodes) {
      expect(tree.get(path)?.data).toEqual(this.reference.data(path));
      expect(tree.stat(path)).toEqual(this.reference.stat(path));
      expect(tree.acl(path)).toEqual(node.acl);
      expect(tree.children(path)?.names).toEqual(this.reference.childrenOf(path));
      expect(tree.descendants(path)).toBe(this.reference.below(path).length);
      const { childCount, ttlMs } = { childCount: this.reference.childrenOf(path).length, ttlMs: node.ttlMs };
      const facts = node.container
        ? { kind: 'container', used: node.created > 0, childCount }
        : { kind: 'ttl', ttlMs, childCount };
      expect(tree.reapFacts(path)).toEqual(node.container || ttlMs > 0 ? facts : undefined);
    }
    expect(tree.nodeCount).toBe(this.reference.nodes.size);
    for (const { id, ephemerals } of tree.sessions()) {
      expect(tree.ephemeralsOf(id)).toEqual(this.reference.ephemeralsOf(id));
      expect(ephemerals).toBe(tree.ephemeralsOf(id).length);
    }
    expect(dump(this.follower)).toEqual(dump(tree));
    expect(this.follower.digest()).toBe(tree.digest());
  }

  #write(sessionId: SessionId, operation: WriteOperation): void {
    const writer = this.#writers.get(sessionId);
    const { nonce, requestNo } = { nonce: writer?.nonce ?? '', requestNo: (writer?.requestNo ?? 0) + 1 };
    const { nextZxid: zxid } = this.leader;
    const answeredThrough = Math.max(0, requestNo - 6);
    const prepared = this.leader.prepare({
      kind: 'write',
      sessionId,
      nonce,
      requestNo,
      answeredThrough,
      operation,
    });
    if (writer === undefined) {
      expect(prepared).toMatchObject({ refusal: { code: 'SESSION_EXPIRED' } });
      return;
    }
    if (prepared.kind !== 'txn')
      throw new Error(`a write of an open session is ordered: ${JSON.stringify(prepared)}`);
    writer.requestNo = requestNo;
    writer.sent.set(requestNo, operation);
    const identities = IDENTITIES[sessionId] ?? [];
    this.#tell({ kind: 'write', zxid, timeMs: prepared.txn.timeMs, sessionId, operation, identities });
    expect(prepared.warnings).toHaveLength(this.reference.warnings);
    this.warnings += prepared.warnings.length;
  }

  #reap(path: string): void {
    const { nextZxid: zxid } = this.leader;
    const isReapable = this.reference.isReapable(path);
    const prepared = this.leader.reap(path);
    if (prepared.kind === 'txn') {
      expect(isReapable).toBe(true);
      this.#tell({ kind: 'reap', zxid, path });
      this.reaped++;
    } else {
      // Reapable and refused: because something is pending.
      expect(isReapable && this.leader.proposed.length === 0).toBe(false);
    }
  }

  /** A retry must neither become a second txn nor be unknown. */
  #repeat(sessionId: SessionId, back: number): void {
    const writer = this.#writers.get(sessionId);
    const requestNo = (writer?.requestNo ?? 0) - back;
    const operation = writer?.sent.get(requestNo);
    if (writer === undefined || operation === undefined) return;
    const request = {
      kind: 'write',
      sessionId,
      nonce: writer.nonce,
      requestNo,
      answeredThrough: 0,
      operation,
    } as const;
    const prepared = this.leader.prepare(request);
    if (prepared.kind !== 'stored') throw new Error(`a write happens once: ${JSON.stringify(prepared)}`);
    const stored = this.leader.tree.storedResult(sessionId, writer.nonce, requestNo);
    const isApplied = prepared.zxid <= this.leader.tree.appliedZxid;
    expect(stored?.zxid).toBe(isApplied ? prepared.zxid : undefined);
  }

  #open(sessionId: SessionId): void {
    const { nextZxid: zxid } = this.leader;
    const nonce = `instance ${++this.#instances}`;
    const operation = {
      kind: 'createSession',
      sessionId,
      timeoutMs: 10_000,
      passwordHash: Uint8Array.of(sessionId),
      nonce,
    } as const;
    const prepared = this.leader.prepare({ kind: 'session', operation });
    if (prepared.kind !== 'txn') {
      expect(prepared).toMatchObject({ refusal: { code: 'CONFLICT' } });
      return;
    }
    this.#writers.set(sessionId, { nonce, requestNo: 0, sent: new Map() });
    this.#tell({ kind: 'other', zxid });
  }

  #attach(sessionId: SessionId): void {
    const { nextZxid: zxid } = this.leader;
    const nonce = `instance ${++this.#instances}`;
    const prepared = this.leader.attach(sessionId, nonce);
    if (prepared.kind !== 'txn') {
      expect(this.#writers.has(sessionId)).toBe(false);
      return;
    }
    this.#writers.set(sessionId, { nonce, requestNo: 0, sent: new Map() });
    this.#tell({ kind: 'other', zxid });
  }

  #close(sessionId: SessionId): void {
    const { nextZxid: zxid } = this.leader;
    const prepared = this.leader.close(sessionId);
    if (prepared.kind !== 'txn') {
      expect(this.#writers.has(sessionId)).toBe(false);
      return;
    }
    this.#writers.delete(sessionId);
    this.#tell({ kind: 'close', zxid, sessionId });
  }

  #apply(count: number): void {
    for (let applied = 0; applied < count && this.leader.proposed.length > 0; applied++) {
      const [next] = this.leader.proposed;
      const { zxid, result, events } = this.leader.applyNext();
      expect(outcomeOf(result, events)).toEqual(this.#expected.get(zxid));
      if (next !== undefined) expect(this.follower.apply(zxid, next.txn)).toMatchObject({ result, events });
      expect(this.follower.digest()).toBe(this.leader.tree.digest());
    }
  }

  /** Another leader would begin from what is applied; so do this one and the reference. The clients begin anew. */
  #loseRole(): void {
    this.leader.loseRole();
    const applied = this.#told.filter(({ zxid }) => zxid <= this.leader.tree.appliedZxid);
    this.#told = [];
    this.reference = new ReferenceTree();
    for (const told of applied) this.#tell(told);
    this.#writers.clear();
    for (const { id } of [...this.leader.tree.sessions()]) this.#attach(id);
  }

  #sliceSnapshot(max: number): void {
    this.#snapshot ??= {
      cursor: this.leader.tree.beginSnapshot(),
      before: dump(this.leader.tree),
      entries: [],
    };
    const { cursor, before, entries } = this.#snapshot;
    const slice = cursor.next(max);
    entries.push(...slice);
    if (slice.length > 0) return;
    const tree = restored(cursor, entries);
    expect(dump(tree)).toEqual(before);
    expect(tree.digest()).toBe(cursor.digest);
    expect(cursor.preImageBytes).toBe(0);
    this.#snapshot = undefined;
    this.snapshotsTaken++;
  }

  #tell(told: Told): void {
    this.#told.push(told);
    this.#expected.set(told.zxid, this.#run(told));
  }

  #run(told: Told): ReferenceOutcome {
    switch (told.kind) {
      case 'write':
        return this.reference.run(told);
      case 'reap':
        return this.reference.reap(told.path, told.zxid);
      case 'close':
        return this.reference.close(told.sessionId, told.zxid);
      case 'other':
        return { kind: 'done', results: [], events: [] };
      default:
        return unreachable(told);
    }
  }
}

function outcomeOf(result: WriteResult, events: readonly TreeEvent[]): ReferenceOutcome {
  if (result.kind === 'done') return { kind: 'done', results: result.results, events };
  return { kind: 'refused', code: result.refusal.code, failedIndex: result.failedIndex };
}
