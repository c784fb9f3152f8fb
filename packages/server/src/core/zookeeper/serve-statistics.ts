/** An operation as ZooKeeper's monitors spell the last one of a connection. */
export type OperationMnemonic =
  | 'SESS'
  | 'CREA'
  | 'DELE'
  | 'EXIS'
  | 'GETD'
  | 'SETD'
  | 'GETA'
  | 'SETA'
  | 'GETC'
  | 'GETACN'
  | 'GETE'
  | 'SYNC'
  | 'PING'
  | 'MULT'
  | 'MLTR'
  | 'ADDW'
  | 'CHKW'
  | 'REMW'
  | 'SETW'
  | 'AUTH'
  | 'HOMI'
  | 'CLOS'
  | 'NA';

/** What can be told of how long things took, in ms: 0 when there was none. */
export interface Spread {
  readonly count: number;
  readonly sumMs: number;
  readonly minMs: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

/** Places in {@link Durations}. */
const COUNT = 0;
const SUM = 1;
const MIN = 2;
const MAX = 3;

/**
 * How long things took: least, mean and most since the last `reset`. Times are given, so that nobody looks at a clock here.
 * Numbers that are written with each request stand in typed arrays, where a fraction needs no object.
 */
export class Durations implements Spread {
  readonly #numbers = new Float64Array(4);

  constructor() {
    this.reset();
  }

  get count(): number {
    return this.#numbers[COUNT] ?? 0;
  }

  get sumMs(): number {
    return this.#numbers[SUM] ?? 0;
  }

  get minMs(): number {
    return this.count === 0 ? 0 : (this.#numbers[MIN] ?? 0);
  }

  get meanMs(): number {
    return this.count === 0 ? 0 : this.sumMs / this.count;
  }

  get maxMs(): number {
    return this.#numbers[MAX] ?? 0;
  }

  add(ms: number): void {
    const numbers = this.#numbers;
    numbers[COUNT] = (numbers[COUNT] ?? 0) + 1;
    numbers[SUM] = (numbers[SUM] ?? 0) + ms;
    if (ms < (numbers[MIN] ?? 0)) numbers[MIN] = ms;
    if (ms > (numbers[MAX] ?? 0)) numbers[MAX] = ms;
  }

  reset(): void {
    this.#numbers.fill(0);
    this.#numbers[MIN] = Number.POSITIVE_INFINITY;
  }
}

/** Sub-buckets of each doubling: a percentile is known to an eighth of its value. */
const STEPS_PER_DOUBLING = 8;
const STEP_BITS = 3;
const MICROSECONDS = 1000;
/** Beyond it, about 35 minutes, all are taken for equally long. */
const MICROSECONDS_MAX = 2 ** 31 - 1;
const BUCKETS = 29 * STEPS_PER_DOUBLING;

/** The same, and below what a share of them lies. */
export class Latencies implements Spread {
  readonly #durations = new Durations();
  readonly #buckets = new Uint32Array(BUCKETS);

  get count(): number {
    return this.#durations.count;
  }

  get sumMs(): number {
    return this.#durations.sumMs;
  }

  get minMs(): number {
    return this.#durations.minMs;
  }

  get meanMs(): number {
    return this.#durations.meanMs;
  }

  get maxMs(): number {
    return this.#durations.maxMs;
  }

  add(ms: number): void {
    this.#durations.add(ms);
    const bucket = bucketOf(Math.min(ms * MICROSECONDS, MICROSECONDS_MAX) | 0);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  reset(): void {
    this.#durations.reset();
    this.#buckets.fill(0);
  }

  /** A duration in ms that this share (0 to 1) of them does not exceed, an eighth too long at most; 0 when there was none. */
  percentileMs(share: number): number {
    let left = Math.max(1, Math.ceil(this.count * share));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#buckets[bucket] ?? 0;
      // The longest one is known exactly.
      if (left <= 0) return Math.min(endOf(bucket) / MICROSECONDS, this.maxMs);
    }
    return this.maxMs;
  }
}

/** Up to 8 µs by the microsecond, then eight to each doubling. */
function bucketOf(microseconds: number): number {
  if (microseconds < STEPS_PER_DOUBLING) return microseconds;
  const doubling = 31 - Math.clz32(microseconds) - STEP_BITS;
  return (doubling << STEP_BITS) + (microseconds >> doubling);
}

/** The first duration beyond the bucket, in µs. */
function endOf(bucket: number): number {
  if (bucket < STEPS_PER_DOUBLING) return bucket + 1;
  const doubling = (bucket >> STEP_BITS) - 1;
  return ((bucket & (STEPS_PER_DOUBLING - 1)) + STEPS_PER_DOUBLING + 1) * 2 ** doubling;
}

/** The last, least and greatest of sizes in bytes; -1 when there was none, as ZooKeeper has it. */
export class Sizes {
  last = -1;
  min = -1;
  max = -1;

  add(bytes: number): void {
    this.last = bytes;
    if (bytes < this.min || this.min < 0) this.min = bytes;
    if (bytes > this.max) this.max = bytes;
  }

