import type { RefusedAnswer } from './ask.ts';
import { type Outcome, TransactionError, ZkError, type ZkErrorCode } from './errors.ts';
import { withoutRoot } from './paths.ts';
import type { Request } from './request.ts';

/** After these a server does not know what became of a write. */
const UNKNOWN_OUTCOME: ReadonlySet<ZkErrorCode> = new Set<ZkErrorCode>([
  'CONNECTION_LOSS',
  'REQUEST_TIMEOUT',
  'SYSTEM',
  'MARSHALLING',
]);

/**
 * With these a server refuses before anybody looked whether the write was done already: where it was sent before, and the
 * answer lost, it may have been.
 */
const UNJUDGED: ReadonlySet<ZkErrorCode> = new Set<ZkErrorCode>([
  'LIMIT',
  'THROTTLED',
  'NOT_READ_ONLY',
  'BEHIND',
  'SESSION_MOVED',
  'SESSION_EXPIRED',
  'UNIMPLEMENTED',
]);

/** What the caller of a refused request gets. */
export function refusalError(request: Request, answer: RefusedAnswer): ZkError {
  const { ask, terms } = request;
  const details = { op: terms.op, ...request.subject, zxid: BigInt(answer.zxid) };
  if (ask.kind === 'transaction' && answer.failedIndex !== undefined) {
    const results = ask.operations.map(({ kind, path }, index) => {
      const code = answer.codes[index] ?? 'OK';
      if (code === 'OK') return null;
      const message = index === answer.failedIndex ? answer.message : '';
      return new ZkError(code, { op: kind, path: withoutRoot(terms.root, path), message });
    });
    return new TransactionError(answer.failedIndex, results, details);
  }
  const isUnknown = UNKNOWN_OUTCOME.has(answer.code) || (request.isSentAgain && UNJUDGED.has(answer.code));
  const outcome: Outcome = request.isWrite && isUnknown ? 'unknown' : 'not-applied';
  return new ZkError(answer.code, { ...details, message: answer.message, outcome });
}
