import {
  type Attach,
  type ChangeResult,
  type ClientEntry,
  type ClientRequest,
  decodeClientFrame,
  type ErrorCode,
  type Event,
  encodeServerFrame,
  type ServerEntry,
  type Stat,
} from '@zabra/proto';
import type { ConnectOptions } from './connect-options.ts';
import { connectOn } from './create-client.ts';
import type { ClientChannel, ClientEnv } from './env.ts';
import type { ZooKeeper } from './zookeeper.ts';

type Handlers = Parameters<ClientChannel['receive']>[0];

/** One stream as its server sees it: what the client said, and what the test lets the server say. */
export class FakeStream implements ClientChannel {
  readonly address: string;
  /** One list of entries for each frame. */
  readonly frames: ClientEntry[][] = [];
  isClosed = false;
  #handlers: Handlers | undefined;
  #read = 0;

  constructor(address: string) {
    this.address = address;
  }

  send(frame: Uint8Array): void {
    this.frames.push([...decodeClientFrame(frame).entries]);
  }

  close(): void {
    this.isClosed = true;
  }

  receive(handlers: Handlers): void {
    this.#handlers = handlers;
  }

  get entries(): readonly ClientEntry[] {
    return this.frames.flat();
  }

  get attach(): Attach {
    const [first] = this.entries;
    if (first?.kind !== 'attach') throw new Error('a stream begins with attach');
    return first.attach;
  }

  get requests(): readonly ClientRequest[] {
    return this.entries.flatMap((entry) => (entry.kind === 'request' ? [entry.request] : []));
  }

  get heartbeats(): readonly number[] {
    return this.entries.flatMap((entry) => (entry.kind === 'heartbeat' ? [entry.heartbeat.number] : []));
  }

  /** Requests since it was last asked. */
  news(): readonly ClientRequest[] {
    const fresh = this.requests.slice(this.#read);
    this.#read = this.requests.length;
    return fresh;
  }

  async say(...entries: ServerEntry[]): Promise<void> {
    this.sayBytes(encodeServerFrame({ entries }));
    await settled();
  }

  sayBytes(frame: Uint8Array): void {
    this.#handlers?.frame(frame);
  }

  async breakOff(message = 'connection reset'): Promise<void> {
    this.#handlers?.closed(new Error(message));
    await settled();
  }
}

interface Timer {
  readonly atMs: number;
  readonly work: () => void;
}

/** A world whose clocks move only when told, and whose network is the test. */
export class FakeWorld implements ClientEnv {
  readonly streams: FakeStream[] = [];
  nowMs = 1_000;
  /** The wall clock is this much ahead of the monotonic one. */
  wallAheadMs = 1_700_000_000_000;
  #timers: Timer[] = [];
  #turnEnd: (() => void)[] = [];
  #drawn = 0;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs + this.wallAheadMs;
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timers(): number {
    return this.#timers.length;
  }

  atTurnEnd(work: () => void): void {
    this.#turnEnd.push(work);
  }

  randomBytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => (this.#drawn = (this.#drawn * 5 + 17) % 256));
  }

  dial(address: string): ClientChannel {
    const stream = new FakeStream(address);
    this.streams.push(stream);
    return stream;
  }

  get stream(): FakeStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('nothing was dialled');
    return stream;
  }

