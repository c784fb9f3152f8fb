import type { Hasher } from './hash.ts';
import { PAGE_BITS, PAGE_MASK, type RecordNumber, type RecordPage, RecordPool } from './record-pool.ts';

/** The place of a node's record; the same as long as the node lives, then another node's. The root's is 0. */
export type Slot = number;

/** No node is there. */
export const NO_SLOT: Slot = -1;

/**
 * What every node has, 64 bytes each, and 32 more for a node that was changed since it was made or has had a child. Says
 * nothing about what the fields mean to each other; that is {@link NodeStore}'s.
 *
 * Each field can be read and set whether or not the node has those 32 bytes: without them it is as it was made.
 */
export class NodeRecords {
  readonly #records = new RecordPool(RECORD_BYTES);
  /** Number 0 is nobody's. */
  readonly #changes = new RecordPool(CHANGE_BYTES);
  readonly #pages = this.#records.pages;
  readonly #changePages = this.#changes.pages;

  constructor() {
    this.#changes.allocate();
  }

  /** Records in use. */
  get size(): number {
    return this.#records.size;
  }

  get reservedBytes(): number {
    return this.#records.reservedBytes + this.#changes.reservedBytes;
  }

  get usedBytes(): number {
    return this.#records.size * RECORD_BYTES + this.#changes.size * CHANGE_BYTES;
  }

  /** A record of zeros. */
  allocate(): Slot {
    return this.#records.allocate();
  }

  release(slot: Slot): void {
    const change = this.#changeOf(slot);
    if (change !== 0) this.#changes.release(change);
    this.#records.release(slot);
  }

  /** The first slot in use from this one on, or {@link NO_SLOT}. */
  liveFrom(slot: Slot): Slot {
    return this.#records.liveFrom(slot) ?? NO_SLOT;
  }

  isLive(slot: Slot): boolean {
    return this.#records.isLive(slot);
  }

  /** A bit that can be wiped off all records at once; a new one has none. */
  isMarked(slot: Slot): boolean {
    return this.#records.isMarked(slot);
  }

  mark(slot: Slot): void {
    this.#records.mark(slot);
  }

  wipeMarks(): void {
    this.#records.wipeMarks();
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
    numbers[number + CTIME_MS] = ctimeMs;
    words[word + ACL_ID] = fields.aclId;
    words[word + LIFETIME_ID] = fields.lifetimeId;
    words[word + PARENT] = fields.parent;
    words[word + HASH] = fields.hash;
  }

  /** All at once: what each of the setters would do by itself. */
  setTimes(slot: Slot, times: RecordTimes): void {
    const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, aversion } = times;
    const { numbers } = this.#page(slot);
    const number = (slot & PAGE_MASK) * RECORD_NUMBERS;
    numbers[number + CZXID] = czxid;
    numbers[number + CTIME_MS] = ctimeMs;
    const isAsMade =
      mzxid === czxid && pzxid === czxid && mtimeMs === ctimeMs && version === 0 && aversion === 0;
    if (isAsMade && this.#changeOf(slot) === 0) return;
    const change = this.#changeFor(slot);
    const page = this.#changePage(change);
    const at = (change & PAGE_MASK) * CHANGE_NUMBERS;
    page.numbers[at + MZXID] = mzxid;
    page.numbers[at + PZXID] = pzxid;
    page.numbers[at + MTIME_MS] = mtimeMs;
    page.words[2 * at + VERSION] = version;
    page.words[2 * at + AVERSION] = aversion;
  }

  /** What of a record is in the digest, from the content's hash to the aversion. */
  hashInto(hasher: Hasher, slot: Slot): void {
    const { numbers, words } = this.#page(slot);
    const number = (slot & PAGE_MASK) * RECORD_NUMBERS;
    const word = (slot & PAGE_MASK) * RECORD_WORDS;
    const czxid = numbers[number + CZXID] as number;
    const ctimeMs = numbers[number + CTIME_MS] as number;
    hasher
      .word(words[word + CONTENT_A] as number)
      .word(words[word + CONTENT_B] as number)
      .integer(czxid);
    const change = words[word + CHANGE] as number;
    if (change === 0) {
      hasher.integer(czxid).integer(czxid).integer(ctimeMs).integer(ctimeMs).word(0).word(0);
      return;
    }
    const page = this.#changePage(change);
    const at = (change & PAGE_MASK) * CHANGE_NUMBERS;
    hasher
      .integer(page.numbers[at + MZXID] as number)
      .integer(page.numbers[at + PZXID] as number)
      .integer(ctimeMs)
      .integer(page.numbers[at + MTIME_MS] as number)
      .word(page.words[2 * at + VERSION] as number)
      .word(page.words[2 * at + AVERSION] as number);
  }

