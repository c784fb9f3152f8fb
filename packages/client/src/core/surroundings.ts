import type { Instrumentation } from './instrumentation.ts';
import type { Logger } from './logger.ts';

/**
 * What a recipe needs of the world beyond the calls of its client, as the client itself has it: a recipe that takes
 * time and randomness from here is deterministic when its client is, as in a simulation.
 */
export interface Surroundings {
  /** Milliseconds since 1970, for people to read. */
  readonly wallMs: () => number;
  /** Runs `work` once after `delayMs`; the answer cancels it. */
  readonly after: (delayMs: number, work: () => void) => () => void;
  /** A random id that nobody else has, in the form of a UUID. */
  readonly newGuid: () => string;
  /**
   * A write whose answer was lost is made again by the client, and done once. False at a ZooKeeper: such a write fails
   * with CONNECTION_LOSS, its outcome is unknown, and whoever asked must look.
   */
  readonly doesWritesOnce: boolean;
  /** The one of ConnectOptions, or one that says nothing. Where a task that nobody waits for ends when it fails. */
  readonly logger: Logger;
  /** Tells the program's instrumentation, if it wants to know. */
  readonly recipe: (info: Parameters<NonNullable<Instrumentation['recipe']>>[0]) => void;
}

export const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
