import { assert, NULL_DATA } from '@zabra/model';
import { CellStore } from './cell-store.ts';
import { compareUtf8, equalsUtf8, readUtf8, utf8Length, writeUtf8 } from './name-bytes.ts';
import { NO_DATA, ownBytes } from './node.ts';
import type { NodeRecords, Slot } from './node-records.ts';
import { ReadingPool } from './reading-pool.ts';

/**
 * The names and data of nodes. Both lie in one cell, data first, so that it begins at a whole word. Data above
 * {@link CELL_DATA_BYTES_MAX} stays in an array of its own, which is handed out as it is and never written into.
 */
export class NodeContents {
  readonly #records: NodeRecords;
  readonly #cells: CellStore;
  readonly #large = new Map<Slot, Uint8Array>();
  readonly #reading = new ReadingPool();
  #largeBytes = 0;

  constructor(records: NodeRecords) {
    this.#records = records;
    this.#cells = new CellStore((slot, location) => records.setLocation(slot, location));
  }

  /** What cells and large data take together, and how much of it is in use. */
  get reservedBytes(): number {
    return this.#cells.reservedBytes + this.#largeBytes;
  }

  get usedBytes(): number {
    return this.#cells.usedBytes + this.#largeBytes;
  }

  /** For a new record. The name is a piece of `text`. */
  put(slot: Slot, text: string, start: number, end: number, data: Uint8Array): void {
    const nameLength = utf8Length(text, start, end);
    this.#records.setNameLength(slot, nameLength);
    this.#noteLength(slot, data);
    const inCell = dataInCell(data.length);
    if (inCell + nameLength > 0) {
      const location = this.#cells.allocate(slot, inCell + nameLength);
      this.#records.setLocation(slot, location);
      const { bytes } = this.#cells.page(location);
      const at = this.#cells.offset(location);
      writeUtf8(text, start, end, bytes, at + inCell);
      if (inCell > 0) writeBytes(data, bytes, at);
    }
    if (inCell < data.length) this.#keepLarge(slot, data);
  }

