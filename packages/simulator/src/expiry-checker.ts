import { demand } from './violation.ts';

/**
 * No session is expired before its time: the ensemble ends one that its client did not close only when the timeout has
 * passed since the client sent the last heartbeat that was acknowledged. For a new session its Attach counts as one.
 */
export class ExpiryChecker {
  readonly #nowMs: () => number;
  readonly #clockRateMax: number;
  readonly #lives = new Map<number, Life>();
  #expired = 0;

  /** `nowMs` is true time. A server's clock counts up to `clockRateMax` seconds per second. */
  constructor(options: { nowMs: () => number; clockRateMax: number }) {
    this.#nowMs = options.nowMs;
    this.#clockRateMax = options.clockRateMax;
  }

  /** Sessions that the ensemble ended although their client had not asked for it. */
  get expired(): number {
    return this.#expired;
  }

  nowMs(): number {
    return this.#nowMs();
  }

  /** The client hears of a session that was made for the Attach it sent then. */
  made(sessionId: number, granted: { readonly attachSentMs: number; readonly timeoutMs: number }): void {
    const life = this.#life(sessionId);
    life.timeoutMs = granted.timeoutMs;
    this.acknowledged(sessionId, granted.attachSentMs);
  }

  /** The client hears that the heartbeat it sent then has counted. That may be after the end. */
  acknowledged(sessionId: number, sentMs: number): void {
    const life = this.#life(sessionId);
    life.provenMs = Math.max(life.provenMs, sentMs);
    this.#judge(sessionId, life);
  }

  /** The client itself asks for the end. */
  closing(sessionId: number): void {
    this.#life(sessionId).isClosing = true;
  }

  /** The end is in the history, applied by a server for the first time. */
  ended(sessionId: number): void {
    const life = this.#life(sessionId);
    life.endedMs = this.#nowMs();
    if (!life.isClosing) this.#expired++;
    this.#judge(sessionId, life);
  }

  #judge(sessionId: number, { timeoutMs, provenMs, isClosing, endedMs }: Life): void {
    if (endedMs === undefined || isClosing) return;
    const livedMs = endedMs - provenMs;
    demand(livedMs >= timeoutMs / this.#clockRateMax, 'no session expires before its time', {
      session: sessionId,
      timeoutMs,
      livedMs: livedMs.toFixed(3),
    });
  }

  #life(sessionId: number): Life {
    let life = this.#lives.get(sessionId);
    if (life === undefined) {
      life = { timeoutMs: 0, provenMs: Number.NEGATIVE_INFINITY, isClosing: false, endedMs: undefined };
      this.#lives.set(sessionId, life);
    }
    return life;
  }
}

interface Life {
  /** 0 until the client has heard of the session. */
  timeoutMs: number;
  /** When the last heartbeat of those acknowledged was sent. */
  provenMs: number;
  isClosing: boolean;
  endedMs: number | undefined;
}
