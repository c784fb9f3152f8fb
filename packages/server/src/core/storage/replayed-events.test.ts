import { makeZxid, type TreeEvent, ZXID_NONE, type Zxid } from '@zabra/model';
import { expect, test } from 'vitest';
import { chanceFrom, coreOptions, fakeEnv, Life, Scribe, SMALL, zxid } from '../../../test/storage-world.ts';
import { VolatileMachine } from '../../../test/volatile-disk.ts';
import { DEFAULT_LIMITS } from '../options.ts';
import { ReplayedEvents } from './replayed-events.ts';

function eventAt(at: Zxid): TreeEvent {
  return { type: 'created', path: '/a', zxid: at, acl: [] };
}

function recorded(changesMax: number, count: number): ReplayedEvents {
  const replayed = new ReplayedEvents(changesMax, zxid(1, 0));
  for (let counter = 1; counter <= count; counter++) {
    const at = makeZxid(1, counter);
    replayed.record(at, [eventAt(at)]);
  }
  return replayed;
}

test('nothing after the base is missing while there are no more changes than are kept', () => {
  const replayed = recorded(10, 10);
  expect(replayed.floor).toBe(zxid(1, 0));
  expect(replayed.changes).toHaveLength(10);
});

test.each([11, 19, 20, 21, 100])('of %i changes the last ten are kept, and the floor says so', (count) => {
  const replayed = recorded(10, count);
  expect(replayed.floor).toBe(zxid(1, count - 10));
  expect(replayed.changes.map(({ zxid: at }) => at)).toEqual(
    Array.from({ length: 10 }, (_, index) => zxid(1, count - 9 + index)),
  );
});

test.each([
  { perChange: 10, kept: 10 },
  { perChange: 11, kept: 9 },
  { perChange: 50, kept: 2 },
  { perChange: 101, kept: 0 },
])('of changes with $perChange events each $kept are kept, whole', ({ perChange, kept }) => {
  const replayed = new ReplayedEvents(10, ZXID_NONE);
  for (let counter = 1; counter <= 100; counter++) {
    const at = zxid(1, counter);
    replayed.record(
      at,
      Array.from({ length: perChange }, () => eventAt(at)),
    );
  }
  expect(replayed.floor).toBe(zxid(1, 100 - kept));
  expect(replayed.changes.map(({ events }) => events.length)).toEqual(Array(kept).fill(perChange));
});

test('a change that nobody could watch takes no place', () => {
  const replayed = new ReplayedEvents(10, ZXID_NONE);
  replayed.record(zxid(1, 1), []);
  expect(replayed.changes).toEqual([]);
});

test('a start gives the events of what it applied from the log, from the snapshot on', async () => {
  const chance = chanceFrom(11);
  const machine = new VolatileMachine(chance);
  const scribe = new Scribe();
  const former = await Life.start(fakeEnv(machine, chance));
  const records = [scribe.startEpoch(1), ...scribe.txns(6)];
  await former.append(records, zxid(1, 6));
  former.apply(records.slice(0, 4));
  await former.storage.startSnapshot(former.tree);
  former.apply(records.slice(4));
  await former.storage.close();

  const whole = await Life.start(fakeEnv(machine, chance));
  expect(whole.replayed.floor).toBe(zxid(1, 3));
  expect(whole.replayed.changes.map(({ zxid: at, events }) => [at, events[0]?.path])).toEqual([
    [zxid(1, 4), '/n1-4'],
    [zxid(1, 5), '/n1-5'],
    [zxid(1, 6), '/n1-6'],
  ]);
  await whole.storage.close();
  const limits = { ...DEFAULT_LIMITS, eventHistoryMax: 1 };
  const short = await Life.start(fakeEnv(machine, chance), coreOptions(SMALL, { limits }));
  expect(short.replayed.floor).toBe(zxid(1, 5));
  expect(short.replayed.changes).toHaveLength(1);
});
