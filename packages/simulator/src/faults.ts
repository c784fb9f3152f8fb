import type { PeerId } from '@zabra/model';
import type { Cluster } from './cluster.ts';
import type { FaultKind, RunConfig } from './config.ts';
import type { HostId, Network } from './network.ts';
import type { Process } from './process.ts';
import type { RandomStream } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { MachineClock } from './server-env.ts';
import type { Tally } from './tally.ts';

/** A client as faults see it. */
export interface FaultyClient {
  readonly host: HostId;
  readonly process: Process;
  readonly clock: MachineClock;
  /** Its process has died. */
  readonly crashed: () => void;
}

/** Breaks things, at times and places drawn from its own stream, until it is told to stop. */
export class Faults {
  readonly #cluster: Cluster;
  readonly #network: Network;
  readonly #scheduler: Scheduler;
  readonly #random: RandomStream;
  readonly #config: RunConfig;
  readonly #tally: Tally;
  readonly #clients = new Set<FaultyClient>();
  #isOver = false;

  constructor(options: {
    cluster: Cluster;
    network: Network;
    scheduler: Scheduler;
    random: RandomStream;
    config: RunConfig;
    tally: Tally;
  }) {
    this.#cluster = options.cluster;
    this.#network = options.network;
    this.#scheduler = options.scheduler;
    this.#random = options.random;
    this.#config = options.config;
    this.#tally = options.tally;
  }

