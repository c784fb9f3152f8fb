import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diskContract } from './core/disk-contract.ts';
import type { Disk } from './core/env.ts';
import { openRealDisk } from './real-disk.ts';

let root = '';
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'zabra-disk-'));
});
afterAll(() => rm(root, { recursive: true }));

function openEmpty(): Promise<Disk> {
  return openRealDisk(join(root, `deep/${++count}`));
}

describe('a real disk keeps the contract', () => {
  diskContract(test, openEmpty);
});

describe('a real disk says what failed', () => {
  test('a file that is created must not exist', async () => {
    const disk = await openEmpty();
    await (await disk.open('a', 'create')).close();
    await expect(disk.open('a', 'create')).rejects.toMatchObject({
      name: 'DiskError',
      operation: 'open',
      file: 'a',
    });
  });

  test('a file that is opened must exist', async () => {
    const disk = await openEmpty();
    await expect(disk.open('a', 'existing')).rejects.toMatchObject({
      name: 'DiskError',
      operation: 'open',
      file: 'a',
    });
  });

  test('a closed file cannot be written', async () => {
    const disk = await openEmpty();
    const file = await disk.open('a', 'create');
    await file.close();
    await expect(file.write(0, [new Uint8Array(1)])).rejects.toMatchObject({
      name: 'DiskError',
      operation: 'write',
    });
  });

  test('a directory that cannot be made is an error that names it', async () => {
    await expect(openRealDisk('/dev/null/zabra')).rejects.toMatchObject({
      name: 'DiskError',
      operation: 'mkdir',
      file: '/dev/null/zabra',
    });
  });
});
