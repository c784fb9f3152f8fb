import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  parseConfig,
  type RunningServer,
  type ServerConfig,
  type StartOptions,
  startServer,
} from '@zabra/server';

/** A directory that is removed again. */
export class TemporaryDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<TemporaryDirectory> {
    return new TemporaryDirectory(await mkdtemp(join(tmpdir(), 'zabra-test-')));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}

/** The configuration of an ensemble of one, on ports that are free; `more` adds to it or replaces. */
export function loneConfig(dataDir: string, more: Readonly<Record<string, unknown>> = {}): ServerConfig {
  const raw = {
    id: 1,
    clusterId: 'orchard',
    dataDir,
    members: [{ id: 1, peer: '127.0.0.1:1', client: '127.0.0.1:2' }],
    listen: { client: '127.0.0.1:0', peer: '127.0.0.1:0', zookeeper: ['127.0.0.1:0'] },
    ...more,
  };
  return parseConfig(raw, 'test');
}

/** A server in this process that is stopped at the end of its block. */
export class LocalServer implements AsyncDisposable {
  readonly #server: RunningServer;

  private constructor(server: RunningServer) {
    this.#server = server;
  }

  static async start(config: ServerConfig, options: StartOptions = {}): Promise<LocalServer> {
    return new LocalServer(await startServer(config, options));
  }

  get address(): string {
    return this.#server.clientAddress;
  }

  get peerAddress(): string {
    return this.#server.peerAddress;
  }

  status(): ReturnType<RunningServer['status']> {
    return this.#server.status();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** The configurations of an ensemble in this process, by `ports`: a client's and a peers' port for each server. */
export function ensembleConfigs(dataDir: string, ports: readonly number[]): readonly ServerConfig[] {
  const members = Array.from({ length: ports.length / 2 }, (_, index) => ({
    id: index + 1,
    client: `127.0.0.1:${ports[2 * index]}`,
    peer: `127.0.0.1:${ports[2 * index + 1]}`,
  }));
  const listen = { zookeeper: ['127.0.0.1:0'] };
  return members.map(({ id }) =>
    parseConfig({ id, clusterId: 'orchard', dataDir: join(dataDir, `${id}`), members, listen }, 'test'),
  );
}
