import {
  assert,
  type ErrorCode,
  pathFault,
  type Refusal,
  refusal,
  type SessionId,
  type SubOperation,
  type TreeEvent,
  type WatchKind,
  type WriteOperation,
  type WriteRequest,
  type WriteResult,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import type { Tree } from '@zabra/tree';
import {
  type ArmedWatch,
  type ClientWord,
  encodeServerWords,
  type Query,
  type QueryResult,
  type ServerWord,
  sizeOf,
} from './client-codec.ts';
import type { FrameStream } from './env.ts';
import type { Limits } from './options.ts';
import type { Watcher, Watches } from './watches.ts';

/** What a connection needs of the server around it. */
export interface ConnectionHost {
  readonly limits: Limits;
  readonly tree: Tree;
  readonly watches: Watches;
  /** Only then are reads answered and writes passed on. */
  readonly serving: boolean;
  /** Unanswered requests of all connections; the host counts, each connection reports. */
  outstanding: number;
  /** Their size in memory, about. */
  outstandingBytes: number;
  submit(request: WriteRequest): void;
  submitClose(sessionId: SessionId): void;
  /** A zxid at or above everything committed before now; undefined when no leader could say. */
  readIndex(answer: (zxid: Zxid | undefined) => void): void;
  heartbeat(connection: ClientConnection, number: number): void;
  /** There is something to flush at the end of this turn. */
  markDirty(connection: ClientConnection): void;
  /** Look again once more is applied, or the client has taken what is queued. */
  markWaiting(connection: ClientConnection): void;
  /** It is over, whoever ended it. */
  ended(connection: ClientConnection): void;
  nowMs(): number;
}

export interface AttachedSession {
  readonly id: SessionId;
  readonly nonce: string;
  readonly attempt: number;
}

type Pending =
  | {
      readonly kind: 'write';
      readonly xid: number;
      readonly bytes: number;
      readonly request: WriteRequest | undefined;
      result: WriteResult | undefined;
    }
  | {
      readonly kind: 'read';
      readonly xid: number;
      readonly bytes: number;
      readonly query: Query;
      readonly arrivedMs: number;
      /** Answered once this is applied; undefined until a quorum has said it. */
      floor: Zxid | undefined;
      asked: boolean;
      refusal: Refusal | undefined;
    }
  | { readonly kind: 'close' };

/**
 * One attached client: its requests in the order in which they came, and what goes back to it.
 *
 * Answers leave in the order of the requests. A write is passed on at once and answered when it is applied here; a read
 * waits for the writes before it and is then done against this server's tree. Events are put on the same stream by the
 * very apply that causes them, hence before any answer that shows the change.
 */
export class ClientConnection implements Watcher {
  readonly session: AttachedSession;
  readonly #stream: FrameStream;
  readonly #host: ConnectionHost;
  readonly #pending: Pending[] = [];
  /** Index of the oldest unanswered request; what is before it is cut off now and then. */
  #head = 0;
  readonly #writes = new Map<number, Extract<Pending, { kind: 'write' }>>();
  #out: ServerWord[] = [];
  #outBytes = 0;
  #paused = false;
  #ended = false;
  /** False from the loss of the leader until the new one has confirmed the session. */
  #claimed = true;

  constructor(stream: FrameStream, host: ConnectionHost, session: AttachedSession) {
    this.#stream = stream;
    this.#host = host;
    this.session = session;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get remote(): string {
    return this.#stream.remote;
  }

  /** Requests that are not answered. */
  get unanswered(): number {
    return this.#pending.length - this.#head;
  }

  hear(word: ClientWord): void {
    if (this.#ended) return;
    switch (word.kind) {
      case 'attach':
        this.end('MARSHALLING', 'a stream has one Attach');
        return;
      case 'heartbeat':
        this.#host.heartbeat(this, word.number);
        return;
      case 'rearm':
        for (const watch of word.watches) this.#rearm(watch);
        return;
      case 'close':
        if (this.isClosing) return;
        this.#pending.push({ kind: 'close' });
        if (this.#claimed && this.#host.serving) this.#host.submitClose(this.session.id);
        return;
      case 'write':
      case 'read':
        if (this.isClosing) this.end('MARSHALLING', 'no request comes after Close');
        else if (word.kind === 'write') this.#hearWrite(word);
        else this.#hearRead(word);
        return;
    }
  }

  #hearWrite(word: Extract<ClientWord, { kind: 'write' }>): void {
    const { xid, requestNo, operation } = word;
    if (this.#writes.has(requestNo)) {
      this.end('MARSHALLING', `write ${requestNo} is not answered yet; each write has a number of its own`);
      return;
    }
    const bytes = bytesOf(operation);
    const fault = this.#overLimit(bytes) ?? writeFault(requestNo, operation, this.#host.limits);
    if (fault !== undefined) {
      this.#enqueue({ kind: 'write', xid, bytes: 0, request: undefined, result: refusedWrite(fault) });
      return;
    }
    const request: WriteRequest = {
      kind: 'write',
      sessionId: this.session.id,
      nonce: this.session.nonce,
      requestNo,
      answeredThrough: word.answeredThrough,
      operation,
    };
    const pending: Pending = { kind: 'write', xid, bytes, request, result: undefined };
    this.#writes.set(requestNo, pending);
    this.#enqueue(pending);
    if (this.#claimed && this.#host.serving) this.#host.submit(request);
  }

  #hearRead(word: Extract<ClientWord, { kind: 'read' }>): void {
    const { query } = word;
    const illegal = query.kind === 'sync' ? undefined : pathFault(query.path);
    const bytes = REQUEST_BYTES + query.path.length;
    const fault =
      this.#overLimit(bytes) ??
      (illegal === undefined ? undefined : refusal('INVALID_PATH', `${query.path}: ${illegal}`));
    const confirmed = word.linearizable || query.kind === 'sync';
    const pending: Pending = {
      kind: 'read',
      xid: word.xid,
      bytes,
      query,
      arrivedMs: this.#host.nowMs(),
      floor: confirmed && fault === undefined ? undefined : word.minZxid,
      asked: false,
      refusal: fault,
    };
    this.#confirm(pending);
    this.#enqueue(pending);
  }

  /** Asks for the zxid to wait for; asked again when the leader was lost meanwhile. */
  #confirm(read: Extract<Pending, { kind: 'read' }>): void {
    if (read.floor !== undefined || read.asked || !this.#host.serving) return;
    read.asked = true;
    this.#host.readIndex((zxid) => {
      read.asked = false;
      if (this.#ended) return;
      if (zxid === undefined) {
        this.#host.markWaiting(this);
        return;
      }
      read.floor = zxid;
      this.advance();
    });
  }

  #enqueue(pending: Exclude<Pending, { kind: 'close' }>): void {
    this.#pending.push(pending);
    this.#host.outstanding++;
    this.#host.outstandingBytes += pending.bytes;
    if (this.unanswered > 2 * this.#host.limits.requestsPerSessionMax) {
      this.end(
        'LIMIT',
        `requestsPerSessionMax: ${this.#host.limits.requestsPerSessionMax} unanswered requests; wait for answers`,
      );
      return;
    }
    this.advance();
  }

  #overLimit(bytes: number): Refusal | undefined {
    const { requestsPerSessionMax, requestsMax, requestsBytesMax } = this.#host.limits;
    if (this.unanswered >= requestsPerSessionMax) {
      return refusal(
        'LIMIT',
        `requestsPerSessionMax: a session has at most ${requestsPerSessionMax} unanswered requests; wait for answers`,
      );
    }
    if (this.#host.outstanding >= requestsMax) {
      return refusal(
        'LIMIT',
        `requestsMax: this server has ${requestsMax} unanswered requests; try again later or elsewhere`,
      );
    }
    if (this.#host.outstandingBytes + bytes > requestsBytesMax) {
      return refusal(
        'LIMIT',
        `requestsBytesMax: the unanswered requests of this server have at most ${requestsBytesMax} bytes; try again later or elsewhere`,
      );
    }
    return undefined;
  }

  /** A txn of this session was applied here, or its stored result found. */
  complete(requestNo: number, result: WriteResult): void {
    const pending = this.#writes.get(requestNo);
    if (pending === undefined || pending.result !== undefined) return;
    pending.result = result;
    this.advance();
  }

  /** The leader refused a write before it was ordered. */
  refuse(requestNo: number, reason: Refusal): void {
    this.complete(requestNo, refusedWrite(reason));
  }

  /** The leader is gone: what is unanswered waits for the next one. */
  suspend(): void {
    this.#claimed = false;
  }

  /** The new leader confirmed the session: everything unanswered is passed on again; a write done already is found stored. */
  resume(): void {
    if (this.#claimed) return;
    this.#claimed = true;
    for (const pending of this.#pending.slice(this.#head)) {
      if (pending.kind === 'write' && pending.request !== undefined && pending.result === undefined) {
        this.#host.submit(pending.request);
      } else if (pending.kind === 'read') {
        this.#confirm(pending);
      } else if (pending.kind === 'close') {
        this.#host.submitClose(this.session.id);
      }
    }
    this.advance();
  }

  /** Answers what can be answered, oldest first. */
  advance(): void {
    while (!this.#ended && this.#head < this.#pending.length) {
      const pending = this.#pending[this.#head];
      assert(pending !== undefined, 'an unanswered request is there', { head: this.#head });
      if (pending.kind === 'close') return;
      const word = this.#replyTo(pending);
      if (word === undefined) return;
      // Counted first: to say it may end the connection.
      this.#head++;
      this.#settled(pending);
      this.say(word);
    }
    if (this.#head > 64 && this.#head * 2 > this.#pending.length) {
      this.#pending.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #settled({ bytes }: Exclude<Pending, { kind: 'close' }>): void {
    this.#host.outstanding--;
    this.#host.outstandingBytes -= bytes;
  }

  /** undefined: not yet. */
  #replyTo(pending: Exclude<Pending, { kind: 'close' }>): ServerWord | undefined {
    const { xid } = pending;
    if (pending.kind === 'write') {
      const { result, request } = pending;
      if (result === undefined) return undefined;
      if (request !== undefined) this.#writes.delete(request.requestNo);
      return { kind: 'written', xid, zxid: this.#host.tree.appliedZxid, result };
    }
    const result = this.#answer(pending);
    return result && { kind: 'read', xid, zxid: this.#host.tree.appliedZxid, result };
  }

  #answer(read: Extract<Pending, { kind: 'read' }>): QueryResult | undefined {
    if (read.refusal !== undefined) return { kind: 'refused', refusal: read.refusal };
    if (!this.#host.serving) return undefined;
    if (read.floor === undefined) {
      this.#confirm(read);
      return undefined;
    }
    const { tree, limits } = this.#host;
    if (read.floor > tree.appliedZxid) {
      if (this.#host.nowMs() - read.arrivedMs > BEHIND_AFTER_MS) {
        return {
          kind: 'refused',
          refusal: refusal(
            'BEHIND',
            'this server has not applied the zxid asked for; ask another server or later',
          ),
        };
      }
      this.#host.markWaiting(this);
      return undefined;
    }
    if (this.#outBytes + this.#stream.queuedBytes > limits.clientQueueBytesMax / 2) {
      this.#host.markWaiting(this);
      return undefined;
    }
    return this.#query(read.query, tree);
  }

  #query(query: Query, tree: Tree): QueryResult {
    const { path } = query;
    const { limits, watches } = this.#host;
    if (query.watch && watches.countOf(this) >= limits.watchesPerSessionMax) {
      return { kind: 'refused', refusal: refusal('LIMIT', tooManyWatches(limits)) };
    }
    switch (query.kind) {
      case 'sync':
        return { kind: 'sync' };
      case 'get': {
        const node = tree.get(path);
        if (node === undefined) return noNode(path);
        if (query.watch) this.#arm('data', path);
        return { kind: 'get', data: node.data, stat: node.stat };
      }
      case 'exists': {
        const stat = tree.stat(path);
        if (query.watch) this.#arm(stat === undefined ? 'exist' : 'data', path);
        return { kind: 'exists', stat };
      }
      case 'children': {
        const children = tree.children(path);
        if (children === undefined) return noNode(path);
        if (query.watch) this.#arm('child', path);
        return { kind: 'children', names: children.names, stat: children.stat };
      }
    }
  }

  #arm(kind: WatchKind, path: string): void {
    this.#host.watches.arm(this, kind, path);
  }

  /**
   * A watch that the client had at another server, or on a stream before this one: fires at once if something happened
   * since, else waits here. What can't be told apart from nothing (a node made and deleted meanwhile) says `resync`.
   */
  #rearm(watch: ArmedWatch): void {
    if (pathFault(watch.path) !== undefined) {
      this.end('INVALID_PATH', `${watch.path} cannot be watched`);
      return;
    }
    const { tree, limits } = this.#host;
    const missed = missedEvent(tree, watch);
    if (missed === undefined && this.#host.watches.countOf(this) >= limits.watchesPerSessionMax)
      this.end('LIMIT', tooManyWatches(limits));
    else if (missed === undefined) this.#arm(watch.kind, watch.path);
    else
      this.say({ kind: 'event', type: missed, path: watch.path, zxid: tree.appliedZxid, watch: watch.kind });
  }

  fire(event: TreeEvent, kind: WatchKind): void {
    this.say({ kind: 'event', type: event.type, path: event.path, zxid: event.zxid, watch: kind });
  }

  say(word: ServerWord): void {
    if (this.#ended) return;
    if (this.#out.length === 0) this.#host.markDirty(this);
    this.#out.push(word);
    this.#outBytes += sizeOf(word);
    if (this.#outBytes > FRAME_BYTES) this.flush();
  }

  flush(): void {
    if (this.#out.length === 0) return;
    this.#send();
    const { clientQueueBytesMax, requestsPerSessionMax } = this.#host.limits;
    if (this.#stream.queuedBytes > clientQueueBytesMax) {
      this.end(
        'LIMIT',
        `clientQueueBytesMax: more than ${clientQueueBytesMax} bytes wait for this client; read faster`,
      );
    } else if (!this.#paused && this.unanswered >= requestsPerSessionMax) {
      this.#paused = true;
      this.#stream.pause();
      this.#host.markWaiting(this);
    }
  }

  #send(): void {
    const words = this.#out;
    this.#out = [];
    this.#outBytes = 0;
    this.#stream.send(encodeServerWords(words));
  }

  /** Called again and again while marked as waiting; true when there is nothing to wait for any more. */
  retry(): boolean {
    if (this.#ended) return true;
    this.advance();
    if (this.#paused && this.unanswered < this.#host.limits.requestsPerSessionMax) {
      this.#paused = false;
      this.#stream.resume();
    }
    return !this.#paused && this.#head === this.#pending.length;
  }

  /** The last word on this stream. `OK`: the session is closed as asked. */
  end(code: ErrorCode | 'OK', message: string): void {
    if (this.#ended) return;
    this.#out.push({ kind: 'goodbye', code, message });
    this.#send();
    this.lost();
    this.#stream.close();
  }

  /** Ends the stream without a word. */
  abandon(): void {
    this.lost();
    this.#stream.close();
  }

  /** The stream is over; nothing more goes out. */
  lost(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const pending of this.#pending.slice(this.#head))
      if (pending.kind !== 'close') this.#settled(pending);
    this.#pending.length = 0;
    this.#head = 0;
    this.#writes.clear();
    this.#host.ended(this);
  }

  get isClosing(): boolean {
    return this.#pending.at(-1)?.kind === 'close';
  }
}

/** How long a read may wait for a zxid that this server has not applied. */
const BEHIND_AFTER_MS = 1000;
/** A frame is sent when it has grown to about this. */
const FRAME_BYTES = 256 * 1024;

/** What a request takes in memory besides the data and names in it, about. */
const REQUEST_BYTES = 256;

function bytesOf(operation: WriteOperation): number {
  const operations = operation.kind === 'transaction' ? operation.operations : [operation];
  let bytes = REQUEST_BYTES;
  for (const each of operations) {
    bytes += REQUEST_BYTES + each.path.length;
    if (each.kind === 'create' || each.kind === 'set') bytes += each.data.length;
    if (each.kind === 'create') {
      for (const { scheme, id } of each.acl) bytes += REQUEST_BYTES + scheme.length + id.length;
    }
  }
  return bytes;
}

function tooManyWatches({ watchesPerSessionMax }: Limits): string {
  return `watchesPerSessionMax: a session has at most ${watchesPerSessionMax} watches; let some go`;
}

function noNode(path: string): QueryResult {
  return { kind: 'refused', refusal: refusal('NO_NODE', `${path} does not exist`) };
}

function refusedWrite(reason: Refusal): WriteResult {
  return { kind: 'refused', zxid: ZXID_NONE, refusal: reason, failedIndex: -1, codes: [] };
}

/** What is wrong with a write whatever the tree holds; it is then refused here and never ordered. */
function writeFault(requestNo: number, operation: WriteOperation, limits: Limits): Refusal | undefined {
  if (requestNo === 0) return refusal('BAD_ARGUMENTS', 'a write carries its number, from 1');
  if (operation.kind !== 'transaction') return operationFault(operation, limits);
  const { length } = operation.operations;
  if (length > limits.transactionOperationsMax) {
    return refusal(
      'LIMIT',
      `transactionOperationsMax: a transaction has at most ${limits.transactionOperationsMax} operations, this one ${length}; split it`,
    );
  }
  // Any other fault inside a transaction is found in its order by the leader, which reports the code of each operation.
  for (const each of operation.operations) {
    const fault = sizeFault(each, limits);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function operationFault(operation: SubOperation, limits: Limits): Refusal | undefined {
  const sequential = operation.kind === 'create' && operation.mode.endsWith('sequential');
  const fault = pathFault(operation.path, { sequential });
  if (fault !== undefined) return refusal('INVALID_PATH', `${operation.path}: ${fault}`);
  return sizeFault(operation, limits);
}

function sizeFault(operation: SubOperation, { dataBytesMax }: Limits): Refusal | undefined {
  if (operation.kind !== 'create' && operation.kind !== 'set') return undefined;
  const { path, data } = operation;
  if (data.length <= dataBytesMax) return undefined;
  return refusal(
    'DATA_TOO_LARGE',
    `${path}: dataBytesMax is ${dataBytesMax} bytes, this has ${data.length}; split it or raise the limit on every server`,
  );
}

function missedEvent(tree: Tree, watch: ArmedWatch): TreeEvent['type'] | 'resync' | undefined {
  const stat = tree.stat(watch.path);
  switch (watch.kind) {
    case 'data':
      if (stat === undefined) return 'deleted';
      return Math.max(stat.mzxid, stat.czxid) > watch.zxid ? 'changed' : undefined;
    case 'child':
      if (stat === undefined) return 'deleted';
      return Math.max(stat.pzxid, stat.czxid) > watch.zxid ? 'children' : undefined;
    case 'exist':
      if (stat !== undefined) return 'created';
      return mayHaveBeen(tree, watch.path, watch.zxid) ? 'resync' : undefined;
  }
}

/** Whether a node that is absent now may have existed since `zxid`: its nearest ancestor that exists has changed children. */
function mayHaveBeen(tree: Tree, path: string, zxid: Zxid): boolean {
  let ancestor = path;
  let stat = tree.stat(ancestor);
  while (stat === undefined) {
    const slash = ancestor.lastIndexOf('/');
    ancestor = slash <= 0 ? '/' : ancestor.slice(0, slash);
    stat = tree.stat(ancestor);
  }
  return stat.pzxid > zxid;
}
