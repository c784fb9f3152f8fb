import { createHash } from 'node:crypto';
import type { Identity } from '@zabra/model';
import type {
  ClientNetwork,
  Clock,
  Credentials,
  Env,
  Logger,
  PeerNetwork,
  PeerService,
} from '@zabra/server/core';
import { type Machine, SimulatedDisk } from './disk.ts';
import type { HostId, Listener, Network } from './network.ts';
import { type Process, ProcessEnded } from './process.ts';
import type { RandomStream } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Trace } from './trace.ts';

/** The clocks of one machine. They are wrong in the ways in which clocks are. */
export interface MachineClock {
  /** Where the monotonic clock began. */
  readonly originUs: number;
  /** Seconds it counts per second. */
  readonly rate: number;
  /** How far the wall clock is off; a fault moves it. */
  wallOffsetMs: number;
}

export interface ServerEnvOptions {
  readonly host: HostId;
  readonly process: Process;
  readonly machine: Machine;
  readonly clock: MachineClock;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: RandomStream;
  readonly trace: Trace;
  /** The server ended itself. */
  readonly onFatal: (error: Error) => void;
}

/** The world as one life of one server sees it. */
export function createServerEnv(options: ServerEnvOptions): Env {
  const { process, trace, random } = options;
  const listener = options.network.listen(options.host, process);
  return {
    clock: createClock(options),
    random: {
      bytes: (count) => random.bytes(count),
      sha256: (data) => createHash('sha256').update(data).digest(),
    },
    disk: new SimulatedDisk(options),
    peers: createPeerNetwork(options, listener),
    clients: createClientNetwork(listener),
    credentials: createCredentials(options),
    log: createLogger(process, trace),
    fatal: (error) => {
      if (process.isAlive) {
        trace.record(process.name, 'fatal', error.message);
        options.onFatal(error);
      }
      throw new ProcessEnded(error.message);
    },
  };
}

/** Simulated time begins here: the first of January 2026. */
const WALL_ORIGIN_MS = 1_767_225_600_000;

/** A clock of a process; timers are late by up to a millisecond, never early. */
export function createClock(options: {
  process: Process;
  clock: MachineClock;
  scheduler: Scheduler;
  random: RandomStream;
  trace: Trace;
}): Clock {
  const { process, clock, scheduler, random, trace } = options;
  return {
    monotonicMs: () => (clock.originUs + scheduler.nowUs * clock.rate) / 1000,
    wallMs: () => WALL_ORIGIN_MS + Math.floor(scheduler.nowUs / 1000) + clock.wallOffsetMs,
    after: (delayMs, work) => {
      if (!process.effect()) return () => undefined;
      const delayUs = Math.ceil((Math.max(0, delayMs) * 1000) / clock.rate) + 1 + random.below(1000);
      return startTimer(process, scheduler, delayUs, () => {
        trace.record(process.name, 'timer');
        work();
      });
    },
    atTurnEnd: (work) => {
      if (process.effect()) startTimer(process, scheduler, 0, work);
    },
  };
}

/** A timer that fires into a paused process may still be cancelled before the process goes on. */
function startTimer(process: Process, scheduler: Scheduler, delayUs: number, work: () => void): () => void {
  let isCancelled = false;
  const cancel = scheduler.after(delayUs, () => {
    process.deliver(() => {
      if (!isCancelled) work();
    });
  });
  return () => {
    isCancelled = true;
    cancel();
  };
}

function createPeerNetwork(options: ServerEnvOptions, listener: Listener): PeerNetwork {
  const { host, process, network, trace } = options;
  return {
    dial: (peer, service) => {
      const stream = network.dial({ from: host, process, to: peer, service });
      if (process.effect()) trace.record(process.name, 'dial', `${service} ${peer}`);
      return stream;
    },
    accept: (handler) => {
      listener.accept.set('peer', (stream, service) => handler(stream, service as PeerService));
    },
  };
}

function createClientNetwork(listener: Listener): ClientNetwork {
  return {
    accept: (handler) => {
      listener.accept.set('client', (stream) => handler(stream));
    },
  };
}

/** Whom `user:password` proves, some time later. As the real ones, but with one cheap hash, and no other scheme. */
function createCredentials({ process, scheduler, random }: ServerEnvOptions): Credentials {
  return {
    prove: (scheme, credentials, answer) => {
      if (!process.effect()) return;
      startTimer(process, scheduler, 1 + random.below(PROVING_US_MAX), () =>
        answer(scheme === 'digest' ? digestIdentities(credentials) : []),
      );
    },
  };
}

function digestIdentities(credentials: Uint8Array): readonly Identity[] {
  const text = new TextDecoder().decode(credentials);
  const colon = text.indexOf(':');
  if (colon <= 0 || colon === text.length - 1) return [];
  const hash = createHash('sha1').update(credentials).digest('base64');
  return [{ scheme: 'digest', id: `${text.slice(0, colon)}:${hash}` }];
}

/** What hashing a password takes, and waiting for those before it. */
const PROVING_US_MAX = 200_000;

function createLogger(process: Process, trace: Trace): Logger {
  const log =
    (level: string) =>
    (message: string, facts: Readonly<Record<string, unknown>> = {}): void => {
      if (process.isAlive) trace.record(process.name, level, `${message} ${describe(facts)}`);
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

function describe(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value instanceof Error ? value.message : String(value)}`)
    .join(' ');
}
