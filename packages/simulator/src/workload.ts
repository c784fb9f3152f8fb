import type { ZooKeeper } from '@zabra/client/core';
import { Mutex } from '@zabra/client/recipes';
import { isClientError } from './client-adapter.ts';
import type { HistoryChecker } from './history-checker.ts';
import type { LockChecker } from './lock-checker.ts';
import type { RandomStream } from './random.ts';
import { demand } from './violation.ts';
import { WatchListener } from './watch-listener.ts';

/** What the clients of one run do together, and what they were promised. */
export class Workload {
  /** Per counter: increments that were acknowledged, and those whose fate the client was not told. */
  readonly #counters = new Map<string, { acknowledged: number; unknown: number }>();
  /** Nodes whose names a client was told and that nobody deletes. */
  readonly #kept = new Set<string>();
  /** Errors that a client was given, by code. */
  readonly errors: Map<string, number> = new Map();
  readonly locks: LockChecker;
  #isStill = false;
  #isOver = false;

  constructor(locks: LockChecker) {
    this.locks = locks;
  }

  /** From now on clients finish what they do and then only live on. */
  calm(): void {
    this.#isStill = true;
  }

  get isStill(): boolean {
    return this.#isStill;
  }

  /** From now on clients finish what they do and begin nothing new. */
  end(): void {
    this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  counter(path: string): { acknowledged: number; unknown: number } {
    let counter = this.#counters.get(path);
    if (counter === undefined) {
      counter = { acknowledged: 0, unknown: 0 };
      this.#counters.set(path, counter);
    }
    return counter;
  }

  keep(path: string): void {
    demand(!this.#kept.has(path), 'a sequential name is given once', { path });
    this.#kept.add(path);
  }

  failed(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  /** After the faults: each counter holds its acknowledged increments, each kept node is there. */
  async check(zk: ZooKeeper): Promise<void> {
    for (const [path, { acknowledged, unknown }] of this.#counters) {
      const snapshot = await zk.getOrNull(path);
      const value = snapshot === null ? 0 : Number(new TextDecoder().decode(snapshot.data));
      demand(
        value >= acknowledged && value <= acknowledged + unknown,
        'a counter holds every acknowledged increment once',
        {
          path,
          value,
          acknowledged,
          unknown,
        },
      );
    }
    const found = await Promise.all([...this.#kept].map((path) => zk.exists(path)));
    const missing = [...this.#kept].filter((_path, index) => found[index] === null);
    demand(missing.length === 0, 'an acknowledged node is there', { missing: missing.join(' ') });
  }
}

/** Few, so that there is always somebody who waits. */
const LOCKS: readonly string[] = ['/locks/left', '/locks/right'];

/** A newcomer gets each lock: nobody stands in a line for ever. */
export async function takeEveryLock(zk: ZooKeeper, workload: Workload): Promise<void> {
  for (const path of LOCKS) {
    const lease = await new Mutex(zk, path).acquire();
    workload.locks.acquired(path, lease);
    workload.locks.ending(path, lease);
    await lease.release();
  }
}

/** The nodes below which everything happens; the first client to come makes them. */
export const ROOTS: readonly string[] = [
  '/counters',
  '/queue',
  '/things',
  '/live',
  '/pairs',
  '/brief',
  '/boxes',
  '/groves',
  '/bounded',
];

/**
 * One client: does one thing after another, each drawn anew, until it has had its turns or the workload is over. Whatever an operation may be
 * refused with is fine; what is not is judged by the checkers.
 */
export async function runClient(options: {
  zk: ZooKeeper;
  workload: Workload;
  history: HistoryChecker;
  random: RandomStream;
  activities: 'all' | 'locks';
  sleep: Sleep;
}): Promise<void> {
  const { zk, workload, history, random, sleep } = options;
  for (const root of ROOTS) await attempt(workload, () => zk.create(root, 'root'));
  await attempt(workload, () => zk.setQuota('/bounded', { count: 8, bytes: 2000 }));
  const kinds =
    options.activities === 'locks'
      ? [takeLock]
      : random.shuffled(ACTIVITIES).slice(0, random.between(3, ACTIVITIES.length));
  const pauseMsMean = random.logBetween(20, 250);
  const turns = random.logBetween(5, 500);
  for (let turn = 0; turn < turns && !workload.isOver; ) {
    if (workload.isStill) await sleep(STILL_MS);
    else {
      turn++;
      await random.pick(kinds)({ zk, workload, history, random, sleep });
      await sleep(random.exponential(pauseMsMean));
    }
  }
}

/** How soon a client that does nothing looks whether it is to end. */
const STILL_MS = 200;

type Sleep = (delayMs: number) => Promise<void>;
interface Turn {
  readonly zk: ZooKeeper;
  readonly workload: Workload;
  readonly history: HistoryChecker;
  readonly random: RandomStream;
  readonly sleep: Sleep;
}
type Activity = (turn: Turn) => Promise<void>;

const ACTIVITIES: readonly Activity[] = [
  increment,
  enqueue,
  pipelineBurst,
  transfer,
  churnThings,
  liveAndWatch,
  transferWithSequence,
  takeLock,
  readConfirmed,
  brieflyLived,
  fillBoxes,
  fellGroves,
  fillBounds,
  listen,
];

/** Read-modify-write with a version. */
async function increment({ zk, workload, random }: Turn): Promise<void> {
  const path = `/counters/${random.below(3)}`;
  const counter = workload.counter(path);
  await attempt(workload, async () => {
    const now = await zk.getOrNull(path);
    if (now === null) {
      await zk.create(path, '0');
      return;
    }
    const next = Number(new TextDecoder().decode(now.data)) + 1;
    counter.unknown++;
    try {
      await zk.set(path, String(next), { version: now.stat.version });
      counter.acknowledged++;
      counter.unknown--;
    } catch (error) {
      if (isClientError(error) && error.outcome === 'not-applied') counter.unknown--;
      throw error;
    }
  });
}

async function enqueue({ zk, workload, random }: Turn): Promise<void> {
  await attempt(workload, async () => {
    const { path } = await zk.create('/queue/item-', payload(random), { mode: 'persistent-sequential' });
    workload.keep(path);
  });
}

/** Many at once on one stream: they must take effect, and be answered, in this order. */
async function pipelineBurst({ zk, workload, random }: Turn): Promise<void> {
  const answered: number[] = [];
  const burst = Array.from({ length: random.between(3, 25) }, async (_value, index) => {
    await attempt(workload, async () => {
      const { path } = await zk.create('/queue/burst-', payload(random), { mode: 'persistent-sequential' });
      workload.keep(path);
      answered.push(index);
    });
  });
  await Promise.all(burst);
  demand(
    answered.every((index, position) => position === 0 || index > (answered[position - 1] as number)),
    'answers come in the order of the calls',
    { answered: answered.join(' ') },
  );
}

/** Two nodes that are only ever made and removed together. */
async function transfer({ zk, workload, random }: Turn): Promise<void> {
  const name = `/pairs/${random.below(4)}`;
  await attempt(workload, async () => {
    const left = await zk.exists(`${name}-left`);
    const transaction = zk.transaction();
    if (left === null) {
      transaction.create(`${name}-left`, payload(random)).create(`${name}-right`, payload(random));
    } else {
      transaction.delete(`${name}-left`, { version: left.version }).delete(`${name}-right`);
    }
    await transaction.commit();
  });
}

async function transferWithSequence({ zk, workload, random }: Turn): Promise<void> {
  await attempt(workload, async () => {
    const results = await zk
      .transaction()
      .check('/queue')
      .create('/queue/both-', payload(random), { mode: 'persistent-sequential' })
      .set('/pairs', payload(random))
      .commit();
    const made = results.find((result) => result.op === 'create');
    if (made !== undefined) workload.keep(made.path);
  });
}

/** Create, set, delete of few nodes by all: refusals abound. */
async function churnThings({ zk, workload, random }: Turn): Promise<void> {
  const path = `/things/${random.below(6)}`;
  const action = random.below(5);
  await attempt(workload, async () => {
    if (action === 0) await zk.create(path, payload(random));
    if (action === 1) await zk.set(path, payload(random));
    if (action === 2) await zk.set(path, payload(random), { version: random.below(3) });
    if (action === 3) await zk.delete(path);
    if (action === 4) await zk.setAcl(path, OPEN, { version: random.below(3) });
  });
}

/** An ephemeral of this session, and one-shot watches on what others do. */
async function liveAndWatch({ zk, workload, random }: Turn): Promise<void> {
  const action = random.below(5);
  const path = `/things/${random.below(6)}`;
  await attempt(workload, async () => {
    if (action === 0) await zk.create('/live/member-', '', { mode: 'ephemeral-sequential' });
    if (action === 1) await zk.create(`/live/seat-${random.below(3)}`, '', { mode: 'ephemeral' });
    if (action === 2) await zk.exists(path, { watch: true });
    if (action === 3) await zk.get(path, { watch: true });
    if (action === 4) await zk.children(random.pick(['/live', '/things', '/pairs']), { watch: true });
  });
}

const OPEN = [{ scheme: 'world', id: 'anyone', perms: 'all' }] as const;

/** What a quorum confirms is judged on the wire. */
async function readConfirmed({ zk, workload, random }: Turn): Promise<void> {
  const path = `/counters/${random.below(3)}`;
  const action = random.below(3);
  await attempt(workload, async () => {
    if (action === 0) await zk.getOrNull(path, { linearizable: true });
    if (action === 1) await zk.exists(path, { linearizable: true });
    if (action === 2) {
      await zk.sync(path);
      await zk.getOrNull(path);
    }
  });
}

/** Nodes with a TTL, written and touched now and then. */
async function brieflyLived({ zk, workload, random }: Turn): Promise<void> {
  const path = `/brief/${random.below(3)}`;
  const action = random.below(5);
  const ttlMs = Math.round(random.logBetween(20, 2000));
  await attempt(workload, async () => {
    if (action <= 1) await zk.create(path, payload(random), { mode: 'ttl', ttlMs });
    if (action === 2) await zk.set(path, payload(random));
    if (action === 3) await zk.touch(path);
    if (action === 4) await zk.create('/brief/item-', '', { mode: 'ttl-sequential', ttlMs });
  });
}

/** Containers that fill and empty. */
async function fillBoxes({ zk, workload, random }: Turn): Promise<void> {
  const box = `/boxes/${random.below(3)}`;
  const action = random.below(4);
  await attempt(workload, async () => {
    if (action === 0) await zk.create(box, '', { mode: 'container' });
    if (action === 1) await zk.create(`${box}/thing`, payload(random), { parents: 'container' });
    if (action >= 2) await zk.delete(`${box}/thing`);
  });
}

/** Whole subtrees, in one change or in pieces, while others plant in them. */
async function fellGroves({ zk, workload, random }: Turn): Promise<void> {
  const grove = `/groves/${random.below(2)}`;
  const action = random.below(4);
  await attempt(workload, async () => {
    if (action <= 1) {
      const tree = `${grove}/${random.below(3)}/${random.below(3)}`;
      await zk.create(tree, payload(random), { parents: true });
    }
    if (action === 2) await zk.delete(grove, { recursive: true });
    if (action === 3) await zk.delete(grove, { recursive: true, atomic: true });
  });
}

/** More than a quota allows. */
async function fillBounds({ zk, workload, random }: Turn): Promise<void> {
  const path = `/bounded/${random.below(12)}`;
  const action = random.below(4);
  const burst = Array.from({ length: random.between(1, 6) }, () =>
    attempt(workload, async () => {
      if (action <= 1) await zk.create(`/bounded/${random.below(12)}`, payload(random));
      if (action === 2) await zk.set(path, payload(random));
      if (action === 3) await zk.delete(path);
    }),
  );
  await Promise.all(burst);
}

/** A watch that stays, listened to for a while. */
async function listen({ zk, workload, history, random, sleep }: Turn): Promise<void> {
  const path = random.pick(['/', '/things', '/live', '/groves', '/things/1']);
  const recursive = random.chance(0.6);
  const stop = new AbortController();
  const listener = new WatchListener(history, { path, recursive });
  const ended = sleep(random.logBetween(20, 4000)).then(() => stop.abort());
  await attempt(workload, async () => {
    for await (const event of zk.watch(path, { recursive, signal: stop.signal })) listener.hear(event);
  });
  await ended;
}

/** A lease is held for its time whatever becomes of it, so that the end of a lost one is seen too. */
async function takeLock({ zk, workload, random, sleep }: Turn): Promise<void> {
  const path = random.pick(LOCKS);
  const mutex = new Mutex(zk, path, { onSuspended: random.chance(0.2) ? 'lose' : 'hold' });
  const timeoutMs = random.logBetween(50, 5000);
  const holdMs = random.logBetween(5, 2000);
  await attempt(workload, async () => {
    const lease = random.chance(0.2) ? await mutex.tryAcquire() : await mutex.acquire({ timeoutMs });
    if (lease === null) return;
    workload.locks.acquired(path, lease);
    await sleep(holdMs);
    workload.locks.ending(path, lease);
    await lease.release();
  });
}

/** A refusal or a lost connection is part of life; anything else is a flaw. */
async function attempt(workload: Workload, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isClientError(error)) throw error;
    demand(!UNEXPECTED.has(error.code), 'a client is refused only for a reason it can have', {
      code: error.code,
      message: error.message,
    });
    workload.failed(error.code);
  }
}

/** No healthy client meets these, whatever happens to servers and network. */
const UNEXPECTED: ReadonlySet<string> = new Set([
  'SYSTEM',
  'MARSHALLING',
  'UNIMPLEMENTED',
  'PROTOCOL_VERSION',
  'CODEC_FAILED',
  'INVALID_PATH',
  'BAD_ARGUMENTS',
  // Of one who waits: somebody took it out of the line.
  'LEASE_LOST',
]);

function payload(random: RandomStream): string {
  return 'x'.repeat(random.logBetween(1, 400));
}
