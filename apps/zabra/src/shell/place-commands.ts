import { noNode } from '../commands/stat.ts';
import { type ShellCommand, SILENT } from './shell-command.ts';

const cd: ShellCommand = {
  name: 'cd',
  about: 'go to a node: relative paths begin there',
  arguments: [{ name: 'path', kind: 'path', presence: 'required', inShell: '/' }],
  options: [],
  runInShell: async (given, room) => {
    const { path } = given;
    if ((await room.link.client.exists(path)) === null) throw noNode('cd', path);
    room.directory = path;
    return SILENT;
  },
};

const pwd: ShellCommand = {
  name: 'pwd',
  about: 'print where you are',
  arguments: [],
  options: [],
  runInShell: async (_given, { directory }) => ({ text: `${directory}\n`, json: { path: directory } }),
};

export const PLACE_COMMANDS: readonly ShellCommand[] = [cd, pwd];
