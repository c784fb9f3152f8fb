import { unreachable } from '@zabra/model';
import type { ChangeResult, Reply, ErrorCode as WireErrorCode, Stat as WireStat } from '@zabra/proto';
import type { Answer, ChangeAnswer } from './ask.ts';
import { ZkError, type ZkErrorCode } from './errors.ts';
import type { Stat } from './stat.ts';

/** What a reply says, in the client's own shapes. Throws MARSHALLING for one that lacks what it must carry. */
export function answerOf(reply: Reply): Answer {
  const { zxid } = reply;
  switch (reply.kind) {
    case 'write':
      return { kind: 'write', zxid, results: reply.write.results.map(changeAnswer) };
    case 'get':
      // A copy: the data is a view into its frame, which must not live as long as the user keeps one of its nodes.
      return {
        kind: 'get',
        zxid,
        data: reply.get.data.slice(),
        stat: statOf(reply.get.stat),
        watch: undefined,
      };
    case 'exists': {
      const { stat } = reply.exists;
      return { kind: 'exists', zxid, stat: stat === undefined ? undefined : statOf(stat), watch: undefined };
    }
    case 'children':
      return {
        kind: 'children',
        zxid,
        names: reply.children.names,
        stat: statOf(reply.children.stat),
        watch: undefined,
      };
    case 'sync':
      return { kind: 'sync', zxid };
    case 'refused': {
      const { code, message, failedIndex, codes } = reply.refused;
      return { kind: 'refused', zxid, code: refusalCode(code), message, failedIndex, codes };
    }
    default:
      return unreachable(reply);
  }
}

/** `OK` refuses nothing: a server that sends it so is not understood. */
export function refusalCode(code: WireErrorCode): ZkErrorCode {
  return code === 'OK' ? 'MARSHALLING' : code;
}

function changeAnswer(result: ChangeResult): ChangeAnswer {
  switch (result.kind) {
    case 'create':
      return { op: 'create', path: result.create.path, stat: statOf(result.create.stat) };
    case 'set':
      return { op: 'set', path: result.set.path, stat: statOf(result.set.stat) };
    case 'delete':
      return { op: 'delete', path: result.delete.path, stat: undefined };
    case 'check':
      return { op: 'check', path: result.check.path, stat: undefined };
    case 'checkAbsent':
      return { op: 'check', path: result.checkAbsent.path, stat: undefined };
    default:
      return unreachable(result);
  }
}

// The only place where numbers become bigint: once per Stat that a user sees.
function statOf(stat: WireStat | undefined): Stat {
  if (stat === undefined) throw new ZkError('MARSHALLING', { message: 'a reply lacks its Stat' });
  return {
    czxid: BigInt(stat.czxid),
    mzxid: BigInt(stat.mzxid),
    pzxid: BigInt(stat.pzxid),
    ctime: new Date(stat.ctimeMs),
    mtime: new Date(stat.mtimeMs),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: BigInt(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}
