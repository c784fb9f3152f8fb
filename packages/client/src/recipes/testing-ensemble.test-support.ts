/**
 * A server for recipes' tests: real session frames in, real session frames out, znodes in memory, and the clock that
 * the test advances. It keeps the promises that recipes lean on: replies in the order of requests, an event before the
 * reply that shows its change, numbered writes applied once, watches that fire for what happened while away.
 *
 * Frames travel by `setImmediate`; time stands still until somebody advances it.
 */
import {
  type ArmedWatch,
  type Attach,
  type ClientEntry,
  type ClientRequest,
  decodeClientFrame,
  encodeServerFrame,
  type Reply,
  type ServerEntry,
  type SubOperation,
  type WatchKind,
} from '@zabra/proto';
import type { ClientChannel, ClientEnv } from '../core/env.ts';
import { type ModelEvent, ModelTree } from './model-tree.test-support.ts';
import type { Blow } from './recipe-faults.test-support.ts';

/** A blow, or the server says that it does not know what became of the request. */
export type Fault = Blow | (Omit<Blow, 'kind'> & { readonly kind: 'doubt' });

interface ModelSession {
  readonly id: number;
  readonly timeoutMs: number;
  readonly watches: Map<string, WatchKind>;
  readonly written: Map<number, Reply>;
  stream: Stream | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
}

type Handlers = Parameters<ClientChannel['receive']>[0];

/** One channel, seen from the server. */
interface Stream {
  readonly client: ModelClient;
  handlers: Handlers | undefined;
  session: ModelSession | undefined;
  open: boolean;
  /** Entries that came and are not yet done; nothing is done while it is held. */
  readonly inbox: ClientEntry[];
}

/** What the ensemble knows of one client process: its requests are counted, its faults planted here. */
export class ModelClient {
  fault: Fault | undefined;
  requests = 0;
  held: Stream | undefined;
  /** The reply that is held back. */
  heldReply: ServerEntry[] = [];
  reachable = true;
  /** Called in the very turn in which the client gets a frame. */
  delivered: () => void = () => {};
  stream: Stream | undefined;
}

export class ModelEnsemble {
  readonly tree: ModelTree = new ModelTree();
  readonly #sessions = new Map<number, ModelSession>();
  #nextSession = 1;
  #inFlight = 0;

  /** The world as one client process sees it. Its timers and clock are the globals, which the test fakes. */
  env(client: ModelClient): ClientEnv {
    let seed = 0x2a + this.#nextSession;
    return {
      monotonicMs: () => Date.now(),
      wallMs: () => Date.now(),
      after: (delayMs, work) => {
        const timer = setTimeout(work, delayMs);
        return () => clearTimeout(timer);
      },
      atTurnEnd: (work) => this.#soon(work),
      randomBytes: (count) =>
        Uint8Array.from({ length: count }, () => {
          seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
          return seed >>> 24;
        }),
      dial: () => this.#dial(client),
    };
  }

  /** Resolves when nothing moves any more unless time goes on. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 8; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#inFlight > 0) quiet = -1;
    }
  }

  /** What a held client sent goes on. */
  release(client: ModelClient): void {
    const { held: stream, heldReply } = client;
    client.held = undefined;
    client.heldReply = [];
    if (!stream) return;
    this.#say(stream, heldReply);
    this.#work(stream);
  }

  /** The client's stream ends, and until `reconnect` no other can be opened. The server notices nothing. */
  cutOff(client: ModelClient): void {
    client.reachable = false;
    if (client.stream) this.#cut(client.stream);
  }

  reconnect(client: ModelClient): void {
    client.reachable = true;
  }

  expire(sessionId: number, code: 'SESSION_EXPIRED' | 'SESSION_MOVED' = 'SESSION_EXPIRED'): void {
    const session = this.#sessions.get(sessionId);
    if (session) this.#endSession(session, code);
  }

