import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchStatus, type ServerStatus } from '@zabra/server';
import { freePorts } from './free-ports.ts';
import { LinkProxy } from './link-proxy.ts';
import type { DiskKind, ServerReport } from './server-main.ts';

export interface EnsembleOptions {
  /** Servers, each a process of its own. Default 3. */
  readonly servers?: number;
  /** Kept when given; else a new directory that `close` removes. */
  readonly dataDir?: string;
  /** Lets `cut` and `heal` work: peers reach each other through links that can be cut. Default false. */
  readonly links?: boolean;
  readonly disk?: DiskKind;
  /** Further keys of each server's configuration: `{ limits: { dataBytesMax: 65_536 } }`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

interface Server {
  readonly id: number;
  readonly client: string;
  readonly zookeeper: string;
  readonly file: string;
  process: ChildProcess | undefined;
}

/**
 * A real ensemble for tests: servers in processes of their own on loopback, to be killed, paused, cut off and restarted.
 *
 * ```ts
 * await using ensemble = await startEnsemble();
 * await using zk = await connect(ensemble.servers);
 * await ensemble.kill('leader');
 * ```
 */
export async function startEnsemble(options: EnsembleOptions = {}): Promise<Ensemble> {
  const size = options.servers ?? 3;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'zabra-test-')));
  const ids = Array.from({ length: size }, (_, index) => index + 1);
  const ports = await freePorts(3 * size + (options.links === true ? size * size : 0));
  const clientPort = (id: number): number => portAt(ports, id - 1);
  const peerPort = (id: number): number => portAt(ports, size + id - 1);
  const zookeeperPort = (id: number): number => portAt(ports, 2 * size + id - 1);
  const linkPort = (from: number, to: number): number =>
    portAt(ports, 3 * size + (from - 1) * size + (to - 1));

  const links = new Map<string, LinkProxy>();
  if (options.links === true) {
    for (const from of ids) {
      for (const to of ids) {
        if (from !== to) links.set(`${from}-${to}`, await LinkProxy.open(linkPort(from, to), peerPort(to)));
      }
    }
  }
  const servers = await Promise.all(
    ids.map(async (id): Promise<Server> => {
      const directory = join(dataDir, `server-${id}`);
      await mkdir(directory, { recursive: true });
      const file = join(dataDir, `server-${id}.json`);
      const members = ids.map((member) => ({
        id: member,
        peer: `127.0.0.1:${options.links === true && member !== id ? linkPort(id, member) : peerPort(member)}`,
        client: `127.0.0.1:${clientPort(member)}`,
        zookeeper: `127.0.0.1:${zookeeperPort(member)}`,
      }));
      const config = {
        id,
        clusterId: 'c0ffee00c0ffee00c0ffee00c0ffee00',
        dataDir: directory,
        members,
        listen: {
          client: `127.0.0.1:${clientPort(id)}`,
          peer: `127.0.0.1:${peerPort(id)}`,
          zookeeper: [`127.0.0.1:${zookeeperPort(id)}`],
        },
        ...options.config,
      };
      await writeFile(file, JSON.stringify(config));
      const client = `127.0.0.1:${clientPort(id)}`;
      const zookeeper = `127.0.0.1:${zookeeperPort(id)}`;
      return { id, client, zookeeper, file, process: undefined };
    }),
  );
  const ensemble = new Ensemble(servers, links, options.disk ?? 'real', async () => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  });
  try {
    await Promise.all(ids.map((id) => ensemble.restart(id)));
    await ensemble.whenServing();
    return ensemble;
  } catch (error) {
    await ensemble.close();
    throw error;
  }
}

export class Ensemble implements AsyncDisposable {
  readonly #servers: readonly Server[];
  readonly #links: ReadonlyMap<string, LinkProxy>;
  readonly #disk: DiskKind;
  readonly #cleanUp: () => Promise<void>;

  constructor(
    servers: readonly Server[],
    links: ReadonlyMap<string, LinkProxy>,
    disk: DiskKind,
    cleanUp: () => Promise<void>,
  ) {
    this.#servers = servers;
    this.#links = links;
    this.#disk = disk;
    this.#cleanUp = cleanUp;
  }

  /** `host:port,…` of all, for `connect`. */
  get servers(): string {
    return this.#servers.map(({ client }) => client).join(',');
  }

  /** `host:port,…` of all, for clients that speak ZooKeeper's wire. */
  get zookeeperServers(): string {
    return this.#servers.map(({ zookeeper }) => zookeeper).join(',');
  }

