import type { Identity } from '@zabra/model';
import type { Env, FrameStream, StreamHandlers } from './env.ts';

/**
 * The same world, but whatever it calls back goes through `enter`: the one door into the replica's loop, so that no timer
 * and no frame can run beside it.
 */
export function enteredEnv(env: Env, enter: (work: () => void) => void): Env {
  const entered = (stream: FrameStream): FrameStream => new EnteredStream(stream, enter);
  return {
    clock: {
      monotonicMs: () => env.clock.monotonicMs(),
      wallMs: () => env.clock.wallMs(),
      after: (delayMs, work) => env.clock.after(delayMs, () => enter(work)),
      atTurnEnd: (work) => env.clock.atTurnEnd(() => enter(work)),
    },
    random: env.random,
    credentials: {
      prove: (scheme, credentials, answer) =>
        env.credentials.prove(scheme, credentials, (proved) => enter(() => answer(proved))),
    },
    disk: env.disk,
    log: env.log,
    peers: {
      dial: (peer, service) => entered(env.peers.dial(peer, service)),
      accept: (handler) =>
        env.peers.accept((stream, service) => enter(() => handler(entered(stream), service))),
    },
    clients: {
      accept: (handler) =>
        env.clients.accept((stream, dialect) => enter(() => handler(entered(stream), dialect))),
    },
    fatal: (error) => env.fatal(error),
  };
}

class EnteredStream implements FrameStream {
  readonly #stream: FrameStream;
  readonly #enter: (work: () => void) => void;

  constructor(stream: FrameStream, enter: (work: () => void) => void) {
    this.#stream = stream;
    this.#enter = enter;
  }

  get remote(): string {
    return this.#stream.remote;
  }

  get identities(): readonly Identity[] {
    return this.#stream.identities;
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  send(frame: Uint8Array): void {
    this.#stream.send(frame);
  }

  close(): void {
    this.#stream.close();
  }

  receive(handlers: StreamHandlers): void {
    this.#stream.receive({
      frame: (frame) => this.#enter(() => handlers.frame(frame)),
      // Through the door once: what they ask for is proposed together.
      frames: (frames) =>
        this.#enter(() => {
          for (const frame of frames) handlers.frame(frame);
        }),
      closed: (error) => this.#enter(() => handlers.closed(error)),
    });
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}
