import type { SubOperation, WriteOperation } from '@zabra/model';
import type { ClientWord, Query } from './client-codec.ts';

/* What requests take in memory, about: enough to bound what clients can make a server hold. */

export function bytesOfWord(word: ClientWord): number {
  switch (word.kind) {
    case 'write':
      return bytesOfWrite(word.operation);
    case 'read':
      return bytesOfQuery(word.query);
    case 'addAuth':
      return REQUEST_BYTES + word.scheme.length + word.credentials.length;
    case 'rearm':
      return [...word.watches, ...word.persistent].reduce(
        (sum, { path }) => sum + REQUEST_BYTES + path.length,
        REQUEST_BYTES,
      );
    case 'attach':
    case 'heartbeat':
    case 'close':
      return REQUEST_BYTES;
  }
}

export function bytesOfWrite(operation: WriteOperation): number {
  if (operation.kind !== 'transaction') return bytesOfOperation(operation);
  return operation.operations.reduce((sum, each) => sum + bytesOfOperation(each), REQUEST_BYTES);
}

export function bytesOfQuery(query: Query): number {
  switch (query.kind) {
    case 'multiRead':
      return query.reads.reduce((sum, each) => sum + bytesOfQuery(each), REQUEST_BYTES);
    case 'children':
      return REQUEST_BYTES + query.path.length + query.page.after.length;
    case 'get':
    case 'exists':
    case 'sync':
    case 'getAcl':
    case 'descendants':
    case 'removeWatch':
    case 'dropWatches':
      return REQUEST_BYTES + query.path.length;
    case 'addWatch':
      return REQUEST_BYTES + query.watch.path.length;
    case 'ephemerals':
      return REQUEST_BYTES + query.prefix.length;
    case 'whoAmI':
    case 'nothing':
    case 'illegal':
      return REQUEST_BYTES;
  }
}

function bytesOfOperation(
  operation: Exclude<WriteOperation, { kind: 'transaction' }> | SubOperation,
): number {
  let bytes = REQUEST_BYTES + operation.path.length;
  if (operation.kind === 'create' || operation.kind === 'set') bytes += operation.data.length;
  if (operation.kind === 'create' || operation.kind === 'setAcl') {
    for (const { scheme, id } of operation.acl) bytes += REQUEST_BYTES + scheme.length + id.length;
  }
  return bytes;
}

/** Besides the data and names in it. */
const REQUEST_BYTES = 256;
