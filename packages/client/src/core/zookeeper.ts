import { isSequential, joinPath, nameOf, parentOf } from '@zabra/model';
import { modelAcls } from './acl.ts';
import type { CallOptions, CreateOptions, DeleteOptions, ReadOptions, WriteOptions } from './call-options.ts';
import type { Client } from './client.ts';
import { toBytes } from './codecs.ts';
import { deleteBelow } from './delete-tree.ts';
import { isZkError, ZkError } from './errors.ts';
import { treePath, withoutRoot } from './paths.ts';
import { retry } from './retry.ts';
import type { Session, SessionState } from './session-view.ts';
import type { Bytes, Snapshot, Stat, Zxid } from './stat.ts';
import type { Surroundings } from './surroundings.ts';
import { Budget, readTermsOf, termsOf, versionOf } from './terms.ts';
import { type Transaction, TransactionBuilder } from './transaction.ts';
import type { OneShot } from './watch-event.ts';

const GRACE_MS = 5_000;
/** How often a call that makes what it found missing looks again, when others keep removing it. */
const ATTEMPTS_MAX = 8;

type Watching<T> = T & { readonly watch?: false };
type Watched<T> = T & { readonly watch: true };

/**
 * A client of the ensemble, or a view of one below a path (`namespace`).
 *
 * Every call may reject with INVALID_PATH, BAD_ARGUMENTS, REQUEST_TIMEOUT, SESSION_EXPIRED, CLIENT_CLOSED, LIMIT,
 * NO_AUTH, or the reason of its signal; with CONNECTION_LOSS when its retry policy gives up. Each error's
 * `outcome` says whether a write may have happened. Writes are sent in the order of the calls, and done once
 * however often they are sent.
 */
export class ZooKeeper implements AsyncDisposable {
  readonly #client: Client;
  readonly #root: string;

  /** Use connect() or createClient(). */
  constructor(client: Client, root: string) {
    this.#client = client;
    this.#root = root;
  }

  /** The session of now; after a loss, its successor. */
  get session(): Session {
    return this.#client.session;
  }

  get state(): SessionState {
    return this.#client.session.state;
  }

  /** For authors of recipes; programs that use recipes have no need of it. Views of one client share theirs. */
  get surroundings(): Surroundings {
    return this.#client.surroundings;
  }

