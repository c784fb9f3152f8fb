import {
  close,
  constants,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  open as openFile,
  read,
  writev,
} from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disk, DiskFile } from './core/env.ts';
import { DiskError } from './core/storage/disk-error.ts';

/** A directory of the file system, made when it does not exist. */
export async function openRealDisk(directory: string): Promise<Disk> {
  await attempt('mkdir', directory, async () => {
    const made = await mkdir(directory, { recursive: true, mode: 0o700 });
    // The names of the new directories must survive as what is put into them does.
    if (made !== undefined) await syncNames(join(made, '..'));
  });
  return new RealDisk(directory);
}

class RealDisk implements Disk {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  list(): Promise<readonly string[]> {
    return attempt('list', this.#directory, () => readdir(this.#directory));
  }

  open(name: string, mode: 'create' | 'existing'): Promise<DiskFile> {
    const path = join(this.#directory, name);
    return attempt('open', name, async () => {
      return new RealFile(path, name, await opened(path, mode === 'create' ? 'wx+' : 'r+'));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return attempt('rename', from, () => rename(join(this.#directory, from), join(this.#directory, to)));
  }

  remove(name: string): Promise<void> {
    return attempt('remove', name, () => rm(join(this.#directory, name)));
  }

  syncDirectory(): Promise<void> {
    return attempt('fsync', this.#directory, () => syncNames(this.#directory));
  }
}

/** Callbacks of node:fs on a bare descriptor: the promise API costs several objects more for each call of the log. */
class RealFile implements DiskFile {
  readonly name: string;
  readonly #path: string;
  readonly #fd: number;
  /** A write to it is durable when it returns: one call instead of two. */
  #durable: Promise<number> | undefined;
  /** A cut is certain only with all the metadata; growth comes down with the data (fdatasync writes what reading needs). */
  #isCut = false;

  constructor(path: string, name: string, fd: number) {
    this.#path = path;
    this.name = name;
    this.#fd = fd;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    // The end of the file may be nearer than what is asked for.
    const wanted = Math.max(0, Math.min(length, (await this.length()) - offset));
    const bytes = new Uint8Array(wanted);
    let filled = 0;
    while (filled < wanted) {
      const count = await this.#call<number>('read', (done) =>
        read(this.#fd, bytes, filled, wanted - filled, offset + filled, done),
      );
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  write(offset: number, data: readonly Uint8Array[]): Promise<void> {
    return this.#write(this.#fd, offset, data);
  }

  async writeDurably(offset: number, data: readonly Uint8Array[]): Promise<void> {
    if (this.#isCut || !HAS_DURABLE_WRITES) {
      await this.#write(this.#fd, offset, data);
      await this.sync();
      return;
    }
    this.#durable ??= attempt('open', this.name, () =>
      opened(this.#path, constants.O_WRONLY | constants.O_DSYNC),
    );
    await this.#write(await this.#durable, offset, data);
  }

  async #write(fd: number, offset: number, data: readonly Uint8Array[]): Promise<void> {
    let at = offset;
    let parts = data;
    while (parts.length > 0) {
      const some = parts.slice(0, PARTS_MAX);
      const written = await this.#call<number>('write', (done) => writev(fd, some, at, done));
      at += written;
      parts = afterBytes(parts, written);
    }
  }

  async sync(): Promise<void> {
    if (this.#isCut) {
      await this.#call<void>('fsync', (done) => fsync(this.#fd, done));
      this.#isCut = false;
      return;
    }
    await this.#call<void>('fdatasync', (done) => fdatasync(this.#fd, done));
  }

  async truncate(length: number): Promise<void> {
    this.#isCut = true;
    await this.#call<void>('truncate', (done) => ftruncate(this.#fd, length, done));
  }

  async length(): Promise<number> {
    const stat = await this.#call<{ readonly size: number }>('stat', (done) => fstat(this.#fd, done));
    return stat.size;
  }

  async close(): Promise<void> {
    const durable = await this.#durable;
    if (durable !== undefined) await this.#call<void>('close', (done) => close(durable, done));
    await this.#call<void>('close', (done) => close(this.#fd, done));
  }

  #call<T>(operation: string, start: (done: (error: Error | null, result: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      start((error, result) => {
        if (error === null || error === undefined) resolve(result);
        else reject(new DiskError(operation, this.name, error));
      });
    });
  }
}

/** Linux' O_DSYNC is as good as its fdatasync. macOS' leaves bytes in the drive's cache, and Windows has none. */
const HAS_DURABLE_WRITES = process.platform === 'linux';
/** What the kernel takes in one writev (IOV_MAX). */
const PARTS_MAX = 1024;

/** A write may take less than all of it. */
function afterBytes(parts: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  let index = 0;
  for (const part of parts) {
    if (left < part.length) break;
    left -= part.length;
    index++;
  }
  const rest = parts.slice(index);
  const first = rest[0];
  return left === 0 || first === undefined ? rest : [first.subarray(left), ...rest.slice(1)];
}

function opened(path: string, flags: string | number): Promise<number> {
  return new Promise((resolve, reject) => {
    openFile(path, flags, 0o600, (error, fd) => (error === null ? resolve(fd) : reject(error)));
  });
}

async function syncNames(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function attempt<T>(operation: string, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new DiskError(operation, file, error);
  }
}
