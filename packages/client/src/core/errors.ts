import { type ErrorCode, RC } from '@zabra/model';
import type { LostReason } from './lost-reason.ts';
import type { Zxid } from './stat.ts';

/** Closed: switch on it. */
export type ZkErrorCode = ErrorCode;

/** Did the write happen? A read is always `not-applied`. */
export type Outcome = 'not-applied' | 'applied' | 'unknown';

export interface ZkErrorDetails {
  readonly message?: string;
  readonly path?: string;
  readonly op?: string;
  /** `not-applied` unless said otherwise. */
  readonly outcome?: Outcome;
  readonly zxid?: Zxid;
  readonly cause?: unknown;
}

// Registered globally, so that two copies of this package recognize each other's errors.
const BRAND = Symbol.for('zabra.ZkError');

/** Every error of this client. Compare `code`, never the message. */
export class ZkError extends Error {
  override readonly name: string = 'ZkError';
  readonly code: ZkErrorCode;
  /** The number of ZooKeeper's `KeeperException.Code`, 0 when there is none. */
  readonly rc: number;
  readonly path?: string;
  readonly op?: string;
  readonly outcome: Outcome;
  /** The same call may succeed when made again, and making it again is safe. */
  readonly retryable: boolean;
  readonly zxid?: Zxid;

  constructor(code: ZkErrorCode, details: ZkErrorDetails = {}) {
    super(describe(code, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.rc = RC[code];
    this.outcome = details.outcome ?? 'not-applied';
    this.retryable = this.outcome === 'not-applied' && RETRYABLE.has(code);
    if (details.path !== undefined) this.path = details.path;
    if (details.op !== undefined) this.op = details.op;
    if (details.zxid !== undefined) this.zxid = details.zxid;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** The reason with which a lease's signal aborts. */
export class LeaseLostError extends ZkError {
  override readonly name: string = 'LeaseLostError';
  declare readonly code: 'LEASE_LOST';
  readonly reason: LostReason;

  constructor(reason: LostReason, details: ZkErrorDetails = {}) {
    super('LEASE_LOST', { message: `the lease is lost: ${reason}`, ...details });
    this.reason = reason;
  }
}

/** A transaction that changed nothing, since one of its operations was refused. */
export class TransactionError extends ZkError {
  override readonly name: string = 'TransactionError';
  declare readonly code: 'TRANSACTION_FAILED';
  /** Which operation was refused. */
  readonly index: number;
  /** One per operation; null for those before the refused one, TRANSACTION_FAILED for those after it, which were not looked at. */
  readonly results: readonly (ZkError | null)[];

  constructor(index: number, results: readonly (ZkError | null)[], details: ZkErrorDetails = {}) {
    const refused = results[index];
    super('TRANSACTION_FAILED', {
      message: `operation ${index} was refused${refused ? `: ${refused.message}` : ''}`,
      ...details,
    });
    this.index = index;
    this.results = results;
  }
}

/** Works across duplicate copies of the package. Without codes: any error of this client. */
export function isZkError<C extends ZkErrorCode>(
  error: unknown,
  ...codes: C[]
): error is ZkError & { readonly code: C } {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return codes.length === 0 || codes.some((code) => 'code' in error && error.code === code);
}

const RETRYABLE: ReadonlySet<ZkErrorCode> = new Set<ZkErrorCode>(['CONNECTION_LOSS', 'THROTTLED', 'BEHIND']);

function describe(code: ZkErrorCode, { path, op, message }: ZkErrorDetails): string {
  const subject = [op, path].filter((part) => part !== undefined).join(' ');
  return [code, subject, message].filter((part) => part !== undefined && part !== '').join(': ');
}
