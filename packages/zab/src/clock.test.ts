import { expect, test } from 'vitest';
import { Clock } from './clock.ts';

test('silence is counted from what was heard last', () => {
  const clock = new Clock(0, 250);
  for (let now = 100; now <= 1000; now += 100) clock.tick(now);
  expect(clock.isSilent(0, 1000)).toBe(false);
  clock.tick(1100);
  expect(clock.isSilent(0, 1000)).toBe(true);
  expect(clock.isSilent(100, 1000)).toBe(false);
});

test('after a pause nobody is silent for one heartbeat', () => {
  const clock = new Clock(0, 250);
  clock.tick(60_000);
  expect(clock.isSilent(0, 1000)).toBe(false);
  clock.tick(60_200);
  expect(clock.isSilent(0, 1000)).toBe(false);
  clock.tick(60_300);
  expect(clock.isSilent(0, 1000)).toBe(true);
});

test('a process that is always late still notices silence', () => {
  const clock = new Clock(0, 250);
  clock.tick(600);
  clock.tick(1200);
  expect(clock.isSilent(0, 1000)).toBe(true);
});

test('time does not run back', () => {
  const clock = new Clock(100, 250);
  expect(() => clock.tick(99)).toThrow('time does not run back');
});
