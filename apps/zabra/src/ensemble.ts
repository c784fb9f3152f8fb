import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import {
  type ControlReply,
  type ControlRequest,
  controlPath,
  isAnswering,
  listenForControl,
} from './control-socket.ts';
import {
  BASE_PORT_DEFAULT,
  type EnsembleState,
  entryOf,
  portMax,
  readState,
  type ServerEntry,
  SIZE_DEFAULT,
  writeState,
} from './ensemble-state.ts';
import { EXIT, Failure } from './exit-code.ts';
import { type Ending, ServerProcess } from './server-process.ts';
import { isServing, statusOf } from './status.ts';

export interface EnsembleOptions {
  readonly directory: string;
  /** Default: as it was last time, 3 at first. */
  readonly size: number | undefined;
  /** Default: as it was last time, 5180 at first. */
  readonly basePort: number | undefined;
  /** Told, for people, of what happens to the servers. */
  readonly report: (line: string) => void;
}

const PORT_MAX = 65_535;
/** Ctrl-C promises an end within 5 s. */
const CLEAN_STOP_MS = 3500;
const POLL_MS = 100;
/** After this long without a leader, it says what it waits for, and goes on waiting. */
const PATIENCE_MS = 15_000;
/** Servers end with their supervisor at once; this is for a machine under load. */
const LEFTOVERS_MS = 2000;

/**
 * A local ensemble: one process per server, this one their supervisor. A server that dies stays down until it is
 * asked for again; when the supervisor dies, all servers end.
 */
export class Ensemble {
  readonly #directory: string;
  readonly #report: (line: string) => void;
  readonly #running = new Map<number, ServerProcess>();
  #state: EnsembleState;
  #control: Server | undefined;
  #isStopping = false;

  private constructor(options: EnsembleOptions, state: EnsembleState) {
    this.#directory = options.directory;
    this.#report = options.report;
    this.#state = state;
  }

