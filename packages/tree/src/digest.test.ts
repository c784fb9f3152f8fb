import { ACL_OPEN, asZxid, type WriteResult } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { bytes, create, leaderWith, restored } from '../test/leader.ts';
import type { SnapshotEntry } from './snapshot.ts';

/** The entries of a small tree: `/a` with some history, one session, one stored result beside the others. */
function entries(): readonly SnapshotEntry[] {
  const leader = leaderWith('/a');
  leader.do(1, create('/x/y'));
  return leader.tree.beginSnapshot().next(100);
}

function digestOf(changed: readonly SnapshotEntry[]): string {
  return restored({ zxid: asZxid(2 ** 33), lastTimeMs: 0 }, changed).digest();
}

function withNode(fields: Partial<SnapshotEntry & { readonly kind: 'node' }>): readonly SnapshotEntry[] {
  return entries().map((entry) =>
    entry.kind === 'node' && entry.path === '/a' ? { ...entry, ...fields } : entry,
  );
}

function withSession(
  fields: Partial<SnapshotEntry & { readonly kind: 'session' }>,
): readonly SnapshotEntry[] {
  return entries().map((entry) => (entry.kind === 'session' ? { ...entry, ...fields } : entry));
}

/** The stored result of write 2, the refused one, with another outcome or number. */
function withResult(fields: {
  readonly result?: WriteResult;
  readonly requestHash?: number;
  readonly requestNo?: number;
}) {
  return entries().map((entry) =>
    entry.kind === 'session'
      ? {
          ...entry,
          results: entry.results.map((kept) => (kept.requestNo === 2 ? { ...kept, ...fields } : kept)),
        }
      : entry,
  );
}

const refused = { kind: 'refused', zxid: asZxid(2 ** 32 + 3), failedIndex: -1, codes: [] } as const;

describe('the digest', () => {
  test('does not depend on the order of entries', () => {
    expect(digestOf([...entries()].reverse())).toBe(digestOf(entries()));
  });

  test('takes an empty ACL and the open one for the same', () => {
    expect(digestOf(withNode({ acl: [] }))).toBe(digestOf(withNode({ acl: ACL_OPEN })));
  });

  test.each([
    { of: 'a path', changed: withNode({ path: '/b' }) },
    { of: 'data', changed: withNode({ data: bytes('x') }) },
    { of: 'czxid', changed: withNode({ czxid: asZxid(5) }) },
    { of: 'mzxid', changed: withNode({ mzxid: asZxid(5) }) },
    { of: 'pzxid', changed: withNode({ pzxid: asZxid(5) }) },
    { of: 'ctime', changed: withNode({ ctimeMs: 5 }) },
    { of: 'mtime', changed: withNode({ mtimeMs: 5 }) },
    { of: 'version', changed: withNode({ version: 5 }) },
    { of: 'aversion', changed: withNode({ aversion: 5 }) },
    { of: 'owner', changed: withNode({ ephemeralOwner: 1 }) },
    { of: 'sequence counter', changed: withNode({ sequence: 2 ** 32 }) },
    { of: 'ACL permissions', changed: withNode({ acl: [{ perms: 1, scheme: 'world', id: 'anyone' }] }) },
    { of: 'ACL id', changed: withNode({ acl: [{ perms: 31, scheme: 'world', id: 'nobody' }] }) },
    { of: 'session id', changed: withSession({ id: 2 ** 40 + 1 }) },
    { of: 'session timeout', changed: withSession({ timeoutMs: 1 }) },
    { of: 'password hash', changed: withSession({ passwordHash: bytes('other') }) },
    { of: 'nonce', changed: withSession({ nonce: 'other' }) },
    { of: 'watermark', changed: withSession({ answeredThrough: 1 }) },
    { of: 'stored results', changed: withSession({ results: [] }) },
    { of: 'request number', changed: withResult({ requestNo: 9 }) },
    { of: 'request hash', changed: withResult({ requestHash: 9 }) },
    {
      of: 'zxid of a result',
      changed: withResult({
        result: { ...refused, zxid: asZxid(9), refusal: { code: 'NO_NODE', message: '' } },
      }),
    },
    {
      of: 'code of a refusal',
      changed: withResult({ result: { ...refused, refusal: { code: 'SYSTEM', message: '' } } }),
    },
    {
      of: 'message of a refusal',
      changed: withResult({ result: { ...refused, refusal: { code: 'NO_NODE', message: 'other' } } }),
    },
    { of: 'result kind', changed: withResult({ result: { kind: 'done', zxid: refused.zxid, results: [] } }) },
    {
      of: 'changes of a result',
      changed: withResult({
        result: { kind: 'done', zxid: refused.zxid, results: [{ kind: 'delete', path: '/a' }] },
      }),
    },
  ])('tells trees apart by $of', ({ changed }) => {
    expect(digestOf(changed)).not.toBe(digestOf(entries()));
  });

  test('is the same on every machine and in every build', () => {
    const result: WriteResult = { ...refused, refusal: { code: 'NO_NODE', message: 'fixed' } };
    expect(digestOf(withResult({ result }))).toBe('add17218d018b67e');
  });
});