  begin(): void {
    this.#scheduler.after(this.#random.exponential(this.#config.faultEveryUsMean), () => {
      if (this.#isOver) return;
      this.#strike(this.#random.pick(this.#config.faults));
      this.begin();
    });
  }

  /** This client may lose its streams, or sight of the servers, or its life, too. */
  addClient(client: FaultyClient): void {
    this.#clients.add(client);
  }

  /** It has ended. */
  removeClient(client: FaultyClient): void {
    this.#clients.delete(client);
  }

  /** Makes everything whole again: what was down starts, what was cut is joined. */
  end(): void {
    this.#isOver = true;
    this.#network.unblockAll();
    for (const client of this.#clients) this.#resumeClient(client);
    for (const id of this.#cluster.members) {
      this.#cluster.machine(id).stall(1);
      this.#cluster.resume(id);
      this.#cluster.crashAfterEffects({
        id,
        what: 'process',
        count: Number.POSITIVE_INFINITY,
        done: () => undefined,
      });
      this.#scheduler.after(this.#random.below(100_000), () => this.#cluster.start(id));
    }
  }

  /** The leader's process ends: for a run that has not yet seen a second election. */
  crashLeader(): void {
    const leader = this.#cluster.leader();
    if (leader !== undefined) this.#crash(leader, 'process crash', 0);
  }

  #strike(kind: FaultKind): void {
    const random = this.#random;
    const target = this.#target();
    switch (kind) {
      case 'process crash':
      case 'machine crash':
        this.#crash(target, kind, random.logBetween(1, 200));
        break;
      case 'power cut':
        for (const id of this.#cluster.members) {
          this.#cluster.crash(id, 'machine');
          this.#restartLater(id);
        }
        this.#tally.add('faults', kind);
        break;
      case 'pause':
        this.#cluster.pause(target);
        this.#tally.add('faults', kind);
        this.#scheduler.after(random.logBetween(1000, 3_000_000), () => this.#cluster.resume(target));
        break;
      case 'partition':
      case 'one-way partition':
        this.#partition(kind);
        break;
      case 'leader cut off':
        this.#cutOffLeader();
        break;
      case 'reset':
      case 'half-open':
        this.#reset(target, kind);
        break;
      case 'client cut':
        this.#cutClient(this.#client());
        break;
      case 'client pause':
        this.#pauseClient(this.#client());
        break;
      case 'client crash':
        this.#crashClient(this.#client());
        break;
      case 'slow disk':
        this.#cluster.machine(target).stall(random.logBetween(3, 100));
        this.#tally.add('faults', kind);
        this.#scheduler.after(random.between(100_000, 2_000_000), () =>
          this.#cluster.machine(target).stall(1),
        );
        break;
      case 'clock jump':
        this.#jump(random.chance(0.5) ? this.#cluster.clock(target) : this.#client()?.clock);
        break;
    }
  }

  /** The leader is the most interesting one. */
  #target(): PeerId {
    const leader = this.#random.chance(0.4) ? this.#cluster.leader() : undefined;
    return leader ?? this.#random.pick(this.#cluster.members);
  }

  #crash(id: PeerId, kind: 'process crash' | 'machine crash', effects: number): void {
    const what = kind === 'process crash' ? 'process' : 'machine';
    const done = (): void => {
      this.#tally.add('faults', kind);
      this.#restartLater(id);
    };
    if (effects > 0) this.#cluster.crashAfterEffects({ id, what, count: effects, done });
    else {
      this.#cluster.crash(id, what);
      done();
    }
  }

  /** Often before the others have noticed, now and then after seconds. */
  #restartLater(id: PeerId): void {
    const delayUs = this.#random.chance(0.3) ? this.#random.below(5000) : this.#random.exponential(600_000);
    this.#scheduler.after(Math.min(delayUs, 3_000_000), () => this.#cluster.start(id));
  }

  #partition(kind: 'partition' | 'one-way partition'): void {
    const members = this.#random.shuffled(this.#cluster.members);
    const left = members.slice(0, this.#random.between(1, members.length - 1));
    const right = members.filter((id) => !left.includes(id));
    const pairs = left.flatMap((a) => right.map((b) => [a, b] as const));
    // Half of the cuts leave a bridge: some pairs still see each other.
    const cut = this.#random.chance(0.5) ? pairs : pairs.filter(() => this.#random.chance(0.6));
    for (const [a, b] of cut) {
      this.#network.block(a, b);
      if (kind === 'partition') this.#network.block(b, a);
    }
    this.#tally.add('faults', kind);
    this.#scheduler.after(this.#random.logBetween(50_000, 4_000_000), () => {
      for (const [a, b] of cut) {
        this.#network.unblock(a, b);
        this.#network.unblock(b, a);
      }
    });
  }

  /** The others elect another while it still believes that it leads, and its clients still see it. */
  #cutOffLeader(): void {
    const leader = this.#cluster.leader();
    if (leader === undefined) return;
    const others = this.#cluster.members.filter((id) => id !== leader);
    for (const id of others) {
      this.#network.block(leader, id);
      this.#network.block(id, leader);
    }
    this.#tally.add('faults', 'leader cut off');
    this.#scheduler.after(this.#random.logBetween(100_000, 4_000_000), () => {
      for (const id of others) {
        this.#network.unblock(leader, id);
        this.#network.unblock(id, leader);
      }
    });
  }

  /** Undefined between the end of the last one and the start of the next. */
  #client(): FaultyClient | undefined {
    return this.#clients.size === 0 ? undefined : this.#random.pick([...this.#clients]);
  }

  #cutClient(client: FaultyClient | undefined): void {
    if (client === undefined) return;
    const { host } = client;
    for (const id of this.#cluster.members) {
      this.#network.block(host, id);
      this.#network.block(id, host);
    }
    this.#tally.add('faults', 'client cut');
    this.#scheduler.after(this.#absenceUs(), () => {
      for (const id of this.#cluster.members) {
        this.#network.unblock(host, id);
        this.#network.unblock(id, host);
      }
    });
  }

  #pauseClient(client: FaultyClient | undefined): void {
    if (client === undefined) return;
    client.process.pause();
    this.#tally.add('faults', 'client pause');
    this.#scheduler.after(this.#absenceUs(), () => this.#resumeClient(client));
  }

  /** What had gathered meanwhile arrives as a burst. */
  #resumeClient({ process }: FaultyClient): void {
    process.resume((work) => this.#scheduler.after(0, work));
  }

  /** Its session goes on until it expires. */
  #crashClient(client: FaultyClient | undefined): void {
    if (client === undefined) return;
    this.#clients.delete(client);
    client.process.kill();
    this.#network.hostDied(client.host, false);
    this.#tally.add('faults', 'client crash');
    client.crashed();
  }

  /** Half the time long enough for a session to expire. */
  #absenceUs(): number {
    const timeoutUs = this.#config.sessionTimeoutMs * 1000;
    return this.#random.chance(0.5)
      ? this.#random.logBetween(20_000, timeoutUs)
      : this.#random.between(timeoutUs, 2 * timeoutUs);
  }

  #jump(clock: MachineClock | undefined): void {
    if (clock === undefined) return;
    clock.wallOffsetMs += this.#random.pick([-1, 1]) * this.#random.logBetween(1000, 3e11);
    this.#tally.add('faults', 'clock jump');
  }

  #reset(target: PeerId, kind: 'reset' | 'half-open'): void {
    const clients = Array.from(this.#clients, ({ host }) => host);
    const others = [...this.#cluster.members.filter((id) => id !== target), ...clients];
    const count = this.#network.reset(target, this.#random.pick(others), kind === 'half-open');
    if (count > 0) this.#tally.add('faults', kind);
  }
}
