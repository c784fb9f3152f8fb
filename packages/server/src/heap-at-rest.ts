import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * For a process that is a server and nothing else: when it comes to rest after much work, its heap is collected once, and
 * what was garbage goes back to the system. Nodes lie outside of the heap, so that a collection of it takes tens of
 * milliseconds; V8 itself waits with it until the heap grows again, which at rest it doesn't. While there is work, V8
 * collects as it sees fit. ADR 0008.
 */
export function collectHeapAtRest(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let keptBytes = process.memoryUsage().heapTotal;
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  let restingLooks = 0;
  const look = (): void => {
    const now = performance.eventLoopUtilization();
    const isResting = performance.eventLoopUtilization(now, before).utilization < BUSY;
    before = now;
    restingLooks = isResting ? restingLooks + 1 : 0;
    if (restingLooks < RESTING_LOOKS) return;
    if (process.memoryUsage().heapTotal < keptBytes + GARBAGE_BYTES) return;
    collect();
    keptBytes = process.memoryUsage().heapTotal;
    restingLooks = 0;
  };
  setInterval(look, LOOK_MS).unref();
}

const LOOK_MS = 500;
/** Of its time: ticks alone take 0.01 to 0.03; above this the event loop has work that should not wait. */
const BUSY = 0.06;
const RESTING_LOOKS = 2;
/** As much as makes a collection worth its while. */
const GARBAGE_BYTES = 32 * 2 ** 20;
