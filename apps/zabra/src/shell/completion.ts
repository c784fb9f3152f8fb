import type { ArgumentSpec, CommandSpec } from '../commands/command.ts';
import { JSON_OPTION } from './parse-line.ts';
import { resolvePath } from './shell-path.ts';
import { quoted, readWords, type Word } from './words.ts';

export interface Surroundings {
  /** By lower-case name, other spellings included. */
  readonly commands: ReadonlyMap<string, CommandSpec>;
  readonly directory: string;
  /** The names of the children; empty where there are none to be seen. */
  childrenOf(path: string): Promise<readonly string[]>;
}

/** What can stand for the end of the line, and the part of the line it stands for. */
export type Completion = readonly [hits: readonly string[], replaced: string];

/** Completes the last word of a line up to the cursor: a command, an option, or a path. */
export async function complete(line: string, surroundings: Surroundings): Promise<Completion> {
  const { words, openQuote, isLastOpen } = readWords(line);
  const last = isLastOpen ? words.at(-1) : undefined;
  const before = isLastOpen ? words.slice(0, -1) : words;
  const typed = last === undefined ? '' : line.slice(last.start);
  const [first, ...rest] = before;
  if (first === undefined) return [commandNames(surroundings.commands, typed), typed];
  const command = surroundings.commands.get(first.text.toLowerCase());
  if (command === undefined) return [[], typed];
  if (typed.startsWith('-')) return [optionNames(command, typed), typed];
  const argument = argumentAt(command, rest);
  if (argument === undefined || argument.kind === 'text') return [[], typed];
  const hits = await pathHits(argument, last?.text ?? '', surroundings);
  const written = hits.map((hit) => (openQuote === undefined ? quoted(hit) : openQuote + hit));
  return [written, typed];
}

function commandNames(commands: ReadonlyMap<string, CommandSpec>, typed: string): readonly string[] {
  const spellings = new Set(
    [...commands.values()].flatMap(({ name, aliases = [] }) =>
      // ZooKeeper's own spelling rather than the same in lower case.
      aliases.some((alias) => alias.toLowerCase() === name) ? aliases : [name, ...aliases],
    ),
  );
  const found = [...spellings].filter((name) => name.toLowerCase().startsWith(typed.toLowerCase())).sort();
  return found.map((name) => `${name} `);
}

function optionNames(command: CommandSpec, typed: string): readonly string[] {
  const names = [...command.options, JSON_OPTION].flatMap(({ name, letter }) =>
    letter === undefined || typed.startsWith('--') ? [`--${name}`] : [`-${letter}`, `--${name}`],
  );
  return names.filter((name) => name.startsWith(typed)).map((name) => `${name} `);
}

/** Which argument the next word is; undefined for an option's value and for one too many. */
function argumentAt(command: CommandSpec, before: readonly Word[]): ArgumentSpec | undefined {
  const left = [...before];
  let position = 0;
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word.isQuoted || !/^-./.test(word.text)) {
      position++;
      continue;
    }
    const option = command.options.find(
      ({ name, letter }) => word?.text === `--${name}` || word?.text === `-${letter}`,
    );
    if (option?.takes !== undefined && left.shift() === undefined) return undefined;
  }
  const last = command.arguments.at(-1);
  return command.arguments[position] ?? (last?.presence === 'many' ? last : undefined);
}

/** As typed up to the last slash, then the child's name; a lone one ends in a slash when there is more below it. */
async function pathHits(
  argument: ArgumentSpec,
  typed: string,
  { directory, childrenOf }: Surroundings,
): Promise<readonly string[]> {
  const operation = argument.kind === 'read' ? (/^(get|exists|children):/.exec(typed)?.[0] ?? '') : '';
  const path = typed.slice(operation.length);
  const above = path.slice(0, path.lastIndexOf('/') + 1);
  const begun = path.slice(above.length);
  const names = (await childrenOf(resolvePath(directory, above))).filter((name) => name.startsWith(begun));
  const hits = names.map((name) => operation + above + name);
  const [only] = hits;
  if (hits.length !== 1 || only === undefined) return hits;
  const below = await childrenOf(resolvePath(directory, only.slice(operation.length)));
  return below.length === 0 ? hits : [`${only}/`];
}
