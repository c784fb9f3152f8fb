import { unreachable } from '@zabra/model';
import type { SubReadAnswer, SubReadAsk } from './ask.ts';
import { ZkError } from './errors.ts';
import { treePath } from './paths.ts';
import type { Bytes, Stat } from './stat.ts';

export interface MultiRead {
  readonly op: 'get' | 'exists' | 'children';
  readonly path: string;
}

/** One for each read, in order: a read that is refused does not hinder the others. */
export type MultiReadResult =
  | {
      readonly op: 'get';
      readonly path: string;
      readonly data: Bytes;
      readonly stat: Stat;
      readonly error?: never;
    }
  | { readonly op: 'exists'; readonly path: string; readonly stat: Stat | null; readonly error?: never }
  | {
      readonly op: 'children';
      readonly path: string;
      readonly children: readonly string[];
      readonly stat: Stat;
      readonly error?: never;
    }
  | { readonly op: MultiRead['op']; readonly path: string; readonly error: ZkError };

/** The reads as they are asked for. Throws INVALID_PATH, BAD_ARGUMENTS. */
export function subReads(root: string, reads: readonly MultiRead[]): readonly SubReadAsk[] {
  return reads.map(({ op, path }) => {
    if (!OPS.has(op)) {
      const message = `${JSON.stringify(op)} is no read: there are ${[...OPS].join(', ')}`;
      throw new ZkError('BAD_ARGUMENTS', { op: 'multiRead', message });
    }
    return { op, path: treePath(root, path, { op: 'multiRead' }) };
  });
}

/** The result of one of the reads. */
export function multiReadResult(
  { op, path }: MultiRead,
  answer: SubReadAnswer | undefined,
  zxid: number,
): MultiReadResult {
  if (answer === undefined || (answer.kind !== op && answer.kind !== 'refused')) {
    throw new ZkError('MARSHALLING', {
      op: 'multiRead',
      message: `${op} ${path} is answered with ${answer?.kind}`,
    });
  }
  switch (answer.kind) {
    case 'get':
      return { op: 'get', path, data: answer.data, stat: answer.stat };
    case 'exists':
      return { op: 'exists', path, stat: answer.stat ?? null };
    case 'children': {
      const { names, stat, more } = answer;
      if (!more) return { op: 'children', path, children: names, stat };
      const message = 'more children than one reply holds: read them with children or childrenPages';
      return { op, path, error: new ZkError('LIMIT', { op, path, message, zxid: BigInt(zxid) }) };
    }
    case 'refused': {
      const { code, message } = answer;
      return { op, path, error: new ZkError(code, { op, path, message, zxid: BigInt(zxid) }) };
    }
    default:
      return unreachable(answer);
  }
}

const OPS: ReadonlySet<MultiRead['op']> = new Set<MultiRead['op']>(['get', 'exists', 'children']);
