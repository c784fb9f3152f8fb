import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { bytes, json, text } from './core/codecs.ts';
import { gzip } from './gzip.ts';

test('a large value is compressed and comes back', () => {
  const codec = gzip(text);
  const written = 'x'.repeat(100_000);
  const data = codec.encode(written);
  expect(data.length).toBeLessThan(1_000);
  expect(codec.decode(data)).toBe(written);
  expect(codec.contentType).toBe('text/plain; charset=utf-8+gzip');
});

test('a small value stays as it is, and data from before is read', () => {
  const codec = gzip(json<{ a: number }>(), { minBytes: 10 });
  expect(new TextDecoder().decode(codec.encode({ a: 1 }))).toBe('{"a":1}');
  expect(codec.decode(new TextEncoder().encode('{"a":2}'))).toEqual({ a: 2 });
});

test('bytes that look compressed come back as they were', () => {
  const packed = new Uint8Array(gzipSync('inner'));
  const codec = gzip(bytes);
  expect(codec.decode(codec.encode(packed))).toEqual(packed);
});

test.each([
  { name: 'damaged data', data: Uint8Array.of(0x1f, 0x8b, 1, 2, 3) },
  {
    name: 'data that unpacks beyond measure',
    data: new Uint8Array(gzipSync(new Uint8Array(65 * 1024 * 1024))),
  },
])('$name is CODEC_FAILED', ({ data }) => {
  expect(() => gzip(bytes).decode(data)).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }));
});
