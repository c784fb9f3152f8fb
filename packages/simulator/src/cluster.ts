import type { PeerId } from '@zabra/model';
import type { RunConfig } from './config.ts';
import { Machine } from './disk.ts';
import type { Network } from './network.ts';
import { hostName } from './network.ts';
import { Process, ProcessEnded } from './process.ts';
import type { RandomStream } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { type RunningServer, type StepObserver, startServer } from './server-adapter.ts';
import { createServerEnv, type MachineClock } from './server-env.ts';
import type { Trace } from './trace.ts';

/** What the cluster tells whoever checks it. */
export interface ClusterWatcher {
  observer(id: PeerId): StepObserver;
  crashed(id: PeerId): void;
  /** Something reached this server; its state is to be looked at once the event is over. */
  stepped(id: PeerId): void;
  /** A server ended itself, or refused to start. */
  failed(id: PeerId, error: Error): void;
}

/** The servers of one run: each a machine that keeps its disk and clock, and at times a process. */
export class Cluster {
  readonly members: readonly PeerId[];
  readonly #hosts: ReadonlyMap<PeerId, Host>;
  readonly #config: RunConfig;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #trace: Trace;
  readonly #watcher: ClusterWatcher;

  constructor(options: {
    config: RunConfig;
    scheduler: Scheduler;
    network: Network;
    random: RandomStream;
    trace: Trace;
    watcher: ClusterWatcher;
  }) {
    this.#config = options.config;
    this.#scheduler = options.scheduler;
    this.#network = options.network;
    this.#trace = options.trace;
    this.#watcher = options.watcher;
    this.members = Array.from({ length: options.config.servers }, (_value, index) => index + 1);
    this.#hosts = new Map(this.members.map((id) => [id, makeHost(id, options.config, options.random)]));
  }

  /** The server as it runs now; undefined while it is down or starting. */
  running(id: PeerId): RunningServer | undefined {
    return this.#host(id).running;
  }

  isUp(id: PeerId): boolean {
    return this.#host(id).process?.isAlive === true;
  }

  leader(): PeerId | undefined {
    return this.members.find((id) => {
      const state = this.running(id)?.inspect();
      return state?.role === 'leading' && state.serving;
    });
  }

  clock(id: PeerId): MachineClock {
    return this.#host(id).clock;
  }

  machine(id: PeerId): Machine {
    return this.#host(id).machine;
  }

  /** Does nothing when it is up. */
  start(id: PeerId): void {
    const host = this.#host(id);
    if (host.process?.isAlive === true) return;
    const process = new Process(hostName(id), () => this.#watcher.stepped(id));
    host.process = process;
    host.lives++;
    this.#trace.record(process.name, 'start', host.lives);
    const env = createServerEnv({
      host: id,
      process,
      machine: host.machine,
      clock: host.clock,
      scheduler: this.#scheduler,
      network: this.#network,
      random: host.random.stream(`life ${host.lives}`),
      trace: this.#trace,
      onFatal: (error) => {
        this.#watcher.failed(id, error);
        this.crash(id, 'process');
      },
    });
    const { timing, limits, storage, access, readOnlyMode } = this.#config;
    const options = {
      id,
      members: this.members,
      clusterId: 'simulated',
      timing,
      limits,
      storage,
      access,
      readOnlyMode,
    };
    startServer(env, options, guarded(process, this.#watcher.observer(id))).then(
      (running) => {
        if (host.process === process && process.isAlive) host.running = running;
      },
      (error) => {
        if (process.isAlive && !(error instanceof ProcessEnded)) this.#watcher.failed(id, error);
      },
    );
  }

  /** At once. */
  crash(id: PeerId, what: 'process' | 'machine'): void {
    const host = this.#host(id);
    if (host.process?.isAlive === true) {
      this.#trace.record(host.process.name, 'crash', what);
      host.process.kill();
      host.running = undefined;
      host.machine.crashProcess();
      this.#watcher.crashed(id);
      this.#network.hostDied(id, what === 'machine');
    }
    if (what === 'machine') host.machine.crashMachine();
  }

  /** Right before its `count`-th effect from now; `done` once it has happened. Nothing when it is down. */
  crashAfterEffects(options: {
    id: PeerId;
    what: 'process' | 'machine';
    count: number;
    done: () => void;
  }): void {
    this.#host(options.id).process?.crashAfterEffects(options.count, () => {
      this.crash(options.id, options.what);
      options.done();
    });
  }

  pause(id: PeerId): void {
    this.#host(id).process?.pause();
  }

  /** What had gathered meanwhile arrives as a burst. */
  resume(id: PeerId): void {
    this.#host(id).process?.resume((work) => this.#scheduler.after(0, work));
  }

  #host(id: PeerId): Host {
    return this.#hosts.get(id) as Host;
  }
}

interface Host {
  readonly machine: Machine;
  readonly clock: MachineClock;
  readonly random: RandomStream;
  process: Process | undefined;
  running: RunningServer | undefined;
  lives: number;
}

/** Seconds that the fastest clock counts per second. */
export const CLOCK_RATE_MAX = 1.02;

function makeHost(id: PeerId, config: RunConfig, random: RandomStream): Host {
  const own = random.stream(`server ${id}`);
  return {
    machine: new Machine(own.stream('disk'), { ...config.disk }),
    clock: {
      originUs: own.below(1_000_000_000),
      rate: own.pick([1, 1, 0.98, CLOCK_RATE_MAX]),
      wallOffsetMs: own.between(-1000, 1000),
    },
    random: own,
    process: undefined,
    running: undefined,
    lives: 0,
  };
}

/** The dead do not report. */
function guarded(process: Process, observer: StepObserver): StepObserver {
  return {
    step: (input, effects) => {
      if (process.isAlive) observer.step(input, effects);
    },
  };
}
