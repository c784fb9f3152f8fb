import { assert } from '@zabra/model';
import type { Disk, DiskFile } from '@zabra/server/core';
import type { Process } from './process.ts';
import type { RandomStream } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Trace } from './trace.ts';

/**
 * The disk of one simulated machine: what the platters hold (`durable`), what the page cache holds over it, and the
 * operations in between that no fsync has covered yet.
 *
 * When a **process** dies the page cache stays: every finished write and name is there at the next start, and of a
 * write in flight any prefix of bytes. When the **machine** dies:
 *
 * - a file keeps what its last finished fsync covered, and every finished durable write. Of each other later write every
 *   512-byte sector comes down or not, independently, also beyond the file's durable end (what lies between reads as
 *   zeros); each truncation comes down or not. This is harsher than ext4 in its ordered mode, which never shows blocks it
 *   has not written.
 * - the directory keeps what its last finished fsync covered. Of the later creations, renames and removals a prefix
 *   comes down, as from a journal; in a quarter of the crashes any subset of them that makes sense by itself, as on a
 *   file system that logs each directory block apart. An fsync of a file never makes its name durable.
 * - an fsync in flight covers nothing.
 *
 * A removed file lives on while a name of it is durable or a handle is open.
 */
export class Machine {
  readonly random: RandomStream;
  readonly speed: DiskSpeed;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #pendingNames: NameChange[] = [];
  /** Changes of names that are durable or lost: where `#pendingNames` begins. */
  #settledNames = 0;
  readonly #inFlight = new Set<FlyingWrite>();

  constructor(random: RandomStream, speed: DiskSpeed) {
    this.random = random;
    this.speed = speed;
  }

  /** Ends what was in flight; the page cache stays. */
  crashProcess(): void {
    for (const write of this.#inFlight) {
      const kept = this.random.below(write.data.length + 1);
      if (kept > 0) write.inode.write(write.offset, write.data.subarray(0, kept));
    }
    this.#inFlight.clear();
  }

