import { expect, test } from 'vitest';
import { NO_SLOT, NodeRecords, type Slot } from './node-records.ts';
import { SeededRandom } from './node-store.test-support.ts';

function live(records: NodeRecords): Slot[] {
  const slots: Slot[] = [];
  for (let slot = records.liveFrom(0); slot !== NO_SLOT; slot = records.liveFrom(slot + 1)) slots.push(slot);
  return slots;
}

test('each field of each record is its own, at its whole range', () => {
  const records = new NodeRecords();
  const slots = Array.from({ length: 5_000 }, () => records.allocate());
  for (const slot of slots) {
    records.setCzxid(slot, 2 ** 53 - 1 - slot);
    records.setMzxid(slot, slot + 1);
    records.setPzxid(slot, slot + 2);
    records.setCtimeMs(slot, slot + 3.5);
    records.setMtimeMs(slot, slot + 4.5);
    records.setVersion(slot, 2 ** 32 - 2 - slot);
    records.setAversion(slot, 2 ** 31 + slot);
    records.setContent(slot, -slot, slot - 2 ** 31);
    records.setAclId(slot, slot + 6);
    records.setLifetimeId(slot, slot + 7);
    records.setInnerId(slot, slot + 8);
    records.setDataLength(slot, slot + 9);
    records.setNameLength(slot, slot + 10);
    records.setLocation(slot, -slot - 11);
    records.setParent(slot, slot + 12);
    records.setHash(slot, -slot - 13);
    records.setNext(slot, slot + 14);
  }
  const wrong = slots.filter((slot) => {
    const numbers = [
      ...[records.czxid(slot), records.mzxid(slot), records.pzxid(slot)],
      ...[records.ctimeMs(slot), records.mtimeMs(slot), records.version(slot), records.aversion(slot)],
      ...[records.contentA(slot), records.contentB(slot)],
      ...[records.aclId(slot), records.lifetimeId(slot), records.innerId(slot), records.dataLength(slot)],
      ...[records.nameLength(slot), records.location(slot), records.parent(slot), records.hash(slot)],
      records.next(slot),
    ];
    const expected = [
      ...[2 ** 53 - 1 - slot, slot + 1, slot + 2, slot + 3.5, slot + 4.5],
      ...[2 ** 32 - 2 - slot, 2 ** 31 + slot, 0 - slot, slot - 2 ** 31],
      ...[6, 7, 8, 9, 10].map((more) => slot + more),
      ...[-slot - 11, slot + 12, -slot - 13, slot + 14],
    ];
    return numbers.some((number, index) => number !== expected[index]);
  });
  expect(wrong).toEqual([]);
});

test('a record that is used again is empty', () => {
  const records = new NodeRecords();
  const slot = records.allocate();
  records.setCzxid(slot, 5);
  records.setVersion(slot, 6);
  records.mark(slot);
  records.setInnerId(slot, 7);
  records.release(slot);
  expect(records.isLive(slot)).toBe(false);
  expect(records.allocate()).toBe(slot);
  expect([records.czxid(slot), records.version(slot), records.innerId(slot)]).toEqual([0, 0, 0]);
  expect(records.isMarked(slot)).toBe(false);
});

test('slots are unique while they are in use, and the walk meets exactly these', () => {
  const records = new NodeRecords();
  const random = new SeededRandom(3);
  let used: Slot[] = [];
  let slotMax = 0;
  for (let round = 0; round < 30; round++) {
    const added = Array.from({ length: random.below(3_000) }, () => records.allocate());
    used = random.shuffled([...used, ...added]);
    slotMax = Math.max(slotMax, ...added);
    expect(new Set(used).size).toBe(used.length);
    for (const slot of used.splice(0, random.below(3_000))) records.release(slot);
    expect(records.size).toBe(used.length);
    expect(live(records)).toEqual([...used].sort((left, right) => left - right));
  }
  // Places that were given up are taken first.
  expect(slotMax).toBeLessThan(45_000);
});

test('a page whose records are all free goes back', () => {
  const records = new NodeRecords();
  const slots = Array.from({ length: 50_000 }, () => records.allocate());
  const full = records.reservedBytes;
  for (const slot of slots.slice(1_000, 45_000)) records.release(slot);
  expect(records.reservedBytes).toBeLessThan(full / 3);
  expect(live(records)).toEqual([...slots.slice(0, 1_000), ...slots.slice(45_000)]);
  const again = Array.from({ length: 44_000 }, () => records.allocate());
  expect(records.reservedBytes).toBe(full);
  expect(new Set([...again, ...live(records)]).size).toBe(50_000);
});
