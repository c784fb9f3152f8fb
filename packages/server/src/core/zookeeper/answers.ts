import type { MultiResult, ReplyBody } from '@zabra/jute';
import { assert, type ChangeResult, NULL_DATA, type WriteResult } from '@zabra/model';
import type { NodeQueryResult, QueryResult } from '../clients/client-codec.ts';
import { errorNumber, NO_NODE, RUNTIME_INCONSISTENCY, readErrorNumber } from './error-numbers.ts';

/** What an unanswered request is to be answered with. */
export type Due =
  /** The path as it was made; with its Stat where the request was `create2` or the like. */
  | { readonly kind: 'created'; readonly withStat: boolean }
  | { readonly kind: 'changed' }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'multi'; readonly operations: readonly MultiDue[] }
  | { readonly kind: 'multiRead' }
  | { readonly kind: 'data' | 'stat' | 'acl' | 'namesAndStat' | 'names' | 'number' | 'identities' | 'paths' }
  | { readonly kind: 'synced'; readonly path: string }
  /** No body. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'body'; readonly body: ReplyBody }
  /** An error, whatever the service says. */
  | { readonly kind: 'error'; readonly error: number };

/** How the result of one operation of a multi is written. */
export type MultiDue = 'create' | 'create2' | 'delete' | 'check' | 'setData';

/** Either a body, or an error number and no body. */
export type Answer =
  | { readonly error: 0; readonly body: ReplyBody | undefined }
  | { readonly error: number; readonly body: undefined };

export function answerToWrite(due: Due, result: WriteResult): Answer {
  if (due.kind === 'multi') return answerToMulti(due.operations, result);
  if (result.kind === 'refused') return failed(errorNumber(result.refusal.code));
  const [change] = result.results;
  assert(change !== undefined, 'a write that was done has a result');
  switch (due.kind) {
    case 'created':
      assert(change.kind === 'create', 'a create is answered with what it made', { kind: change.kind });
      return done(
        due.withStat
          ? { kind: 'pathAndStat', path: change.path, stat: change.stat }
          : { kind: 'path', path: change.path },
      );
    case 'changed':
      assert('stat' in change, 'a change of a node is answered with its Stat', { kind: change.kind });
      return done({ kind: 'stat', stat: change.stat });
    case 'deleted':
      return done({ kind: 'nothing' });
    default:
      return impossible(due, change.kind);
  }
}

/** The failure of a multi is no error of its reply: each operation has its own, and only one is to blame. */
function answerToMulti(operations: readonly MultiDue[], result: WriteResult): Answer {
  if (result.kind === 'done') {
    return done({
      kind: 'multi',
      results: result.results.map((change, index) => multiResult(operations[index], change)),
    });
  }
  const { refusal, failedIndex, codes } = result;
  const blame = errorNumber(refusal.code);
  if (failedIndex < 0) return failed(blame);
  return done({
    kind: 'multi',
    results: operations.map((_, index) => {
      const code = codes[index];
      if (index === failedIndex) return { kind: 'error', error: blame };
      return { kind: 'error', error: code === 'OK' ? 0 : RUNTIME_INCONSISTENCY };
    }),
  });
}

function multiResult(due: MultiDue | undefined, change: ChangeResult): MultiResult {
  switch (due) {
    case 'create':
    case 'create2':
      assert(change.kind === 'create', 'a create is answered with what it made', { kind: change.kind });
      return due === 'create'
        ? { kind: 'create', path: change.path }
        : { kind: 'create2', path: change.path, stat: change.stat };
    case 'setData':
      assert(change.kind === 'set', 'a set is answered with its Stat', { kind: change.kind });
      return { kind: 'setData', stat: change.stat };
    case 'delete':
    case 'check':
      return { kind: due };
    default:
      return impossible(due, change.kind);
  }
}

export function answerToRead(due: Due, result: QueryResult): Answer {
  if (due.kind === 'error') return failed(due.error);
  if (result.kind === 'refused') return failed(readErrorNumber(result.refusal.code));
  if (result.kind === 'exists' && result.stat === undefined) return failed(NO_NODE);
  switch (due.kind) {
    case 'nothing':
      return done({ kind: 'nothing' });
    case 'body':
      return done(due.body);
    case 'synced':
      return done({ kind: 'path', path: due.path });
    default:
      return done(bodyOf(due, result));
  }
}

function bodyOf(due: Due, result: Exclude<QueryResult, { kind: 'refused' }>): ReplyBody {
  switch (result.kind) {
    case 'get':
      return { kind: 'data', data: dataOrNull(result.data), stat: result.stat };
    case 'exists':
      assert(result.stat !== undefined, 'a node that is not there is answered with an error');
      return { kind: 'stat', stat: result.stat };
    case 'getAcl':
      return { kind: 'acl', acl: result.acl, stat: result.stat };
    case 'children':
      return due.kind === 'names'
        ? { kind: 'names', names: result.names }
        : { kind: 'namesAndStat', names: result.names, stat: result.stat };
    case 'descendants':
      return { kind: 'number', number: result.count };
    case 'ephemerals':
      return { kind: 'names', names: result.paths };
    case 'whoAmI':
      // The second hash of the same password: ZooKeeper has one.
      return {
        kind: 'identities',
        identities: result.identities.filter(({ scheme }) => scheme !== 'scrypt'),
      };
    case 'multiRead':
      return { kind: 'multi', results: result.results.map(multiReadResult) };
    default:
      return impossible(due, result.kind);
  }
}

function multiReadResult(result: NodeQueryResult): MultiResult {
  switch (result.kind) {
    case 'get':
      return { kind: 'getData', data: dataOrNull(result.data), stat: result.stat };
    case 'children':
      return { kind: 'getChildren', names: result.names };
    case 'refused':
      return { kind: 'error', error: readErrorNumber(result.refusal.code) };
    case 'exists':
      return impossible({ kind: 'multiRead' }, result.kind);
  }
}

function dataOrNull(data: Uint8Array): Uint8Array | undefined {
  return data === NULL_DATA ? undefined : data;
}

function done(body: ReplyBody): Answer {
  return { error: 0, body };
}

function failed(error: number): Answer {
  return { error, body: undefined };
}

function impossible(due: unknown, result: string): never {
  assert(false, 'a request is answered with what it asked for', { due: JSON.stringify(due), result });
}
