import { connect, type ZooKeeper } from '@zabra/client';
import { expect, test } from 'vitest';
import { LocalServer, loneConfig, TemporaryDirectory } from '../test/local-server.ts';
import { until } from '../test/until.ts';
import { startEnsemble } from './index.ts';

/* Each bound is filled; what is beyond it gets an error that names it, and the session goes on. */

/** A server with one small limit, and a client of it. */
async function limited(limits: Readonly<Record<string, number>>): Promise<{
  readonly address: string;
  readonly zk: ZooKeeper;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await TemporaryDirectory.create());
  const server = stack.use(await LocalServer.start(loneConfig(directory.path, { limits })));
  const zk = stack.use(await connect(server.address));
  return { address: server.address, zk, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
