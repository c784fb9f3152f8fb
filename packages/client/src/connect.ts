import type { ConnectOptions } from './core/connect-options.ts';
import { connectOn, createClientOn } from './core/create-client.ts';
import type { ClientEnv } from './core/env.ts';
import { settingsOf } from './core/settings.ts';
import type { ZooKeeper } from './core/zookeeper.ts';
import { grpcEnv } from './grpc-env.ts';
import { tcpEnv } from './tcp-env.ts';

/**
 * Makes a client and connects it. Rejects within `connectTimeoutMs` with UNREACHABLE (its message names each server
 * and why), BEHIND, PROTOCOL_VERSION, BAD_ARGUMENTS, or the reason of `signal`.
 */
export async function connect(options: ConnectOptions | string): Promise<ZooKeeper> {
  return connectOn(envFor(options), options);
}

/** Makes a client that does not dial until the first call. Throws BAD_ARGUMENTS. */
export function createClient(options: ConnectOptions | string): ZooKeeper {
  return createClientOn(envFor(options), options);
}

function envFor(options: ConnectOptions | string): ClientEnv {
  const { wire, tls } = settingsOf(options);
  return wire === 'zookeeper' ? tcpEnv(tls) : grpcEnv(tls);
}
