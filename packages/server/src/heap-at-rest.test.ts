import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../test/heap-at-rest-main.ts', import.meta.url));

test('the heap is collected when a process comes to rest, and not while it works', {
  timeout: 60_000,
}, async () => {
  const ended = promisify(execFile)(process.execPath, ['--import', 'tsx', MAIN], { timeout: 50_000 });
  // Rejects with another exit code.
  await expect(ended).resolves.toMatchObject({ stderr: '' });
});
