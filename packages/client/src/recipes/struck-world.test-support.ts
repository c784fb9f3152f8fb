/**
 * The real world of one client, except that its streams can be struck at a request and its clock can be moved on: what
 * it does over half a minute then takes as long as the servers need to answer.
 */
import {
  type ClientEntry,
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  type ServerEntry,
} from '@zabra/proto';
import type { ClientChannel, ClientEnv } from '../core/env.ts';
import { grpcEnv } from '../grpc-env.ts';
import type { Blow } from './recipe-faults.test-support.ts';

type Handlers = Parameters<ClientChannel['receive']>[0];

interface Timer {
  readonly dueMs: number;
  readonly fire: () => void;
}

export class StruckWorld implements ClientEnv {
  readonly atTurnEnd: ClientEnv['atTurnEnd'];
  readonly randomBytes: ClientEnv['randomBytes'];
  readonly #real: ClientEnv = grpcEnv(undefined);
  readonly #timers = new Set<Timer>();
  #aheadMs = 0;
  #stream: StruckStream | undefined;
  blow: Blow | undefined;
  /** Sent since somebody set it to 0. */
  requests = 0;
  /** Frames sent and received. */
  frames = 0;
  /** Where streams were opened to. */
  readonly servers: Set<string> = new Set();

  constructor() {
    this.atTurnEnd = (work) => this.#real.atTurnEnd(work);
    this.randomBytes = (count) => this.#real.randomBytes(count);
  }

  get isHeld(): boolean {
    return this.#stream?.isHeld ?? false;
  }

  /** A server owes an answer. */
  get isBusy(): boolean {
    return this.#stream !== undefined && this.#stream.awaited > 0 && !this.#stream.isHeld;
  }

  release(): void {
    this.#stream?.release();
  }

  monotonicMs(): number {
    return this.#real.monotonicMs() + this.#aheadMs;
  }

  wallMs(): number {
    return this.#real.wallMs() + this.#aheadMs;
  }

  after(delayMs: number, work: () => void): () => void {
    const cancel = (): void => {
      cancelReal();
      this.#timers.delete(timer);
    };
    const fire = (): void => {
      cancel();
      work();
    };
    const timer: Timer = { dueMs: this.monotonicMs() + delayMs, fire };
    const cancelReal = this.#real.after(delayMs, fire);
    this.#timers.add(timer);
    return cancel;
  }

  /** Time jumps; what was due in between is done, in its order. */
  moveOn(ms: number): void {
    this.#aheadMs += ms;
    const now = this.monotonicMs();
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= now).sort((a, b) => a.dueMs - b.dueMs);
    for (const timer of due) if (this.#timers.has(timer)) timer.fire();
  }

  dial(address: string): ClientChannel {
    this.servers.add(address);
    this.#stream = new StruckStream(this, this.#real.dial(address));
    return this.#stream;
  }
}

/** Passes frames on until the blow falls. */
class StruckStream implements ClientChannel {
  readonly #world: StruckWorld;
  readonly #channel: ClientChannel;
  #handlers: Handlers | undefined;
  #isOpen = true;
  /** Answers that the server owes. */
  awaited = 0;
  /** The request whose reply will be lost or late. */
  #marked: { readonly xid: number; readonly kind: Blow['kind'] } | undefined;
  #heldOut: ClientEntry[] | undefined;
  #heldIn: ServerEntry[] | undefined;

  constructor(world: StruckWorld, channel: ClientChannel) {
    this.#world = world;
    this.#channel = channel;
  }

  get isHeld(): boolean {
    return this.#heldOut !== undefined || this.#heldIn !== undefined;
  }

  send(frame: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#pass(decodeClientFrame(frame.slice()).entries);
  }

  close(): void {
    this.#isOpen = false;
    this.awaited = 0;
    this.#heldIn = undefined;
    this.#heldOut = undefined;
    this.#channel.close();
  }

  receive(handlers: Handlers): void {
    this.#handlers = handlers;
    this.#channel.receive({
      frame: (frame) => {
        if (this.#isOpen) this.#hear(decodeServerFrame(frame).entries);
      },
      closed: (error) => {
        this.close();
        handlers.closed(error);
      },
    });
  }

  release(): void {
    const [out, into] = [this.#heldOut, this.#heldIn];
    this.#heldOut = undefined;
    this.#heldIn = undefined;
    if (into) this.#deliver(into);
    if (!out) return;
    // The one that was struck is counted already.
    this.#world.requests += out.filter(({ kind }) => kind === 'request').length - 1;
    this.#transmit(out);
  }

  #pass(entries: readonly ClientEntry[]): void {
    this.awaited += entries.filter(({ kind }) => kind !== 'rearm').length;
    if (this.#heldOut) {
      this.#heldOut.push(...entries);
      return;
    }
    const place = this.#strikes(entries);
    this.#transmit(entries.slice(0, place));
    if (place === entries.length) return;
    const kind = this.#world.blow?.kind;
    this.#world.blow = undefined;
    if (kind === 'cut') this.#cut();
    else this.#heldOut = entries.slice(place);
  }

  /** Where the blow falls before an entry; the number of entries when it does not. */
  #strikes(entries: readonly ClientEntry[]): number {
    const { blow } = this.#world;
    const place = entries.findIndex((entry) => {
      if (entry.kind !== 'request') return false;
      this.#world.requests++;
      if (this.#world.requests !== blow?.request) return false;
      if (blow.when === 'before') return true;
      this.#marked = { xid: entry.request.xid, kind: blow.kind };
      this.#world.blow = undefined;
      return false;
    });
    return place === -1 ? entries.length : place;
  }

  #transmit(entries: readonly ClientEntry[]): void {
    if (entries.length === 0) return;
    this.#world.frames++;
    this.#channel.send(encodeClientFrame({ entries: [...entries] }));
  }

  #hear(entries: readonly ServerEntry[]): void {
    this.#world.frames++;
    if (this.#heldIn) {
      this.#heldIn.push(...entries);
      return;
    }
    const place = entries.findIndex(
      (entry) => entry.kind === 'reply' && entry.reply.xid === this.#marked?.xid,
    );
    if (place === -1) {
      this.#deliver(entries);
      return;
    }
    const kind = this.#marked?.kind;
    this.#marked = undefined;
    this.#deliver(entries.slice(0, place));
    if (kind === 'cut') this.#cut();
    else this.#heldIn = entries.slice(place);
  }

  #deliver(entries: readonly ServerEntry[]): void {
    if (entries.length === 0) return;
    this.awaited -= entries.filter(({ kind }) => kind !== 'event').length;
    this.#handlers?.frame(encodeServerFrame({ entries: [...entries] }));
  }

  #cut(): void {
    this.close();
    setImmediate(() => this.#handlers?.closed(new Error('the connection was cut')));
  }
}
