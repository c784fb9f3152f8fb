import { assert } from '@zabra/model';
import type { Hasher } from './hash.ts';

/** The place of a node's record; the same as long as the node lives, then another node's. The root's is 0. */
export type Slot = number;

/** No node is there. */
export const NO_SLOT: Slot = -1;

/**
 * What every node has, 96 bytes each, in pages of some thousand records: nothing grows by copying more than one page, and
 * the garbage collector sees two objects per page. Says nothing about what the fields mean to each other; that is
 * {@link NodeStore}'s.
 */
export class NodeRecords {
  readonly #pages: (RecordPage | undefined)[] = [];
  /** Numbers of pages that were given back. */
  readonly #gaps: number[] = [];
  /** Pages that have room. */
  readonly #roomy: RecordPage[] = [];
  /** Records in use. */
  size = 0;

  /** Of all pages. */
  get reservedBytes(): number {
    let bytes = 0;
    for (const page of this.#pages) bytes += page === undefined ? 0 : page.words.byteLength;
    return bytes;
  }

  get usedBytes(): number {
    return this.size * RECORD_BYTES;
  }

  /** A record of zeros. */
  allocate(): Slot {
    let page = this.#roomy.at(-1);
    if (page === undefined) {
      page = this.#addPage();
      this.#enterRoomy(page);
    }
    let index: number;
    if (page.firstFree !== NONE) {
      index = page.firstFree;
      page.firstFree = page.words[index * RECORD_WORDS + NEXT] as number;
      page.words.fill(0, index * RECORD_WORDS, (index + 1) * RECORD_WORDS);
    } else {
      if (page.begun * RECORD_WORDS === page.words.length) enlarge(page);
      index = page.begun++;
    }
    page.live++;
    if (page.live === PAGE_SLOTS) this.#leaveRoomy(page);
    page.words[index * RECORD_WORDS + NAME] = LIVE;
    this.size++;
    return page.number * PAGE_SLOTS + index;
  }

  release(slot: Slot): void {
    assert(this.isLive(slot), 'a record that is released is in use', { slot });
    const page = this.#page(slot);
    const index = slot & PAGE_MASK;
    page.words[index * RECORD_WORDS + NAME] = 0;
    page.words[index * RECORD_WORDS + NEXT] = page.firstFree;
    page.firstFree = index;
    page.live--;
    this.size--;
    if (page.roomyAt === NONE) this.#enterRoomy(page);
    // Unless it is the only one with room: the next node would need it again.
    else if (page.live === 0 && this.#roomy.length > 1) this.#dropPage(page);
  }

  /** The first slot in use from this one on, or {@link NO_SLOT}. */
  liveFrom(slot: Slot): Slot {
    let next = slot;
    while (next >> PAGE_BITS < this.#pages.length) {
      const page = this.#pages[next >> PAGE_BITS];
      if (page === undefined || page.live === 0 || (next & PAGE_MASK) >= page.begun) {
        next = ((next >> PAGE_BITS) + 1) << PAGE_BITS;
        continue;
      }
      const { words, begun } = page;
      for (let index = next & PAGE_MASK; index < begun; index++, next++) {
        if (((words[index * RECORD_WORDS + NAME] as number) & LIVE) !== 0) return next;
      }
    }
    return NO_SLOT;
  }

  isLive(slot: Slot): boolean {
    const page = this.#pages[slot >> PAGE_BITS];
    return (
      page !== undefined && ((page.words[(slot & PAGE_MASK) * RECORD_WORDS + NAME] as number) & LIVE) !== 0
    );
  }

  /** Fills a record of zeros. All its zxids and times are those of its creation. */
  fill(
    slot: Slot,
    fields: {
      readonly parent: Slot;
      readonly hash: number;
      readonly aclId: number;
      readonly lifetimeId: number;
      readonly czxid: number;
      readonly ctimeMs: number;
    },
  ): void {
    const { numbers, words } = this.#page(slot);
    const number = (slot & PAGE_MASK) * RECORD_NUMBERS;
    const word = (slot & PAGE_MASK) * RECORD_WORDS;
    const { czxid, ctimeMs } = fields;
    numbers[number + CZXID] = czxid;
    numbers[number + MZXID] = czxid;
    numbers[number + PZXID] = czxid;
    numbers[number + CTIME_MS] = ctimeMs;
    numbers[number + MTIME_MS] = ctimeMs;
    words[word + ACL_ID] = fields.aclId;
    words[word + LIFETIME_ID] = fields.lifetimeId;
    words[word + PARENT] = fields.parent;
    words[word + HASH] = fields.hash;
  }

  /** All at once: what each of the setters would do by itself. */
  setTimes(slot: Slot, times: RecordTimes): void {
    const { numbers, words } = this.#page(slot);
    const number = (slot & PAGE_MASK) * RECORD_NUMBERS;
    const word = (slot & PAGE_MASK) * RECORD_WORDS;
    numbers[number + CZXID] = times.czxid;
    numbers[number + MZXID] = times.mzxid;
    numbers[number + PZXID] = times.pzxid;
    numbers[number + CTIME_MS] = times.ctimeMs;
    numbers[number + MTIME_MS] = times.mtimeMs;
    words[word + VERSION] = times.version;
    words[word + AVERSION] = times.aversion;
  }

  /** What of a record is in the digest, from the content's hash to the aversion. */
  hashInto(hasher: Hasher, slot: Slot): void {
    const { numbers, words } = this.#page(slot);
    const number = (slot & PAGE_MASK) * RECORD_NUMBERS;
    const word = (slot & PAGE_MASK) * RECORD_WORDS;
    hasher
      .word(words[word + CONTENT_A] as number)
      .word(words[word + CONTENT_B] as number)
      .integer(numbers[number + CZXID] as number)
      .integer(numbers[number + MZXID] as number)
      .integer(numbers[number + PZXID] as number)
      .integer(numbers[number + CTIME_MS] as number)
      .integer(numbers[number + MTIME_MS] as number)
      .word(words[word + VERSION] as number)
      .word(words[word + AVERSION] as number);
  }

  /** Zxids, times and versions. */
  times(slot: Slot): RecordTimes {
    const { numbers, words } = this.#page(slot);
    const number = (slot & PAGE_MASK) * RECORD_NUMBERS;
    const word = (slot & PAGE_MASK) * RECORD_WORDS;
    return {
      czxid: numbers[number + CZXID] as number,
      mzxid: numbers[number + MZXID] as number,
      pzxid: numbers[number + PZXID] as number,
      ctimeMs: numbers[number + CTIME_MS] as number,
      mtimeMs: numbers[number + MTIME_MS] as number,
      version: (words[word + VERSION] as number) >>> 0,
      aversion: (words[word + AVERSION] as number) >>> 0,
    };
  }

  /** Has it this hash and this parent? */
  isAlike(slot: Slot, hash: number, parent: Slot): boolean {
    const { words } = this.#page(slot);
    const word = (slot & PAGE_MASK) * RECORD_WORDS;
    return words[word + HASH] === hash && words[word + PARENT] === parent;
  }

  czxid(slot: Slot): number {
    return this.#number(slot, CZXID);
  }

  setCzxid(slot: Slot, value: number): void {
    this.#setNumber(slot, CZXID, value);
  }

  mzxid(slot: Slot): number {
    return this.#number(slot, MZXID);
  }

  setMzxid(slot: Slot, value: number): void {
    this.#setNumber(slot, MZXID, value);
  }

  pzxid(slot: Slot): number {
    return this.#number(slot, PZXID);
  }

  setPzxid(slot: Slot, value: number): void {
    this.#setNumber(slot, PZXID, value);
  }

  ctimeMs(slot: Slot): number {
    return this.#number(slot, CTIME_MS);
  }

  setCtimeMs(slot: Slot, value: number): void {
    this.#setNumber(slot, CTIME_MS, value);
  }

  mtimeMs(slot: Slot): number {
    return this.#number(slot, MTIME_MS);
  }

  setMtimeMs(slot: Slot, value: number): void {
    this.#setNumber(slot, MTIME_MS, value);
  }

  version(slot: Slot): number {
    return this.#word(slot, VERSION) >>> 0;
  }

  setVersion(slot: Slot, value: number): void {
    this.#setWord(slot, VERSION, value);
  }

  aversion(slot: Slot): number {
    return this.#word(slot, AVERSION) >>> 0;
  }

  setAversion(slot: Slot, value: number): void {
    this.#setWord(slot, AVERSION, value);
  }

  contentA(slot: Slot): number {
    return this.#word(slot, CONTENT_A);
  }

  contentB(slot: Slot): number {
    return this.#word(slot, CONTENT_B);
  }

  setContent(slot: Slot, a: number, b: number): void {
    this.#setWord(slot, CONTENT_A, a);
    this.#setWord(slot, CONTENT_B, b);
  }

  snapshotMark(slot: Slot): number {
    return this.#word(slot, SNAPSHOT_MARK);
  }

  setSnapshotMark(slot: Slot, value: number): void {
    this.#setWord(slot, SNAPSHOT_MARK, value);
  }

  aclId(slot: Slot): number {
    return this.#word(slot, ACL_ID);
  }

  setAclId(slot: Slot, value: number): void {
    this.#setWord(slot, ACL_ID, value);
  }

  lifetimeId(slot: Slot): number {
    return this.#word(slot, LIFETIME_ID);
  }

  setLifetimeId(slot: Slot, value: number): void {
    this.#setWord(slot, LIFETIME_ID, value);
  }

  /** 0 when the node never had a child. */
  innerId(slot: Slot): number {
    return this.#word(slot, INNER_ID);
  }

  setInnerId(slot: Slot, value: number): void {
    this.#setWord(slot, INNER_ID, value);
  }

  parent(slot: Slot): Slot {
    return this.#word(slot, PARENT);
  }

  setParent(slot: Slot, value: Slot): void {
    this.#setWord(slot, PARENT, value);
  }

  hash(slot: Slot): number {
    return this.#word(slot, HASH);
  }

  setHash(slot: Slot, value: number): void {
    this.#setWord(slot, HASH, value);
  }

  /** The next in the same bucket of the index; 0 at its end, since the root is in none. */
  next(slot: Slot): Slot {
    return this.#word(slot, NEXT);
  }

  setNext(slot: Slot, value: Slot): void {
    this.#setWord(slot, NEXT, value);
  }

  location(slot: Slot): number {
    return this.#word(slot, LOCATION);
  }

  setLocation(slot: Slot, value: number): void {
    this.#setWord(slot, LOCATION, value);
  }

  /** 0 where there are none, null or not. */
  dataLength(slot: Slot): number {
    const word = this.#word(slot, DATA_LENGTH);
    return word === NULL_DATA_LENGTH ? 0 : word >>> 0;
  }

  isDataNull(slot: Slot): boolean {
    return this.#word(slot, DATA_LENGTH) === NULL_DATA_LENGTH;
  }

  setDataNull(slot: Slot): void {
    this.#setWord(slot, DATA_LENGTH, NULL_DATA_LENGTH);
  }

  setDataLength(slot: Slot, value: number): void {
    this.#setWord(slot, DATA_LENGTH, value);
  }

  /** Bytes. */
  nameLength(slot: Slot): number {
    return this.#word(slot, NAME) & NAME_LENGTH_MASK;
  }

  setNameLength(slot: Slot, value: number): void {
    assert(value <= NAME_LENGTH_MASK, 'a name is shorter than a path may be', { value });
    this.#setWord(slot, NAME, LIVE | value);
  }

  #page(slot: Slot): RecordPage {
    return this.#pages[slot >> PAGE_BITS] as RecordPage;
  }

  #number(slot: Slot, field: number): number {
    return this.#page(slot).numbers[(slot & PAGE_MASK) * RECORD_NUMBERS + field] as number;
  }

