import { assert, type Refusal, refusal, type WriteRequest, type WriteResult, type Zxid } from '@zabra/model';
import type { Proved } from '../env.ts';
import type { Limits } from '../options.ts';
import type { Query } from './client-codec.ts';

/** What the requests of all connections of a server take together; each connection adds and takes away its own. */
export interface RequestLoad {
  /** Requests that are not answered. */
  outstanding: number;
  /** Their size in memory, about. */
  outstandingBytes: number;
}

export interface UnansweredWrite {
  readonly kind: 'write';
  readonly xid: number;
  readonly bytes: number;
  readonly arrivedMs: number;
  /** Undefined when it was refused here and passed on to nobody. */
  readonly request: WriteRequest | undefined;
  /** Not passed on yet: a slow read is before it. */
  isHeldBack: boolean;
  result: WriteResult | undefined;
}

export interface UnansweredRead {
  readonly kind: 'read';
  readonly xid: number;
  readonly bytes: number;
  readonly query: Query;
  readonly arrivedMs: number;
  /** Answered once this is applied; undefined until a quorum has said it. */
  floor: Zxid | undefined;
  /** At least this, whatever the quorum says. */
  readonly minZxid: Zxid;
  asked: boolean;
  readonly refusal: Refusal | undefined;
  /** What is written behind it is passed on only when it is answered, or it would show in the answer. */
  isSlow: boolean;
}

export interface UnansweredAuth {
  readonly kind: 'auth';
  readonly xid: number;
  readonly bytes: number;
  readonly arrivedMs: number;
  readonly scheme: string;
  /** Refused as it came: nothing waits for it. */
  readonly refusal: Refusal | undefined;
  /** Undefined until they are found out. */
  proved: Proved | undefined;
}

export type Unanswered = UnansweredWrite | UnansweredRead | UnansweredAuth;

/** The requests of one stream that are not answered, in the order in which they came; the last may be the wish to close. */
export class UnansweredRequests {
  readonly #load: RequestLoad;
  readonly #limits: Limits;
  readonly #requests: Unanswered[] = [];
  /** Index of the oldest unanswered one; what is before it is cut off now and then. */
  #head = 0;
  readonly #writes = new Map<number, UnansweredWrite>();

  constructor(load: RequestLoad, limits: Limits) {
    this.#load = load;
    this.#limits = limits;
  }

  get count(): number {
    return this.#requests.length - this.#head;
  }

  get oldest(): Unanswered | undefined {
    return this.#requests[this.#head];
  }

  /** The unanswered write of this number. */
  write(requestNo: number): UnansweredWrite | undefined {
    return this.#writes.get(requestNo);
  }

  *[Symbol.iterator](): Generator<Unanswered> {
    // Over a copy: what is done with one may answer others.
    yield* this.#requests.slice(this.#head);
  }

  /** Why there is no room for one more of this size. */
  overLimit(bytes: number): Refusal | undefined {
    const { requestsPerSessionMax } = this.#limits;
    if (this.count >= requestsPerSessionMax) {
      return refusal(
        'LIMIT',
        `requestsPerSessionMax: this session has ${this.count} unanswered requests of at most ${requestsPerSessionMax}; wait for answers`,
      );
    }
    return overLoad(this.#load, this.#limits, bytes);
  }

  add(request: Unanswered): void {
    this.#requests.push(request);
    this.#load.outstanding++;
    this.#load.outstandingBytes += request.bytes;
    if (request.kind === 'write' && request.request !== undefined)
      this.#writes.set(request.request.requestNo, request);
  }

  /** The oldest is answered. */
  settleOldest(): void {
    const { oldest } = this;
    assert(oldest !== undefined, 'an unanswered request is there', { head: this.#head });
    this.#head++;
    this.#settled(oldest);
    if (this.#head > 64 && this.#head * 2 > this.#requests.length) {
      this.#requests.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Nobody is there to be answered any more. */
  drop(): void {
    for (const request of this.#requests.slice(this.#head)) this.#settled(request);
    this.#requests.length = 0;
    this.#head = 0;
  }

  #settled(request: Unanswered): void {
    this.#load.outstanding--;
    this.#load.outstandingBytes -= request.bytes;
    if (request.kind === 'write' && request.request !== undefined)
      this.#writes.delete(request.request.requestNo);
  }
}

/** Why this server has no room for one more request of this size. */
export function overLoad(load: RequestLoad, limits: Limits, bytes: number): Refusal | undefined {
  const { requestsMax, requestsBytesMax } = limits;
  if (load.outstanding >= requestsMax) {
    return refusal(
      'LIMIT',
      `requestsMax: this server has ${load.outstanding} unanswered requests of at most ${requestsMax}; try again later or elsewhere`,
    );
  }
  if (load.outstandingBytes + bytes > requestsBytesMax) {
    return refusal(
      'LIMIT',
      `requestsBytesMax: the unanswered requests of this server have ${load.outstandingBytes} bytes of at most ${requestsBytesMax}, and this one ${bytes}; try again later or elsewhere`,
    );
  }
  return undefined;
}
