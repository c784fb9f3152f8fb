import { expect, test } from 'vitest';
import { adler32 } from './adler32.ts';

test.each([
  { name: 'nothing', text: '', sum: 1 },
  { name: 'one letter', text: 'a', sum: 0x00620062 },
  { name: 'a word', text: 'Wikipedia', sum: 0x11e60398 },
])('the checksum of $name', ({ text, sum }) => {
  expect(adler32(Buffer.from(text))).toBe(sum);
});

test('sums do not overflow, and pieces make what the whole makes', () => {
  const bytes = new Uint8Array(100_000).fill(0xff);
  // a = 1 + 100000 * 255, b = 100000 + 255 * (1 + … + 100000), both modulo 65521.
  const a = (1 + 100_000 * 255) % 65_521;
  const b = (100_000 + 255 * ((100_000 * 100_001) / 2)) % 65_521;
  expect(adler32(bytes)).toBe((b * 65_536 + a) >>> 0);
  expect(adler32(bytes, adler32(bytes, 1, 0, 7_777), 7_777)).toBe(adler32(bytes));
});