  /** Ends the turn: what was gathered is sent. */
  async turn(): Promise<void> {
    await settled();
    for (const work of this.#turnEnd.splice(0)) work();
    await settled();
  }

  /** Lets time pass, each timer at its own time. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      await this.turn();
      const due = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.work();
    }
    this.nowMs = endMs;
    await this.turn();
  }

  /** Answers the attach of the latest stream. */
  async attach(granted: Partial<Parameters<typeof attached>[0]> = {}): Promise<FakeStream> {
    const { stream } = this;
    await stream.say(attached({ sessionId: 7, timeoutMs: 6_000, zxid: 100, ...granted }));
    await this.turn();
    return stream;
  }

  /** Acknowledges the latest heartbeat. */
  async beat(zxid = 100): Promise<void> {
    await this.stream.say(heartbeatAck(this.stream.heartbeats.at(-1) ?? 0, zxid));
  }
}

/** A client that is attached to `h1` as session 7 with a timeout of 6 s, its first heartbeat acknowledged. */
export async function connected(
  options: Partial<ConnectOptions> = {},
): Promise<{ world: FakeWorld; zk: ZooKeeper; stream: FakeStream }> {
  const world = new FakeWorld();
  const connecting = held(connectOn(world, { servers: 'h1:1', sessionTimeoutMs: 6_000, ...options }));
  const stream = await world.attach();
  await world.beat();
  await world.turn();
  return { world, zk: await connecting, stream };
}

export function attached(granted: {
  sessionId: number;
  timeoutMs: number;
  zxid: number;
  clusterId?: string;
  readOnly?: boolean;
  frameBytesMax?: number;
}): ServerEntry {
  const { clusterId = 'cluster-a', readOnly = false, frameBytesMax = 0 } = granted;
  const password = new Uint8Array(16).fill(9);
  return {
    kind: 'attached',
    attached: {
      protocol: 1,
      features: 0,
      password,
      serverId: 1,
      ...granted,
      clusterId,
      readOnly,
      frameBytesMax,
    },
  };
}

export function heartbeatAck(number: number, zxid = 100): ServerEntry {
  return { kind: 'heartbeatAck', heartbeatAck: { number, zxid, serverTimeMs: 0 } };
}

export function goodbye(code: ErrorCode, message = ''): ServerEntry {
  return { kind: 'goodbye', goodbye: { code, message } };
}

export function event(type: Event['type'], kind: Event['kind'], path: string, zxid: number): ServerEntry {
  return { kind: 'event', event: { type, kind, path, zxid, watchId: 0 } };
}

/** Of a watch that stays. */
export function told(
  watchId: number,
  type: Event['type'],
  path: string,
  zxid: number,
  kind: Event['kind'] = 'PERSISTENT',
): ServerEntry {
  return { kind: 'event', event: { type, kind, path, zxid, watchId } };
}

/** The answer to AddWatch and RemoveWatch. */
export function watching(xid: number, zxid = 101): ServerEntry {
  return { kind: 'reply', reply: { kind: 'watch', xid, zxid, watch: {} } };
}

/** The answer to AddAuth. */
export function proven(xid: number, zxid = 101): ServerEntry {
  return { kind: 'reply', reply: { kind: 'addAuth', xid, zxid, addAuth: {} } };
}

export function names(
  xid: number,
  list: readonly string[],
  page: { readonly zxid?: number; readonly more?: boolean; readonly stats?: boolean } = {},
): ServerEntry {
  const { zxid = 101, more = false, stats = false } = page;
  const children = {
    names: list,
    stat: statAt(zxid),
    more,
    stats: stats ? list.map(() => ({ stat: statAt(zxid) })) : [],
  };
  return { kind: 'reply', reply: { kind: 'children', xid, zxid, children } };
}

/** The answer to a write with results of other kinds. */
export function wrote(xid: number, results: readonly ChangeResult[], zxid = 101): ServerEntry {
  return { kind: 'reply', reply: { kind: 'write', xid, zxid, write: { results } } };
}

export function created(xid: number, path: string, zxid = 101): ServerEntry {
  const result = { kind: 'create' as const, create: { path, stat: statAt(zxid) } };
  return { kind: 'reply', reply: { kind: 'write', xid, zxid, write: { results: [result] } } };
}

export function deleted(xid: number, path: string, zxid = 101): ServerEntry {
  const result = { kind: 'delete' as const, delete: { path } };
  return { kind: 'reply', reply: { kind: 'write', xid, zxid, write: { results: [result] } } };
}

export function data(xid: number, bytes: readonly number[], zxid = 101): ServerEntry {
  const get = { data: Uint8Array.from(bytes), stat: statAt(zxid) };
  return { kind: 'reply', reply: { kind: 'get', xid, zxid, get } };
}

export function absent(xid: number, zxid = 101): ServerEntry {
  return { kind: 'reply', reply: { kind: 'exists', xid, zxid, exists: { stat: undefined } } };
}

export function refused(xid: number, code: ErrorCode, zxid = 101): ServerEntry {
  const refusal = { code, message: '', failedIndex: undefined, codes: [] };
  return { kind: 'reply', reply: { kind: 'refused', xid, zxid, refused: refusal } };
}

export function statAt(zxid: number): Stat {
  return {
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctimeMs: 5,
    mtimeMs: 6,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 7,
    dataLength: 0,
    numChildren: 0,
  };
}

/** All promises that can settle now have. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A promise whose rejection is looked at later. */
export function held<P extends Promise<unknown>>(promise: P): P {
  promise.catch(() => undefined);
  return promise;
}

/** How a promise ended, or that it did not. */
export async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  const ended = promise.catch((error: unknown) => error);
  await settled();
  const pending = Symbol('pending');
  const first = await Promise.race([ended, Promise.resolve(pending)]);
  return first === pending ? 'pending' : first;
}
