import { expect, test } from 'vitest';
import { crc32 } from './crc32.ts';

/** Of the CRC catalogue: what each CRC is known by. */
const CHECK = new TextEncoder().encode('123456789');

test('the CRC is that of IEEE 802.3', () => {
  expect(crc32(CHECK)).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});

test('the CRC of a piece is that of its bytes alone', () => {
  expect(crc32(Uint8Array.of(1, 2, ...CHECK, 3), 2, 11)).toBe(0xcbf43926);
});

test('a CRC goes on from the one of what came before', () => {
  expect(crc32(CHECK, 4, 9, crc32(CHECK, 0, 4))).toBe(0xcbf43926);
});
