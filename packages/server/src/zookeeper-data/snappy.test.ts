import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeSnappyBlock, SnappyFault, unframeSnappy } from './snappy.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

test.each([
  { name: 'a literal', block: [3, 2 << 2, 97, 98, 99], content: 'abc' },
  {
    name: 'a literal whose length stands behind its tag',
    block: [70, 60 << 2, 69, ...new Array<number>(70).fill(120)],
    content: 'x'.repeat(70),
  },
  {
    name: 'a copy with an offset of one byte',
    block: [8, 3 << 2, 97, 98, 99, 100, 1, 4],
    content: 'abcdabcd',
  },
  {
    name: 'a copy with an offset of two bytes',
    block: [5, 2 << 2, 97, 98, 99, (1 << 2) | 2, 3, 0],
    content: 'abcab',
  },
  {
    name: 'a copy with an offset of four bytes',
    block: [5, 2 << 2, 97, 98, 99, (1 << 2) | 3, 2, 0, 0, 0],
    content: 'abcbc',
  },
  { name: 'a copy of what it writes itself', block: [8, 0, 97, (6 << 2) | 2, 1, 0], content: 'aaaaaaaa' },
])('$name', ({ block, content }) => {
  expect(text(decodeSnappyBlock(Uint8Array.from(block)))).toBe(content);
});

test('a block that is none is a fault with a name, whatever it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (block) => {
      try {
        expect(decodeSnappyBlock(block).length).toBeLessThanOrEqual(64 * 1024 * 1024);
      } catch (error) {
        expect(error).toBeInstanceOf(SnappyFault);
      }
    }),
    { numRuns: 2000, seed: 4 },
  );
});

const HEADER = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];
const STREAM = Uint8Array.from([
  ...HEADER,
  ...[0, 0, 0, 5, 3, 2 << 2, 97, 98, 99],
  // Streams that were joined.
  ...HEADER,
  ...[0, 0, 0, 3, 1, 0, 100],
]);

test.each([1, 3, 16, 1000])('a stream in pieces of %i bytes', async (size) => {
  expect(await contentOf(STREAM, size)).toBe('abcd');
});

test.each([
  { name: 'one that breaks off', bytes: STREAM.subarray(0, STREAM.length - 1) },
  { name: 'one without a header', bytes: STREAM.subarray(16) },
  { name: 'an empty one', bytes: new Uint8Array(0) },
])('$name is a fault', async ({ bytes }) => {
  await expect(contentOf(bytes, 7)).rejects.toThrow(SnappyFault);
});

async function contentOf(bytes: Uint8Array, size: number): Promise<string> {
  let content = '';
  for await (const block of unframeSnappy(pieces(bytes, size))) content += text(block);
  return content;
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