  #setNumber(slot: Slot, field: number, value: number): void {
    this.#page(slot).numbers[(slot & PAGE_MASK) * RECORD_NUMBERS + field] = value;
  }

  #word(slot: Slot, field: number): number {
    return this.#page(slot).words[(slot & PAGE_MASK) * RECORD_WORDS + field] as number;
  }

  #setWord(slot: Slot, field: number, value: number): void {
    this.#page(slot).words[(slot & PAGE_MASK) * RECORD_WORDS + field] = value;
  }

  /** The first page grows from small beginnings, so that a small tree is small; the others are whole at once. */
  #addPage(): RecordPage {
    const number = this.#gaps.pop() ?? this.#pages.length;
    assert(number < PAGES_MAX, 'there are fewer nodes than slot numbers', { pages: number });
    const memory = new ArrayBuffer((number === 0 ? FIRST_SLOTS : PAGE_SLOTS) * RECORD_BYTES);
    const page = {
      number,
      numbers: new Float64Array(memory),
      words: new Int32Array(memory),
      live: 0,
      begun: 0,
      firstFree: NONE,
      roomyAt: NONE,
    };
    this.#pages[number] = page;
    return page;
  }

  #dropPage(page: RecordPage): void {
    this.#leaveRoomy(page);
    this.#pages[page.number] = undefined;
    this.#gaps.push(page.number);
  }

  #enterRoomy(page: RecordPage): void {
    page.roomyAt = this.#roomy.length;
    this.#roomy.push(page);
  }

  #leaveRoomy(page: RecordPage): void {
    const last = this.#roomy.pop() as RecordPage;
    if (last !== page) {
      this.#roomy[page.roomyAt] = last;
      last.roomyAt = page.roomyAt;
    }
    page.roomyAt = NONE;
  }
}

