import type { WatchEvent, ZooKeeper } from '@zabra/client';
import type { ExitCode } from '../exit-code.ts';
import type { Given } from './given.ts';
import type { ValueSpec } from './value-spec.ts';

/** How a command is typed. */
export interface CommandSpec {
  readonly name: string;
  /** ZooKeeper's spelling where it differs. */
  readonly aliases?: readonly string[];
  readonly about: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
}

/**
 * One operation on the data: on the command line, where each stands alone, and in the shell. Both read it by the same
 * table and print the same answer.
 */
export interface DataCommand extends CommandSpec {
  /** Only reads: where it stands alone it asks for a sync first, since the command before it may have met another server. */
  readonly reads?: true;
  run(given: Given, context: Context): Promise<Answer>;
}

export interface ArgumentSpec {
  readonly name: string;
  /**
   * `new-path`: of a node to be made, which may end in `/` when a number will follow. `read`: a path that may have an
   * operation and a colon before it.
   */
  readonly kind: 'path' | 'new-path' | 'read' | 'text';
  readonly presence: 'required' | 'optional' | 'many';
  readonly about?: string;
  /** What it is in a shell when it is left away, though the command line needs it. */
  readonly inShell?: string;
}

export interface OptionSpec {
  /** Long, as `--from-zxid`, without the dashes. */
  readonly name: string;
  /** One letter, as zkCli has it. */
  readonly letter?: string;
  readonly about: string;
  /** Absent: the option is there or not. */
  readonly takes?: ValueSpec;
}

export interface Context {
  readonly client: ZooKeeper;
  /** Aborted when the user gives up waiting. */
  readonly signal: AbortSignal;
  /** The bytes that an argument stands for: its text, or on the command line standard input for `-`. */
  data(written: string): Promise<Uint8Array>;
  stdin(): Promise<Uint8Array>;
}

/** What a command has to say; printed as text or as one JSON object. */
export interface Answer {
  readonly text: string | Uint8Array;
  /** Undefined: nothing to say before the events. */
  readonly json: unknown;
  /** Not 0 although nothing was thrown. */
  readonly exitCode?: ExitCode;
  /** A watch that outlives the answer: followed on the command line, kept in the background by a shell. */
  readonly watch?: Watching;
  /** Something the user may not expect, for standard error. A shell's session goes on, so there it is not so. */
  readonly noteWhenAlone?: string;
  /** The command line stays until it is interrupted. */
  readonly holds?: boolean;
}

export type WatchName = 'data' | 'child' | 'persistent' | 'recursive';

export interface Watching {
  readonly name: WatchName;
  readonly path: string;
  readonly events: AsyncIterable<WatchEvent>;
  /** Over after so many; absent: whenever `events` ends. */
  readonly eventsMax?: number;
  /** Idempotent; ends `events`. */
  stop(): Promise<void>;
}

export const PATH_ARGUMENT: ArgumentSpec = { name: 'path', kind: 'path', presence: 'required' };
export const VERSION_OPTION: OptionSpec = {
  name: 'version',
  letter: 'v',
  about: 'only if the node has this version',
  takes: { kind: 'number', label: 'n', min: 0, max: 2 ** 31 - 1, minusOne: 'any' },
};
export const WATCH_OPTION: OptionSpec = {
  name: 'watch',
  letter: 'w',
  about: 'then wait for the first change and print it',
};
export const STAT_OPTION: OptionSpec = { name: 'stat', letter: 's', about: 'print the Stat as well' };
