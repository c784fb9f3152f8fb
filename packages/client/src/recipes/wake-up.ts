import {
  type Bytes,
  isZkError,
  type OneShot,
  type ReadOptions,
  type Session,
  type Snapshot,
  type ZooKeeper,
} from '@zabra/client';
import { onAbort } from './on-abort.ts';

export type WatchedNode = Snapshot<Bytes> & { readonly watch: OneShot };

/**
 * The node as it is, and a watch on it; undefined when it does not exist. A read arms the watch, not `exists`: on a
 * node that is already gone, that would leave a watch behind on the server.
 */
export async function watchNode(
  zk: ZooKeeper,
  path: string,
  options: ReadOptions,
): Promise<WatchedNode | undefined> {
  try {
    return await zk.get(path, { ...options, watch: true });
  } catch (error) {
    if (isZkError(error, 'NO_NODE')) return undefined;
    throw error;
  }
}

/** All of them in one round trip. When one read fails, the watches of the others are forgotten. */
export async function watchAll<T extends readonly Promise<{ readonly watch: OneShot } | undefined>[]>(
  ...reads: T
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const settled = await Promise.allSettled(reads);
  const failed = settled.find((read) => read.status === 'rejected');
  if (failed === undefined) return (await Promise.all(reads)) as { -readonly [K in keyof T]: Awaited<T[K]> };
  for (const read of settled) if (read.status === 'fulfilled' && read.value) forget(read.value.watch);
  throw failed.reason;
}

export interface WakeUp {
  readonly session: Session;
  readonly watches: readonly OneShot[];
  /** What else ends the wait. */
  readonly signals: readonly AbortSignal[];
}

/**
 * Resolves when a watch fires, the connection comes back, the session is lost or a signal aborts. It does not say
 * which: a wake-up proves nothing (apache/curator#1290 took one for success), so the caller always reads again.
 */
export async function nextWakeUp({ session, watches, signals }: WakeUp): Promise<void> {
  const ends = [session.signal, ...signals];
  await new Promise<void>((resolve) => {
    const reconnected = session.on('connected', done);
    const forgets = ends.map((signal) => onAbort(signal, done));
    for (const watch of watches) void watch.event.then(done);
    if (ends.some((signal) => signal.aborted)) done();
    function done(): void {
      reconnected[Symbol.dispose]();
      for (const forgetSignal of forgets) forgetSignal();
      resolve();
    }
  });
  for (const watch of watches) forget(watch);
}

/** Takes the watch off; that it could not be told to the server is no concern of the caller. */
export function forget(watch: OneShot): void {
  watch[Symbol.asyncDispose]().catch(() => {});
}
