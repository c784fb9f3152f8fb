import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../src/config.ts';
import { type RunningServer, type StartOptions, startServer } from '../src/server.ts';

/** A server in this process, on ports that are free, with a data directory that goes with it. */
export async function loneServer(
  more: Readonly<Record<string, unknown>> = {},
  options: StartOptions = {},
): Promise<RunningServer & AsyncDisposable> {
  const dataDir = await mkdtemp(join(tmpdir(), 'zabra-server-'));
  const raw = {
    id: 1,
    clusterId: 'orchard',
    dataDir,
    members: [{ id: 1, peer: '127.0.0.1:1', client: '127.0.0.1:2' }],
    listen: { client: '127.0.0.1:0', peer: '127.0.0.1:0', zookeeper: ['127.0.0.1:0'] },
    ...more,
  };
  const server = await startServer(parseConfig(raw, 'test'), options);
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
