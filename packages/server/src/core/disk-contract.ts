import { assert } from '@zabra/model';
import type { Disk, DiskFile } from './env.ts';

/** As much of a test framework as the contract needs. */
export type DefineTest = (name: string, body: () => Promise<void>) => void;

/** What every {@link Disk} does while nothing crashes. `open` gives an empty one each time. */
export function diskContract(defineTest: DefineTest, open: () => Promise<Disk>): void {
  const disk = (name: string, body: (disk: Disk) => Promise<void>): void => {
    defineTest(name, async () => body(await open()));
  };

  disk('a new disk has no files', async (empty) => {
    same(await empty.list(), []);
  });

  disk('what was written is read back, across the borders of writes and sectors', async (empty) => {
    const file = await empty.open('a', 'create');
    const bytes = pattern(3000);
    await file.write(0, [bytes.subarray(0, 700), bytes.subarray(700, 701), bytes.subarray(701)]);
    await file.sync();
    same(await file.length(), 3000);
    same([...(await file.read(500, 600))], [...bytes.subarray(500, 1100)]);
    await file.close();
  });

  disk('a durable write is read back among others, in a file that was cut too', async (empty) => {
    const file = await written(empty, 'a', 1000);
    await file.writeDurably(500, [pattern(10), pattern(20)]);
    same(
      [...(await file.read(495, 35))],
      [...pattern(1000).subarray(495, 500), ...pattern(10), ...pattern(20)],
    );
    await file.truncate(505);
    await file.writeDurably(505, [pattern(5)]);
    same([...(await file.read(500, 100))], [...pattern(5), ...pattern(5)]);
    await file.writeDurably(510, [pattern(5)]);
    same(await file.length(), 515);
    await file.close();
  });

  disk('one write takes thousands of parts', async (empty) => {
    const file = await empty.open('a', 'create');
    const bytes = pattern(5000);
    await file.write(
      10,
      Array.from(bytes, (_, index) => bytes.subarray(index, index + 1)),
    );
    same([...(await file.read(10, 5000))], [...bytes]);
    await file.close();
  });

  disk('a read ends with the file', async (empty) => {
    const file = await written(empty, 'a', 100);
    same((await file.read(90, 50)).length, 10);
    same((await file.read(100, 50)).length, 0);
    same((await file.read(500, 50)).length, 0);
    await file.close();
  });

  disk('what a write leaves out before it reads as zeros', async (empty) => {
    const file = await empty.open('a', 'create');
    await file.write(2000, [pattern(10)]);
    same(
      (await file.read(0, 2000)).every((byte) => byte === 0),
      true,
    );
    same(await file.length(), 2010);
    await file.close();
  });

  disk('a file that is cut and grows again has zeros where it was cut', async (empty) => {
    const file = await written(empty, 'a', 1000);
    await file.truncate(300);
    await file.sync();
    same(await file.length(), 300);
    await file.truncate(600);
    same(
      (await file.read(300, 300)).every((byte) => byte === 0),
      true,
    );
    await file.close();
  });

  disk('a file that was closed is opened again as it was', async (empty) => {
    const file = await written(empty, 'a', 1000);
    await file.close();
    const again = await empty.open('a', 'existing');
    same(again.name, 'a');
    same([...(await again.read(0, 1000))], [...pattern(1000)]);
    await again.close();
  });

  disk('a rename takes the place of the file that was there', async (empty) => {
    await (await written(empty, 'old', 10)).close();
    await (await written(empty, 'new', 20)).close();
    await empty.rename('new', 'old');
    await empty.syncDirectory();
    same(await empty.list(), ['old']);
    const file = await empty.open('old', 'existing');
    same(await file.length(), 20);
    await file.close();
  });

  disk('a removed file is no longer listed, and its name is free', async (empty) => {
    await (await written(empty, 'a', 10)).close();
    await empty.remove('a');
    same(await empty.list(), []);
    const file = await empty.open('a', 'create');
    same(await file.length(), 0);
    await file.close();
  });
}

async function written(disk: Disk, name: string, length: number): Promise<DiskFile> {
  const file = await disk.open(name, 'create');
  await file.write(0, [pattern(length)]);
  return file;
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => 1 + (index % 251));
}

function same(found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  assert(a === b, 'a disk does what the contract says', { found: a, expected: b });
}
