// The client above its world: for the simulator, which brings a world of its own.

export type { ConnectOptions } from './connect-options.ts';
export { connectOn, createClientOn } from './create-client.ts';
export type { ClientChannel, ClientEnv } from './env.ts';
export type { WatchEvent } from './watch-event.ts';
export { ZooKeeper } from './zookeeper.ts';
