import { type DataCommand, PATH_ARGUMENT } from './command.ts';

/** Silent when done. */
export const touch: DataCommand = {
  name: 'touch',
  about: 'start the time to live of a node anew, and change nothing',
  arguments: [PATH_ARGUMENT],
  options: [],
  run: async (given, { client, signal }) => {
    await client.touch(given.path, { signal });
    return { text: '', json: { path: given.path } };
  },
};
