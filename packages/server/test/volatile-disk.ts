import { assert, unreachable } from '@zabra/model';
import type { Disk, DiskFile } from '../src/core/env.ts';
import { DiskError } from '../src/core/storage/disk-error.ts';

const SECTOR_BYTES = 512;

/** Answers a number in [0, 1). */
export type Chance = () => number;

interface Inode {
  cached: Uint8Array;
  durable: Uint8Array;
  /** Since the last finished fsync. */
  unsynced: FileChange[];
}
type FileChange =
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number };
type NameChange =
  | { readonly kind: 'set'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: Inode };

/**
 * One flat directory in memory that knows what is durable. A crash of the machine keeps of what was not synced any subset
 * of 512-byte sectors, and of the changes of names a prefix, in a quarter of the crashes any subset; a crash of the process keeps all that was written.
 */
export class VolatileMachine {
  readonly #chance: Chance;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  #life = 0;
  #callsLeft = Number.POSITIVE_INFINITY;
  #crash: 'process' | 'machine' = 'machine';
  #onCrash: () => void = () => {};
  #failing: { readonly operation: string; readonly file: RegExp } | undefined;
  /** All calls so far, of all lives. */
  calls = 0;
  crashes = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The disk as one life of a server sees it: from the next crash on its calls do nothing and never settle. */
  disk(): Disk {
    const life = ++this.#life;
    return new LifeDisk(this, life);
  }

  /** Resolves at the crash, which comes instead of the call after `calls` more. */
  crashAfter(calls: number, kind: 'process' | 'machine'): Promise<void> {
    this.#callsLeft = calls;
    this.#crash = kind;
    return new Promise((resolve) => {
      this.#onCrash = resolve;
    });
  }

  crash(kind: 'process' | 'machine'): void {
    this.#life++;
    this.crashes++;
    this.#callsLeft = Number.POSITIVE_INFINITY;
    if (kind === 'machine') this.#loseCache();
    this.#onCrash();
    this.#onCrash = () => {};
  }

  /** The next such call fails, once. */
  fail(operation: string, file: RegExp): void {
    this.#failing = { operation, file };
  }

