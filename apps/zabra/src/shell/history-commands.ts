import { lines } from '../commands/node-text.ts';
import { EXIT, Failure } from '../exit-code.ts';
import type { ShellCommand } from './shell-command.ts';

const history: ShellCommand = {
  name: 'history',
  about: 'print the lines of this shell with their numbers',
  arguments: [],
  options: [],
  runInShell: async (_given, room) => ({
    text: lines(room.lines.map((line, number) => `${number} - ${line}`)),
    json: { lines: room.lines },
  }),
};

const redo: ShellCommand = {
  name: 'redo',
  about: 'run a line of the history again',
  arguments: [{ name: 'number', kind: 'text', presence: 'required' }],
  options: [],
  runInShell: async (given, room) => {
    const typed = given.text('number');
    const line = /^\d+$/.test(typed) ? room.lines[Number(typed)] : undefined;
    if (line === undefined) {
      throw new Failure(`there is no line ${typed}; \`history\` shows the numbers`, EXIT.usage);
    }
    if (/^\s*redo\b/i.test(line))
      throw new Failure(`line ${typed} is itself a redo: name the line it ran`, EXIT.usage);
    return room.repeat(line);
  },
};

export const HISTORY_COMMANDS: readonly ShellCommand[] = [history, redo];