  /** NODE_EXISTS; NO_NODE when the parent is missing; NO_CHILDREN_FOR_EPHEMERALS; DATA_TOO_LARGE. */
  async create(
    path: string,
    data: Bytes | string = '',
    options: CreateOptions = {},
  ): Promise<{ path: string; stat: Stat }> {
    const { mode = 'persistent', parents = false, protect = false } = options;
    treePath(this.#root, path, { op: 'create', mode });
    const name = protect ? protectedPath(path, this.#client.surroundings.newGuid()) : path;
    if (!parents) return this.#create(name, data, options);
    const budget = new Budget(this.#client, options);
    return this.#again('NO_NODE', async (isLast) => {
      try {
        return await this.#create(name, data, { ...options, ...budget.rest });
      } catch (error) {
        if (!isLast && isZkError(error, 'NO_NODE')) await this.ensure(parentOf(name), budget.rest);
        throw error;
      }
    });
  }

  /** The node and its parents exist afterwards, with empty data where they were missing. */
  async ensure(path: string, options: CallOptions = {}): Promise<void> {
    const full = treePath(this.#root, path, { op: 'ensure' });
    if (full === '/') return;
    const budget = new Budget(this.#client, options);
    await this.#again('NO_NODE', async () => {
      try {
        await this.#ensureOne(full, budget.rest);
      } catch (error) {
        if (!isZkError(error, 'NO_NODE')) throw error;
        // One after the other in one go: each finds the one before it.
        const { rest } = budget;
        await Promise.all(prefixesOf(full).map((prefix) => this.#ensureOne(prefix, rest)));
      }
    });
  }

  /** NO_NODE. With `watch`: of the data, fired by its change or the node's deletion. */
  get(path: string, options?: Watching<ReadOptions>): Promise<Snapshot<Bytes>>;
  get(path: string, options: Watched<ReadOptions>): Promise<Snapshot<Bytes> & { readonly watch: OneShot }>;
  async get(
    path: string,
    options: ReadOptions & { readonly watch?: boolean } = {},
  ): Promise<Snapshot<Bytes> & { readonly watch?: OneShot }> {
    const full = treePath(this.#root, path, { op: 'get' });
    const terms = termsOf(this.#client, this.#root, 'get', options);
    const answer = await this.#client.submit({ kind: 'get', path: full, read: readTermsOf(options) }, terms);
    const { data, stat, watch } = answer;
    return watch === undefined ? { path, data, stat } : { path, data, stat, watch };
  }

  async getOrNull(path: string, options: ReadOptions = {}): Promise<Snapshot<Bytes> | null> {
    try {
      return await this.get(path, { ...options, watch: false });
    } catch (error) {
      if (isZkError(error, 'NO_NODE')) return null;
      throw error;
    }
  }

  /** Null when there is no such node; with `watch`, its creation fires then. */
  exists(path: string, options?: Watching<ReadOptions>): Promise<Stat | null>;
  exists(path: string, options: Watched<ReadOptions>): Promise<{ stat: Stat | null; watch: OneShot }>;
  async exists(
    path: string,
    options: ReadOptions & { readonly watch?: boolean } = {},
  ): Promise<Stat | null | { stat: Stat | null; watch: OneShot }> {
    const full = treePath(this.#root, path, { op: 'exists' });
    const terms = termsOf(this.#client, this.#root, 'exists', options);
    const answer = await this.#client.submit(
      { kind: 'exists', path: full, read: readTermsOf(options) },
      terms,
    );
    const stat = answer.stat ?? null;
    return answer.watch === undefined ? stat : { stat, watch: answer.watch };
  }

  /** NO_NODE, BAD_VERSION, DATA_TOO_LARGE. */
  async set(path: string, data: Bytes | string, options: WriteOptions = {}): Promise<Stat> {
    const full = treePath(this.#root, path, { op: 'set' });
    const version = versionOf(options.version);
    const terms = termsOf(this.#client, this.#root, 'set', options);
    const answer = await this.#client.submit(
      { kind: 'set', path: full, data: toBytes(data), version },
      terms,
    );
    return statOf(answer.results, 'set');
  }

  /** Creates the node or sets its data. */
  async put(path: string, data: Bytes | string, options: CreateOptions = {}): Promise<Stat> {
    if (isSequential(options.mode ?? 'persistent') || options.protect) {
      throw new ZkError('BAD_ARGUMENTS', {
        op: 'put',
        path,
        message: 'put is for a node whose name is known',
      });
    }
    const budget = new Budget(this.#client, options);
    return this.#again('NODE_EXISTS', async () => {
      try {
        return await this.set(path, data, budget.rest);
      } catch (error) {
        if (!isZkError(error, 'NO_NODE')) throw error;
        const { stat } = await this.create(path, data, { ...options, ...budget.rest });
        return stat;
      }
    });
  }

  /** NO_NODE (unless `missingOk`), BAD_VERSION, NOT_EMPTY (unless `recursive`). */
  async delete(path: string, options: DeleteOptions = {}): Promise<void> {
    const full = treePath(this.#root, path, { op: 'delete' });
    const version = versionOf(options.version);
    try {
      if (options.guaranteed) await this.#deleteGuaranteed(full, version, options);
      else if (options.recursive) await this.#deleteRecursive(path, options);
      else {
        const terms = termsOf(this.#client, this.#root, 'delete', options);
        await this.#client.submit({ kind: 'delete', path: full, version }, terms);
      }
    } catch (error) {
      if (!((options.missingOk || options.guaranteed) && isZkError(error, 'NO_NODE'))) throw error;
    }
  }

  /** NO_NODE. Names in UTF-8 byte order. With `watch`: fired by a child's coming or going, or the node's deletion. */
  children(path: string, options?: Watching<ReadOptions>): Promise<readonly string[]>;
  children(
    path: string,
    options: Watched<ReadOptions>,
  ): Promise<{ children: readonly string[]; stat: Stat; watch: OneShot }>;
  async children(
    path: string,
    options: ReadOptions & { readonly watch?: boolean } = {},
  ): Promise<readonly string[] | { children: readonly string[]; stat: Stat; watch: OneShot }> {
    const full = treePath(this.#root, path, { op: 'children' });
    const terms = termsOf(this.#client, this.#root, 'children', options);
    const answer = await this.#client.submit(
      { kind: 'children', path: full, read: readTermsOf(options) },
      terms,
    );
    const { names, stat, watch } = answer;
    return watch === undefined ? names : { children: names, stat, watch };
  }

  /** A read of this client after it sees all that was committed anywhere before it was asked. What the server had applied. */
  async sync(path = '/', options: CallOptions = {}): Promise<Zxid> {
    const full = treePath(this.#root, path, { op: 'sync' });
    const terms = termsOf(this.#client, this.#root, 'sync', options);
    const { zxid } = await this.#client.submit({ kind: 'sync', path: full }, terms);
    return BigInt(zxid);
  }

  transaction(): Transaction {
    return new TransactionBuilder(this.#client, this.#root);
  }

  /** A view whose paths are below `path`; shares session and connection, and is closed with them. */
  namespace(path: string): ZooKeeper {
    const root = treePath(this.#root, path, { op: 'namespace' });
    return new ZooKeeper(this.#client, root === '/' ? '' : root);
  }

  /**
   * Ends the session, so that its ephemeral nodes vanish now. Guaranteed deletes are awaited up to `graceMs` (5000).
   * Idempotent, never rejects; of a view, it closes the client.
   */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    return this.#client.close(options.graceMs ?? GRACE_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #create(
    path: string,
    data: Bytes | string,
    options: CreateOptions,
  ): Promise<{ path: string; stat: Stat }> {
    const { mode = 'persistent', acl = this.#client.settings.defaultAcl ?? [] } = options;
    const full = treePath(this.#root, path, { op: 'create', mode });
    const terms = termsOf(this.#client, this.#root, 'create', options);
    const ask = { kind: 'create', path: full, data: toBytes(data), mode, acl: modelAcls(acl) } as const;
    const { results } = await this.#client.submit(ask, terms);
    return { path: withoutRoot(this.#root, results[0]?.path ?? full), stat: statOf(results, 'create') };
  }

  /** `full` is a path of the tree. */
  async #ensureOne(full: string, options: CallOptions): Promise<void> {
    const terms = termsOf(this.#client, this.#root, 'ensure', options);
    const acl = modelAcls(this.#client.settings.defaultAcl ?? []);
    try {
      await this.#client.submit(
        { kind: 'create', path: full, data: NO_DATA, mode: 'persistent', acl },
        terms,
      );
    } catch (error) {
      if (!isZkError(error, 'NODE_EXISTS')) throw error;
    }
  }

  async #deleteRecursive(path: string, options: DeleteOptions): Promise<void> {
    const budget = new Budget(this.#client, options);
    const deleter = {
      children: (child: string) => this.children(child, { ...budget.rest, watch: false }),
      delete: (child: string) => this.delete(child, budget.rest),
    };
    await this.#again('NOT_EMPTY', async () => {
      await deleteBelow(deleter, path);
      await this.delete(path, {
        ...(options.version === undefined ? {} : { version: options.version }),
        ...budget.rest,
      });
    });
  }

  async #deleteGuaranteed(full: string, version: number, options: DeleteOptions): Promise<void> {
    if (options.recursive) {
      throw new ZkError('BAD_ARGUMENTS', {
        op: 'delete',
        message: 'a guaranteed delete is of one node, not recursive',
      });
    }
    const asked = termsOf(this.#client, this.#root, 'delete', options);
    const work = this.#client.submit(
      { kind: 'delete', path: full, version },
      {
        ...asked,
        signal: undefined,
        timeoutMs: Number.POSITIVE_INFINITY,
        retry: retry.forever(this.#client.settings.retry),
        boundTo: this.#client.session,
        guaranteed: true,
      },
    );
    const { timeoutMs, signal } = asked;
    const message = `not deleted within ${timeoutMs} ms: it goes on in the background`;
    const path = withoutRoot(this.#root, full);
    const lateness = () =>
      new ZkError('REQUEST_TIMEOUT', { op: 'delete', path, message, outcome: 'unknown' });
    await this.#client.within(work, { signal, timeoutMs, lateness });
  }

  /** Does it again when it fails with `code`, at most ATTEMPTS_MAX times. */
  async #again<T>(
    code: 'NO_NODE' | 'NODE_EXISTS' | 'NOT_EMPTY',
    attempt: (isLast: boolean) => Promise<T>,
  ): Promise<T> {
    for (let left = ATTEMPTS_MAX - 1; ; left--) {
      try {
        return await attempt(left === 0);
      } catch (error) {
        if (left === 0 || !isZkError(error, code)) throw error;
      }
    }
  }
}

const NO_DATA = new Uint8Array(0);

function statOf(results: readonly { readonly stat: Stat | undefined }[], op: string): Stat {
  const stat = results[0]?.stat;
  if (stat === undefined)
    throw new ZkError('MARSHALLING', { op, message: 'the reply lacks its Stat', outcome: 'applied' });
  return stat;
}

/** `/a`, `/a/b`, `/a/b/c` of the last. */
function prefixesOf(path: string): readonly string[] {
  const prefixes: string[] = [];
  for (let prefix = path; prefix !== '/'; prefix = parentOf(prefix)) prefixes.unshift(prefix);
  return prefixes;
}

/** `/a/_c_<guid>-b` of `/a/b`, as ZooKeeper's Curator writes it. */
function protectedPath(path: string, guid: string): string {
  return joinPath(parentOf(path), `_c_${guid}-${nameOf(path)}`);
}
