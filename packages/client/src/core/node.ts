import type { CallOptions, CreateOptions, WriteOptions } from './call-options.ts';
import type { Codec } from './codecs.ts';
import { isZkError, ZkError } from './errors.ts';
import type { Bytes, Snapshot, Stat } from './stat.ts';
import type { Watcher } from './watch-event.ts';

/** A typed handle on one path. What is no such value rejects with CODEC_FAILED, which names the path. */
export interface Node<T> {
  readonly path: string;
  /** NO_NODE. */
  get(options?: CallOptions): Promise<Snapshot<T>>;
  getOrNull(options?: CallOptions): Promise<Snapshot<T> | null>;
  /** NO_NODE, BAD_VERSION. */
  set(value: T, options?: WriteOptions): Promise<Stat>;
  /** NODE_EXISTS, NO_NODE. */
  create(value: T, options?: CreateOptions): Promise<Stat>;
  /**
   * Reads, modifies and writes, again until nobody else wrote in between; creates the node when it is absent. `modify`
   * may be called more than once, so it must not do anything but compute. Ends with the budget of the call, or with
   * BAD_VERSION after `maxAttempts`.
   */
  update(
    modify: (current: T | undefined) => T | Promise<T>,
    options?: CallOptions & { readonly maxAttempts?: number },
  ): Promise<Snapshot<T>>;
  /** The latest value whenever it has changed; null while there is no node. */
  watch(options?: { readonly signal?: AbortSignal }): Watcher<Snapshot<T> | null>;
}

/** The calls that a handle is made of, each about its path. */
export interface NodeCalls {
  getOrNull(options: CallOptions): Promise<Snapshot<Bytes> | null>;
  get(options: CallOptions): Promise<Snapshot<Bytes>>;
  set(data: Bytes, options: WriteOptions): Promise<Stat>;
  create(data: Bytes, options: CreateOptions): Promise<Stat>;
  watch<V>(
    shown: (snapshot: Snapshot<Bytes> | null) => V,
    options: { readonly signal?: AbortSignal },
  ): Watcher<V>;
  /** Answers the options of the next step of one call. */
  budget(options: CallOptions): { readonly rest: CallOptions };
}

export class TypedNode<T> implements Node<T> {
  readonly path: string;
  readonly #codec: Codec<T>;
  readonly #calls: NodeCalls;

  constructor(path: string, codec: Codec<T>, calls: NodeCalls) {
    this.path = path;
    this.#codec = codec;
    this.#calls = calls;
  }

  async get(options: CallOptions = {}): Promise<Snapshot<T>> {
    return this.#decoded(await this.#calls.get(options));
  }

  async getOrNull(options: CallOptions = {}): Promise<Snapshot<T> | null> {
    return this.#decodedOrNull(await this.#calls.getOrNull(options));
  }

  async set(value: T, options: WriteOptions = {}): Promise<Stat> {
    return this.#calls.set(this.#encoded(value), options);
  }

  async create(value: T, options: CreateOptions = {}): Promise<Stat> {
    return this.#calls.create(this.#encoded(value), options);
  }

  async update(
    modify: (current: T | undefined) => T | Promise<T>,
    options: CallOptions & { readonly maxAttempts?: number } = {},
  ): Promise<Snapshot<T>> {
    const { maxAttempts = Number.POSITIVE_INFINITY } = options;
    if (!(maxAttempts >= 1)) {
      const message = `maxAttempts is a number from 1 up, not ${maxAttempts}`;
      throw new ZkError('BAD_ARGUMENTS', { op: 'update', path: this.path, message });
    }
    const budget = this.#calls.budget(options);
    for (let attempt = 1; ; attempt++) {
      const current = await this.getOrNull(budget.rest);
      const data = await modify(current?.data);
      try {
        const stat =
          current === null
            ? await this.create(data, budget.rest)
            : await this.set(data, { ...budget.rest, version: current.stat.version });
        return { path: this.path, data, stat };
      } catch (error) {
        // Of a create NO_NODE is about the parent, which no further attempt brings.
        const codes = current === null ? (['NODE_EXISTS'] as const) : (['BAD_VERSION', 'NO_NODE'] as const);
        if (attempt >= maxAttempts || !isZkError(error, ...codes)) throw error;
      }
    }
  }

  watch(options: { readonly signal?: AbortSignal } = {}): Watcher<Snapshot<T> | null> {
    return this.#calls.watch((snapshot) => this.#decodedOrNull(snapshot), options);
  }

  #decodedOrNull(snapshot: Snapshot<Bytes> | null): Snapshot<T> | null {
    return snapshot === null ? null : this.#decoded(snapshot);
  }

  #decoded({ path, data, stat }: Snapshot<Bytes>): Snapshot<T> {
    return { path, data: this.#named('get', () => this.#codec.decode(data)), stat };
  }

  #encoded(value: T): Bytes {
    return this.#named('set', () => this.#codec.encode(value));
  }

  /** A codec does not know of which node the bytes are. */
  #named<V>(op: string, work: () => V): V {
    try {
      return work();
    } catch (cause) {
      if (!isZkError(cause, 'CODEC_FAILED')) throw cause;
      throw new ZkError('CODEC_FAILED', { op, path: this.path, message: cause.message, cause });
    }
  }
}