  get ids(): readonly number[] {
    return this.#servers.map(({ id }) => id);
  }

  addressOf(id: number): string {
    return this.#server(id).client;
  }

  /** What each server says of itself; undefined for one that does not answer. */
  async status(): Promise<ReadonlyMap<number, ServerStatus | undefined>> {
    const answers = await Promise.all(
      this.#servers.map(async ({ id, client, process }) => {
        if (process === undefined) return [id, undefined] as const;
        return [id, await fetchStatus(client, 1000).catch(() => undefined)] as const;
      }),
    );
    return new Map(answers);
  }

  /** The id of the server that leads, once there is one of the highest epoch. */
  async leader(): Promise<number> {
    return this.#until('a leader', async () => {
      const leaders = [...(await this.status()).values()].filter((status) => status?.role === 'leader');
      leaders.sort((left, right) => (right?.epoch ?? 0) - (left?.epoch ?? 0));
      return leaders[0]?.serverId;
    });
  }

  /** Resolves when every server that runs serves. */
  async whenServing(): Promise<void> {
    await this.#until('every server serves', async () => {
      const running = this.#servers.filter(({ process }) => process !== undefined).map(({ id }) => id);
      const status = await this.status();
      const serving = running.filter((id) => ['leader', 'follower'].includes(status.get(id)?.role ?? ''));
      return serving.length === running.length ? true : undefined;
    });
  }

  /** SIGKILL. Resolves to the server's id, once its process is gone. */
  async kill(which: number | 'leader'): Promise<number> {
    const id = which === 'leader' ? await this.leader() : which;
    await this.#end(this.#server(id), 'SIGKILL');
    return id;
  }

  /** All at once, as in a power cut. */
  async killAll(): Promise<void> {
    await Promise.all(this.#servers.map((server) => this.#end(server, 'SIGKILL')));
  }

  /** Starts a server that is down. Resolves once it listens. */
  async restart(id: number): Promise<void> {
    const server = this.#server(id);
    if (server.process !== undefined) throw new Error(`server ${id} runs`);
    const main = fileURLToPath(import.meta.resolve(MAIN));
    const child = fork(main, [server.file, this.#disk], {
      execArgv: MAIN.endsWith('.ts') ? ['--conditions=source', '--import', 'tsx'] : [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    server.process = child;
    child.once('exit', () => {
      if (server.process === child) server.process = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      child.once('message', (report: ServerReport) => {
        if (report.kind === 'listening') resolve();
        else reject(new Error(report.message));
      });
      child.once('exit', (code, signal) => reject(new Error(`server ${id} ended: ${signal ?? code}`)));
    });
  }

  /** SIGSTOP: the process stands still, its streams stay open. */
  pause(id: number): void {
    this.#server(id).process?.kill('SIGSTOP');
  }

  resume(id: number): void {
    this.#server(id).process?.kill('SIGCONT');
  }

  /** Nothing passes between these two servers any more. Needs `links: true`. */
  cut(left: number, right: number): void {
    for (const link of this.#linksBetween(left, right)) link.cut();
  }

  heal(left: number, right: number): void {
    for (const link of this.#linksBetween(left, right)) link.heal();
  }

  async close(): Promise<void> {
    await this.killAll();
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    await this.#cleanUp();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #linksBetween(left: number, right: number): readonly LinkProxy[] {
    return [`${left}-${right}`, `${right}-${left}`].map((name) => {
      const link = this.#links.get(name);
      if (link === undefined) throw new Error('start the ensemble with { links: true } to cut links');
      return link;
    });
  }

  #server(id: number): Server {
    const server = this.#servers.find((one) => one.id === id);
    if (server === undefined) throw new Error(`there is no server ${id}; there are ${this.ids.join(', ')}`);
    return server;
  }

  #end(server: Server, signal: 'SIGKILL'): Promise<void> {
    const { process: child } = server;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  }

  async #until<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const value = await look();
      if (value !== undefined) return value;
      if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const PATIENCE_MS = 30_000;
/** Beside this file: the source in development, what was built otherwise. */
const MAIN = mainBeside(import.meta.url.endsWith('.ts'));

/** From source as this file is; `npm test`, which has built everything just now, says so: that starts in a tenth of the time. */
function mainBeside(isSource: boolean): string {
  if (!isSource) return './server-main.js';
  return process.env.RUN_BUILT === 'true' ? '../dist/server-main.js' : './server-main.ts';
}

function portAt(ports: readonly number[], index: number): number {
  const port = ports[index];
  if (port === undefined) throw new Error('a port was drawn for everyone');
  return port;
}
