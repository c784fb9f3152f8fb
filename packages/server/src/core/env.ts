import type { Identity } from '@zabra/model';

/**
 * Everything a server sees of the world. Two implementations: the real one (../real-*.ts) and the simulator's. What is
 * above this line runs unchanged in both, and touches no clock, disk, network or randomness but through it.
 */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly peers: PeerNetwork;
  readonly clients: ClientNetwork;
  readonly credentials: Credentials;
  readonly log: Logger;
  /**
   * A broken invariant or a failed disk: this server is over. Whoever calls it does nothing more; an environment that ends
   * the whole program may do so by throwing.
   */
  fatal(error: Error): void;
}

export interface Clock {
  /** Milliseconds, never goes back; the origin means nothing. */
  monotonicMs(): number;
  /** Milliseconds since 1970; may jump. For display only. */
  wallMs(): number;
  /** Runs `work` once after `delayMs`; the answer cancels it. */
  after(delayMs: number, work: () => void): Cancel;
  /** Runs `work` once, after the inputs that are already at hand: where what gathered during a turn is flushed. */
  atTurnEnd(work: () => void): void;
}
export type Cancel = () => void;

export interface Random {
  /** Cryptographic in production. */
  bytes(count: number): Uint8Array;
  /** SHA-256: what is kept of a session's password. */
  sha256(data: Uint8Array): Uint8Array;
}

export interface Credentials {
  /**
   * Whom these credentials prove their bearer to be; nobody when the scheme is unknown or they are malformed. Hashing a
   * password takes a while and is done beside the loop; `answer` is called once, later.
   */
  prove(scheme: string, credentials: Uint8Array, answer: (proved: Proved) => void): void;
}

/** `busy`: nobody could look at the credentials, so that they are neither good nor bad. */
export type Proved = readonly Identity[] | 'busy';

export interface Logger {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/**
 * One flat directory. Names have no slash. What a write put down is certain to survive a crash of the machine only after
 * `sync` of that file returned, and a name (created, renamed, removed) only after `syncDirectory` returned. Any error is
 * final for the server: it is thrown as DiskError and nothing written since is believed.
 */
export interface Disk {
  list(): Promise<readonly string[]>;
  /** `create`: the file must not exist yet, else it must. */
  open(name: string, mode: 'create' | 'existing'): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  syncDirectory(): Promise<void>;
}

export interface DiskFile {
  readonly name: string;
  /** Bytes from `offset`; shorter at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** All of it or an error. The bytes must not change until it returns. */
  write(offset: number, data: readonly Uint8Array[]): Promise<void>;
  /** The same, and durable when it returns: these bytes and a cut before them, nothing else that was written. */
  writeDurably(offset: number, data: readonly Uint8Array[]): Promise<void>;
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  length(): Promise<number>;
  close(): Promise<void>;
}

/** A stream of frames in both directions, in order, that may end at any time. Sending on an ended stream does nothing. */
export interface FrameStream {
  send(frame: Uint8Array): void;
  /** Bytes handed to `send` that the network has not taken yet. */
  readonly queuedBytes: number;
  /** No more frames either way; `closed` is not called for the side that calls this. */
  close(): void;
  /** Set once, before the first frame arrives. */
  receive(handlers: StreamHandlers): void;
  /** The other side, for logs. */
  readonly remote: string;
  /** Who the transport itself says the other side is: its address (`ip`), the subject of its certificate (`x509`). */
  readonly identities: readonly Identity[];
  /** Stop and go on reading: back-pressure towards a side that sends faster than it is served. */
  pause(): void;
  resume(): void;
}
export interface StreamHandlers {
  frame(frame: Uint8Array): void;
  /** Several that came together, in order: what they ask for is then done together. Where absent, one after the other. */
  frames?(frames: readonly Uint8Array[]): void;
  /** Both sides see the end once; `error` when it was not an orderly one. */
  closed(error: Error | undefined): void;
}

export type PeerService = 'elect' | 'follow';

export interface PeerNetwork {
  /** A stream at once; that the other side cannot be reached shows as `closed`. */
  dial(peer: number, service: PeerService): FrameStream;
  /** Set once, at start. */
  accept(handler: (stream: FrameStream, service: PeerService) => void): void;
}

/** Which wire a client speaks. */
export type ClientDialect = 'zabra' | 'zookeeper';

export interface ClientNetwork {
  /** Each stream that a client opens; set once, before the server takes clients. Unsaid, it speaks Zabra's own wire. */
  accept(handler: (stream: FrameStream, dialect?: ClientDialect) => void): void;
}