  #dial(client: ModelClient): ClientChannel {
    const stream: Stream = {
      client,
      handlers: undefined,
      session: undefined,
      open: client.reachable,
      inbox: [],
    };
    client.stream = stream;
    if (!stream.open) this.#soon(() => stream.handlers?.closed(new Error('cannot be reached')));
    return {
      send: (frame) => {
        if (!stream.open) return;
        // Read before it is let go: the sender may use its buffer again.
        const { entries } = decodeClientFrame(frame.slice());
        this.#soon(() => {
          stream.inbox.push(...entries);
          this.#work(stream);
        });
      },
      close: () => {
        stream.open = false;
        stream.handlers = undefined;
        this.#detach(stream);
      },
      receive: (handlers) => {
        stream.handlers = handlers;
      },
    };
  }

  #work(stream: Stream): void {
    while (stream.open && stream.client.held !== stream) {
      const entry = stream.inbox.shift();
      if (!entry) return;
      this.#hear(stream, entry);
    }
  }

  #hear(stream: Stream, entry: ClientEntry): void {
    switch (entry.kind) {
      case 'attach':
        this.#attach(stream, entry.attach);
        break;
      case 'rearm':
        for (const watch of entry.rearm.watches) this.#rearm(stream, watch);
        break;
      case 'heartbeat': {
        this.#touch(stream.session);
        const { number } = entry.heartbeat;
        this.#say(stream, [
          { kind: 'heartbeatAck', heartbeatAck: { number, zxid: this.tree.zxid, serverTimeMs: Date.now() } },
        ]);
        break;
      }
      case 'close':
        if (stream.session) this.#endSession(stream.session, 'OK');
        break;
      case 'request':
        this.#request(stream, entry.request);
        break;
      default:
        throw new Error('an entry of a kind that the model does not know');
    }
  }

  #attach(stream: Stream, attach: Attach): void {
    let session = this.#sessions.get(attach.sessionId);
    if (attach.sessionId === 0) {
      session = {
        id: this.#nextSession++,
        timeoutMs: attach.timeoutMs,
        watches: new Map(),
        written: new Map(),
        stream,
        timer: undefined,
      };
      this.#sessions.set(session.id, session);
    }
    if (!session) {
      this.#say(stream, [{ kind: 'goodbye', goodbye: { code: 'SESSION_EXPIRED', message: '' } }]);
      return;
    }
    session.stream = stream;
    session.watches.clear();
    stream.session = session;
    this.#touch(session);
    this.#say(stream, [
      {
        kind: 'attached',
        attached: {
          protocol: 1,
          features: 0,
          sessionId: session.id,
          password: new Uint8Array(16).fill(session.id),
          timeoutMs: session.timeoutMs,
          serverId: 1,
          clusterId: 'model',
          zxid: this.tree.zxid,
          readOnly: false,
          frameBytesMax: 0,
        },
      },
    ]);
  }

  #rearm(stream: Stream, { kind, path, zxid }: ArmedWatch): void {
    const { session } = stream;
    if (!session) return;
    const node = this.tree.get(path);
    const missed: ModelEvent['type'] | undefined =
      kind === 'EXIST'
        ? node && 'CREATED'
        : !node || node.czxid > zxid
          ? 'DELETED'
          : kind === 'DATA'
            ? node.mzxid > zxid
              ? 'CHANGED'
              : undefined
            : node.pzxid > zxid
              ? 'CHILDREN'
              : undefined;
    if (missed === undefined) session.watches.set(`${kind} ${path}`, kind);
    else
      this.#say(stream, [
        { kind: 'event', event: { type: missed, path, zxid: this.tree.zxid, kind, watchId: 0 } },
      ]);
  }

  #request(stream: Stream, request: ClientRequest): void {
    const { client, session } = stream;
    if (!session) return;
    this.#touch(session);
    client.requests++;
    const fault = client.fault?.request === client.requests ? client.fault : undefined;
    if (fault) client.fault = undefined;
    if (fault?.when === 'before') {
      if (fault.kind === 'cut') {
        this.#cut(stream);
        return;
      }
      if (fault.kind === 'doubt') {
        this.#say(stream, [doubt(request.xid, this.tree.zxid)]);
        return;
      }
      client.held = stream;
      client.requests--;
      stream.inbox.unshift({ kind: 'request', request });
      return;
    }
    const reply: ServerEntry = { kind: 'reply', reply: this.#answer(session, request) };
    if (fault?.kind === 'cut') this.#cut(stream);
    else if (fault?.kind === 'doubt') this.#say(stream, [doubt(request.xid, this.tree.zxid)]);
    else if (fault?.kind === 'hold') {
      client.held = stream;
      client.heldReply = [reply];
    } else this.#say(stream, [reply]);
  }

  #answer(session: ModelSession, request: ClientRequest): Reply {
    const stored = session.written.get(request.requestNo);
    if (stored) return { ...stored, xid: request.xid };
    const reply = this.#execute(session, request);
    for (const number of session.written.keys()) {
      if (number <= request.answeredThrough) session.written.delete(number);
    }
    if (request.requestNo > 0) session.written.set(request.requestNo, reply);
    return reply;
  }

  #execute(session: ModelSession, request: ClientRequest): Reply {
    const { tree } = this;
    const { xid } = request;
    const absent = (): Reply => ({
      kind: 'refused',
      xid,
      zxid: tree.zxid,
      refused: { code: 'NO_NODE', message: '', failedIndex: undefined, codes: [] },
    });
    switch (request.kind) {
      case 'get': {
        const { path, watch } = request.get;
        const node = tree.get(path);
        if (!node) return absent();
        if (watch) session.watches.set(`DATA ${path}`, 'DATA');
        return { kind: 'get', xid, zxid: tree.zxid, get: { data: node.data, stat: tree.statOf(path) } };
      }
      case 'exists': {
        const { path, watch } = request.exists;
        const stat = tree.statOf(path);
        const kind = stat ? 'DATA' : 'EXIST';
        if (watch) session.watches.set(`${kind} ${path}`, kind);
        return { kind: 'exists', xid, zxid: tree.zxid, exists: { stat } };
      }
      case 'children': {
        const { path, watch } = request.children;
        const stat = tree.statOf(path);
        if (!stat) return absent();
        if (watch) session.watches.set(`CHILD ${path}`, 'CHILD');
        return {
          kind: 'children',
          xid,
          zxid: tree.zxid,
          children: { names: tree.childrenOf(path), stat, more: false, stats: [] },
        };
      }
      case 'sync':
        return { kind: 'sync', xid, zxid: tree.zxid, sync: {} };
      case 'transaction':
        return this.#write(session, xid, request.transaction.operations, true);
      case 'removeWatch':
        session.watches.delete(`${request.removeWatch.kind} ${request.removeWatch.path}`);
        return { kind: 'watch', xid, zxid: tree.zxid, watch: {} };
      case 'create':
      case 'set':
      case 'delete':
        return this.#write(session, xid, [request], false);
      default:
        throw new Error(`a request of a kind that the model does not know: ${request.kind}`);
    }
  }

  #write(
    session: ModelSession,
    xid: number,
    operations: readonly SubOperation[],
    isTransaction: boolean,
  ): Reply {
    const outcome = this.tree.apply(operations, session.id);
    if (outcome.kind === 'done') {
      this.#tell(outcome.events);
      return { kind: 'write', xid, zxid: this.tree.zxid, write: { results: outcome.results } };
    }
    const { code, index } = outcome;
    const codes = operations.map((_, each) => (each === index ? code : ('OK' as const)));
    const refused = isTransaction
      ? { code: 'TRANSACTION_FAILED' as const, message: '', failedIndex: index, codes }
      : { code, message: '', failedIndex: undefined, codes: [] };
    return { kind: 'refused', xid, zxid: this.tree.zxid, refused };
  }

  #tell(events: readonly ModelEvent[]): void {
    for (const { type, path, zxid } of events) {
      const kinds: readonly WatchKind[] = KINDS_OF[type];
      for (const session of this.#sessions.values()) {
        for (const kind of kinds) {
          if (session.watches.delete(`${kind} ${path}`) && session.stream) {
            this.#say(session.stream, [{ kind: 'event', event: { type, path, zxid, kind, watchId: 0 } }]);
          }
        }
      }
    }
  }

  #endSession(session: ModelSession, code: 'OK' | 'SESSION_EXPIRED' | 'SESSION_MOVED'): void {
    clearTimeout(session.timer);
    this.#sessions.delete(session.id);
    const { stream } = session;
    this.#tell(this.tree.deleteOwnedBy(session.id));
    if (stream) this.#say(stream, [{ kind: 'goodbye', goodbye: { code, message: '' } }]);
  }

  #touch(session: ModelSession | undefined): void {
    if (!session) return;
    clearTimeout(session.timer);
    session.timer = setTimeout(() => this.#endSession(session, 'SESSION_EXPIRED'), session.timeoutMs);
  }

  #cut(stream: Stream): void {
    if (!stream.open) return;
    stream.open = false;
    this.#detach(stream);
    this.#soon(() => stream.handlers?.closed(new Error('the connection was cut')));
  }

  #detach(stream: Stream): void {
    if (stream.client.held === stream) {
      stream.client.held = undefined;
      stream.client.heldReply = [];
    }
    if (stream.session?.stream !== stream) return;
    stream.session.stream = undefined;
    stream.session.watches.clear();
  }

  #say(stream: Stream, entries: readonly ServerEntry[]): void {
    if (!stream.open || entries.length === 0) return;
    // Order within a stream is kept: nothing overtakes a reply that is held back.
    if (stream.client.held === stream) {
      stream.client.heldReply.push(...entries);
      return;
    }
    const frame = encodeServerFrame({ entries });
    this.#soon(() => {
      if (!stream.open) return;
      stream.handlers?.frame(frame);
      stream.client.delivered();
    });
  }

  #soon(work: () => void): void {
    this.#inFlight++;
    setImmediate(() => {
      this.#inFlight--;
      work();
    });
  }
}

function doubt(xid: number, zxid: number): ServerEntry {
  const refused = { code: 'SYSTEM', message: 'unknown', failedIndex: undefined, codes: [] } as const;
  return { kind: 'reply', reply: { kind: 'refused', xid, zxid, refused } };
}

const KINDS_OF = {
  CREATED: ['EXIST'],
  CHANGED: ['DATA'],
  DELETED: ['DATA', 'CHILD'],
  CHILDREN: ['CHILD'],
} as const;
