import type { Disk, DiskFile } from '@zabra/server';

/**
 * A disk whose unsynced bytes live in this process: a SIGKILL loses them, as a power cut does with a real one. Names are
 * kept the same way until `syncDirectory`. With `forgetful`, a sync reports success and saves nothing: then data must be lost, which proves
 * that the test would see it.
 */
export class VolatileDisk implements Disk {
  readonly #disk: Disk;
  readonly #forgetful: boolean;
  /** Done to the directory since it was synced, in order. */
  #names: (() => Promise<void>)[] = [];
  readonly #files = new Map<string, VolatileFile>();
  readonly #removed = new Set<string>();

  constructor(disk: Disk, options: { readonly forgetful: boolean }) {
    this.#disk = disk;
    this.#forgetful = options.forgetful;
  }

  async list(): Promise<readonly string[]> {
    const names = new Set(await this.#disk.list());
    for (const name of this.#removed) names.delete(name);
    for (const name of this.#files.keys()) names.add(name);
    return [...names].sort();
  }

  async open(name: string, mode: 'create' | 'existing'): Promise<DiskFile> {
    const known = this.#files.get(name);
    if (mode === 'existing') {
      if (known !== undefined) return known;
      const file = new VolatileFile(name, await this.#disk.open(name, 'existing'), this.#forgetful);
      this.#files.set(name, file);
      return file;
    }
    if (known !== undefined || (await this.list()).includes(name)) throw new Error(`${name} exists`);
    const file = new VolatileFile(name, undefined, this.#forgetful);
    this.#files.set(name, file);
    this.#removed.delete(name);
    this.#names.push(async () => {
      await file.appear(await this.#disk.open(name, 'create'));
    });
    return file;
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#files.get(from) ?? ((await this.open(from, 'existing')) as VolatileFile);
    this.#files.delete(from);
    this.#files.set(to, file);
    this.#removed.add(from);
    this.#removed.delete(to);
    this.#names.push(() => this.#disk.rename(from, to));
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
    this.#removed.add(name);
    this.#names.push(() => this.#disk.remove(name));
  }

  async syncDirectory(): Promise<void> {
    if (this.#forgetful) return;
    const names = this.#names;
    this.#names = [];
    for (const apply of names) await apply();
    this.#removed.clear();
    await this.#disk.syncDirectory();
  }
}

class VolatileFile implements DiskFile {
  readonly name: string;
  #file: DiskFile | undefined;
  readonly #forgetful: boolean;
  /** The whole content as this process sees it; undefined until it differs from the file. */
  #content: Buffer | undefined;
  #length = 0;
  #isDirty = false;
  #isSynced = false;

  constructor(name: string, file: DiskFile | undefined, forgetful: boolean) {
    this.name = name;
    this.#file = file;
    this.#forgetful = forgetful;
  }

  /** Its name is durable now; so is what was synced before. */
  async appear(file: DiskFile): Promise<void> {
    this.#file = file;
    if (this.#isSynced) await this.#save();
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const content = await this.#load();
    return content.subarray(Math.min(offset, this.#length), Math.min(offset + length, this.#length));
  }

  async write(offset: number, data: readonly Uint8Array[]): Promise<void> {
    await this.#load();
    let at = offset;
    for (const piece of data) {
      this.#grow(at + piece.length).set(piece, at);
      at += piece.length;
    }
    this.#length = Math.max(this.#length, at);
    this.#isDirty = true;
  }

  async writeDurably(offset: number, data: readonly Uint8Array[]): Promise<void> {
    await this.write(offset, data);
    await this.sync();
  }

  async sync(): Promise<void> {
    if (this.#forgetful) return;
    this.#isSynced = true;
    if (this.#file !== undefined) await this.#save();
  }

  async truncate(length: number): Promise<void> {
    await this.#load();
    this.#grow(length).fill(0, length);
    this.#length = length;
    this.#isDirty = true;
  }

  async length(): Promise<number> {
    await this.#load();
    return this.#length;
  }

  async close(): Promise<void> {}

  async #save(): Promise<void> {
    if (!this.#isDirty || this.#file === undefined) return;
    this.#isDirty = false;
    const content = await this.#load();
    await this.#file.truncate(this.#length);
    await this.#file.write(0, [Buffer.from(content.subarray(0, this.#length))]);
    await this.#file.sync();
  }

  async #load(): Promise<Buffer> {
    if (this.#content === undefined) {
      this.#length = (await this.#file?.length()) ?? 0;
      this.#content = Buffer.from((await this.#file?.read(0, this.#length)) ?? []);
    }
    return this.#content;
  }

  #grow(length: number): Buffer {
    const content = this.#content ?? Buffer.alloc(0);
    if (length <= content.length) return content;
    const grown = Buffer.alloc(Math.max(length, 2 * content.length));
    content.copy(grown);
    this.#content = grown;
    return grown;
  }
}
