import { SESSION_ID_MAX, type SubOperation } from '@zabra/model';
import type { Acl } from './acl.ts';
import type { ChangeAnswer } from './ask.ts';
import type { CallOptions, CreateMode } from './call-options.ts';
import type { Client } from './client.ts';
import { toBytes } from './codecs.ts';
import { createOperation } from './create-operation.ts';
import { ZkError } from './errors.ts';
import type { Lease } from './lease.ts';
import { paths, treePath, withoutRoot } from './paths.ts';
import type { Bytes, SessionId, Stat } from './stat.ts';
import { termsOf, versionOf } from './terms.ts';

export interface TxResult {
  readonly op: 'create' | 'set' | 'delete' | 'check';
  /** As made: with its suffix for a sequential node. */
  readonly path: string;
  readonly stat?: Stat;
}

export interface TransactionCreateOptions {
  readonly mode?: CreateMode;
  readonly ttlMs?: number;
  readonly acl?: readonly Acl[];
}

/** Operations that happen together or not at all. Its methods throw INVALID_PATH and BAD_ARGUMENTS at once. */
export interface Transaction {
  create(path: string, data?: Bytes | string, options?: TransactionCreateOptions): this;
  set(path: string, data: Bytes | string, options?: { readonly version?: number }): this;
  delete(path: string, options?: { readonly version?: number }): this;
  /** The node exists, at this version if one is given. */
  check(path: string, options?: { readonly version?: number }): this;
  checkAbsent(path: string): this;
  /**
   * The node exists and is this session's own (CONFLICT otherwise); of the session of now, to which the transaction is
   * then bound, unless another is named. UNIMPLEMENTED at a ZooKeeper.
   */
  checkOwner(path: string, session?: SessionId): this;
  /**
   * Refused unless the lease is still held: its node exists and is of its session (CONFLICT otherwise), which also
   * makes the transaction (SESSION_EXPIRED otherwise). The lease was taken through this client, in the same namespace.
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

  create(path: string, data: Bytes | string = '', options: TransactionCreateOptions = {}): this {
    this.#operations.push(createOperation(this.#root, path, data, options, this.#client.settings.defaultAcl));
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

  checkOwner(path: string, session?: SessionId): this {
    if (session === undefined) this.#bindTo(this.#client.session.id, 'checkOwner');
    return this.#checkOwner(path, session ?? this.#client.session.id, 'checkOwner');
  }

  guard(lease: Lease): this {
    this.#bindTo(lease.sessionId, 'guard');
    // Its name has a guid that no other node ever has: while it exists it is the one that was made for the lease.
    if (!this.#client.wire.checksOwners && paths.protectedId(paths.name(lease.path)) !== null) {
      return this.check(lease.path);
    }
    return this.#checkOwner(lease.path, lease.sessionId, 'guard');
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
    return answer.results.map((result) => {
      const [op, path] = [txOp(result), withoutRoot(this.#root, result.path)];
      return result.stat === undefined ? { op, path } : { op, path, stat: result.stat };
    });
  }
  #bindTo(session: SessionId, op: string): void {
    if (session === 0n) {
      const message = 'there is no session yet: wait for session.whenConnected()';
      throw new ZkError('BAD_ARGUMENTS', { op, message });
    }
    if (this.#session !== undefined && this.#session !== session) {
      throw new ZkError('BAD_ARGUMENTS', { op, message: 'what two sessions own cannot both be held' });
    }
    this.#session = session;
  }

  #checkOwner(path: string, session: SessionId, op: string): this {
    const full = treePath(this.#root, path, { op });
    if (!this.#client.wire.checksOwners) {
      const message =
        "a ZooKeeper cannot check a node's owner in a transaction: guard a recipe's lease instead";
      throw new ZkError('UNIMPLEMENTED', { op, path, message });
    }
    this.#operations.push({ kind: 'checkOwner', path: full, sessionId: sessionNumber(session, op) });
    return this;
  }
}

function sessionNumber(session: SessionId, op: string): number {
  if (session <= 0n || session > BigInt(SESSION_ID_MAX)) {
    throw new ZkError('BAD_ARGUMENTS', { op, message: `0x${session.toString(16)} is no id of a session` });
  }
  return Number(session);
}

/** Only what stands in a transaction: the others are operations of their own. */
function txOp({ op }: ChangeAnswer): TxResult['op'] {
  switch (op) {
    case 'create':
    case 'set':
    case 'delete':
    case 'check':
      return op;
    default:
      throw new ZkError('MARSHALLING', {
        op: 'transaction',
        message: `a result is of ${op}`,
        outcome: 'applied',
      });
  }
}
