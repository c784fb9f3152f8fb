/**
 * Everything the client sees of the world. Implementations: gRPC (../grpc-env.ts) and TCP (../tcp-env.ts) on Node's clock,
 * and the simulator's.
 */
export interface ClientEnv {
  /** Milliseconds, never goes back, may stop while the machine sleeps. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Runs `work` once after `delayMs`; the answer cancels it. Keeps the process alive. */
  after(delayMs: number, work: () => void): () => void;
  /** Runs `work` once when this turn's work is done: where what gathered is flushed. */
  atTurnEnd(work: () => void): void;
  randomBytes(count: number): Uint8Array;
  /** Opens a session stream to `host:port` at once; that it cannot be reached shows as `closed`. DNS is asked each time. */
  dial(address: string): ClientChannel;
}

/** A stream of frames both ways, in order; ends once. */
export interface ClientChannel {
  /** Of ZooKeeper's wire: pieces of one or more frames, with their lengths, as jute's writer makes them. */
  send(frame: Uint8Array): void;
  /** Nothing comes after this; `closed` is not called for the side that calls it. */
  close(): void;
  receive(handlers: { frame(frame: Uint8Array): void; closed(error: Error | undefined): void }): void;
}
