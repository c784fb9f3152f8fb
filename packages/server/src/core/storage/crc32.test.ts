import { crc32 as crc32OfZlib } from 'node:zlib';
import { expect, test } from 'vitest';
import { crc32 } from './crc32.ts';

const bytes = Uint8Array.from({ length: 300 }, (_, index) => (index * 7919) % 256);

test('the CRC of every length and alignment is that of zlib', () => {
  for (let start = 0; start < 17; start++) {
    for (let end = start; end <= bytes.length; end++) {
      expect(crc32(bytes, start, end)).toBe(crc32OfZlib(bytes.subarray(start, end)));
    }
  }
});

test('a CRC goes on from the one of what came before', () => {
  expect(crc32(bytes, 100, 300, crc32(bytes, 0, 100))).toBe(crc32(bytes));
});
