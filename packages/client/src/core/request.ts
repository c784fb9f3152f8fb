import { type Answer, type Ask, isWrite, pathOf } from './ask.ts';
import { ZkError, type ZkErrorCode } from './errors.ts';
import type { RequestSpan } from './instrumentation.ts';
import { withoutRoot } from './paths.ts';
import { askBytesMax } from './request-codec.ts';
import type { RetryPolicy } from './retry.ts';
import type { SessionRecord } from './session.ts';
import type { Waiter } from './waiter.ts';

/** How one call is made. */
export interface RequestTerms {
  /** The name users know it by. */
  readonly op: string;
  /** Of the view that made it; taken off the paths that users see. */
  readonly root: string;
  readonly signal: AbortSignal | undefined;
  /** Infinity: until the session is gone. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy | false;
  /** Fails when the client has moved on from this session. */
  readonly boundTo: SessionRecord | undefined;
  /** Passes the bound on waiting requests, and is still taken while the client closes. */
  readonly guaranteed: boolean;
  /** Makes sense on one connection only: ends with it. */
  readonly ofStream: boolean;
}

/** `sent`: with the connection, unanswered. `waiting`: for one. `backing-off`: for a delay. */
export type RequestPlace = 'nowhere' | 'waiting' | 'sent' | 'backing-off';

/**
 * One request, from the call until nothing can happen for it any more. The caller may be gone before (abort,
 * timeout): `settled` says so, and a numbered write then goes on without it, so that numbers stay gapless.
 */
export class Request implements Waiter {
  readonly kind = 'request';
  readonly ask: Ask;
  readonly terms: RequestTerms;
  readonly isWrite: boolean;
  /** What it takes on the wire at most. */
  readonly bytesMax: number;
  readonly startedMs: number;
  readonly promise: Promise<Answer>;
  /** The caller has its answer. */
  settled = false;
  place: RequestPlace = 'nowhere';
  /** It was given to a connection; a write may have happened from then on. */
  sent = false;
  /** It is with a connection, and was with another one before under the same number. */
  isSentAgain = false;
  /** Of a write that was sent; 0 before. Kept when it is sent again. */
  requestNo = 0;
  /** Times it was sent without an answer, or refused for now. */
  attempts = 0;
  dueSlot = 0;
  /** What instrumentation is told when this attempt ends. */
  #span: { readonly end: RequestSpan['end']; readonly startedMs: number } | undefined;
  // Links of the one list that it is in (request-list.ts).
  previous: Request | undefined = undefined;
  next: Request | undefined = undefined;

  #resolve!: (answer: Answer) => void; // Set in the constructor, by the executor, which runs at once.
  #reject!: (reason: unknown) => void;

  constructor(ask: Ask, terms: RequestTerms, startedMs: number) {
    this.ask = ask;
    this.terms = terms;
    this.isWrite = isWrite(ask);
    this.bytesMax = askBytesMax(ask);
    this.startedMs = startedMs;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get signal(): AbortSignal | undefined {
    return this.terms.signal;
  }

  /** Only by its owner, which forgets deadline and abort first. */
  resolve(answer: Answer): void {
    this.settled = true;
    this.#resolve(answer);
  }

  /** Only by its owner, which forgets deadline and abort first. */
  reject(reason: unknown): void {
    this.settled = true;
    this.#reject(reason);
  }

  /** An attempt begins, of which somebody wants to know. */
  startSpan(end: RequestSpan['end'], startedMs: number): void {
    this.#span = { end, startedMs };
  }

  endSpan(code: ZkErrorCode | 'OK', nowMs: number, zxid?: number): void {
    const span = this.#span;
    if (span === undefined) return;
    this.#span = undefined;
    const durationMs = nowMs - span.startedMs;
    span.end(zxid === undefined ? { code, durationMs } : { code, durationMs, zxid: BigInt(zxid) });
  }

  /** An error about this request, with what is known of its outcome. */
  error(code: ZkErrorCode, message: string, cause?: unknown): ZkError {
    const outcome = this.isWrite && this.sent ? 'unknown' : 'not-applied';
    return new ZkError(code, { op: this.terms.op, ...this.subject, message, outcome, cause });
  }

  /** Its path as the user wrote it; some have none. */
  get subject(): { readonly path?: string } {
    const path = pathOf(this.ask);
    return path === undefined ? {} : { path: withoutRoot(this.terms.root, path) };
  }
}
