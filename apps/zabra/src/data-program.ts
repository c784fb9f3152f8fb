import { type Command, InvalidArgumentError, Option } from 'commander';
import { DATA_COMMANDS } from './commands/all-commands.ts';
import type { ArgumentSpec, DataCommand, OptionSpec } from './commands/command.ts';
import { Given, type GivenValue } from './commands/given.ts';
import { readValue } from './commands/value-spec.ts';
import type { ServerFlags } from './connection.ts';
import type { ExitCode } from './exit-code.ts';

/** Adds each operation of the table to the command line. `common` makes a command with the options that all have. */
export function addDataCommands(
  common: (name: string, about: string) => Command,
  finish: (code: ExitCode) => void,
): void {
  for (const spec of DATA_COMMANDS) {
    const command = common(spec.name, spec.about).aliases(spec.aliases ?? []);
    const options = spec.options.map((option) => [option, optionOf(option)] as const);
    for (const argument of spec.arguments) command.argument(written(argument), argument.about);
    for (const [, option] of options) command.addOption(option);
    command.addOption(new Option('--json', 'print JSON'));
    command.action(async (...typed: readonly unknown[]) => {
      const flags = command.opts<ServerFlags & { readonly json?: boolean } & Record<string, unknown>>();
      const values = new Map<string, GivenValue>();
      spec.arguments.forEach((argument, index) => {
        if (typed[index] !== undefined) values.set(argument.name, typed[index] as GivenValue);
      });
      for (const [{ name }, option] of options) {
        const value = flags[option.attributeName()];
        if (value !== undefined) values.set(name, value as GivenValue);
      }
      finish(await run(spec, new Given(values), flags));
    });
  }
}

async function run(
  spec: DataCommand,
  given: Given,
  flags: ServerFlags & { readonly json?: boolean },
): Promise<ExitCode> {
  const { runAlone } = await import('./run-alone.ts');
  return runAlone(spec, given, flags);
}

function written({ name, presence }: ArgumentSpec): string {
  switch (presence) {
    case 'required':
      return `<${name}>`;
    case 'optional':
      return `[${name}]`;
    case 'many':
      return `<${name}...>`;
  }
}

function optionOf({ name, letter, about, takes }: OptionSpec): Option {
  const flags = letter === undefined ? `--${name}` : `-${letter}, --${name}`;
  if (takes === undefined) return new Option(flags, about);
  return new Option(`${flags} <${takes.label}>`, about).argParser((typed: string) => {
    const read = readValue(takes, typed);
    if ('fault' in read) throw new InvalidArgumentError(read.fault);
    return read.value;
  });
}
