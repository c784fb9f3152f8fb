import type { JuteStat, MultiResult, ReadStat, ReplyBody } from '@zabra/jute';
import { type ErrorCode, type SubOperation, unreachable } from '@zabra/model';
import type { Answer, Ask, ChangeAnswer, RefusedAnswer, SubReadAnswer, SubReadAsk } from '../ask.ts';
import { ZkError } from '../errors.ts';
import type { Stat } from '../stat.ts';
import { FELL_WITH_ANOTHER, type NumberedRefusal, refusalOf } from './error-numbers.ts';

type Body = ReplyBody<ReadStat>;
type Result = MultiResult<ReadStat>;

/** An answer without a body: the number says why. A node that does not exist answers `exists`. */
export function answerOfError(ask: Ask, zxid: number, error: number): Answer {
  const refusal = refusalOf(error);
  if (ask.kind === 'exists' && refusal.code === 'NO_NODE') {
    return { kind: 'exists', zxid, stat: undefined, watch: undefined };
  }
  return refused(zxid, refusal);
}

/** The server has not applied what the ask was to see. */
export function behind(zxid: number, minZxid: number): RefusedAnswer {
  return refused(zxid, { code: 'BEHIND', message: `the server has applied ${zxid}, not yet ${minZxid}` });
}

/** Throws MARSHALLING for a body that does not fit the ask. */
export function answerOfBody(ask: Ask, zxid: number, body: Body): Answer {
  switch (ask.kind) {
    case 'get': {
      const { data, stat } = bodyOf(body, 'data');
      return { kind: 'get', zxid, data: ownData(data), stat: statOf(stat), watch: undefined };
    }
    case 'exists':
      return { kind: 'exists', zxid, stat: statOf(bodyOf(body, 'stat').stat), watch: undefined };
    case 'children': {
      const { names: all, stat } = bodyOf(body, 'namesAndStat');
      const { after, limit } = ask;
      // In the order of their UTF-8 bytes, which is that of their code units: ZooKeeper allows no surrogates.
      const behind = [...all].sort().filter((name) => after === '' || name > after);
      const names = limit === 0 ? behind : behind.slice(0, limit);
      const more = names.length < behind.length;
      return { kind: 'children', zxid, names, stat: statOf(stat), more, stats: [], watch: undefined };
    }
    case 'create': {
      const { path, stat } = bodyOf(body, 'pathAndStat');
      return wrote(zxid, changed('create', path, statOf(stat)));
    }
    case 'set':
    case 'setAcl':
      return wrote(zxid, changed(ask.kind, ask.path, statOf(bodyOf(body, 'stat').stat)));
    case 'delete':
      return wrote(zxid, changed('delete', ask.path, undefined));
    case 'transaction':
      return transactionAnswer(ask.operations, zxid, bodyOf(body, 'multi').results);
    case 'sync':
      return { kind: 'sync', zxid };
    case 'getAcl': {
      const { acl, stat } = bodyOf(body, 'acl');
      return { kind: 'getAcl', zxid, acl, stat: statOf(stat) };
    }
    case 'descendants':
      return { kind: 'descendants', zxid, count: bodyOf(body, 'number').number };
    case 'ephemerals':
      return { kind: 'ephemerals', zxid, paths: bodyOf(body, 'names').names };
    case 'whoAmI':
      return { kind: 'whoAmI', zxid, identities: bodyOf(body, 'identities').identities };
    case 'multiRead':
      return { kind: 'multiRead', zxid, results: readAnswers(ask.reads, bodyOf(body, 'multi').results) };
    case 'addAuth':
      return { kind: 'addAuth', zxid };
    case 'addWatch':
    case 'removeWatch':
      return { kind: 'watch', zxid };
    case 'touch':
    case 'deleteTree':
      throw misfit(`${ask.kind}, which is not asked for`);
    default:
      return unreachable(ask);
  }
}

function wrote(zxid: number, result: ChangeAnswer): Answer {
  return { kind: 'write', zxid, results: [result] };
}

function changed(op: ChangeAnswer['op'], path: string, stat: Stat | undefined): ChangeAnswer {
  return { op, path, stat, done: true };
}

function refused(zxid: number, { code, message }: NumberedRefusal): RefusedAnswer {
  return { kind: 'refused', zxid, code, message, failedIndex: undefined, codes: [] };
}

