import { ACL_OPEN, assert, parentOf, type TreeEvent, ZXID_NONE, type Zxid } from '@zabra/model';

/** Of an event, counted from the first one ever recorded: the order in which everything happened. */
export type EventNumber = number;

/**
 * What the last changes did, for clients that were away: everything that happened after `floor`, in order.
 *
 * In memory and bounded, by changes, by events, by their size and by the places they take in the index. A change is kept whole or not at all. The index by path
 * is made when somebody first asks and goes on from there, so that a server to which nobody comes back pays nothing for it.
 */
export class EventHistory {
  readonly #zxidsMax: number;
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  readonly #placesMax: number;
  /** From `#head` on; what is before it is cut off now and then. */
  #events: (TreeEvent | undefined)[] = [];
  #head = 0;
  /** Of what `#events` has at 0. */
  #base: EventNumber = 0;
  #zxids = 0;
  #bytes = 0;
  #places = 0;
  #floor: Zxid = ZXID_NONE;
  #last: Zxid = ZXID_NONE;

  /** Numbers of events, growing; those that are let go stay until the index is dropped. */
  readonly #at = new Map<string, EventNumber[]>();
  /** Of a path and everything below it; no `children`. */
  readonly #under = new Map<string, EventNumber[]>();
  #indexedFrom: EventNumber = 0;
  #indexedTo: EventNumber = 0;

  /** `zxidsMax`: changes with events. `eventsMax`: of all of them, since a change may have thousands. */
  constructor(zxidsMax: number, eventsMax: number = 10 * zxidsMax) {
    this.#zxidsMax = zxidsMax;
    this.#eventsMax = eventsMax;
    this.#bytesMax = eventsMax * EVENT_BYTES_USUAL;
    this.#placesMax = eventsMax * EVENT_PLACES_USUAL;
  }

  /** Everything after it is here; what happened up to it may be forgotten. */
  get floor(): Zxid {
    return this.#floor;
  }

  /** Events that are kept. */
  get size(): number {
    return this.#events.length - this.#head;
  }

  /** What one change did, in order; each change once, in the order of the history. */
  record(zxid: Zxid, events: readonly TreeEvent[]): void {
    assert(zxid > this.#last, 'events are recorded in the order of the history', { last: this.#last, zxid });
    this.#last = zxid;
    if (events.length === 0) return;
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += bytesOf(event);
      this.#places += placesOf(event);
    }
    this.#zxids++;
    while (this.#isFull) this.#dropOldest();
    this.#tidy();
  }

  get #isFull(): boolean {
    return (
      this.#zxids > this.#zxidsMax ||
      this.size > this.#eventsMax ||
      this.#bytes > this.#bytesMax ||
      this.#places > this.#placesMax
    );
  }

  /** The tree came to be at `floor` by another way than by its changes. */
  clear(floor: Zxid): void {
    this.#base = this.#next;
    this.#events = [];
    this.#head = 0;
    this.#zxids = 0;
    this.#bytes = 0;
    this.#places = 0;
    this.#floor = floor;
    this.#last = floor;
    this.#dropIndex();
  }

  /** All that happened after `zxid`, which is not below the floor. */
  *after(zxid: Zxid): Generator<TreeEvent> {
    for (let number = this.#firstAfter(zxid); number < this.#next; number++) yield this.event(number);
  }

  /** As it was answered by `at` or `under` during this turn. */
  event(number: EventNumber): TreeEvent {
    const event = this.#events[number - this.#base];
    assert(event !== undefined, 'an event in the history is kept', { number, base: this.#base });
    return event;
  }

  /** What happened to this very path after `zxid`, in order. */
  at(path: string, zxid: Zxid): Generator<EventNumber> {
    return this.#listed(this.#at, path, zxid);
  }

  /** What happened to this path and to everything below it after `zxid`, in order; lists of children are left out. */
  under(path: string, zxid: Zxid): Generator<EventNumber> {
    return this.#listed(this.#under, path, zxid);
  }

  *#listed(index: Map<string, EventNumber[]>, path: string, zxid: Zxid): Generator<EventNumber> {
    const from = this.#firstAfter(zxid);
    if (from === this.#next) return;
    this.#index();
    const numbers = index.get(path);
    if (numbers === undefined) return;
    const start = lowerBound(numbers.length, (place) => (numbers[place] ?? 0) < from);
    for (let place = start; place < numbers.length; place++) yield numbers[place] ?? 0;
  }

  /** The number that the next event gets. */
  get #next(): EventNumber {
    return this.#base + this.#events.length;
  }

  #firstAfter(zxid: Zxid): EventNumber {
    assert(zxid >= this.#floor, 'nobody asks for what is forgotten', { floor: this.#floor, zxid });
    if (zxid >= this.#last) return this.#next;
    const place = lowerBound(this.size, (at) => (this.#events[this.#head + at]?.zxid ?? 0) <= zxid);
    return this.#base + this.#head + place;
  }

  #dropOldest(): void {
    const zxid = this.#events[this.#head]?.zxid;
    assert(zxid !== undefined, 'what is dropped is there', { size: this.size });
    for (let event = this.#events[this.#head]; event?.zxid === zxid; event = this.#events[this.#head]) {
      this.#bytes -= bytesOf(event);
      this.#places -= placesOf(event);
      this.#events[this.#head++] = undefined;
    }
    this.#zxids--;
    this.#floor = zxid;
  }

  /** Both cost as much as what was dropped since the last time: a little for each change. */
  #tidy(): void {
    const first = this.#base + this.#head;
    if (this.#indexedTo > this.#indexedFrom && first - this.#indexedFrom > this.size) this.#dropIndex();
    if (this.#head > 64 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#base = first;
      this.#head = 0;
    }
  }

  #dropIndex(): void {
    this.#at.clear();
    this.#under.clear();
    this.#indexedFrom = this.#base + this.#head;
    this.#indexedTo = this.#indexedFrom;
  }

  #index(): void {
    // Before the first use, events may have come and gone unseen.
    const start = Math.max(this.#indexedTo, this.#base + this.#head);
    if (this.#indexedTo === this.#indexedFrom) this.#indexedFrom = start;
    for (let number = start; number < this.#next; number++) {
      const { type, path } = this.event(number);
      enter(this.#at, path, number);
      if (type === 'children') continue;
      for (let each = path; ; each = parentOf(each)) {
        enter(this.#under, each, number);
        if (each === '/') break;
      }
    }
    this.#indexedTo = this.#next;
  }
}

/** What an event may take on average before the size counts; a path may have thousands of characters, but few have. */
const EVENT_BYTES_USUAL = 512;

/** Places in the index that an event may take on average: without a bound the first to come back would wait for them. */
const EVENT_PLACES_USUAL = 3;

/** An event is found under its path and, but for lists of children, under each of its ancestors. */
function placesOf({ type, path }: TreeEvent): number {
  if (type === 'children') return 1;
  let places = 2;
  for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1)) places++;
  return places;
}

/** About; a list that many nodes share is counted for each. */
function bytesOf({ path, acl }: TreeEvent): number {
  return 128 + path.length + (acl === ACL_OPEN ? 0 : 128 * acl.length);
}

function enter(index: Map<string, EventNumber[]>, path: string, number: EventNumber): void {
  const numbers = index.get(path);
  if (numbers === undefined) index.set(path, [number]);
  else numbers.push(number);
}

/** The first of `length` places that is not before what is looked for. */
function lowerBound(length: number, isBefore: (place: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
