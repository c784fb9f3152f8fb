import { assert, type Identity } from '@zabra/model';
import type { FrameStream, StreamHandlers } from '@zabra/server/core';
import type { Process } from './process.ts';
import type { RandomStream } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Trace } from './trace.ts';

/** A machine in the network: servers from 1, clients from {@link FIRST_CLIENT}. */
export type HostId = number;
export const FIRST_CLIENT: HostId = 1000;

export type Service = 'elect' | 'follow' | 'client';

export interface NetworkSpeed {
  readonly delayUsMin: number;
  /** Mean of what comes on top, exponentially spread. */
  readonly delayUsMean: number;
  /** Of each frame, that it takes up to half a second. */
  readonly slowChance: number;
}

/**
 * Streams of frames between hosts, as TCP gives them: within one direction of one stream in order and without holes,
 * between streams in any order. A stream may end at any time; what was under way then arrives up to some point and
 * nothing after it. Each side learns of the end by itself, the one long after the other.
 *
 * `block` cuts the way from one host to another, in that direction only: frames wait, and go on when it is unblocked
 * (TCP sends them again), unless the stream ends first.
 */
export class Network {
  readonly scheduler: Scheduler;
  readonly random: RandomStream;
  readonly trace: Trace;
  readonly #speed: NetworkSpeed;
  readonly #blocked = new Set<number>();
  readonly #listeners = new Map<HostId, Listener>();
  readonly #connections = new Set<Connection>();

  constructor(options: { scheduler: Scheduler; random: RandomStream; trace: Trace; speed: NetworkSpeed }) {
    this.scheduler = options.scheduler;
    this.random = options.random;
    this.trace = options.trace;
    this.#speed = options.speed;
  }

  /** Answers what comes to a host from now on; until `process` is dead. */
  listen(host: HostId, process: Process): Listener {
    const listener: Listener = { process, isSilent: false, accept: new Map() };
    this.#listeners.set(host, listener);
    return listener;
  }

