import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPCODE } from '@zabra/jute';
import { ACL_OPEN } from '@zabra/model';
import { JuteSocket } from '../jute-socket.ts';
import { Random } from '../model/random-operations.ts';
import type { FuzzServerReport } from './fuzz-server.ts';
import { type Mutation, mutated } from './mutations.ts';
import { connectFrame, requestFrame, seedRequest } from './seed-frames.ts';

export interface SocketFuzzOptions {
  readonly seed: number;
  readonly frames: number;
  /** Each a process of its own. */
  readonly servers: number;
  /** That send at once. */
  readonly connections: number;
  readonly progress?: (line: string) => void;
}

export interface SocketFuzzOutcome {
  readonly frames: Readonly<Record<string, number>>;
  readonly connections: number;
  /** Ended by the servers. */
  readonly hungUp: number;
  /** Of the client that behaves: its writes, each of which was done once and in its turn, and the slowest. */
  readonly honestWrites: number;
  readonly worstMs: number;
  readonly before: readonly FuzzServerReport[];
  readonly after: readonly FuzzServerReport[];
}

/**
 * Mutated frames over real sockets to real servers, while one client behaves well. Throws where a server ends, where a write
 * of that client is lost, done twice or out of turn, and where servers that should be the same differ.
 */
export async function socketFuzz(options: SocketFuzzOptions): Promise<SocketFuzzOutcome> {
  await using servers = await FuzzServers.start(options.servers);
  const addresses = servers.addresses;
  using honest = await HonestClient.open(addresses[0] ?? '');
  const before = await servers.reports();
  const attack = new Attack(options, addresses);
  const stop = new AbortController();
  const writing = honest.writeUntil(stop.signal);
  try {
    // What ends either of them is heard at once.
    await Promise.race([attack.run(), writing.then(() => attack.over), servers.failed]);
    stop.abort();
    await writing;
    await honest.check();
  } catch (cause) {
    const ended = (await servers.reports()).map(({ ended, errors }) => ({ ended, errors }));
    throw new Error(`the client that behaves was disturbed: ${JSON.stringify(ended)}`, { cause });
  }
  const after = await servers.agreed();
  return {
    ...attack.tally,
    honestWrites: honest.writes,
    worstMs: honest.worstMs,
    before,
    after,
  };
}

/** Connections that send mutated frames until there are none left to send. */
class Attack {
  readonly #options: SocketFuzzOptions;
  readonly #addresses: readonly string[];
  readonly #frames: Partial<Record<Mutation, number>> = {};
  #left: number;
  #connections = 0;
  #hungUp = 0;
  over: Promise<void> = Promise.resolve();

  constructor(options: SocketFuzzOptions, addresses: readonly string[]) {
    this.#options = options;
    this.#addresses = addresses;
    this.#left = options.frames;
  }

  get tally(): Pick<SocketFuzzOutcome, 'frames' | 'connections' | 'hungUp'> {
    return { frames: this.#frames, connections: this.#connections, hungUp: this.#hungUp };
  }

  run(): Promise<void> {
    const { connections, seed } = this.#options;
    this.over = Promise.all(
      Array.from({ length: connections }, (_, index) =>
        this.#place(index, new Random(seed * 100_003 + index)),
      ),
    ).then(() => undefined);
    return this.over;
  }

  /** One place: a connection after the other. */
  async #place(index: number, random: Random): Promise<void> {
    const address = this.#addresses[index % this.#addresses.length] ?? '';
    while (this.#left > 0) {
      const { hostname: host, port } = new URL(`tcp://${address}`);
      const socket = connect({ host, port: Number(port) });
      let isOver = false;
      const over = new Promise<void>((resolve) => {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          isOver = true;
          resolve();
        });
      });
      // Most of them take what they are told.
      if (random.chance(95)) socket.resume();
      this.#connections++;
      await Promise.race([once(socket, 'connect').catch(() => undefined), over]);
      await this.#talk(socket, random, () => isOver, over);
      if (isOver) this.#hungUp++;
      else if (random.chance(50)) socket.destroy();
      else {
        socket.end();
        socket.resume();
        await Promise.race([over, passed(50)]);
        socket.destroy();
      }
    }
  }

  async #talk(socket: Socket, random: Random, isOver: () => boolean, over: Promise<void>): Promise<void> {
    for (let turns = 1 + random.below(12), first = true; turns > 0 && !isOver() && this.#left > 0; turns--) {
      const batch: Buffer[] = [];
      for (let count = 1 + random.below(12); count > 0 && this.#left > 0; count--, first = false) {
        this.#left--;
        const { mutation, bytes } = this.#frame(random, first);
        this.#frames[mutation] = (this.#frames[mutation] ?? 0) + 1;
        batch.push(bytes);
        if (this.#left % 50_000 === 0) this.#options.progress?.(`${this.#left} frames to go`);
      }
      const isTaken = socket.write(Buffer.concat(batch));
      if (!isTaken) await Promise.race([once(socket, 'drain').catch(() => undefined), over, passed(1000)]);
      else await Promise.race([passed(random.below(4)), over]);
    }
  }

  #frame(random: Random, isFirst: boolean): ReturnType<typeof mutated> {
    const frame = isFirst
      ? connectFrame({ readOnly: random.pick([undefined, true, false]), timeoutMs: random.pick([4000, 0]) })
      : requestFrame(1 + random.below(1000), seedRequest(random, '/fuzz'));
    if (isFirst && random.chance(80)) return { mutation: 'none', bytes: frame };
    return mutated(random, frame, requestFrame(2, seedRequest(random, '/fuzz')), random.chance(40));
  }
}

