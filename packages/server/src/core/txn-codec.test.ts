import { ACL_OPEN, NULL_DATA, type Stat, type Txn, type TxnBody } from '@zabra/model';
import type { SnapshotEntry } from '@zabra/tree';
import { describe, expect, test } from 'vitest';
import { zxid } from '../../test/storage-world.ts';
import { decodeSnapshotEntry, encodeSnapshotEntry } from './snapshot-codec.ts';
import { decodeTxn, encodeTxn } from './txn-codec.ts';

const LARGE = Number.MAX_SAFE_INTEGER;
const data = Uint8Array.from([0, 1, 254, 255]);
const acl = [{ perms: 5, scheme: 'digest', id: 'ann:x' }];
const create = { kind: 'create', path: '/añ', data, acl, ephemeralOwner: LARGE, ttlMs: 0 } as const;

const BODIES: readonly TxnBody[] = [
  { kind: 'change', change: { ...create, mode: 'persistent' } },
  { kind: 'change', change: { ...create, mode: 'persistent-sequential', acl: ACL_OPEN, ephemeralOwner: 0 } },
  { kind: 'change', change: { ...create, mode: 'ephemeral', data: new Uint8Array(0) } },
  { kind: 'change', change: { ...create, mode: 'ephemeral-sequential' } },
  { kind: 'change', change: { ...create, mode: 'container', ephemeralOwner: 0 } },
  { kind: 'change', change: { ...create, mode: 'ttl', ephemeralOwner: 0, ttlMs: 2 ** 40 - 1 } },
  { kind: 'change', change: { ...create, mode: 'ttl-sequential', ephemeralOwner: 0, ttlMs: 1 } },
  { kind: 'change', change: { kind: 'set', path: '/a', data, version: 0 } },
  { kind: 'change', change: { kind: 'set', path: '/a', data, version: 2 ** 31 - 1 } },
  { kind: 'change', change: { kind: 'delete', path: '/a' } },
  { kind: 'change', change: { kind: 'setAcl', path: '/a', acl, aversion: 3 } },
  { kind: 'change', change: { kind: 'setAcl', path: '/a', acl: ACL_OPEN, aversion: 0 } },
  { kind: 'change', change: { kind: 'touch', path: '/a' } },
  { kind: 'change', change: { kind: 'deleteTree', path: '/a', paths: ['/a/b', '/a'], done: true } },
  { kind: 'transaction', changes: [] },
  {
    kind: 'transaction',
    changes: [
      { kind: 'check', path: '/a' },
      { kind: 'checkAbsent', path: '/b' },
      { kind: 'checkOwner', path: '/b' },
      { kind: 'delete', path: '/c' },
    ],
  },
  { kind: 'createSession', sessionId: LARGE, timeoutMs: 4000, passwordHash: data, nonce: 'n' },
  { kind: 'attachSession', sessionId: 1, nonce: 'm' },
  { kind: 'closeSession', sessionId: 2 },
  { kind: 'error', code: 'NO_NODE', message: 'no /a', failedIndex: -1, codes: [] },
  { kind: 'error', code: 'TRANSACTION_FAILED', message: '', failedIndex: 0, codes: ['BAD_VERSION', 'OK'] },
];

describe('a txn', () => {
  test.each(BODIES.map((body) => ({ name: JSON.stringify(body).slice(0, 70), body })))(
    'comes back as it was: $name',
    ({ body }) => {
      const txn: Txn = {
        timeMs: LARGE,
        sessionId: LARGE,
        requestNo: 2 ** 32 - 1,
        answeredThrough: 7,
        requestHash: 2 ** 32 - 1,
        body,
      };
      expect(decodeTxn(encodeTxn(txn))).toEqual(txn);
      const plain: Txn = { timeMs: 0, sessionId: 0, requestNo: 0, answeredThrough: 0, requestHash: 0, body };
      expect(decodeTxn(encodeTxn(plain))).toEqual(plain);
    },
  );

  test('is refused when the bytes are not one', () => {
    expect(() => decodeTxn(new Uint8Array(0))).toThrow(/zabra\.v1\.Txn/);
    expect(() => decodeTxn(Uint8Array.from([0xff, 0xff]))).toThrow();
  });
});

describe('an entry of a snapshot', () => {
  const stat: Stat = {
    czxid: zxid(1, 1),
    mzxid: zxid(1, 2),
    pzxid: zxid(2 ** 21 - 1, 3),
    ctimeMs: 4,
    mtimeMs: LARGE,
    version: 5,
    cversion: 6,
    aversion: 7,
    ephemeralOwner: 8,
    dataLength: 9,
    numChildren: 10,
  };
  const results = [
    {
      requestNo: 1,
      requestHash: 2 ** 32 - 1,
      result: {
        kind: 'done',
        zxid: zxid(1, 2),
        results: [
          { kind: 'create', path: '/a', stat },
          { kind: 'set', path: '/b', stat },
          { kind: 'delete', path: '/c' },
          { kind: 'check', path: '/d' },
          { kind: 'checkAbsent', path: '/e' },
          { kind: 'checkOwner', path: '/f' },
          { kind: 'setAcl', path: '/g', stat },
          { kind: 'touch', path: '/h' },
          { kind: 'deleteTree', path: '/i', deleted: 7, done: false },
        ],
      },
    },
    {
      requestNo: 2,
      requestHash: 0,
      result: {
        kind: 'refused',
        zxid: zxid(1, 3),
        refusal: { code: 'TRANSACTION_FAILED', message: 'm' },
        failedIndex: 0,
        codes: ['NO_NODE', 'OK'],
      },
    },
  ] as const;
  const { cversion: _, dataLength: __, numChildren: ___, ...kept } = stat;
  const entries: readonly SnapshotEntry[] = [
    { kind: 'node', path: '/a', data, acl, ...kept, sequence: LARGE, ttlMs: 2 ** 40 - 1, container: false },
    {
      kind: 'node',
      path: '/',
      data: new Uint8Array(0),
      acl: ACL_OPEN,
      ...kept,
      ephemeralOwner: 0,
      sequence: 0,
      ttlMs: 0,
      container: true,
    },
    { kind: 'session', id: LARGE, timeoutMs: 1, passwordHash: data, nonce: 'n', answeredThrough: 0, results },
  ];

  test.each(entries)('comes back as it was: $kind $path', (entry) => {
    expect(decodeSnapshotEntry(encodeSnapshotEntry(entry))).toEqual(entry);
  });
});

test('data that are null come back as such, and empty ones as empty', () => {
  for (const data of [NULL_DATA, new Uint8Array(0)]) {
    const changes = [
      { ...create, mode: 'persistent', data },
      { kind: 'set', path: '/a', data, version: 1 },
    ] as const;
    for (const change of changes) {
      const header = { timeMs: 0, sessionId: 0, requestNo: 0, answeredThrough: 0, requestHash: 0 };
      const txn = { ...header, body: { kind: 'change', change } } as const;
      const { body } = decodeTxn(encodeTxn(txn));
      const read = body.kind === 'change' && 'data' in body.change ? body.change.data : undefined;
      expect(read).toHaveLength(0);
      expect(read === NULL_DATA).toBe(data === NULL_DATA);
    }
  }
});