  /**
   * Starts every server. Throws {@link Failure} when the directory's ensemble already runs or a port is in use; then
   * nothing was started.
   */
  static async start(given: EnsembleOptions): Promise<Ensemble> {
    mkdirSync(given.directory, { recursive: true });
    const options = { ...given, directory: realpathSync(given.directory) };
    const before = readState(options.directory);
    const ensemble = new Ensemble(options, planState(options, before));
    await ensemble.#takeControl(before);
    try {
      await endOfLeftovers(before);
      await refuseTakenPorts(ensemble.#state.servers);
    } catch (error) {
      ensemble.#control?.close();
      throw error;
    }
    const isFirstStart =
      before === undefined && !ensemble.#state.servers.some(({ id }) => ensemble.#hasData(id));
    for (const { id } of ensemble.#state.servers) ensemble.#launch(id, isFirstStart);
    return ensemble;
  }

  get clientAddresses(): readonly string[] {
    return this.#state.servers.map((server) => server.client);
  }

  /**
   * Waits until there is a leader and every server serves, or until it is stopped. Throws {@link Failure} when a
   * server ends before it listens.
   */
  async whenReady(): Promise<void> {
    await Promise.all([...this.#running.values()].map((server) => server.listening));
    const complainAt = performance.now() + PATIENCE_MS;
    let hasComplained = false;
    while (!this.#isStopping) {
      const statuses = await Promise.all(this.#state.servers.map(statusOf));
      if (statuses.every(isServing) && statuses.some(({ role }) => role === 'leader')) return;
      if (!hasComplained && performance.now() > complainAt) {
        hasComplained = true;
        const roles = statuses.map(({ id, role }) => `server ${id} is ${role}`).join(', ');
        this.#report(`still waiting for a leader and all servers: ${roles}; logs are in ${this.#directory}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Asks every server to stop, and kills what is still there after {@link CLEAN_STOP_MS}. Leaves no process. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const servers = [...this.#running.values()];
    for (const server of servers) server.terminate();
    const lastCall = setTimeout(() => {
      for (const server of servers) server.kill();
    }, CLEAN_STOP_MS);
    await Promise.all(servers.map((server) => server.ended));
    clearTimeout(lastCall);
    this.#save({ supervisorPid: null, control: null });
    this.#control?.close();
  }

  /** Only one supervisor per directory: whoever listens on its socket. */
  async #takeControl(before: EnsembleState | undefined): Promise<void> {
    const path = this.#state.control ?? '';
    // The one before may have used another directory for temporary files.
    const isTaken = before?.control != null && before.control !== path && (await isAnswering(before.control));
    if (!isTaken) this.#control = await listenForControl(path, (request) => this.#answer(request));
    if (this.#control === undefined) {
      const holder = before?.supervisorPid == null ? '' : ` (process ${before.supervisorPid})`;
      throw new Failure(
        `the ensemble in ${this.#directory} is already running${holder}; \`zabra status\` shows it, Ctrl-C where it runs ends it`,
      );
    }
  }

  async #answer(request: ControlRequest): Promise<ControlReply> {
    const { id } = request;
    const entry = this.#state.servers.find((server) => server.id === id);
    if (entry === undefined) {
      const known = this.#state.servers.map((server) => server.id).join(', ');
      return { ok: false, line: `there is no server ${id}; this ensemble has ${known}` };
    }
    const running = this.#running.get(id);
    if (running !== undefined) return { ok: false, line: `server ${id} is running (process ${running.pid})` };
    if (this.#isStopping) return { ok: false, line: 'the ensemble is ending' };
    const server = this.#launch(id, false);
    try {
      await server.listening;
      return { ok: true, line: `server ${id} is back at ${entry.client} (process ${server.pid})` };
    } catch (error) {
      return { ok: false, line: (error as Error).message };
    }
  }

  /**
   * `isFirstStart`: no server of this ensemble ever ran, so an empty folder may be made new for its cluster. Any
   * other empty folder was once full: that server has to be filled again by the others before it votes.
   */
  #launch(id: number, isFirstStart: boolean): ServerProcess {
    const configFile = join(this.#directory, `server-${id}.yaml`);
    const config = {
      id,
      ...(isFirstStart && { clusterId: this.#state.clusterId }),
      dataDir: this.#dataDirectory(id),
      members: this.#state.servers.map(({ id, peer, client, zookeeper }) => ({
        id,
        peer,
        client,
        zookeeper,
      })),
    };
    writeFileSync(configFile, `# Written by \`zabra up\` at each start.\n${stringify(config)}`);
    const logFile = join(this.#directory, `server-${id}.log`);
    const server = new ServerProcess({ id, configFile, logFile });
    this.#running.set(id, server);
    this.#savePid(id, server.pid);
    server.ended.then(() => {
      this.#running.delete(id);
      this.#savePid(id, null);
    });
    // One that ends before it listens is reported by whoever waits for it to listen.
    server.listening.then(async () => this.#reportEnd(id, await server.ended)).catch(() => undefined);
    return server;
  }

  #reportEnd(id: number, ending: Ending): void {
    if (!this.#isStopping)
      this.#report(`server ${id} ended (${ending}); \`zabra up restart ${id}\` brings it back`);
  }

  #savePid(id: number, pid: number | null): void {
    this.#save({
      servers: this.#state.servers.map((entry) => (entry.id === id ? { ...entry, pid } : entry)),
    });
  }

  #save(change: Partial<EnsembleState>): void {
    this.#state = { ...this.#state, ...change };
    writeState(this.#directory, this.#state);
  }

  #dataDirectory(id: number): string {
    return join(this.#directory, `server-${id}`);
  }

  #hasData(id: number): boolean {
    return existsSync(this.#dataDirectory(id));
  }
}

/** What this start will be, from what is asked and what the directory holds. */
function planState(options: EnsembleOptions, before: EnsembleState | undefined): EnsembleState {
  const size = options.size ?? before?.size ?? SIZE_DEFAULT;
  const basePort = options.basePort ?? before?.basePort ?? BASE_PORT_DEFAULT;
  if (before !== undefined && before.size !== size) {
    throw new Failure(
      `${options.directory} holds an ensemble of ${before.size}, not ${size}; leave --size away, or give another --data`,
      EXIT.configuration,
    );
  }
  if (portMax(size, basePort) > PORT_MAX) {
    throw new Failure(
      `${size} servers need ports up to ${portMax(size, basePort)}; give a smaller --base-port`,
      EXIT.usage,
    );
  }
  return {
    version: 1,
    size,
    basePort,
    clusterId: before?.clusterId ?? randomUUID(),
    supervisorPid: process.pid,
    control: controlPath(options.directory),
    servers: Array.from({ length: size }, (_, index) => entryOf(index + 1, basePort)),
  };
}

/** Servers of a supervisor that was killed may need a moment to notice; they hold their ports to their very end. */
async function endOfLeftovers(before: EnsembleState | undefined): Promise<void> {
  if (before === undefined || before.supervisorPid === null) return;
  const giveUpAt = performance.now() + LEFTOVERS_MS;
  while ((await takenPort(before.servers)) !== undefined && performance.now() < giveUpAt)
    await sleep(POLL_MS);
}

/** Looks before anything is written: a taken port would otherwise stop one server of several. */
async function refuseTakenPorts(servers: readonly ServerEntry[]): Promise<void> {
  const taken = await takenPort(servers);
  if (taken === undefined) return;
  throw new Failure(`${taken}, is in use; end what listens there, or give another --base-port`);
}

/** The first one, in words. */
async function takenPort(servers: readonly ServerEntry[]): Promise<string | undefined> {
  for (const { id, client, peer, zookeeper } of servers) {
    if (await isTaken(client)) return `port ${portOf(client)}, for clients of server ${id}`;
    if (await isTaken(peer)) return `port ${portOf(peer)}, for peers of server ${id}`;
    if (await isTaken(zookeeper)) return `port ${portOf(zookeeper)}, for ZooKeeper's clients of server ${id}`;
  }
  return undefined;
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

function isTaken(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(true));
    probe.listen(Number(port), host, () => probe.close(() => resolve(false)));
  });
}
