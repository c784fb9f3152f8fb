import type { Zxid } from '@zabra/model';
import {
  type Attach,
  type Attached,
  type Change,
  type ClientRequest,
  decodeClientFrame,
  decodeServerFrame,
  type Event,
  type HeartbeatAck,
  type Rearm,
  type Reply,
  type WriteDone,
} from '@zabra/proto';
import type { WireTap } from './client-env.ts';
import type { ExpiryChecker } from './expiry-checker.ts';
import type { ExecutedWrite, HistoryChecker } from './history-checker.ts';
import { StandingWatches } from './standing-watches.ts';
import { demand } from './violation.ts';

/**
 * Listens on the wire of every client and holds the servers to what they tell: each session's replies come in the order
 * of its requests and never show an older state than one before; an acknowledged write is in the history, with that
 * result; a linearizable read and a sync show whatever anybody was shown before they were asked; the event of a watch
 * comes before any reply that shows the change, and one that stays hears them all. What it hears of heartbeats goes to the
 * {@link ExpiryChecker}.
 */
export class SessionChecker {
  readonly #history: HistoryChecker;
  readonly #expiry: ExpiryChecker;
  readonly #sessions = new Map<number, SessionView>();
  #writes = 0;
  #refusals = 0;
  #events = 0;
  /** The newest state that anybody was shown. */
  #shownZxid = 0;
  #confirmedReads = 0;
  #staleReads = 0;
  /** Numbered writes acknowledged, each once. */
  readonly #acknowledged = new Map<string, { sessionId: number; nonce: string; requestNo: number }>();

  constructor(history: HistoryChecker, expiry: ExpiryChecker) {
    this.#history = history;
    this.#expiry = expiry;
  }

  /** Writes whose success a client was told. */
  get acknowledgedWrites(): number {
    return this.#writes;
  }

  get refusedWrites(): number {
    return this.#refusals;
  }

  get watchEvents(): number {
    return this.#events;
  }

  /** Events and gaps that watches which stay were told of. */
  get standing(): { readonly heard: number; readonly resyncs: number } {
    let heard = 0;
    let resyncs = 0;
    for (const { standing } of this.#sessions.values()) {
      heard += standing.heard;
      resyncs += standing.resyncs;
    }
    return { heard, resyncs };
  }

