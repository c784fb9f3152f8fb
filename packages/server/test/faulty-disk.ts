import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk, DiskFile } from '../src/core/env.ts';
import { openRealDisk } from '../src/real-disk.ts';

/** A real disk, in a directory that goes with it, whose fsyncs a test may delay or fail. */
export class FaultyDisk implements Disk, AsyncDisposable {
  beforeSync: () => Promise<void> = () => Promise.resolve();
  readonly #disk: Disk;
  readonly #directory: string;

  private constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  static async create(): Promise<FaultyDisk> {
    const directory = await mkdtemp(join(tmpdir(), 'zabra-faulty-'));
    return new FaultyDisk(await openRealDisk(directory), directory);
  }

  list(): Promise<readonly string[]> {
    return this.#disk.list();
  }
  async open(name: string, mode: 'create' | 'existing'): Promise<DiskFile> {
    const file = await this.#disk.open(name, mode);
    return {
      name,
      read: (offset, length) => file.read(offset, length),
      write: (offset, data) => file.write(offset, data),
      writeDurably: (offset, data) => this.beforeSync().then(() => file.writeDurably(offset, data)),
      sync: () => this.beforeSync().then(() => file.sync()),
      truncate: (length) => file.truncate(length),
      length: () => file.length(),
      close: () => file.close(),
    };
  }
  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to);
  }
  remove(name: string): Promise<void> {
    return this.#disk.remove(name);
  }
  syncDirectory(): Promise<void> {
    return this.#disk.syncDirectory();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }
}
