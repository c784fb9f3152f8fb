import { isZkError, LeaseLostError, type LostReason, type Session, type ZooKeeper } from '@zabra/client';
import { inBackground } from './background.ts';
import { discardContender, type OwnContender } from './contender.ts';
import { decodeContenderData } from './contender-data.ts';
import { onAbort } from './on-abort.ts';
import { boundTo, isInterruption, isSessionLost } from './session-binding.ts';
import { forget, nextWakeUp, type WatchedNode, watchNode } from './wake-up.ts';

/** What a connection that is down does to what is held: `hold` until the session may have expired, or `lose` at once. */
export type OnSuspended = 'hold' | 'lose';

/**
 * One holding of one node by one session: from the moment its maker got what it stands for until it is ended or lost.
 *
 *     held ──► ended     by us; the node is taken away
 *       └────► lost      the session is lost (as the ensemble says, or by the local deadline), the node is gone, the
 *                        client is closed, or the connection is down and the policy says `lose`
 *
 * Both are final: a tenure never comes back, and never moves to another session.
 */
export class Tenure {
  readonly zk: ZooKeeper;
  readonly own: OwnContender;
  readonly acquiredAt: Date;
  readonly #lost = new AbortController();
  readonly #revoked = new AbortController();
  /** Aborts when held no longer, for whatever reason: ends the watch on the node. */
  readonly #over = new AbortController();
  readonly #registrations: Disposable[] = [];
  readonly #forgetSession: () => void;
  #loss: LeaseLostError | undefined;
  #removal: Promise<void> | undefined;

  constructor(zk: ZooKeeper, own: OwnContender, onSuspended: OnSuspended) {
    this.zk = zk;
    this.own = own;
    this.acquiredAt = new Date(zk.surroundings.wallMs());
    namesHeld(own.session).add(own.name);
    // After the event that says more.
    const sessionLost = (): void => queueMicrotask(() => this.lose(reasonOf(this.session)));
    this.#forgetSession = onAbort(this.session.signal, sessionLost);
    this.#registrations.push(
      this.session.on('expired', ({ sessionId, by }) => {
        if (sessionId === this.session.id) this.lose(by === 'server' ? 'session-expired' : 'local-deadline');
      }),
    );
    if (onSuspended === 'lose') {
      this.#registrations.push(this.session.on('suspended', () => this.lose('local-deadline')));
      if (this.session.state === 'suspended') this.lose('local-deadline');
    }
    if (this.session.signal.aborted) sessionLost();
    inBackground(zk, `the watch on ${own.path}`, this.#watchOwnNode());
  }

  get session(): Session {
    return this.own.session;
  }

  /** Aborts, in a microtask of its own, when the tenure is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get revokeRequested(): AbortSignal {
    return this.#revoked.signal;
  }

  get remainingMs(): number {
    return this.#over.signal.aborted ? 0 : Math.max(0, this.session.remainingMs);
  }

  /** Undefined while held. Compares clocks: a timer that should have told may be late when the event loop was blocked. */
  loss(): LeaseLostError | undefined {
    if (!this.#over.signal.aborted && this.session.remainingMs <= 0) this.lose(reasonOf(this.session));
    return this.#loss;
  }

  /** Asks the ensemble. False is final: the tenure is then lost. */
  async verify(options: { readonly signal?: AbortSignal; readonly timeoutMs?: number }): Promise<boolean> {
    const bound = { ...options, session: this.session.id };
    try {
      // In session order, so one round trip: the read runs after the sync.
      const synced = this.zk.sync(this.own.path, bound);
      const reading = this.zk.exists(this.own.path, bound);
      const [, stat] = await Promise.all([synced, reading]);
      const ours = stat?.czxid === this.own.czxid && stat.ephemeralOwner === this.session.id;
      if (!ours) this.lose('node-deleted');
    } catch (error) {
      if (!isSessionLost(error) && !isZkError(error, 'CLIENT_CLOSED')) throw error;
      this.lose(reasonOf(this.session));
    }
    return !this.#over.signal.aborted && this.loss() === undefined;
  }

  /**
   * Ours no longer, by our will; resolves when the node is gone. Where the session or the client has ended, the
   * ensemble takes it away. The options bound only the caller's waiting.
   */
  end(options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#loss) return Promise.resolve();
    this.letGo();
    this.#removal ??= this.#remove(options);
    return this.#removal;
  }

  /** Ours no longer, by our will; the caller takes the node away. */
  letGo(): void {
    if (!this.#over.signal.aborted) this.#stop();
  }

  /** Ours no longer, though nobody asked us. Of several reasons the first counts. */
  lose(reason: LostReason): void {
    if (this.#over.signal.aborted) return;
    const loss = new LeaseLostError(reason, { path: this.own.path });
    this.#loss = loss;
    this.#stop();
    // The session may live on (policy `lose`, a node that another one put in our place): nobody may wait for us.
    discardContender(this.zk, this.own);
    // The user's listeners start in a microtask of their own, never inside a callback of the client.
    queueMicrotask(() => this.#lost.abort(loss));
  }

  #stop(): void {
    this.#over.abort();
    namesHeld(this.session).delete(this.own.name);
    this.#forgetSession();
    for (const registration of this.#registrations.splice(0)) registration[Symbol.dispose]();
  }

  async #remove(options: { readonly signal?: AbortSignal; readonly timeoutMs?: number }): Promise<void> {
    try {
      await this.zk.delete(this.own.path, { ...options, session: this.session.id, guaranteed: true });
    } catch (error) {
      if (isSessionLost(error) || isZkError(error, 'CLIENT_CLOSED')) return;
      // Refused as it was asked (options that mean nothing): that must not leave everybody waiting.
      if (isZkError(error) && error.outcome === 'not-applied') discardContender(this.zk, this.own);
      throw error;
    }
  }

  /** Sees that somebody deleted our node (a forced break), or asks for it in its data. */
  async #watchOwnNode(): Promise<void> {
    const { session, path, czxid } = this.own;
    const over = this.#over.signal;
    while (!over.aborted) {
      try {
        const node: WatchedNode | undefined = await watchNode(this.zk, path, boundTo(session));
        if (node === undefined || node.stat.czxid !== czxid) {
          if (node) forget(node.watch);
          this.lose('node-deleted');
          return;
        }
        if (decodeContenderData(node.data).revoked) queueMicrotask(() => this.#revoked.abort());
        await nextWakeUp({ session, watches: [node.watch], signals: [over] });
      } catch (error) {
        // A lost session is told by its signal; nothing else can be learnt about the node then.
        if (!isInterruption(error)) throw error;
        await session.whenConnected(boundTo(session));
      }
    }
  }
}

/** Whether this process holds something by the contender of this name. A guid is part of it, so it needs no path. */
export function isHeldHere(session: Session, name: string): boolean {
  return namesHeld(session).has(name);
}

const held = new WeakMap<Session, Set<string>>();

function namesHeld(session: Session): Set<string> {
  let names = held.get(session);
  if (names === undefined) {
    names = new Set();
    held.set(session, names);
  }
  return names;
}

/** Why a session is lost, as far as it says itself. */
function reasonOf({ state, signal }: Session): LostReason {
  if (state === 'closed' || state === 'auth-failed' || isZkError(signal.reason, 'CLIENT_CLOSED')) {
    return 'client-closed';
  }
  return state === 'expired' || signal.aborted ? 'session-expired' : 'local-deadline';
}
