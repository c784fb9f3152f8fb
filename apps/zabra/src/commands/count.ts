import { type DataCommand, PATH_ARGUMENT } from './command.ts';

/** How many nodes are below, the node itself not counted. */
export const count: DataCommand = {
  name: 'count',
  aliases: ['getAllChildrenNumber'],
  about: 'print how many nodes are below',
  arguments: [PATH_ARGUMENT],
  options: [],
  reads: true,
  run: async (given, { client, signal }) => {
    const descendants = await client.descendants(given.path, { signal });
    return { text: `${descendants}\n`, json: { path: given.path, descendants } };
  },
};
