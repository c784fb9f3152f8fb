import { PATH_ARGUMENT, type WatchName } from '../commands/command.ts';
import type { Given } from '../commands/given.ts';
import { standing } from '../commands/watching.ts';
import { EXIT, Failure } from '../exit-code.ts';
import { type ShellCommand, SILENT } from './shell-command.ts';

const MODES: Readonly<Record<string, boolean>> = { PERSISTENT: false, PERSISTENT_RECURSIVE: true };

const addWatch: ShellCommand = {
  name: 'addwatch',
  aliases: ['addWatch'],
  about: 'tell of each change of a node and, unless the mode is PERSISTENT, of all below it',
  arguments: [PATH_ARGUMENT],
  options: [
    {
      name: 'mode',
      letter: 'm',
      about: 'PERSISTENT or PERSISTENT_RECURSIVE, which it is when left away',
      takes: { kind: 'text', label: 'mode' },
    },
  ],
  runInShell: async (given, { link }) => {
    const mode = (given.textOrNone('mode') ?? 'PERSISTENT_RECURSIVE').toUpperCase();
    const recursive = Object.hasOwn(MODES, mode) ? MODES[mode] : undefined;
    if (recursive === undefined) {
      throw new Failure(`a watch's mode is ${Object.keys(MODES).join(' or ')}, not "${mode}"`, EXIT.usage);
    }
    return { ...SILENT, watch: standing(link.client, given.path, { recursive }) };
  },
};

/** zkCli's letters; -a, or none, is all. */
const NAMES: readonly { readonly option: string; readonly letter: string; readonly name: WatchName }[] = [
  { option: 'children', letter: 'c', name: 'child' },
  { option: 'data', letter: 'd', name: 'data' },
  { option: 'persistent', letter: 'p', name: 'persistent' },
  { option: 'recursive', letter: 'r', name: 'recursive' },
];

const removeWatches: ShellCommand = {
  name: 'removewatches',
  about: 'forget the watches of this shell on a node',
  arguments: [PATH_ARGUMENT],
  options: [
    ...NAMES.map(({ option, letter }) => ({ name: option, letter, about: `only: ${option}` })),
    { name: 'any', letter: 'a', about: 'of every kind, as when nothing is said' },
    { name: 'local', letter: 'l', about: "accepted for zkCli's sake: here they go in any case" },
  ],
  runInShell: async (given, { watchings }) => {
    const { path } = given;
    const removed = await watchings.remove(path, namesIn(given));
    if (removed > 0) return { text: '', json: { path, removed } };
    throw new Failure(`NO_WATCHER: removewatches ${path}: this shell has no such watch there`, EXIT.failed);
  },
};

function namesIn(given: Given): ReadonlySet<WatchName> {
  const named = NAMES.filter(({ option }) => given.has(option));
  const isAny = given.has('any') || named.length === 0;
  return new Set((isAny ? NAMES : named).map(({ name }) => name));
}

const printWatches: ShellCommand = {
  name: 'printwatches',
  about: 'print events as they come, or not: on or off',
  arguments: [{ name: 'on|off', kind: 'text', presence: 'optional' }],
  options: [],
  runInShell: async (given, room) => {
    const wanted = given.textOrNone('on|off')?.toLowerCase();
    if (wanted !== undefined && wanted !== 'on' && wanted !== 'off') {
      throw new Failure(`printwatches is on or off, not "${wanted}"`, EXIT.usage);
    }
    if (wanted !== undefined) {
      room.isTelling = wanted === 'on';
      return SILENT;
    }
    return {
      text: `printwatches is ${room.isTelling ? 'on' : 'off'}\n`,
      json: { printwatches: room.isTelling },
    };
  },
};

export const WATCH_COMMANDS: readonly ShellCommand[] = [addWatch, removeWatches, printWatches];
