import { ZXID_NONE } from '@zabra/model';
import { expect, test } from 'vitest';
import { zxid } from '../../../test/storage-world.ts';
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts';

const MANIFEST: Manifest = {
  serverId: 3,
  clusterId: 'orchard',
  standing: 'voter',
  acceptedEpoch: 7,
  currentEpoch: 6,
  commit: zxid(6, 9),
  snapshots: [{ zxid: zxid(6, 1), file: 'snapshot.600000001', bytes: 1234 }],
  segments: [
    { id: 4, salt: 0xffffffff, previous: zxid(5, 2), end: { offset: 1024, zxid: zxid(6, 9) } },
    { id: 5, salt: 0, previous: zxid(6, 9), end: undefined },
  ],
};

test.each([
  { name: 'with all it can hold', manifest: MANIFEST },
  {
    name: 'of a blank server',
    manifest: {
      ...MANIFEST,
      clusterId: undefined,
      standing: 'blank' as const,
      commit: ZXID_NONE,
      snapshots: [],
      segments: [],
    },
  },
])('a manifest $name is read as it was written', ({ manifest }) => {
  expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
});

test('a manifest that changed in any bit, or ends anywhere else, is damaged', () => {
  const bytes = encodeManifest(MANIFEST);
  for (let index = 0; index < bytes.length; index++) {
    const changed = new Uint8Array(bytes);
    changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8));
    expect(() => decodeManifest(changed)).toThrow(/DAMAGED/);
    expect(() => decodeManifest(bytes.subarray(0, index))).toThrow(/DAMAGED/);
  }
});
