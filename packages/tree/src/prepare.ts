import {
  assert,
  type Change,
  type DeleteTreeOperation,
  type ErrorCode,
  type Identity,
  isSequential,
  NO_SESSION,
  parentOf,
  pathFault,
  type ReapRequest,
  type Refusal,
  type Request,
  refusal,
  SESSION_ID_MAX,
  type SessionOperation,
  type SubOperation,
  type TransactionOperation,
  type Txn,
  type TxnBody,
  unreachable,
  type WriteOperation,
  type WriteRequest,
  type Zxid,
} from '@zabra/model';
import { authBytes } from './acl-rules.ts';
import type { Asker } from './asker.ts';
import { checkDeleteTree } from './check-delete-tree.ts';
import { checkOperation, isRefusal } from './check-operation.ts';
import { operationHash } from './operation-hash.ts';
import type { TreeOptions } from './options.ts';
import type { Pending } from './pending.ts';
import { expectedResultBytes } from './result-size.ts';

export interface PrepareContext {
  /** The leader's wall clock, ms since 1970. */
  readonly wallMs: number;
  /** The zxid that the txn will have if the request becomes one. */
  readonly nextZxid: Zxid;
  /** Whom the asking session's client has proved to be. Of no matter where no session asks. */
  readonly identities: readonly Identity[];
}

export type Prepared =
  /**
   * To be proposed at `nextZxid`: its effects are pending from now on. An `error` body is a write refused in its place of
   * the history: it is proposed and its refusal stored like any result. `warnings` are for the leader's log: soft limits
   * that the write passes.
   */
  | { readonly kind: 'txn'; readonly txn: Txn; readonly warnings: readonly string[] }
  /**
   * Nothing to propose: a txn at `zxid`, pending or applied, has done it already. The answer is there once that zxid is
   * applied. For a write, `Tree.storedResult` has it; an attach by the instance that holds the session just succeeded.
   */
  | { readonly kind: 'stored'; readonly zxid: Zxid }
  /** Refused before ordering; leaves no trace, so that the same number may be tried again. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Turns a request into a txn, judged against what is applied and pending. Changes `pending` only when it answers `txn`.
 */
export function prepare(
  pending: Pending,
  options: TreeOptions,
  request: Request,
  context: PrepareContext,
): Prepared {
  switch (request.kind) {
    case 'write':
      return prepareWrite(pending, options, request, context);
    case 'session':
      return prepareSession(pending, request.operation, context);
    case 'reap':
      return prepareReap(pending, request, context);
    default:
      return unreachable(request);
  }
}

function prepareWrite(
  pending: Pending,
  options: TreeOptions,
  request: WriteRequest,
  context: PrepareContext,
): Prepared {
  const { sessionId, requestNo, answeredThrough, operation } = request;
  const session = pending.session(sessionId);
  if (session === undefined) return unknownSession(sessionId);
  if (session.nonce !== request.nonce) {
    return refused(
      'SESSION_MOVED',
      `session ${sessionId} belongs to another instance of the client now: attach again`,
    );
  }
  const malformed = numberFault(request);
  if (malformed !== undefined) return refused('BAD_ARGUMENTS', malformed);
  if (requestNo <= session.answeredThrough) {
    return refused(
      'BAD_ARGUMENTS',
      `write ${requestNo}: the client has the answers through ${session.answeredThrough}, use a new number`,
    );
  }

  const requestHash = operationHash(operation);
  const twin = pending.twin(sessionId, requestNo);
  if (twin !== undefined) {
    return twin.requestHash === requestHash
      ? { kind: 'stored', zxid: twin.zxid }
      : refused(
          'BAD_ARGUMENTS',
          `write ${requestNo} was another operation before: each write has a number of its own`,
        );
  }

  // It was refused before it could be ordered, and one behind it was not: now it would come after that one.
  if (requestNo < session.lastRequestNo) {
    return refused(
      'LIMIT',
      `write ${requestNo} was overtaken by write ${session.lastRequestNo} after a refusal: use a new number`,
    );
  }

  const ahead = requestNo - Math.max(session.answeredThrough, answeredThrough);
  if (ahead > options.outstandingRequestsMax) {
    return refused(
      'LIMIT',
      `${ahead} writes without a known answer, at most ${options.outstandingRequestsMax} (outstandingRequestsMax): wait for replies`,
    );
  }
  const expected = expectedResultBytes(operation);
  // What this request itself says to be known goes with it: only the rest can be too much.
  if (pending.resultBytes(sessionId) + expected > options.resultBytesMax) {
    const kept = pending.resultBytesAbove(sessionId, answeredThrough);
    if (kept + expected > options.resultBytesMax) {
      return refused(
        'LIMIT',
        `the results of this session's writes take ${kept} bytes, and this one about ${expected}, at most ${options.resultBytesMax} (resultBytesMax): say which answers are known, or split it`,
      );
    }
  }
  const tooMuch = sizeFault(operation, options, context.identities);
  if (tooMuch !== undefined) return { kind: 'refused', refusal: tooMuch };

  if (operation.kind === 'deleteTree' && pending.looks > LOOKS_MAX) {
    return refused('THROTTLED', 'too many recursive deletions wait to be done: try again a little later');
  }

  const timeMs = begin(pending, context);
  pending.recordWrite(sessionId, { requestNo, requestHash, answeredThrough, resultBytes: expected });
  const asker: Asker = { sessionId, identities: context.identities, warnings: [] };
  const body = orderedBody(pending, options, operation, asker);
  const warnings = body.kind === 'error' ? NO_WARNINGS : asker.warnings;
  return { kind: 'txn', txn: { timeMs, sessionId, requestNo, answeredThrough, requestHash, body }, warnings };
}

