import { assert } from '@zabra/model';

/** Which record of a pool; the same as long as the record is in use, then another's. */
export type RecordNumber = number;

/** A stretch of memory with room for {@link PAGE_RECORDS} records. */
export interface RecordPage {
  /** Both views lie over the same memory. */
  numbers: Float64Array;
  words: Int32Array;
}

/**
 * Records of one size in pages of some thousand: nothing grows by copying more than one page, and the garbage collector
 * sees a few objects per page. Record `n` is the one at `n & PAGE_MASK` of page `n >> PAGE_BITS`. Each has one mark, a bit
 * that can be wiped off all of them at once.
 */
export class RecordPool {
  readonly #recordWords: number;
  readonly #pages: (Page | undefined)[] = [];
  /** Numbers of pages that were given back. */
  readonly #gaps: number[] = [];
  /** Pages that have room. */
  readonly #roomy: Page[] = [];
  /** Records in use. */
  size = 0;
  /** Of all pages. */
  reservedBytes = 0;

  /** `recordBytes` is a multiple of 8. */
  constructor(recordBytes: number) {
    this.#recordWords = recordBytes >> 2;
  }

  /** For who reads and writes records. */
  get pages(): readonly (RecordPage | undefined)[] {
    return this.#pages;
  }

  /** A record of zeros without a mark. */
  allocate(): RecordNumber {
    let page = this.#roomy.at(-1);
    if (page === undefined) {
      page = this.#addPage();
      this.#enterRoomy(page);
    }
    const recordWords = this.#recordWords;
    let index: number;
    if (page.firstFree !== NONE) {
      index = page.firstFree;
      const at = index * recordWords;
      page.firstFree = page.words[at] as number;
      page.words.fill(0, at, at + recordWords);
      page.marks[index >> 5] = bitsOf(page.marks, index) & ~(1 << (index & 31));
    } else {
      if (page.begun * recordWords === page.words.length) this.#enlarge(page);
      index = page.begun++;
    }
    page.live[index >> 5] = bitsOf(page.live, index) | (1 << (index & 31));
    page.liveCount++;
    if (page.liveCount === PAGE_RECORDS) this.#leaveRoomy(page);
    this.size++;
    return page.number * PAGE_RECORDS + index;
  }

  release(record: RecordNumber): void {
    assert(this.isLive(record), 'a record that is released is in use', { record });
    const page = this.#pages[record >> PAGE_BITS] as Page;
    const index = record & PAGE_MASK;
    page.live[index >> 5] = bitsOf(page.live, index) & ~(1 << (index & 31));
    page.words[index * this.#recordWords] = page.firstFree;
    page.firstFree = index;
    page.liveCount--;
    this.size--;
    if (page.roomyAt === NONE) this.#enterRoomy(page);
    // Unless it is the only one with room: the next record would need it again.
    else if (page.liveCount === 0 && this.#roomy.length > 1) this.#dropPage(page);
  }

  isLive(record: RecordNumber): boolean {
    const page = this.#pages[record >> PAGE_BITS];
    return page !== undefined && hasBit(page.live, record & PAGE_MASK);
  }

  /** The first record in use from this one on; undefined when there is none. */
  liveFrom(record: RecordNumber): RecordNumber | undefined {
    let next = record;
    while (next >> PAGE_BITS < this.#pages.length) {
      const page = this.#pages[next >> PAGE_BITS];
      if (page === undefined || page.liveCount === 0 || (next & PAGE_MASK) >= page.begun) {
        next = ((next >> PAGE_BITS) + 1) << PAGE_BITS;
        continue;
      }
      for (let index = next & PAGE_MASK; index < page.begun; index++, next++) {
        if (hasBit(page.live, index)) return next;
      }
    }
    return undefined;
  }

  isMarked(record: RecordNumber): boolean {
    return hasBit((this.#pages[record >> PAGE_BITS] as Page).marks, record & PAGE_MASK);
  }

  mark(record: RecordNumber): void {
    const { marks } = this.#pages[record >> PAGE_BITS] as Page;
    const index = record & PAGE_MASK;
    marks[index >> 5] = bitsOf(marks, index) | (1 << (index & 31));
  }

  /** Of all records. */
  wipeMarks(): void {
    for (const page of this.#pages) page?.marks.fill(0);
  }

  /** The first page grows from small beginnings, so that a small pool is small; the others are whole at once. */
  #addPage(): Page {
    const number = this.#gaps.pop() ?? this.#pages.length;
    assert(number < PAGES_MAX, 'there are fewer records than numbers for them', { pages: number });
    const records = number === 0 ? FIRST_RECORDS : PAGE_RECORDS;
    const memory = new ArrayBuffer(records * this.#recordWords * 4);
    const page = {
      number,
      numbers: new Float64Array(memory),
      words: new Int32Array(memory),
      live: new Int32Array(PAGE_RECORDS >> 5),
      marks: new Int32Array(PAGE_RECORDS >> 5),
      liveCount: 0,
      begun: 0,
      firstFree: NONE,
      roomyAt: NONE,
    };
    this.#pages[number] = page;
    this.reservedBytes += memory.byteLength;
    return page;
  }

  #enlarge(page: Page): void {
    this.reservedBytes += page.numbers.byteLength;
    const numbers = new Float64Array(page.numbers.length * 2);
    numbers.set(page.numbers);
    page.numbers = numbers;
    page.words = new Int32Array(numbers.buffer);
  }

  #dropPage(page: Page): void {
    this.#leaveRoomy(page);
    this.#pages[page.number] = undefined;
    this.#gaps.push(page.number);
    this.reservedBytes -= page.numbers.byteLength;
  }

  #enterRoomy(page: Page): void {
    page.roomyAt = this.#roomy.length;
    this.#roomy.push(page);
  }

  #leaveRoomy(page: Page): void {
    const last = this.#roomy.pop() as Page;
    if (last !== page) {
      this.#roomy[page.roomyAt] = last;
      last.roomyAt = page.roomyAt;
    }
    page.roomyAt = NONE;
  }
}

interface Page extends RecordPage {
  readonly number: number;
  /** A bit per record: in use. */
  readonly live: Int32Array;
  /** A bit per record. */
  readonly marks: Int32Array;
  liveCount: number;
  /** Records from here on were never used. */
  begun: number;
  /** Index of the first record that was used and is free; each has the next one's in its first word. */
  firstFree: number;
  /** Where in the list of pages with room this one stands. */
  roomyAt: number;
}

function bitsOf(bits: Int32Array, index: number): number {
  return bits[index >> 5] as number;
}

function hasBit(bits: Int32Array, index: number): boolean {
  return ((bitsOf(bits, index) >>> (index & 31)) & 1) === 1;
}

export const PAGE_BITS = 12;
export const PAGE_RECORDS: number = 2 ** PAGE_BITS;
export const PAGE_MASK: number = PAGE_RECORDS - 1;
const PAGES_MAX = 2 ** (31 - PAGE_BITS);
const FIRST_RECORDS = 16;
const NONE = -1;
