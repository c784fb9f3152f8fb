import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disk, DiskFile } from './core/env.ts';

/** The files of one directory of the real file system; made when it does not exist. */
export async function openRealDisk(directory: string): Promise<Disk> {
  await mkdir(directory, { recursive: true });
  return new RealDisk(directory);
}

class RealDisk implements Disk {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async list(): Promise<readonly string[]> {
    return (await readdir(this.#directory)).sort();
  }

  async open(name: string, mode: 'create' | 'existing'): Promise<DiskFile> {
    return new RealFile(name, await open(join(this.#directory, name), mode === 'create' ? 'wx+' : 'r+'));
  }

  rename(from: string, to: string): Promise<void> {
    return rename(join(this.#directory, from), join(this.#directory, to));
  }

  remove(name: string): Promise<void> {
    return rm(join(this.#directory, name));
  }

  async syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

class RealFile implements DiskFile {
  readonly name: string;
  readonly #handle: FileHandle;

  constructor(name: string, handle: FileHandle) {
    this.name = name;
    this.#handle = handle;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async write(offset: number, data: readonly Uint8Array[]): Promise<void> {
    const { bytesWritten } = await this.#handle.writev([...data], offset);
    const length = data.reduce((sum, piece) => sum + piece.length, 0);
    if (bytesWritten !== length) throw new Error(`${this.name}: wrote ${bytesWritten} of ${length} bytes`);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  async length(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