const NO_WARNINGS: readonly string[] = [];

/**
 * Nodes that the recursive deletions which are not applied yet may have looked at. A look takes up to half a microsecond, and
 * a thousand requests of thirty bytes come in one turn.
 */
const LOOKS_MAX = 200_000;

/** A write in its place of the history: done, or refused there. */
function orderedBody(
  pending: Pending,
  options: TreeOptions,
  operation: WriteOperation,
  asker: Asker,
): TxnBody {
  if (operation.kind === 'transaction') return transactionBody(pending, options, operation, asker);
  const judged =
    operation.kind === 'deleteTree'
      ? checkDeleteTree(pending, options, operation, asker)
      : checkOperation(pending, options, operation, asker);
  return isRefusal(judged)
    ? { kind: 'error', code: judged.code, message: judged.message, failedIndex: -1, codes: [] }
    : { kind: 'change', change: judged };
}

function transactionBody(
  pending: Pending,
  options: TreeOptions,
  transaction: TransactionOperation,
  asker: Asker,
): TxnBody {
  const { operations } = transaction;
  const changes: Change[] = [];
  let failure: Refusal | undefined;
  pending.allOrNothing(() => {
    for (const operation of operations) {
      const judged = checkOperation(pending, options, operation, asker);
      if (isRefusal(judged)) {
        failure = judged;
        return false;
      }
      changes.push(judged);
    }
    return true;
  });
  if (failure === undefined) return { kind: 'transaction', changes };

  const failedIndex = changes.length;
  const { code, message } = failure;
  return {
    kind: 'error',
    code,
    message: `operation ${failedIndex}: ${message}`,
    failedIndex,
    codes: operations.map((_, index) => codeAt(index, failedIndex, code)),
  };
}

/** Those before the failing one would have passed; those after it were not looked at (ZooKeeper: RUNTIMEINCONSISTENCY). */
function codeAt(index: number, failedIndex: number, code: ErrorCode): ErrorCode | 'OK' {
  if (index < failedIndex) return 'OK';
  return index === failedIndex ? code : 'TRANSACTION_FAILED';
}

function prepareSession(pending: Pending, operation: SessionOperation, context: PrepareContext): Prepared {
  const { sessionId } = operation;
  switch (operation.kind) {
    case 'createSession': {
      const { timeoutMs, passwordHash, nonce } = operation;
      if (!Number.isInteger(sessionId) || sessionId <= 0 || sessionId > SESSION_ID_MAX) {
        return refused(
          'BAD_ARGUMENTS',
          `a session id is above 0 and below 2^53, not ${sessionId}: draw another`,
        );
      }
      if (!isUint32(timeoutMs) || timeoutMs === 0) {
        return refused(
          'BAD_ARGUMENTS',
          `a session timeout is a whole number of ms above 0, not ${timeoutMs}`,
        );
      }
      if (pending.hasSession(sessionId)) {
        return refused('CONFLICT', `session ${sessionId} exists already: draw another id`);
      }
      const timeMs = begin(pending, context);
      pending.recordSession(sessionId, nonce);
      return unnumbered(timeMs, sessionId, {
        kind: 'createSession',
        sessionId,
        timeoutMs,
        passwordHash,
        nonce,
      });
    }
    case 'attachSession': {
      const { nonce } = operation;
      const session = pending.session(sessionId);
      if (session === undefined) return unknownSession(sessionId);
      // A second attach of one instance must not cost it the results of the writes between the two.
      if (session.nonce === nonce) return { kind: 'stored', zxid: pending.sessionSettledAt(sessionId) };
      const timeMs = begin(pending, context);
      pending.recordSession(sessionId, nonce);
      return unnumbered(timeMs, sessionId, { kind: 'attachSession', sessionId, nonce });
    }
    case 'closeSession': {
      if (pending.session(sessionId) === undefined) return unknownSession(sessionId);
      const timeMs = begin(pending, context);
      pending.recordClose(sessionId);
      return unnumbered(timeMs, sessionId, { kind: 'closeSession', sessionId });
    }
    default:
      return unreachable(operation);
  }
}

