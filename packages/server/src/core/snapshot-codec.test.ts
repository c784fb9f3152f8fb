import { ACL_OPEN, type Acl, asZxid, NULL_DATA } from '@zabra/model';
import { DecodeError } from '@zabra/proto';
import type { SnapshotEntry } from '@zabra/tree';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSnapshotEntry, encodeSnapshotEntry, SnapshotEntryReader } from './snapshot-codec.ts';

const uint32 = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const uint53 = fc.oneof(fc.constant(0), fc.maxSafeNat());
const zxid = uint53.map(asZxid);
const acl: fc.Arbitrary<readonly Acl[]> = fc.oneof(
  fc.constant(ACL_OPEN),
  fc.array(fc.record({ perms: uint32, scheme: fc.string(), id: fc.string() }), {
    minLength: 1,
    maxLength: 3,
  }),
);
const path = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('/app/\ufffd'));
const bytes = fc.uint8Array({ maxLength: 300 });
const node = fc.record<SnapshotEntry & { readonly kind: 'node' }>({
  kind: fc.constant('node'),
  path,
  data: bytes,
  acl,
  czxid: zxid,
  mzxid: zxid,
  pzxid: zxid,
  ctimeMs: uint53,
  mtimeMs: uint53,
  version: uint32,
  aversion: uint32,
  ephemeralOwner: uint53,
  sequence: uint53,
  ttlMs: uint53,
  container: fc.boolean(),
});
const session = fc.record<SnapshotEntry & { readonly kind: 'session' }>({
  kind: fc.constant('session'),
  id: uint53,
  timeoutMs: uint32,
  passwordHash: bytes,
  nonce: fc.string(),
  answeredThrough: uint32,
  results: fc.constant([]),
});
const entry: fc.Arbitrary<SnapshotEntry> = fc.oneof(node, session);

/** What reading it gives, or how it fails. Copied: the reader fills one record again and again. */
function outcomeOf(read: () => SnapshotEntry): SnapshotEntry | string {
  try {
    return { ...read() };
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return String(error);
  }
}

describe('the reader of entries', () => {
  test('gives what the generated codec gives, wherever in a block the entry lies', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
        const encoded = entries.map(encodeSnapshotEntry);
        const block = Buffer.concat(encoded);
        const reader = new SnapshotEntryReader(block);
        let at = 0;
        for (const one of encoded) {
          const found = outcomeOf(() => reader.read(at, at + one.length));
          expect(found).toEqual(decodeSnapshotEntry(one));
          at += one.length;
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test('refuses and takes the same bytes as the generated codec', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), length: fc.nat() });
    fc.assert(
      fc.property(
        node,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (one, changes, cut) => {
          const changed = Uint8Array.from(encodeSnapshotEntry(one));
          for (const { at, byte } of changes) changed[at % changed.length] = byte;
          const [{ length } = { length: 0 }] = changes;
          const damaged = cut ? changed.subarray(0, length % changed.length) : changed;
          const found = outcomeOf(() => new SnapshotEntryReader(damaged).read(0, damaged.length));
          expect(found).toEqual(outcomeOf(() => decodeSnapshotEntry(damaged)));
        },
      ),
      { seed: 2, numRuns: 5000 },
    );
  });

  test('does not look beyond the end of an entry', () => {
    const one = encodeSnapshotEntry({
      kind: 'session',
      id: 1,
      timeoutMs: 1,
      passwordHash: new Uint8Array(1),
      nonce: '',
      answeredThrough: 0,
      results: [],
    });
    const block = Buffer.concat([one, one]);
    const reader = new SnapshotEntryReader(block);
    for (let end = 1; end < one.length; end++) expect(() => reader.read(0, end)).toThrow(DecodeError);
  });
});

test('data that are null are read as such, by either way', () => {
  const bare = { kind: 'node', path: '/a', acl: ACL_OPEN, ttlMs: 0, container: false } as const;
  const numbers = { ctimeMs: 1, mtimeMs: 1, version: 0, aversion: 0, ephemeralOwner: 0, sequence: 0 };
  const zxids = { czxid: asZxid(1), mzxid: asZxid(1), pzxid: asZxid(1) };
  for (const data of [NULL_DATA, new Uint8Array(0), NULL_DATA]) {
    const encoded = encodeSnapshotEntry({ ...bare, ...numbers, ...zxids, data });
    for (const read of [
      decodeSnapshotEntry(encoded),
      new SnapshotEntryReader(encoded).read(0, encoded.length),
    ]) {
      expect(read.kind === 'node' && read.data === NULL_DATA).toBe(data === NULL_DATA);
    }
  }
});
