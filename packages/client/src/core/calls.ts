import { Aborts } from './aborts.ts';
import { Deadlines } from './deadlines.ts';
import type { ClientEnv } from './env.ts';
import type { ZkError, ZkErrorCode } from './errors.ts';
import type { Request } from './request.ts';
import { RequestList } from './request-list.ts';
import type { SessionRecord } from './session.ts';
import type { Wait } from './waiter.ts';

export interface CallsOwner {
  /** Something waits to be sent. */
  waiting(): void;
  /** A guaranteed request has ended. */
  guaranteedEnded(): void;
  /** What a request is told whose time is over. */
  lateness(request: Request): ZkError;
}

/**
 * Every call of a client that has not ended and is not with a connection: what waits to be sent, in its order; what
 * waits out a delay; and the budgets and signals of all, those that were sent included.
 */
export class Calls {
  readonly #env: ClientEnv;
  readonly #owner: CallsOwner;
  /** In the order in which they will be sent. */
  readonly #waiting = new RequestList();
  readonly #backingOff = new Map<Request, () => void>();
  readonly #deadlines: Deadlines<Request | Wait<void>>;
  readonly #aborts: Aborts<Request | Wait<void>>;
  /** A write may be sent again: the ensemble does it once. */
  readonly #doesWritesOnce: boolean;
  #guaranteed = 0;

