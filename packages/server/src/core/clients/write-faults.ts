import { type Refusal, refusal, type SubOperation, type WriteOperation } from '@zabra/model';
import type { Limits } from '../options.ts';
import { illegalPath } from './illegal-path.ts';

/** What is wrong with a write whatever the tree holds; it is then refused here and never ordered. */
export function writeFault(
  requestNo: number,
  operation: WriteOperation,
  limits: Limits,
): Refusal | undefined {
  if (requestNo === 0) return refusal('BAD_ARGUMENTS', 'a write carries its number, from 1');
  if (operation.kind !== 'transaction') return operationFault(operation, limits);
  const { length } = operation.operations;
  if (length > limits.transactionOperationsMax) {
    return refusal(
      'LIMIT',
      `transactionOperationsMax: a transaction has at most ${limits.transactionOperationsMax} operations, this one ${length}; split it`,
    );
  }
  // Any other fault inside a transaction is found in its order by the leader, which reports the code of each operation.
  for (const each of operation.operations) {
    const fault = sizeFault(each, limits);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

type LoneOperation = Exclude<WriteOperation, { kind: 'transaction' }>;

function operationFault(operation: LoneOperation, limits: Limits): Refusal | undefined {
  const sequential = operation.kind === 'create' && operation.mode.endsWith('sequential');
  return illegalPath(operation.path, { sequential }) ?? sizeFault(operation, limits);
}

function sizeFault(operation: LoneOperation | SubOperation, { dataBytesMax }: Limits): Refusal | undefined {
  if (operation.kind !== 'create' && operation.kind !== 'set') return undefined;
  const { path, data } = operation;
  if (data.length <= dataBytesMax) return undefined;
  return refusal(
    'DATA_TOO_LARGE',
    `${path}: dataBytesMax is ${dataBytesMax} bytes, this has ${data.length}; split it or raise the limit on every server`,
  );
}
