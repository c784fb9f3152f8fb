import type { DataCommand } from './command.ts';
import { lines } from './node-text.ts';

/** Of this session: on the command line, where each has its own, there are none. */
export const ephemerals: DataCommand = {
  name: 'ephemerals',
  aliases: ['getEphemerals'],
  about: 'print the ephemeral nodes of this session, at and below a path',
  arguments: [{ name: 'path', kind: 'path', presence: 'optional' }],
  options: [],
  reads: true,
  run: async (given, { client, signal }) => {
    const prefix = given.textOrNone('path');
    const paths = await client.ephemerals(prefix, { signal });
    return { text: lines(paths), json: { path: prefix ?? '/', paths } };
  },
};
