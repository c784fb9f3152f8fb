import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { collectHeapAtRest } from './heap-at-rest.ts';

/** In the heap, not beside it. */
function megabytes(count: number): unknown[] {
  return Array.from({ length: count }, () => Array.from({ length: 2 ** 17 }, (_, index) => index + 0.5));
}

test('the heap is collected when a process comes to rest, and not while it works', {
  timeout: 60_000,
}, async () => {
  const collect = vi.fn();
  const cancel = collectHeapAtRest(collect);
  try {
    const kept = megabytes(100);
    const end = performance.now() + 2000;
    while (performance.now() < end) await turn();
    expect(collect).not.toHaveBeenCalled();
    await expect.poll(() => collect.mock.calls.length, { timeout: 20_000, interval: 100 }).toBe(1);
    expect(kept).toHaveLength(100);
  } finally {
    cancel();
  }
});

test('V8 takes the collection', async () => {
  const cancel = collectHeapAtRest();
  try {
    megabytes(100);
    const full = process.memoryUsage().heapUsed;
    await expect
      .poll(() => process.memoryUsage().heapUsed, { timeout: 20_000, interval: 100 })
      .toBeLessThan(full - 50 * 2 ** 20);
  } finally {
    cancel();
  }
});