  /** Linearizable reads and syncs that were answered; and plain reads that showed less than somebody had seen before. */
  get reads(): { readonly confirmed: number; readonly stale: number } {
    return { confirmed: this.#confirmedReads, stale: this.#staleReads };
  }

  /** At the end: every acknowledged write is in the history. */
  checkAcknowledged(): void {
    for (const { sessionId, nonce, requestNo } of this.#acknowledged.values()) {
      const write = this.#history.write(sessionId, nonce, requestNo);
      demand(write !== undefined, 'an acknowledged write is never lost', { session: sessionId, requestNo });
    }
  }

  /** For one stream of one client. */
  tap(): WireTap {
    const stream: StreamView = {
      attach: undefined,
      attachSentMs: 0,
      session: undefined,
      beatsSentMs: new Map(),
      requests: [],
      shownWhenAsked: [],
      answered: 0,
    };
    return {
      sent: (frame) => {
        for (const entry of decodeClientFrame(frame).entries) {
          if (entry.kind === 'attach') {
            stream.attach = entry.attach;
            stream.attachSentMs = this.#expiry.nowMs();
            // A new stream holds the watches that the client arms again, and no others.
            const session = this.#sessions.get(entry.attach.sessionId);
            session?.watches.clear();
            session?.standing.clear();
          }
          if (entry.kind === 'rearm') this.#rearm(stream, entry.rearm);
          if (entry.kind === 'request') this.#asked(stream, entry.request);
          if (entry.kind === 'heartbeat') {
            stream.beatsSentMs.set(entry.heartbeat.number, this.#expiry.nowMs());
          }
          if (entry.kind === 'close' && stream.session !== undefined) {
            this.#expiry.closing(stream.session.id);
          }
        }
      },
      received: (frame) => {
        for (const entry of decodeServerFrame(frame).entries) {
          if (entry.kind === 'attached') this.#attached(stream, entry.attached);
          if (entry.kind === 'reply') this.#reply(stream, entry.reply);
          if (entry.kind === 'event') this.#event(stream, entry.event);
          if (entry.kind === 'heartbeatAck') this.#heartbeatAck(stream, entry.heartbeatAck);
        }
      },
    };
  }

  #asked(stream: StreamView, request: ClientRequest): void {
    stream.requests.push(request);
    stream.shownWhenAsked.push(this.#shownZxid);
    if (request.kind === 'addWatch')
      stream.session?.standing.add(request.addWatch, request.addWatch.fromZxid);
    if (request.kind === 'removeWatch') {
      const { kind, path, id } = request.removeWatch;
      stream.session?.standing.remove(id);
      // Whether its event still comes is all the same from here on.
      stream.session?.watches.delete(`${kind === 'CHILD' ? 'child' : 'data'} ${path}`);
    }
  }

  #attached(stream: StreamView, { sessionId, zxid, timeoutMs }: Attached): void {
    const asked = stream.attach?.sessionId ?? 0;
    demand(asked === 0 || asked === sessionId, 'a client gets the session it asked for', {
      asked,
      got: sessionId,
    });
    let session = this.#sessions.get(sessionId);
    if (session === undefined) {
      session = {
        id: sessionId,
        seenZxid: 0,
        watches: new Map(),
        standing: new StandingWatches(this.#history),
      };
      this.#sessions.set(sessionId, session);
    }
    stream.session = session;
    demand(zxid >= session.seenZxid, 'a server behind its client does not serve it', {
      session: sessionId,
      zxid: zxid,
      seen: session.seenZxid,
    });
    if (asked === 0) this.#expiry.made(sessionId, { attachSentMs: stream.attachSentMs, timeoutMs });
  }

  #heartbeatAck(stream: StreamView, { number, zxid }: HeartbeatAck): void {
    this.#shows(stream, zxid, 'a heartbeat');
    const sentMs = stream.beatsSentMs.get(number);
    demand(
      stream.session !== undefined && sentMs !== undefined,
      'a heartbeat is acknowledged once it was sent',
      {
        number,
      },
    );
    stream.beatsSentMs.delete(number);
    this.#expiry.acknowledged(stream.session.id, sentMs);
  }

  #rearm(stream: StreamView, rearm: Rearm): void {
    const session = this.#sessions.get(stream.attach?.sessionId ?? 0);
    for (const watch of rearm.watches) {
      if (session !== undefined)
        arm(session, watch.kind === 'CHILD' ? 'child' : 'data', watch.path, watch.zxid);
    }
    for (const watch of rearm.persistent) session?.standing.add(watch, rearm.fromZxid);
  }

