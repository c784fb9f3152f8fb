import { ACL_OPEN, unreachable } from '@zabra/model';
import type {
  ChangeResult,
  DataReply,
  Reply,
  StatReply,
  SubReadReply,
  ErrorCode as WireErrorCode,
  Stat as WireStat,
} from '@zabra/proto';
import type { Answer, ChangeAnswer, SubReadAnswer } from './ask.ts';
import { ZkError, type ZkErrorCode } from './errors.ts';
import type { Stat } from './stat.ts';

/** What a reply says, in the client's own shapes. Throws MARSHALLING for one that lacks what it must carry. */
export function answerOf(reply: Reply): Answer {
  const { zxid } = reply;
  switch (reply.kind) {
    case 'write':
      return { kind: 'write', zxid, results: reply.write.results.map(changeAnswer) };
    case 'get':
      // Spelt out: one shape at once is made faster than one from parts, and this is most of all answers.
      return { kind: 'get', zxid, data: ownData(reply.get), stat: statOf(reply.get.stat), watch: undefined };
    case 'exists':
      return { kind: 'exists', zxid, stat: statOrUndefined(reply.exists), watch: undefined };
    case 'children': {
      const { names, more, stats } = reply.children;
      const stat = statOf(reply.children.stat);
      if (stats.length > 0 && stats.length !== names.length) {
        throw new ZkError('MARSHALLING', {
          message: `${names.length} children came with ${stats.length} Stats`,
        });
      }
      return {
        kind: 'children',
        zxid,
        names,
        stat,
        more,
        stats: stats.map(statOrUndefined),
        watch: undefined,
      };
    }
    case 'sync':
      return { kind: 'sync', zxid };
    case 'getAcl': {
      // On the wire no entries mean open to anyone.
      const { acl, stat } = reply.getAcl;
      return { kind: 'getAcl', zxid, acl: acl.length === 0 ? ACL_OPEN : acl, stat: statOf(stat) };
    }
    case 'descendants':
      return { kind: 'descendants', zxid, count: reply.descendants.count };
    case 'ephemerals':
      return { kind: 'ephemerals', zxid, paths: reply.ephemerals.paths };
    case 'whoAmI':
      return { kind: 'whoAmI', zxid, identities: reply.whoAmI.identities };
    case 'multiRead':
      return { kind: 'multiRead', zxid, results: reply.multiRead.results.map(subReadAnswer) };
    case 'addAuth':
      return { kind: 'addAuth', zxid };
    case 'watch':
      return { kind: 'watch', zxid };
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
      return changed('create', result.create.path, statOf(result.create.stat));
    case 'set':
      return changed('set', result.set.path, statOf(result.set.stat));
    case 'setAcl':
      return changed('setAcl', result.setAcl.path, statOf(result.setAcl.stat));
    case 'delete':
      return changed('delete', result.delete.path);
    case 'check':
      return changed('check', result.check.path);
    case 'checkAbsent':
      return changed('check', result.checkAbsent.path);
    case 'checkOwner':
      return changed('check', result.checkOwner.path);
    case 'touch':
      return changed('touch', result.touch.path);
    case 'deleteTree':
      return { ...changed('deleteTree', result.deleteTree.path), done: result.deleteTree.done };
    default:
      return unreachable(result);
  }
}

function changed(op: ChangeAnswer['op'], path: string, stat?: Stat): ChangeAnswer {
  return { op, path, stat, done: true };
}

function subReadAnswer(result: SubReadReply): SubReadAnswer {
  switch (result.kind) {
    case 'get':
      return { kind: 'get', data: ownData(result.get), stat: statOf(result.get.stat) };
    case 'exists':
      return { kind: 'exists', stat: statOrUndefined(result.exists) };
    case 'children': {
      const { names, more } = result.children;
      return { kind: 'children', names, more, stat: statOf(result.children.stat) };
    }
    case 'refused':
      return { kind: 'refused', code: refusalCode(result.refused.code), message: result.refused.message };
    default:
      return unreachable(result);
  }
}

/** A copy: the data is a view into its frame, which must not live as long as the user keeps one of its nodes. */
function ownData({ data }: DataReply): Uint8Array {
  return data.slice();
}

function statOrUndefined({ stat }: StatReply): Stat | undefined {
  return stat === undefined ? undefined : statOf(stat);
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