/** What no client numbered: done twice it changes nothing more. */
function unnumbered(timeMs: number, sessionId: number, body: TxnBody): Prepared {
  const txn = { timeMs, sessionId, requestNo: 0, answeredThrough: 0, requestHash: 0, body };
  return { kind: 'txn', txn, warnings: NO_WARNINGS };
}

/**
 * The reaper decided by the applied state. Whatever is pending on the node might have changed its mind, so it has to look
 * again once that is applied.
 */
function prepareReap(pending: Pending, { path }: ReapRequest, context: PrepareContext): Prepared {
  if (pending.concerns(path)) return refused('CONFLICT', `${path} is being written: look again afterwards`);
  const node = pending.node(path);
  if (node === undefined) return refused('NO_NODE', `${path} does not exist`);
  if (!node.container && node.ttlMs === 0)
    return refused('BAD_ARGUMENTS', `${path} is neither a container nor a node with a TTL`);
  if (node.childCount > 0) return refused('NOT_EMPTY', `${path} has children`);
  const timeMs = begin(pending, context);
  pending.recordDelete(path, node, pending.existing(parentOf(path)));
  return unnumbered(timeMs, NO_SESSION, { kind: 'change', change: { kind: 'delete', path } });
}

function begin(pending: Pending, { wallMs, nextZxid }: PrepareContext): number {
  assert(Number.isSafeInteger(wallMs) && wallMs >= 0, 'wall time is a whole number of ms', { wallMs });
  const timeMs = Math.max(wallMs, pending.lastTimeMs);
  pending.begin(nextZxid, timeMs);
  return timeMs;
}

function numberFault({ requestNo, answeredThrough }: WriteRequest): string | undefined {
  if (!isUint32(requestNo) || requestNo === 0) {
    return `writes are numbered from 1 to 2^32 - 1, not ${requestNo}`;
  }
  if (!isUint32(answeredThrough) || answeredThrough >= requestNo) {
    return `write ${requestNo} says that writes through ${answeredThrough} are answered: only earlier ones can be`;
  }
  return undefined;
}

function sizeFault(
  operation: WriteOperation,
  options: TreeOptions,
  identities: readonly Identity[],
): Refusal | undefined {
  if (operation.kind !== 'transaction') {
    const fault = dataFault(operation, options);
    // A path that is none comes first, in its place of the history.
    return fault === undefined || hasPathFault(operation) ? undefined : fault;
  }
  const count = operation.operations.length;
  const max = options.transactionOperationsMax;
  if (count > max) {
    return refusal(
      'LIMIT',
      `a transaction has at most ${max} operations (transactionOperationsMax), not ${count}: split it`,
    );
  }
  let resolvedBytes = 0;
  for (const sub of operation.operations) {
    const fault = dataFault(sub, options);
    if (fault !== undefined) return fault;
    if (sub.kind === 'create' || sub.kind === 'setAcl') resolvedBytes += authBytes(sub.acl, identities);
  }
  return resolvedBytes > AUTH_BYTES_MAX
    ? refusal(
        'LIMIT',
        `the "auth" entries of this transaction stand for ${resolvedBytes} bytes of identities, at most ${AUTH_BYTES_MAX} are allowed: split it`,
      )
    : undefined;
}

/** Of one transaction: a record of the history must fit what one server sends another. */
const AUTH_BYTES_MAX = 2 ** 20;

function hasPathFault(operation: SubOperation | DeleteTreeOperation): boolean {
  const sequential = operation.kind === 'create' && isSequential(operation.mode);
  return pathFault(operation.path, { sequential }) !== undefined;
}

function dataFault(
  operation: SubOperation | DeleteTreeOperation,
  { dataBytesMax }: TreeOptions,
): Refusal | undefined {
  if (operation.kind !== 'create' && operation.kind !== 'set') return undefined;
  const { length } = operation.data;
  if (length <= dataBytesMax) return undefined;
  return refusal(
    'DATA_TOO_LARGE',
    `a node holds at most ${dataBytesMax} bytes (dataBytesMax), not ${length}: keep large data elsewhere`,
  );
}

function isUint32(value: number): boolean {
  return value >>> 0 === value;
}

function unknownSession(id: number): Prepared {
  return refused('SESSION_EXPIRED', `session ${id} is closed or has expired: open a new one`);
}

function refused(code: ErrorCode, message: string): Prepared {
  return { kind: 'refused', refusal: refusal(code, message) };
}
