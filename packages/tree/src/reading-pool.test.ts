import { expect, test } from 'vitest';
import { dataOf } from './node-store.test-support.ts';
import { ReadingPool } from './reading-pool.ts';

function wordsOf(data: Uint8Array): Int32Array {
  const words = new Int32Array(Math.ceil(data.length / 4));
  new Uint8Array(words.buffer).set(data);
  return words;
}

test('copies of every length are right, and stay right when others are made', () => {
  const pool = new ReadingPool();
  const source = dataOf(300_000, 1);
  const words = wordsOf(source);
  const lengths = [0, 1, 2, 3, 4, 5, 99, 100, 1_023, 4_095, 4_096, 4_097, 5_000, 32_768, 200_000];
  const rounds = Array.from({ length: 30 }, (_, round) => round * 400);
  const copies = rounds.flatMap((at) =>
    lengths.map((length) => ({ at, length, copy: pool.copy(words, at, length) })),
  );
  for (const { at, length, copy } of copies) {
    expect(Buffer.compare(copy, source.subarray(at, at + length))).toBe(0);
  }
});

test('small copies share memory, and large ones have their own', () => {
  const pool = new ReadingPool();
  const words = wordsOf(dataOf(100_000, 1));
  const [first, second] = [pool.copy(words, 0, 100), pool.copy(words, 0, 100)];
  expect(second.buffer).toBe(first.buffer);
  expect(second.byteOffset).toBe(first.byteOffset + 100);
  expect(pool.copy(words, 0, 50_000).buffer.byteLength).toBe(50_000);
});
