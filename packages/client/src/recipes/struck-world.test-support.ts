/**
 * The real world of one client, except that its streams can be struck at a request and its clock can be moved on: what
 * it does over half a minute then takes as long as the servers need to answer.
 */
import type { ClientChannel, ClientEnv } from '../core/env.ts';
import type { Blow } from './recipe-faults.test-support.ts';
import type { Heard, Said, Speech } from './speech.test-support.ts';

type Handlers = Parameters<ClientChannel['receive']>[0];

interface Timer {
  readonly dueMs: number;
  readonly fire: () => void;
}

export class StruckWorld implements ClientEnv {
  readonly atTurnEnd: ClientEnv['atTurnEnd'];
  readonly randomBytes: ClientEnv['randomBytes'];
  readonly #real: ClientEnv;
  readonly #speech: () => Speech;
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

  /** `speech`: of each stream, how what is said on it is cut into words. */
  constructor(real: ClientEnv, speech: () => Speech) {
    this.#real = real;
    this.#speech = speech;
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
    this.#stream = new StruckStream(this, this.#real.dial(address), this.#speech());
    return this.#stream;
  }
}

/** Passes words on until the blow falls. */
class StruckStream implements ClientChannel {
  readonly #world: StruckWorld;
  readonly #channel: ClientChannel;
  readonly #speech: Speech;
  #handlers: Handlers | undefined;
  #isOpen = true;
  /** Answers that the server owes. */
  awaited = 0;
  /** The request whose reply will be lost or late. */
  #marked: { readonly xid: number; readonly kind: Blow['kind'] } | undefined;
  #heldOut: Said[] | undefined;
  #heldIn: Heard[] | undefined;

  constructor(world: StruckWorld, channel: ClientChannel, speech: Speech) {
    this.#world = world;
    this.#channel = channel;
    this.#speech = speech;
  }

  get isHeld(): boolean {
    return this.#heldOut !== undefined || this.#heldIn !== undefined;
  }

  send(frame: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#pass(this.#speech.said(frame));
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
        if (this.#isOpen) this.#hear(this.#speech.heard(frame));
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
    this.#world.requests += out.filter(({ request }) => request !== undefined).length - 1;
    this.#transmit(out);
  }

  #pass(entries: readonly Said[]): void {
    this.awaited += entries.filter(({ isAnswered }) => isAnswered).length;
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
  #strikes(entries: readonly Said[]): number {
    const { blow } = this.#world;
    const place = entries.findIndex(({ request }) => {
      if (request === undefined) return false;
      this.#world.requests++;
      if (this.#world.requests !== blow?.request) return false;
      if (blow.when === 'before') return true;
      this.#marked = { xid: request, kind: blow.kind };
      this.#world.blow = undefined;
      return false;
    });
    return place === -1 ? entries.length : place;
  }

  #transmit(entries: readonly Said[]): void {
    if (entries.length === 0) return;
    this.#world.frames++;
    this.#speech.say(entries, (frame) => this.#channel.send(frame));
  }

  #hear(entries: readonly Heard[]): void {
    this.#world.frames++;
    if (this.#heldIn) {
      this.#heldIn.push(...entries);
      return;
    }
    const place = entries.findIndex(({ reply }) => reply !== undefined && reply === this.#marked?.xid);
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

  #deliver(entries: readonly Heard[]): void {
    if (entries.length === 0) return;
    this.awaited -= entries.filter(({ isAnswer }) => isAnswer).length;
    this.#speech.tell(entries, (frame) => this.#handlers?.frame(frame));
  }

  #cut(): void {
    this.close();
    setImmediate(() => this.#handlers?.closed(new Error('the connection was cut')));
  }
}