  setData(slot: Slot, data: Uint8Array): void {
    const before = this.#records.dataLength(slot);
    const inCellBefore = dataInCell(before);
    if (inCellBefore < before) this.#dropLarge(slot);
    const inCell = dataInCell(data.length);
    this.#resize(slot, { from: inCellBefore, to: inCell });
    this.#noteLength(slot, data);
    if (inCell < data.length) {
      this.#keepLarge(slot, data);
    } else if (inCell > 0) {
      const location = this.#records.location(slot);
      writeBytes(data, this.#cells.page(location).bytes, this.#cells.offset(location));
    }
  }

  /** Before its record is released. */
  drop(slot: Slot): void {
    const length = this.#records.dataLength(slot);
    const inCell = dataInCell(length);
    if (inCell < length) this.#dropLarge(slot);
    const cellBytes = inCell + this.#records.nameLength(slot);
    if (cellBytes > 0) this.#cells.release(this.#records.location(slot), cellBytes);
  }

  data(slot: Slot, pool: ReadingPool = this.#reading): Uint8Array {
    const length = this.#records.dataLength(slot);
    if (length === 0) return this.#records.isDataNull(slot) ? NULL_DATA : NO_DATA;
    if (dataInCell(length) < length) {
      const large = this.#large.get(slot);
      assert(large !== undefined, 'large data is kept as long as its node', { slot, length });
      return large;
    }
    const location = this.#records.location(slot);
    return pool.copy(this.#cells.page(location).words, this.#cells.offset(location), length);
  }

  name(slot: Slot): string {
    const length = this.#records.nameLength(slot);
    if (length === 0) return '';
    const location = this.#records.location(slot);
    return readUtf8(this.#cells.page(location).bytes, this.#nameAt(slot, location), length);
  }

  nameEquals(slot: Slot, text: string, start: number, end: number): boolean {
    const location = this.#records.location(slot);
    const length = this.#records.nameLength(slot);
    return equalsUtf8(
      this.#cells.page(location).bytes,
      this.#nameAt(slot, location),
      length,
      text,
      start,
      end,
    );
  }

  /** Below 0 when the node's name comes before this one in UTF-8 byte order, above 0 when it comes after it. */
  compareName(slot: Slot, name: string): number {
    const location = this.#records.location(slot);
    const length = this.#records.nameLength(slot);
    const { bytes } = this.#cells.page(location);
    return compareUtf8(bytes, this.#nameAt(slot, location), length, name, 0, name.length);
  }

  /** Below 0 when the left one's name comes before the right one's in UTF-8 byte order, above 0 when it comes after it. */
  compareNames(left: Slot, right: Slot): number {
    const leftLocation = this.#records.location(left);
    const rightLocation = this.#records.location(right);
    const leftBytes = this.#cells.page(leftLocation).bytes;
    const rightBytes = this.#cells.page(rightLocation).bytes;
    const leftAt = this.#nameAt(left, leftLocation);
    const rightAt = this.#nameAt(right, rightLocation);
    const leftLength = this.#records.nameLength(left);
    const rightLength = this.#records.nameLength(right);
    const both = Math.min(leftLength, rightLength);
    for (let index = 0; index < both; index++) {
      const difference = (leftBytes[leftAt + index] as number) - (rightBytes[rightAt + index] as number);
      if (difference !== 0) return difference;
    }
    return leftLength - rightLength;
  }

  #nameAt(slot: Slot, location: number): number {
    return this.#cells.offset(location) + dataInCell(this.#records.dataLength(slot));
  }

  /** Makes the room for data in the cell longer or shorter. The name is kept; the data is not. */
  #resize(slot: Slot, room: { readonly from: number; readonly to: number }): void {
    const { from, to } = room;
    if (from === to) return;
    const nameLength = this.#records.nameLength(slot);
    const oldBytes = from + nameLength;
    const newBytes = to + nameLength;
    const cells = this.#cells;
    const old = this.#records.location(slot);
    if (oldBytes > 0 && newBytes > 0 && cells.fitsAlike(oldBytes, newBytes)) {
      const at = cells.offset(old);
      cells.page(old).bytes.copyWithin(at + to, at + from, at + oldBytes);
      return;
    }
    if (newBytes > 0) {
      const location = cells.allocate(slot, newBytes);
      if (nameLength > 0) {
        const at = cells.offset(old) + from;
        const name = cells.page(old).bytes.subarray(at, at + nameLength);
        cells.page(location).bytes.set(name, cells.offset(location) + to);
      }
      this.#records.setLocation(slot, location);
    }
    if (oldBytes > 0) cells.release(old, oldBytes);
  }

  #noteLength(slot: Slot, data: Uint8Array): void {
    if (data === NULL_DATA) this.#records.setDataNull(slot);
    else this.#records.setDataLength(slot, data.length);
  }

  #keepLarge(slot: Slot, data: Uint8Array): void {
    this.#large.set(slot, ownBytes(data));
    this.#largeBytes += data.length;
  }

  #dropLarge(slot: Slot): void {
    this.#largeBytes -= this.#records.dataLength(slot);
    this.#large.delete(slot);
  }
}

/** Up to here copying costs less than an object for the garbage collector to follow. */
export const CELL_DATA_BYTES_MAX = 32_768;

function dataInCell(length: number): number {
  return length <= CELL_DATA_BYTES_MAX ? length : 0;
}

function writeBytes(from: Uint8Array, to: Uint8Array, at: number): void {
  if (from.length > LOOP_BYTES_MAX) {
    to.set(from, at);
    return;
  }
  for (let index = 0; index < from.length; index++) to[at + index] = from[index] as number;
}

/** Up to here a loop is faster than a call. */
const LOOP_BYTES_MAX = 64;
