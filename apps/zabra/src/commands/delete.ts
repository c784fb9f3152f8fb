import { EXIT, Failure } from '../exit-code.ts';
import { type DataCommand, PATH_ARGUMENT, VERSION_OPTION } from './command.ts';

const ATOMIC_OPTION = { name: 'atomic', about: 'all of it in one change, or nothing' } as const;

/** Silent when done. */
export const remove: DataCommand = {
  name: 'delete',
  about: 'delete a node',
  arguments: [PATH_ARGUMENT],
  options: [
    VERSION_OPTION,
    { name: 'recursive', about: 'delete what is below it first' },
    { ...ATOMIC_OPTION, about: 'with --recursive: all of it in one change, or nothing' },
  ],
  run: async (given, { client, signal }) => {
    const { path } = given;
    const recursive = given.has('recursive');
    if (given.has('atomic') && !recursive) {
      throw new Failure('--atomic is about what is below: it goes with --recursive', EXIT.usage);
    }
    await client.delete(path, { signal, ...given.version, recursive, atomic: given.has('atomic') });
    return { text: '', json: { path } };
  },
};

/** zkCli's name for deleting a node and all below it. */
export const deleteAll: DataCommand = {
  name: 'deleteall',
  about: 'delete a node and all that is below it',
  arguments: [PATH_ARGUMENT],
  options: [
    ATOMIC_OPTION,
    {
      name: 'batch',
      letter: 'b',
      about: "accepted for zkCli's sake: the server decides how much goes at a time",
      takes: { kind: 'number', label: 'n', min: 0, max: 2 ** 31 - 1 },
    },
  ],
  run: async (given, { client, signal }) => {
    await client.delete(given.path, { signal, recursive: true, atomic: given.has('atomic') });
    return { text: '', json: { path: given.path } };
  },
};
