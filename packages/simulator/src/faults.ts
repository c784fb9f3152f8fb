import type { PeerId } from '@zabra/model';
import type { Cluster } from './cluster.ts';
import type { FaultKind, RunConfig } from './config.ts';
import type { HostId, Network } from './network.ts';
import type { RandomStream } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Tally } from './tally.ts';

/** Breaks things, at times and places drawn from its own stream, until it is told to stop. */
export class Faults {
  readonly #cluster: Cluster;
  readonly #network: Network;
  readonly #scheduler: Scheduler;
  readonly #random: RandomStream;
  readonly #config: RunConfig;
  readonly #tally: Tally;
  readonly #clients: HostId[] = [];
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

  /** This client may lose its streams, or sight of the servers, too. */
  addClient(host: HostId): void {
    this.#clients.push(host);
  }

  /** Makes everything whole again: what was down starts, what was cut is joined. */
  end(): void {
    this.#isOver = true;
    this.#network.unblockAll();
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
      case 'reset':
      case 'half-open':
        this.#reset(target, kind);
        break;
      case 'client cut':
        this.#cutClient();
        break;
      case 'slow disk':
        this.#cluster.machine(target).stall(random.logBetween(3, 100));
        this.#tally.add('faults', kind);
        this.#scheduler.after(random.between(100_000, 2_000_000), () =>
          this.#cluster.machine(target).stall(1),
        );
        break;
      case 'clock jump':
        this.#cluster.clock(target).wallOffsetMs += random.pick([-1, 1]) * random.logBetween(1000, 3e11);
        this.#tally.add('faults', kind);
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

  /** Now and then for so long that its session expires. */
  #cutClient(): void {
    const client = this.#random.pick(this.#clients);
    for (const id of this.#cluster.members) {
      this.#network.block(client, id);
      this.#network.block(id, client);
    }
    this.#tally.add('faults', 'client cut');
    const lengthUs = this.#random.logBetween(20_000, this.#config.sessionTimeoutMs * 2000);
    this.#scheduler.after(lengthUs, () => {
      for (const id of this.#cluster.members) {
        this.#network.unblock(client, id);
        this.#network.unblock(id, client);
      }
    });
  }

  #reset(target: PeerId, kind: 'reset' | 'half-open'): void {
    const others = [...this.#cluster.members.filter((id) => id !== target), ...this.#clients];
    const count = this.#network.reset(target, this.#random.pick(others), kind === 'half-open');
    if (count > 0) this.#tally.add('faults', kind);
  }
}
