import type { ZooKeeper } from '@zabra/client/core';
import { formatZxid, type PeerId } from '@zabra/model';
import type { Effect, Input } from '@zabra/zab';
import { Checker } from './checker.ts';
import { isClientError, startClient } from './client-adapter.ts';
import { addressOf, createClientEnv, type WireTap } from './client-env.ts';
import { CLOCK_RATE_MAX, Cluster } from './cluster.ts';
import { drawConfig, type RunConfig } from './config.ts';
import { Faults, type FaultyClient } from './faults.ts';
import { FIRST_CLIENT, hostName, Network } from './network.ts';
import { Process, ProcessEnded } from './process.ts';
import { RandomStream, type Seed } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { checkServer } from './server-adapter.ts';
import { SyncCounter, Tally } from './tally.ts';
import { Trace } from './trace.ts';
import { demand, Violation } from './violation.ts';
import { runClient, takeEveryLock, Workload } from './workload.ts';

export interface RunResult {
  /** Undefined: no rule was broken. */
  readonly failure: RunFailure | undefined;
  readonly traceHash: string;
  readonly traceEntries: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly tally: Tally;
}

export interface RunFailure {
  readonly rule: string;
  /** No rule of the service was broken, but the run tested too little to count. */
  readonly isVacuous: boolean;
  readonly virtualMs: number;
  readonly detail: string;
}

/** Faults go on for a drawn while, but a run that has not written enough by now never will. */
const SAFETY_LIMIT_US = 120_000_000;
/** After the faults: a leader and a served write. Elections, a slow fsync or two and the clients' back-off fit in. */
const LIVENESS_US = 10_000_000;
/** Then: a newcomer gets every lock: who held it lets go, who waited gives up, and who died expires. */
const LOCKS_US = 30_000_000;
/** Of the clients that look whether all is well: what they ask must not fail for want of a session. */
const PROBE_SESSION_TIMEOUT_MS = 6000;
/** Then: every client finishes, and every server holds the same. */
const QUIESCENCE_US = 20_000_000;

/**
 * One run, all of it drawn from the seed:
 *
 *   start ── faults and clients ── heal ── leader, served write, every lock ── clients end ── all servers equal
 *         ── power cut of all machines ── all servers equal again ── every acknowledged write is there
 *
 * Never throws: a broken rule is the result's `failure`.
 */
