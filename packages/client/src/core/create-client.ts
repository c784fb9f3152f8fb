import { Client } from './client.ts';
import type { ConnectOptions } from './connect-options.ts';
import type { ClientEnv } from './env.ts';
import { ZkError } from './errors.ts';
import { settingsOf } from './settings.ts';
import { ZooKeeper } from './zookeeper.ts';

/** A client in any world: the simulator's entrance. Does not dial until the first call. Throws BAD_ARGUMENTS. */
export function createClientOn(env: ClientEnv, options: ConnectOptions | string): ZooKeeper {
  const settings = settingsOf(options);
  return new ZooKeeper(new Client(env, settings), settings.chroot);
}

/** As {@link createClientOn}, and dials; resolves when connected. */
export async function connectOn(env: ClientEnv, options: ConnectOptions | string): Promise<ZooKeeper> {
  const settings = settingsOf(options);
  const client = new Client(env, settings);
  try {
    await client.ready(settings.connectTimeoutMs, typeof options === 'string' ? undefined : options.signal);
  } catch (error) {
    client.shutDown(new ZkError('CLIENT_CLOSED', { message: 'the client did not connect', cause: error }));
    throw error;
  }
  return new ZooKeeper(client, settings.chroot);
}