  /** Zxids, times and versions. */
  times(slot: Slot): RecordTimes {
    const { numbers, words } = this.#page(slot);
    const number = (slot & PAGE_MASK) * RECORD_NUMBERS;
    const czxid = numbers[number + CZXID] as number;
    const ctimeMs = numbers[number + CTIME_MS] as number;
    const change = words[(slot & PAGE_MASK) * RECORD_WORDS + CHANGE] as number;
    if (change === 0)
      return { czxid, mzxid: czxid, pzxid: czxid, ctimeMs, mtimeMs: ctimeMs, version: 0, aversion: 0 };
    const page = this.#changePage(change);
    const at = (change & PAGE_MASK) * CHANGE_NUMBERS;
    return {
      czxid,
      mzxid: page.numbers[at + MZXID] as number,
      pzxid: page.numbers[at + PZXID] as number,
      ctimeMs,
      mtimeMs: page.numbers[at + MTIME_MS] as number,
      version: (page.words[2 * at + VERSION] as number) >>> 0,
      aversion: (page.words[2 * at + AVERSION] as number) >>> 0,
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
    // What was never changed was changed last when it was made: it does not move with that.
    if (value !== this.czxid(slot)) this.#changeFor(slot);
    this.#setNumber(slot, CZXID, value);
  }

  mzxid(slot: Slot): number {
    return this.#changedNumber(slot, MZXID, CZXID);
  }

  setMzxid(slot: Slot, value: number): void {
    this.#setChangedNumber(slot, MZXID, CZXID, value);
  }

  pzxid(slot: Slot): number {
    return this.#changedNumber(slot, PZXID, CZXID);
  }

  setPzxid(slot: Slot, value: number): void {
    this.#setChangedNumber(slot, PZXID, CZXID, value);
  }

  ctimeMs(slot: Slot): number {
    return this.#number(slot, CTIME_MS);
  }

  setCtimeMs(slot: Slot, value: number): void {
    if (value !== this.ctimeMs(slot)) this.#changeFor(slot);
    this.#setNumber(slot, CTIME_MS, value);
  }

  mtimeMs(slot: Slot): number {
    return this.#changedNumber(slot, MTIME_MS, CTIME_MS);
  }

  setMtimeMs(slot: Slot, value: number): void {
    this.#setChangedNumber(slot, MTIME_MS, CTIME_MS, value);
  }

  version(slot: Slot): number {
    return this.#changedWord(slot, VERSION) >>> 0;
  }

  setVersion(slot: Slot, value: number): void {
    this.#setChangedWord(slot, VERSION, value);
  }

  aversion(slot: Slot): number {
    return this.#changedWord(slot, AVERSION) >>> 0;
  }

  setAversion(slot: Slot, value: number): void {
    this.#setChangedWord(slot, AVERSION, value);
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
    return this.#word(slot, NAME_LENGTH);
  }

  setNameLength(slot: Slot, value: number): void {
    this.#setWord(slot, NAME_LENGTH, value);
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

  /** 0: the node is as it was made. */
  #changeOf(slot: Slot): RecordNumber {
    return this.#word(slot, CHANGE);
  }

  /** Begins as the node was made. */
  #changeFor(slot: Slot): RecordNumber {
    const known = this.#changeOf(slot);
    if (known !== 0) return known;
    const change = this.#changes.allocate();
    const { numbers } = this.#changePage(change);
    const at = (change & PAGE_MASK) * CHANGE_NUMBERS;
    numbers[at + MZXID] = this.czxid(slot);
    numbers[at + PZXID] = this.czxid(slot);
    numbers[at + MTIME_MS] = this.ctimeMs(slot);
    this.#setWord(slot, CHANGE, change);
    return change;
  }

  #changePage(change: RecordNumber): RecordPage {
    return this.#changePages[change >> PAGE_BITS] as RecordPage;
  }

  #changedNumber(slot: Slot, field: number, asMade: number): number {
    const change = this.#changeOf(slot);
    if (change === 0) return this.#number(slot, asMade);
    return this.#changePage(change).numbers[(change & PAGE_MASK) * CHANGE_NUMBERS + field] as number;
  }

  #setChangedNumber(slot: Slot, field: number, asMade: number, value: number): void {
    if (this.#changeOf(slot) === 0 && value === this.#number(slot, asMade)) return;
    const change = this.#changeFor(slot);
    this.#changePage(change).numbers[(change & PAGE_MASK) * CHANGE_NUMBERS + field] = value;
  }

  #changedWord(slot: Slot, field: number): number {
    const change = this.#changeOf(slot);
    if (change === 0) return 0;
    return this.#changePage(change).words[(change & PAGE_MASK) * CHANGE_WORDS + field] as number;
  }

  #setChangedWord(slot: Slot, field: number, value: number): void {
    if (this.#changeOf(slot) === 0 && value === 0) return;
    const change = this.#changeFor(slot);
    this.#changePage(change).words[(change & PAGE_MASK) * CHANGE_WORDS + field] = value;
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

const RECORD_BYTES = 64;
const RECORD_NUMBERS = RECORD_BYTES / 8;
const RECORD_WORDS = RECORD_BYTES / 4;
// Two doubles, then twelve words. What a lookup reads stands together.
const CZXID = 0;
const CTIME_MS = 1;
const PARENT = 4;
const HASH = 5;
const NEXT = 6;
const LOCATION = 7;
const NAME_LENGTH = 8;
const DATA_LENGTH = 9;
const CHANGE = 10;
const INNER_ID = 11;
const ACL_ID = 12;
const LIFETIME_ID = 13;
const CONTENT_A = 14;
const CONTENT_B = 15;

/** In place of a length: no data at all. */
const NULL_DATA_LENGTH = -1;

const CHANGE_BYTES = 32;
const CHANGE_NUMBERS = CHANGE_BYTES / 8;
const CHANGE_WORDS = CHANGE_BYTES / 4;
const MZXID = 0;
const PZXID = 1;
const MTIME_MS = 2;
const VERSION = 6;
const AVERSION = 7;
