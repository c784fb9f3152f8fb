import { ANY_VERSION, type SubOperation } from '@zabra/model';
import { type Acl, modelAcls } from './acl.ts';
import type { CallOptions, CreateMode } from './call-options.ts';
import type { Client } from './client.ts';
import { toBytes } from './codecs.ts';
import { ZkError } from './errors.ts';
import type { Lease } from './lease.ts';
import { treePath, withoutRoot } from './paths.ts';
import type { Bytes, SessionId, Stat } from './stat.ts';
import { termsOf, versionOf } from './terms.ts';

export interface TxResult {
  readonly op: 'create' | 'set' | 'delete' | 'check';
  /** As made: with its suffix for a sequential node. */
  readonly path: string;
  readonly stat?: Stat;
}

/** Operations that happen together or not at all. Its methods throw INVALID_PATH and BAD_ARGUMENTS at once. */
export interface Transaction {
  create(
    path: string,
    data?: Bytes | string,
    options?: { readonly mode?: CreateMode; readonly acl?: readonly Acl[] },
  ): this;
  set(path: string, data: Bytes | string, options?: { readonly version?: number }): this;
  delete(path: string, options?: { readonly version?: number }): this;
  /** The node exists, at this version if one is given. */
  check(path: string, options?: { readonly version?: number }): this;
  checkAbsent(path: string): this;
  /**
   * Refused unless the lease is still held: its node exists, and the transaction is made by its session
   * (SESSION_EXPIRED otherwise). The lease was taken through this client, in the same namespace.
   */
  guard(lease: Lease): this;
  /**
   * Once. Rejects with TransactionError when an operation was refused; then nothing was changed. The outcome of
   * REQUEST_TIMEOUT, CONNECTION_LOSS and SESSION_EXPIRED may be `unknown`.
   */
  commit(options?: CallOptions): Promise<readonly TxResult[]>;
}

export class TransactionBuilder implements Transaction {
  readonly #client: Client;
  readonly #root: string;
  readonly #operations: SubOperation[] = [];
  #session: SessionId | undefined;
  #committed = false;

  constructor(client: Client, root: string) {
    this.#client = client;
    this.#root = root;
  }

  create(
    path: string,
    data: Bytes | string = '',
    options: { readonly mode?: CreateMode; readonly acl?: readonly Acl[] } = {},
  ): this {
    const { mode = 'persistent', acl = this.#client.settings.defaultAcl ?? [] } = options;
    const full = treePath(this.#root, path, { op: 'create', mode });
    this.#operations.push({ kind: 'create', path: full, data: toBytes(data), mode, acl: modelAcls(acl) });
    return this;
  }

  set(path: string, data: Bytes | string, options: { readonly version?: number } = {}): this {
    const full = treePath(this.#root, path, { op: 'set' });
    this.#operations.push({
      kind: 'set',
      path: full,
      data: toBytes(data),
      version: versionOf(options.version),
    });
    return this;
  }

  delete(path: string, options: { readonly version?: number } = {}): this {
    const full = treePath(this.#root, path, { op: 'delete' });
    this.#operations.push({ kind: 'delete', path: full, version: versionOf(options.version) });
    return this;
  }

  check(path: string, options: { readonly version?: number } = {}): this {
    const full = treePath(this.#root, path, { op: 'check' });
    this.#operations.push({ kind: 'check', path: full, version: versionOf(options.version) });
    return this;
  }

  checkAbsent(path: string): this {
    this.#operations.push({ kind: 'checkAbsent', path: treePath(this.#root, path, { op: 'check' }) });
    return this;
  }

  guard(lease: Lease): this {
    if (this.#session !== undefined && this.#session !== lease.sessionId) {
      throw new ZkError('BAD_ARGUMENTS', {
        op: 'guard',
        message: 'leases of two sessions cannot both be held',
      });
    }
    this.#session = lease.sessionId;
    const path = treePath(this.#root, lease.path, { op: 'guard' });
    this.#operations.push({ kind: 'check', path, version: ANY_VERSION });
    return this;
  }

  async commit(options: CallOptions = {}): Promise<readonly TxResult[]> {
    if (this.#committed) {
      throw new ZkError('BAD_ARGUMENTS', { op: 'transaction', message: 'a transaction is committed once' });
    }
    this.#committed = true;
    const bound = this.#session === undefined ? options : { ...options, session: this.#session };
    const terms = termsOf(this.#client, this.#root, 'transaction', bound);
    if (this.#operations.length === 0) return [];
    const answer = await this.#client.submit({ kind: 'transaction', operations: this.#operations }, terms);
    return answer.results.map(({ op, path, stat }) => {
      const seen = withoutRoot(this.#root, path);
      return stat === undefined ? { op, path: seen } : { op, path: seen, stat };
    });
  }
}
