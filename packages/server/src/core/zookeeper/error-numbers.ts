import { type ErrorCode, RC } from '@zabra/model';

/** Of operations behind the one that failed in a multi. */
export const RUNTIME_INCONSISTENCY = -2;
const SYSTEM_ERROR: number = RC.SYSTEM;
const BAD_ARGUMENTS: number = RC.BAD_ARGUMENTS;
export const NO_NODE: number = RC.NO_NODE;

/** ZooKeeper's number for a refusal. It has none of its own for bounds that ZooKeeper does not have. */
export function errorNumber(code: ErrorCode): number {
  switch (code) {
    // ZooKeeper ends the connection, and its client tries for ever.
    case 'DATA_TOO_LARGE':
      return BAD_ARGUMENTS;
    case 'TRANSACTION_FAILED':
      return RUNTIME_INCONSISTENCY;
    default:
      return RC[code] === 0 ? SYSTEM_ERROR : RC[code];
  }
}

/** The same for a read: ZooKeeper does not look at the syntax of what is only looked for. */
export function readErrorNumber(code: ErrorCode): number {
  return code === 'INVALID_PATH' ? NO_NODE : errorNumber(code);
}