export async function run(seed: Seed, print?: (line: string) => void): Promise<RunResult> {
  const world = new World(seed, print);
  const onRejection = (error: unknown): void => world.fail(error);
  process.on('unhandledRejection', onRejection);
  try {
    await world.live();
  } catch (error) {
    world.fail(error);
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  return world.result();
}

/** A run with fewer acknowledged writes than this has tested too little. */
const WRITES_MIN = 100;

/** A run that tested too little. */
class Vacuous extends Error {
  override readonly name = 'Vacuous';
}

class World {
  readonly #random: RandomStream;
  readonly #config: RunConfig;
  readonly #scheduler = new Scheduler();
  readonly #trace: Trace;
  readonly #network: Network;
  readonly #cluster: Cluster;
  readonly #checker: Checker;
  readonly #workload: Workload;
  readonly #faults: Faults;
  readonly #tally = new Tally();
  readonly #syncs = new SyncCounter(this.#tally);
  readonly #stepped = new Set<PeerId>();
  #clients = 0;
  #failure: RunFailure | undefined;

  constructor(seed: Seed, print: ((line: string) => void) | undefined) {
    this.#random = new RandomStream(seed, 'run');
    this.#config = drawConfig(this.#random.stream('config'));
    this.#trace = new Trace(() => this.#scheduler.nowUs, print);
    const shared = { scheduler: this.#scheduler, trace: this.#trace };
    this.#network = new Network({
      ...shared,
      random: this.#random.stream('network'),
      speed: this.#config.network,
    });
    this.#cluster = new Cluster({
      ...shared,
      config: this.#config,
      network: this.#network,
      random: this.#random.stream('servers'),
      watcher: {
        observer: (id) => ({ step: (input, effects) => this.#step(id, input, effects) }),
        crashed: (id) => this.#checker.crashed(id),
        stepped: (id) => this.#stepped.add(id),
        failed: (id, error) => this.fail(error, `server ${id} ended itself: `),
      },
    });
    this.#checker = new Checker(this.#cluster.members, {
      nowMs: () => this.#scheduler.nowUs / 1000,
      clockRateMax: CLOCK_RATE_MAX,
    });
    this.#workload = new Workload(this.#checker.locks);
    this.#faults = new Faults({
      ...shared,
      cluster: this.#cluster,
      network: this.#network,
      random: this.#random.stream('faults'),
      config: this.#config,
      tally: this.#tally,
    });
    this.#trace.record('run', 'config', JSON.stringify(this.#config));
  }

  async live(): Promise<void> {
    for (const id of this.#cluster.members) {
      this.#scheduler.after(this.#random.below(200_000), () => this.#cluster.start(id));
    }
    const clients: Promise<void>[] = [];
    for (let index = 0; index < this.#config.clients; index++) clients.push(this.#runWorker('all'));
    for (let index = 0; index < this.#config.lockers; index++) clients.push(this.#runWorker('locks'));
    await this.#endureFaults();
    await this.#recover();
    this.#workload.end();
    await this.#within(QUIESCENCE_US, 'every call of a client settles', Promise.all(clients));
    await this.#agree();
    for (const id of this.#cluster.members) this.#cluster.crash(id, 'machine');
    for (const id of this.#cluster.members) this.#cluster.start(id);
    await this.#agree();
    this.#checker.sessions.checkAcknowledged();
    const probe = this.#client();
    await this.#within(
      LIVENESS_US,
      'after a power cut everything is read again',
      this.#workload.check(probe),
    );
    this.#checkVacuity();
  }

  fail(error: unknown, prefix = ''): void {
    if (this.#failure !== undefined || error instanceof ProcessEnded) return;
    const isError = error instanceof Error;
    const message = isError ? error.message : String(error);
    this.#failure = {
      rule: prefix + message,
      isVacuous: error instanceof Vacuous,
      virtualMs: this.#scheduler.nowUs / 1000,
      detail: isError && !(error instanceof Violation) ? (error.stack ?? '') : '',
    };
    this.#trace.record('run', 'failure', this.#failure.rule);
  }

  result(): RunResult {
    this.#tally.add('counts', 'elections', this.#checker.logs.elections);
    this.#tally.add('counts', 'writes acknowledged', this.#checker.sessions.acknowledgedWrites);
    this.#tally.add('counts', 'writes refused', this.#checker.sessions.refusedWrites);
    this.#tally.add('counts', 'watch events', this.#checker.sessions.watchEvents);
    this.#tally.add('counts', 'sessions expired', this.#checker.expiry.expired);
    this.#tally.add('counts', 'locks taken', this.#checker.locks.taken);
    this.#tally.add('counts', 'leases lost', this.#checker.locks.lost);
    const { confirmed, stale } = this.#checker.sessions.reads;
    this.#tally.add('counts', 'reads confirmed by a quorum', confirmed);
    this.#tally.add('counts', 'plain reads of an older state', stale);
    const { heard, resyncs } = this.#checker.sessions.standing;
    this.#tally.add('counts', 'events of standing watches', heard);
    this.#tally.add('counts', 'gaps told to standing watches', resyncs);
    this.#tally.add('counts', 'nodes reaped', this.#checker.history.tree.reaped);
    this.#tally.add('counts', 'writes refused by a quota', this.#workload.errors.get('QUOTA_EXCEEDED') ?? 0);
    return {
      failure: this.#failure,
      traceHash: this.#trace.digest(),
      traceEntries: this.#trace.entries,
      events: this.#scheduler.events,
      virtualMs: this.#scheduler.nowUs / 1000,
      tally: this.#tally,
    };
  }

  /** Faults for as long as was drawn; then calm until enough was written and a second leader was seen. */
  async #endureFaults(): Promise<void> {
    this.#faults.begin();
    await this.#runUntil(() => false, this.#config.faultsUs);
    this.#faults.end();
    if (this.#checker.logs.elections < 2) {
      await this.#runUntil(() => this.#cluster.leader() !== undefined, LIVENESS_US);
      this.#faults.crashLeader();
    }
    const { writesMin } = this.#config;
    await this.#runUntil(
      () => this.#checker.sessions.acknowledgedWrites >= writesMin && this.#checker.logs.elections >= 2,
      SAFETY_LIMIT_US,
    );
  }

  async #recover(): Promise<void> {
    for (const id of this.#cluster.members) this.#cluster.start(id);
    const isLed = await this.#runUntil(() => this.#cluster.leader() !== undefined, LIVENESS_US);
    demand(isLed, 'after the faults there is a leader');
    const probe = this.#client();
    await this.#within(LIVENESS_US, 'after the faults a write is served', writeOnce(probe));
    // Who does nothing must stand in no line; and an epoch that writes use up gives each session its full time again.
    this.#workload.calm();
    const locks = takeEveryLock(probe, this.#workload);
    await this.#within(LOCKS_US, 'after the faults a newcomer gets every lock', locks);
    await this.#within(LIVENESS_US, 'a client closes', probe.close());
  }

  /** Every server has applied the whole history and has the same digest. */
  async #agree(): Promise<void> {
    const isEqual = await this.#runUntil(() => {
      const states = this.#cluster.members.map((id) => this.#cluster.running(id)?.inspect());
      return states.every(
        (state) => state?.serving === true && state.appliedZxid === this.#checker.history.last,
      );
    }, QUIESCENCE_US);
    const states = this.#cluster.members.map((id) => {
      const state = this.#cluster.running(id)?.inspect();
      return state === undefined ? `${id} down` : `${id} ${state.phase} ${formatZxid(state.appliedZxid)}`;
    });
    demand(isEqual, 'in the end every server serves and holds the whole history', {
      last: formatZxid(this.#checker.history.last ?? 0),
      states: states.join(', '),
    });
    const digests = new Set(this.#cluster.members.map((id) => this.#cluster.running(id)?.inspect().digest));
    demand(digests.size === 1, 'in the end every server has the same digest', {
      digests: [...digests].join(' '),
    });
    const { paths } = this.#checker.history.tree;
    for (const id of this.#cluster.members) {
      const tree = this.#cluster.running(id)?.replica.tree;
      const missing = paths.filter((path) => tree?.stat(path) === undefined);
      demand(missing.length === 0 && tree?.nodeCount === paths.length, 'the tree is what the history makes', {
        server: id,
        missing: missing.join(' '),
        nodes: tree?.nodeCount,
        expected: paths.length,
      });
    }
  }

  #checkVacuity(): void {
    const writes = this.#checker.sessions.acknowledgedWrites;
    if (writes < WRITES_MIN) throw new Vacuous(`a run acknowledges ${WRITES_MIN} writes, not ${writes}`);
    if (this.#checker.logs.elections < 2) throw new Vacuous('a run sees a second election');
  }

  #step(id: PeerId, input: Input, effects: readonly Effect[]): void {
    try {
      this.#trace.record(hostName(id), 'step', input.kind);
      for (const effect of effects) this.#trace.record(hostName(id), 'effect', effect.kind);
      this.#syncs.step(id, input, effects);
      this.#checker.step(id, input, effects);
    } catch (error) {
      this.fail(error);
    }
  }

  /** What the checker throws must not end in the client's own error handling. */
  #tap(): WireTap {
    const tap = this.#checker.tap();
    const safely =
      (hear: (frame: Uint8Array) => void) =>
      (frame: Uint8Array): void => {
        try {
          hear(frame);
        } catch (error) {
          this.fail(error);
        }
      };
    return { sent: safely(tap.sent), received: safely(tap.received) };
  }

  #client(): ZooKeeper {
    return this.#newClient(PROBE_SESSION_TIMEOUT_MS).zk;
  }

  async #runWorker(activities: 'all' | 'locks'): Promise<void> {
    try {
      while (!this.#workload.isOver) {
        const { zk, random, sleep, faulty, crash } = this.#newClient(this.#config.sessionTimeoutMs);
        const live = async (): Promise<void> => {
          const workload = this.#workload;
          const { history } = this.#checker;
          await runClient({ zk, workload, history, random: random.stream('workload'), activities, sleep });
          await zk.close();
          this.#faults.removeClient(faulty);
        };
        // What a dead client waited for never comes.
        await Promise.race([live(), crash]);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  #newClient(sessionTimeoutMs: number): NewClient {
    const host = FIRST_CLIENT + this.#clients++;
    const random = this.#random.stream(`client ${host}`);
    const process = new Process(hostName(host), () => undefined);
    const clock = { originUs: random.below(1e9), rate: 1, wallOffsetMs: 0 };
    const env = createClientEnv({
      host,
      process,
      clock,
      scheduler: this.#scheduler,
      network: this.#network,
      random: random.stream('env'),
      trace: this.#trace,
      tap: () => this.#tap(),
    });
    let crashed = (): void => undefined;
    const crash = new Promise<void>((resolve) => {
      crashed = resolve;
    });
    const faulty: FaultyClient = { host, process, clock, crashed: () => crashed() };
    this.#faults.addClient(faulty);
    const servers = this.#cluster.members.map((id) => addressOf(id));
    const zk = startClient(env, { servers, sessionTimeoutMs });
    const sleep = (delayMs: number): Promise<void> =>
      new Promise((resolve) => {
        this.#scheduler.after(delayMs * 1000, () => process.deliver(resolve));
      });
    return { zk, random, sleep, faulty, crash };
  }

  /** Runs until the promise settles, and demands that it does so in time. */
  async #within<T>(limitUs: number, rule: string, promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    const inTime = await this.#runUntil(() => isSettled, limitUs);
    demand(inTime, rule);
    return promise;
  }

  /** True when `done` came true within `limitUs` from now. A broken rule ends it by throwing. */
  async #runUntil(done: () => boolean, limitUs: number): Promise<boolean> {
    return this.#scheduler.run({
      done,
      limitUs: this.#scheduler.nowUs + limitUs,
      afterEach: () => this.#afterEvent(),
    });
  }

  #afterEvent(): void {
    for (const id of this.#stepped) {
      const server = this.#cluster.running(id);
      if (server === undefined) continue;
      checkServer(server);
      const state = server.inspect();
      this.#checker.state(id, state);
      this.#trace.record(hostName(id), 'digest', state.digest);
    }
    this.#stepped.clear();
    this.#checker.locks.check();
    if (this.#failure !== undefined) throw new Violation(this.#failure.rule);
  }
}

interface NewClient {
  readonly zk: ZooKeeper;
  readonly random: RandomStream;
  readonly sleep: (delayMs: number) => Promise<void>;
  readonly faulty: FaultyClient;
  /** Resolves when it dies before its end. */
  readonly crash: Promise<void>;
}

/** A leader that catches up with what waited may refuse for a while; it may not do so for ever. */
async function writeOnce(zk: ZooKeeper): Promise<void> {
  for (;;) {
    try {
      await zk.create('/probe-', '', { mode: 'persistent-sequential' });
      return;
    } catch (error) {
      if (!isClientError(error) || error.outcome !== 'not-applied') throw error;
    }
  }
}
