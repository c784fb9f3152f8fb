import { type Refusal, refusal } from '@zabra/model';
import { type Asker, mayKnow } from './asker.ts';
import type { Pending } from './pending.ts';
import { isOutsideQuotas, limitsPath, subtreesAround, type Use } from './quota.ts';

/**
 * May the subtrees that this path is in hold so much more? All of them must agree; what all that is pending adds counts.
 * A write that adds nothing is never refused, so that a subtree above a limit can be cleared.
 */
export function checkQuotas(pending: Pending, path: string, more: Use, asker: Asker): Refusal | undefined {
  const { quotas } = pending;
  if (quotas.isEmpty || isOutsideQuotas(path)) return undefined;
  for (const target of subtreesAround(path)) {
    const quota = quotas.quota(target);
    if (quota === undefined) continue;
    const use = quotas.use(target);
    const { countSoft, bytesSoft, countHard, bytesHard } = quota;
    const bounds = [
      { unit: 'nodes', used: use.count, more: more.count, soft: countSoft, hard: countHard },
      { unit: 'bytes of data', used: use.bytes, more: more.bytes, soft: bytesSoft, hard: bytesHard },
    ];
    for (const bound of bounds) {
      const fault = checkBound(pending, target, bound, asker);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

interface Bound {
  readonly unit: string;
  readonly used: number;
  readonly more: number;
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

function checkBound(
  pending: Pending,
  target: string,
  { unit, used, more, soft, hard }: Bound,
  asker: Asker,
): Refusal | undefined {
  if (more <= 0) return undefined;
  if (hard !== undefined && used + more > hard) {
    const top = pending.node(target);
    const facts =
      top === undefined || mayKnow(asker, top)
        ? `${hard} ${unit}: it holds ${used}, this would add ${more}`
        : `${unit}: it has no room for ${more} more`;
    return refusal(
      'QUOTA_EXCEEDED',
      `${target} has a quota of ${facts}; delete some, or raise it (${limitsPath(target)})`,
    );
  }
  if (soft !== undefined && used + more > soft) {
    asker.warnings.push(`${target} holds ${used + more} ${unit}, above the soft quota of ${soft}`);
  }
  return undefined;
}