/** Writes one number after the other over each other, each on the condition that the one before is there. */
class HonestClient implements Disposable {
  readonly #socket: JuteSocket;
  writes = 0;
  worstMs = 0;

  private constructor(socket: JuteSocket) {
    this.#socket = socket;
  }

  static async open(address: string): Promise<HonestClient> {
    const socket = await JuteSocket.open(address);
    await socket.attach({ timeoutMs: 10_000 });
    for (const path of ['/honest', '/fuzz']) {
      const { error } = await socket.ask({
        kind: 'create',
        opcode: OPCODE.create,
        path,
        data: Buffer.from('0'),
        acl: ACL_OPEN,
        flags: 0,
        ttlMs: -1,
      });
      if (error !== 0) throw new Error(`${path} could not be made: ${error}`);
    }
    return new HonestClient(socket);
  }

  async writeUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const beganMs = performance.now();
      const next = this.writes + 1;
      const reply = await this.#socket.ask({
        kind: 'setData',
        path: '/honest',
        data: Buffer.from(`${next}`),
        version: this.writes,
      });
      if (reply.body?.kind !== 'stat' || reply.body.stat.version !== next)
        throw new Error(`write ${next} was answered with ${JSON.stringify(reply, textOfBigint)}`);
      this.writes = next;
      this.worstMs = Math.max(this.worstMs, performance.now() - beganMs);
      await passed(1);
    }
  }

  async check(): Promise<void> {
    const { body } = await this.#socket.ask({ kind: 'getData', path: '/honest', watch: false });
    const read = body?.kind === 'data' ? Buffer.from(body.data ?? []).toString() : undefined;
    if (read !== `${this.writes}`) throw new Error(`after write ${this.writes} there is ${read}`);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** Servers in processes of their own. */
class FuzzServers implements AsyncDisposable {
  readonly #processes: readonly ChildProcess[];
  readonly #directory: string;
  #addresses: readonly string[] = [];
  /** Rejects when one of them ends. */
  readonly failed: Promise<never>;

  private constructor(processes: readonly ChildProcess[], directory: string) {
    this.#processes = processes;
    this.#directory = directory;
    this.failed = new Promise((_, reject) => {
      for (const each of processes)
        each.once('exit', (code, signal) => reject(new Error(`a server ended: ${code ?? signal}`)));
    });
    // Also when nobody waits for it any more.
    this.failed.catch(() => undefined);
  }

  static async start(size: number): Promise<FuzzServers> {
    const directory = await mkdtemp(join(tmpdir(), 'zabra-fuzz-'));
    const ports = await freePorts(2 * size);
    const members = Array.from({ length: size }, (_, index) => ({
      id: index + 1,
      client: `127.0.0.1:${ports[2 * index]}`,
      peer: `127.0.0.1:${ports[2 * index + 1]}`,
    }));
    const processes = members.map(({ id, client, peer }) => {
      const config = {
        id,
        clusterId: 'f022',
        dataDir: join(directory, `${id}`),
        members,
        listen: { client, peer, zookeeper: ['127.0.0.1:0'] },
        limits: FUZZ_LIMITS,
        timing: FUZZ_TIMING,
      };
      return fork(fileURLToPath(new URL('./fuzz-server.ts', import.meta.url)), [JSON.stringify(config)], {
        execArgv: ['--conditions=source', '--import', 'tsx', '--expose-gc'],
      });
    });
    const servers = new FuzzServers(processes, directory);
    await servers.#whenServing();
    return servers;
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  async reports(): Promise<readonly FuzzServerReport[]> {
    const asked = this.#processes.map(async (each): Promise<FuzzServerReport> => {
      const answered = once(each, 'message');
      each.send('report');
      const [report] = await Promise.race([answered, this.failed]);
      return report as FuzzServerReport;
    });
    return await Promise.all(asked);
  }

  /** Once they have applied the same, by when they are the same. */
  async agreed(): Promise<readonly FuzzServerReport[]> {
    for (let deadlineMs = performance.now() + PATIENCE_MS; ; await passed(100)) {
      const reports = await this.reports();
      const differ = new Set(reports.map(({ zxid }) => zxid)).size > 1;
      if (!differ) {
        const digests = new Set(reports.map(({ digest }) => digest));
        if (digests.size > 1)
          throw new Error(`servers differ at ${reports[0]?.zxid}: ${[...digests].join(', ')}`);
        // Who was ended is gone.
        if (reports.reduce((sum, { connections }) => sum + connections, 0) <= 1) return reports;
      }
      if (performance.now() > deadlineMs)
        throw new Error(`the servers don't come to rest: ${JSON.stringify(reports)}`);
    }
  }

  async #whenServing(): Promise<void> {
    for (let deadlineMs = performance.now() + PATIENCE_MS; ; await passed(50)) {
      const reports = await this.reports();
      if (reports.every(({ role }) => role !== 'looking')) {
        this.#addresses = reports.map(({ zookeeperAddress }) => zookeeperAddress);
        return;
      }
      if (performance.now() > deadlineMs) throw new Error('the servers find no leader');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#processes.map(async (each) => {
        if (each.exitCode !== null || each.signalCode !== null) return;
        const ended = once(each, 'exit');
        each.kill('SIGKILL');
        await ended;
      }),
    );
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const held = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  for (const server of held) server.close();
  return ports;
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function textOfBigint(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}

/** The attack takes the time of all processors: that a server is slow to say that it lives is not what is looked at. */
const FUZZ_TIMING = { silenceMs: 5000 };
const PATIENCE_MS = 60_000;
/** So small that frames which are never finished meet them. */
const FUZZ_LIMITS = { requestsBytesMax: 32 * 2 ** 20, frameBytesMax: 2 ** 20, dataBytesMax: 2 ** 19 };
