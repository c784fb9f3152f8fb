import { setImmediate as turn } from 'node:timers/promises';
import { collectHeapAtRest } from '../src/heap-at-rest.ts';

/*
 * A process that fills its heap, works for some seconds, drops what it had, and rests. It ends with 0 once the garbage is
 * gone; with 1 when that went while it worked. Nothing is made any more by then, so that V8 alone has no reason to collect.
 */
const WORK_MS = 2000;
const BYTES = 100 * 2 ** 20;

collectHeapAtRest();
void Array.from({ length: BYTES / 2 ** 20 }, () => Array.from({ length: 2 ** 17 }, (_, at) => at + 0.5));
const full = process.memoryUsage().heapUsed;
const isGone = (): boolean => process.memoryUsage().heapUsed < full - BYTES / 2;
for (const end = performance.now() + WORK_MS; performance.now() < end; ) await turn();
if (isGone()) process.exit(1);
setInterval(() => {
  if (isGone()) process.exit(0);
}, 100);