  reset(): void {
    this.last = -1;
    this.min = -1;
    this.max = -1;
  }
}

/**
 * What a server counts while it serves: `srvr`, `stat` and `mntr` tell it. Counted since the start or the last `srst`; the
 * fields that are no methods' business are counted up by whoever sees the thing.
 */
export class ServeStatistics {
  /** Requests, the wish for a session and heartbeats included. */
  packetsReceived = 0;
  /** Answers and events. */
  packetsSent = 0;
  /** Of frames from clients and to them. */
  bytesReceived = 0;
  bytesSent = 0;
  /** From a request's arrival to its answer. */
  readonly readLatency: Latencies = new Latencies();
  readonly updateLatency: Latencies = new Latencies();
  /** Of frames to clients. */
  readonly responseSizes: Sizes = new Sizes();
  /** Wishes for a session, old or new. */
  connectionRequests = 0;
  /** Refused since there was no room. */
  connectionsRejected = 0;
  /** Connections that said nothing of a session in time. */
  sessionlessExpired = 0;
  /** Sessions that came back to a leader's confirmation. */
  revalidations = 0;
  authFailures = 0;
  /** Frames larger than the limit. */
  largeRequestsRejected = 0;
  /** Requests whose client was gone before the answer. */
  staleRequests = 0;
  /** Times that this server began to look for a leader. */
  lookings = 0;
  /** As a leader. */
  proposals = 0;
  readonly proposalSizes: Sizes = new Sizes();
  /** Changes that were applied here. */
  commits = 0;

  /** Of all requests. */
  get latency(): Spread {
    return both(this.readLatency, this.updateLatency);
  }

  /** As a leader: a txn of so many bytes was proposed. */
  proposed(bytes: number): void {
    this.proposals++;
    this.proposalSizes.add(bytes);
  }

  /** A frame went out to a client. */
  responded(bytes: number): void {
    this.bytesSent += bytes;
    this.responseSizes.add(bytes);
  }

  /** `srst`: what ZooKeeper's forgets, that is packets, latencies and the sizes; counters of rare things go on. */
  reset(): void {
    this.packetsReceived = 0;
    this.packetsSent = 0;
    this.readLatency.reset();
    this.updateLatency.reset();
    this.responseSizes.reset();
    this.proposalSizes.reset();
  }
}

function both(one: Spread, other: Spread): Spread {
  const count = one.count + other.count;
  const sumMs = one.sumMs + other.sumMs;
  const minMs =
    one.count === 0 ? other.minMs : other.count === 0 ? one.minMs : Math.min(one.minMs, other.minMs);
  return {
    count,
    sumMs,
    minMs,
    meanMs: count === 0 ? 0 : sumMs / count,
    maxMs: Math.max(one.maxMs, other.maxMs),
  };
}

/** Places in {@link ConnectionStatistics}. */
const XID = 0;
const ZXID = 1;
const RESPONSE = 2;
const LATENCY = 3;

/** The same of one connection: `cons` tells it. Counts for its server, too. */
export class ConnectionStatistics {
  readonly #server: ServeStatistics;
  /** Wall clock, ms since 1970. */
  readonly establishedMs: number;
  readonly latency: Durations = new Durations();
  received = 0;
  sent = 0;
  lastOperation: OperationMnemonic = 'NA';
  /** Of the last answer. */
  readonly #last = new Float64Array(4);

  constructor(server: ServeStatistics, establishedMs: number) {
    this.#server = server;
    this.establishedMs = establishedMs;
    this.reset();
  }

  /** As the client numbered it; -1 before there is one, -2 is a heartbeat. */
  get lastXid(): number {
    return this.#last[XID] ?? 0;
  }

  /** -1 before there is one. */
  get lastZxid(): number {
    return this.#last[ZXID] ?? 0;
  }

  /** On the same clock as the times given; 0 before there is one. */
  get lastResponseMs(): number {
    return this.#last[RESPONSE] ?? 0;
  }

  get lastLatencyMs(): number {
    return this.#last[LATENCY] ?? 0;
  }

  /** The client said something. */
  heard(): void {
    this.received++;
    this.#server.packetsReceived++;
  }

  /** Something goes to it: an answer, an event. */
  told(): void {
    this.sent++;
    this.#server.packetsSent++;
  }

  /** A request is answered, be it a change or not; both times are of one clock, in ms. To be called beside `told`. */
  answered(isUpdate: boolean, arrivedMs: number, nowMs: number): void {
    const latencyMs = nowMs - arrivedMs;
    this.#last[RESPONSE] = nowMs;
    this.#last[LATENCY] = latencyMs;
    this.latency.add(latencyMs);
    if (isUpdate) this.#server.updateLatency.add(latencyMs);
    else this.#server.readLatency.add(latencyMs);
  }

  /** What it was that was answered. */
  did(operation: OperationMnemonic, xid: number, zxid: number): void {
    this.lastOperation = operation;
    this.#last[XID] = xid;
    this.#last[ZXID] = zxid;
  }

  /** `crst`. */
  reset(): void {
    this.received = 0;
    this.sent = 0;
    this.lastOperation = 'NA';
    this.latency.reset();
    this.#last.fill(0);
    this.#last[XID] = -1;
    this.#last[ZXID] = -1;
  }
}

/** What ZooKeeper's clients number a heartbeat with. */
export const XID_HEARTBEAT = -2;