function transactionAnswer(
  operations: readonly SubOperation[],
  zxid: number,
  results: readonly Result[],
): Answer {
  let next = 0;
  const ours = operations.map(({ kind }) => {
    // As many as ask-codec.ts made of it.
    const count = kind === 'checkAbsent' ? 2 : 1;
    next += count;
    return results.slice(next - count, next);
  });
  if (next !== results.length) throw misfit(`${results.length} results where ${next} are due`);
  const codes = ours.map(codeOf);
  const failedIndex = codes.findIndex((code) => code !== 'OK' && code !== 'TRANSACTION_FAILED');
  if (codes.every((code) => code === 'OK')) {
    return {
      kind: 'write',
      zxid,
      results: operations.map((each, index) => changeOf(each, ours[index]?.[0])),
    };
  }
  if (failedIndex === -1) throw misfit('a transaction that failed with none of its operations');
  const [error] = errorsOf(ours[failedIndex] ?? []);
  const { message } = refusalOf(error ?? 0);
  return { kind: 'refused', zxid, code: 'TRANSACTION_FAILED', message, failedIndex, codes };
}

function errorsOf(results: readonly Result[]): readonly number[] {
  return results.flatMap((result) =>
    result.kind === 'error' && result.error !== 0 && result.error !== FELL_WITH_ANOTHER ? [result.error] : [],
  );
}

function codeOf(results: readonly Result[]): ErrorCode | 'OK' {
  const [error] = errorsOf(results);
  if (error !== undefined) return refusalOf(error).code;
  const fell = results.some((result) => result.kind === 'error' && result.error !== 0);
  return fell ? 'TRANSACTION_FAILED' : 'OK';
}

function changeOf(operation: SubOperation, result: Result | undefined): ChangeAnswer {
  const { kind, path } = operation;
  switch (kind) {
    case 'create':
      // Servers before 3.8.2 leave the Stat out.
      if (result?.kind === 'create') return changed('create', result.path, undefined);
      if (result?.kind === 'create2') return changed('create', result.path, statOf(result.stat));
      break;
    case 'set':
      if (result?.kind === 'setData') return changed('set', path, statOf(result.stat));
      break;
    case 'delete':
    case 'check':
      if (result?.kind === kind) return changed(kind, path, undefined);
      break;
    case 'checkAbsent':
      if (result?.kind === 'create' || result?.kind === 'create2') return changed('check', path, undefined);
      break;
    default:
  }
  throw misfit(`${result?.kind} for a ${kind} in a transaction`);
}

function readAnswers(reads: readonly SubReadAsk[], results: readonly Result[]): readonly SubReadAnswer[] {
  let next = 0;
  return reads.map(({ op }) => {
    const first = results[next++];
    const second = op === 'children' ? results[next++] : undefined;
    if (first === undefined) throw misfit('fewer results than reads');
    if (op === 'exists' && first.kind === 'error' && refusalOf(first.error).code === 'NO_NODE') {
      return { kind: 'exists', stat: undefined };
    }
    if (first.kind === 'error') return { kind: 'refused', ...refusalOf(first.error) };
    if (first.kind === 'getChildren' && second?.kind === 'getData') {
      return { kind: 'children', names: [...first.names].sort(), stat: statOf(second.stat), more: false };
    }
    if (first.kind !== 'getData' || op === 'children') throw misfit(`${first.kind} for a read of ${op}`);
    const stat = statOf(first.stat);
    return op === 'exists' ? { kind: 'exists', stat } : { kind: 'get', data: ownData(first.data), stat };
  });
}

function bodyOf<K extends Body['kind']>(body: Body, kind: K): Extract<Body, { readonly kind: K }> {
  if (body.kind === kind) return body as Extract<Body, { readonly kind: K }>; // It is of this kind.
  throw misfit(`a body of ${body.kind} for one of ${kind}`);
}

function misfit(what: string): ZkError {
  return new ZkError('MARSHALLING', { message: `the server answered with ${what}` });
}

/** A copy: the data is a view into its frame. Null, which ZooKeeper tells from empty, is empty. */
function ownData(data: Uint8Array | undefined): Uint8Array {
  return data === undefined ? new Uint8Array(0) : data.slice();
}

function statOf(stat: ReadStat | JuteStat): Stat {
  return {
    czxid: BigInt(stat.czxid),
    mzxid: BigInt(stat.mzxid),
    pzxid: BigInt(stat.pzxid),
    ctime: new Date(stat.ctimeMs),
    mtime: new Date(stat.mtimeMs),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: sessionIdOf(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}

/** As users see it: all 64 bits, without a sign. */
export function sessionIdOf(id: number | bigint): bigint {
  return BigInt.asUintN(64, BigInt(id));
}
