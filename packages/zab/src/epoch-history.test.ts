import { makeZxid, ZXID_NONE } from '@zabra/model';
import { expect, test } from 'vitest';
import { endsOf, pasts } from '../test/histories.ts';
import { EpochHistory } from './epoch-history.ts';

const LOGS = pasts(3, 2).flat();

test('epoch ends follow from the records, in whatever order they were appended and cut', () => {
  for (const log of LOGS) {
    const appended = new EpochHistory([]);
    for (const zxid of log) appended.append(zxid);
    expect(appended.ends).toEqual(endsOf(log));
    expect(appended.lastZxid).toBe(log.at(-1) ?? ZXID_NONE);
    for (const [index, zxid] of log.entries()) {
      const cut = new EpochHistory(endsOf(log));
      cut.truncateAfter(zxid);
      expect(cut.ends).toEqual(endsOf(log.slice(0, index + 1)));
    }
  }
});

test('a history knows which records it has', () => {
  const history = new EpochHistory([
    { epoch: 1, counter: 3 },
    { epoch: 4, counter: 0 },
  ]);
  expect(history.has(makeZxid(1, 3))).toBe(true);
  expect(history.has(makeZxid(1, 4))).toBe(false);
  expect(history.has(makeZxid(2, 0))).toBe(false);
  expect(() => history.truncateAfter(makeZxid(2, 0))).toThrow('a history is cut at one of its own records');
});

test('what is handed out does not change afterwards', () => {
  const history = new EpochHistory([{ epoch: 1, counter: 3 }]);
  const before = history.ends;
  history.append(makeZxid(1, 4));
  expect(before).toEqual([{ epoch: 1, counter: 3 }]);
});
