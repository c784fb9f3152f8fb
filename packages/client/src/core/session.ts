/**
 * One session, from the wish for it to its end.
 *
 *                 attached             connection lost
 *   connecting ─────────────▶ connected ────────────▶ suspended
 *        │                      │  ▲      attached       │
 *        │                      │  └─────────────────────┤
 *        │            goodbye ──┴────────┬── goodbye, or │ the local deadline
 *        │ close()                       ▼               ▼
 *        └────────▶ closed ◀── close() ─ … ─────────▶ expired
 *
 * `connected-read-only` takes the place of `connected` at a server without a quorum: it makes no session, moves no
 * deadline, and a session that was never made goes back from it to connecting. `auth-failed` takes the place of closed
 * when a later connection refuses the client's credentials.
 *
 * Happy path: connecting, connected, closed. A lost connection suspends the session; it is connected again when
 * a server takes it back before the deadline. `expired` and `closed` are final: what follows is another
 * session in another record. client.ts moves it; here is what it is and how long it surely lives.
 *
 * The deadline is `send time of the last acknowledged heartbeat + timeout − margin`. A server acknowledges a
 * heartbeat after a quorum confirmed the leader that heard it, so whoever leads counts the session's timeout
 * from a later moment. For a new session the sending of Attach stands for the first heartbeat, since the session
 * is made after it; a re-attachment proves nothing and moves no deadline.
 */
import { assert } from '@zabra/model';
import type { CallOptions } from './call-options.ts';
import type { ClientEnv } from './env.ts';
import { elapsedSince, type Moment } from './moment.ts';
import type { SessionEvents } from './session-events.ts';
import type { Session, SessionEvent, SessionState } from './session-view.ts';
import type { SessionId } from './stat.ts';

export class SessionRecord implements Session {
  readonly #env: ClientEnv;
  readonly #events: SessionEvents;
  readonly #whenConnected: (session: SessionRecord, options: CallOptions) => Promise<void>;
  readonly #loss = new AbortController();
  #state: SessionState = 'connecting';
  #id: SessionId = 0n;
  #password: Uint8Array = new Uint8Array(0);
  #timeoutMs: number;
  #provenAt: Moment | undefined;
  /** Numbers of its writes: the last one given, and the last one answered. Replies come in order. */
  lastRequestNo = 0;
  answeredThrough = 0;

  constructor(options: {
    readonly env: ClientEnv;
    readonly events: SessionEvents;
    readonly timeoutMs: number;
    readonly whenConnected: (session: SessionRecord, options: CallOptions) => Promise<void>;
  }) {
    this.#env = options.env;
    this.#events = options.events;
    this.#timeoutMs = options.timeoutMs;
    this.#whenConnected = options.whenConnected;
  }

  get id(): SessionId {
    return this.#id;
  }
  /** A server with a quorum made it; it may have ended since. */
  get isMade(): boolean {
    return this.#id !== 0n;
  }
  get password(): Uint8Array {
    return this.#password;
  }
  get state(): SessionState {
    return this.#state;
  }
  get timeoutMs(): number {
    return this.#timeoutMs;
  }
  get signal(): AbortSignal {
    return this.#loss.signal;
  }
  /** Neither expired nor closed. */
  get isOpen(): boolean {
    return this.#state !== 'expired' && this.#state !== 'closed' && this.#state !== 'auth-failed';
  }
  /** To any server, one without a quorum included. */
  get isConnected(): boolean {
    return this.#state === 'connected' || this.#state === 'connected-read-only';
  }

  get remainingMs(): number {
    if (!this.isOpen || this.#provenAt === undefined) return 0;
    const marginMs = Math.max(this.#timeoutMs * 0.05, 250);
    return Math.max(0, this.#timeoutMs - marginMs - elapsedSince(this.#env, this.#provenAt));
  }

  /** A server without a quorum serves its reads. It can neither make a session nor prove that one lives. */
  becomeConnectedReadOnly(): void {
    assert(this.#state === 'connecting' || this.#state === 'suspended', 'only an open session connects', {
      state: this.#state,
    });
    this.#state = 'connected-read-only';
  }

  /** A server made it, or took it back. `attachSentAt`: when that was asked. */
  becomeConnected(granted: {
    readonly sessionId: SessionId;
    readonly password: Uint8Array;
    readonly timeoutMs: number;
    readonly attachSentAt: Moment;
  }): void {
    assert(this.#state === 'connecting' || this.#state === 'suspended', 'only an open session connects', {
      state: this.#state,
    });
    if (!this.isMade) {
      this.#id = granted.sessionId;
      this.#provenAt = granted.attachSentAt;
      // A copy: what a frame holds is a view into all of its bytes.
      this.#password = granted.password.slice();
    }
    assert(this.#id === granted.sessionId, 'a session comes back as itself', { id: granted.sessionId });
    this.#timeoutMs = granted.timeoutMs;
    this.#state = 'connected';
  }

  becomeSuspended(): void {
    assert(this.isConnected, 'only a connected session is suspended', { state: this.#state });
    this.#state = this.isMade ? 'suspended' : 'connecting';
  }

  /** Final. Aborts the signal, before any call that ends with it is told. */
  becomeLost(state: 'expired' | 'closed' | 'auth-failed', reason: Error): void {
    if (!this.isOpen) return;
    this.#state = state;
    this.abort(reason);
  }

  /** Listeners are users' code: they run in a microtask of their own, ahead of those of calls that end after this. */
  abort(reason: Error): void {
    queueMicrotask(() => this.#loss.abort(reason));
  }

  /** The ensemble heard a heartbeat that was sent then. A server without a quorum can't speak for it. */
  heartbeatAcknowledged(sentAt: Moment): void {
    if (this.#state === 'connected-read-only') return;
    if (this.#provenAt === undefined || sentAt.monotonicMs > this.#provenAt.monotonicMs)
      this.#provenAt = sentAt;
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<SessionEvent> {
    return this.#events.iterate(options.signal);
  }

  on<T extends SessionEvent['type']>(
    type: T,
    listener: (event: Extract<SessionEvent, { type: T }>) => void,
  ): Disposable {
    return this.#events.on(type, listener);
  }

  whenConnected(options: CallOptions = {}): Promise<void> {
    return this.#whenConnected(this, options);
  }

  export(): { readonly id: string; readonly password: string } {
    const password = Array.from(this.#password, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return { id: `0x${this.#id.toString(16)}`, password };
  }
}
