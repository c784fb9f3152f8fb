import type { Answer, CommandSpec, DataCommand } from '../commands/command.ts';
import type { Given } from '../commands/given.ts';
import type { Link } from './link.ts';
import type { Watchings } from './watchings.ts';

/** A command about the shell itself: where it is, what it watches, what was typed. */
export interface ShellCommand extends CommandSpec {
  runInShell(given: Given, room: ShellRoom): Promise<Answer>;
}

/** All that can be typed in a shell. */
export type AnyCommand = DataCommand | ShellCommand;

/** What a command may change of the shell it runs in. */
export interface ShellRoom {
  readonly link: Link;
  readonly watchings: Watchings;
  /** Of this shell, the first is number 0. */
  readonly lines: readonly string[];
  readonly commands: readonly AnyCommand[];
  /** Where relative paths begin. */
  directory: string;
  /** Whether events are printed. */
  isTelling: boolean;
  /** No further line is read. */
  end(): void;
  /** Runs a line as if it had been typed. */
  repeat(line: string): Promise<Answer>;
}

/** Nothing to say. */
export const SILENT: Answer = { text: '', json: undefined };
