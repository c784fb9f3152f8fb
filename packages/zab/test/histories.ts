import { counterOf, epochOf, makeZxid, ZXID_NONE, type Zxid } from '@zabra/model';
import type { EpochEnd, LogRecord } from '../src/index.ts';

/** Records at these positions, each naming the one before it. */
export function recordsAt(zxids: readonly Zxid[], previous: Zxid = ZXID_NONE): LogRecord[] {
  return zxids.map((zxid, index) => ({
    zxid,
    previous: zxids[index - 1] ?? previous,
    kind: counterOf(zxid) === 0 ? 'epoch-start' : 'txn',
    payload: new Uint8Array(8),
  }));
}

export function endsOf(zxids: readonly Zxid[]): EpochEnd[] {
  const ends = new Map(zxids.map((zxid) => [epochOf(zxid), counterOf(zxid)]));
  return [...ends].map(([epoch, counter]) => ({ epoch, counter }));
}

/**
 * All logs that servers can have after up to `epochs` epochs of up to `perEpoch` records: the leader of an epoch goes on
 * from any log of before, and a server has any prefix of what some leader made. Every list of them comes from one past.
 */
export function pasts(epochs: number, perEpoch: number): Zxid[][][] {
  let worlds: Zxid[][][] = [[[]]];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    worlds = worlds.flatMap((logs) => [
      logs,
      ...logs.map((initial) => {
        const made = Array.from({ length: perEpoch }, (_, counter) => makeZxid(epoch, counter));
        return [...logs, ...made.map((_, index) => [...initial, ...made.slice(0, index + 1)])];
      }),
    ]);
  }
  return worlds;
}