export interface RecordTimes {
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  readonly aversion: number;
}

interface RecordPage {
  readonly number: number;
  /** Both views lie over the same memory. */
  numbers: Float64Array;
  words: Int32Array;
  live: number;
  /** Records from here on were never used. */
  begun: number;
  /** Index of the first record that was used and is free; the others follow by their `next`. */
  firstFree: number;
  /** Where in the list of pages with room this one stands. */
  roomyAt: number;
}

function enlarge(page: RecordPage): void {
  const numbers = new Float64Array(page.numbers.length * 2);
  numbers.set(page.numbers);
  page.numbers = numbers;
  page.words = new Int32Array(numbers.buffer);
}

const NONE = -1;
const PAGE_BITS = 12;
const PAGE_SLOTS = 2 ** PAGE_BITS;
const PAGE_MASK = PAGE_SLOTS - 1;
const PAGES_MAX = 2 ** (31 - PAGE_BITS);
const FIRST_SLOTS = 16;

const RECORD_BYTES = 96;
const RECORD_NUMBERS = RECORD_BYTES / 8;
const RECORD_WORDS = RECORD_BYTES / 4;
// Five doubles, then fourteen words. What a lookup reads stands together, at the end.
const CZXID = 0;
const MZXID = 1;
const PZXID = 2;
const CTIME_MS = 3;
const MTIME_MS = 4;
const VERSION = 10;
const AVERSION = 11;
const CONTENT_A = 12;
const CONTENT_B = 13;
const SNAPSHOT_MARK = 14;
const ACL_ID = 15;
const LIFETIME_ID = 16;
const INNER_ID = 17;
const DATA_LENGTH = 18;
/** In its place: data that are null. No data are so long. */
const NULL_DATA_LENGTH = -1;
const NAME = 19;
const LOCATION = 20;
const PARENT = 21;
const HASH = 22;
const NEXT = 23;

/** In the word of the name's length: this record is in use. */
const LIVE = 2 ** 16;
const NAME_LENGTH_MASK = LIVE - 1;
