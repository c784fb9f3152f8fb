import type { OneShot, WatchEvent, ZooKeeper } from '@zabra/client';
import type { Watching } from './command.ts';

/** A watch that a read armed: one event. */
export function oneShot(name: 'data' | 'child', path: string, watch: OneShot): Watching {
  return {
    name,
    path,
    events: only(watch.event),
    stop: () => watch[Symbol.asyncDispose](),
  };
}

/** A watch that stays until it is stopped. */
export function standing(
  client: ZooKeeper,
  path: string,
  options: { readonly recursive: boolean; readonly fromZxid?: bigint },
): Watching {
  const watcher = client.watch(path, options);
  return {
    name: options.recursive ? 'recursive' : 'persistent',
    path,
    events: watcher,
    stop: async () => {
      await watcher[Symbol.asyncDispose]();
    },
  };
}

async function* only(event: Promise<WatchEvent>): AsyncGenerator<WatchEvent> {
  yield await event;
}
