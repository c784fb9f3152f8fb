import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '@zabra/testing';
import { ENDS_WITH_ITS_PARENT, JAVA, LIGHT_JVM, ZOOKEEPER_CLASS_PATH } from './programs.ts';

export interface RealZooKeeperOptions {
  /** Servers, each a process of its own. Default 1: a standalone server, without `/zookeeper/config`'s members. */
  readonly servers?: number;
  /** Kept when given, and started on what is there; else a new directory that `close` removes. */
  readonly dataDir?: string;
  /** Sessions last from 2 to 20 of these, and expire in steps of one. Default 500 ms. */
  readonly tickTimeMs?: number;
  /** `super:secret` may do everything for whoever adds `digest` identity `super` with this password. Default none. */
  readonly superPassword?: string;
  /** Writes beyond a quota are refused, not only logged. Default false, as ZooKeeper's. */
  readonly enforceQuota?: boolean;
  /** Flags of the JVM. Default: those that make it start quickly. A bench gives none. */
  readonly jvm?: readonly string[];
  /** Further lines of zoo.cfg: `{ reconfigEnabled: 'true' }`. */
  readonly config?: Readonly<Record<string, string>>;
  /** Further system properties of the servers: `{ 'zookeeper.digest.enabled': 'false' }`. */
  readonly properties?: Readonly<Record<string, string>>;
}

interface RealServer {
  readonly id: number;
  readonly port: number;
  readonly directory: string;
  readonly command: readonly string[];
  process: ChildProcess | undefined;
  /** What its process wrote last, for whoever asks why it ended. */
  output: string;
}

/**
 * A ZooKeeper from Debian's packages on loopback, to compare with: it is right where a page and it differ.
 *
 * ```ts
 * await using zookeeper = await startRealZooKeeper();
 * await runKazoo('data.py', zookeeper.servers);
 * ```
 *
 * Resolves once every server serves. Rejects, with what the server wrote, when one ends or takes too long.
 */
export async function startRealZooKeeper(options: RealZooKeeperOptions = {}): Promise<RealZooKeeper> {
  const size = options.servers ?? 1;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'real-zookeeper-')));
  const ids = Array.from({ length: size }, (_, index) => index + 1);
  const ports = await freePorts(3 * size);
  const members =
    size === 1
      ? []
      : ids.map((id) => `server.${id}=127.0.0.1:${ports[size + id - 1]}:${ports[2 * size + id - 1]}`);
  const servers = await Promise.all(
    ids.map(async (id): Promise<RealServer> => {
      const directory = join(dataDir, `server-${id}`);
      const port = ports[id - 1] ?? 0;
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, 'myid'), `${id}\n`);
      const file = join(dataDir, `server-${id}.cfg`);
      await writeFile(file, [...settings(options, port, directory), ...members, ''].join('\n'));
      return { id, port, directory, command: commandLine(options, file), process: undefined, output: '' };
    }),
  );
  const zookeeper = new RealZooKeeper(servers, async () => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  });
  try {
    await Promise.all(ids.map((id) => zookeeper.restart(id)));
    return zookeeper;
  } catch (error) {
    await zookeeper.close();
    throw error;
  }
}

export class RealZooKeeper implements AsyncDisposable {
  readonly #servers: readonly RealServer[];
  readonly #cleanUp: () => Promise<void>;

  constructor(servers: readonly RealServer[], cleanUp: () => Promise<void>) {
    this.#servers = servers;
    this.#cleanUp = cleanUp;
  }

  /** `host:port,…` of all: what ZooKeeper's clients call a connect string. */
  get servers(): string {
    return this.#servers.map(({ id }) => this.addressOf(id)).join(',');
  }

  get ids(): readonly number[] {
    return this.#servers.map(({ id }) => id);
  }

  /** Of the processes that run, in the order of `servers`. */
  get pids(): readonly number[] {
    return this.#servers.flatMap(({ process: child }) => (child?.pid === undefined ? [] : [child.pid]));
  }

  addressOf(id: number): string {
    return `127.0.0.1:${this.#server(id).port}`;
  }

  /** Where its `version-2` with logs and snapshots is. */
  dataDirOf(id: number): string {
    return this.#server(id).directory;
  }

