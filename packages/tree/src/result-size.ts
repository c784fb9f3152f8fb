import type { SubOperation, WriteOperation, WriteResult } from '@zabra/model';

/*
 * About how many bytes the exactly-once table keeps of a write, in memory and in a snapshot: a session that never says what
 * it knows is bounded by them, not only by the number of its writes.
 */

/** Of what a write may come to. */
export function expectedResultBytes(operation: WriteOperation): number {
  if (operation.kind !== 'transaction') return RESULT_BYTES + changeBytes(operation);
  return operation.operations.reduce((sum, each) => sum + changeBytes(each), RESULT_BYTES);
}

/** Of what it came to. */
export function resultBytes(result: WriteResult): number {
  return result.kind === 'done'
    ? result.results.reduce((sum, each) => sum + changeBytes(each), RESULT_BYTES)
    : RESULT_BYTES + result.refusal.message.length + CODE_BYTES * result.codes.length;
}

function changeBytes({ path }: Pick<SubOperation, 'path'>): number {
  return CHANGE_BYTES + path.length;
}

const RESULT_BYTES = 256;
const CHANGE_BYTES = 160;
const CODE_BYTES = 16;
