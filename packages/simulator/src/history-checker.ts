import { type Epoch, epochOf, type Zxid } from '@zabra/model';
import { decodeTxn, type Txn } from '@zabra/proto';
import type { LogRecord } from '@zabra/zab';
import { hashBytes } from './trace.ts';
import { type ModelEvent, TreeModel } from './tree-model.ts';
import { demand } from './violation.ts';

/** A numbered write as the history holds it. */
export interface ExecutedWrite {
  readonly zxid: Zxid;
  readonly txn: Txn;
}

/**
 * The one history that every server must agree on: it grows by a record when the first server delivers it, and is what
 * all others are held to. Sections A5 to A8, C1 and D5 of the rules in docs/testing.md.
 */
export class HistoryChecker {
  readonly #indexes = new Map<Zxid, number>();
  readonly #zxids: Zxid[] = [];
  readonly #hashes: number[] = [];
  readonly #digests = new Map<Zxid, string>();
  readonly #nonces = new Map<number, string>();
  readonly #writes = new Map<string, ExecutedWrite>();
  /** Of each path: when its data (or existence) and its list of children changed, oldest first. */
  readonly #dataChanges = new Map<string, Zxid[]>();
  readonly #childChanges = new Map<string, Zxid[]>();
  readonly #events: ModelEvent[] = [];
  readonly #sessionEnded: (sessionId: number) => void;
  readonly tree: TreeModel;

  /** `sessionEnded` hears of each session's end when the first server delivers it. For the clocks see {@link TreeModel}. */
  constructor(
    sessionEnded: (sessionId: number) => void,
    clocks: { nowMs: () => number; clockRateMax: number },
  ) {
    this.#sessionEnded = sessionEnded;
    this.tree = new TreeModel(clocks);
  }

  get length(): number {
    return this.#zxids.length;
  }

  get last(): Zxid | undefined {
    return this.#zxids.at(-1);
  }

  /** The last record of this epoch or one before it. */
  lastThrough(epoch: Epoch): Zxid | undefined {
    return this.#zxids.findLast((zxid) => epochOf(zxid) <= epoch);
  }

  has(zxid: Zxid): boolean {
    return this.#indexes.has(zxid);
  }

  /** Place of a record in the history, counted from 1; 0 is the place before the first. */
  position(zxid: Zxid): number | undefined {
    if (zxid === 0) return 0;
    const index = this.#indexes.get(zxid);
    return index === undefined ? undefined : index + 1;
  }

  /** A server delivers `record` right after position `after`; answers the record's own position. */
  deliver(server: number, record: LogRecord, after: number): number {
    const { zxid } = record;
    const hash = hashBytes(record.payload);
    const known = this.#indexes.get(record.zxid);
    if (known === undefined) {
      demand(after === this.#zxids.length, 'a server delivers what the others delivered', { server, zxid });
      demand(record.previous === (this.last ?? 0), 'the history has no holes', { server, zxid });
      demand(record.zxid > (this.last ?? 0), 'zxids grow in the history', { server, zxid });
      this.#append(record, hash);
      return this.#zxids.length;
    }
    demand(this.#hashes[known] === hash, 'one zxid, one record', { server, zxid });
    demand(known === after, 'a server delivers every record once, in order', { server, zxid });
    return known + 1;
  }

  digest(server: number, zxid: Zxid, digest: string): void {
    const known = this.#digests.get(zxid);
    if (known === undefined) this.#digests.set(zxid, digest);
    else {
      demand(known === digest, 'equal zxid, equal digest', {
        server,
        zxid: zxid,
        digest,
        known,
      });
    }
  }

  /** The write of this number, if the history has it. */
  write(sessionId: number, nonce: string, requestNo: number): ExecutedWrite | undefined {
    return this.#writes.get(`${sessionId} ${nonce} ${requestNo}`);
  }

  /** The first change after `zxid` that a watch of this kind on this path must tell; undefined when there is none. */
  firstChange(path: string, kind: 'data' | 'child', zxid: number): Zxid | undefined {
    const changes = (kind === 'data' ? this.#dataChanges : this.#childChanges).get(path) ?? [];
    let index = changes.length;
    while (index > 0 && (changes[index - 1] as Zxid) > zxid) index--;
    return changes[index];
  }

  /** Everything that watches can hear of, in order; grows at its end. */
  get events(): readonly ModelEvent[] {
    return this.#events;
  }

  /** The place among `events` of the first one after `zxid`. */
  eventsAfter(zxid: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle] as ModelEvent).zxid <= zxid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #append(record: LogRecord, hash: number): void {
    this.#indexes.set(record.zxid, this.#zxids.length);
    this.#zxids.push(record.zxid);
    this.#hashes.push(hash);
    if (record.kind === 'txn') this.#appendTxn(record.zxid, decodeTxn(record.payload));
  }

  #appendTxn(zxid: Zxid, txn: Txn): void {
    switch (txn.kind) {
      case 'createSession':
        this.#nonces.set(txn.createSession.sessionId, txn.createSession.nonce);
        break;
      case 'attachSession':
        this.#nonces.set(txn.attachSession.sessionId, txn.attachSession.nonce);
        break;
      case 'closeSession':
        this.#sessionEnded(txn.closeSession.sessionId);
        break;
    }
    for (const event of this.tree.apply(zxid, txn)) {
      this.#events.push(event);
      note(event.type === 'CHILDREN' ? this.#childChanges : this.#dataChanges, event.path, zxid);
    }
    if (txn.requestNo > 0) this.#numberWrite(zxid, txn);
  }

  #numberWrite(zxid: Zxid, txn: Txn): void {
    const key = `${txn.sessionId} ${this.#nonces.get(txn.sessionId)} ${txn.requestNo}`;
    const former = this.#writes.get(key);
    demand(former === undefined, 'no numbered write happens twice', {
      session: txn.sessionId,
      requestNo: txn.requestNo,
      first: former?.zxid ?? 0,
      second: zxid,
    });
    this.#writes.set(key, { zxid, txn });
  }
}

function note(changes: Map<string, Zxid[]>, path: string, zxid: Zxid): void {
  const list = changes.get(path);
  if (list === undefined) changes.set(path, [zxid]);
  else list.push(zxid);
}
