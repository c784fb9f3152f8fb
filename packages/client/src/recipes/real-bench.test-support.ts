import { type ConnectOptions, paths, type ZooKeeper } from '@zabra/client';
import { connectOn } from '../core/create-client.ts';
import { grpcEnv } from '../grpc-env.ts';
import { tcpEnv } from '../tcp-env.ts';
import type { Bench, Subject } from './recipe-faults.test-support.ts';
import { zabraSpeech, zooKeeperSpeech } from './speech.test-support.ts';
import { StruckWorld } from './struck-world.test-support.ts';

/**
 * The bench on servers that run: frames travel by gRPC, or by TCP to servers that speak ZooKeeper's wire; servers have the
 * time of day and a disk. Only the clients'
 * clocks can be moved on, so that nobody waits for a reconnect or a timeout.
 */
export class RealBench implements Bench {
  readonly #servers: string;
  readonly #root: string;
  readonly #admin: ZooKeeper;
  readonly #worlds: StruckWorld[] = [];
  readonly #clients: ZooKeeper[] = [];

  private constructor(servers: string, root: string, admin: ZooKeeper) {
    this.#servers = servers;
    this.#root = root;
    this.#admin = admin;
  }

  /** `admin` looks at the tree; `root` is the part of it that this bench has for itself. */
  static async open(servers: string, root: string, admin: ZooKeeper): Promise<RealBench> {
    await admin.create(root);
    return new RealBench(servers, root, admin);
  }

  async connect(): Promise<ZooKeeper> {
    return (await this.#join()).zk;
  }

  async connectSubject(options: Pick<ConnectOptions, 'retry'>): Promise<Subject> {
    const { zk, world } = await this.#join(options);
    return {
      zk,
      plant: (blow) => {
        world.requests = 0;
        world.blow = blow;
      },
      get requests() {
        return world.requests;
      },
      get isHeld() {
        return world.isHeld;
      },
      release: () => world.release(),
    };
  }

  /** Clients that were at more than one server. */
  get moved(): number {
    return this.#worlds.filter(({ servers }) => servers.size > 1).length;
  }

  /** Nothing is owed to anybody, and nothing was said for a while in which an event would have come. */
  async settle(): Promise<void> {
    const deadlineMs = performance.now() + SETTLE_MS_MAX;
    let seen = -1;
    for (let quiet = 0; quiet < QUIET_LOOKS; quiet++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const frames = this.#worlds.reduce((sum, world) => sum + world.frames, 0);
      if (frames !== seen || this.#worlds.some(({ isBusy }) => isBusy)) quiet = -1;
      seen = frames;
      if (performance.now() > deadlineMs) throw new Error('it never became quiet');
    }
  }

  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      for (const world of this.#worlds) world.moveOn(Math.min(left, STEP_MS));
      await this.settle();
    }
  }

  tree(): Promise<readonly string[]> {
    return this.#below(this.#root);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((zk) => zk.close()));
    await this.#admin.delete(this.#root, { recursive: true });
  }

  async #join(
    options: Pick<ConnectOptions, 'retry'> = {},
  ): Promise<{ readonly zk: ZooKeeper; readonly world: StruckWorld }> {
    const isZooKeeper = this.#servers.startsWith('zookeeper://');
    const world = isZooKeeper
      ? new StruckWorld(tcpEnv(undefined), zooKeeperSpeech)
      : new StruckWorld(grpcEnv(undefined), zabraSpeech);
    this.#worlds.push(world);
    const zk = await connectOn(world, { ...options, servers: this.#servers, chroot: this.#root });
    this.#clients.push(zk);
    return { zk, world };
  }

  /** As paths within the root. */
  async #below(parent: string): Promise<readonly string[]> {
    const names = await this.#admin.children(parent, { linearizable: true });
    const children = names.map((name) => paths.join(parent, name));
    const below = await Promise.all(children.map((child) => this.#below(child)));
    return children.flatMap((child, index) => [child.slice(this.#root.length), ...(below[index] ?? [])]);
  }
}

const LOOK_MS = 2;
const QUIET_LOOKS = 4;
const SETTLE_MS_MAX = 20_000;
const STEP_MS = 500;
