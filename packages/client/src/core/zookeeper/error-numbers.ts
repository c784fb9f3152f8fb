import { type ErrorCode, RC } from '@zabra/model';

/** As an error of a server is told. */
export interface NumberedRefusal {
  readonly code: ErrorCode;
  /** Of a number that has no code of its own. */
  readonly message: string;
}

/** What a number other than 0 means (KeeperException.Code); SYSTEM for one that is not known. */
export function refusalOf(number: number): NumberedRefusal {
  const code = CODES.get(number);
  if (code !== undefined) return { code, message: '' };
  const name = NAMES.get(number);
  return {
    code: 'SYSTEM',
    message: `the server refused it with error ${number}${name === undefined ? '' : ` (${name})`}`,
  };
}

/** Of an operation in a transaction that fell with another one. */
export const FELL_WITH_ANOTHER = -2;

function isErrorCode(name: string): name is ErrorCode {
  return name in RC;
}

const CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  ...Object.entries(RC).flatMap(([name, number]): [number, ErrorCode][] =>
    number !== 0 && isErrorCode(name) ? [[number, name]] : [],
  ),
  // It shares its number with INVALID_PATH, which this client finds out by itself.
  [RC.BAD_ARGUMENTS, 'BAD_ARGUMENTS'],
  [-7, 'REQUEST_TIMEOUT'],
  [FELL_WITH_ANOTHER, 'TRANSACTION_FAILED'],
]);

/** Of those without a code, for people. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [-3, 'data inconsistency'],
  [-12, 'unknown session'],
  [-100, 'API error'],
  [-120, 'ephemeral on a local session'],
  [-124, 'the servers want SASL'],
]);
