import type { CommandSpec } from '../commands/command.ts';
import { lines } from '../commands/node-text.ts';
import { EXIT, Failure } from '../exit-code.ts';
import { byName, JSON_OPTION, usageOf } from './parse-line.ts';
import type { ShellCommand } from './shell-command.ts';

export const help: ShellCommand = {
  name: 'help',
  aliases: ['?'],
  about: 'list the commands, or show one of them with its options',
  arguments: [{ name: 'command', kind: 'text', presence: 'optional' }],
  options: [],
  runInShell: async (given, { commands }) => {
    const name = given.textOrNone('command');
    if (name === undefined) {
      const all = [...commands].sort((a, b) => (a.name < b.name ? -1 : 1));
      return {
        text: lines(all.map((command) => `${usageOf(command)}\n    ${command.about}`)),
        json: { commands: all.map((command) => ({ usage: usageOf(command), about: command.about })) },
      };
    }
    const command = byName(commands).get(name.toLowerCase());
    if (command === undefined) {
      throw new Failure(`there is no command "${name}"; \`help\` lists what there is`, EXIT.usage);
    }
    return {
      text: lines([usageOf(command), `    ${command.about}`, ...optionLines(command)]),
      json: { usage: usageOf(command), about: command.about },
    };
  },
};

const FLAG_WIDTH = 24;

function optionLines(command: CommandSpec): readonly string[] {
  return [...command.options, JSON_OPTION].map(({ name, letter, about, takes }) => {
    const flag = `${letter === undefined ? '    ' : `-${letter}, `}--${name}`;
    return `  ${`${flag}${takes === undefined ? '' : ` <${takes.label}>`}`.padEnd(FLAG_WIDTH)}  ${about}`;
  });
}
