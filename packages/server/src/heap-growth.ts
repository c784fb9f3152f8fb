import { setFlagsFromString } from 'node:v8';

/**
 * For a process that is a server and nothing else, before it does anything: V8 collects when its heap has grown by a
 * quarter since the last time, instead of to a multiple. Nodes lie outside of that heap, so a collection looks at little and
 * is short; without this, a server that has taken a million writes keeps 70 MB of what is no longer used, and for good. What
 * it costs stands in ADR 0008.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}

const GROWTH_PERCENT = 25;
