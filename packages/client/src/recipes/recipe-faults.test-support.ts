/**
 * The table of faults: each recipe's call, struck at each of its requests. Written against a bench, so that the same
 * table runs on the model and on real servers.
 */
import { type ConnectOptions, retry, type ZooKeeper } from '@zabra/client';
import { Barrier } from './barrier.ts';
import { DoubleBarrier } from './double-barrier.ts';
import { Mutex } from './mutex.ts';
import type { Waiting } from './patience.ts';

/** Before the request is applied, or after it: the reply is then lost or late. */
export type When = 'before' | 'after';

/** What happens to the k-th request of a client from now on: the stream is cut, or the request or its reply is held. */
export interface Blow {
  readonly request: number;
  readonly kind: 'cut' | 'hold';
  readonly when: When;
}

/** An ensemble and what the table needs of it. */
export interface Bench {
  connect(): Promise<ZooKeeper>;
  /** The client that is struck. */
  connectSubject(options: Pick<ConnectOptions, 'retry'>): Promise<Subject>;
  /** Lets everything that can happen now happen. */
  settle(): Promise<void>;
  /** Lets time go by for the clients, and what it brings happen. */
  advance(ms: number): Promise<void>;
  /** Every node but the root. */
  tree(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Subject {
  readonly zk: ZooKeeper;
  /** Counts requests from here on, and strikes the one of the blow. */
  plant(blow: Blow | undefined): void;
  /** Requests counted. */
  readonly requests: number;
  readonly isHeld: boolean;
  release(): void;
}

/**
 * How a call is struck at one of its requests: the connection is cut (`loss`: of a client that tries nothing again by
 * itself), or the caller gives up while the request is out.
 */
export interface Harm {
  readonly kind: 'cut' | 'loss' | 'abort' | 'timeout';
  readonly when: When;
}

/** One call of one recipe among others who use it too. */
export interface Scenario {
  readonly name: string;
  readonly harms: readonly Harm['kind'][];
  /** It rejects when its client gives up, and does not go on by itself. */
  readonly asksOnce?: true;
  /** Paths that may stay: parents, which are containers, and which the model's ensemble does not take away. */
  readonly parents: RegExp;
  begin(subject: ZooKeeper, other: ZooKeeper): Promise<Run>;
}

export interface Run {
  /** The call that is struck; answers what undoes it. */
  act(waiting: Waiting): Promise<() => Promise<unknown>>;
  /** What others do once nothing moves, one after the other. */
  readonly meanwhile: readonly (() => Promise<unknown>)[];
  /** The others end. */
  finish?(): Promise<unknown>;
}

/** What came of it. */
export interface Aftermath {
  /** The fault happened, so the row tested something. */
  readonly wasStruck: boolean;
  /** `done`, the error's message up to its first colon, or `pending`. */
  readonly outcome: string;
  /** Nodes that nobody answers for. */
  readonly left: readonly string[];
}

/**
 * A cut is not the caller's business, except where the call asks once and its client tries nothing again. Giving up may
 * come too late, or be heard only by what runs behind.
 */
export function outcomesAllowed({ asksOnce }: Scenario, { kind }: Harm): readonly string[] {
  return kind === 'loss' && asksOnce ? [...OUTCOMES.loss, 'CONNECTION_LOSS'] : OUTCOMES[kind];
}

const OUTCOMES: Readonly<Record<Harm['kind'], readonly string[]>> = {
  cut: ['done'],
  loss: ['done'],
  abort: ['done', 'stop'],
  timeout: ['done', 'LOCK_TIMEOUT', 'REQUEST_TIMEOUT'],
};

const STOP: Error = new Error('stop');
const TIMEOUT_MS = 1_000;

const none = (): Promise<void> => Promise.resolve();
const locks = /^\/locks(\/a)?$/;
const rooms = /^\/rooms(\/a(\/r[12])?)?$/;
const every: readonly Harm['kind'][] = ['cut', 'loss', 'abort', 'timeout'];
const untimed: readonly Harm['kind'][] = ['cut', 'loss', 'abort'];

export const scenarios: readonly Scenario[] = [
  {
    name: 'Mutex.acquire of a free lock',
    harms: every,
    parents: locks,
    begin: async (subject) => ({
      act: async (waiting) => {
        const lease = await new Mutex(subject, '/locks/a').acquire(waiting);
        return () => lease.release();
      },
      meanwhile: [],
    }),
  },
  {
    name: 'Mutex.acquire behind two others',
    harms: every,
    parents: locks,
    begin: async (subject, other) => {
      const mutex = new Mutex(other, '/locks/a', { id: 'other' });
      const first = await mutex.acquire();
      const second = mutex.acquire();
      return {
        act: async (waiting) => {
          const lease = await new Mutex(subject, '/locks/a').acquire(waiting);
          return () => lease.release();
        },
        meanwhile: [() => first.release(), async () => (await second).release()],
      };
    },
  },
  {
    name: 'Mutex.tryAcquire of a free lock',
    harms: untimed,
    asksOnce: true,
    parents: locks,
    begin: async (subject) => ({
      act: async (waiting) => {
        const lease = await new Mutex(subject, '/locks/a').tryAcquire(waiting);
        return async () => lease?.release();
      },
      meanwhile: [],
    }),
  },
  {
    name: 'Mutex.tryAcquire of a held lock',
    harms: untimed,
    asksOnce: true,
    parents: locks,
    begin: async (subject, other) => {
      const lease = await new Mutex(other, '/locks/a').acquire();
      return {
        act: async (waiting) => {
          await new Mutex(subject, '/locks/a').tryAcquire(waiting);
          return none;
        },
        meanwhile: [],
        finish: () => lease.release(),
      };
    },
  },
  {
    name: 'Mutex.withLock',
    harms: every,
    parents: locks,
    begin: async (subject) => ({
      act: async (waiting) => {
        await new Mutex(subject, '/locks/a').withLock(async () => {}, waiting);
        return none;
      },
      meanwhile: [],
    }),
  },
  {
    name: 'Lease.release',
    harms: every,
    parents: locks,
    begin: async (subject) => {
      const lease = await new Mutex(subject, '/locks/a').acquire();
      return {
        act: async (waiting) => {
          await lease.release(waiting);
          return none;
        },
        meanwhile: [],
      };
    },
  },
  {
    name: 'Barrier.close',
    harms: every,
    asksOnce: true,
    parents: /^\/gates$/,
    begin: async (subject) => ({
      act: async (waiting) => {
        await new Barrier(subject, '/gates/a').close(waiting);
        return none;
      },
      meanwhile: [],
      // A close whose outcome is not known is settled by opening.
      finish: () => new Barrier(subject, '/gates/a').open(),
    }),
  },
  {
    name: 'Barrier.open',
    harms: every,
    asksOnce: true,
    parents: /^\/gates$/,
    begin: async (subject, other) => {
      await new Barrier(other, '/gates/a').close();
      return {
        act: async (waiting) => {
          await new Barrier(subject, '/gates/a').open(waiting);
          return none;
        },
        meanwhile: [],
        finish: () => new Barrier(other, '/gates/a').open(),
      };
    },
  },
  {
    name: 'Barrier.wait',
    harms: every,
    parents: /^\/gates$/,
    begin: async (subject, other) => {
      const barrier = new Barrier(other, '/gates/a');
      await barrier.close();
      return {
        act: async (waiting) => {
          await new Barrier(subject, '/gates/a').wait(waiting);
          return none;
        },
        meanwhile: [() => barrier.open()],
      };
    },
  },
  {
    name: 'DoubleBarrier.enter as the first of two',
    harms: every,
    parents: rooms,
    begin: async (subject, other) => {
      const gone = new AbortController();
      let theirs: Promise<unknown> = none();
      return {
        act: async (waiting) => {
          const round = await new DoubleBarrier(subject, '/rooms/a', { parties: 2 }).enter(waiting);
          return () => round.leave();
        },
        meanwhile: [
          () => {
            theirs = enterAndLeave(other, gone.signal);
            return none();
          },
        ],
        finish: () => {
          gone.abort(STOP);
          return theirs;
        },
      };
    },
  },
  {
    name: 'DoubleBarrier.enter as the one who makes it full',
    harms: every,
    parents: rooms,
    begin: async (subject, other) => {
      const gone = new AbortController();
      const theirs = enterAndLeave(other, gone.signal);
      return {
        act: async (waiting) => {
          const round = await new DoubleBarrier(subject, '/rooms/a', { parties: 2 }).enter(waiting);
          return () => round.leave();
        },
        meanwhile: [],
        finish: () => {
          gone.abort(STOP);
          return theirs;
        },
      };
    },
  },
  leaving({ name: 'DoubleBarrier.leave as the first who came', isFirst: true }),
  leaving({ name: 'DoubleBarrier.leave as the last who came', isFirst: false }),
];

/** All that can be done at one request. */
export function harmsOf({ harms }: Scenario): readonly Harm[] {
  return harms.flatMap((kind) => (['before', 'after'] as const).map((when) => ({ kind, when })));
}

/** How many requests the call sends when nothing strikes it: as many rows has its table for each harm. */
export async function countRequests(bench: Bench, scenario: Scenario): Promise<number> {
  const { requests } = await play(bench, scenario, undefined);
  return requests;
}

export async function strike(
  bench: Bench,
  scenario: Scenario,
  harm: Harm,
  request: number,
): Promise<Aftermath> {
  return play(bench, scenario, { harm, request });
}

async function play(
  bench: Bench,
  scenario: Scenario,
  blow: { readonly harm: Harm; readonly request: number } | undefined,
): Promise<Aftermath & { readonly requests: number }> {
  const subject = await bench.connectSubject(blow?.harm.kind === 'loss' ? { retry: retry.never } : {});
  const other = await bench.connect();
  const run = await scenario.begin(subject.zk, other);
  await bench.settle();

  const stop = new AbortController();
  const waiting: Waiting = {
    ...(blow?.harm.kind === 'abort' ? { signal: stop.signal } : {}),
    ...(blow?.harm.kind === 'timeout' ? { timeoutMs: TIMEOUT_MS } : {}),
  };
  const isCut = blow?.harm.kind === 'cut' || blow?.harm.kind === 'loss';
  const kind = isCut ? 'cut' : 'hold';
  subject.plant(blow && { request: blow.request, kind, when: blow.harm.when });
  let outcome = 'pending';
  let undo: () => Promise<unknown> = none;
  const acting = run.act(waiting).then(
    (done) => {
      outcome = 'done';
      undo = done;
    },
    (error: unknown) => {
      outcome = (error instanceof Error ? error.message : String(error)).split(':')[0] ?? '';
    },
  );

  let wasHeld = false;
  const others: Promise<unknown>[] = [];
  for (const step of [none, ...run.meanwhile]) {
    others.push(step());
    await bench.settle();
    if (subject.isHeld) {
      wasHeld = true;
      stop.abort(STOP);
      if (blow?.harm.kind === 'timeout') await bench.advance(TIMEOUT_MS + 1);
      subject.release();
    }
    // Long enough to connect again; a call that is timed is not left waiting by chance.
    if (isCut) await bench.advance(500);
    await bench.settle();
  }
  const { requests } = subject;
  if (isCut || wasHeld) await bench.advance(3_000);
  await bench.settle();
  const before = outcome;
  subject.plant(undefined);
  await finishing(bench, Promise.all([acting.then(() => undo()), run.finish?.(), ...others]));
  await bench.advance(3_000);
  const left = (await bench.tree()).filter((path) => !scenario.parents.test(path));
  return { wasStruck: requests >= (blow?.request ?? 0), outcome: before, left, requests };
}

/** Time goes on while something is finished, at most five minutes of it. */
async function finishing(bench: Bench, work: Promise<unknown>): Promise<void> {
  let isDone = false;
  const watched = work.finally(() => {
    isDone = true;
  });
  for (let step = 0; step < 600 && !isDone; step++) await bench.advance(500);
  if (!isDone) throw new Error('somebody never finished');
  await watched;
}

/** Another party: comes, and goes again once it is in; or gives up when told to. */
async function enterAndLeave(zk: ZooKeeper, signal: AbortSignal): Promise<void> {
  const round = await new DoubleBarrier(zk, '/rooms/a', { parties: 2 })
    .enter({ signal })
    .catch(() => undefined);
  await round?.leave();
}

function leaving({ name, isFirst }: { readonly name: string; readonly isFirst: boolean }): Scenario {
  return {
    name,
    harms: every,
    parents: rooms,
    begin: async (subject, other) => {
      const [first, last] = isFirst ? [subject, other] : [other, subject];
      const firstIn = new DoubleBarrier(first, '/rooms/a', { parties: 2 }).enter();
      const lastIn = new DoubleBarrier(last, '/rooms/a', { parties: 2 }).enter();
      const [mine, theirs] = await Promise.all(isFirst ? [firstIn, lastIn] : [lastIn, firstIn]);
      return {
        act: async (waiting) => {
          await mine?.leave(waiting);
          return none;
        },
        meanwhile: [async () => theirs?.leave()],
      };
    },
  };
}
