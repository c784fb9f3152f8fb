import { assert } from '@zabra/model';

/** A stretch of memory with room for a number of cells of one size. */
export interface CellPage {
  /** Both views lie over the same memory. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/**
 * Bytes of very many owners in few large pieces of memory, which the garbage collector need not look into.
 *
 * Each size class is one dense row of cells over its pages: when a cell goes, the last of the row moves into its place
 * and its owner is told the new location. So there are no holes, whatever comes and goes in whatever order; what is
 * reserved beyond what is used is rounding (at most an eighth) and the last pages of each row, which are small as long as
 * the row is.
 *
 * A location is one 32-bit integer: the page's number and, in units of 8 bytes, where in the page the cell begins.
 */
export class CellStore {
  readonly #moved: (owner: number, location: number) => void;
  readonly #pages: (Page | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #rows: (Row | undefined)[] = [];
  /** Of all pages; without what the runtime adds. */
  reservedBytes = 0;
  /** Of all cells in use. */
  usedBytes = 0;

  constructor(moved: (owner: number, location: number) => void) {
    this.#moved = moved;
  }

  /** A cell of at least `bytes`, whose content is undefined. Valid until the next `release`, as any location. */
  allocate(owner: number, bytes: number): number {
    const row = this.#row(bytes);
    let page = row.pages.at(-1);
    if (page === undefined || page.used === page.owners.length) {
      page = row.spare ?? this.#addPage(row);
      row.spare = undefined;
      row.pages.push(page);
    }
    const index = page.used++;
    page.owners[index] = owner;
    this.usedBytes += row.cellBytes;
    return locate(page, index, row);
  }

  /** `bytes` is what was asked for. May move another cell. */
  release(location: number, bytes: number): void {
    const row = this.#row(bytes);
    const hole = this.#page(location);
    const last = row.pages.at(-1);
    assert(last !== undefined && last.used > 0, 'a cell that is released is in use', { location, bytes });
    const lastIndex = --last.used;
    this.usedBytes -= row.cellBytes;
    const index = this.offset(location) / row.cellBytes;
    if (hole !== last || index !== lastIndex) {
      const owner = last.owners[lastIndex] as number;
      copyCell({ from: last, fromIndex: lastIndex, to: hole, toIndex: index, bytes: row.cellBytes });
      hole.owners[index] = owner;
      this.#moved(owner, location);
    }
    this.#shrink(row, last);
  }

  /** Do both sizes take the same kind of cell? */
  fitsAlike(left: number, right: number): boolean {
    return classOf(left) === classOf(right);
  }

  page(location: number): CellPage {
    return this.#page(location);
  }

  /** Where the cell begins in its page, in bytes; a multiple of 8. */
  offset(location: number): number {
    return (location & UNIT_MASK) << 3;
  }

  #page(location: number): Page {
    return this.#pages[location >>> UNIT_BITS] as Page;
  }

  #row(bytes: number): Row {
    const index = classOf(bytes);
    const known = this.#rows[index];
    if (known !== undefined) return known;
    // No holes in the list of rows, which would make it a slower kind of array.
    while (this.#rows.length < index) this.#rows.push(undefined);
    const row = { cellBytes: cellBytesOf(index), pages: [], spare: undefined, reservedBytes: 0 };
    this.#rows[index] = row;
    return row;
  }

  /** A page is small against its row, so that a small row reserves little, and the last page of a large one is no matter. */
  #addPage(row: Row): Page {
    const wanted = Math.min(Math.max(row.reservedBytes >> 2, PAGE_BYTES_MIN), PAGE_BYTES_MAX);
    const cells = Math.max(Math.floor(wanted / row.cellBytes), 1);
    const number = this.#freeNumbers.pop() ?? this.#pages.length;
    assert(number < PAGES_MAX, 'data in memory stays below 32 GiB', { pages: number });
    const memory = new ArrayBuffer(cells * row.cellBytes);
    const page = {
      number,
      bytes: new Uint8Array(memory),
      words: new Int32Array(memory),
      owners: new Int32Array(cells),
      used: 0,
    };
    this.#pages[number] = page;
    row.reservedBytes += memory.byteLength;
    this.reservedBytes += memory.byteLength;
    return page;
  }

  /** One empty page is kept while the row's end is near it, so that a page does not come and go with each change. */
  #shrink(row: Row, last: Page): void {
    if (last.used === 0) {
      row.pages.pop();
      if (row.spare !== undefined) this.#dropPage(row, row.spare);
      row.spare = last;
      if (row.pages.length === 0) this.#dropSpare(row);
    } else if (last.used <= last.owners.length >> 1) {
      this.#dropSpare(row);
    }
  }

  #dropSpare(row: Row): void {
    if (row.spare !== undefined) this.#dropPage(row, row.spare);
    row.spare = undefined;
  }

  #dropPage(row: Row, page: Page): void {
    this.#pages[page.number] = undefined;
    this.#freeNumbers.push(page.number);
    row.reservedBytes -= page.bytes.length;
    this.reservedBytes -= page.bytes.length;
  }
}

interface Page extends CellPage {
  readonly number: number;
  /** By cell. As many as there are cells. */
  readonly owners: Int32Array;
  /** Cells in use: the first ones. */
  used: number;
}

/** All cells of one size. Invariant: every page but the last is full, and none is empty but the spare one. */
interface Row {
  readonly cellBytes: number;
  readonly pages: Page[];
  spare: Page | undefined;
  reservedBytes: number;
}

const UNIT_BITS = 15;
const UNIT_MASK = 2 ** UNIT_BITS - 1;
const PAGE_BYTES_MAX = 8 * 2 ** UNIT_BITS;
const PAGE_BYTES_MIN = 1024;
const PAGES_MAX = 2 ** (32 - UNIT_BITS);

/** Up to here in steps of 8 bytes, beyond it eight steps from each power of two to the next. */
const FINE_BYTES_MAX = 512;
const FINE_CLASSES = FINE_BYTES_MAX / 8;

function classOf(bytes: number): number {
  if (bytes <= FINE_BYTES_MAX) return (bytes + 7) >> 3;
  const exponent = 31 - Math.clz32(bytes - 1);
  const eighths = (bytes + (1 << (exponent - 3)) - 1) >> (exponent - 3);
  return FINE_CLASSES + (exponent - 9) * 8 + eighths - 8;
}

function cellBytesOf(index: number): number {
  if (index <= FINE_CLASSES) return index * 8;
  const beyond = index - FINE_CLASSES - 1;
  return ((beyond & 7) + 9) << ((beyond >> 3) + 6);
}

function locate(page: Page, index: number, row: Row): number {
  return (page.number << UNIT_BITS) | ((index * row.cellBytes) >> 3);
}

function copyCell(copy: {
  readonly from: Page;
  readonly fromIndex: number;
  readonly to: Page;
  readonly toIndex: number;
  readonly bytes: number;
}): void {
  const words = copy.bytes >> 2;
  const from = copy.fromIndex * words;
  const to = copy.toIndex * words;
  const source = copy.from.words;
  const target = copy.to.words;
  if (words > LOOP_WORDS_MAX) {
    target.set(source.subarray(from, from + words), to);
    return;
  }
  for (let index = 0; index < words; index++) target[to + index] = source[from + index] as number;
}

/** Up to here a loop is faster than a call that needs a view made for it. */
const LOOP_WORDS_MAX = 128;
