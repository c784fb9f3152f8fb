import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js';
import type { Identity } from '@zabra/model';
import type { FrameStream, StreamHandlers } from './core/env.ts';

type Call = ClientDuplexStream<Uint8Array, Uint8Array> | ServerDuplexStream<Uint8Array, Uint8Array>;

/**
 * One gRPC call as a stream of frames. `release` gives back what the call stood on (a channel of its own), after it ended;
 * `hangUp` ends it from this side.
 */
export class GrpcStream implements FrameStream {
  readonly remote: string;
  readonly identities: readonly Identity[];
  queuedBytes = 0;
  readonly #call: Call;
  readonly #hangUp: () => void;
  #handlers: StreamHandlers | undefined;
  #ended = false;

  constructor(
    call: Call,
    other: { readonly remote: string; readonly identities: readonly Identity[] },
    hangUp: () => void,
  ) {
    this.#call = call;
    this.remote = other.remote;
    this.identities = other.identities;
    this.#hangUp = hangUp;
    // An error without a listener would end the process; it arrives here once, whatever event brings it first.
    call.on('error', (error: Error) => this.#end(error));
    call.on('end', () => this.#end(undefined));
    call.on('close', () => this.#end(undefined));
    call.on('cancelled', () => this.#end(undefined));
  }

  send(frame: Uint8Array): void {
    if (this.#ended) return;
    this.queuedBytes += frame.length;
    this.#call.write(frame, () => {
      this.queuedBytes -= frame.length;
    });
  }

  receive(handlers: StreamHandlers): void {
    this.#handlers = handlers;
    this.#call.on('data', (frame: Uint8Array) => {
      if (!this.#ended) handlers.frame(frame);
    });
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hangUp();
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hangUp();
    this.#handlers?.closed(error);
  }
}