  names(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  bytesOf(name: string): Uint8Array {
    return this.inode(name).cached;
  }

  /** Changes what is durable behind the server's back. */
  rot(name: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const inode = this.inode(name);
    inode.durable = change(new Uint8Array(inode.cached));
    inode.cached = new Uint8Array(inode.durable);
    inode.unsynced = [];
  }

  loseFile(name: string): void {
    this.#names.delete(name);
    this.#durableNames.delete(name);
  }

  /** False when the life that asks is over: then the caller never answers. */
  enter(life: number, operation: string, file: string): boolean {
    if (life !== this.#life) return false;
    this.calls++;
    if (this.#callsLeft-- <= 0) {
      this.crash(this.#crash);
      return false;
    }
    const failing = this.#failing;
    if (failing?.operation === operation && failing.file.test(file)) {
      this.#failing = undefined;
      throw new DiskError(operation, file, new Error('EIO'));
    }
    return true;
  }

  isLife(life: number): boolean {
    return life === this.#life;
  }

  inode(name: string): Inode {
    const inode = this.#names.get(name);
    assert(inode !== undefined, 'a file that is used exists', { name, names: this.names() });
    return inode;
  }

  changeName(change: NameChange): void {
    if (change.kind === 'set')
      assert(!this.#names.has(change.name), 'a file is created once', { name: change.name });
    apply(this.#names, change);
    this.#nameChanges.push(change);
  }

  syncNames(): void {
    this.#durableNames = new Map(this.#names);
    this.#nameChanges = [];
  }

  #loseCache(): void {
    const isJournal = this.#chance() < 0.75;
    const kept = Math.floor(this.#chance() * (this.#nameChanges.length + 1));
    for (const [index, change] of this.#nameChanges.entries()) {
      if (isJournal ? index < kept : this.#chance() < 0.5) apply(this.#durableNames, change);
    }
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) {
      for (const change of inode.unsynced) this.#keepSome(inode, change);
      inode.unsynced = [];
      inode.cached = new Uint8Array(inode.durable);
    }
  }

  #keepSome(inode: Inode, change: FileChange): void {
    if (change.kind === 'truncate') {
      if (this.#chance() < 0.5) inode.durable = resized(inode.durable, change.length);
      return;
    }
    const { offset, data } = change;
    for (let at = 0; at < data.length; ) {
      const end = Math.min(
        data.length,
        (Math.floor((offset + at) / SECTOR_BYTES) + 1) * SECTOR_BYTES - offset,
      );
      if (this.#chance() < 0.5) inode.durable = written(inode.durable, offset + at, data.subarray(at, end));
      at = end;
    }
  }
}

class LifeDisk implements Disk {
  readonly #machine: VolatileMachine;
  readonly #life: number;

  constructor(machine: VolatileMachine, life: number) {
    this.#machine = machine;
    this.#life = life;
  }

  list(): Promise<readonly string[]> {
    return this.#do('list', '', () => this.#machine.names());
  }

  open(name: string, mode: 'create' | 'existing'): Promise<DiskFile> {
    return this.#do('open', name, () => {
      const inode: Inode = { cached: new Uint8Array(0), durable: new Uint8Array(0), unsynced: [] };
      if (mode === 'create') this.#machine.changeName({ kind: 'set', name, inode });
      return this.#file(name, this.#machine.inode(name));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do('rename', from, () => {
      this.#machine.changeName({ kind: 'rename', from, to, inode: this.#machine.inode(from) });
    });
  }

  remove(name: string): Promise<void> {
    return this.#do('remove', name, () => {
      this.#machine.inode(name);
      this.#machine.changeName({ kind: 'remove', name });
    });
  }

  syncDirectory(): Promise<void> {
    return this.#do('syncDirectory', '', () => this.#machine.syncNames());
  }

  #file(name: string, inode: Inode): DiskFile {
    let isOpen = true;
    const used = <T>(operation: string, work: () => T): Promise<T> =>
      this.#do(operation, name, () => {
        assert(isOpen, 'an open file is used', { name, operation });
        return work();
      });
    const file: DiskFile = {
      name,
      read: (offset, length) => used('read', () => inode.cached.slice(offset, offset + length)),
      write: (offset, parts) =>
        used('write', () => {
          const data = joined(parts);
          inode.cached = written(inode.cached, offset, data);
          inode.unsynced.push({ kind: 'write', offset, data });
        }),
      // In two steps, so that a crash may come between them: then any of its sectors are there.
      writeDurably: (offset, parts) => file.write(offset, parts).then(() => file.sync()),
      sync: () =>
        used('sync', () => {
          inode.durable = new Uint8Array(inode.cached);
          inode.unsynced = [];
        }),
      truncate: (length) =>
        used('truncate', () => {
          inode.cached = resized(inode.cached, length);
          inode.unsynced.push({ kind: 'truncate', length });
        }),
      length: () => used('length', () => inode.cached.length),
      close: () =>
        used('close', () => {
          isOpen = false;
        }),
    };
    return file;
  }

  /**
   * The effect comes before a turn of the event loop, the answer after it: in between the server may ask for more, or the
   * crash may come, when the effect was had and nobody heard of it.
   */
  async #do<T>(operation: string, file: string, work: () => T): Promise<T> {
    if (!this.#machine.enter(this.#life, operation, file)) return new Promise(() => {});
    const result = work();
    await new Promise((resolve) => setImmediate(resolve));
    return this.#machine.isLife(this.#life) ? result : new Promise(() => {});
  }
}

function apply(names: Map<string, Inode>, change: NameChange): void {
  switch (change.kind) {
    case 'set':
      names.set(change.name, change.inode);
      return;
    case 'remove':
      names.delete(change.name);
      return;
    case 'rename':
      names.delete(change.from);
      names.set(change.to, change.inode);
      return;
    default:
      unreachable(change);
  }
}

function written(bytes: Uint8Array, offset: number, data: Uint8Array): Uint8Array {
  const next = resized(bytes, Math.max(bytes.length, offset + data.length));
  next.set(data, offset);
  return next;
}

function resized(bytes: Uint8Array, length: number): Uint8Array {
  const next = new Uint8Array(length);
  next.set(bytes.subarray(0, length));
  return next;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
