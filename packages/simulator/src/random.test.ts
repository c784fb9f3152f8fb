import { expect, test } from 'vitest';
import { formatSeed, parseSeed, RandomStream, seedAfter } from './random.ts';

function draw(stream: RandomStream, count: number): number[] {
  return Array.from({ length: count }, () => stream.uint32());
}

test('the same seed and purpose draw the same numbers; another of either draws others', () => {
  const seed = parseSeed('42');
  const drawn = draw(new RandomStream(seed, 'disk'), 20);
  expect(draw(new RandomStream(seed, 'disk'), 20)).toEqual(drawn);
  expect(draw(new RandomStream(seed, 'network'), 20)).not.toEqual(drawn);
  expect(draw(new RandomStream(parseSeed('43'), 'disk'), 20)).not.toEqual(drawn);
  expect(draw(new RandomStream(parseSeed('0x10000002a'), 'disk'), 20)).not.toEqual(drawn);
});

test('what one stream draws does not shift what another draws', () => {
  const seed = parseSeed('7');
  const parent = new RandomStream(seed, 'run');
  const before = draw(parent.stream('faults'), 5);
  draw(parent, 100);
  expect(draw(parent.stream('faults'), 5)).toEqual(before);
});

test('numbers are spread evenly', () => {
  const stream = new RandomStream(parseSeed('1'), 'spread');
  const counts = new Array<number>(10).fill(0);
  for (let index = 0; index < 10_000; index++) {
    const cell = stream.below(10);
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
});

test.each([
  { text: '0', formatted: '0x0' },
  { text: '255', formatted: '0xff' },
  { text: '0xFFFFFFFFFFFFFFFF', formatted: '0xffffffffffffffff' },
])('the seed $text is read and printed as $formatted', ({ text, formatted }) => {
  expect(formatSeed(parseSeed(text))).toBe(formatted);
});

test.each(['', '-1', '1.5', '0x', 'seed', '0x10000000000000000', '18446744073709551616'])(
  'the seed "%s" is refused',
  (text) => {
    expect(() => parseSeed(text)).toThrow(RangeError);
  },
);

test('seeds count on beyond 32 bits', () => {
  expect(formatSeed(seedAfter(parseSeed('0xffffffff'), 2))).toBe('0x100000001');
});
