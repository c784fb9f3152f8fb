import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What the disk can do alone: appends of 4 KiB, each followed by its fdatasync, one after the other. Per second. */
export async function fdatasyncRate(directory: string, durationMs: number): Promise<number> {
  const folder = await mkdtemp(join(directory, 'zabra-fdatasync-'));
  const file = await open(join(folder, 'file'), 'w');
  try {
    const block = Buffer.alloc(4096, 1);
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < durationMs) {
      await file.write(block, 0, block.length, count * block.length);
      await file.datasync();
      count++;
    }
    return count / ((performance.now() - start) / 1000);
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
}
