import { isSequential, joinPath, nameOf, parentOf } from '@zabra/model';
import { type Acl, type Identity, modelAcls, userAcls } from './acl.ts';
import type { AnswerTo, Ask, ChangeAnswer } from './ask.ts';
import type {
  CallOptions,
  CreateOptions,
  DeleteOptions,
  EnsureOptions,
  PageOptions,
  ReadOptions,
  WalkOptions,
  WriteOptions,
} from './call-options.ts';
import type { Client } from './client.ts';
import { type Codec, toBytes } from './codecs.ts';
import { createOperation } from './create-operation.ts';
import { deleteAtOnce, deleteBySteps } from './delete-steps.ts';
import { isZkError, ZkError } from './errors.ts';
import { latestValues, type Reading } from './latest-values.ts';
import {
  type Child,
  childrenOf,
  type Page,
  pagesAfter,
  pagesOfOne,
  type Visit,
  walkFrom,
} from './listing.ts';
import { type MultiRead, type MultiReadResult, multiReadResult, subReads } from './multi-read.ts';
import { type Node, TypedNode } from './node.ts';
import { checkPrefix, paths, treePath, withoutRoot } from './paths.ts';
import { type Quota, type QuotaLimits, readQuota, removeQuota, writeQuota } from './quota.ts';
import { retry } from './retry.ts';
import type { Session, SessionState } from './session-view.ts';
import type { Bytes, Snapshot, Stat, Zxid } from './stat.ts';
import type { Surroundings } from './surroundings.ts';
import { Budget, countOf, readTermsOf, termsOf, versionOf, zxidOf } from './terms.ts';
import { type Transaction, TransactionBuilder } from './transaction.ts';
import type { OneShot, WatchEvent, Watcher, WatchOptions } from './watch-event.ts';

const GRACE_MS = 5_000;
/** How often a call that makes what it found missing looks again, when others keep removing it. */
const ATTEMPTS_MAX = 8;
const PAGE_SIZE = 1_000;
/** As many as the server gives at once: it says when there are more, where without a bound it would refuse. */
const NAMES_MAX = 2 ** 32 - 1;
const WALK_CONCURRENCY = 16;
const EVENTS_BUFFERED = 1_000;

type Watching<T> = T & { readonly watch?: false };
type Watched<T> = T & { readonly watch: true };

