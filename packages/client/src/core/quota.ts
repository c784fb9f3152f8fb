import { parentOf } from '@zabra/model';
import type { CallOptions } from './call-options.ts';
import { text } from './codecs.ts';
import { isZkError, ZkError } from './errors.ts';
import type { Bytes, Snapshot, Stat } from './stat.ts';

/** What a subtree may hold: nodes (itself counted) and bytes of data. Absent: as much as it likes. */
export interface QuotaLimits {
  /** A write that would go beyond is refused with QUOTA_EXCEEDED. */
  readonly count?: number;
  readonly bytes?: number;
  /** Servers log a write that goes beyond. */
  readonly countSoft?: number;
  readonly bytesSoft?: number;
}

/** The limits of a subtree, null for none, and what it holds. */
export interface Quota {
  readonly count: number | null;
  readonly bytes: number | null;
  readonly countSoft: number | null;
  readonly bytesSoft: number | null;
  readonly used: { readonly count: number; readonly bytes: number };
}

/** The whole tree, as quotas are kept in it. */
export interface QuotaTree {
  get(path: string, options: CallOptions): Promise<Snapshot<Bytes>>;
  getOrNull(path: string, options: CallOptions): Promise<Snapshot<Bytes> | null>;
  exists(path: string, options: CallOptions): Promise<Stat | null>;
  ensure(path: string, options: CallOptions): Promise<void>;
  put(path: string, data: string, options: CallOptions): Promise<Stat>;
  delete(path: string, options: CallOptions & { readonly missingOk: boolean }): Promise<void>;
}

/** Of the subtree at a complete path; null for none. Each step is made with the rest of the budget. */
export async function readQuota(
  tree: QuotaTree,
  path: string,
  budget: { readonly rest: CallOptions },
): Promise<Quota | null> {
  const at = quotaPaths(path);
  const limits = await tree.getOrNull(at.limits, budget.rest);
  if (limits === null) return null;
  const stats = await tree.get(at.stats, budget.rest);
  return quotaOf(at, text.decode(limits.data), text.decode(stats.data));
}

/** NO_NODE when there is nothing to limit. */
export async function writeQuota(
  tree: QuotaTree,
  path: string,
  limits: QuotaLimits,
  budget: { readonly rest: CallOptions },
): Promise<void> {
  const at = quotaPaths(path);
  const written = limitsText(limits);
  if ((await tree.exists(path, budget.rest)) === null) throw new ZkError('NO_NODE', { op: 'setQuota', path });
  await tree.ensure(parentOf(at.limits), budget.rest);
  await tree.put(at.limits, written, budget.rest);
  // Servers keep the count: what is written here says only that it is wanted.
  if ((await tree.exists(at.stats, budget.rest)) === null) {
    await tree.put(at.stats, 'count=0,bytes=0', budget.rest);
  }
}

/** With the folders that only it needed. */
export async function removeQuota(
  tree: QuotaTree,
  path: string,
  budget: { readonly rest: CallOptions },
): Promise<void> {
  const at = quotaPaths(path);
  for (const each of [at.limits, at.stats, ...at.folders]) {
    try {
      await tree.delete(each, { ...budget.rest, missingOk: true });
    } catch (error) {
      // Another quota is below.
      if (isZkError(error, 'NOT_EMPTY')) return;
      throw error;
    }
  }
}

/** Where the quotas are: ordinary nodes, as in ZooKeeper. */
const QUOTA_ROOT = '/zookeeper/quota';

export interface QuotaPaths {
  readonly limits: string;
  readonly stats: string;
  /** The folder of both and those above it, up to the one that always is. */
  readonly folders: readonly string[];
}

/** Of the subtree at a complete path. */
export function quotaPaths(path: string): QuotaPaths {
  const folder = path === '/' ? QUOTA_ROOT : QUOTA_ROOT + path;
  const folders: string[] = [];
  for (let each = folder; each !== QUOTA_ROOT; each = parentOf(each)) folders.push(each);
  return { limits: `${folder}/zookeeper_limits`, stats: `${folder}/zookeeper_stats`, folders };
}

/** As ZooKeeper writes it: the soft limits, then the hard ones behind an `=` that lets old readers stop. Throws BAD_ARGUMENTS. */
export function limitsText(limits: QuotaLimits): string {
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
      const message = `${name} is a whole number from 0 up, not ${value}: leave it out for no limit`;
      throw new ZkError('BAD_ARGUMENTS', { op: 'setQuota', message });
    }
  }
  const { count = -1, bytes = -1, countSoft = -1, bytesSoft = -1 } = limits;
  const soft = `count=${countSoft},bytes=${bytesSoft}`;
  return count < 0 && bytes < 0 ? soft : `${soft}=;byteHardLimit=${bytes};countHardLimit=${count}`;
}

/** Of the texts of both nodes. Throws CODEC_FAILED for one that is no quota. */
export function quotaOf(paths: QuotaPaths, limits: string, stats: string): Quota {
  const limit = fieldsOf(paths.limits, limits);
  const used = fieldsOf(paths.stats, stats);
  return {
    count: limit.get('countHardLimit') ?? null,
    bytes: limit.get('byteHardLimit') ?? null,
    countSoft: limit.get('count') ?? null,
    bytesSoft: limit.get('bytes') ?? null,
    used: { count: used.get('count') ?? 0, bytes: used.get('bytes') ?? 0 },
  };
}

/** `name=number`, between commas and semicolons; -1 is none. */
function fieldsOf(path: string, text: string): ReadonlyMap<string, number> {
  const fields = new Map<string, number>();
  for (const part of text.split(/=?[;,]/)) {
    const match = /^(count|bytes|countHardLimit|byteHardLimit)=(-?\d+)$/.exec(part.trim());
    if (match === null) {
      throw new ZkError('CODEC_FAILED', { path, message: `${JSON.stringify(part)} is no part of a quota` });
    }
    const value = Number(match[2]);
    if (value >= 0) fields.set(match[1] ?? '', value);
  }
  return fields;
}
