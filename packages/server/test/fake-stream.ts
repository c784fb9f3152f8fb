import type { Identity } from '@zabra/model';
import { type ClientEntry, decodeServerFrame, encodeClientFrame, type ServerEntry } from '@zabra/proto';
import type { FrameStream, StreamHandlers } from '../src/core/env.ts';

/** A network that takes nothing, or all, and keeps what was sent. */
export class FakeStream implements FrameStream {
  readonly remote = 'a test';
  readonly identities: readonly Identity[];
  queuedBytes = 0;
  closed = false;
  paused = false;
  /** All entries, and those of each frame. */
  readonly said: ServerEntry[] = [];
  readonly frames: (readonly ServerEntry[])[] = [];
  #handlers: StreamHandlers | undefined;

  constructor(address = '10.0.0.1') {
    this.identities = [{ scheme: 'ip', id: address }];
  }

  send(frame: Uint8Array): void {
    this.queuedBytes += frame.length;
    const { entries } = decodeServerFrame(frame);
    this.frames.push(entries);
    this.said.push(...entries);
  }
  take(): void {
    this.queuedBytes = 0;
  }
  close(): void {
    this.closed = true;
  }
  receive(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }

  /** The client says it, in one frame. */
  hear(...entries: readonly ClientEntry[]): void {
    this.#handlers?.frame(encodeClientFrame({ entries }));
  }
  /** The client hangs up. */
  hangUp(): void {
    this.#handlers?.closed(undefined);
  }
}