/**
 * A client of the ensemble, or a view of one below a path (`namespace`).
 *
 * Every call may reject with INVALID_PATH, BAD_ARGUMENTS, REQUEST_TIMEOUT, SESSION_EXPIRED, CLIENT_CLOSED, LIMIT,
 * NO_AUTH, or the reason of its signal; with CONNECTION_LOSS when its retry policy gives up. Each error's
 * `outcome` says whether a write may have happened. Writes are sent in the order of the calls, and done once
 * however often they are sent. What differs at servers that speak ZooKeeper's wire is in docs/zookeeper-servers.md.
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
    const budget = new Budget(this.#client, options);
    if (protect && !this.#client.wire.doesWritesOnce) return this.#createOrFind(name, data, options, budget);
    if (!parents) return this.#create(name, data, options);
    return this.#again('NO_NODE', async (isLast) => {
      try {
        return await this.#create(name, data, { ...options, ...budget.rest });
      } catch (error) {
        const container = parents === 'container';
        if (!isLast && isZkError(error, 'NO_NODE'))
          await this.ensure(parentOf(name), { ...budget.rest, container });
        throw error;
      }
    });
  }

  /** The node and its parents exist afterwards, with empty data where they were missing. */
  async ensure(path: string, options: EnsureOptions = {}): Promise<void> {
    const full = treePath(this.#root, path, { op: 'ensure' });
    if (full === '/') return;
    const mode = options.container ? 'container' : 'persistent';
    const budget = new Budget(this.#client, options);
    await this.#again('NO_NODE', async () => {
      try {
        await this.#ensureOne(full, mode, budget.rest);
      } catch (error) {
        if (!isZkError(error, 'NO_NODE')) throw error;
        // One after the other in one go: each finds the one before it.
        const { rest } = budget;
        await Promise.all(prefixesOf(full).map((prefix) => this.#ensureOne(prefix, mode, rest)));
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
    const ask = {
      kind: 'get',
      path: full,
      read: readTermsOf(options),
      watch: options.watch === true,
    } as const;
    const answer = await this.#ask(ask, 'get', options);
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
    const ask = {
      kind: 'exists',
      path: full,
      read: readTermsOf(options),
      watch: options.watch === true,
    } as const;
    const answer = await this.#ask(ask, 'exists', options);
    const stat = answer.stat ?? null;
    return answer.watch === undefined ? stat : { stat, watch: answer.watch };
  }

  /** NO_NODE, BAD_VERSION, DATA_TOO_LARGE. */
  async set(path: string, data: Bytes | string, options: WriteOptions = {}): Promise<Stat> {
    const full = treePath(this.#root, path, { op: 'set' });
    const version = versionOf(options.version);
    const ask = { kind: 'set', path: full, data: toBytes(data), version } as const;
    return statOf((await this.#ask(ask, 'set', options)).results, 'set');
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

  /**
   * NO_NODE (unless `missingOk`), BAD_VERSION, NOT_EMPTY (unless `recursive`). When a recursive one that is not
   * `atomic` fails, part of what is below may be gone.
   */
  async delete(path: string, options: DeleteOptions = {}): Promise<void> {
    const full = treePath(this.#root, path, { op: 'delete' });
    const version = versionOf(options.version);
    checkDelete(path, options);
    try {
      if (options.guaranteed) await this.#deleteGuaranteed(full, version, options);
      else if (options.recursive) await this.#deleteRecursive(path, full, options);
      else await this.#ask({ kind: 'delete', path: full, version }, 'delete', options);
    } catch (error) {
      if (!((options.missingOk || options.guaranteed) && isZkError(error, 'NO_NODE'))) throw error;
    }
  }

  /** Starts the TTL of a node anew and changes nothing else. NO_NODE; BAD_ARGUMENTS for a node without TTL. */
  async touch(path: string, options: CallOptions = {}): Promise<void> {
    const full = treePath(this.#root, path, { op: 'touch' });
    await this.#ask({ kind: 'touch', path: full }, 'touch', options);
  }

  /**
   * NO_NODE. Names in UTF-8 byte order. With `watch`: fired by a child's coming or going, or the node's deletion. A list
   * that no frame holds is read in several; what came or went in between may be in it or not, and fires the watch.
   */
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
    const budget = new Budget(this.#client, options);
    const first = await this.#page(full, { ...options, watch: options.watch === true });
    const { stat, watch } = first;
    let { names } = first;
    try {
      if (first.more) names = await this.#restOf(full, names, options, budget);
    } catch (error) {
      await watch?.[Symbol.asyncDispose]();
      throw error;
    }
    return watch === undefined ? names : { children: names, stat, watch };
  }

  /** NO_NODE. The children in UTF-8 byte order, read page by page as the loop goes on: not one moment's picture. */
  childrenPages(path: string, options: PageOptions = {}): AsyncIterable<Child> {
    const full = treePath(this.#root, path, { op: 'children' });
    const { withStat: withStats = false } = options;
    const limit = countOf('pageSize', options.pageSize ?? PAGE_SIZE);
    if (!this.#client.wire.pagesChildren) {
      return childrenOf(
        pagesOfOne({
          names: () => this.children(path, { ...options, watch: false }),
          stat: withStats ? (name) => this.#statOfChild(joinPath(path, name), options) : undefined,
          limit,
        }),
      );
    }
    return childrenOf((after) => this.#page(full, { ...options, after, limit, withStats }));
  }

  /**
   * NO_NODE. The node and everything below it, parents before children, siblings in order; read as the loop goes on,
   * each node as it is when it is read. A node that is gone by then is passed over.
   */
  walk(path: string, options: WalkOptions = {}): AsyncIterable<Snapshot<Bytes>> {
    treePath(this.#root, path, { op: 'walk' });
    const concurrency = countOf('concurrency', options.concurrency ?? WALK_CONCURRENCY);
    return walkFrom(path, (each) => this.#visit(each, each === path, options), concurrency);
  }

  /** NO_NODE. Nodes below it, itself not counted; costs the same however many there are. */
  async descendants(path: string, options: ReadOptions = {}): Promise<number> {
    const full = treePath(this.#root, path, { op: 'descendants' });
    const ask = { kind: 'descendants', path: full, read: readTermsOf(options) } as const;
    return (await this.#ask(ask, 'descendants', options)).count;
  }

  /** Reads as of one moment; each has its own result or error. */
  async multiRead(
    reads: readonly MultiRead[],
    options: ReadOptions = {},
  ): Promise<readonly MultiReadResult[]> {
    const full = subReads(this.#root, reads);
    if (full.length === 0) return [];
    const ask = { kind: 'multiRead', reads: full, read: readTermsOf(options) } as const;
    const { results, zxid } = await this.#ask(ask, 'multiRead', options);
    return reads.map((read, index) => multiReadResult(read, results[index], zxid));
  }

  /** Paths of the ephemeral nodes of this session that begin with the prefix, which need not end a name. */
  async ephemerals(prefix = '/', options: CallOptions = {}): Promise<readonly string[]> {
    const full = checkPrefix(this.#root, prefix);
    const answer = await this.#ask({ kind: 'ephemerals', prefix: full }, 'ephemerals', options);
    // The prefix of a whole view is that of its neighbours too: `/app` of `/apple`.
    return answer.paths
      .filter((path) => this.#root === '' || paths.isUnder(path, this.#root))
      .map((path) => withoutRoot(this.#root, path));
  }

  // Access.

  /** NO_NODE; NO_AUTH without both READ and ADMIN. Without ADMIN the secret part of an id shows as `x`. */
  async getAcl(path: string, options: ReadOptions = {}): Promise<{ acl: readonly Acl[]; stat: Stat }> {
    const full = treePath(this.#root, path, { op: 'getAcl' });
    const ask = { kind: 'getAcl', path: full, read: readTermsOf(options) } as const;
    const { acl, stat } = await this.#ask(ask, 'getAcl', options);
    return { acl: userAcls(acl), stat };
  }

  /** NO_NODE, INVALID_ACL, BAD_VERSION: `version` is the `aversion` of the Stat. Holds for the node, not for what is below. */
  async setAcl(path: string, acl: readonly Acl[], options: WriteOptions = {}): Promise<Stat> {
    const full = treePath(this.#root, path, { op: 'setAcl' });
    const version = versionOf(options.version);
    const ask = { kind: 'setAcl', path: full, acl: modelAcls(acl), version } as const;
    return statOf((await this.#ask(ask, 'setAcl', options)).results, 'setAcl');
  }

  /**
   * Proves an identity, for the calls made after it and on every later connection. `digest` and `scrypt` take
   * `user:password`. AUTH_FAILED when it is refused, LIMIT when the server had no time to look at it; the session lives
   * on. Credentials that were taken and are refused with AUTH_FAILED on a later connection end the client: its state is
   * then `auth-failed`, its calls fail with AUTH_FAILED.
   */
  async addAuth(scheme: string, credentials: string | Bytes, options: CallOptions = {}): Promise<void> {
    const isProof = typeof credentials === 'string' || credentials instanceof Uint8Array;
    if (typeof scheme !== 'string' || scheme === '' || !isProof) {
      const message = 'name a scheme, as digest, and give a string or bytes';
      throw new ZkError('BAD_ARGUMENTS', { op: 'addAuth', message });
    }
    await this.#ask({ kind: 'addAuth', scheme, credentials: toBytes(credentials) }, 'addAuth', options);
  }

  /** Whom the ensemble takes this client for: its address, and what it proved. */
  async whoAmI(options: CallOptions = {}): Promise<readonly Identity[]> {
    return (await this.#ask({ kind: 'whoAmI' }, 'whoAmI', options)).identities;
  }

  // Quotas: ordinary nodes below /zookeeper/quota, as ZooKeeper's clients make them. A view's path is a whole one there.

  /** Null for none. */
  async getQuota(path: string, options: CallOptions = {}): Promise<Quota | null> {
    const full = treePath(this.#root, path, { op: 'getQuota' });
    return readQuota(this.#whole(), full, new Budget(this.#client, options));
  }

  /** NO_NODE when there is nothing to limit. Replaces: what is absent is no limit. */
  async setQuota(path: string, limits: QuotaLimits, options: CallOptions = {}): Promise<void> {
    const full = treePath(this.#root, path, { op: 'setQuota' });
    await writeQuota(this.#whole(), full, limits, new Budget(this.#client, options));
  }

  /** Nothing happens when there is none. */
  async deleteQuota(path: string, options: CallOptions = {}): Promise<void> {
    const full = treePath(this.#root, path, { op: 'deleteQuota' });
    await removeQuota(this.#whole(), full, new Budget(this.#client, options));
  }

  /** A read of this client after it sees all that was committed anywhere before it was asked. What the server had applied. */
  async sync(path = '/', options: CallOptions = {}): Promise<Zxid> {
    const full = treePath(this.#root, path, { op: 'sync' });
    return BigInt((await this.#ask({ kind: 'sync', path: full }, 'sync', options)).zxid);
  }

  // Watching.

  /**
   * Tells what happens at a path from this call on: the creation, change and deletion of the node, and `children` when a
   * child comes or goes; `recursive`: creation, change and deletion of the node and of each node below. Events come in
   * the order in which they happened, none twice and none left out. Where that cannot be kept it says `resync`: read
   * again. Reasons are `reconnected` (the server does not remember that far), `new-session`, and `overflow` (more than
   * `maxBuffered` waited unread).
   *
   * A call made after this one is answered after the watch stands. Throws INVALID_PATH, BAD_ARGUMENTS and CLIENT_CLOSED
   * at once; the loop rejects with LIMIT when the ensemble allows no further watch, and with the error that closed the
   * client. It ends as {@link Watcher} says.
   */
  watch(path: string, options: WatchOptions = {}): Watcher<WatchEvent> {
    const full = treePath(this.#root, path, { op: 'watch' });
    const { recursive = false, signal, fromZxid } = options;
    const maxBuffered = countOf('maxBuffered', options.maxBuffered ?? EVENTS_BUFFERED);
    return this.#client.watch({
      kind: recursive ? 'persistentRecursive' : 'persistent',
      path: full,
      root: this.#root,
      signal,
      maxBuffered,
      fromZxid: fromZxid === undefined ? undefined : zxidOf('fromZxid', fromZxid),
    });
  }

  /**
   * The node now, and again whenever its data has changed; null while there is none. The latest value only: a slow
   * reader skips what was in between, never the last. Lives through lost connections and sessions; rejects with NO_AUTH
   * when the node may not be read.
   */
  watchData(path: string, options: { readonly signal?: AbortSignal } = {}): Watcher<Snapshot<Bytes> | null> {
    return this.#watchData(path, (snapshot) => snapshot, options);
  }

  /** The list of children now, and again whenever one came or went; null while there is no node. As {@link watchData}. */
  watchChildren(
    path: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Watcher<{ children: readonly string[]; stat: Stat } | null> {
    const read = async (reads: CallOptions) => {
      const { children, stat, watch } = await this.children(path, { ...reads, watch: true });
      return { value: { children, stat }, key: `${stat.czxid} ${stat.pzxid}`, watch };
    };
    return this.#latest('watchChildren', path, options, read, (list) => list);
  }

  /** A typed handle on one path. */
  node<T>(path: string, codec: Codec<T>): Node<T> {
    treePath(this.#root, path, { op: 'node' });
    return new TypedNode(path, codec, {
      get: (options) => this.get(path, { ...options, watch: false }),
      getOrNull: (options) => this.getOrNull(path, options),
      set: (data, options) => this.set(path, data, options),
      create: async (data, options) => (await this.create(path, data, options)).stat,
      watch: (shown, options) => this.#watchData(path, shown, options),
      budget: (options) => new Budget(this.#client, options),
    });
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

  /** One request, with the options of its call. */
  #ask<K extends Ask['kind']>(
    ask: Ask & { readonly kind: K },
    op: string,
    options: CallOptions,
  ): Promise<AnswerTo<K>> {
    return this.#client.submit<K>(ask, termsOf(this.#client, this.#root, op, options));
  }

  /** The view of the whole tree. */
  #whole(): ZooKeeper {
    return new ZooKeeper(this.#client, '');
  }

  async #create(
    path: string,
    data: Bytes | string,
    options: CreateOptions,
  ): Promise<{ path: string; stat: Stat }> {
    const ask = createOperation(this.#root, path, data, options, this.#client.settings.defaultAcl);
    const { results } = await this.#ask(ask, 'create', options);
    return { path: withoutRoot(this.#root, results[0]?.path ?? ask.path), stat: statOf(results, 'create') };
  }

  /**
   * A protected create, where a write whose answer was lost is not made again by itself: then the name, which is
   * nobody else's, is looked for. One that belongs to an earlier session goes with it, and is not ours.
   */
  async #createOrFind(
    name: string,
    data: Bytes | string,
    options: CreateOptions,
    budget: Budget,
  ): Promise<{ path: string; stat: Stat }> {
    const { protect: _, ...plain } = options;
    for (;;) {
      try {
        return await this.create(name, data, { ...plain, ...budget.rest });
      } catch (error) {
        if (!isZkError(error, 'CONNECTION_LOSS') || error.outcome !== 'unknown') throw error;
        const found = await this.#findProtected(name, budget).catch(() => {
          throw error;
        });
        if (found !== undefined) return found;
      }
    }
  }

  async #findProtected(name: string, budget: Budget): Promise<{ path: string; stat: Stat } | undefined> {
    const [parent, start] = [parentOf(name), nameOf(name)];
    try {
      // Confirmed by the leader: a server that lags would not show it yet.
      const names = await this.children(parent, { ...budget.rest, linearizable: true });
      const found = names.find((each) => each.startsWith(start));
      if (found === undefined) return undefined;
      const path = joinPath(parent, found);
      const stat = await this.exists(path, budget.rest);
      const isOurs = stat !== null && [0n, this.session.id].includes(stat.ephemeralOwner);
      return isOurs ? { path, stat } : undefined;
    } catch (error) {
      if (isZkError(error, 'NO_NODE')) return undefined;
      throw error;
    }
  }

  /** Undefined for one that may not be looked at; null for one that is gone. */
  async #statOfChild(path: string, options: ReadOptions): Promise<Stat | null | undefined> {
    try {
      return await this.exists(path, { ...options, watch: false });
    } catch (error) {
      if (isZkError(error, 'NO_AUTH')) return undefined;
      throw error;
    }
  }

  /** `full` is a path of the tree. */
  async #ensureOne(full: string, mode: 'persistent' | 'container', options: CallOptions): Promise<void> {
    const ask = createOperation('', full, '', { mode }, this.#client.settings.defaultAcl);
    try {
      await this.#ask(ask, 'ensure', options);
    } catch (error) {
      if (!isZkError(error, 'NODE_EXISTS')) throw error;
    }
  }

  /** Piece by piece, each a request of its own with the rest of the budget. */
  async #deleteRecursive(path: string, full: string, options: DeleteOptions): Promise<void> {
    const budget = new Budget(this.#client, options);
    if (!this.#client.wire.deletesTrees) {
      const deleteAll = options.atomic ? deleteAtOnce : deleteBySteps;
      await deleteAll(this, path, budget);
      return;
    }
    const ask = { kind: 'deleteTree', path: full, nodesMax: 0, atomic: options.atomic === true } as const;
    for (let isFirst = true; ; isFirst = false) {
      try {
        const { results } = await this.#ask(ask, 'delete', budget.rest);
        if (results[0]?.done !== false) return;
      } catch (error) {
        // Somebody else deleted the rest.
        if (!isFirst && isZkError(error, 'NO_NODE')) return;
        throw error;
      }
    }
  }

  #page(
    full: string,
    options: ReadOptions & {
      readonly watch?: boolean;
      readonly after?: string;
      readonly limit?: number;
      readonly withStats?: boolean;
    },
  ): Promise<AnswerTo<'children'>> {
    const { watch = false, after = '', limit = NAMES_MAX, withStats = false } = options;
    const read = readTermsOf(options);
    return this.#ask(
      { kind: 'children', path: full, read, watch, after, limit, withStats },
      'children',
      options,
    );
  }

  async #restOf(
    full: string,
    first: readonly string[],
    options: ReadOptions,
    budget: Budget,
  ): Promise<readonly string[]> {
    const names = [...first];
    const { linearizable, minZxid } = options;
    const reads = {
      ...(linearizable === undefined ? {} : { linearizable }),
      ...(minZxid === undefined ? {} : { minZxid }),
    };
    const page = (after: string): Promise<Page> => this.#page(full, { ...budget.rest, ...reads, after });
    for await (const rest of pagesAfter(first.at(-1) ?? '', page)) {
      for (const name of rest.names) names.push(name);
    }
    return names;
  }

  /** Undefined: it is gone, which only the node where the walk began may not be. */
  async #visit(path: string, isFirst: boolean, options: ReadOptions): Promise<Visit<Bytes> | undefined> {
    try {
      const snapshot = await this.get(path, { ...options, watch: false });
      const isLeaf = snapshot.stat.numChildren === 0;
      return { snapshot, children: isLeaf ? [] : await this.children(path, { ...options, watch: false }) };
    } catch (error) {
      if (!isFirst && isZkError(error, 'NO_NODE')) return undefined;
      throw error;
    }
  }

  #watchData<V>(
    path: string,
    shown: (snapshot: Snapshot<Bytes> | null) => V,
    options: { readonly signal?: AbortSignal },
  ): Watcher<V> {
    const read = async (reads: CallOptions) => {
      const { watch, ...snapshot } = await this.get(path, { ...reads, watch: true });
      const { czxid, mzxid } = snapshot.stat;
      return { value: snapshot, key: `${czxid} ${mzxid}`, watch };
    };
    return this.#latest('watchData', path, options, read, shown);
  }

  /** What `read` finds, or null while there is no node; without a bound in time. */
  #latest<S, V>(
    op: string,
    path: string,
    { signal }: { readonly signal?: AbortSignal },
    read: (options: CallOptions) => Promise<Reading<S>>,
    shown: (value: S | null) => V,
  ): Watcher<V> {
    treePath(this.#root, path, { op });
    const always = { timeoutMs: Number.POSITIVE_INFINITY, retry: retry.forever(this.#client.settings.retry) };
    return latestValues<S | null, V>({
      read: async (over) => {
        const options = { ...always, signal: over };
        for (;;) {
          try {
            return await read(options);
          } catch (error) {
            if (!isZkError(error, 'NO_NODE')) throw error;
          }
          const { stat, watch } = await this.exists(path, { ...options, watch: true });
          if (stat === null) return { value: null, key: 'absent', watch };
          // It came in between, so that it is what is read next.
          await watch[Symbol.asyncDispose]();
        }
      },
      shown,
      signal,
      onAbort: (aborting, leave) => this.#client.onAbort(aborting, leave),
    });
  }

  async #deleteGuaranteed(full: string, version: number, options: DeleteOptions): Promise<void> {
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

/** Throws BAD_ARGUMENTS for options that do not go together. */
function checkDelete(path: string, { recursive, atomic, guaranteed, version }: DeleteOptions): void {
  const faults = [
    [guaranteed && recursive, 'a guaranteed delete is of one node, not recursive'],
    [atomic && !recursive, 'atomic is for a recursive delete: one node goes at once in any case'],
    [recursive && version !== undefined, 'a recursive delete takes no version: check it in a transaction'],
  ] as const;
  const fault = faults.find(([isWrong]) => isWrong)?.[1];
  if (fault !== undefined) throw new ZkError('BAD_ARGUMENTS', { op: 'delete', path, message: fault });
}

function statOf(results: readonly ChangeAnswer[], op: string): Stat {
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