  /** Loses the page cache. */
  crashMachine(): void {
    for (const write of this.#inFlight) write.inode.write(write.offset, write.data);
    this.#inFlight.clear();
    const asJournal = this.random.chance(0.75);
    const kept = this.random.below(this.#pendingNames.length + 1);
    this.#pendingNames.forEach((change, index) => {
      if (asJournal ? index < kept : this.random.chance(0.5)) applyNameChange(this.#durableNames, change);
    });
    this.#settledNames += this.#pendingNames.length;
    this.#pendingNames = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of this.#names.values()) inode.loseCache(this.random);
  }

  /** Turns on, or off, stalls of the fsync. */
  stall(factor: number): void {
    this.speed.stallFactor = factor;
  }

  list(): readonly string[] {
    return [...this.#names.keys()];
  }

  lookup(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw new Error(`no such file: ${name}`);
    return inode;
  }

  changeName(change: NameChange): void {
    assert(canApply(this.#names, change), 'a change of a name fits the directory', { ...change, inode: '' });
    applyNameChange(this.#names, change);
    this.#pendingNames.push(change);
  }

  /** Up to where an fsync of the directory that begins now will cover its changes. */
  namesEnd(): number {
    return this.#settledNames + this.#pendingNames.length;
  }

  namesAreDurable(end: number): void {
    const covered = this.#pendingNames.splice(0, Math.max(0, end - this.#settledNames));
    for (const change of covered) applyNameChange(this.#durableNames, change);
    this.#settledNames += covered.length;
  }

  beginWrite(inode: Inode, offset: number, data: Uint8Array): FlyingWrite {
    const write = { inode, offset, data };
    this.#inFlight.add(write);
    return write;
  }

  /** Nothing, when a crash has ended it. */
  finishWrite(write: FlyingWrite, isDurable: boolean): void {
    if (!this.#inFlight.delete(write)) return;
    if (isDurable) write.inode.writeDurably(write.offset, write.data);
    else write.inode.write(write.offset, write.data);
  }
}

export interface DiskSpeed {
  readonly operationUsMean: number;
  readonly syncUsMean: number;
  /** Of each fsync, that it takes a hundred times as long. */
  readonly stallChance: number;
  /** Multiplies every fsync, for as long as a fault lasts. */
  stallFactor: number;
}

interface FlyingWrite {
  readonly inode: Inode;
  readonly offset: number;
  readonly data: Uint8Array;
}

type NameChange =
  | { readonly kind: 'create'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly name: string };

function canApply(names: ReadonlyMap<string, Inode>, change: NameChange): boolean {
  if (change.kind === 'create') return !names.has(change.name);
  return names.has(change.kind === 'rename' ? change.from : change.name);
}

function applyNameChange(names: Map<string, Inode>, change: NameChange): void {
  if (!canApply(names, change)) return;
  if (change.kind === 'create') {
    names.set(change.name, change.inode);
  } else if (change.kind === 'remove') {
    names.delete(change.name);
  } else {
    const inode = names.get(change.from);
    assert(inode !== undefined, 'what is renamed exists', { from: change.from });
    names.delete(change.from);
    names.set(change.to, inode);
  }
}

const SECTOR = 512;

type Pending =
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number };

/** The bytes of one file: durable, cached, and the operations that lead from the one to the other. */
class Inode {
  readonly #durable = new Bytes();
  #cache = new Bytes();
  #pending: Pending[] = [];
  /** Operations that are durable or lost: where `#pending` begins. */
  #settled = 0;

  get length(): number {
    return this.#cache.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#cache.read(offset, length);
  }

  write(offset: number, data: Uint8Array): void {
    this.#cache.write(offset, data);
    this.#pending.push({ kind: 'write', offset, data });
  }

  /** These bytes come down, and a cut before them with all that led to it; other writes stay in the cache. */
  writeDurably(offset: number, data: Uint8Array): void {
    if (this.#pending.some(({ kind }) => kind === 'truncate')) {
      this.write(offset, data);
      this.isDurable(this.end());
      return;
    }
    this.#cache.write(offset, data);
    this.#durable.write(offset, data);
    // The cache has each sector once: what an earlier write of it brings down later are the newer bytes.
    for (const earlier of this.#pending) if (earlier.kind === 'write') overlay(earlier, offset, data);
  }

  truncate(length: number): void {
    this.#cache.truncate(length);
    this.#pending.push({ kind: 'truncate', length });
  }

  /** Up to where an fsync that begins now will cover what was done to this file. */
  end(): number {
    return this.#settled + this.#pending.length;
  }

  isDurable(end: number): void {
    const covered = this.#pending.splice(0, Math.max(0, end - this.#settled));
    for (const operation of covered) {
      if (operation.kind === 'write') this.#durable.write(operation.offset, operation.data);
      else this.#durable.truncate(operation.length);
    }
    this.#settled += covered.length;
  }

  loseCache(random: RandomStream): void {
    for (const operation of this.#pending) {
      if (operation.kind === 'truncate') {
        if (random.chance(0.5)) this.#durable.truncate(operation.length);
      } else {
        loseSectors(this.#durable, operation.offset, operation.data, random);
      }
    }
    this.#settled += this.#pending.length;
    this.#pending = [];
    this.#cache = this.#durable.copy();
  }
}

function overlay(
  earlier: { readonly offset: number; readonly data: Uint8Array },
  offset: number,
  data: Uint8Array,
): void {
  const from = Math.max(earlier.offset, offset);
  const to = Math.min(earlier.offset + earlier.data.length, offset + data.length);
  if (from < to) earlier.data.set(data.subarray(from - offset, to - offset), from - earlier.offset);
}

/** Most crashes keep few or most sectors, not half: so draw the odds per write. */
function loseSectors(durable: Bytes, offset: number, data: Uint8Array, random: RandomStream): void {
  const odds = random.pick([0, 0.5, 0.9, 1]);
  let at = 0;
  while (at < data.length) {
    const end = Math.min(data.length, at + SECTOR - ((offset + at) % SECTOR));
    if (random.chance(odds)) durable.write(offset + at, data.subarray(at, end));
    at = end;
  }
}

/** A byte string that grows with zeros. */
class Bytes {
  #bytes: Uint8Array;
  #length: number;

  constructor(bytes: Uint8Array = new Uint8Array(0), length = 0) {
    this.#bytes = bytes;
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.slice(Math.min(offset, this.#length), Math.min(offset + length, this.#length));
  }

  write(offset: number, data: Uint8Array): void {
    const end = offset + data.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length, 1024));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(data, offset);
    this.#length = Math.max(this.#length, end);
  }

  truncate(length: number): void {
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    else this.write(length, EMPTY);
    this.#length = length;
  }

  copy(): Bytes {
    return new Bytes(this.#bytes.slice(), this.#length);
  }
}

const EMPTY = new Uint8Array(0);

/** A machine's disk as one process of it sees it. Every call may be the one at which the process is made to crash. */
export class SimulatedDisk implements Disk {
  readonly #machine: Machine;
  readonly #process: Process;
  readonly #scheduler: Scheduler;
  readonly #trace: Trace;

  constructor(options: { machine: Machine; process: Process; scheduler: Scheduler; trace: Trace }) {
    this.#machine = options.machine;
    this.#process = options.process;
    this.#scheduler = options.scheduler;
    this.#trace = options.trace;
  }

  list(): Promise<readonly string[]> {
    return this.#operate('list', '', () => this.#machine.list());
  }

  open(name: string, mode: 'create' | 'existing'): Promise<DiskFile> {
    return this.#operate('open', `${mode} ${name}`, () => {
      if (mode === 'create') this.#machine.changeName({ kind: 'create', name, inode: new Inode() });
      return this.#file(name, this.#machine.lookup(name));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#operate('rename', `${from} ${to}`, () =>
      this.#machine.changeName({ kind: 'rename', from, to }),
    );
  }

  remove(name: string): Promise<void> {
    return this.#operate('remove', name, () => this.#machine.changeName({ kind: 'remove', name }));
  }

  syncDirectory(): Promise<void> {
    const covered = this.#machine.namesEnd();
    return this.#operate('syncDirectory', '', () => this.#machine.namesAreDurable(covered), undefined, true);
  }

  #file(name: string, inode: Inode): DiskFile {
    const machine = this.#machine;
    const write = (kind: string, isDurable: boolean, offset: number, data: readonly Uint8Array[]) => {
      const bytes = concat(data);
      if (!this.#process.isAlive) return never();
      const flying = machine.beginWrite(inode, offset, bytes);
      const finish = (): void => machine.finishWrite(flying, isDurable);
      return this.#operate(kind, `${name} ${offset}`, finish, bytes, isDurable);
    };
    return {
      name,
      read: (offset, length) => this.#operate('read', `${name} ${offset}`, () => inode.read(offset, length)),
      write: (offset, data) => write('write', false, offset, data),
      writeDurably: (offset, data) => write('writeDurably', true, offset, data),
      sync: () => {
        const covered = inode.end();
        return this.#operate('sync', name, () => inode.isDurable(covered), undefined, true);
      },
      truncate: (length) => this.#operate('truncate', `${name} ${length}`, () => inode.truncate(length)),
      length: () => this.#operate('length', name, () => inode.length),
      close: () => this.#operate('close', name, () => undefined),
    };
  }

  /** Does `work` when the disk has taken its time, then resolves; nothing of it happens once the process is dead. */
  #operate<T>(kind: string, detail: string, work: () => T, data?: Uint8Array, isSync = false): Promise<T> {
    if (!this.#process.effect()) return never();
    this.#trace.record(this.#process.name, kind, detail, data);
    return new Promise((resolve, reject) => {
      this.#scheduler.after(this.#durationUs(isSync), () => {
        if (!this.#process.isAlive) return;
        let result: T;
        try {
          result = work();
        } catch (error) {
          this.#process.deliver(() => reject(error));
          return;
        }
        this.#process.deliver(() => {
          const read = result instanceof Uint8Array ? result : undefined;
          this.#trace.record(this.#process.name, `${kind} done`, detail, read);
          resolve(result);
        });
      });
    });
  }

  #durationUs(isSync: boolean): number {
    const { random, speed } = this.#machine;
    if (!isSync) return 1 + random.exponential(speed.operationUsMean);
    const stall = random.chance(speed.stallChance) ? 100 : 1;
    return 1 + random.exponential(speed.syncUsMean) * stall * speed.stallFactor;
  }
}

/** The answer to whoever asks after its death. */
function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const result = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}