  /** What it answers to `ruok`, `srvr`, `mntr` and so on. Rejects when it can't be reached. */
  ask(word: string, id = 1): Promise<string> {
    return fourLetterWord(this.#server(id).port, word);
  }

  /** The id of the server that leads; of the only one, when there is one. */
  leader(): Promise<number> {
    return until('a leader', async () => {
      for (const { id, process: child } of this.#servers) {
        if (child !== undefined && /^Mode: (leader|standalone)$/m.test(await this.#mode(id))) return id;
      }
      return undefined;
    });
  }

  /** SIGKILL. Resolves to the server's id, once its process is gone. */
  async kill(which: number | 'leader'): Promise<number> {
    const id = which === 'leader' ? await this.leader() : which;
    await end(this.#server(id));
    return id;
  }

  /** Starts a server that is down, on the data that it left. Resolves once it serves. */
  async restart(id: number): Promise<void> {
    const server = this.#server(id);
    if (server.process !== undefined) throw new Error(`server ${id} runs`);
    const [command = '', ...args] = server.command;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    server.process = child;
    server.output = '';
    let failure: Error | undefined;
    const listen = (chunk: Buffer): void => {
      server.output = (server.output + chunk.toString('utf8')).slice(-OUTPUT_KEPT);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', (error) => {
      failure = error;
      server.process = undefined;
    });
    child.once('exit', (code, signal) => {
      failure = new Error(`real ZooKeeper ${id} ended (${signal ?? code}):\n${server.output}`);
      if (server.process === child) server.process = undefined;
    });
    await until(`real ZooKeeper ${id} to serve`, async () => {
      if (failure !== undefined) throw failure;
      return (await this.#mode(id)).includes('Mode: ') ? true : undefined;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map(end));
    await this.#cleanUp();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The text of `srvr`, empty while nobody listens. A server without a quorum says so in place of its mode. */
  async #mode(id: number): Promise<string> {
    try {
      return await this.ask('srvr', id);
    } catch (error) {
      if (error instanceof Error && 'code' in error && UNREACHABLE.has(String(error.code))) return '';
      throw error;
    }
  }

  #server(id: number): RealServer {
    const server = this.#servers.find((one) => one.id === id);
    if (server === undefined) throw new Error(`there is no server ${id}; there are ${this.ids.join(', ')}`);
    return server;
  }
}

/**
 * What a server that speaks ZooKeeper's four-letter words answers on this port of loopback. Rejects when it can't be
 * reached or is silent for long: a ZooKeeper that is just starting may accept a connection and never look at it.
 */
export function fourLetterWord(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host: '127.0.0.1' }, () => socket.write(word));
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(SILENCE_MS, () => {
      socket.destroy(Object.assign(new Error(`no answer to ${word}`), { code: 'ETIMEDOUT' }));
    });
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
  });
}

const PATIENCE_MS = 60_000;
const LOOK_AGAIN_MS = 20;
const SILENCE_MS = 1000;
/** Characters. */
const OUTPUT_KEPT = 20_000;
const UNREACHABLE: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

function settings(options: RealZooKeeperOptions, port: number, directory: string): readonly string[] {
  const further = Object.entries(options.config ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    `tickTime=${options.tickTimeMs ?? 500}`,
    'initLimit=20',
    'syncLimit=10',
    `dataDir=${directory}`,
    `clientPort=${port}`,
    'clientPortAddress=127.0.0.1',
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=*',
    'extendedTypesEnabled=true',
    `enforceQuota=${options.enforceQuota ?? false}`,
    ...further,
  ];
}

function commandLine(options: RealZooKeeperOptions, file: string): readonly string[] {
  const properties = { ...superDigest(options.superPassword), ...options.properties };
  return [
    ...ENDS_WITH_ITS_PARENT,
    JAVA,
    ...(options.jvm ?? LIGHT_JVM),
    ...Object.entries(properties).map(([key, value]) => `-D${key}=${value}`),
    '-cp',
    ZOOKEEPER_CLASS_PATH.join(':'),
    'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    file,
  ];
}

/** As ZooKeeper's digest scheme keeps it: `user:base64(sha1(user:password))`. */
function superDigest(password: string | undefined): Readonly<Record<string, string>> {
  if (password === undefined) return {};
  const hash = createHash('sha1').update(`super:${password}`).digest('base64');
  return { 'zookeeper.DigestAuthenticationProvider.superDigest': `super:${hash}` };
}

function end(server: RealServer): Promise<void> {
  const { process: child } = server;
  if (child === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

async function until<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
