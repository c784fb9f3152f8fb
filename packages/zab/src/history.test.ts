import { makeZxid, ZXID_NONE } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { recordsAt } from '../test/histories.ts';
import { History, recordBytes } from './history.ts';

const ZXIDS = Array.from({ length: 10 }, (_, counter) => makeZxid(1, counter));
const RECORDS = recordsAt(ZXIDS);
const RECORD_BYTES = Math.max(...RECORDS.map(recordBytes));
const LAST = makeZxid(1, 9);
const ANY = { through: LAST, bytesMax: Number.POSITIVE_INFINITY };

function history(limits = { historyRecordsMax: 100, historyBytesMax: 100_000 }): History {
  const made = new History(ZXID_NONE, limits);
  for (const record of RECORDS) made.append(record);
  return made;
}

describe('the history', () => {
  test.each([
    { name: 'from the start', after: ZXID_NONE, expected: ZXIDS },
    { name: 'from a record', after: makeZxid(1, 6), expected: ZXIDS.slice(7) },
    { name: 'from the end', after: LAST, expected: [] },
  ])('is read $name', ({ after, expected }) => {
    expect(
      history()
        .after(after, ANY)
        .map((record) => record.zxid),
    ).toEqual(expected);
  });

  test('gives no more than asked for, but at least one record', () => {
    const bytesMax = 2 * RECORD_BYTES;
    expect(history().after(ZXID_NONE, { through: LAST, bytesMax })).toHaveLength(2);
    expect(history().after(ZXID_NONE, { through: LAST, bytesMax: 1 })).toHaveLength(1);
    expect(history().after(ZXID_NONE, { through: makeZxid(1, 2), bytesMax: 1000 })).toHaveLength(3);
  });

  test('refuses a record that leaves a hole', () => {
    const made = new History(ZXID_NONE, { historyRecordsMax: 100, historyBytesMax: 100_000 });
    expect(() => RECORDS.slice(1).map((record) => made.append(record))).toThrow('a log has no holes');
  });

  test.each([
    { name: 'by count', limits: { historyRecordsMax: 3, historyBytesMax: 100_000 } },
    { name: 'by bytes', limits: { historyRecordsMax: 100, historyBytesMax: 120 } },
  ])('is bounded $name, but keeps what is still needed', ({ limits }) => {
    const made = history(limits);
    made.evict(makeZxid(1, 1));
    expect(made.floor).toBe(makeZxid(1, 1));
    made.evict(LAST);
    expect(made.count).toBe(3);
    expect(made.floor).toBe(makeZxid(1, 6));
    expect(() => made.after(makeZxid(1, 5), ANY)).toThrow('what is read is still held');
  });

  test('stays whole over many evictions', () => {
    const made = new History(ZXID_NONE, { historyRecordsMax: 2, historyBytesMax: 100_000 });
    for (const record of recordsAt(Array.from({ length: 5000 }, (_, counter) => makeZxid(1, counter)))) {
      made.append(record);
      made.evict(record.zxid);
    }
    expect(made.count).toBe(2);
    expect(made.find(makeZxid(1, 4999))?.previous).toBe(makeZxid(1, 4998));
    expect(made.find(makeZxid(1, 4997))).toBeUndefined();
  });

  test('is cut only at a record of its own', () => {
    const made = history();
    made.truncateAfter(makeZxid(1, 4));
    expect(made.lastZxid).toBe(makeZxid(1, 4));
    expect(made.bytes).toBe(5 * RECORD_BYTES);
    expect(() => made.truncateAfter(makeZxid(0, 5))).toThrow('a history is cut at one of its own records');
  });
});
