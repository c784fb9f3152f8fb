import { type CreateOperation, isTtl, TTL_MS_MAX } from '@zabra/model';
import { type Acl, modelAcls } from './acl.ts';
import type { CreateMode } from './call-options.ts';
import { toBytes } from './codecs.ts';
import { ZkError } from './errors.ts';
import { treePath } from './paths.ts';
import type { Bytes } from './stat.ts';

/** A create as it is asked for, alone or in a transaction. Throws INVALID_PATH, INVALID_ACL, BAD_ARGUMENTS. */
export function createOperation(
  root: string,
  path: string,
  data: Bytes | string,
  options: { readonly mode?: CreateMode; readonly ttlMs?: number; readonly acl?: readonly Acl[] },
  defaultAcl: readonly Acl[] | undefined,
): CreateOperation {
  const { mode = 'persistent', acl = defaultAcl } = options;
  if (!MODES.has(mode)) {
    const message = `${JSON.stringify(mode)} is no mode: there are ${[...MODES].join(', ')}`;
    throw new ZkError('BAD_ARGUMENTS', { op: 'create', path, message });
  }
  return {
    kind: 'create',
    path: treePath(root, path, { op: 'create', mode }),
    data: toBytes(data),
    mode,
    // On the wire an empty list is open to anyone.
    acl: acl === undefined ? [] : modelAcls(acl),
    ttlMs: ttlOf(mode, options.ttlMs, path),
  };
}

const MODES: ReadonlySet<CreateMode> = new Set<CreateMode>([
  'persistent',
  'persistent-sequential',
  'ephemeral',
  'ephemeral-sequential',
  'container',
  'ttl',
  'ttl-sequential',
]);

function ttlOf(mode: CreateMode, ttlMs: number | undefined, path: string): number {
  if (!isTtl(mode)) {
    if (ttlMs === undefined) return 0;
    const message = `ttlMs is for the modes ttl and ttl-sequential, not ${mode}`;
    throw new ZkError('BAD_ARGUMENTS', { op: 'create', path, message });
  }
  if (ttlMs === undefined || !Number.isInteger(ttlMs) || ttlMs < 1 || ttlMs > TTL_MS_MAX) {
    const message = `the mode ${mode} needs ttlMs, whole milliseconds from 1 to ${TTL_MS_MAX}, not ${ttlMs}`;
    throw new ZkError('BAD_ARGUMENTS', { op: 'create', path, message });
  }
  return ttlMs;
}