  /** A stream at once; if `to` cannot be reached it ends later. */
  dial(options: { from: HostId; process: Process; to: HostId; service: Service }): Endpoint {
    const connection = new Connection(this, options);
    this.#connections.add(connection);
    connection.connect(() => this.#listeners.get(options.to));
    return connection.dialer;
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
  }

  delayUs(): number {
    const { delayUsMin, delayUsMean, slowChance } = this.#speed;
    if (this.random.chance(slowChance)) return this.random.below(500_000);
    return delayUsMin + this.random.exponential(delayUsMean);
  }

  isBlocked(from: HostId, to: HostId): boolean {
    return this.#blocked.has(from * 4096 + to);
  }

  block(from: HostId, to: HostId): void {
    this.#blocked.add(from * 4096 + to);
  }

  unblock(from: HostId, to: HostId): void {
    this.#blocked.delete(from * 4096 + to);
    for (const connection of this.#connections) connection.pump();
  }

  unblockAll(): void {
    this.#blocked.clear();
    for (const connection of this.#connections) connection.pump();
  }

  /** Ends streams between two hosts; `isHalfOpen`: one side hears of it seconds later. Answers how many. */
  reset(a: HostId, b: HostId, isHalfOpen: boolean): number {
    let count = 0;
    for (const connection of [...this.#connections]) {
      if (!connection.joins(a, b)) continue;
      const late = isHalfOpen ? this.random.between(500_000, 5_000_000) : 0;
      const first = this.random.chance(0.5);
      connection.breakOff(first ? 0 : late, first ? late : 0);
      count++;
    }
    return count;
  }

  /**
   * The process of a host has died. The kernel of a machine that lives says so at once; a dead machine says nothing, and
   * the others find out after seconds or when it is back.
   */
  hostDied(host: HostId, isMachine: boolean): void {
    const listener = this.#listeners.get(host);
    if (listener !== undefined) listener.isSilent = isMachine;
    for (const connection of [...this.#connections]) {
      if (!connection.touches(host)) continue;
      const noticeUs = isMachine ? this.random.between(100_000, 3_000_000) : 0;
      connection.breakOff(noticeUs, noticeUs);
    }
  }
}

export interface Listener {
  readonly process: Process;
  /** Its machine is down: nobody is there to refuse a caller. */
  isSilent: boolean;
  readonly accept: Map<'peer' | 'client', (stream: Endpoint, service: Service) => void>;
}

/** How long a caller waits for a host that says nothing. */
const DIAL_TIMEOUT_US = 1_000_000;

/** One stream: two endpoints, and a lane from each to the other. */
class Connection {
  readonly dialer: Endpoint;
  readonly acceptor: Endpoint;
  readonly #network: Network;
  readonly #from: HostId;
  readonly #to: HostId;
  readonly #service: Service;
  #isOpen = false;

  constructor(network: Network, options: { from: HostId; process: Process; to: HostId; service: Service }) {
    this.#network = network;
    this.#from = options.from;
    this.#to = options.to;
    this.#service = options.service;
    const forget = (): void => {
      if (this.dialer.isOver && this.acceptor.isOver) network.forget(this);
    };
    const there = new Lane(network, options.from, options.to, () => this.#isOpen);
    const back = new Lane(network, options.to, options.from, () => this.#isOpen);
    this.dialer = new Endpoint({ network, out: there, incoming: back, remote: options.to, forget });
    this.acceptor = new Endpoint({ network, out: back, incoming: there, remote: options.from, forget });
    this.dialer.process = options.process;
    there.receiver = this.acceptor;
    back.receiver = this.dialer;
  }

  connect(listenerOf: () => Listener | undefined): void {
    const deadlineUs = this.#network.scheduler.nowUs + DIAL_TIMEOUT_US;
    const attempt = (): void => {
      if (this.dialer.isOver) return;
      const listener = listenerOf();
      const accept = listener?.accept.get(this.#service === 'client' ? 'client' : 'peer');
      const isCut =
        listener?.isSilent === true ||
        this.#network.isBlocked(this.#from, this.#to) ||
        this.#network.isBlocked(this.#to, this.#from);
      if (isCut && this.#network.scheduler.nowUs < deadlineUs) {
        this.#network.scheduler.after(100_000, attempt);
      } else if (isCut || listener === undefined || accept === undefined || !listener.process.isAlive) {
        this.breakOff(this.#network.delayUs(), 0);
      } else {
        listener.process.deliver(() => this.#accept(listener.process, accept));
      }
    };
    this.#network.scheduler.after(this.#network.delayUs(), attempt);
  }

  #accept(process: Process, accept: (stream: Endpoint, service: Service) => void): void {
    if (this.dialer.isOver) return;
    this.#network.trace.record(process.name, 'accept', `${this.#service} from ${this.acceptor.remote}`);
    this.acceptor.process = process;
    this.#isOpen = true;
    accept(this.acceptor, this.#service);
    this.pump();
  }

  pump(): void {
    this.dialer.out.pump();
    this.acceptor.out.pump();
  }

  joins(a: HostId, b: HostId): boolean {
    return (this.#from === a && this.#to === b) || (this.#from === b && this.#to === a);
  }

  touches(host: HostId): boolean {
    return this.#from === host || this.#to === host;
  }

  /** Both directions arrive up to some point; each side learns of the end so many microseconds later. */
  breakOff(dialerUs: number, acceptorUs: number): void {
    this.dialer.out.breakOff(this.#network.random, acceptorUs);
    this.acceptor.out.breakOff(this.#network.random, dialerUs);
    if (!this.#isOpen) this.acceptor.isOver = true;
    this.#isOpen = true;
    this.pump();
  }
}

interface Item {
  readonly readyUs: number;
  /** Undefined: the end. */
  readonly frame: Uint8Array | undefined;
  readonly error: Error | undefined;
}

/** One direction of a stream. */
class Lane {
  receiver: Endpoint | undefined;
  queuedBytes = 0;
  readonly #network: Network;
  readonly #from: HostId;
  readonly #to: HostId;
  readonly #isOpen: () => boolean;
  #items: Item[] = [];
  #lastUs = 0;
  #isScheduled = false;
  #isBroken = false;

  constructor(network: Network, from: HostId, to: HostId, isOpen: () => boolean) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
    this.#isOpen = isOpen;
  }

  push(frame: Uint8Array | undefined, error?: Error): void {
    if (this.#isBroken) return;
    this.#lastUs = Math.max(this.#lastUs, this.#network.scheduler.nowUs + this.#network.delayUs());
    this.#items.push({ readyUs: this.#lastUs, frame, error });
    this.queuedBytes += frame?.length ?? 0;
    this.pump();
  }

  breakOff(random: RandomStream, noticeUs: number): void {
    if (this.#isBroken) return;
    if (random.chance(0.5)) {
      for (const lost of this.#items.splice(random.below(this.#items.length + 1))) {
        this.queuedBytes -= lost.frame?.length ?? 0;
      }
    }
    this.#lastUs = Math.max(this.#lastUs, this.#network.scheduler.nowUs + noticeUs + this.#network.delayUs());
    // The end comes by itself when a host is out of reach, so it does not wait for the way to be free.
    this.#items.push({ readyUs: this.#lastUs, frame: undefined, error: new Error('stream reset') });
    this.#isBroken = true;
  }

  pump(): void {
    const head = this.#items[0];
    if (head === undefined || this.#isScheduled || this.#mustWait(head)) return;
    this.#isScheduled = true;
    this.#network.scheduler.at(head.readyUs, () => {
      this.#isScheduled = false;
      const first = this.#items[0];
      if (first === undefined || this.#mustWait(first)) return;
      if (first.readyUs <= this.#network.scheduler.nowUs) {
        this.#items.shift();
        this.queuedBytes -= first.frame?.length ?? 0;
        this.receiver?.arrive(first.frame, first.error);
      }
      this.pump();
    });
  }

  #mustWait(head: Item): boolean {
    if (!this.#isOpen() || this.receiver === undefined || !this.receiver.isReady) return true;
    if (!this.#network.isBlocked(this.#from, this.#to)) return false;
    if (!this.#isBroken) return true;
    // Broken while cut: the frames are lost, only the news of the end is left.
    if (head.frame !== undefined) this.#items = this.#items.slice(-1);
    return false;
  }
}

/** Frames the network takes from a sender before it lets them wait in `queuedBytes`. */
const WINDOW_BYTES = 64 * 1024;

/** One side of a stream, in the shape that servers and clients know. */
export class Endpoint implements FrameStream {
  readonly remote: string;
  readonly identities: readonly Identity[];
  readonly out: Lane;
  readonly #incoming: Lane;
  process: Process | undefined;
  readonly #network: Network;
  readonly #forget: () => void;
  #handlers: StreamHandlers | undefined;
  #isPaused = false;
  #isOver = false;

  constructor(options: {
    network: Network;
    out: Lane;
    incoming: Lane;
    remote: HostId;
    forget: () => void;
  }) {
    this.#network = options.network;
    this.out = options.out;
    this.#incoming = options.incoming;
    this.remote = hostName(options.remote);
    this.identities = [{ scheme: 'ip', id: hostAddress(options.remote) }];
    this.#forget = options.forget;
  }

  get queuedBytes(): number {
    return Math.max(0, this.out.queuedBytes - WINDOW_BYTES);
  }

  get isReady(): boolean {
    return this.#isOver || (this.#handlers !== undefined && !this.#isPaused);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  set isOver(value: boolean) {
    this.#isOver = value;
    this.#forget();
  }

  send(frame: Uint8Array): void {
    if (this.#isOver || this.process === undefined || !this.process.effect()) return;
    this.#network.trace.record(this.process.name, 'send', this.remote, frame);
    this.out.push(frame.slice());
  }

  close(): void {
    if (this.#isOver || this.process === undefined || !this.process.effect()) return;
    this.#network.trace.record(this.process.name, 'close', this.remote);
    this.isOver = true;
    this.out.push(undefined);
  }

  receive(handlers: StreamHandlers): void {
    assert(this.#handlers === undefined, 'handlers are set once', { remote: this.remote });
    this.#handlers = handlers;
    this.#incoming.pump();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#incoming.pump();
  }

  arrive(frame: Uint8Array | undefined, error: Error | undefined): void {
    this.process?.deliver(() => {
      if (this.#isOver) return;
      const name = this.process?.name ?? '';
      if (frame !== undefined) {
        this.#network.trace.record(name, 'receive', this.remote, frame);
        this.#handlers?.frame(frame);
      } else {
        this.#network.trace.record(name, 'closed', this.remote);
        this.isOver = true;
        this.#handlers?.closed(error);
      }
    });
    if (this.process?.isAlive === false) this.isOver = true;
  }
}

/** Each machine has one: clients are told apart by it. */
export function hostAddress(host: HostId): string {
  return `10.0.${host >> 8}.${host & 0xff}`;
}

export function hostName(host: HostId): string {
  return host < FIRST_CLIENT ? `server ${host}` : `client ${host - FIRST_CLIENT}`;
}
