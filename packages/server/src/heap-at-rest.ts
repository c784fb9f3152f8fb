import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * For a process that is a server and nothing else: when it comes to rest after much work, its heap is collected, and what
 * was garbage goes back to the system. Nodes lie outside of the heap, so that a collection of it takes tens of
 * milliseconds; V8 itself waits with it until the heap grows again, which at rest it doesn't. While there is work, V8
 * collects as it sees fit. ADR 0008.
 */
export function collectHeapAtRest(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let keptBytes = process.memoryUsage().heapTotal;
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  let restingLooks = 0;
  let isWorthIt = false;
  const look = (): void => {
    const isResting = performance.eventLoopUtilization(before).utilization < BUSY;
    // A long rest is looked at again and again: its ticks make garbage, too.
    restingLooks = isResting ? (restingLooks % LOOKS) + 1 : 0;
    if (restingLooks === COLLECTED_AT[0])
      isWorthIt = process.memoryUsage().heapTotal >= keptBytes + GARBAGE_BYTES;
    if (isWorthIt && COLLECTED_AT.includes(restingLooks)) {
      collect();
      keptBytes = process.memoryUsage().heapTotal;
    }
    // The collection itself is no work that it should wait for.
    before = performance.eventLoopUtilization();
  };
  setInterval(look, LOOK_MS).unref();
}

const LOOK_MS = 500;
/** Of its time: ticks alone take 0.01 to 0.03; above this the event loop has work that should not wait. */
const BUSY = 0.06;
/**
 * In looks since it came to rest. The first collection finds what is garbage, the second leaves the pages that it emptied, the
 * third gives them back to the system. V8 makes its young generation small only when little was made for five seconds.
 */
const COLLECTED_AT = [2, 3, 4, 14];
const LOOKS = Math.max(...COLLECTED_AT);
/** As much as makes a collection worth its while. */
const GARBAGE_BYTES = 32 * 2 ** 20;
