import type { ArgumentSpec, CommandSpec, OptionSpec } from '../commands/command.ts';
import { Given, type GivenValue } from '../commands/given.ts';
import { readValue } from '../commands/value-spec.ts';
import { EXIT, Failure } from '../exit-code.ts';
import { resolvePath } from './shell-path.ts';
import { type Word, wordsOf } from './words.ts';

export interface Line<Command extends CommandSpec> {
  readonly command: Command;
  readonly given: Given;
}

/** Understood by every command of a shell. */
export const JSON_OPTION: OptionSpec = { name: 'json', about: 'print JSON' };

/**
 * Reads one line as zkCli's users write it: the command in any case, its options by letter, together or apart, before or
 * behind the arguments. Relative paths are below `directory`. Undefined for an empty line or a comment. Throws a usage
 * failure that says what is wrong.
 */
export function parseLine<Command extends CommandSpec>(
  line: string,
  commands: ReadonlyMap<string, Command>,
  directory: string,
): Line<Command> | undefined {
  if (line.trim().startsWith('#')) return undefined;
  const [first, ...rest] = wordsOf(line);
  if (first === undefined) return undefined;
  const command = commands.get(first.text.toLowerCase());
  if (command === undefined) {
    throw new Failure(`there is no command "${first.text}"; \`help\` lists what there is`, EXIT.usage);
  }
  return { command, given: readGiven(command, rest, directory) };
}

/** By name and by each other spelling, in lower case. */
export function byName<Command extends CommandSpec>(all: readonly Command[]): ReadonlyMap<string, Command> {
  return new Map(
    all.flatMap((command) =>
      [command.name, ...(command.aliases ?? [])].map((name) => [name.toLowerCase(), command] as const),
    ),
  );
}

/** `create [-s] [-t <ms>] path [data]` */
export function usageOf(command: CommandSpec): string {
  const options = command.options.map(({ name, letter, takes }) => {
    const flag = letter === undefined ? `--${name}` : `-${letter}`;
    return takes === undefined ? `[${flag}]` : `[${flag} <${takes.label}>]`;
  });
  const positions = command.arguments.map(({ name, presence, inShell }) => {
    if (presence === 'many') return `${name}...`;
    return presence === 'optional' || inShell !== undefined ? `[${name}]` : name;
  });
  return [command.aliases?.[0] ?? command.name, ...options, ...positions].join(' ');
}

function readGiven(command: CommandSpec, words: readonly Word[], directory: string): Given {
  const values = new Map<string, GivenValue>();
  const positions: string[] = [];
  const left = [...words];
  let areOptionsOver = false;
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const isOption = !areOptionsOver && !word.isQuoted && /^-./.test(word.text);
    if (!isOption) positions.push(word.text);
    else if (word.text === '--') areOptionsOver = true;
    else readOption(command, word.text, left, values);
  }
  readPositions(command, positions, directory, values);
  return new Given(values);
}

function readOption(
  command: CommandSpec,
  typed: string,
  left: Word[],
  values: Map<string, GivenValue>,
): void {
  const [, name = typed, attached] = /^(--[^=]+)=(.*)$/s.exec(typed) ?? [];
  const options = optionsOf(command, name);
  for (const option of options) {
    const { takes } = option;
    if (takes === undefined) {
      if (attached !== undefined) throw wrong(command, `${name} takes no value`);
      values.set(option.name, true);
      continue;
    }
    // Whatever comes next is the value, a minus before it or not: -n -1 means no limit.
    const value = attached ?? left.shift()?.text;
    if (value === undefined) throw wrong(command, `${name} needs a value`);
    const read = readValue(takes, value);
    if ('fault' in read) throw wrong(command, `${name} is "${value}". ${read.fault}`);
    values.set(option.name, read.value);
  }
}

/** One, or several letters that take no value. */
function optionsOf(command: CommandSpec, typed: string): readonly OptionSpec[] {
  const known = [...command.options, JSON_OPTION];
  if (typed.startsWith('--')) {
    const option = known.find(({ name }) => `--${name}` === typed);
    if (option !== undefined) return [option];
    throw unknownOption(command, typed);
  }
  const letters = [...typed.slice(1)];
  return letters.map((letter) => {
    const option = known.find((one) => one.letter === letter);
    if (option === undefined || (letters.length > 1 && option.takes !== undefined)) {
      throw unknownOption(command, typed);
    }
    return option;
  });
}

function readPositions(
  command: CommandSpec,
  typed: readonly string[],
  directory: string,
  values: Map<string, GivenValue>,
): void {
  command.arguments.forEach((argument, index) => {
    if (argument.presence === 'many') {
      if (typed.length <= index) throw wrong(command, `${argument.name} is missing`);
      values.set(
        argument.name,
        typed.slice(index).map((one) => meant(argument, one, directory)),
      );
      return;
    }
    const given = typed[index] ?? argument.inShell;
    if (given !== undefined) values.set(argument.name, meant(argument, given, directory));
    else if (argument.presence === 'required') throw wrong(command, `${argument.name} is missing`);
  });
  const isOpen = command.arguments.some(({ presence }) => presence === 'many');
  const tooMuch = typed[command.arguments.length];
  if (tooMuch !== undefined && !isOpen) {
    throw wrong(command, `"${tooMuch}" is one argument too many; quote what has blanks`);
  }
}

function meant({ kind }: ArgumentSpec, typed: string, directory: string): string {
  switch (kind) {
    case 'text':
      return typed;
    case 'path':
      return resolvePath(directory, typed);
    case 'new-path':
      return resolvePath(directory, typed, { keepSlash: true });
    case 'read': {
      const [, operation = '', path = ''] = /^((?:get|exists|children):)?(.*)$/s.exec(typed) ?? [];
      return operation + resolvePath(directory, path);
    }
  }
}

function unknownOption(command: CommandSpec, typed: string): Failure {
  return wrong(command, `unknown option ${typed}; put -- before what is none`);
}

function wrong(command: CommandSpec, reason: string): Failure {
  return new Failure(`${command.name}: ${reason}; usage: ${usageOf(command)}`, EXIT.usage);
}