  constructor(env: ClientEnv, owner: CallsOwner, doesWritesOnce: boolean) {
    this.#env = env;
    this.#owner = owner;
    this.#doesWritesOnce = doesWritesOnce;
    this.#deadlines = new Deadlines(env, (waiter) => {
      this.giveUp(waiter, waiter.kind === 'wait' ? waiter.lateness() : owner.lateness(waiter));
    });
    this.#aborts = new Aborts((waiter, reason) => this.giveUp(waiter, reason));
  }

  /** Not sent yet. */
  get unsent(): number {
    return this.#waiting.length + this.#backingOff.size;
  }
  get deadlines(): number {
    return this.#deadlines.size;
  }
  get signals(): number {
    return this.#aborts.size;
  }
  /** Guaranteed requests that have not ended. */
  get guaranteed(): number {
    return this.#guaranteed;
  }

  /** The next one to be sent. */
  get first(): Request | undefined {
    return this.#waiting.first;
  }

  /** Takes the first one out, to be sent. */
  shift(): Request | undefined {
    const request = this.#waiting.shift();
    if (request !== undefined) request.place = 'nowhere';
    return request;
  }

  /** Why a new call is not even taken. */
  faultOf(request: Request, waitingMax: number): ZkError | undefined {
    if (request.terms.guaranteed || this.unsent < waitingMax) return undefined;
    return request.error(
      'LIMIT',
      `${waitingMax} requests wait already (requestsWaitingMax): wait for answers`,
    );
  }

  /** A new call, behind all others. Its signal is not aborted; the caller looked. */
  add(request: Request): void {
    if (request.terms.guaranteed) this.#guaranteed++;
    this.#deadlines.add(request, request.terms.timeoutMs);
    this.#aborts.add(request);
    this.#enqueue(request);
  }

  /** Requests of the client itself, ahead of all others. */
  addFirst(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    for (const request of [...requests].reverse()) {
      request.place = 'waiting';
      this.#waiting.unshift(request);
    }
    this.#owner.waiting();
  }

  /** Someone waits for something else under the same clock and signals. */
  startWait(wait: Wait<void>, timeoutMs: number): void {
    if (wait.signal?.aborted) {
      wait.reject(wait.signal.reason);
      return;
    }
    this.#deadlines.add(wait, timeoutMs);
    this.#aborts.add(wait);
  }

  /** With a reason: it rejects. */
  endWait(wait: Wait<void>, ...reason: readonly [] | readonly [unknown]): void {
    this.#deadlines.remove(wait);
    this.#aborts.remove(wait);
    if (reason.length === 0) wait.resolve();
    else wait.reject(reason[0]);
  }

  /** Forgets what was kept for its caller, who is told next. */
  finish(request: Request): void {
    this.#deadlines.remove(request);
    this.#aborts.remove(request);
    this.#backingOff.get(request)?.();
    this.#backingOff.delete(request);
    if (request.terms.guaranteed && !request.settled) {
      this.#guaranteed--;
      this.#owner.guaranteedEnded();
    }
  }

  /** Its caller is told; a numbered write goes on without it. */
  fail(request: Request, code: ZkErrorCode, message: string, cause?: unknown): void {
    if (request.settled) return;
    this.finish(request);
    request.reject(request.error(code, message, cause));
  }

  giveUp(waiter: Request | Wait<void>, reason: unknown): void {
    if (waiter.kind === 'wait') {
      this.endWait(waiter, reason);
      return;
    }
    if (waiter.settled) return;
    this.finish(waiter);
    // A write that was sent keeps its place, so that its number does not become a gap.
    if (waiter.place === 'waiting' && waiter.requestNo === 0) {
      this.#waiting.remove(waiter);
      waiter.place = 'nowhere';
    }
    waiter.reject(reason);
  }

  /** The ensemble refused it: made again after a delay where that may help, else its caller is told. */
  refused(request: Request, error: ZkError): void {
    const isPassing = error.retryable || (request.terms.guaranteed && error.code === 'LIMIT');
    const delayMs = isPassing ? this.#nextDelay(request, error) : null;
    if (delayMs === null) {
      this.finish(request);
      request.reject(error);
      return;
    }
    // It was surely not applied, so it is a new request: another number, and behind what waits.
    request.sent = false;
    request.requestNo = 0;
    request.place = 'backing-off';
    const cancel = this.#env.after(delayMs, () => {
      this.#backingOff.delete(request);
      this.#enqueue(request);
    });
    this.#backingOff.set(request, cancel);
  }

  /** What a connection that was lost leaves: those whose policy gives up end; the others wait for the next one. */
  requeue(unanswered: readonly Request[], cause: Error): void {
    for (const request of unanswered) {
      if (request.settled || request.terms.ofStream) continue;
      const error = request.error('CONNECTION_LOSS', cause.message, cause);
      if (this.#mayNotBeRepeated(request) || this.#nextDelay(request, error) === null)
        this.fail(request, 'CONNECTION_LOSS', cause.message, cause);
    }
    this.putBack(unanswered);
  }

  /** In front of what waits, in the old order. What was of that connection alone ends with it. */
  putBack(unanswered: readonly Request[]): void {
    const waiting = this.#waiting.takeAll();
    for (const request of [...unanswered, ...waiting]) {
      if (request.place === 'sent') request.endSpan('CONNECTION_LOSS', this.#env.monotonicMs());
      request.place = 'nowhere';
      if (request.terms.ofStream) this.fail(request, 'CONNECTION_LOSS', 'the connection is lost');
      // A write whose caller is gone goes on, since its number was sent; where there are no numbers, it does not.
      if (request.settled && !(request.isWrite && this.#doesWritesOnce)) continue;
      request.place = 'waiting';
      this.#waiting.push(request);
    }
  }

  /** What surely was not applied and is not bound to the lost session goes on in the next one. */
  carryOver(lost: SessionRecord, reason: ZkError): void {
    for (const request of [...this.#backingOff.keys()]) {
      if (request.terms.boundTo === lost) this.fail(request, reason.code, reason.message, reason);
    }
    for (const request of this.#waiting.takeAll()) {
      const isOver = request.terms.boundTo === lost || (request.isWrite && request.sent);
      if (isOver) this.fail(request, reason.code, reason.message, reason);
      request.place = 'nowhere';
      if (request.settled) continue;
      request.sent = false;
      request.place = 'waiting';
      this.#waiting.push(request);
    }
  }

  /** Those that wait to be sent end. */
  failWaiting(code: ZkErrorCode, message: string, cause?: unknown): void {
    for (const request of this.#waiting.takeAll()) {
      request.place = 'nowhere';
      this.fail(request, code, message, cause);
    }
  }

  failAll(cause: ZkError): void {
    this.failWaiting(cause.code, cause.message, cause);
    for (const request of [...this.#backingOff.keys()]) this.fail(request, cause.code, cause.message, cause);
  }

  /** It may have happened, and would happen twice. A guaranteed delete may: what it deletes is gone after the first. */
  #mayNotBeRepeated(request: Request): boolean {
    return request.isWrite && request.sent && !this.#doesWritesOnce && !request.terms.guaranteed;
  }

  #enqueue(request: Request): void {
    request.place = 'waiting';
    this.#waiting.push(request);
    this.#owner.waiting();
  }

  /** Counts an attempt without an answer; null when the policy gives up. */
  #nextDelay(request: Request, error: ZkError): number | null {
    request.attempts++;
    const { retry } = request.terms;
    if (retry === false) return null;
    const elapsedMs = this.#env.monotonicMs() - request.startedMs;
    return retry({ attempt: request.attempts, elapsedMs, error, random: fractionOf(this.#env) });
  }
}

/** In [0, 1), of 32 random bits. */
export function fractionOf(env: ClientEnv): number {
  return env.randomBytes(4).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 32;
}
