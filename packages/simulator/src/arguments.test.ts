import { expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';

test.each([
  {
    words: ['--seed', '0x7f'],
    request: { kind: 'one', seed: { high: 0, low: 127 }, trace: false },
  },
  {
    words: ['--seed', '4294967296', '--trace'],
    request: { kind: 'one', seed: { high: 1, low: 0 }, trace: true },
  },
  { words: ['--schedules', '10'], request: { kind: 'many', from: { high: 0, low: 1 }, schedules: 10 } },
  {
    words: ['--schedules', '10', '--from', '500'],
    request: { kind: 'many', from: { high: 0, low: 500 }, schedules: 10 },
  },
  { words: ['--mutants'], request: { kind: 'mutants', from: { high: 0, low: 1 } } },
])('$words is understood', ({ words, request }) => {
  expect(parseArguments(words)).toEqual(request);
});

test.each([
  { words: [], message: 'give one of --seed, --schedules and --mutants' },
  { words: ['--sed', '1'], message: 'unknown option --sed' },
  { words: ['--seed'], message: '--seed needs a value' },
  { words: ['--seed', '1', '--seed', '2'], message: '--seed is given twice' },
  { words: ['--seed', 'x'], message: 'a seed is a number, not "x"' },
  { words: ['--schedules', '0'], message: '--schedules takes a count, not 0' },
  { words: ['--seed', '1', '--schedules', '2'], message: 'give one of --seed, --schedules and --mutants' },
])('$words is refused: $message', ({ words, message }) => {
  expect(parseArguments(words)).toEqual({ kind: 'wrong', message });
});
