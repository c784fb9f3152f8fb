import type { ZkErrorCode } from './errors.ts';
import type { Logger } from './logger.ts';
import type { SessionEvent } from './session-view.ts';
import type { Zxid } from './stat.ts';

/** Where a program counts and traces what its client does. What it throws goes to the logger. */
export interface Instrumentation {
  /** A request is sent: once for each attempt. `end`: it was answered, or its connection was lost. */
  request?(info: { readonly op: string; readonly path?: string; readonly attempt: number }): MaybeSpan;
  session?(event: SessionEvent): void;
  /** A recipe has reached something: a lock is acquired, say. */
  recipe?(info: {
    readonly recipe: string;
    readonly path: string;
    readonly event: string;
    readonly durationMs?: number;
  }): void;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a method that returns nothing fits as well.
type MaybeSpan = RequestSpan | void;

export interface RequestSpan {
  end(result: { readonly code: ZkErrorCode | 'OK'; readonly durationMs: number; readonly zxid?: Zxid }): void;
}

type RequestEnd = Parameters<RequestSpan['end']>[0];

/** Calls a program's instrumentation, each time in a microtask of its own: nothing of it runs inside the client. */
export class Instruments {
  readonly #instrumentation: Instrumentation;
  readonly #logger: Logger | undefined;

  constructor(instrumentation: Instrumentation, logger: Logger | undefined) {
    this.#instrumentation = instrumentation;
    this.#logger = logger;
  }

  get wantsRequests(): boolean {
    return this.#instrumentation.request !== undefined;
  }

  /** The answer ends it. */
  request(info: {
    readonly op: string;
    readonly path?: string;
    readonly attempt: number;
  }): (end: RequestEnd) => void {
    let span: RequestSpan | undefined;
    this.#soon(() => {
      span = this.#instrumentation.request?.(info) ?? undefined;
    });
    return (end) => this.#soon(() => span?.end(end));
  }

  session(event: SessionEvent): void {
    if (this.#instrumentation.session !== undefined) this.#soon(() => this.#instrumentation.session?.(event));
  }

  recipe(info: Parameters<NonNullable<Instrumentation['recipe']>>[0]): void {
    if (this.#instrumentation.recipe !== undefined) this.#soon(() => this.#instrumentation.recipe?.(info));
  }

  #soon(work: () => void): void {
    queueMicrotask(() => {
      try {
        work();
      } catch (error) {
        this.#logger?.error('instrumentation threw', { error });
      }
    });
  }
}
