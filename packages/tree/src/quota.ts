import { parentOf } from '@zabra/model';

/**
 * Limits of a subtree, as ZooKeeper's clients write them: text in the node `/zookeeper/quota<path>/zookeeper_limits`. A
 * count has the top node in it; bytes are those of data. Undefined: no limit.
 */
export interface Quota {
  /** Above these the leader warns. */
  readonly countSoft: number | undefined;
  readonly bytesSoft: number | undefined;
  /** Above these nothing can be added. */
  readonly countHard: number | undefined;
  readonly bytesHard: number | undefined;
}

/** What a subtree holds: its top node and all below. */
export interface Use {
  readonly count: number;
  /** Of data. */
  readonly bytes: number;
}

/** The subtree whose limits this node holds; undefined for every other node. */
export function limitsTarget(path: string): string | undefined {
  return targetOf(path, LIMITS_NAME);
}

/** The subtree whose present use this node shows; undefined for every other node. */
export function statsTarget(path: string): string | undefined {
  return targetOf(path, STATS_NAME);
}

/** The node that holds the limits of this subtree. */
export function limitsPath(target: string): string {
  return `${QUOTA_PATH}${target === '/' ? '' : target}${LIMITS_NAME}`;
}

/** The ensemble's own nodes are in no quota, not even in the root's. */
export function isOutsideQuotas(path: string): boolean {
  return path.startsWith(OWN_PATH) && (path.length === OWN_PATH.length || path[OWN_PATH.length] === '/');
}

/** `path` and its ancestors up to the root, nearest first: the subtrees it is in. */
export function* subtreesAround(path: string): Generator<string> {
  for (let top = path; top !== '/'; top = parentOf(top)) yield top;
  yield '/';
}

/**
 * `count=N,bytes=M`, and for hard limits `=;byteHardLimit=X;countHardLimit=Y` behind it, in any order; -1 means none.
 * Undefined: this is no quota.
 */
export function parseQuota(data: Uint8Array): Quota | undefined {
  const limits = new Map<string, number | undefined>();
  if (data.length > TEXT_BYTES_MAX) return undefined;
  for (const pair of String.fromCharCode(...data).split(/[,;]/)) {
    // The odd `=` behind the soft limits made old parsers of ZooKeeper stop there.
    const [, key = '', value = ''] = PAIR.exec(pair) ?? [];
    const limit = Number(value);
    if (!KEYS.has(key) || limits.has(key) || !Number.isSafeInteger(limit)) return undefined;
    limits.set(key, limit === -1 ? undefined : limit);
  }
  return {
    countSoft: limits.get('count'),
    bytesSoft: limits.get('bytes'),
    countHard: limits.get('countHardLimit'),
    bytesHard: limits.get('byteHardLimit'),
  };
}

/** What the statistics node of a quota reads as. */
export function formatUse({ count, bytes }: Use): Uint8Array {
  return Uint8Array.from(`count=${count},bytes=${bytes}`, (character) => character.charCodeAt(0));
}

export const OWN_PATH = '/zookeeper';
const QUOTA_PATH = '/zookeeper/quota';
const LIMITS_NAME = '/zookeeper_limits';
const STATS_NAME = '/zookeeper_stats';
const KEYS: ReadonlySet<string> = new Set(['count', 'bytes', 'countHardLimit', 'byteHardLimit']);
const PAIR = /^(\w+)=(-1|[0-9]+)=?$/;
/** Four keys with sixteen digits each, and some more. */
const TEXT_BYTES_MAX = 256;

function targetOf(path: string, name: string): string | undefined {
  if (!path.startsWith(QUOTA_PATH) || !path.endsWith(name)) return undefined;
  const between = path.slice(QUOTA_PATH.length, -name.length);
  if (between !== '' && between[0] !== '/') return undefined;
  const target = between === '' ? '/' : between;
  return isOutsideQuotas(target) ? undefined : target;
}
