import { expect, test } from 'vitest';
import { RandomStream } from './random.ts';
import { Scheduler } from './scheduler.ts';

const forever = { done: () => false, limitUs: Number.MAX_SAFE_INTEGER, afterEach: () => undefined };

test('events run in the order of their times, and those of one time in the order they were scheduled', async () => {
  const scheduler = new Scheduler();
  const random = new RandomStream({ high: 0, low: 7 }, 'test');
  const ran: { timeUs: number; number: number }[] = [];
  for (let number = 0; number < 500; number++) {
    const timeUs = random.below(50);
    scheduler.at(timeUs, () => ran.push({ timeUs, number }));
  }
  await scheduler.run(forever);
  const sorted = [...ran].sort((a, b) => a.timeUs - b.timeUs || a.number - b.number);
  expect(ran).toEqual(sorted);
  expect(ran).toHaveLength(500);
});

test('a cancelled event does not run', async () => {
  const scheduler = new Scheduler();
  const ran: string[] = [];
  const cancel = scheduler.at(10, () => ran.push('cancelled'));
  scheduler.at(20, () => ran.push('kept'));
  cancel();
  await scheduler.run(forever);
  expect(ran).toEqual(['kept']);
});

test('all that an event wakes by promises has happened before the next event begins', async () => {
  const scheduler = new Scheduler();
  const ran: string[] = [];
  scheduler.at(1, () => {
    void (async () => {
      for (let hop = 0; hop < 50; hop++) await undefined;
      ran.push('consequence');
    })();
  });
  scheduler.at(1, () => ran.push('next event'));
  await scheduler.run(forever);
  expect(ran).toEqual(['consequence', 'next event']);
});

test('an event in the past runs now, and time never goes back', async () => {
  const scheduler = new Scheduler();
  const times: number[] = [];
  scheduler.at(100, () => {
    scheduler.at(5, () => times.push(scheduler.nowUs));
  });
  await scheduler.run(forever);
  expect(times).toEqual([100]);
});

test('a run stops at its limit and leaves what comes later for the next run', async () => {
  const scheduler = new Scheduler();
  const ran: number[] = [];
  scheduler.at(10, () => ran.push(10));
  scheduler.at(30, () => ran.push(30));
  expect(await scheduler.run({ ...forever, limitUs: 20 })).toBe(false);
  expect(ran).toEqual([10]);
  expect(scheduler.nowUs).toBe(20);
  expect(await scheduler.run({ ...forever, done: () => ran.length === 2 })).toBe(true);
});