  #reply(stream: StreamView, reply: Reply): void {
    const request = stream.requests[stream.answered++];
    const session = stream.session;
    demand(session !== undefined, 'a session is attached before it is served');
    demand(request !== undefined && request.xid === reply.xid, 'replies come in the order of the requests', {
      session: session.id,
      expected: request?.xid,
      got: reply.xid,
    });
    this.#judgeAge(stream, request, reply);
    this.#shows(stream, reply.zxid, 'a reply');
    if (request.requestNo > 0) {
      if (reply.kind === 'write') this.#acknowledge(stream, session, request, reply.write, reply.zxid);
      else this.#refusals++;
    }
    this.#arm(session, request, reply);
  }

  /** What was confirmed by a quorum is not older than what anybody knew when it was asked; what was not may be. */
  #judgeAge(stream: StreamView, request: ClientRequest, reply: Reply): void {
    const known = stream.shownWhenAsked[stream.answered - 1] ?? 0;
    if (reply.kind === 'refused' || request.requestNo > 0) return;
    if (request.linearizable || request.kind === 'sync') {
      demand(reply.zxid >= known, 'a read that a quorum confirmed shows all that anybody had seen', {
        session: stream.session?.id,
        shown: reply.zxid,
        known,
      });
      this.#confirmedReads++;
    } else if (reply.zxid < known) this.#staleReads++;
  }

  /** The state of `zxid` is shown: not older than before, and no watch that it fires is still silent. */
  #shows(stream: StreamView, zxid: number, what: string): void {
    const session = stream.session;
    if (session === undefined) return;
    demand(zxid >= session.seenZxid, 'a session never sees the state go back', {
      session: session.id,
      what,
      zxid: zxid,
      seen: session.seenZxid,
    });
    session.seenZxid = zxid;
    this.#shownZxid = Math.max(this.#shownZxid, zxid);
    session.standing.shown(zxid);
    for (const watch of session.watches.values()) {
      const changed = this.#history.firstChange(watch.path, watch.kind, watch.armedZxid);
      demand(changed === undefined || changed > zxid, 'the event comes before a reply that shows it', {
        session: session.id,
        path: watch.path,
        kind: watch.kind,
        changed: changed ?? 0,
        shown: zxid,
      });
    }
  }

  #acknowledge(
    stream: StreamView,
    session: SessionView,
    request: ClientRequest,
    done: WriteDone,
    zxid: number,
  ): void {
    const nonce = stream.attach?.nonce ?? '';
    const write = this.#history.write(session.id, nonce, request.requestNo);
    const facts = { session: session.id, requestNo: request.requestNo, shown: zxid };
    demand(write !== undefined, 'an acknowledged write is in the history', facts);
    demand(write.zxid <= zxid, 'a write is answered once it is applied', facts);
    demand(matches(write, done), 'a write is answered with its own result', facts);
    const key = `${session.id} ${nonce} ${request.requestNo}`;
    if (this.#acknowledged.has(key)) return;
    this.#acknowledged.set(key, { sessionId: session.id, nonce, requestNo: request.requestNo });
    this.#writes++;
  }

  #arm(session: SessionView, request: ClientRequest, reply: Reply): void {
    if (request.kind === 'get' && request.get.watch && reply.kind === 'get') {
      arm(session, 'data', request.get.path, reply.zxid);
    }
    if (request.kind === 'exists' && request.exists.watch && reply.kind === 'exists') {
      arm(session, 'data', request.exists.path, reply.zxid);
    }
    if (request.kind === 'addWatch' && reply.kind === 'watch')
      session.standing.added(request.addWatch.id, reply.zxid);
    if (request.kind === 'children' && request.children.watch && reply.kind === 'children') {
      arm(session, 'child', request.children.path, reply.zxid);
    }
  }

  #event(stream: StreamView, event: Event): void {
    const session = stream.session;
    demand(session !== undefined, 'a session is attached before it hears events');
    this.#events++;
    this.#shownZxid = Math.max(this.#shownZxid, event.zxid);
    if (event.watchId > 0) {
      session.standing.hear(event);
      return;
    }
    session.watches.delete(`${event.kind === 'CHILD' ? 'child' : 'data'} ${event.path}`);
    // The deletion of a node fires the watch on its children too, and is told once.
    if (event.type === 'DELETED' || event.type === 'RESYNC') session.watches.delete(`child ${event.path}`);
  }
}

interface StreamView {
  attach: Attach | undefined;
  attachSentMs: number;
  /** Of the heartbeats that were not acknowledged one by one, by number. */
  readonly beatsSentMs: Map<number, number>;
  session: SessionView | undefined;
  readonly requests: ClientRequest[];
  /** Of each request: the newest state that anybody had been shown when it was sent. */
  readonly shownWhenAsked: number[];
  answered: number;
}

interface SessionView {
  readonly id: number;
  seenZxid: number;
  readonly watches: Map<string, ArmedWatch>;
  readonly standing: StandingWatches;
}

interface ArmedWatch {
  readonly kind: 'data' | 'child';
  readonly path: string;
  readonly armedZxid: number;
}

function arm(session: SessionView, kind: 'data' | 'child', path: string, zxid: Zxid | number): void {
  session.watches.set(`${kind} ${path}`, { kind, path, armedZxid: zxid });
}

/** The paths and versions in a reply are those that the history's change made. */
function matches(write: ExecutedWrite, done: WriteDone): boolean {
  const changes = changesOf(write);
  return (
    changes.length === done.results.length &&
    done.results.every((result, index) => {
      const change = changes[index];
      if (change === undefined || change.kind !== result.kind) return false;
      if (change.kind === 'create' && result.kind === 'create') {
        return result.create.path === change.create.path && result.create.stat?.czxid === write.zxid;
      }
      if (change.kind === 'set' && result.kind === 'set') {
        return result.set.path === change.set.path && result.set.stat?.version === change.set.version;
      }
      return true;
    })
  );
}

function changesOf({ txn }: ExecutedWrite): readonly Change[] {
  if (txn.kind === 'change') return [txn.change];
  if (txn.kind === 'transaction') return txn.transaction.changes;
  return [];
}
